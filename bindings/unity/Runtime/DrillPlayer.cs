using System;
using System.Collections.Generic;

namespace Reprieve.Unity
{
    /// <summary>
    /// Plays a scenario on a drill, step by step: its own authority, clock and ledger, which no real open touches. The world's part and the
    /// product's part of every step are done here; you ask <see cref="Client"/> in between.
    /// </summary>
    /// <remarks>For one thread at a time. Steps write to a temporary folder; they take some tens of microseconds each.</remarks>
    public sealed class DrillPlayer : IDisposable
    {
        private readonly Drill drill;
        // Which steps let time pass. A drill cannot be asked that before it does a step, so another one went ahead.
        private readonly bool[] passes;
        private Client client;
        private int next;

        /// <summary>Makes the drill, and does its steps up to the first one that lets time pass.</summary>
        /// <param name="scenario">JSON, as the semantics describe it under Scenarios.</param>
        /// <exception cref="ReprieveException">The scenario is malformed, or the native library cannot be loaded.</exception>
        public DrillPlayer(string scenario)
        {
            using (DrillPlayer scout = new DrillPlayer(Drill.FromScenario(scenario), null))
            {
                passes = scout.Scout();
            }
            drill = Drill.FromScenario(scenario);
            try
            {
                client = drill.Client();
                Start = drill.Now;
                DoTimeless();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        private DrillPlayer(Drill drill, Client client)
        {
            this.drill = drill;
            this.client = client;
        }

        private bool[] Scout()
        {
            client = drill.Client();
            var passing = new bool[drill.StepCount];
            for (; next < passing.Length; )
            {
                ReprieveTime before = drill.Now;
                int step = next;
                DoStep();
                passing[step] = drill.Now > before;
            }
            return passing;
        }

        /// <summary>The drill.</summary>
        public Drill Drill { get { return drill; } }

        /// <summary>The client of the moment: ask it anew after each <see cref="Tick"/>, as a step may close one and open another. It is the
        /// player's.</summary>
        public Client Client { get { return client; } }

        /// <summary>When the drill began.</summary>
        public ReprieveTime Start { get; private set; }

        /// <summary>The drill's time since it began.</summary>
        public TimeSpan Elapsed { get { return TimeSpan.FromSeconds(drill.Now.Seconds - Start.Seconds); } }

        /// <summary>Whether all steps are done.</summary>
        public bool Ended { get { return next >= passes.Length; } }

        /// <summary>Does the next step, which lets time pass, and those behind it up to the next one that does.</summary>
        /// <returns>False if there was none.</returns>
        public bool Tick()
        {
            if (Ended)
            {
                return false;
            }
            DoStep();
            DoTimeless();
            return true;
        }

        private void DoTimeless()
        {
            while (next < passes.Length && !passes[next])
            {
                DoStep();
            }
        }

        private void DoStep()
        {
            DrillTask task = drill.Step(next++);
            Client before = client;
            client = drill.Client();
            before.Dispose();
            switch (task.Kind)
            {
                case TaskKind.Import:
                    client.Import(task.Token);
                    break;
                case TaskKind.Report:
                    client.Report(task.Outage.Value);
                    break;
                case TaskKind.Check:
                    client.Check(task.Sku, task.Feature);
                    break;
                case TaskKind.Events:
                    client.Upkeep();
                    Event e;
                    while ((e = client.NextEvent(Drill.Consumer)) != null)
                    {
                        client.Acknowledge(Drill.Consumer, e);
                    }
                    break;
            }
        }

        /// <summary>Ends the drill and removes its folder. Never throws, also a second time.</summary>
        public void Dispose()
        {
            if (client != null)
            {
                client.Dispose();
            }
            drill.Dispose();
        }
    }
}
