using System;
using System.IO;
using System.Text;
using Reprieve;

/// <summary>A product in C# that does what a plan says, until it is killed: each step is announced before, and acknowledged after it returned.</summary>
internal static class Writer
{
    private static readonly Stream Out = Console.OpenStandardOutput();

    // One line, in one write: it is in the pipe whole, whatever becomes of this process.
    private static void Say(string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        Out.Write(bytes, 0, bytes.Length);
        Out.Flush();
    }

    private static string Events(Client client, string consumer, int most)
    {
        Event last = null;
        int told = 0;
        for (; told < most; told++)
        {
            Event next = client.NextEvent(consumer);
            if (next == null)
            {
                break;
            }
            Say("event " + next.Record + " " + next.Index);
            last = next;
        }
        if (last != null)
        {
            client.Acknowledge(consumer, last);
            Say("acked " + last.Record + " " + last.Index);
        }
        return told.ToString();
    }

    private static string Step(Client client, string consumer, string[] words)
    {
        switch (words[1])
        {
            case "import":
                Answer answer = client.Import(File.ReadAllBytes(words[2]));
                return answer.Known ? "known" : answer.Accepted ? "accepted" : answer.Error.Word();
            case "appeal":
                client.Appeal(null, words[3] + " " + new string('.', int.Parse(words[2])));
                return "filed";
            case "use":
                Decision decision = client.Check(words[2], words[3]);
                client.Upkeep();
                return decision.Access.Word();
            case "report":
                return client.Report(words[2] == "server" ? Outage.Server : Outage.Network) ? "news" : "old";
            default:
                return Events(client, consumer, int.Parse(words[2]));
        }
    }

    private static int Main(string[] arguments)
    {
        if (arguments.Length != 3)
        {
            Console.Error.WriteLine("usage: writer.exe APPLICATION-FILE CONSUMER PLAN");
            return 2;
        }
        try
        {
            using (Client client = Client.Open(arguments[0], new OpenOptions { LockTimeout = TimeSpan.FromSeconds(30) }))
            {
                Say("open");
                foreach (string line in File.ReadLines(arguments[2]))
                {
                    string[] words = line.Split(' ');
                    Say("begin " + words[0]);
                    Say("done " + words[0] + " " + Step(client, arguments[1], words));
                }
                client.Close();
            }
            return 0;
        }
        catch (ReprieveException error)
        {
            Console.Error.WriteLine("Writer.cs: " + error.Message);
            return 1;
        }
    }
}
