using System;

namespace Reprieve.Unity
{
    /// <summary>
    /// A feature of a product, to ask about in every frame. It is there before its ledger is open and after it was closed: then access is
    /// <see cref="Access.Unknown"/>, which is no refusal. <see cref="ReprieveSession.Feature"/> and <see cref="ReprieveRunner.Feature"/> make one.
    /// </summary>
    /// <remarks>Any thread. No call allocates, throws or touches the disk.</remarks>
    public sealed class ReprieveFeature
    {
        // Set by the session while it is open. An answer that was under way when the session closed is still a good one.
        private volatile Feature native;

        internal ReprieveFeature(string sku, string name)
        {
            Sku = sku;
            Name = name;
        }

        /// <summary>The product.</summary>
        public string Sku { get; private set; }

        /// <summary>The feature's name.</summary>
        public string Name { get; private set; }

        /// <summary>The decision of the moment; one that says <see cref="Access.Unknown"/> while no ledger is open.</summary>
        public Decision Check()
        {
            Feature feature = native;
            return feature == null ? default(Decision) : feature.Check();
        }

        /// <summary>What the game may do now. Unknown is no refusal.</summary>
        public Access Access { get { return Check().Access; } }

        /// <summary>Whether access is limited or full. False also where nothing could be decided: use <see cref="Access"/> where that matters, or
        /// <see cref="Refused"/>.</summary>
        public bool Allowed
        {
            get
            {
                Feature feature = native;
                return feature != null && feature.Allowed;
            }
        }

        /// <summary>Whether the rules give no access. What could not be decided is not refused: a game that shuts nobody out by mistake asks
        /// this.</summary>
        public bool Refused { get { return Check().Access == Access.Denied; } }

        internal void Bind(Feature feature)
        {
            Feature before = native;
            native = feature;
            if (before != null)
            {
                before.Dispose();
            }
        }
    }
}
