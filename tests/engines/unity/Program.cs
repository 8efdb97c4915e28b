// Plays the package on the stub engine, by Mono or .NET, with the real native library: Program.exe WHAT [FOLDER].
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Threading;
using NUnit.Framework;
using Reprieve;
using Reprieve.Samples.Outpost;
using Reprieve.Unity;
using Reprieve.Unity.Editor;
using UnityEditor;
using UnityEngine;

internal static class Program
{
    private static readonly Assembly[] Scripts = { typeof(ReprieveRunner).Assembly };
    private static string folder;

    private static int Main(string[] arguments)
    {
        folder = arguments.Length > 1 ? arguments[1] : "";
        try
        {
            switch (arguments[0])
            {
                case "nunit": return Tests();
                case "play": Play(int.Parse(arguments[2])); break;
                case "reload": Reload(int.Parse(arguments[2])); break;
                case "recompile": Recompile(); break;
                case "scenes": Scenes(); break;
                case "append": Append(); break;
                case "reopen": Reopen(); break;
                case "broken": Broken(); break;
                case "record": Record(arguments[2]); break;
                case "scene": Scene(); break;
                case "android": Android(); break;
                case "inspector": Inspector(); break;
                case "allocations": Allocations(); break;
                default:
                    if (!Renewals.Run(arguments)) { throw new ArgumentException(arguments[0]); }
                    break;
            }
        }
        catch (Exception error)
        {
            Console.WriteLine(error);
            return 1;
        }
        return 0;
    }

    internal static void Is(bool condition, string what)
    {
        if (!condition) { throw new AssertionException(what + "; the log: " + string.Join("\n", Engine.Log.ToArray())); }
    }

    private static int Tests()
    {
        int passed = 0, failed = 0;
        foreach (Type type in typeof(Program).Assembly.GetTypes())
        {
            if (!Attribute.IsDefined(type, typeof(TestFixtureAttribute))) { continue; }
            foreach (MethodInfo test in type.GetMethods())
            {
                if (!Attribute.IsDefined(test, typeof(TestAttribute))) { continue; }
                try
                {
                    test.Invoke(Activator.CreateInstance(type), null);
                    passed++;
                }
                catch (TargetInvocationException error)
                {
                    failed++;
                    Console.WriteLine("FAILED " + test.Name + ": " + error.InnerException);
                }
            }
        }
        Console.WriteLine(passed + " passed, " + failed + " failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    // A runner on the drill in a folder, as a script makes one.
    private static ReprieveRunner Runner(string consumer, string where)
    {
        var thing = new GameObject("Licence");
        var runner = thing.AddComponent<ReprieveRunner>();
        runner.Configure(() =>
        {
            Drill drill = Drill.Open(where);
            using (drill) { return drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own, LockTimeout = TimeSpan.FromSeconds(1) }); }
        }, "cad", consumer, TimeSpan.FromMilliseconds(10));
        return runner;
    }

    private static void MakeDrill(string where)
    {
        using (Drill drill = Drill.Create(where))
        using (Client client = drill.Client())
        {
            Answer answer = client.Import(drill.Issue(DocumentKind.Lease,
                "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": " + (drill.Now.Seconds + 86400) + "}}"));
            Is(answer.Accepted, answer.ToString());
        }
    }

    internal static void Frames(Func<bool> until)
    {
        Stopwatch watch = Stopwatch.StartNew();
        do
        {
            Engine.Frame();
            if (until()) { return; }
            Thread.Sleep(2);
        }
        while (watch.Elapsed < TimeSpan.FromSeconds(20));
        Is(false, "it did not come to pass within 20 s");
    }

    private static int Threads()
    {
        return Directory.Exists("/proc/self/task") ? Directory.GetDirectories("/proc/self/task").Length : 0;
    }

    internal static void Enter(Action scene)
    {
        Engine.EnterPlay(Scripts, scene);
    }

    internal static void Hooks()
    {
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(ReprieveEditorHooks).TypeHandle);
    }

    private static ReprieveRunner runner;
    private static ReprieveFeature core;

    // Domain reload off: statics stay. A scene is opened, asked, and left, again and again; now and then a session is forgotten by a script.
    private static void Play(int times)
    {
        MakeDrill(folder);
        Hooks();
        long handles = -1, threads = -1;
        for (int turn = 0; turn < times; turn++)
        {
            EditorApplication.Tell(PlayModeStateChange.ExitingEditMode);
            Engine.EnterPlay(Scripts, () => runner = Runner("play", folder));
            EditorApplication.Tell(PlayModeStateChange.EnteredPlayMode);
            core = runner.Feature("core");
            Frames(() => core.Allowed);
            Is(core.Check().State == State.Licensed, "licensed");
            if (turn % 10 == 3)
            {
                new ReprieveSession(() => { using (Drill drill = Drill.Open(folder)) { return drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own }); } },
                    "cad", null, TimeSpan.FromMilliseconds(10)).WaitUntilOpen(TimeSpan.FromSeconds(10));
            }
            EditorApplication.Tell(PlayModeStateChange.ExitingPlayMode);
            Engine.LeavePlay();
            EditorApplication.Tell(PlayModeStateChange.EnteredEditMode);
            Is(ReprieveSession.Count == 0, "no session is left");
            Is(core.Access == Access.Unknown, "unknown after the play");
            if (turn == 9) { handles = ReprieveLibrary.HandleCount; threads = Threads(); }
        }
        Collect();
        Is(Engine.Log.Count == 0, "nothing was logged");
        Is(ReprieveLibrary.HandleCount <= Math.Max(handles, 0), "handles: " + ReprieveLibrary.HandleCount + " after " + handles);
        Is(Threads() <= threads + 2, "threads: " + Threads() + " after " + threads);
        Console.WriteLine("{0} plays, {1} handles left", times, ReprieveLibrary.HandleCount);
    }

    internal static void Collect()
    {
        for (int i = 0; i < 3; i++) { GC.Collect(); GC.WaitForPendingFinalizers(); }
    }

#if MONO
    // Domain reload on: each play has a domain of its own, which is unloaded while its runner is open, as the Editor does.
    private static void Reload(int times)
    {
        MakeDrill(folder);
        long before = -1;
        for (int turn = 0; turn < times; turn++)
        {
            AppDomain domain = AppDomain.CreateDomain("Unity Child Domain " + turn);
            domain.SetData("folder", folder);
            domain.DoCallBack(InDomain);
            Is((string)domain.GetData("said") == "licensed", "in the domain: " + domain.GetData("said"));
            AppDomain.Unload(domain);
            long handles = ReprieveLibrary.HandleCount;
            if (turn == 0) { before = handles; }
            Is(handles <= before, "handles after an unload: " + handles + ", " + before + " after the first");
        }
        Console.WriteLine("{0} domains, {1} handles left", times, ReprieveLibrary.HandleCount);
    }

    private static void InDomain()
    {
        AppDomain own = AppDomain.CurrentDomain;
        folder = (string)own.GetData("folder");
        try
        {
            Hooks();
            Engine.EnterPlay(Scripts, () => runner = Runner("reload", folder));
            Frames(() => runner.Check("core") == Access.Full);
            string said = runner.Feature("core").Check().State.Word();
            AssemblyReloadEvents.Before();
            Is(ReprieveSession.Count == 0, "closed before the scripts go");
            Engine.DisableAll();
            Is(Engine.Log.Count == 0, "nothing was logged");
            own.SetData("said", said);
        }
        catch (Exception error)
        {
            own.SetData("said", error.ToString());
        }
    }
#else
    private static void Reload(int times)
    {
        throw new NotSupportedException("this runtime has no application domains");
    }
#endif

    // Scripts are reloaded in the middle of a play: what was open is closed, and OnEnable opens it again.
    private static void Recompile()
    {
        MakeDrill(folder);
        Hooks();
        Engine.EnterPlay(Scripts, () => runner = Runner("recompile", folder));
        Frames(() => runner.Check("core") == Access.Full);
        for (int turn = 0; turn < 20; turn++)
        {
            AssemblyReloadEvents.Before();
            Is(runner.Check("core") == Access.Unknown, "unknown while the scripts are away");
            Engine.DisableAll();
            AssemblyReloadEvents.After();
            Engine.EnableAll();
            Frames(() => runner.Check("core") == Access.Full);
        }
        EditorApplication.Quit();
        Is(ReprieveSession.Count == 0, "closed as the Editor quits");
        Is(Engine.Log.Count == 0, "nothing was logged");
    }

    // Two scenes with a client each, on one ledger and on two: they answer alike, and unloading one leaves the other.
    private static void Scenes()
    {
        string other = folder + "-other";
        MakeDrill(folder);
        MakeDrill(other);
        ReprieveRunner one = null, two = null, three = null;
        Engine.EnterPlay(Scripts, () => one = Runner("one", folder), () => { two = Runner("two", folder); three = Runner("three", other); });
        var seen = new List<string>();
        one.EventReceived += e => seen.Add("one " + e.Kind.Word());
        two.EventReceived += e => seen.Add("two " + e.Kind.Word());
        three.EventReceived += e => seen.Add("three " + e.Kind.Word());
        Frames(() => one.Check("core") == Access.Full && two.Check("core") == Access.Full && three.Check("core") == Access.Full);
        one.Client.Appeal("L1", "The server room was under water.");
        Frames(() => seen.Contains("one appeal_filed") && seen.Contains("two appeal_filed"));
        Is(!seen.Contains("three appeal_filed"), "the other ledger has heard nothing");
        UnityEngine.Object.Destroy(one.gameObject);
        Frames(() => two.Check("core") == Access.Full);
        Is(one.Check("core") == Access.Unknown && ReprieveSession.Count == 2, "one is closed, two are open");
        two.enabled = false;
        Is(two.Check("core") == Access.Unknown, "disabled is closed");
        two.enabled = true;
        Frames(() => two.Check("core") == Access.Full);
        Engine.LeavePlay();
        Is(ReprieveSession.Count == 0 && Engine.Log.Count == 0, "all closed, and nothing was logged");
    }

    // The Editor in the midst of appending: to be killed.
    private static void Append()
    {
        if (!File.Exists(Path.Combine(folder, "made")))
        {
            MakeDrill(folder);
            File.WriteAllText(Path.Combine(folder, "made"), "");
        }
        Engine.EnterPlay(Scripts, () => runner = Runner("append", folder));
        Frames(() => runner.Check("core") == Access.Full);
        Console.WriteLine("appending");
        Console.Out.Flush();
        for (int turn = 0; ; turn++)
        {
            Engine.Frame();
            runner.Client.Appeal("L1", "number " + turn);
            Console.WriteLine("appended");
            Console.Out.Flush();
        }
    }

    private static void Reopen()
    {
        Engine.EnterPlay(Scripts, () => runner = Runner("append", folder));
        int appeals = 0;
        runner.EventReceived += e => appeals += e.Kind == EventKind.AppealFiled ? 1 : 0;
        Frames(() => runner.Check("core") == Access.Full);
        int before = -1;
        Stopwatch watch = Stopwatch.StartNew();
        while (before != appeals || watch.ElapsedMilliseconds < 300)
        {
            if (before != appeals) { watch.Restart(); }
            before = appeals;
            Engine.Frame();
            Thread.Sleep(2);
        }
        Engine.LeavePlay();
        Is(Engine.Log.Count == 0, "nothing was logged");
        Console.WriteLine("appeals " + appeals);
    }

    // A library that cannot be used: told once, and the game goes on.
    private static void Broken()
    {
        int handled = 0;
        for (int turn = 0; turn < 3; turn++)
        {
            Engine.Load(() =>
            {
                runner = new GameObject("Licence").AddComponent<ReprieveRunner>();
                runner.Configure(ReprieveSession.FromText("vendor = \"acme\"\n"), "cad", "broken", TimeSpan.FromMilliseconds(10));
            });
            runner.Session.Troubled += text => handled++;
            Frames(() => runner.Trouble != null);
            for (int frame = 0; frame < 50; frame++)
            {
                Engine.Frame();
                Is(runner.Check("core") == Access.Unknown && !runner.Feature("core").Refused, "unknown, and no refusal");
            }
        }
        Resources();
        Engine.Load(() => new GameObject("Outpost").AddComponent<OutpostScene>());
        Engine.Frame();
        Engine.Gui(new UnityEngine.Event { type = EventType.KeyDown, keyCode = KeyCode.D });
        Engine.Frame();
        var window = EditorWindow.GetWindow<ReprieveWindow>("Reprieve");
        window.Play("{\"sku\": \"cad\", \"steps\": []}", "cad");
        Is(window.Trouble != null, "the window says so too");
        Engine.LeavePlay();
        Is(Engine.Log.Count == 3 && handled <= 3, "the runners told it once, the sample and the window once each");
        Is(Engine.Drawn.Contains("The licence could not be checked. That is no refusal: the game goes on."), "the sample draws on");
        foreach (string line in Engine.Log)
        {
            Is(line.StartsWith("error: ", StringComparison.Ordinal), "no exception");
        }
        Console.WriteLine(Engine.Log[0]);
    }

    private static void Resources()
    {
        Engine.ResourcesFolder = Environment.GetEnvironmentVariable("OUTPOST_RESOURCES");
    }

    private static void Record(string file)
    {
        string resources = Environment.GetEnvironmentVariable("OUTPOST_RESOURCES");
        OutpostGame.Record(File.ReadAllText(Path.Combine(resources, "outpost.json")), File.ReadAllText(Path.Combine(resources, "outpost-words.txt")), file);
    }

    // The sample's scene, played to its end with the keys: a frame a step, far faster than on a screen.
    private static void Scene()
    {
        Resources();
        Engine.EnterPlay(Scripts, () => new GameObject("Outpost").AddComponent<OutpostScene>());
        Engine.Frame();
        Engine.Gui(new UnityEngine.Event { type = EventType.Repaint });
        Is(Engine.Drawn.Contains("Licensed. All of the game is yours.") && Engine.Drawn.Contains("day 0 00:00"), "the start");
        Engine.Gui(new UnityEngine.Event { type = EventType.KeyDown, keyCode = KeyCode.D });
        Frames(() => { Engine.Drawn.Clear(); Engine.Gui(new UnityEngine.Event { type = EventType.Repaint }); return Engine.Drawn.Contains("day 0 05:00"); });
        Engine.Gui(new UnityEngine.Event { type = EventType.KeyDown, keyCode = KeyCode.R });
        Frames(() => { Engine.Drawn.Clear(); Engine.Gui(new UnityEngine.Event { type = EventType.Repaint }); return Engine.Drawn.Contains("day 0 00:00"); });
        Engine.Gui(new UnityEngine.Event { type = EventType.KeyDown, keyCode = KeyCode.Escape });
        Is(Engine.Quits, "Escape ends it");
        Engine.LeavePlay();
        Is(Engine.Log.Count == 0, "nothing was logged");
    }

    // StreamingAssets inside a package: read as a text, first one that is not there.
    private static void Android()
    {
        Engine.Mobile = true;
        Engine.Persistent = Path.Combine(folder, "data");
        foreach (bool there in new[] { false, true })
        {
            Engine.StreamingAssets = "jar:file://" + folder + "!" + (there ? "/assets" : "/nothing");
            Engine.Load(() =>
            {
                runner = new GameObject("Licence").AddComponent<ReprieveRunner>();
                Set(runner, "sku", "cad");
            });
            ReprieveFeature some = runner.Feature("core");
            Is(some.Access == Access.Unknown, "unknown at first");
            if (!there)
            {
                Frames(() => Engine.Log.Count > 0);
                Is(Engine.Log.Count == 1 && Engine.Log[0].Contains("/nothing/reprieve.toml"), "told once");
                Engine.Log.Clear();
            }
            else
            {
                Frames(() => runner.IsOpen && some.Access != Access.Unknown);
                Is(Directory.Exists(Path.Combine(Engine.Persistent, "reprieve")), "the ledger lies in the program's folder");
            }
            Engine.LeavePlay();
        }
        Is(Engine.Log.Count == 0, "nothing was logged");
    }

    // The fields as the Inspector fills them; and handlers that throw.
    private static void Inspector()
    {
        Engine.StreamingAssets = folder;
        int bound = 0, other = 0;
        foreach (string from in new[] { "text", "file" })
        {
            Engine.Load(() =>
            {
                runner = new GameObject("Licence").AddComponent<ReprieveRunner>();
                Set(runner, "applicationFile", from == "text" ? new TextAsset(File.ReadAllText(Path.Combine(folder, "reprieve.toml"))) : null);
                Set(runner, "sku", "cad");
                Set(runner, "upkeepSeconds", 0.05f);
                var binding = new ReprieveUnityEvent { persistent = 1 };
                binding.AddListener(e => bound++);
                Set(runner, "onEvent", binding);
            });
            runner.EventReceived += e => { throw new InvalidOperationException("a mistake of the game's"); };
            runner.EventReceived += e => other++;
            Frames(() => runner.IsOpen);
            runner.Client.Appeal(null, "from a " + from);
            int wanted = from == "text" ? 1 : 2;
            Frames(() => bound == wanted && other == wanted);
            Is(Engine.Log.Count == wanted && Engine.Log[wanted - 1].Contains("a mistake of the game's"), "the mistake was logged");
            Engine.LeavePlay();
        }
    }

    internal static void Set(object target, string field, object value)
    {
        typeof(ReprieveRunner).GetField(field, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(target, value);
    }

    // What a frame allocates: the runner's own Update, and the checks of a game.
    private static void Allocations()
    {
        MakeDrill(folder);
        Engine.EnterPlay(Scripts, () => runner = Runner("allocations", folder));
        Frames(() => runner.Check("core") == Access.Full);
        long used = Used(runner);
        Is(used == 0, used + " bytes in 5,000 frames");
        Is(runner.Feature("core").Allowed, "allowed");
        Engine.LeavePlay();
        Console.WriteLine("0 bytes");
    }

    // What 5,000 frames of a runner allocate, with the checks of a game.
    internal static long Used(ReprieveRunner of)
    {
        ReprieveFeature feature = of.Feature("core");
        // As Unity calls it: the stub's reflection would allocate.
        var update = (Action)Delegate.CreateDelegate(typeof(Action), of, typeof(ReprieveRunner).GetMethod("Update", BindingFlags.Instance | BindingFlags.NonPublic));
        int allowed = 0;
        for (int frame = 0; frame < 20000; frame++) { allowed += One(update, feature); }
        // The measure must see what is there: an object in each frame.
        object kept = null;
        Is(Least(() => kept = new object()) >= 5000 * IntPtr.Size && kept != null, "the measure sees nothing");
        return Least(() => allowed += One(update, feature));
    }

    // What 5,000 calls allocate: the least of several times, as the session's own thread works beside them.
    private static long Least(Action call)
    {
        long least = long.MaxValue;
        for (int turn = 0; turn < 40 && least != 0; turn++)
        {
            int collections = GC.CollectionCount(0);
            long before = Allocated();
            for (int frame = 0; frame < 5000; frame++) { call(); }
            long used = Allocated() - before;
            if (GC.CollectionCount(0) == collections) { least = Math.Min(least, used); }
        }
        return least;
    }

    private static long Allocated() { return GC.GetAllocatedBytesForCurrentThread(); }

    private static int One(Action update, ReprieveFeature feature)
    {
        update();
        Decision decision = feature.Check();
        return feature.Allowed && !feature.Refused && feature.Access == Access.Full && decision.Ends != null ? 1 : 0;
    }
}
