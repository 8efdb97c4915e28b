// Renews once, by HttpClient or by the library's own HTTP, and prints what came of it: Probe.exe DRIVER APP ROOTS MILLISECONDS.
using System;
using System.IO;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Reprieve;

internal static class Probe
{
    private static int Main(string[] args)
    {
        RenewalState state;
        var settings = new RenewalSettings { Timeout = TimeSpan.FromMilliseconds(int.Parse(args[3])) };
        using (Client client = Client.Open(args[1]))
        {
            if (args[0] == "builtin")
            {
                var options = new RenewingOptions { Settings = settings, Roots = File.ReadAllText(args[2]), Proxy = "none" };
                using (Renewing renewing = client.Renewing(options))
                {
                    state = Ended(renewing.State);
                    renewing.Stop();
                }
            }
            else
            {
                using (Renewer renewer = client.Renewer(settings))
                using (HttpClient http = HttpDriver.MakeClient(new HttpClientHandler { UseProxy = false }))
                using (var quit = new CancellationTokenSource())
                {
                    Task driver = new HttpDriver(renewer, http).RunAsync(quit.Token);
                    state = Ended(renewer.State);
                    quit.Cancel();
                    if (!driver.Wait(5000))
                    {
                        Console.WriteLine("failed: it does not end when it is cancelled");
                        return 1;
                    }
                }
            }
            // A kind that was reported already is no news.
            string reported = !client.Report(Outage.Network) ? "network" : !client.Report(Outage.Server) ? "server" : "none";
            string when = state.Next > TimeSpan.FromMinutes(1) ? "later" : "soon";
            Console.WriteLine(state.Word + "|" + reported + "|" + when + "|" + client.Check("cad", "core").Access.Word());
        }
        return 0;
    }

    private static RenewalState Ended(Func<RenewalState> ask)
    {
        DateTime begin = DateTime.UtcNow;
        while (true)
        {
            RenewalState state = ask();
            if (state.Outcome != RenewalOutcome.None && !state.IsBusy || DateTime.UtcNow - begin > TimeSpan.FromSeconds(30))
            {
                return state;
            }
            Thread.Sleep(20);
        }
    }
}
