using System;

namespace Reprieve
{
    /// <summary>
    /// A feature of a product, of one client: what a product keeps to ask about it in every frame. <see cref="Reprieve.Client.Feature"/> makes one.
    /// </summary>
    /// <remarks>
    /// <para>Any number of threads may use one at once; also disposing while another thread is in a call is safe. It keeps its client's ledger open
    /// until it is disposed, or forgotten and freed by the runtime; after <see cref="Reprieve.Client.Close"/> its checks are unknown.</para>
    /// </remarks>
    /// <example><code>
    /// Feature export = client.Feature("cad-pro", "export.step");     // once
    /// if (export.Allowed) { Export(); }                               // in every frame
    /// </code></example>
    public sealed class Feature : IDisposable
    {
        // Where the library writes: on the stack it would be zeroed in each call, which costs Mono as much as half the call.
        [ThreadStatic]
        private static DecisionData scratch;

        private readonly FeatureHandle handle;

        internal Feature(FeatureHandle handle, string sku, string name)
        {
            this.handle = handle;
            Sku = sku;
            Name = name;
        }

        /// <summary>The product.</summary>
        public string Sku { get; }

        /// <summary>The feature's name.</summary>
        public string Name { get; }

        /// <summary>
        /// May the product use it now? As <see cref="Reprieve.Client.Check"/>, and faster: no name is encoded, and between two looks at the ledger
        /// the decision is copied, without a lock, an allocation or a system call. Never throws, never waits for another process.
        /// </summary>
        /// <returns>The decision. Access is unknown, which is no refusal, after closing or disposing, and where the ledger cannot be read:
        /// <see cref="Reprieve.Client.Explain"/> says why.</returns>
        public Decision Check()
        {
            ref DecisionData data = ref scratch;
            return Ask(ref data) ? new Decision(ref data) : Decision.None;
        }

        /// <summary>Whether access is limited or full now: <see cref="Check"/> in brief, as cheap, and as safe. What could not be decided is not
        /// allowed, and not denied either; where that matters, look at <see cref="Decision.Access"/>.</summary>
        public bool Allowed
        {
            get
            {
                ref DecisionData data = ref scratch;
                return Ask(ref data) && data.access >= (uint)Access.Limited;
            }
        }

        // Apart, so that the callers have no exceptions' frames and none of the copies that go with them.
        private bool Ask(ref DecisionData data)
        {
            data.struct_size = DecisionData.Size;
            try
            {
                return NativeMethods.reprieve_feature_check(handle, ref data, IntPtr.Zero) == 0;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }

        /// <summary>Frees it. Never throws, also a second time. Its client goes on.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }
}
