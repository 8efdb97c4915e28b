using System;
using System.Globalization;
using System.IO;
using Reprieve;

/// <summary>The C# product of the demo: a command a line in, a line of JSON out.</summary>
internal static class Product
{
    private static string Text(ReprieveTime? time)
    {
        return time.HasValue ? "\"" + time.Value + "\"" : "null";
    }

    private static string Word(string word)
    {
        return word == "none" ? "null" : "\"" + word + "\"";
    }

    private static string Line(Decision decision)
    {
        string runway = "null";
        if (decision.Ends.HasValue)
        {
            double left = decision.Ends.Value.Seconds - decision.T.Seconds + (decision.Ends.Value.Nanos - (double)decision.T.Nanos) / 1e9;
            runway = left.ToString("R", CultureInfo.InvariantCulture);
        }
        return "{\"t\":" + Text(decision.T) + ",\"access\":\"" + decision.Access.Word() + "\",\"state\":" + Word(decision.State.Word())
            + ",\"reason\":" + Word(decision.Reason.Word()) + ",\"until\":" + Text(decision.Until) + ",\"ends\":" + Text(decision.Ends)
            + ",\"clock\":" + Word(decision.Clock.Word()) + ",\"ledger\":" + Word(decision.Ledger.Word()) + ",\"runway\":" + runway + "}";
    }

    private static string Answer(Client client, string[] words)
    {
        switch (words[0])
        {
            case "check":
                return Line(client.Check(words[1], words[2]));
            case "import":
                Answer imported = client.Import(File.ReadAllBytes(words[1]));
                return "{\"accepted\":" + (imported.Accepted ? "true" : "false") + ",\"error\":" + Word(imported.Error.Word()) + "}";
            case "report":
                bool news = client.Report(words[1] == "server" ? Outage.Server : Outage.Network);
                return "{\"news\":" + (news ? "true" : "false") + "}";
            case "request":
                return "{\"nonce\":\"" + client.Request().Nonce + "\"}";
            default:
                client.Close();
                return "{\"closed\":true}";
        }
    }

    private static int Main(string[] arguments)
    {
        if (arguments.Length != 1)
        {
            Console.Error.WriteLine("usage: product-cs.exe DRILL-FOLDER");
            return 2;
        }
        try
        {
            using (Drill drill = Drill.Open(arguments[0]))
            using (Client client = drill.Client())
            {
                string line;
                while ((line = Console.In.ReadLine()) != null)
                {
                    string[] words = line.Split(' ');
                    Console.Out.WriteLine(Answer(client, words));
                    Console.Out.Flush();
                    if (words[0] == "quit")
                    {
                        break;
                    }
                }
            }
            return 0;
        }
        catch (ReprieveException error)
        {
            Console.Error.WriteLine("product-cs: " + error.Message);
            return 1;
        }
    }
}
