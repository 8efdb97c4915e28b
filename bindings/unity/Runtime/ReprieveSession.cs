using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Reprieve.Unity
{
    /// <summary>
    /// An open ledger in a Unity program: one client, its features, its renewals, and one background thread that opens it, does upkeep, fetches events
    /// and acknowledges them, so that no frame waits for a disk. <see cref="ReprieveRunner"/> is a component around one; use this class alone where there is
    /// no scene.
    /// </summary>
    /// <remarks>
    /// <para>Nothing in here throws out of a frame. What goes wrong is told once by <see cref="Troubled"/> and <c>Debug.LogError</c>, checks answer
    /// <see cref="Access.Unknown"/>, and what may pass by itself (another process holds the ledger, a disk is full) is tried again.</para>
    /// <para>Handlers run on the thread that calls <see cref="Pump"/>, which is Unity's main thread. Everything else may be called from any
    /// thread.</para>
    /// </remarks>
    public sealed class ReprieveSession : IDisposable
    {
        // Fetched and not yet handed to a handler: more stay in the ledger.
        private const int MostWaiting = 64;

        private static readonly TimeSpan OpensAgain = TimeSpan.FromSeconds(10);

        // The sessions that are open: closed by the Editor before it unloads the scripts, and before statics are reused with domain reload off.
        private static readonly List<ReprieveSession> Sessions = new List<ReprieveSession>();

        // A library that cannot be loaded is one fact, however many scenes ask for it.
        private static bool libraryTold;

        private readonly object gate = new object();
        private readonly Func<Client> open;
        private readonly string sku;
        private readonly string consumer;
        private readonly TimeSpan interval;
        private readonly Dictionary<string, ReprieveFeature> features = new Dictionary<string, ReprieveFeature>(StringComparer.Ordinal);
        private readonly Queue<Event> events = new Queue<Event>();
        private readonly Queue<string> troubles = new Queue<string>();
        private readonly AutoResetEvent wake = new AutoResetEvent(false);
        private readonly ManualResetEvent first = new ManualResetEvent(false);
        private readonly Thread thread;
        // Null if nothing is to be renewed.
        private readonly SessionRenewal renewal;

        private volatile Client client;
        private volatile string trouble;
        // What of renewals was told last: it is not told again when it passes and comes back.
        private string toldOfRenewal;
        private volatile bool ending;
        // Something waits for Pump: read in every frame without the lock.
        private volatile bool waiting;
        private volatile bool opened;
        private bool closed;
        private bool hopeless;
        private DateTime nextOpen;
        private Event delivered;

        /// <summary>Opens a ledger, on the session's own thread.</summary>
        /// <param name="open">Opens the client, with <see cref="Upkeep.Own"/>: <see cref="FromText"/> and <see cref="FromFile"/> make one. Called again
        /// while the ledger is busy or cannot be read, or if it returns null: there is nothing to open yet.</param>
        /// <param name="sku">The product that <see cref="Feature"/> asks about.</param>
        /// <param name="consumer">By which name events are taken; each has its own place. Two sessions that share one get some of the events
        /// each.</param>
        /// <param name="interval">How often upkeep is done and events are fetched; a second suits most.</param>
        /// <param name="renewing">Leases are renewed at the endpoints of the application file, with these options; null if they are not.</param>
        /// <param name="http">By whose HTTP.</param>
        public ReprieveSession(Func<Client> open, string sku, string consumer, TimeSpan interval, RenewingOptions renewing = null,
            RenewalHttp http = RenewalHttp.Automatic)
        {
            if (open == null)
            {
                throw new ArgumentNullException("open");
            }
            if (interval < TimeSpan.FromMilliseconds(1) || interval > TimeSpan.FromMinutes(5))
            {
                throw new ArgumentOutOfRangeException("interval", "use 1 ms to 5 minutes: without upkeep for 10 minutes checks are unknown");
            }
            this.open = open;
            this.sku = sku ?? "";
            this.consumer = consumer;
            this.interval = interval;
            renewal = renewing == null ? null : new SessionRenewal(renewing, http, Wake);
            lock (Sessions)
            {
                Sessions.Add(this);
            }
            thread = new Thread(Run) { IsBackground = true, Name = "Reprieve upkeep" };
            thread.Start();
        }

        /// <summary>An event of the ledger, on the main thread. While nobody is subscribed events wait in the ledger. A handler that throws is logged,
        /// and the event counts as delivered.</summary>
        public event Action<Event> EventReceived;

        /// <summary>The ledger was opened, on the main thread; also when it was opened again.</summary>
        public event Action Opened;

        /// <summary>Something went wrong, on the main thread: what happened, to which thing, and what to do. It was logged too.</summary>
        public event Action<string> Troubled;

        /// <summary>The open client, for imports, renewals and reports: call those from another thread than Unity's. Null while none is
        /// open.</summary>
        public Client Client { get { return client; } }

        /// <summary>Whether the ledger is open.</summary>
        public bool IsOpen { get { return client != null; } }

        /// <summary>What is wrong now; null if nothing is. A server that cannot be reached is nothing wrong: see <see cref="Renewal"/>.</summary>
        public string Trouble { get { return trouble ?? (renewal == null ? null : renewal.Trouble); } }

        /// <summary>How renewing stood at the last round of upkeep: for a banner, by <see cref="RenewalText.Of"/> or in words of your own. Null while nothing
        /// renews: it is switched off, the ledger is not open, or there are no endpoints. Costs nothing, in every frame.</summary>
        public RenewalState Renewal { get { return renewal == null ? null : renewal.State; } }

        /// <summary>A renewal is wanted though none is due: a button. Does not wait.</summary>
        public void RenewNow()
        {
            if (renewal != null)
            {
                renewal.RenewNow();
            }
        }

        /// <summary>The network is back, or another one is there: a pause after failures ends within some seconds. Does not wait. A
        /// <see cref="ReprieveRunner"/> says it by itself.</summary>
        public void NetworkChanged()
        {
            if (renewal != null)
            {
                renewal.NetworkChanged();
            }
        }

        /// <summary>The product that is asked about.</summary>
        public string Sku { get { return sku; } }

        /// <summary>The sessions of this program that are not closed.</summary>
        public static IReadOnlyList<ReprieveSession> All
        {
            get
            {
                lock (Sessions)
                {
                    return Sessions.ToArray();
                }
            }
        }

        /// <summary>How many sessions of this program are not closed.</summary>
        public static int Count
        {
            get
            {
                lock (Sessions)
                {
                    return Sessions.Count;
                }
            }
        }

        /// <summary>What opens a ledger from an application file's text, as in a <c>TextAsset</c>.</summary>
        /// <param name="toml">The text of <c>reprieve.toml</c>.</param>
        /// <param name="options">Null for the defaults; upkeep is the session's in any case.</param>
        public static Func<Client> FromText(string toml, OpenOptions options = null)
        {
            OpenOptions own = Own(options);
            return () => Client.OpenText(toml, own);
        }

        /// <summary>What opens a ledger from an application file.</summary>
        /// <param name="path">Where <c>reprieve.toml</c> lies: a real file, not one inside an Android package.</param>
        /// <param name="options">Null for the defaults; upkeep is the session's in any case.</param>
        public static Func<Client> FromFile(string path, OpenOptions options = null)
        {
            OpenOptions own = Own(options);
            return () => Client.Open(path, own);
        }

        private static OpenOptions Own(OpenOptions options)
        {
            options = options ?? new OpenOptions();
            options.Upkeep = Upkeep.Own;
            // Closing waits for a round of upkeep, and so for the ledger's lock.
            options.LockTimeout = options.LockTimeout ?? TimeSpan.FromSeconds(1);
            return options;
        }

        /// <summary>A feature of the session's product, the same object for the same name. It may be asked for before the ledger is open.</summary>
        /// <param name="name">1 to 128 of <c>A-Z a-z 0-9 . _ : @ / + -</c>. What is no such name is always unknown, and is told as a
        /// trouble.</param>
        public ReprieveFeature Feature(string name)
        {
            if (name == null)
            {
                throw new ArgumentNullException("name");
            }
            lock (gate)
            {
                ReprieveFeature feature;
                if (!features.TryGetValue(name, out feature))
                {
                    feature = new ReprieveFeature(sku, name);
                    features.Add(name, feature);
                    Bind(feature, client);
                }
                return feature;
            }
        }

        /// <summary>Waits until the first try to open the ledger is done.</summary>
        /// <returns>Whether it is open.</returns>
        public bool WaitUntilOpen(TimeSpan atMost)
        {
            first.WaitOne(atMost);
            return client != null;
        }

        /// <summary>Has the thread do a round now: after something was reported or imported, say.</summary>
        public void Wake()
        {
            if (!ending)
            {
                wake.Set();
            }
        }

        /// <summary>Imports a document on the thread pool. Its answer, or why the ledger could not take it, is the task's.</summary>
        public Task<Answer> ImportAsync(string token)
        {
            Client now = client;
            if (now == null)
            {
                throw new InvalidOperationException("the ledger is not open: " + (trouble ?? "it is being opened"));
            }
            return Task.Run(() =>
            {
                Answer answer = now.Import(token);
                Wake();
                return answer;
            });
        }

        /// <summary>Hands out what happened, on the calling thread: once a frame. Costs a few reads and allocates nothing while there is nothing. Where
        /// <c>UnityWebRequest</c> renews, its requests are begun and ended in here.</summary>
        public void Pump()
        {
            if (waiting)
            {
                Deliver();
            }
            if (renewal != null)
            {
                renewal.Pump();
            }
        }

        private void Deliver()
        {
            bool tellOpened;
            lock (gate)
            {
                tellOpened = opened;
                opened = false;
            }
            if (tellOpened)
            {
                Action handler = Opened;
                if (handler != null)
                {
                    Safely(handler);
                }
            }
            while (true)
            {
                string text = null;
                Event next = null;
                lock (gate)
                {
                    if (troubles.Count > 0)
                    {
                        text = troubles.Dequeue();
                    }
                    else if (events.Count > 0 && EventReceived != null)
                    {
                        next = events.Dequeue();
                    }
                    else
                    {
                        // What waits for a subscriber keeps the flag up; it is looked at again in the next frame.
                        waiting = events.Count > 0 || opened;
                        return;
                    }
                }
                if (text != null)
                {
                    Debug.LogError(text);
                    Action<string> handler = Troubled;
                    if (handler != null)
                    {
                        Safely(() => handler(text));
                    }
                    continue;
                }
                Action<Event> receiver = EventReceived;
                if (receiver != null)
                {
                    foreach (Delegate one in receiver.GetInvocationList())
                    {
                        var call = (Action<Event>)one;
                        Safely(() => call(next));
                    }
                }
                lock (gate)
                {
                    delivered = next;
                }
                Wake();
            }
        }

        // A mistake in a handler of the game's must not keep the others, or the next frame, from running.
        private static void Safely(Action call)
        {
            try
            {
                call();
            }
            catch (Exception error)
            {
                Debug.LogException(error);
            }
        }

        private void Run()
        {
            do
            {
                TimeSpan wait = interval;
                try
                {
                    try
                    {
                        Round();
                    }
                    catch (Exception error) when (!(error is ThreadAbortException))
                    {
                        Tell(error);
                    }
                    first.Set();
                    if (renewal != null && !ending)
                    {
                        TimeSpan least = renewal.Work(client);
                        wait = least < wait ? least : wait;
                        TellOfRenewal(renewal.Trouble);
                    }
                }
                catch (ThreadAbortException)
                {
                    // The scripts are being unloaded; the runtime frees the rest.
                    return;
                }
                wake.WaitOne(wait);
            }
            while (!ending);
        }

        private void TellOfRenewal(string text)
        {
            if (text == null || text == toldOfRenewal)
            {
                return;
            }
            toldOfRenewal = text;
            lock (gate)
            {
                troubles.Enqueue(text);
                waiting = true;
            }
        }

        private void Round()
        {
            if (client == null)
            {
                if (hopeless || DateTime.UtcNow < nextOpen)
                {
                    return;
                }
                nextOpen = DateTime.UtcNow + OpensAgain;
                Client made = open();
                if (made == null)
                {
                    // There is nothing to open yet.
                    nextOpen = DateTime.MinValue;
                    return;
                }
                // From here on no event is missed: a consumer that is new has its place by this call.
                Event missed = consumer == null ? null : made.NextEvent(consumer);
                lock (gate)
                {
                    if (ending)
                    {
                        made.Dispose();
                        return;
                    }
                    client = made;
                    trouble = null;
                    opened = true;
                    if (missed != null)
                    {
                        events.Enqueue(missed);
                    }
                    foreach (ReprieveFeature feature in features.Values)
                    {
                        Bind(feature, made);
                    }
                    waiting = true;
                }
            }
            Client now = client;
            now.Upkeep();
            if (consumer != null)
            {
                Acknowledge(now);
                Fetch(now);
            }
            trouble = null;
        }

        private void Acknowledge(Client now)
        {
            Event done;
            lock (gate)
            {
                done = delivered;
            }
            if (done == null)
            {
                return;
            }
            now.Acknowledge(consumer, done);
            lock (gate)
            {
                if (delivered == done)
                {
                    delivered = null;
                }
            }
        }

        private void Fetch(Client now)
        {
            while (!ending)
            {
                lock (gate)
                {
                    if (events.Count >= MostWaiting)
                    {
                        return;
                    }
                }
                Event next = now.NextEvent(consumer);
                if (next == null)
                {
                    return;
                }
                lock (gate)
                {
                    events.Enqueue(next);
                    waiting = true;
                }
            }
        }

        // Under the lock.
        private void Bind(ReprieveFeature feature, Client now)
        {
            if (now == null)
            {
                feature.Bind(null);
                return;
            }
            try
            {
                Feature native = now.Feature(feature.Sku, feature.Name);
                // Every function that a frame calls is called once here, where it may fail.
                native.Check();
                feature.Bind(native);
            }
            catch (Exception error)
            {
                feature.Bind(null);
                Tell(error);
            }
        }

        private void Tell(Exception error)
        {
            if (ending && error is ObjectDisposedException)
            {
                return;
            }
            bool library = error is ReprieveLibraryException || error is DllNotFoundException || error is EntryPointNotFoundException
                || error is BadImageFormatException || error is TypeLoadException;
            var known = error as ReprieveException;
            bool input = known != null && (int)known.Code / 100 == 1;
            string text;
            if (library)
            {
                text = "Reprieve: " + error.Message + ". In this package it is " + Place() + ": see that the file is there, that its import settings"
                    + " include this platform, and that nothing else is called so. The game goes on, and what it asks is unknown.";
            }
            else if (client == null)
            {
                text = "Reprieve: the ledger was not opened: " + error.Message + ". The game goes on, and what it asks is unknown"
                    + (input ? "; mend that and start again." : "; it is tried again every " + OpensAgain.TotalSeconds + " s.");
            }
            else
            {
                text = "Reprieve: " + error.Message;
            }
            lock (gate)
            {
                if (client == null && (library || input))
                {
                    hopeless = true;
                }
                // The same trouble round after round is told once.
                if (trouble == text)
                {
                    return;
                }
                trouble = text;
                if (library)
                {
                    lock (Sessions)
                    {
                        if (libraryTold)
                        {
                            return;
                        }
                        libraryTold = true;
                    }
                }
                troubles.Enqueue(text);
                waiting = true;
            }
        }

        private static string Place()
        {
#if UNITY_EDITOR_WIN || UNITY_STANDALONE_WIN
            return "Runtime/Plugins/Windows/x86_64/reprieve.dll";
#elif UNITY_EDITOR_OSX || UNITY_STANDALONE_OSX
            return "Runtime/Plugins/macOS/libreprieve.dylib";
#elif UNITY_ANDROID && !UNITY_EDITOR
            return "Runtime/Plugins/Android/<architecture>/libreprieve.so";
#elif UNITY_IOS && !UNITY_EDITOR
            return "Runtime/Plugins/iOS/libreprieve.a, linked into the program";
#else
            return "Runtime/Plugins/Linux/x86_64/libreprieve.so";
#endif
        }

        /// <summary>Ends the thread and the renewals, acknowledges what was delivered, and closes the ledger: what is due is recorded and synced. Checks are
        /// then unknown. Never throws, also a second time. Waits for a round of upkeep that is under way, 3 s at most, and never for the network. On Unity's
        /// main thread where <c>UnityWebRequest</c> renews.</summary>
        public void Dispose()
        {
            lock (gate)
            {
                if (closed)
                {
                    return;
                }
                closed = true;
                ending = true;
            }
            wake.Set();
            bool ended = thread == Thread.CurrentThread || thread.Join(TimeSpan.FromSeconds(3));
            Client last;
            lock (gate)
            {
                last = client;
                client = null;
                foreach (ReprieveFeature feature in features.Values)
                {
                    feature.Bind(null);
                }
            }
            if (renewal != null)
            {
                renewal.Dispose();
            }
            if (last != null)
            {
                try
                {
                    if (ended && consumer != null)
                    {
                        Acknowledge(last);
                    }
                    last.Close();
                }
                catch (Exception error)
                {
                    Debug.LogError("Reprieve: the ledger was closed, but what was due may be missing in it: " + error.Message);
                }
                last.Dispose();
            }
            lock (Sessions)
            {
                Sessions.Remove(this);
            }
        }

        /// <summary>Closes every session of this program. The Editor calls it before it unloads the scripts, after a play, and when it quits; with domain
        /// reload off each play begins with it.</summary>
        public static void CloseAll()
        {
            ReprieveSession[] all;
            lock (Sessions)
            {
                all = Sessions.ToArray();
            }
            foreach (ReprieveSession session in all)
            {
                session.Dispose();
            }
        }

        // With domain reload off the statics of the last play are still here.
        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.SubsystemRegistration)]
        private static void ResetStatics()
        {
            CloseAll();
            lock (Sessions)
            {
                libraryTold = false;
            }
            Application.quitting -= CloseAll;
            Application.quitting += CloseAll;
        }

        /// <summary>Where the ledger lies unless the application file says so: on phones a folder of the program's own, else null, which is the platform's
        /// place. Call it on the main thread.</summary>
        public static OpenOptions PlatformOptions()
        {
            var options = new OpenOptions();
            if (Application.isMobilePlatform)
            {
                options.Folder = Path.Combine(Application.persistentDataPath, "reprieve");
                options.Witness = Path.Combine(Application.persistentDataPath, "reprieve-witness");
            }
            return options;
        }
    }
}
