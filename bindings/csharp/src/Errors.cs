using System;

namespace Reprieve
{
    /// <summary>
    /// What kind of thing went wrong. The numbers are the C ABI's status codes: stable and never reused. A newer library may return one that is
    /// not named here: 100s are about what was said to the library, 200s about keys, 300s about the ledger, 400s about the call, 900s bugs.
    /// </summary>
    public enum ErrorCode
    {
        /// <summary>The native library is missing, or of a version that this assembly cannot use. This assembly's own; no number of the ABI's.</summary>
        Library = -1,
        /// <summary>Nothing went wrong.</summary>
        Ok = 0,
        /// <summary>An argument is not what the call takes.</summary>
        Argument = 100,
        /// <summary>The application file cannot be read, or says something impossible.</summary>
        App = 101,
        /// <summary>A scenario is malformed.</summary>
        Scenario = 102,
        /// <summary>A document cannot be made from these claims; or an authority's answer is empty, or its <c>documents</c> are no list of
        /// tokens.</summary>
        Claims = 103,
        /// <summary>A policy is not valid.</summary>
        Policy = 104,
        /// <summary>The application's secret or the install secret does not open the ledger.</summary>
        WrongKey = 200,
        /// <summary>No ledger lies there.</summary>
        Missing = 300,
        /// <summary>Another process holds the ledger's lock; try again.</summary>
        Busy = 301,
        /// <summary>The folder or file cannot be written.</summary>
        ReadOnly = 302,
        /// <summary>The disk is full.</summary>
        Full = 303,
        /// <summary>The folder is not there and cannot be made.</summary>
        NoFolder = 304,
        /// <summary>What lies there is no ledger.</summary>
        NotALedger = 305,
        /// <summary>The ledger is of a newer format or level.</summary>
        Newer = 306,
        /// <summary>A drill's ledger was opened as a real one, or the other way round.</summary>
        Drill = 307,
        /// <summary>Something lies there already: a ledger, or a drill.</summary>
        Exists = 308,
        /// <summary>The ledger is damaged beyond what can be read.</summary>
        Damaged = 309,
        /// <summary>Any other error of the operating system.</summary>
        Io = 310,
        /// <summary>The client was closed or disposed.</summary>
        Closed = 400,
        /// <summary>The platform, or this kind of drill, cannot do this.</summary>
        Unsupported = 401,
        /// <summary>A record is larger than a ledger takes.</summary>
        TooLarge = 402,
        /// <summary>A bug in the library.</summary>
        Internal = 900,
        /// <summary>A bug in the library: a panic was caught at the border. The process and the handle go on.</summary>
        Panic = 901,
        /// <summary>A bug in this assembly: it passed NULL.</summary>
        NullPointer = 902,
        /// <summary>A bug in this assembly: it passed a handle that is none.</summary>
        InvalidHandle = 903,
        /// <summary>A bug in this assembly: a structure's size is less than any release's.</summary>
        StructSize = 904,
        /// <summary>A bug in this assembly: it passed too small a buffer.</summary>
        BufferTooSmall = 905,
        /// <summary>There is nothing at this index.</summary>
        OutOfRange = 906,
        /// <summary>There are more than a million native objects (65,536 on 32-bit machines): something is not disposed.</summary>
        HandlesExhausted = 907,
    }

    /// <summary>
    /// What every call of this package throws if it cannot do its work. The message says in English what happened, to which thing, and what to
    /// do next; <see cref="Code"/> is for programs and translations. A refusal is never an exception: see <see cref="Decision"/> and
    /// <see cref="Answer"/>.
    /// </summary>
    /// <example><code>
    /// try { client.Import(token); }
    /// catch (LedgerBusyException) { TryAgainLater(); }
    /// catch (ReprieveException error) { Log(error.Code, error.Message); }
    /// </code></example>
    public class ReprieveException : Exception
    {
        /// <summary>Makes an exception.</summary>
#if REPRIEVE_NULLABLE
        public ReprieveException(ErrorCode code, string message, Exception? inner = null) : base(message, inner)
#else
        public ReprieveException(ErrorCode code, string message, Exception inner = null) : base(message, inner)
#endif
        {
            Code = code;
        }

        /// <summary>What kind of thing went wrong.</summary>
        public ErrorCode Code { get; }

        internal static ReprieveException Of(ErrorCode code, string message)
        {
            switch (code)
            {
                case ErrorCode.Busy: return new LedgerBusyException(message);
                case ErrorCode.Closed: return new ReprieveClosedException(message);
            }
            switch ((int)code / 100)
            {
                case 1: return new ReprieveInputException(code, message);
                case 2: return new LedgerKeyException(code, message);
                case 3: return new LedgerException(code, message);
                case 9: return new ReprieveInternalException(code, message);
                default: return new ReprieveException(code, message);
            }
        }
    }

    /// <summary>The native library is missing, or of a version that this assembly cannot use (<see cref="ErrorCode.Library"/>).</summary>
    public sealed class ReprieveLibraryException : ReprieveException
    {
        /// <summary>Makes an exception.</summary>
#if REPRIEVE_NULLABLE
        public ReprieveLibraryException(string message, Exception? inner = null) : base(ErrorCode.Library, message, inner) { }
#else
        public ReprieveLibraryException(string message, Exception inner = null) : base(ErrorCode.Library, message, inner) { }
#endif
    }

    /// <summary>What was said to the library is not what it takes: an argument, an application file, a scenario, claims, a policy (100s).</summary>
    public sealed class ReprieveInputException : ReprieveException
    {
        /// <summary>Makes an exception.</summary>
        public ReprieveInputException(ErrorCode code, string message) : base(code, message) { }
    }

    /// <summary>The client or drill was closed or disposed (<see cref="ErrorCode.Closed"/>); open it again.</summary>
    public sealed class ReprieveClosedException : ReprieveException
    {
        /// <summary>Makes an exception.</summary>
        public ReprieveClosedException(string message) : base(ErrorCode.Closed, message) { }
    }

    /// <summary>A bug in the library or this assembly (900s): please report it with the message.</summary>
    public sealed class ReprieveInternalException : ReprieveException
    {
        /// <summary>Makes an exception.</summary>
        public ReprieveInternalException(ErrorCode code, string message) : base(code, message) { }
    }

    /// <summary>The ledger cannot be opened, read or written (200s and 300s). Nothing has changed, and no file was replaced.</summary>
    public class LedgerException : ReprieveException
    {
        /// <summary>Makes an exception.</summary>
        public LedgerException(ErrorCode code, string message) : base(code, message) { }
    }

    /// <summary>Another process held the ledger's lock until the deadline (<see cref="ErrorCode.Busy"/>); try again.</summary>
    public sealed class LedgerBusyException : LedgerException
    {
        /// <summary>Makes an exception.</summary>
        public LedgerBusyException(string message) : base(ErrorCode.Busy, message) { }
    }

    /// <summary>The keys at hand do not open the ledger (200s). The message names the missing file.</summary>
    public sealed class LedgerKeyException : LedgerException
    {
        /// <summary>Makes an exception.</summary>
        public LedgerKeyException(ErrorCode code, string message) : base(code, message) { }
    }
}
