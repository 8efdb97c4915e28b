using System;

namespace Reprieve
{
    /// <summary>What a product has to do in a step of a scenario.</summary>
    public enum TaskKind
    {
        /// <summary>Nothing.</summary>
        Nothing = 0,
        /// <summary>Import <see cref="DrillTask.Token"/>.</summary>
        Import = 1,
        /// <summary>Check <see cref="DrillTask.Sku"/> and <see cref="DrillTask.Feature"/>.</summary>
        Check = 2,
        /// <summary>Report <see cref="DrillTask.Outage"/>.</summary>
        Report = 3,
        /// <summary>Do upkeep, then take and acknowledge events as <see cref="Drill.Consumer"/> until there is none.</summary>
        Events = 4,
    }

    /// <summary>What a product has to do in a step of a scenario, after the world did its part. What does not apply is null.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class DrillTask
    {
#if REPRIEVE_NULLABLE
        internal DrillTask(TaskKind kind, Outage? outage, byte[]? token, string sku, string feature)
#else
        internal DrillTask(TaskKind kind, Outage? outage, byte[] token, string sku, string feature)
#endif
        {
            Kind = kind;
            Outage = outage;
            Token = token;
            Sku = sku;
            Feature = feature;
        }

        /// <summary>What to do.</summary>
        public TaskKind Kind { get; }

        /// <summary>The outage to report.</summary>
        public Outage? Outage { get; }

        /// <summary>The token to import.</summary>
#if REPRIEVE_NULLABLE
        public byte[]? Token { get; }
#else
        public byte[] Token { get; }
#endif

        /// <summary>The SKU to check.</summary>
#if REPRIEVE_NULLABLE
        public string? Sku { get; }
#else
        public string Sku { get; }
#endif

        /// <summary>The feature to check.</summary>
#if REPRIEVE_NULLABLE
        public string? Feature { get; }
#else
        public string Feature { get; }
#endif
    }

    /// <summary>
    /// A drill: a simulated authority, clock and world, and real clients on a real ledger in it. The ledger is marked as a drill's, and a real open
    /// refuses it. Tests, conformance in every language, and a team's outage drill are the same thing.
    /// </summary>
    /// <remarks>Any thread; calls on one drill take turns. All calls throw <see cref="ReprieveException"/>, and
    /// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>.</remarks>
    /// <example><code>
    /// using (Drill drill = Drill.FromScenario("{\"name\": \"a-day\", \"sku\": \"cad\", \"steps\": []}"))
    /// using (Client client = drill.Client())
    /// {
    ///     client.Import(drill.Issue(DocumentKind.Lease, "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": 1767312000}}"));
    ///     drill.Advance(TimeSpan.FromHours(25));
    ///     Assert(client.Check("cad", "core").State == State.Expired);
    /// }
    /// </code></example>
    public sealed class Drill : IDisposable
    {
        private readonly DrillHandle handle;

        private Drill(DrillHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>The consumer by which a scenario's events are taken.</summary>
        public static string Consumer
        {
            get
            {
                ReprieveLibrary.Require();
                return Native.StaticText(NativeMethods.reprieve_drill_consumer());
            }
        }

        /// <summary>A drill that walks a scenario, on a simulated clock, in a temporary folder that goes with it.</summary>
        /// <param name="scenario">JSON, as the semantics describe it under Scenarios.</param>
        /// <exception cref="ReprieveInputException">The scenario is malformed (Scenario), or its policy is refused.</exception>
        public static Drill FromScenario(string scenario)
        {
            ReprieveLibrary.Require();
            byte[] json = Native.Utf8("scenario", scenario);
            DrillHandle drill;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_from_scenario(json, Native.Length(json), out drill, out error), error);
            return new Drill(drill);
        }

        /// <summary>A drill on the real clock in a folder that stays, which other processes can open.</summary>
        /// <param name="folder">Where its files lie; made if it is not there.</param>
        /// <param name="policy">The policy's claims as JSON; null for none.</param>
        /// <exception cref="LedgerException">A drill is there already (Exists), or the folder cannot be written.</exception>
        /// <exception cref="ReprieveInputException">The policy is refused.</exception>
#if REPRIEVE_NULLABLE
        public static Drill Create(string folder, string? policy = null)
#else
        public static Drill Create(string folder, string policy = null)
#endif
        {
            ReprieveLibrary.Require();
            byte[] path = Native.Utf8("folder", folder), json = Native.Utf8OrNull("policy", policy);
            DrillHandle drill;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_create(
                path, Native.Length(path), json, Native.Length(json), out drill, out error), error);
            return new Drill(drill);
        }

        /// <summary>Opens a drill that <see cref="Create"/> made, in this process or another.</summary>
        /// <exception cref="LedgerException">There is none (Missing), or it cannot be opened.</exception>
        public static Drill Open(string folder)
        {
            ReprieveLibrary.Require();
            byte[] path = Native.Utf8("folder", folder);
            DrillHandle drill;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_open(path, Native.Length(path), out drill, out error), error);
            return new Drill(drill);
        }

        /// <summary>How many steps the scenario has; 0 for a drill without one.</summary>
        public int StepCount
        {
            get
            {
                UIntPtr count;
                ErrorHandle error;
                Native.Check(NativeMethods.reprieve_drill_step_count(handle, out count, out error), error);
                return checked((int)count.ToUInt64());
            }
        }

        /// <summary>Does the world's part of a step of the scenario, and says what the product has to do. Then ask <see cref="Client"/> for the client
        /// anew, as a step may close one and open another.</summary>
        /// <param name="step">From 0.</param>
        /// <exception cref="ReprieveInputException">There is no such step.</exception>
        public DrillTask Step(int step)
        {
            if (step < 0)
            {
                throw new ReprieveInputException(ErrorCode.Argument, "steps count from 0");
            }
            TaskHandle task;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_step(handle, (UIntPtr)(uint)step, out task, out error), error);
            using (task)
            {
                uint kind, outage;
                IntPtr text;
                UIntPtr len;
                Native.Check(NativeMethods.reprieve_task_kind(task, out kind));
                Native.Check(NativeMethods.reprieve_task_outage(task, out outage));
                Native.Check(NativeMethods.reprieve_task_token(task, out text, out len));
#if REPRIEVE_NULLABLE
                byte[]? token = text == IntPtr.Zero ? null : Native.Copy(text, len);
#else
                byte[] token = text == IntPtr.Zero ? null : Native.Copy(text, len);
#endif
                Native.Check(NativeMethods.reprieve_task_sku(task, out text, out len));
                string sku = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_task_feature(task, out text, out len));
                return new DrillTask((TaskKind)kind, outage != 0 ? (Outage)outage : (Outage?)null, token, sku, Native.Text(text, len));
            }
        }

        /// <summary>The client of the moment: shares the drill's open ledger. Dispose it.</summary>
        /// <exception cref="ReprieveClosedException">A step failed to open one.</exception>
        public Client Client()
        {
            ClientHandle client;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_client(handle, out client, out error), error);
            return new Client(client);
        }

        /// <summary>Opens another client on the drill's ledger, such as one that leaves upkeep to the product. Dispose it.</summary>
        /// <param name="options">Null for the defaults.</param>
        /// <exception cref="LedgerException">It cannot be opened.</exception>
#if REPRIEVE_NULLABLE
        public Client OpenClient(OpenOptions? options = null)
#else
        public Client OpenClient(OpenOptions options = null)
#endif
        {
            BuilderHandle builder;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_builder(handle, out builder, out error), error);
            using (builder)
            {
                return (options ?? new OpenOptions()).OpenOn(builder);
            }
        }

        /// <summary>Time passes, on the simulated clock of a scenario's drill.</summary>
        /// <param name="span">Whole seconds, 0 or more.</param>
        /// <exception cref="ReprieveException">Unsupported, on the real clock.</exception>
        public void Advance(TimeSpan span)
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_advance(handle, Seconds(span), out error), error);
        }

        /// <summary>Shifts the wall clock that the drill's clients see, back if negative. The machine's clock is never set.</summary>
        /// <param name="by">Whole seconds.</param>
        /// <exception cref="LedgerException">The drill's folder cannot be written.</exception>
        public void SetWall(TimeSpan by)
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_set_wall(handle, Seconds(by), out error), error);
        }

        private static long Seconds(TimeSpan span)
        {
            if (span.Ticks % TimeSpan.TicksPerSecond != 0)
            {
                throw new ReprieveInputException(ErrorCode.Argument, span + " is no whole number of seconds; a drill's time goes by seconds");
            }
            return span.Ticks / TimeSpan.TicksPerSecond;
        }

        /// <summary>True time, which the drill's authority knows.</summary>
        public ReprieveTime Now
        {
            get
            {
                TimeData now;
                ErrorHandle error;
                Native.Check(NativeMethods.reprieve_drill_now(handle, out now, out error), error);
                return now.Time;
            }
        }

        /// <summary>Where the drill's files lie.</summary>
        public string Folder
        {
            get
            {
                BytesHandle folder;
                ErrorHandle error;
                Native.Check(NativeMethods.reprieve_drill_folder(handle, out folder, out error), error);
                return Native.TakeText(folder);
            }
        }

        /// <summary>Issues a document as the drill's authority.</summary>
        /// <param name="kind">Its kind.</param>
        /// <param name="claims">JSON as the kind has them (rules D), instants in seconds since 1970; <c>iat</c> is now unless given, <c>ledger</c> of a
        /// lease or ruling this drill's, <c>effective</c> of a revocation its <c>iat</c>.</param>
        /// <param name="signers">How many people of role support sign an extension: 1 or more.</param>
        /// <param name="fault">How it is broken: <c>malformed</c>, <c>unknown_key</c>, <c>bad_signature</c>, <c>wrong_role</c> or
        /// <c>wrong_ledger</c>; null for a good one.</param>
        /// <returns>The token, to import.</returns>
        /// <exception cref="ReprieveInputException">It cannot be made from these claims (Claims), or an argument is none (Argument).</exception>
#if REPRIEVE_NULLABLE
        public byte[] Issue(DocumentKind kind, string claims, int signers = 1, string? fault = null)
#else
        public byte[] Issue(DocumentKind kind, string claims, int signers = 1, string fault = null)
#endif
        {
            if (signers < 0)
            {
                throw new ReprieveInputException(ErrorCode.Argument, "`signers` is less than 0");
            }
            byte[] json = Native.Utf8("claims", claims), word = Native.Utf8OrNull("fault", fault);
            BytesHandle token;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_drill_issue(
                handle, (uint)kind, json, Native.Length(json), (uint)signers, word, Native.Length(word), out token, out error), error);
            return Native.Take(token);
        }

        /// <summary>Ends the drill: its own client is closed, clients taken from it with that, and a temporary folder removed. Never throws, also a
        /// second time.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }
}
