using System;
using System.Collections.Generic;
using System.Linq;
using Reprieve;

// Renewers, driven by hand; and the library's own HTTP, where it was built in. tests/renewing runs drivers against servers.
internal static partial class Tests
{
    private const string RenewalApp = "vendor = \"acme\"\nsecret = \"c2l4dGVlbiBieXRlcyBvciBtb3Jl\"\n"
        + "endpoints = [\"https://a.example/renew\", \"https://b.example/renew\"]\n"
        + "roots = [{ kid = \"root-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }]\n";

    private static Client Renewable()
    {
        return Client.OpenText(RenewalApp, new OpenOptions { InMemory = true });
    }

    [Test]
    private static void A_renewer_says_what_to_send_and_takes_what_came()
    {
        using (Client client = Renewable())
        using (Renewer renewer = client.Renewer(new RenewalSettings { Timeout = TimeSpan.FromSeconds(2), RetryAfterMost = TimeSpan.FromSeconds(100) }))
        {
            Equal(RenewalOutcome.None, renewer.State().Outcome);
            RenewalTask task = renewer.Poll();
            Equal(RenewalKind.Send, task.Kind);
            Equal("POST", task.Method);
            Equal(TimeSpan.FromSeconds(2), task.Time);
            True(task.Headers.Any(header => header.Key == "Content-Type" && header.Value == "application/json"), "headers");
            True(task.Url.StartsWith("https://") && task.Body.Length > 100 && task.Body[0] == '{', "url and body");
            True(renewer.State().IsBusy && renewer.State().Next == null, "busy");
            renewer.Failed(task.Attempt, RenewalFailure.Certificate);
            RenewalState state = renewer.State();
            Equal(RenewalFailure.Certificate, state.Failure);
            Equal("certificate", state.Word);
            Equal(task.Url, state.Url);
            task = renewer.Poll();
            renewer.Answered(task.Attempt, 503, new[] { new KeyValuePair<string, string>("Retry-After", "90") }, new byte[] { 60 });
            task = renewer.Poll();
            Equal(RenewalKind.Wait, task.Kind);
            True(task.Time > TimeSpan.FromSeconds(80) && task.Time <= TimeSpan.FromSeconds(90), task.Time.ToString());
            Equal(503, renewer.State().Status);
            True(renewer.State().Next > TimeSpan.FromSeconds(80), "next");
            renewer.NetworkChanged();
            renewer.RenewNow();
            client.Close();
            Throws<ReprieveClosedException>(() => renewer.Poll());
            renewer.Dispose();
            renewer.Dispose();
            Throws<ObjectDisposedException>(() => renewer.Poll());
        }
    }

    [Test]
    private static void What_is_no_failure_and_no_status_is_told()
    {
        using (Client client = Renewable())
        using (Renewer renewer = client.Renewer())
        {
            RenewalTask task = renewer.Poll();
            Throws<ReprieveInputException>(() => renewer.Failed(task.Attempt, (RenewalFailure)77));
            Throws<ReprieveInputException>(() => renewer.Answered(task.Attempt, -1, new KeyValuePair<string, string>[0], new byte[0]));
            Throws<ArgumentOutOfRangeException>(() => client.Renewer(new RenewalSettings { Pause = TimeSpan.FromDays(50) }));
            Throws<ArgumentOutOfRangeException>(() => client.Renewer(new RenewalSettings { Pause = TimeSpan.FromSeconds(-1) }));
        }
    }

    [Test]
    private static void The_librarys_own_http_runs_or_says_that_it_is_not_there()
    {
        using (Client client = Renewable())
        {
            Throws<ReprieveInputException>(() => client.Renewing(new RenewingOptions { Headers = { { "", "x" } } }));
            try
            {
                using (Renewing renewing = client.Renewing(new RenewingOptions { Proxy = "none" }))
                {
                    renewing.NetworkChanged();
                    renewing.RenewNow();
                    renewing.Stop();
                    renewing.Stop();
                    renewing.State();
                }
            }
            catch (ReprieveException error)
            {
                Equal(ErrorCode.Unsupported, error.Code);
            }
        }
    }
}
