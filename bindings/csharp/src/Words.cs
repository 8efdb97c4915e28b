using System.Globalization;

namespace Reprieve
{
    /// <summary>How much a product may do, best last, so that <c>access &gt;= Access.Limited</c> reads well.</summary>
    /// <remarks>The numbers of all these words are the C ABI's: never reused, only added to. A newer library may return a number that is
    /// not named here; <see cref="WordExtensions"/> then writes its digits.</remarks>
    public enum Access
    {
        /// <summary>No answer: the library could not decide, and the decision says why. Never a refusal.</summary>
        Unknown = 0,
        /// <summary>The rules give no access.</summary>
        Denied = 1,
        /// <summary>The product runs with what its vendor calls limited.</summary>
        Limited = 2,
        /// <summary>Everything.</summary>
        Full = 3,
    }

    /// <summary>Where a feature stands (rule J1).</summary>
    public enum State
    {
        /// <summary>None, as access is unknown.</summary>
        None = 0,
        /// <summary>The lease is running.</summary>
        Licensed = 1,
        /// <summary>The lease has ended and a cover holds.</summary>
        Grace = 2,
        /// <summary>The lease has ended and no cover holds.</summary>
        Expired = 3,
        /// <summary>A suspicion of the ledger or of its place has reached its limit (rules C8, L2, L3, L5).</summary>
        LedgerLocked = 4,
        /// <summary>The suspicion of the clock has reached its limit (rules C3, C8).</summary>
        ClockLocked = 5,
        /// <summary>The authority has taken the feature back (rule D5).</summary>
        Revoked = 6,
        /// <summary>The lease does not name the feature.</summary>
        NotEntitled = 7,
        /// <summary>There is no lease for the SKU.</summary>
        Unlicensed = 8,
    }

    /// <summary>What grants grace (rule G6; the earlier is preferred).</summary>
    public enum Reason
    {
        /// <summary>None, as there is no grace.</summary>
        None = 0,
        /// <summary>A notice of the vendor's covers the time (rule G4).</summary>
        Maintenance = 1,
        /// <summary>Support has granted time (rule G5).</summary>
        Extension = 2,
        /// <summary>The authority was reached, but it failed (rule G3).</summary>
        Server = 3,
        /// <summary>The authority gave no answer (rule G3).</summary>
        Network = 4,
        /// <summary>Nothing is known; always evidenced (rule G3).</summary>
        Unknown = 5,
    }

    /// <summary>What a reading says of the clock (rules C2, C3).</summary>
    public enum ClockStanding
    {
        /// <summary>Nothing was read, as access is unknown.</summary>
        None = 0,
        /// <summary>The wall agrees with what is proven.</summary>
        Ok = 1,
        /// <summary>The wall lies before what is proven.</summary>
        RolledBack = 2,
        /// <summary>The wall lies further ahead than the policy believes.</summary>
        Leaped = 3,
    }

    /// <summary>What is known against the ledger (rules L).</summary>
    public enum LedgerStanding
    {
        /// <summary>Nothing was read, as access is unknown.</summary>
        None = 0,
        /// <summary>Nothing.</summary>
        Ok = 1,
        /// <summary>It was damaged or put back from a copy (rules L2, L3).</summary>
        Suspect = 2,
        /// <summary>It is on another machine than its own (rule L5).</summary>
        Moved = 3,
    }

    /// <summary>The kinds of document that the authority signs (rules D).</summary>
    public enum DocumentKind
    {
        /// <summary>None, or not readable.</summary>
        None = 0,
        /// <summary>A licence is good until a date, feature by feature (rule D1).</summary>
        Lease = 1,
        /// <summary>The rules of grace (rule D2).</summary>
        Policy = 2,
        /// <summary>Planned maintenance, or an outage confirmed (rule D3).</summary>
        Notice = 3,
        /// <summary>A support agent's grant (rule D4).</summary>
        Extension = 4,
        /// <summary>A licence is taken back (rule D5).</summary>
        Revocation = 5,
        /// <summary>The outcome of an appeal (rule D6).</summary>
        Ruling = 6,
        /// <summary>Whose keys may say what (rule D7).</summary>
        Keys = 7,
    }

    /// <summary>Why a document was refused: the first that applies, in this order (rules D).</summary>
    public enum Refusal
    {
        /// <summary>None: the document is in force.</summary>
        None = 0,
        /// <summary>A signer is not in the trust store, or its key was not valid when the document was issued.</summary>
        UnknownKey = 1,
        /// <summary>A signature does not hold.</summary>
        BadSignature = 2,
        /// <summary>A signer may not sign this kind.</summary>
        WrongRole = 3,
        /// <summary>A kind, or a newer schema, that this release does not know.</summary>
        Unsupported = 4,
        /// <summary>The document does not say what its kind must say.</summary>
        Malformed = 5,
        /// <summary>The document is for another ledger.</summary>
        WrongLedger = 6,
        /// <summary>The policy is of another line than the one in force.</summary>
        WrongPolicy = 7,
        /// <summary>Something newer is in force.</summary>
        Stale = 8,
        /// <summary>Too few people of role support have signed.</summary>
        Approvals = 9,
        /// <summary>The extension is longer than the policy allows.</summary>
        OverLimit = 10,
        /// <summary>No lease of the licence was ever accepted.</summary>
        UnknownLicense = 11,
    }

    /// <summary>How a renewal failed (rule G1).</summary>
    public enum Outage
    {
        /// <summary>No answer: no DNS, no route, a timeout, a captive portal's or otherwise unauthentic answer.</summary>
        Network = 1,
        /// <summary>Reached, but it failed: refused, reset, HTTP 5xx or 429, a nonsense answer.</summary>
        Server = 2,
    }

    /// <summary>What an event tells of (rules A3, A4).</summary>
    public enum EventKind
    {
        /// <summary>A feature went into grace.</summary>
        GraceStarted = 1,
        /// <summary>A feature came out of grace: look at the state.</summary>
        GraceEnded = 2,
        /// <summary>A feature's standing changed, outside grace.</summary>
        AccessChanged = 3,
        /// <summary>In grace, another access or reason, or more time than a warning said.</summary>
        GraceChanged = 4,
        /// <summary>The runway is no longer than <see cref="Event.Left"/>.</summary>
        GraceWarning = 5,
        /// <summary>A document is in force.</summary>
        DocumentAccepted = 6,
        /// <summary>A document was refused.</summary>
        DocumentRefused = 7,
        /// <summary>The clock is under suspicion.</summary>
        ClockSuspect = 8,
        /// <summary>It no longer is.</summary>
        ClockRestored = 9,
        /// <summary>The ledger, or its place, is under suspicion.</summary>
        LedgerSuspect = 10,
        /// <summary>They no longer are.</summary>
        LedgerRestored = 11,
        /// <summary>A torn tail was cut off after a crash; nothing acknowledged was lost.</summary>
        LedgerRecovered = 12,
        /// <summary>The customer appealed.</summary>
        AppealFiled = 13,
        /// <summary>The vendor has the appeal.</summary>
        AppealReceived = 14,
    }

    /// <summary>The words of the rules, as documents, scenarios, the command line and every other binding write them.</summary>
    public static class WordExtensions
    {
        private static readonly string[] AccessWords = { "unknown", "denied", "limited", "full" };

        private static readonly string[] StateWords =
        {
            "none", "licensed", "grace", "expired", "ledger_locked", "clock_locked", "revoked", "not_entitled", "unlicensed",
        };

        private static readonly string[] ReasonWords = { "none", "maintenance", "extension", "server", "network", "unknown" };

        private static readonly string[] ClockWords = { "none", "ok", "rolled_back", "leaped" };

        private static readonly string[] LedgerWords = { "none", "ok", "suspect", "moved" };

        private static readonly string[] KindWords = { "none", "lease", "policy", "notice", "extension", "revocation", "ruling", "keys" };

        private static readonly string[] RefusalWords =
        {
            "none", "unknown_key", "bad_signature", "wrong_role", "unsupported", "malformed", "wrong_ledger", "wrong_policy", "stale", "approvals",
            "over_limit", "unknown_license",
        };

        private static readonly string[] OutageWords = { "none", "network", "server" };

        private static readonly string[] FailureWords =
        {
            "none", "no_dns", "no_route", "timed_out", "refused", "reset", "certificate", "tls", "protocol", "too_long", "local",
        };

        private static readonly string[] OutcomeWords = { "none", "renewed", "answered", "failed", "status", "dropped", "reached", "fetched", "unchanged" };

        private static readonly string[] EventWords =
        {
            "none", "grace_started", "grace_ended", "access_changed", "grace_changed", "grace_warning", "document_accepted", "document_refused",
            "clock_suspect", "clock_restored", "ledger_suspect", "ledger_restored", "ledger_recovered", "appeal_filed",
            "appeal_received",
        };

        /// <summary>The word, such as <c>full</c>.</summary>
        public static string Word(this Access value) { return Of(AccessWords, (int)value); }

        /// <summary>The word, such as <c>not_entitled</c>.</summary>
        public static string Word(this State value) { return Of(StateWords, (int)value); }

        /// <summary>The word, such as <c>maintenance</c>.</summary>
        public static string Word(this Reason value) { return Of(ReasonWords, (int)value); }

        /// <summary>The word, such as <c>rolled_back</c>.</summary>
        public static string Word(this ClockStanding value) { return Of(ClockWords, (int)value); }

        /// <summary>The word, such as <c>suspect</c>.</summary>
        public static string Word(this LedgerStanding value) { return Of(LedgerWords, (int)value); }

        /// <summary>The word, such as <c>lease</c>.</summary>
        public static string Word(this DocumentKind value) { return Of(KindWords, (int)value); }

        /// <summary>The word, such as <c>bad_signature</c>.</summary>
        public static string Word(this Refusal value) { return Of(RefusalWords, (int)value); }

        /// <summary>The word, such as <c>network</c>.</summary>
        public static string Word(this Outage value) { return Of(OutageWords, (int)value); }

        /// <summary>The word, such as <c>grace_started</c>.</summary>
        public static string Word(this EventKind value) { return Of(EventWords, (int)value); }

        /// <summary>The word, such as <c>no_dns</c>.</summary>
        public static string Word(this RenewalFailure value) { return Of(FailureWords, (int)value); }

        /// <summary>The word, such as <c>renewed</c>.</summary>
        public static string Word(this RenewalOutcome value) { return Of(OutcomeWords, (int)value); }

        // A number that a newer library knows is no reason to fail.
        private static string Of(string[] words, int value)
        {
            return value >= 0 && value < words.Length ? words[value] : value.ToString(CultureInfo.InvariantCulture);
        }
    }
}
