// Renewals on the stub engine, against a server on a real socket: what Program.exe does when the first word is one of these.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Reprieve;
using Reprieve.Unity;
using Reprieve.Unity.Editor;
using UnityEditor;
using UnityEngine;
using UnityEngine.Networking;

internal static class Renewals
{
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(10);

    // Whether there was such a word.
    internal static bool Run(string[] words)
    {
        switch (words[0])
        {
            case "row": Row(words[1], Http(words[2]), File.ReadAllText(words[3]), int.Parse(words[4])); return true;
            case "renews": Renews(words[1], Http(words[2])); return true;
            case "renewing-plays": Plays(words[1], Http(words[2]), int.Parse(words[3])); return true;
            case "renewing-reload": Reload(words[1], words[2], int.Parse(words[3])); return true;
            case "hangs": Hangs(words[1], Http(words[2])); return true;
            case "still": Still(words[1]); return true;
            case "network": Network(words[1], Http(words[2])); return true;
            case "hedged": Hedged(words[1], Http(words[2])); return true;
            case "back": Back(words[1], Http(words[2])); return true;
            case "mirror": Mirror(words[1], Http(words[2])); return true;
            case "forbidden": Forbidden(words[1], words[2]); return true;
            case "no-endpoints": NoEndpoints(words[1]); return true;
            case "switched": Switched(words[1], words[2]); return true;
            case "texts": Texts(); return true;
            case "frames-of-renewals": FramesOfRenewals(words[1]); return true;
            default: return false;
        }
    }

    private static RenewalHttp Http(string word)
    {
        return (RenewalHttp)Enum.Parse(typeof(RenewalHttp), word);
    }

    private static ReprieveRunner runner;

    private static ReprieveRunner Open(string app, RenewalHttp http, RenewingOptions options)
    {
        Program.Enter(() =>
        {
            runner = new GameObject("Licence").AddComponent<ReprieveRunner>();
            runner.Configure(ReprieveSession.FromFile(app), "cad", "hud", Round, options, http);
        });
        return runner;
    }

    private static RenewingOptions Quick(int milliseconds = 0)
    {
        var options = new RenewingOptions();
        options.Settings.Timeout = TimeSpan.FromMilliseconds(milliseconds);
        return options;
    }

    private static RenewalState Ended()
    {
        Program.Frames(() => runner.Renewal != null && runner.Renewal.Outcome != RenewalOutcome.None && !runner.Renewal.IsBusy);
        return runner.Renewal;
    }

    // What a renewal came to, as tests/renewing/Probe.cs prints it.
    private static void Row(string app, RenewalHttp http, string roots, int milliseconds)
    {
        RenewingOptions options = Quick(milliseconds);
        if (http == RenewalHttp.Library)
        {
            options.Roots = roots;
            options.Proxy = "none";
        }
        else
        {
            options.Headers.Add("X-Of-The-Game", "yes");
        }
        Open(app, http, options);
        RenewalState state = Ended();
        Client client = runner.Client;
        // A kind that was reported already is no news.
        string reported = !client.Report(Outage.Network) ? "network" : !client.Report(Outage.Server) ? "server" : "none";
        string when = state.Next > TimeSpan.FromMinutes(1) ? "later" : "soon";
        Console.WriteLine(state.Word + "|" + reported + "|" + when + "|" + client.Check("cad", "core").Access.Word());
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0 && UnityWebRequest.Running == 0, "nothing was logged, and no request runs on: " + UnityWebRequest.Running);
    }

    // The switch of the component: from denied to full, seen by a check in a frame, by the banner and in the Editor's window.
    private static void Renews(string app, RenewalHttp http)
    {
        Open(app, http, new RenewingOptions());
        ReprieveFeature core = runner.Feature("core");
        var window = EditorWindow.GetWindow<ReprieveWindow>("Reprieve");
        var seen = new List<string>();
        runner.EventReceived += e => seen.Add(e.Kind.Word());
        int unknown = 0, denied = 0;
        Program.Frames(() =>
        {
            Access now = core.Access;
            unknown += now == Access.Unknown ? 1 : 0;
            denied += now == Access.Denied ? 1 : 0;
            return now == Access.Full;
        });
        Program.Frames(() => seen.Contains("document_accepted") && runner.Renewal.Outcome == RenewalOutcome.Renewed && !runner.Renewal.IsBusy);
        Engine.Send(window, "OnInspectorUpdate");
        Program.Is(window.Renewals.Count == 1 && window.Renewals[0].StartsWith("cad: renewed, 0 s ago; next in ", StringComparison.Ordinal), "the window: " + string.Join("\n", window.Renewals));
        string text = RenewalText.Of(runner.Renewal);
        // Asked for by hand, it renews again; but not within a minute after it did.
        runner.RenewNow();
        Engine.LeavePlay();
        Program.Is(runner.Renewal == null && core.Access == Access.Unknown, "closed");
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("seen: " + (unknown + denied > 0 ? "not yet, " : "") + "full; " + text);
    }

    private static int Threads()
    {
        return Directory.Exists("/proc/self/task") ? Directory.GetDirectories("/proc/self/task").Length : 0;
    }

    // Entered and left again and again, domain reload off, with the switch on: each play renews, and none leaves a thread or a handle.
    private static void Plays(string app, RenewalHttp http, int times)
    {
        Program.Hooks();
        long handles = -1, threads = -1;
        for (int turn = 0; turn < times; turn++)
        {
            EditorApplication.Tell(PlayModeStateChange.ExitingEditMode);
            Open(app, http, new RenewingOptions());
            EditorApplication.Tell(PlayModeStateChange.EnteredPlayMode);
            ReprieveFeature core = runner.Feature("core");
            Program.Frames(() => core.Allowed && runner.Renewal != null);
            if (turn % 2 == 0)
            {
                // Left in the midst of one.
                runner.RenewNow();
                Program.Frames(() => runner.Renewal.IsBusy || runner.Renewal.Outcome != RenewalOutcome.None);
            }
            EditorApplication.Tell(PlayModeStateChange.ExitingPlayMode);
            Engine.LeavePlay();
            EditorApplication.Tell(PlayModeStateChange.EnteredEditMode);
            Program.Is(ReprieveSession.Count == 0 && UnityWebRequest.Running == 0, "no session and no request is left");
            if (turn == 9)
            {
                Program.Collect();
                handles = ReprieveLibrary.HandleCount;
                threads = Threads();
            }
        }
        Program.Collect();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Program.Is(ReprieveLibrary.HandleCount <= handles, "handles: " + ReprieveLibrary.HandleCount + " after " + handles);
        Stopwatch watch = Stopwatch.StartNew();
        while (Threads() > threads + 2 && watch.ElapsedMilliseconds < 5000) { Thread.Sleep(20); }
        Program.Is(Threads() <= threads + 2, "threads: " + Threads() + " after " + threads);
        Console.WriteLine("{0} plays that renew, {1} handles left", times, ReprieveLibrary.HandleCount);
    }

    // Domain reload on: each play has a domain of its own, which is unloaded while its runner renews. Every other time nobody closed it before.
    private static void Reload(string app, string http, int times)
    {
#if MONO
        long before = -1;
        int threads = -1;
        for (int turn = 0; turn < times; turn++)
        {
            AppDomain domain = AppDomain.CreateDomain("Unity Child Domain " + turn);
            domain.SetData("app", app);
            domain.SetData("http", http);
            domain.SetData("closes", turn % 2 == 0);
            domain.DoCallBack(InDomain);
            Program.Is((string)domain.GetData("said") == "full", "in the domain: " + domain.GetData("said"));
            AppDomain.Unload(domain);
            Stopwatch watch = Stopwatch.StartNew();
            while (turn > 1 && (ReprieveLibrary.HandleCount > before || Threads() > threads + 2) && watch.ElapsedMilliseconds < 5000) { Thread.Sleep(20); }
            if (turn == 1) { before = ReprieveLibrary.HandleCount; threads = Threads(); }
            Program.Is(turn < 2 || ReprieveLibrary.HandleCount <= before, "handles after an unload: " + ReprieveLibrary.HandleCount + ", " + before + " after the second");
            Program.Is(turn < 2 || Threads() <= threads + 2, "threads after an unload: " + Threads() + ", " + threads + " after the second");
        }
        Console.WriteLine("{0} domains that renew, {1} handles left", times, ReprieveLibrary.HandleCount);
#else
        throw new NotSupportedException("this runtime has no application domains");
#endif
    }

#if MONO
    private static void InDomain()
    {
        AppDomain own = AppDomain.CurrentDomain;
        try
        {
            Program.Hooks();
            Open((string)own.GetData("app"), Http((string)own.GetData("http")), new RenewingOptions());
            Program.Frames(() => runner.Check("core") == Access.Full && runner.Renewal != null);
            runner.RenewNow();
            Program.Frames(() => runner.Renewal.IsBusy || runner.Renewal.Outcome != RenewalOutcome.None);
            own.SetData("said", runner.Check("core").Word());
            if ((bool)own.GetData("closes"))
            {
                AssemblyReloadEvents.Before();
                Program.Is(ReprieveSession.Count == 0 && UnityWebRequest.Running == 0, "closed before the scripts go");
                Engine.DisableAll();
            }
            Program.Is(Engine.Log.Count == 0, "nothing was logged");
        }
        catch (Exception error)
        {
            own.SetData("said", error.ToString());
        }
    }
#endif

    // Left while a server says nothing: closing does not wait for it, and neither does a frame.
    private static void Hangs(string app, RenewalHttp http)
    {
        Open(app, http, new RenewingOptions());
        Program.Frames(() => runner.Renewal != null && runner.Renewal.IsBusy);
        Stopwatch watch = Stopwatch.StartNew();
        double longest = 0;
        for (int frame = 0; frame < 100; frame++)
        {
            double before = watch.Elapsed.TotalMilliseconds;
            Engine.Frame();
            longest = Math.Max(longest, watch.Elapsed.TotalMilliseconds - before);
            Thread.Sleep(5);
        }
        Program.Is(http == RenewalHttp.Library || UnityWebRequest.Running == 1, "a request runs: " + UnityWebRequest.Running);
        watch.Restart();
        Engine.LeavePlay();
        double closing = watch.Elapsed.TotalSeconds;
        Program.Is(closing < 3, "closing took " + closing + " s");
        Program.Is(UnityWebRequest.Running == 0 && ReprieveSession.Count == 0, "it was given up");
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("closed within 3 s");
    }

    // No frame passes for longer than a request may take: that is no outage. When it goes on, so do renewals.
    private static void Still(string app)
    {
        RenewingOptions options = Quick(4000);
        options.Settings.Pause = TimeSpan.FromMilliseconds(500);
        Open(app, RenewalHttp.UnityWebRequest, options);
        Program.Frames(() => UnityWebRequest.Running == 1);
        Thread.Sleep(6000);
        RenewalState state = runner.Renewal;
        Program.Is(state.Outcome == RenewalOutcome.Failed && state.Failure == RenewalFailure.Local, "what it came to: " + state.Word);
        Engine.Frame();
        Program.Is(UnityWebRequest.Running == 0, "it was given up in the first frame");
        Program.Is(runner.Client.Report(Outage.Network) && runner.Client.Report(Outage.Server), "nothing was reported");
        Program.Frames(() => UnityWebRequest.Running == 1);
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("no outage");
    }

    // A failure, then another network: it is tried again within some seconds, where the pause is days.
    private static void Network(string app, RenewalHttp http)
    {
        RenewingOptions options = Quick();
        options.Settings.Pause = options.Settings.PauseMost = TimeSpan.FromDays(40);
        if (http == RenewalHttp.Library) { options.Proxy = "none"; }
        Open(app, http, options);
        RenewalState state = Ended();
        Program.Is(state.Outcome == RenewalOutcome.Status && state.Status == 500, "it failed: " + state.Word);
        Program.Is(Engine.Log.Count == 0, "a server that fails is no trouble of the game's");
        Engine.Reachability = NetworkReachability.NotReachable;
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < TimeSpan.FromSeconds(3)) { Engine.Frame(); Thread.Sleep(10); }
        Program.Is(runner.Renewal.Next == null || runner.Renewal.Next > TimeSpan.FromSeconds(10), "a network that is gone changes nothing: " + RenewalText.Of(runner.Renewal));
        Engine.Reachability = NetworkReachability.ReachableViaCarrierDataNetwork;
        Program.Frames(() => runner.Feature("core").Allowed);
        Engine.LeavePlay();
        Console.WriteLine("renewed on another network");
    }

    private static RenewingOptions Slow(RenewalHttp http)
    {
        RenewingOptions options = Quick(2500);
        options.Settings.Pause = options.Settings.PauseMost = TimeSpan.FromDays(40);
        options.Headers.Add("X-Of-The-Game", "yes");
        if (http == RenewalHttp.Library) { options.Proxy = "none"; }
        return options;
    }

    // The first server says nothing, so the second is asked beside it; once that has renewed, nobody waits for the first.
    private static void Hedged(string app, RenewalHttp http)
    {
        RenewingOptions options = Quick(20000);
        options.Settings.Hedge = TimeSpan.FromMilliseconds(500);
        if (http == RenewalHttp.Library) { options.Proxy = "none"; }
        Open(app, http, options);
        int most = 0;
        Program.Frames(() => { most = Math.Max(most, UnityWebRequest.Running); return runner.Feature("core").Allowed; });
        Program.Is(most == (http == RenewalHttp.Library ? 0 : 2), most + " requests at once");
        Stopwatch watch = Stopwatch.StartNew();
        Program.Frames(() => UnityWebRequest.Running == 0 && !runner.Renewal.IsBusy);
        Program.Is(watch.Elapsed < TimeSpan.FromSeconds(5), "it was waited for: " + watch.Elapsed);
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("renewed by the second");
    }

    // A server that says nothing, and then does: a probe finds that out, where the pause is days.
    private static void Back(string app, RenewalHttp http)
    {
        Open(app, http, Slow(http));
        RenewalState state = Ended();
        Program.Is(state.Failure == RenewalFailure.TimedOut, "it failed: " + state.Word);
        Program.Frames(() => runner.Feature("core").Allowed);
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("renewed after a probe");
    }

    // A server that fails, and a mirror that has what all customers have.
    private static void Mirror(string app, RenewalHttp http)
    {
        Open(app, http, Slow(http));
        var seen = new List<string>();
        runner.EventReceived += e => seen.Add(e.Kind.Word());
        Program.Frames(() => seen.Contains("document_accepted"));
        Program.Frames(() => runner.Renewal.Outcome == RenewalOutcome.Fetched);
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("fetched from a mirror");
    }

    // The player's settings forbid plain HTTP, and the game a header field that Unity keeps: told once, nothing thrown, no outage, and no end of tries.
    private static void Forbidden(string app, string what)
    {
        Engine.PlainHttpForbidden = what == "http";
        RenewingOptions options = Quick();
        options.Settings.Pause = options.Settings.PauseMost = TimeSpan.FromMilliseconds(200);
        if (what == "header") { options.Headers.Add("Host", "elsewhere.example"); }
        if (what == "proxy") { options.Proxy = "http://127.0.0.1:9"; }
        Open(app, RenewalHttp.UnityWebRequest, options);
        Program.Frames(() => Engine.Log.Count > 0);
        for (int frame = 0; frame < 200; frame++) { Engine.Frame(); Thread.Sleep(5); }
        Program.Is(Engine.Log.Count == 1 && runner.Trouble != null, "told once");
        Program.Is(runner.Client.Report(Outage.Network) && runner.Client.Report(Outage.Server), "nothing was reported");
        Engine.LeavePlay();
        Console.WriteLine(Engine.Log[0]);
    }

    private static void NoEndpoints(string app)
    {
        Open(app, RenewalHttp.Automatic, new RenewingOptions());
        Program.Frames(() => runner.IsOpen);
        int threads = Threads();
        for (int frame = 0; frame < 100; frame++) { Engine.Frame(); Thread.Sleep(5); }
        Program.Is(runner.Renewal == null && runner.Trouble == null && Threads() <= threads, "nothing is done");
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("nothing is done");
    }

    // The component's own fields, as the Inspector fills them: off unless said, and on.
    private static void Switched(string app, string how)
    {
        Program.Enter(() =>
        {
            runner = new GameObject("Licence").AddComponent<ReprieveRunner>();
            Program.Set(runner, "applicationFile", new TextAsset(File.ReadAllText(app)));
            Program.Set(runner, "sku", "cad");
            Program.Set(runner, "upkeepSeconds", 0.05f);
            if (how == "on") { Program.Set(runner, "renew", true); }
        });
        ReprieveFeature core = runner.Feature("core");
        if (how == "off")
        {
            Program.Frames(() => runner.IsOpen);
            for (int frame = 0; frame < 200; frame++) { Engine.Frame(); Thread.Sleep(5); }
            Program.Is(core.Access == Access.Denied && runner.Renewal == null, "nothing is renewed");
        }
        else
        {
            Program.Frames(() => core.Access == Access.Full);
        }
        Engine.LeavePlay();
        Program.Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine(how == "off" ? "nothing is renewed" : "full");
    }

    // Every text of the manual's list has a failure that is named here, or says nothing certain.
    private static void Texts()
    {
        var wanted = new Dictionary<string, RenewalFailure>
        {
            { "Cannot resolve destination host", RenewalFailure.NoDns }, { "Cannot connect to destination host", RenewalFailure.NoRoute },
            { "Cannot resolve proxy", RenewalFailure.NoRoute }, { "No Internet Connection", RenewalFailure.NoRoute }, { "Request timeout", RenewalFailure.TimedOut },
            { "SSL CA certificate error", RenewalFailure.Certificate }, { "Destination host has an erroneous SSL certificate", RenewalFailure.Certificate },
            { "Unable to complete SSL connection", RenewalFailure.Tls }, { "Destination host does not support SSL", RenewalFailure.Tls },
            { "Unable to load SSL Cipher for verification", RenewalFailure.Tls }, { "SSL shutdown failed", RenewalFailure.Tls },
            { "Received no data in response", RenewalFailure.Reset }, { "Failed to transmit data", RenewalFailure.Reset }, { "Failed to receive data", RenewalFailure.Reset },
            { "Unable to read data", RenewalFailure.Reset }, { "Unsupported Protocol", RenewalFailure.Protocol }, { "Unrecognized content-encoding", RenewalFailure.Protocol },
        };
        string[] nothing = { "Request aborted", "Unable to write data", "Malformed URL", "Out of memory", "Cannot modify request at this time", "Request already transmitted",
            "Invalid HTTP Method", "Header name contains invalid characters", "Header value contains invalid characters", "Cannot override system-specified headers",
            "Backend Initialization Error", "Access denied", "Generic/unknown HTTP error", "Error during HTTP POST transmission", "Login failed", "Redirect limit is invalid",
            "Not implemented", "Data Processing Error, see Download Handler error", "Unknown Error", "", null, "what a later release says" };
        foreach (string text in nothing)
        {
            Program.Is(WebRequestDriver.FailureOf(text) == RenewalFailure.Local && !WebRequestDriver.IsRedirect(text), "`" + text + "` says nothing certain");
        }
        foreach (KeyValuePair<string, RenewalFailure> pair in wanted)
        {
            Program.Is(WebRequestDriver.FailureOf(pair.Key) == pair.Value && !WebRequestDriver.IsRedirect(pair.Key), pair.Key);
        }
        Program.Is(WebRequestDriver.IsRedirect("Redirect limit exceeded") && WebRequestDriver.IsRedirect("Encountered invalid redirect (missing Location header?)"), "redirects");
        Console.WriteLine(wanted.Count + nothing.Length + 2 + " texts");
    }

    // What frames allocate while a driver waits, and while a request is under way.
    private static void FramesOfRenewals(string app)
    {
        Open(app, RenewalHttp.UnityWebRequest, new RenewingOptions());
        Program.Frames(() => runner.Feature("core").Access == Access.Denied && UnityWebRequest.Running == 1);
        long used = Program.Used(runner);
        Program.Is(UnityWebRequest.Running == 1, "it still runs");
        Program.Is(used == 0, used + " bytes in 5,000 frames");
        Engine.LeavePlay();
        Console.WriteLine("0 bytes");
    }
}
