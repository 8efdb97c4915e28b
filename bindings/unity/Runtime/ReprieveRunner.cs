using System;
using System.IO;
using UnityEngine;
using UnityEngine.Events;
using UnityEngine.Networking;

namespace Reprieve.Unity
{
    /// <summary>An event of the ledger, as the Inspector can bind it.</summary>
    [Serializable]
    public sealed class ReprieveUnityEvent : UnityEvent<Event> { }

    /// <summary>A text, as the Inspector can bind it.</summary>
    [Serializable]
    public sealed class ReprieveTroubleEvent : UnityEvent<string> { }

    /// <summary>
    /// The component that keeps a ledger open while it is enabled: drag the application file into it, ask <see cref="Feature"/>. Upkeep runs on a
    /// thread of its own, events arrive here, on the main thread.
    /// </summary>
    /// <example><code>
    /// private ReprieveFeature lanterns;
    /// void Start() { lanterns = GetComponent&lt;ReprieveRunner&gt;().Feature("lanterns"); }
    /// void Update() { lamp.enabled = !lanterns.Refused; }
    /// </code></example>
    [AddComponentMenu("Reprieve/Reprieve Runner")]
    [DisallowMultipleComponent]
    [DefaultExecutionOrder(-1000)]
    public class ReprieveRunner : MonoBehaviour
    {
        [SerializeField]
        [Tooltip("The application file's text. Unity takes reprieve.toml for a text if it is called reprieve.toml.txt.")]
        private TextAsset applicationFile = null;

        [SerializeField]
        [Tooltip("Where there is no text: the application file, from the StreamingAssets folder on.")]
        private string streamingAssetsPath = "reprieve.toml";

        [SerializeField]
        [Tooltip("The product that is asked about.")]
        private string sku = "";

        [SerializeField]
        [Tooltip("By which name events are taken. Each name has its own place in the ledger.")]
        private string consumer = "unity";

        [SerializeField]
        [Tooltip("Whether leases are renewed at the endpoints of the application file. Off unless said: a game sends nothing that it did not ask for.")]
        private bool renew = false;

        [SerializeField]
        [Range(0.05f, 60f)]
        [Tooltip("How often upkeep is done and events are fetched, in seconds, on a thread of its own.")]
        private float upkeepSeconds = 1f;

        [SerializeField]
        [Tooltip("Whether this object stays when another scene is loaded.")]
        private bool keepAcrossScenes = false;

        [SerializeField]
        private ReprieveUnityEvent onEvent = new ReprieveUnityEvent();

        [SerializeField]
        private ReprieveTroubleEvent onTrouble = new ReprieveTroubleEvent();

        // Asking the platform each frame is dear on phones.
        private const float LooksAtNetworkEvery = 1f;

        private readonly RenewingOptions renewingOptions = new RenewingOptions();
        private ReprieveSession session;
        private NetworkReachability network;
        private float looksAtNetwork;
        private UnityWebRequest reading;
        private volatile string read;
        private Func<ReprieveSession> begin;
        private Action<Event> received;

        /// <summary>An event of the ledger, on the main thread. While nobody is subscribed, here or in the Inspector, events wait in the
        /// ledger.</summary>
        public event Action<Event> EventReceived
        {
            add
            {
                received += value;
                Subscribe();
            }
            remove
            {
                received -= value;
                Subscribe();
            }
        }

        /// <summary>The session; null while the component is disabled.</summary>
        public ReprieveSession Session { get { return session; } }

        /// <summary>The open client; null while there is none.</summary>
        public Client Client { get { return session == null ? null : session.Client; } }

        /// <summary>Whether the ledger is open.</summary>
        public bool IsOpen { get { return session != null && session.IsOpen; } }

        /// <summary>What is wrong; null if nothing is.</summary>
        public string Trouble { get { return session == null ? null : session.Trouble; } }

        /// <summary>Whether leases are renewed at the endpoints of the application file, as the Inspector says: set it before the component is enabled.
        /// <see cref="Configure"/> has a word of its own for it.</summary>
        public bool Renew { get { return renew; } set { renew = value; } }

        /// <summary>How they are: header fields, time-outs. Change it before the component is enabled.</summary>
        public RenewingOptions RenewingOptions { get { return renewingOptions; } }

        /// <summary>How renewing stands: for a banner, by <see cref="RenewalText.Of"/> or in words of your own. Null while nothing renews. Costs nothing, in
        /// every frame.</summary>
        public RenewalState Renewal { get { return session == null ? null : session.Renewal; } }

        /// <summary>A renewal is wanted though none is due: a button. Does not wait.</summary>
        public void RenewNow()
        {
            if (session != null)
            {
                session.RenewNow();
            }
        }

        /// <summary>The network is back, or another one is there. Does not wait. The component says it by itself when Unity's <c>internetReachability</c>
        /// changes.</summary>
        public void NetworkChanged()
        {
            if (session != null)
            {
                session.NetworkChanged();
            }
        }

        /// <summary>Says what to open by program, in the place of the Inspector's fields: call it before the component is enabled, or on an inactive
        /// object.</summary>
        /// <param name="open">Such as <see cref="ReprieveSession.FromText"/>, or a drill's <c>OpenClient</c>.</param>
        /// <param name="product">The product that is asked about.</param>
        /// <param name="events">By which name events are taken.</param>
        /// <param name="interval">How often upkeep is done.</param>
        /// <param name="renewing">Leases are renewed, with these options; null if they are not, whatever the Inspector says: a drill's must not be.</param>
        /// <param name="http">By whose HTTP.</param>
        public void Configure(Func<Client> open, string product, string events, TimeSpan interval, RenewingOptions renewing = null,
            RenewalHttp http = RenewalHttp.Automatic)
        {
            begin = () => new ReprieveSession(open, product, events, interval, renewing, http);
        }

        /// <summary>A feature of the product, to keep and to ask in every frame. Asked for before <c>OnEnable</c> or after <c>OnDisable</c> there is none
        /// to give: null. Ask in <c>Start</c>.</summary>
        public ReprieveFeature Feature(string name)
        {
            return session == null ? null : session.Feature(name);
        }

        /// <summary>What the game may do now, by name. For every frame keep a <see cref="Feature"/>.</summary>
        public Access Check(string name)
        {
            return session == null ? Access.Unknown : session.Feature(name).Access;
        }

        protected virtual void Awake()
        {
            if (keepAcrossScenes)
            {
                DontDestroyOnLoad(gameObject);
            }
        }

        // Not Awake: after the scripts were reloaded in the middle of a play Unity calls this again, and not that.
        protected virtual void OnEnable()
        {
            if (begin != null)
            {
                session = begin();
            }
            else
            {
                session = new ReprieveSession(Source(), sku, consumer, TimeSpan.FromSeconds(Mathf.Max(0.05f, upkeepSeconds)),
                    renew ? renewingOptions : null);
            }
            network = Application.internetReachability;
            looksAtNetwork = Time.realtimeSinceStartup + LooksAtNetworkEvery;
            session.Troubled += text => onTrouble.Invoke(text);
            Subscribe();
        }

        private Func<Client> Source()
        {
            OpenOptions options = ReprieveSession.PlatformOptions();
            if (applicationFile != null)
            {
                return ReprieveSession.FromText(applicationFile.text, options);
            }
            string path = Path.Combine(Application.streamingAssetsPath, streamingAssetsPath);
            if (!path.Contains("://"))
            {
                return ReprieveSession.FromFile(path, options);
            }
            // Inside an Android package there is no file to open: it is read as a text, and the session has nothing to open until then.
            reading = UnityWebRequest.Get(path);
            reading.SendWebRequest();
            read = null;
            return () => read == null ? null : ReprieveSession.FromText(read, options)();
        }

        private void Subscribe()
        {
            if (session == null)
            {
                return;
            }
            session.EventReceived -= Receive;
            if (received != null || onEvent.GetPersistentEventCount() > 0)
            {
                session.EventReceived += Receive;
            }
        }

        private void Receive(Event e)
        {
            onEvent.Invoke(e);
            Action<Event> handlers = received;
            if (handlers == null)
            {
                return;
            }
            foreach (Delegate one in handlers.GetInvocationList())
            {
                try
                {
                    ((Action<Event>)one)(e);
                }
                catch (Exception error)
                {
                    Debug.LogException(error, this);
                }
            }
        }

        protected virtual void Update()
        {
            if (reading != null && reading.isDone)
            {
                FinishReading();
            }
            if (session != null)
            {
                session.Pump();
                if (Time.realtimeSinceStartup >= looksAtNetwork)
                {
                    LookAtNetwork();
                }
            }
        }

        private void LookAtNetwork()
        {
            looksAtNetwork = Time.realtimeSinceStartup + LooksAtNetworkEvery;
            NetworkReachability now = Application.internetReachability;
            if (now == network)
            {
                return;
            }
            network = now;
            if (now != NetworkReachability.NotReachable)
            {
                session.NetworkChanged();
            }
        }

        private void FinishReading()
        {
            if (reading.result == UnityWebRequest.Result.Success)
            {
                read = reading.downloadHandler.text;
                session.Wake();
            }
            else
            {
                string text = "Reprieve: the application file " + reading.url + " cannot be read: " + reading.error
                    + ". Put it into StreamingAssets, or drag it into the component as a text. The game goes on, and what it asks is unknown.";
                Debug.LogError(text, this);
                onTrouble.Invoke(text);
            }
            reading.Dispose();
            reading = null;
        }

        /// <summary>Closes the ledger: what is due is recorded and synced. Enable the component again to open it again.</summary>
        protected virtual void OnDisable()
        {
            Close();
        }

        protected virtual void OnDestroy()
        {
            Close();
        }

        protected virtual void OnApplicationQuit()
        {
            Close();
        }

        // On phones a program in the background may be ended without a word.
        protected virtual void OnApplicationPause(bool paused)
        {
            if (session != null)
            {
                session.Wake();
            }
        }

        private void Close()
        {
            if (reading != null)
            {
                reading.Dispose();
                reading = null;
            }
            if (session != null)
            {
                session.Dispose();
                session = null;
            }
        }
    }
}
