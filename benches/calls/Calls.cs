// `Calls APP ROUNDS COUNT`: times batches in turns, in nanoseconds: checks by the binding, an empty P/Invoke of the same shape, and C's loop.
using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Reprieve;

// What the binding has in its place: a handle that P/Invoke counts while it is used.
internal sealed class EmptyHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public EmptyHandle() : base(true)
    {
        SetHandle(new IntPtr(16));
    }

    protected override bool ReleaseHandle()
    {
        return true;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct EmptyTime
{
    public long Seconds;
    public uint Nanos, Present;
}

// As reprieve_decision.
[StructLayout(LayoutKind.Sequential)]
internal struct EmptyDecision
{
    public uint StructSize, Access, State, Reason, Clock, Ledger, Flags, Stage;
    public EmptyTime T, Until, Ends, LeaseEnd;
}

internal static class Calls
{
    [DllImport("limit", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    private static extern uint limit_empty(EmptyHandle feature, ref EmptyDecision decision, IntPtr noError);

    [DllImport("loops", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    private static extern int loops_open(byte[] app);

    [DllImport("loops", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    private static extern ulong loops_handle(ulong count);

    private static ulong Nanos(long start)
    {
        return (ulong)((Stopwatch.GetTimestamp() - start) * (1e9 / Stopwatch.Frequency));
    }

    private static ulong Ours(Feature feature, int count)
    {
        bool good = true;
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < count; n++)
        {
            good &= feature.Check().Access == Access.Full;
        }
        ulong took = Nanos(start);
        return good ? took : 0;
    }

    private static ulong Empty(EmptyHandle handle, int count)
    {
        uint wrong = 0;
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < count; n++)
        {
            EmptyDecision decision = new EmptyDecision { StructSize = 96 };
            wrong |= limit_empty(handle, ref decision, IntPtr.Zero) | decision.Access;
        }
        ulong took = Nanos(start);
        return wrong == 0 ? took : 0;
    }

    private static int Main(string[] arguments)
    {
        string app = arguments[0];
        int rounds = int.Parse(arguments[1]), count = int.Parse(arguments[2]);
        if (loops_open(System.Text.Encoding.UTF8.GetBytes(app + "\0")) != 1)
        {
            Console.Error.WriteLine("error: the ledger cannot be opened");
            return 1;
        }
        using (Client client = Client.Open(app))
        using (Feature feature = client.Feature("cad", "core"))
        using (EmptyHandle handle = new EmptyHandle())
        {
            // Much is run before it counts: a runtime compiles anew what it finds to run often, and does so beside the program.
            int warm = rounds / 4 + 1;
            for (int round = -warm; round < rounds; round++)
            {
                ulong[] took = new ulong[3];
                for (int turn = 0; turn < 3; turn++)
                {
                    int which = (turn + warm + round) % 3;
                    took[which] = which == 0 ? Ours(feature, count) : which == 1 ? Empty(handle, count) : loops_handle((ulong)count);
                    if (took[which] == 0)
                    {
                        Console.Error.WriteLine("error: a check went wrong");
                        return 1;
                    }
                }
                if (round >= 0)
                {
                    Console.WriteLine("{0} {1} {2}", took[0], took[1], took[2]);
                }
            }
        }
        return 0;
    }
}
