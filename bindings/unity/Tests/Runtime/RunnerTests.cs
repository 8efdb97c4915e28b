using System;
using System.Collections.Generic;
using System.Threading;
using NUnit.Framework;
using Reprieve.Unity;

namespace Reprieve.Unity.Tests
{
    [TestFixture]
    public class RunnerTests
    {
        private const string Scenario = "{\"sku\": \"cad\", \"steps\": [{\"lease\": {\"license\": \"L1\", \"sku\": \"cad\", \"features\": [\"core\"], \"ttl\": \"24h\"}},"
            + " {\"advance\": \"1h\"}, {\"advance\": \"30h\"}]}";

        private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);

        private static Func<Client> On(Drill drill)
        {
            return () => drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own });
        }

        private static string Lease(Drill drill, int hours)
        {
            return System.Text.Encoding.UTF8.GetString(drill.Issue(DocumentKind.Lease,
                "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": " + (drill.Now.Seconds + hours * 3600) + "}}"));
        }

        [Test]
        public void AFeatureIsUnknownUntilTheLedgerIsOpenAndAfterItWasClosed()
        {
            using (Drill drill = Drill.FromScenario(Scenario))
            {
                var gate = new ManualResetEvent(false);
                var session = new ReprieveSession(() => { gate.WaitOne(); return On(drill)(); }, "cad", "test", TimeSpan.FromMilliseconds(20));
                ReprieveFeature core = session.Feature("core");
                Assert.AreEqual(Access.Unknown, core.Access);
                Assert.IsFalse(core.Refused);
                gate.Set();
                Assert.IsTrue(session.WaitUntilOpen(Long));
                Assert.AreEqual(State.Unlicensed, core.Check().State);
                Assert.IsTrue(core.Refused);
                session.Dispose();
                Assert.AreEqual(Access.Unknown, core.Access);
                Assert.IsFalse(core.Allowed);
                session.Dispose();
            }
        }

        [Test]
        public void EventsArriveWhereThePumpIsCalledAndOnceEach()
        {
            using (Drill drill = Drill.FromScenario(Scenario))
            using (var session = new ReprieveSession(On(drill), "cad", "test", TimeSpan.FromMilliseconds(10)))
            {
                Assert.IsTrue(session.WaitUntilOpen(Long));
                var seen = new List<string>();
                int thread = 0;
                session.ImportAsync(Lease(drill, 24)).Wait();
                session.Client.Appeal("L1", "The server room was under water.");
                // Nobody is subscribed: it waits.
                session.Pump();
                session.EventReceived += e => { seen.Add(e.Kind.Word()); thread = Thread.CurrentThread.ManagedThreadId; };
                DateTime until = DateTime.UtcNow + Long;
                while (seen.Count < 2 && DateTime.UtcNow < until)
                {
                    session.Pump();
                    Thread.Sleep(5);
                }
                Assert.AreEqual("document_accepted appeal_filed", string.Join(" ", seen.ToArray()));
                Assert.AreEqual(Thread.CurrentThread.ManagedThreadId, thread);
                Assert.IsTrue(session.Feature("core").Allowed);
            }
        }

        [Test]
        public void WhatWasDeliveredDoesNotComeAgainAfterClosing()
        {
            using (Drill drill = Drill.FromScenario(Scenario))
            {
                for (int round = 0; round < 2; round++)
                {
                    int seen = 0;
                    using (var session = new ReprieveSession(On(drill), "cad", "test", TimeSpan.FromMilliseconds(10)))
                    {
                        Assert.IsTrue(session.WaitUntilOpen(Long));
                        session.EventReceived += e => seen++;
                        if (round == 0)
                        {
                            session.ImportAsync(Lease(drill, 24)).Wait();
                        }
                        DateTime until = DateTime.UtcNow + (round == 0 ? Long : TimeSpan.FromMilliseconds(200));
                        while (seen < 1 && DateTime.UtcNow < until)
                        {
                            session.Pump();
                            Thread.Sleep(5);
                        }
                    }
                    Assert.AreEqual(round == 0 ? 1 : 0, seen);
                }
            }
        }

        [Test]
        public void WithoutEndpointsNothingIsRenewed()
        {
            using (Drill drill = Drill.FromScenario(Scenario))
            using (var session = new ReprieveSession(On(drill), "cad", "test", TimeSpan.FromMilliseconds(10), new RenewingOptions()))
            {
                Assert.IsTrue(session.WaitUntilOpen(Long));
                session.RenewNow();
                session.NetworkChanged();
                for (int frame = 0; frame < 20; frame++)
                {
                    session.Pump();
                    Thread.Sleep(5);
                }
                Assert.IsNull(session.Renewal);
                Assert.IsNull(session.Trouble);
                Assert.AreEqual("", RenewalText.Of(session.Renewal));
            }
        }

        [Test]
        public void ATextThatSaysNothingCertainIsEvidenceOfNothing()
        {
            Assert.AreEqual(RenewalFailure.NoDns, WebRequestDriver.FailureOf("Cannot resolve destination host"));
            Assert.AreEqual(RenewalFailure.Local, WebRequestDriver.FailureOf("Unknown Error"));
            Assert.AreEqual(RenewalFailure.Local, WebRequestDriver.FailureOf(null));
            Assert.IsTrue(WebRequestDriver.IsRedirect("Redirect limit exceeded"));
        }

        [Test]
        public void ADrillIsPlayedStepByStep()
        {
            using (var player = new DrillPlayer(Scenario))
            {
                Assert.AreEqual(Access.Full, player.Client.Check("cad", "core").Access);
                Assert.AreEqual("1 d 0 h", Runway.Text(Runway.Of(player.Client.Check("cad", "core")).Value));
                Assert.IsTrue(player.Tick());
                Assert.AreEqual("23 h 0 min", Runway.Text(Runway.Of(player.Client.Check("cad", "core")).Value));
                Assert.IsTrue(player.Tick());
                Assert.AreEqual(State.Expired, player.Client.Check("cad", "core").State);
                Assert.IsTrue(player.Ended);
                Assert.IsFalse(player.Tick());
            }
        }

        [Test]
        public void TheRunwayIsWrittenInItsTwoLargestUnits()
        {
            Assert.AreEqual("3 d 4 h", Runway.Text(new TimeSpan(3, 4, 59, 59)));
            Assert.AreEqual("4 h 10 min", Runway.Text(new TimeSpan(4, 10, 59)));
            Assert.AreEqual("12 min", Runway.Text(new TimeSpan(0, 12, 59)));
            Assert.AreEqual("50 s", Runway.Text(TimeSpan.FromSeconds(50.9)));
        }
    }
}
