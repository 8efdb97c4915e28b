using System;
using System.Collections.Generic;
using System.IO;
using UnityEditor;
using UnityEngine;

namespace Reprieve.Unity.Editor
{
    /// <summary>
    /// Window, Reprieve: how long each feature of an application file's ledger goes on, what happened, and a drill to watch. It looks when you
    /// press a button and holds no ledger open in between.
    /// </summary>
    public sealed class ReprieveWindow : EditorWindow
    {
        private const string Consumer = "unity-editor";
        private const double TicksPerSecond = 12;

        [SerializeField]
        private string path = "Assets/StreamingAssets/reprieve.toml";

        [SerializeField]
        private string sku = "";

        [SerializeField]
        private TextAsset scenario = null;

        private readonly List<string> lines = new List<string>();
        private readonly List<string> happened = new List<string>();
        private readonly List<string> renewals = new List<string>();
        private string trouble;
        private Vector2 scroll;
        private DrillPlayer player;
        private double nextTick;
        private string drillSku;

        /// <summary>Opens the window.</summary>
        [MenuItem("Window/Reprieve")]
        public static void Open()
        {
            GetWindow<ReprieveWindow>("Reprieve");
        }

        /// <summary>What the window shows of the ledger or drill, line by line.</summary>
        public IReadOnlyList<string> Lines { get { return lines; } }

        /// <summary>What happened, the newest last.</summary>
        public IReadOnlyList<string> Happened { get { return happened; } }

        /// <summary>How the leases of each ledger that the game has open are renewed.</summary>
        public IReadOnlyList<string> Renewals { get { return renewals; } }

        /// <summary>What is wrong; null if nothing is.</summary>
        public string Trouble { get { return trouble; } }

        /// <summary>Whether a drill is being played.</summary>
        public bool Playing { get { return player != null; } }

        private void OnEnable()
        {
            EditorApplication.update += OnUpdate;
        }

        // Also before the scripts are reloaded.
        private void OnDisable()
        {
            EditorApplication.update -= OnUpdate;
            Stop();
        }

        // Ten times a second: what a game in the Editor does.
        private void OnInspectorUpdate()
        {
            if (renewals.Count > 0 || ReprieveSession.Count > 0)
            {
                LookAtRenewals();
                Repaint();
            }
        }

        private void LookAtRenewals()
        {
            renewals.Clear();
            foreach (ReprieveSession session in ReprieveSession.All)
            {
                string text = RenewalText.Of(session.Renewal);
                renewals.Add(session.Sku + ": " + (session.Renewal == null ? "nothing is renewed" : text.Length == 0 ? "not renewed yet" : text));
            }
        }

        private void OnGUI()
        {
            if (renewals.Count > 0)
            {
                EditorGUILayout.LabelField("Renewal, in the game that runs", EditorStyles.boldLabel);
                foreach (string line in renewals)
                {
                    EditorGUILayout.LabelField(line);
                }
                if (GUILayout.Button("Renew now"))
                {
                    foreach (ReprieveSession session in ReprieveSession.All)
                    {
                        session.RenewNow();
                    }
                }
            }
            EditorGUILayout.LabelField("Ledger", EditorStyles.boldLabel);
            path = EditorGUILayout.TextField("Application file", path);
            sku = EditorGUILayout.TextField("SKU", sku);
            if (GUILayout.Button("Look"))
            {
                Look(path, sku);
            }
            EditorGUILayout.LabelField("Drill", EditorStyles.boldLabel);
            scenario = (TextAsset)EditorGUILayout.ObjectField("Scenario (JSON)", scenario, typeof(TextAsset), false);
            if (GUILayout.Button(Playing ? "Stop" : "Play"))
            {
                if (Playing)
                {
                    Stop();
                }
                else if (scenario != null)
                {
                    Play(scenario.text, sku);
                }
            }
            if (trouble != null)
            {
                EditorGUILayout.HelpBox(trouble, MessageType.Error);
            }
            scroll = EditorGUILayout.BeginScrollView(scroll);
            foreach (string line in lines)
            {
                EditorGUILayout.LabelField(line);
            }
            foreach (string line in happened)
            {
                EditorGUILayout.LabelField(line);
            }
            EditorGUILayout.EndScrollView();
        }

        /// <summary>Looks into the ledger of an application file once. None is made where none lies.</summary>
        public void Look(string file, string product)
        {
            Stop();
            Clear();
            try
            {
                using (Client client = Client.Open(Path.GetFullPath(file), new OpenOptions { Create = false, LockTimeout = TimeSpan.FromSeconds(1) }))
                {
                    Show(client, product);
                    Event e;
                    while ((e = client.NextEvent(Consumer)) != null)
                    {
                        happened.Add(e.ToString());
                        client.Acknowledge(Consumer, e);
                    }
                }
            }
            catch (Exception error)
            {
                Fail(error);
            }
        }

        /// <summary>Plays a scenario on a drill, twelve steps of its time a second.</summary>
        /// <param name="json">The scenario.</param>
        /// <param name="product">Whose features are shown.</param>
        public void Play(string json, string product)
        {
            Stop();
            Clear();
            try
            {
                player = new DrillPlayer(json);
                drillSku = product;
                nextTick = EditorApplication.timeSinceStartup;
                Show(player.Client, drillSku);
            }
            catch (Exception error)
            {
                Fail(error);
            }
        }

        /// <summary>Ends the drill.</summary>
        public void Stop()
        {
            if (player != null)
            {
                player.Dispose();
                player = null;
            }
        }

        private void OnUpdate()
        {
            if (player == null || EditorApplication.timeSinceStartup < nextTick)
            {
                return;
            }
            nextTick += 1 / TicksPerSecond;
            try
            {
                if (player.Tick())
                {
                    Show(player.Client, drillSku);
                }
                else
                {
                    Stop();
                }
            }
            catch (Exception error)
            {
                Stop();
                Fail(error);
            }
            Repaint();
        }

        private void Show(Client client, string product)
        {
            LedgerStatus status = client.Status(product);
            lines.Clear();
            lines.Add(status.T + (player == null ? "" : ", day " + (int)player.Elapsed.TotalDays + " of the drill"));
            foreach (FeatureStatus feature in status.Features)
            {
                TimeSpan? left = Runway.Of(feature.Decision);
                lines.Add(feature + (left == null ? "" : ", runway " + Runway.Text(left.Value)));
            }
            if (status.Features.Count == 0)
            {
                lines.Add("no lease names a feature of `" + product + "`");
            }
        }

        private void Clear()
        {
            trouble = null;
            lines.Clear();
            happened.Clear();
        }

        private void Fail(Exception error)
        {
            trouble = error.Message;
            Debug.LogError("Reprieve: " + error.Message);
        }
    }
}
