using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Reprieve.Unity;

namespace Reprieve.Samples.Outpost
{
    /// <summary>What the sample game says and asks, without a picture: the same in every engine.</summary>
    public sealed class OutpostGame : IDisposable
    {
        /// <summary>The product and its features, the boat's first.</summary>
        public const string Sku = "outpost";

        public static readonly string[] Names = { "game", "lanterns", "weather" };

        private readonly string scenario;
        private readonly Dictionary<string, string> words = new Dictionary<string, string>(StringComparer.Ordinal);
        private readonly Decision[] decisions = new Decision[Names.Length];
        private readonly AutoResetEvent wake = new AutoResetEvent(false);
        private volatile Stage stage;
        private Thread thread;
        private volatile bool playing, restart, ending;
        private volatile string trouble;

        // A drill, and a client on its ledger whose upkeep is done where the steps are: a frame only asks.
        private sealed class Stage : IDisposable
        {
            internal readonly DrillPlayer Player;
            internal readonly Feature[] Features = new Feature[Names.Length];
            private readonly Client client;
            private long minutes;

            internal Stage(string scenario)
            {
                Player = new DrillPlayer(scenario);
                client = Player.Drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own });
                for (int at = 0; at < Names.Length; at++)
                {
                    Features[at] = client.Feature(Sku, Names[at]);
                }
                client.Upkeep();
            }

            // The drill itself may be in a step.
            internal long Minutes { get { return Interlocked.Read(ref minutes); } }

            internal bool Tick()
            {
                bool did = Player.Tick();
                client.Upkeep();
                Interlocked.Exchange(ref minutes, (long)Player.Elapsed.TotalMinutes);
                return did;
            }

            public void Dispose()
            {
                foreach (Feature feature in Features)
                {
                    feature.Dispose();
                }
                client.Dispose();
                Player.Dispose();
            }
        }

        /// <summary>Begins, and waits.</summary>
        public OutpostGame(string scenario, string wordList)
        {
            this.scenario = scenario;
            foreach (string line in wordList.Split('\n'))
            {
                int at = line.IndexOf(" = ", StringComparison.Ordinal);
                if (at > 0)
                {
                    words[line.Substring(0, at)] = line.Substring(at + 3).TrimEnd('\r');
                }
            }
            try
            {
                stage = new Stage(scenario);
            }
            catch (ReprieveException error)
            {
                // The library is missing, or of another version: the game goes on with what cannot be checked.
                trouble = error.Message;
            }
            Ask();
        }

        /// <summary>What is wrong; null if nothing is.</summary>
        public string Trouble { get { return trouble; } }

        /// <summary>Whether the drill goes on.</summary>
        public bool Playing { get { return playing; } }

        /// <summary>The decision of the moment about one of <see cref="Names"/>.</summary>
        public Decision Decision(int feature) { return decisions[feature]; }

        public string FirstLine { get; private set; }

        public string SecondLine { get; private set; }

        /// <summary>The drill's time since it began: <c>day 3 04:30</c>.</summary>
        public string Time
        {
            get
            {
                Stage now = stage;
                long minutes = now == null ? 0 : now.Minutes;
                return string.Format(CultureInfo.InvariantCulture, "day {0} {1:00}:{2:00}", minutes / 1440, minutes / 60 % 24, minutes % 60);
            }
        }

        /// <summary>Starts the thread that does the drill's steps, so many a second that let time pass.</summary>
        public void Start(int stepsPerSecond)
        {
            thread = new Thread(() => Run(TimeSpan.FromSeconds(1.0 / stepsPerSecond))) { IsBackground = true, Name = "Outpost" };
            thread.Start();
        }

        /// <summary>Lets the drill go on; anew if it has ended.</summary>
        public void Play()
        {
            playing = true;
            wake.Set();
        }

        /// <summary>Begins anew, and waits.</summary>
        public void Restart()
        {
            playing = false;
            restart = true;
            wake.Set();
        }

        private void Run(TimeSpan pause)
        {
            while (!ending)
            {
                try
                {
                    if (restart || playing && stage.Player.Ended)
                    {
                        restart = false;
                        Stage before = stage;
                        stage = new Stage(scenario);
                        before.Dispose();
                    }
                    if (playing)
                    {
                        stage.Tick();
                        playing = playing && !stage.Player.Ended;
                    }
                }
                catch (Exception error)
                {
                    playing = false;
                    trouble = error.Message;
                }
                if (playing)
                {
                    wake.WaitOne(pause);
                }
                else if (!restart)
                {
                    wake.WaitOne();
                }
            }
        }

        /// <summary>Asks about every feature: what each frame does. Texts are made anew only where a decision says something else.</summary>
        /// <returns>Whether a text changed.</returns>
        public bool Ask()
        {
            Stage now = stage;
            bool changed = FirstLine == null;
            for (int at = 0; at < Names.Length; at++)
            {
                Decision before = decisions[at], after = now == null ? default(Decision) : now.Features[at].Check();
                decisions[at] = after;
                changed |= before.Access != after.Access || before.State != after.State || before.Reason != after.Reason || before.T != after.T
                    || before.Ends != after.Ends;
            }
            if (!changed)
            {
                return false;
            }
            string first = Sentence(decisions[0], "");
            string second = "lanterns: " + Sentence(decisions[1], "feature.") + "   weather: " + Sentence(decisions[2], "feature.");
            changed = first != FirstLine || second != SecondLine;
            FirstLine = first;
            SecondLine = second;
            return changed;
        }

        private string Sentence(Decision decision, string kind)
        {
            string text = null;
            if (decision.Access == Access.Unknown)
            {
                words.TryGetValue(kind + "unknown", out text);
            }
            else
            {
                string state = decision.State.Word(), reason = decision.Reason.Word(), access = decision.Access.Word();
                foreach (string key in new[] { state + "." + reason + "." + access, state + "." + reason, state + "." + access, state })
                {
                    if (words.TryGetValue(kind + key, out text))
                    {
                        break;
                    }
                }
            }
            TimeSpan? left = Runway.Of(decision);
            return (text ?? decision.State.Word()).Replace("{left}", left == null ? "some time" : Runway.Text(left.Value));
        }

        /// <summary>How opaque a thing is whose feature has this access. Nobody is shut out by what could not be checked.</summary>
        public static float Opacity(Access access)
        {
            switch (access)
            {
                case Access.Full: return 1f;
                case Access.Limited: return 0.4f;
                case Access.Denied: return 0.06f;
                default: return 0.7f;
            }
        }

        /// <summary>The banner's colour, as <c>#rrggbb</c>.</summary>
        public string BannerColour
        {
            get
            {
                Decision boat = decisions[0];
                switch (boat.Access)
                {
                    case Access.Unknown: return "#5b4a7a";
                    case Access.Denied: return "#8a2f2f";
                    default: return boat.Access == Access.Full && boat.State == State.Licensed ? "#1f6f4a" : "#8a6d1f";
                }
            }
        }

        /// <summary>Plays the drill without waiting, and writes the banner's text whenever it changes.</summary>
        public static void Record(string scenario, string wordList, string file)
        {
            using (var game = new OutpostGame(scenario, wordList))
            {
                var lines = new StringBuilder();
                string first = null, second = null;
                do
                {
                    game.Ask();
                    if (game.FirstLine != first || game.SecondLine != second)
                    {
                        first = game.FirstLine;
                        second = game.SecondLine;
                        lines.Append(game.Time).Append('\t').Append(first).Append('\t').Append(second).Append('\n');
                    }
                }
                while (game.stage != null && game.stage.Tick());
                File.WriteAllText(file, lines.ToString(), new UTF8Encoding(false));
            }
        }

        public void Dispose()
        {
            ending = true;
            wake.Set();
            if (thread != null)
            {
                thread.Join(TimeSpan.FromSeconds(3));
            }
            Stage last = stage;
            stage = null;
            if (last != null)
            {
                last.Dispose();
            }
        }
    }
}
