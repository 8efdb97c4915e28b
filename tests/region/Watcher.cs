using System;
using System.Threading;
using Reprieve;

/// <summary>The C# product of the drill: checks ten times a second, and says what it is allowed, each line at once.</summary>
internal static class Watcher
{
    private static int Main(string[] args)
    {
        if (args.Length != 1)
        {
            Console.Error.WriteLine("usage: Watcher APP_FILE");
            return 2;
        }
        using (Client client = Client.Open(args[0]))
        {
            for (;;)
            {
                Console.Out.WriteLine(client.Check("cad", "core").Access.Word());
                Console.Out.Flush();
                Thread.Sleep(100);
            }
        }
    }
}
