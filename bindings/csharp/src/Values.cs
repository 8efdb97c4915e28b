using System;
using System.Collections.Generic;

namespace Reprieve
{
    /// <summary>What a decision says of the ledger that it was read from, beside its standing.</summary>
    [Flags]
    public enum LedgerFlags
    {
        /// <summary>Nothing.</summary>
        None = 0,
        /// <summary>The ledger lies in memory and ends with the process.</summary>
        InMemory = 1,
        /// <summary>A newer release wrote what this one does not know; nothing is appended.</summary>
        Newer = 2,
        /// <summary>The ledger is a drill's.</summary>
        Drill = 4,
        /// <summary>The ledger cannot be read or written at the moment; the decision rests on what was read before.</summary>
        Detached = 8,
    }

    /// <summary>
    /// The answer to a check: a pure function of the ledger and the clock, the same in every product and process (rules J). Times are UTC. The
    /// default value is no answer: <see cref="Access.Unknown"/>.
    /// </summary>
    /// <example><code>
    /// Decision decision = client.Check("cad-pro", "export.step");
    /// if (decision.Allowed) { Export(); }
    /// if (decision.State == State.Grace &amp;&amp; decision.Ends is ReprieveTime ends) { Banner("runs until " + ends.ToDateTimeOffset().ToLocalTime()); }
    /// </code></example>
    /// <remarks>Immutable; any thread.</remarks>
    public readonly struct Decision
    {
        // 80 bytes, and no reference in them: the most that Mono copies without a call, and no write barrier anywhere. Numbers are far below 65,536.
        private readonly ushort access, state, reason, clock, ledger, stage;
        private readonly uint flags;
        private readonly TimeData t, until, ends, leaseEnd;

        internal Decision(ref DecisionData data)
        {
            access = (ushort)data.access;
            state = (ushort)data.state;
            reason = (ushort)data.reason;
            clock = (ushort)data.clock;
            ledger = (ushort)data.ledger;
            stage = (ushort)data.stage;
            flags = data.flags;
            t = data.t;
            until = data.until;
            ends = data.ends;
            leaseEnd = data.lease_end;
        }

        // No answer, at the system's time.
        internal static Decision None
        {
            get
            {
                ReprieveTime now = ReprieveTime.FromDateTimeOffset(DateTimeOffset.UtcNow);
                var data = new DecisionData { t = new TimeData { seconds = now.Seconds, nanos = now.Nanos, present = 1 }, stage = uint.MaxValue };
                return new Decision(ref data);
            }
        }

        /// <summary>What the product may do. Unknown is no refusal: <see cref="Client.Explain"/> says why.</summary>
        public Access Access { get { return (Access)access; } }

        /// <summary>Whether access is limited or full. It is false for what is denied and for what could not be decided, which are different facts:
        /// <see cref="Access"/> tells them apart.</summary>
        public bool Allowed { get { return access >= (ushort)Access.Limited; } }

        /// <summary>By which of J1; none if access is unknown.</summary>
        public State State { get { return (State)state; } }

        /// <summary>What grants grace (rule G6); none outside grace.</summary>
        public Reason Reason { get { return (Reason)reason; } }

        /// <summary>What is known against the clock (rules C2, C3).</summary>
        public ClockStanding Clock { get { return (ClockStanding)clock; } }

        /// <summary>What is known against the ledger (rules L).</summary>
        public LedgerStanding Ledger { get { return (LedgerStanding)ledger; } }

        /// <summary>What else there is to say of the ledger.</summary>
        public LedgerFlags Flags { get { return (LedgerFlags)flags; } }

        /// <summary>The stage of grace, counting from 0 (rule G6); null outside grace.</summary>
        public int? Stage { get { return t.present == 0 || stage == ushort.MaxValue ? (int?)null : stage; } }

        /// <summary>The time that it was decided at, by the rules C.</summary>
        public ReprieveTime T { get { return t.Time; } }

        /// <summary>The next instant at which access, state or reason changes if nothing else arrives (rule J3); null if none does.</summary>
        public ReprieveTime? Until { get { return until.Maybe; } }

        /// <summary>The first later instant at which access is denied, if it is not now (rule J3); null if there is none. The runway is what is
        /// between <see cref="T"/> and this.</summary>
        public ReprieveTime? Ends { get { return ends.Maybe; } }

        /// <summary>When the lease itself ends: grace is what comes after. Null if there is no lease.</summary>
        public ReprieveTime? LeaseEnd { get { return leaseEnd.Maybe; } }

        /// <summary>In short, for people: <c>limited (grace, network) until 2026-01-09T00:00:00Z</c>.</summary>
        public override string ToString()
        {
            string text = Access.Word();
            if (State != State.None)
            {
                text += " (" + State.Word() + (Reason != Reason.None ? ", " + Reason.Word() : "") + ")";
            }
            return Until == null ? text : text + " until " + Until;
        }
    }

    /// <summary>A feature and the decision about it, in a <see cref="LedgerStatus"/>.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public readonly struct FeatureStatus
    {
        internal FeatureStatus(string name, ref DecisionData data)
        {
            Name = name;
            Decision = new Decision(ref data);
        }

        /// <summary>The feature's name.</summary>
        public string Name { get; }

        /// <summary>As a check would answer.</summary>
        public Decision Decision { get; }

        /// <summary>In short, for people: <c>core: full (licensed) until 2026-01-09T00:00:00Z</c>.</summary>
        public override string ToString()
        {
            return Name + ": " + Decision;
        }
    }

    /// <summary>What became of a document (rules D). A refusal is an answer, not an exception.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class Answer
    {
        internal Answer(ref AnswerData data, string license, string detail)
        {
            Accepted = data.accepted != 0;
            Known = data.known != 0;
            Fresh = data.fresh != 0;
            Kind = (DocumentKind)data.kind;
            Error = (Refusal)data.error;
            License = license;
            Detail = detail;
        }

        /// <summary>Whether the document is in force now.</summary>
        public bool Accepted { get; }

        /// <summary>Whether it was in force before, so that nothing changed (rule D0).</summary>
        public bool Known { get; }

        /// <summary>Whether it is a lease that answered the newest request (rule C6).</summary>
        public bool Fresh { get; }

        /// <summary>Its kind; none where it cannot be read.</summary>
        public DocumentKind Kind { get; }

        /// <summary>Why it was refused; none if it was accepted.</summary>
        public Refusal Error { get; }

        /// <summary>The licence that it is about; null if it is about none, or cannot be read.</summary>
#if REPRIEVE_NULLABLE
        public string? License { get; }
#else
        public string License { get; }
#endif

        /// <summary>In English words, what is wrong with it and what to do; empty if nothing is.</summary>
        public string Detail { get; }

        /// <summary>In short, for people: <c>lease: accepted</c>, <c>lease: refused (stale)</c>.</summary>
        public override string ToString()
        {
            return Kind.Word() + (Accepted ? ": accepted" : ": refused (" + Error.Word() + ")");
        }
    }

    /// <summary>
    /// Something that happened on the ledger, once for all products (rules A). What does not apply is null, or none. Skip a
    /// <see cref="Kind"/> that you do not know.
    /// </summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class Event
    {
        internal Event(ref EventData data, string license, string feature, string reason, string text)
        {
            Record = checked((long)data.record);
            Index = checked((int)data.index);
            Kind = (EventKind)data.kind;
            At = data.at.Time;
            License = license;
            Feature = feature;
            Access = data.has_access != 0 ? (Access)data.access : (Access?)null;
            State = (State)data.state;
            Reason = reason;
            if (data.has_left != 0)
            {
                const long Most = long.MaxValue / TimeSpan.TicksPerSecond;
                Left = TimeSpan.FromTicks(Math.Max(-Most, Math.Min(Most, data.left_seconds)) * TimeSpan.TicksPerSecond);
            }
            Document = (DocumentKind)data.document;
            Error = (Refusal)data.error;
            Text = text;
        }

        /// <summary>The number of the record that it stands in.</summary>
        public long Record { get; }

        /// <summary>Its place in that record, from 0. Record and index name an event.</summary>
        public int Index { get; }

        /// <summary>What it tells of.</summary>
        public EventKind Kind { get; }

        /// <summary>The instant at which it took effect, also if no product ran then.</summary>
        public ReprieveTime At { get; }

        /// <summary>The licence, or null.</summary>
#if REPRIEVE_NULLABLE
        public string? License { get; }
#else
        public string License { get; }
#endif

        /// <summary>The feature, or null.</summary>
#if REPRIEVE_NULLABLE
        public string? Feature { get; }
#else
        public string Feature { get; }
#endif

        /// <summary>The new access, or null.</summary>
        public Access? Access { get; }

        /// <summary>The new state, or none.</summary>
        public State State { get; }

        /// <summary>The word of what grants grace (as <see cref="Reprieve.Reason"/>); or, of a suspicion, its kind: <c>rolled_back</c>,
        /// <c>leaped</c>, <c>damaged</c>, <c>put_back</c> or <c>moved</c>; or null.</summary>
#if REPRIEVE_NULLABLE
        public string? Reason { get; }
#else
        public string Reason { get; }
#endif

        /// <summary>The warning threshold in force, in whole seconds; or null.</summary>
        public TimeSpan? Left { get; }

        /// <summary>Which kind of document, or none.</summary>
        public DocumentKind Document { get; }

        /// <summary>Why a document was refused, or none.</summary>
        public Refusal Error { get; }

        /// <summary>An appeal's text, or null.</summary>
#if REPRIEVE_NULLABLE
        public string? Text { get; }
#else
        public string Text { get; }
#endif

        /// <summary>In short, for people: <c>2026-01-02T00:00:00Z grace_started L1 core</c>.</summary>
        public override string ToString()
        {
            return At + " " + Kind.Word() + (License == null ? "" : " " + License) + (Feature == null ? "" : " " + Feature);
        }
    }

    /// <summary>A renewal request: bytes for the vendor's renewal server. The library does no networking.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class RenewalRequest
    {
        internal RenewalRequest(byte[] body, string nonce)
        {
            Body = body;
            Nonce = nonce;
        }

        /// <summary>What to send, best by POST: JSON in UTF-8, with the ledger's signed head and proofs that it goes on from those sent before.</summary>
        public byte[] Body { get; }

        /// <summary>What the lease must echo to be fresh (rule C6).</summary>
        public string Nonce { get; }
    }

    /// <summary>How a ledger stood at one moment, with a decision for each feature of a SKU.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class LedgerStatus
    {
        internal LedgerStatus(ref LedgerData data, string ledgerId, string folder, string policy, IReadOnlyList<FeatureStatus> features, string json)
        {
            T = data.t.Time;
            Clock = (ClockStanding)data.clock;
            Ledger = (LedgerStanding)data.ledger;
            Flags = (LedgerFlags)data.flags;
            LedgerId = ledgerId;
            Folder = folder;
            Generation = checked((long)data.generation);
            Records = checked((long)data.records);
            Policy = policy;
            PolicyVersion = policy == null ? (long?)null : checked((long)data.policy_version);
            Unproven = checked((long)data.unproven);
            Features = features;
            Json = json;
        }

        /// <summary>The time, by the rules C.</summary>
        public ReprieveTime T { get; }

        /// <summary>What is known against the clock.</summary>
        public ClockStanding Clock { get; }

        /// <summary>What is known against the ledger.</summary>
        public LedgerStanding Ledger { get; }

        /// <summary>What else there is to say of the ledger.</summary>
        public LedgerFlags Flags { get; }

        /// <summary>The ledger's id, as leases and rulings name it.</summary>
        public string LedgerId { get; }

        /// <summary>Where it lies; null in memory.</summary>
#if REPRIEVE_NULLABLE
        public string? Folder { get; }
#else
        public string Folder { get; }
#endif

        /// <summary>Which file of its line it is, counting from 0.</summary>
        public long Generation { get; }

        /// <summary>How many records it has.</summary>
        public long Records { get; }

        /// <summary>The id of the policy in force; null if there is none.</summary>
#if REPRIEVE_NULLABLE
        public string? Policy { get; }
#else
        public string Policy { get; }
#endif

        /// <summary>Its version; null if there is none.</summary>
        public long? PolicyVersion { get; }

        /// <summary>Accepted documents whose signatures do not hold with this product's keys. They give nothing.</summary>
        public long Unproven { get; }

        /// <summary>Each feature of the SKU, as a check would answer, in the order of their names.</summary>
        public IReadOnlyList<FeatureStatus> Features { get; }

        /// <summary>All of it as JSON, each feature as <see cref="Client.Explain"/> gives it: for a support ticket.</summary>
        public string Json { get; }
    }
}
