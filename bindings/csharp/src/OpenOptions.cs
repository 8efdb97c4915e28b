using System;

namespace Reprieve
{
    /// <summary>Who does upkeep: reading the clocks and the ledger, and recording what is due.</summary>
    public enum Upkeep
    {
        /// <summary>Checks do it, at most every 10 ms.</summary>
        InChecks = 0,
        /// <summary>The product calls <see cref="Client.Upkeep"/> on a thread of its choice, every second or so: then a check never touches the
        /// disk. If none has run for 10 min, checks are unknown.</summary>
        Own = 1,
    }

    /// <summary>How a ledger is opened, where the application file and the platform's defaults do not suit.</summary>
    /// <example><code>
    /// using (var client = Client.Open("reprieve.toml", new OpenOptions { Upkeep = Upkeep.Own, LockTimeout = TimeSpan.FromSeconds(1) }))
    /// { ... }
    /// </code></example>
    /// <remarks>Not for several threads while it is being changed.</remarks>
    public sealed class OpenOptions
    {
        /// <summary>The ledger's folder; null for the application file's, or else the platform's.</summary>
#if REPRIEVE_NULLABLE
        public string? Folder { get; set; }
#else
        public string Folder { get; set; }
#endif

        /// <summary>The folder of the witness, which shows if the ledger is put back from a copy (rule L3); null for the application file's, or
        /// else the user's state folder.</summary>
#if REPRIEVE_NULLABLE
        public string? Witness { get; set; }
#else
        public string Witness { get; set; }
#endif

        /// <summary>A ledger in memory, for read-only machines: it ends with the client, and every decision says so.</summary>
        public bool InMemory { get; set; }

        /// <summary>Who does upkeep; checks, unless said.</summary>
        public Upkeep Upkeep { get; set; }

        /// <summary>How long a call waits for the ledger's lock before it throws <see cref="LedgerBusyException"/>: 0 to 49 days, in steps of 1 ms;
        /// 5 s if null.</summary>
        public TimeSpan? LockTimeout { get; set; }

        /// <summary>Whether a ledger is made where none lies. If not, opening throws <see cref="ErrorCode.Missing"/>. True unless said.</summary>
        public bool Create { get; set; } = true;

        internal Client OpenOn(BuilderHandle builder)
        {
            ErrorHandle error;
            if (Folder != null)
            {
                byte[] folder = Native.Utf8("Folder", Folder);
                Native.Check(NativeMethods.reprieve_builder_set_folder(builder, folder, Native.Length(folder), out error), error);
            }
            if (Witness != null)
            {
                byte[] witness = Native.Utf8("Witness", Witness);
                Native.Check(NativeMethods.reprieve_builder_set_witness(builder, witness, Native.Length(witness), out error), error);
            }
            if (InMemory)
            {
                Native.Check(NativeMethods.reprieve_builder_set_in_memory(builder, out error), error);
            }
            Native.Check(NativeMethods.reprieve_builder_set_upkeep(builder, (uint)Upkeep, out error), error);
            if (LockTimeout != null)
            {
                double milliseconds = Math.Ceiling(LockTimeout.Value.TotalMilliseconds);
                if (milliseconds < 0 || milliseconds > uint.MaxValue)
                {
                    throw new ReprieveInputException(ErrorCode.Argument, "`LockTimeout` is " + LockTimeout + "; use 0 to 49 days");
                }
                Native.Check(NativeMethods.reprieve_builder_set_lock_timeout(builder, (uint)milliseconds, out error), error);
            }
            Native.Check(NativeMethods.reprieve_builder_set_create(builder, Create ? 1u : 0u, out error), error);
            ClientHandle client;
            Native.Check(NativeMethods.reprieve_builder_open(builder, out client, out error), error);
            return new Client(client);
        }
    }
}
