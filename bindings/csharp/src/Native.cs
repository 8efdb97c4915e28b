#if REPRIEVE_NULLABLE
// Here null stands for NULL, which the declarations of the C ABI do not tell apart; what is public is annotated.
#pragma warning disable CS8600, CS8602, CS8603, CS8604, CS8606, CS8625
#endif
using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Reprieve
{
    // What the header lays out. No field is ever moved or removed; a longer structure of a newer library is cut to `struct_size`.

    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeData
    {
        internal long seconds;
        internal uint nanos;
        internal uint present;

        internal ReprieveTime Time { get { return new ReprieveTime(seconds, nanos); } }

        internal ReprieveTime? Maybe { get { return present != 0 ? Time : (ReprieveTime?)null; } }
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DecisionData
    {
        internal const uint Size = 96;

        internal uint struct_size, access, state, reason, clock, ledger, flags, stage;
        internal TimeData t, until, ends, lease_end;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct AnswerData
    {
        internal const uint Size = 24;

        internal uint struct_size, accepted, known, fresh, kind, error;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct EventData
    {
        internal const uint Size = 72;

        internal uint struct_size, kind;
        internal ulong record;
        internal uint index, access, has_access, state, document, error, has_left, reserved;
        internal long left_seconds;
        internal TimeData at;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct LedgerData
    {
        internal const uint Size = 72;

        internal uint struct_size, clock, ledger, flags;
        internal TimeData t;
        internal ulong generation, records, unproven, policy_version, features;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct RenewalSettingsData
    {
        internal const uint Size = 32;

        internal uint struct_size, timeout, hedge, pause, pause_most, retry_after_most, answered, renewed;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct RenewalTaskData
    {
        internal const uint Size = 24;

        internal uint struct_size, kind;
        internal ulong attempt, milliseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct RenewalStateData
    {
        internal const uint Size = 56;

        internal uint struct_size, outcome, failure, status, refusal, is_busy, has_next, reserved;
        internal ulong next_milliseconds, ago_milliseconds, took_milliseconds;
    }

    // Unity's linker goes by the name: it keeps the constructors, which only the marshaller calls.
    [AttributeUsage(AttributeTargets.Class)]
    internal sealed class PreserveAttribute : Attribute { }

    // One type for each native one, so that none can be passed for another. The runtime counts the calls in which a handle is, and frees it
    // after the last: no call ever runs on a freed one. A native object keeps its parent alive, so they may be freed in any order.
    internal abstract class NativeHandle : SafeHandle
    {
        protected NativeHandle() : base(IntPtr.Zero, true) { }

        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
    }

    [Preserve]
    internal sealed class ErrorHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_error_free(handle); return true; }
    }

    [Preserve]
    internal sealed class BytesHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_bytes_free(handle); return true; }
    }

    [Preserve]
    internal sealed class BuilderHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_builder_free(handle); return true; }
    }

    [Preserve]
    internal sealed class ClientHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_client_free(handle); return true; }
    }

    [Preserve]
    internal sealed class FeatureHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_feature_free(handle); return true; }
    }

    [Preserve]
    internal sealed class AnswersHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_answers_free(handle); return true; }
    }

    [Preserve]
    internal sealed class EventHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_event_free(handle); return true; }
    }

    [Preserve]
    internal sealed class StatusHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_ledger_status_free(handle); return true; }
    }

    [Preserve]
    internal sealed class DrillHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_drill_free(handle); return true; }
    }

    [Preserve]
    internal sealed class TaskHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_task_free(handle); return true; }
    }

    [Preserve]
    internal sealed class RenewerHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_renewer_free(handle); return true; }
    }

    [Preserve]
    internal sealed class HttpRequestHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_http_request_free(handle); return true; }
    }

    [Preserve]
    internal sealed class RenewingHandle : NativeHandle
    {
        protected override bool ReleaseHandle() { NativeMethods.reprieve_renewing_free(handle); return true; }
    }

    // Texts, bytes and errors across the border: UTF-8 with explicit lengths, copied at once.
    internal static class Native
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        internal static UIntPtr Length(byte[] bytes)
        {
            return bytes == null ? UIntPtr.Zero : (UIntPtr)(uint)bytes.Length;
        }

        // A text that the library must get exactly: one that has no UTF-8 form is refused.
        internal static byte[] Utf8(string what, string text)
        {
            if (text == null)
            {
                throw new ArgumentNullException(what);
            }
            try
            {
                return Strict.GetBytes(text);
            }
            catch (EncoderFallbackException error)
            {
                throw new ReprieveInputException(ErrorCode.Argument,
                    string.Format("`{0}` has half a surrogate pair at index {1}, which no UTF-8 can hold; pass whole characters", what, error.Index));
            }
        }

        // The same, where null is an answer too.
#if REPRIEVE_NULLABLE
        internal static byte[] Utf8OrNull(string what, string? text)
#else
        internal static byte[] Utf8OrNull(string what, string text)
#endif
        {
            return text == null ? null : Utf8(what, text);
        }

        // One that may be anything: what has no UTF-8 form is replaced.
        internal static byte[] Loose(string text)
        {
            return Encoding.UTF8.GetBytes(text ?? "");
        }

        internal static byte[] Copy(IntPtr data, UIntPtr len)
        {
            var bytes = new byte[data == IntPtr.Zero ? 0 : checked((int)len.ToUInt64())];
            if (bytes.Length > 0)
            {
                Marshal.Copy(data, bytes, 0, bytes.Length);
            }
            return bytes;
        }

        // NULL is null.
        internal static string Text(IntPtr data, UIntPtr len)
        {
            return data == IntPtr.Zero ? null : Encoding.UTF8.GetString(Copy(data, len));
        }

        internal static string StaticText(IntPtr data)
        {
            int length = 0;
            while (Marshal.ReadByte(data, length) != 0)
            {
                length++;
            }
            return Text(data, (UIntPtr)(uint)length);
        }

        internal static byte[] Take(BytesHandle bytes)
        {
            using (bytes)
            {
                IntPtr data;
                UIntPtr len;
                Check(NativeMethods.reprieve_bytes_get(bytes, out data, out len));
                return Copy(data, len);
            }
        }

        internal static string TakeText(BytesHandle bytes)
        {
            return Encoding.UTF8.GetString(Take(bytes));
        }

        // What a call came to; an error is freed either way.
        internal static void Check(uint status, ErrorHandle error)
        {
            using (error)
            {
                if (status != 0)
                {
                    IntPtr text = IntPtr.Zero;
                    UIntPtr len = UIntPtr.Zero;
                    string message = null;
                    if (!error.IsInvalid && NativeMethods.reprieve_error_message(error, out text, out len) == 0)
                    {
                        message = Text(text, len);
                    }
                    throw Failure(status, message);
                }
            }
        }

        internal static void Check(uint status)
        {
            if (status != 0)
            {
                throw Failure(status, null);
            }
        }

        private static ReprieveException Failure(uint status, string message)
        {
            return ReprieveException.Of((ErrorCode)status, message ?? StaticText(NativeMethods.reprieve_status_str(status)));
        }
    }

    /// <summary>The native library under this package.</summary>
    /// <remarks>Any thread. Nothing needs to be initialised or shut down.</remarks>
    public static class ReprieveLibrary
    {
        private static volatile bool good;

        /// <summary>The library's version, such as <c>0.1.0</c>.</summary>
        /// <exception cref="ReprieveLibraryException">It is missing, or of another version.</exception>
        public static string Version
        {
            get
            {
                Require();
                return Native.StaticText(NativeMethods.reprieve_version());
            }
        }

        /// <summary>How many native objects live in this process, of all types and languages: for tests that nothing is left.</summary>
        /// <exception cref="ReprieveLibraryException">The library is missing, or of another version.</exception>
        public static long HandleCount
        {
            get
            {
                Require();
                return (long)NativeMethods.reprieve_handle_count().ToUInt64();
            }
        }

        // Before the first call of any other function: a library that does not fit is named, and called no further.
        internal static void Require()
        {
            if (good)
            {
                return;
            }
            uint version;
            try
            {
                version = NativeMethods.reprieve_abi_version();
            }
            catch (DllNotFoundException error)
            {
                throw new ReprieveLibraryException(
                    "the native library `reprieve` was not found, or what was found is for another processor than this process's ("
                        + RuntimeInformation.ProcessArchitecture + "); put the one for it beside the program, or where the system looks for libraries: "
                        + error.Message.Trim(), error);
            }
            catch (BadImageFormatException error)
            {
                throw new ReprieveLibraryException(
                    "the native library `reprieve` is for another processor; use the one for this process: " + error.Message, error);
            }
            catch (EntryPointNotFoundException error)
            {
                throw new ReprieveLibraryException(
                    "the library that was found as `reprieve` is none of Reprieve's; remove it, or put the right one before it: " + error.Message, error);
            }
            string trouble = Misfit(version, null) == null ? null : Misfit(version, Loaded());
            if (trouble != null)
            {
                throw new ReprieveLibraryException(trouble);
            }
            good = true;
        }

        internal static string Misfit(uint version, string file)
        {
            uint major = version >> 16, minor = version & 0xffff;
            if (major == NativeMethods.AbiMajor && minor >= NativeMethods.AbiMinor)
            {
                return null;
            }
            return string.Format(
                "the native library {0} has ABI version {1}.{2}, this assembly needs {3}.{4} or a later {3}.x; update the older of the two"
                    + " (in Unity, then restart the Editor: it keeps the library that it loaded first)",
                file, major, minor, NativeMethods.AbiMajor, NativeMethods.AbiMinor);
        }

        private static bool IsLibrary(string file)
        {
            string name = Path.GetFileName(file);
            return name.StartsWith("libreprieve.", StringComparison.Ordinal) || name.Equals("reprieve.dll", StringComparison.OrdinalIgnoreCase);
        }

        // Which file it is, where the system says.
        private static string Loaded()
        {
            try
            {
                // Mono's list of modules has managed ones alone; Linux tells in a file.
                if (File.Exists("/proc/self/maps"))
                {
                    foreach (string line in File.ReadAllLines("/proc/self/maps"))
                    {
                        int at = line.IndexOf('/');
                        if (at >= 0 && IsLibrary(line.Substring(at)))
                        {
                            return line.Substring(at);
                        }
                    }
                }
                foreach (object module in Process.GetCurrentProcess().Modules)
                {
                    string file = ((ProcessModule)module).FileName;
                    if (IsLibrary(file))
                    {
                        return file;
                    }
                }
            }
            catch (Exception)
            {
                // Some platforms do not tell; the message does without.
            }
            return "`reprieve`";
        }
    }
}
