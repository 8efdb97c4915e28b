using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Reprieve;

/// <summary>Tests of what hands events to a product.</summary>
internal static partial class Tests
{
    private static void WithEvents(Action<Drill, Client> test)
    {
        InFolder(folder =>
        {
            using (Drill drill = Drill.Create(Path.Combine(folder, "drill"), Policy))
            using (Client client = drill.OpenClient())
            {
                test(drill, client);
            }
        });
    }

    private static string Texts(IEnumerable<Event> events)
    {
        return string.Join(" ", events.Select(e => e.Text));
    }

    [Test]
    private static void A_pump_hands_out_each_event_and_acknowledges_it()
    {
        WithEvents((drill, client) =>
        {
            var got = new List<Event>();
            EventPump pump = client.Events("ui");
            Equal("ui", pump.Consumer);
            client.Appeal(null, "a");
            Equal(0, pump.Poll());
            Action<Event> handler = e =>
            {
                got.Add(e);
                Equal(0, pump.Poll());
            };
            pump.Received += handler;
            Equal(1, pump.Poll());
            Equal(0, pump.Poll());
            client.Appeal(null, "b");
            client.Appeal(null, "c");
            Equal(2, pump.Poll());
            Equal("a b c", Texts(got));
            pump.Received -= handler;
            client.Appeal(null, "d");
            Equal(0, pump.Poll());
            Equal("a b c", Texts(got));
            pump.Dispose();
            pump.Dispose();
            pump.Received += handler;
            Equal(0, pump.Poll());
            using (Client again = drill.OpenClient())
            {
                Equal("d", again.NextEvent("ui").Text);
            }
        });
        using (Client client = Memory())
        {
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Events("a/b"));
            Throws<ArgumentNullException>(() => client.Events(null));
        }
    }

    [Test]
    private static void An_event_whose_handler_throws_comes_again()
    {
        WithEvents((drill, client) =>
        {
            var first = new List<Event>();
            var second = new List<Event>();
            bool broken = true;
            using (EventPump pump = client.Events("ui"))
            {
                pump.Received += first.Add;
                pump.Received += e =>
                {
                    if (broken)
                    {
                        throw new InvalidOperationException("not now");
                    }
                    second.Add(e);
                };
                client.Appeal(null, "a");
                client.Appeal(null, "b");
                Throws<InvalidOperationException>(() => pump.Poll());
                using (Client other = drill.OpenClient())
                {
                    Equal("a", other.NextEvent("ui").Text, "not acknowledged");
                }
                broken = false;
                Equal(2, pump.Poll());
                Equal("a a b", Texts(first));
                Equal("a b", Texts(second));
            }
            using (Client other = drill.OpenClient())
            {
                Equal(null, other.NextEvent("ui"), "acknowledged");
            }
        });
    }

    [Test]
    private static void A_pump_has_a_thread_of_its_own_if_it_is_started()
    {
        WithEvents((drill, client) =>
        {
            var got = new List<string>();
            var failures = new List<Exception>();
            var come = new AutoResetEvent(false);
            int thrown = 0;
            EventPump pump = client.Events("ui");
            pump.Received += e =>
            {
                if (Interlocked.Increment(ref thrown) == 1)
                {
                    throw new InvalidOperationException("the first time");
                }
                True(Thread.CurrentThread.IsBackground && Thread.CurrentThread.Name == "Reprieve events", "its own thread");
                lock (got)
                {
                    got.Add(e.Text);
                }
                come.Set();
            };
            pump.Failed += error =>
            {
                lock (failures)
                {
                    failures.Add(error);
                }
                throw new InvalidOperationException("a handler's own mistake ends nothing");
            };
            Fails<ReprieveInputException>(ErrorCode.Argument, () => pump.Start(TimeSpan.Zero));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => pump.Start(TimeSpan.FromDays(30)));
            pump.Start(TimeSpan.FromMilliseconds(5));
            Throws<InvalidOperationException>(() => pump.Start(TimeSpan.FromSeconds(1)));
            foreach (string text in new[] { "a", "b" })
            {
                client.Appeal(null, text);
                True(come.WaitOne(TimeSpan.FromSeconds(20)), text + " came");
            }
            True(pump.Stop(TimeSpan.FromSeconds(20)), "the thread ended");
            Equal("a b", string.Join(" ", got));
            Equal("the first time", failures.Single().Message);
            client.Appeal(null, "c");
            Equal(0, pump.Poll());
            Throws<ObjectDisposedException>(() => pump.Start(TimeSpan.FromSeconds(1)));
        });
    }

    [Test]
    private static void A_pumps_thread_does_upkeep_and_outlives_a_closed_ledger()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client owner = drill.Client())
        using (Client client = drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own }))
        using (EventPump pump = client.Events("ui"))
        {
            var grace = new ManualResetEvent(false);
            var failed = new ManualResetEvent(false);
            pump.Received += e =>
            {
                if (e.Kind == EventKind.GraceStarted)
                {
                    grace.Set();
                }
            };
            pump.Failed += error =>
            {
                if (error is ReprieveClosedException)
                {
                    failed.Set();
                }
            };
            owner.Import(Lease(drill));
            pump.Start(TimeSpan.FromMilliseconds(5));
            drill.Advance(TimeSpan.FromHours(25));
            True(grace.WaitOne(TimeSpan.FromSeconds(20)), "nobody checked, and grace began");
            client.Close();
            True(failed.WaitOne(TimeSpan.FromSeconds(20)), "it says that the client is closed");
            True(pump.Stop(Timeout.InfiniteTimeSpan), "the thread ended");
        }
    }

    [Test]
    private static void A_pump_ends_from_its_own_handler_and_after_its_client()
    {
        WithEvents((drill, client) =>
        {
            var ended = new ManualResetEvent(false);
            EventPump pump = client.Events("ui");
            bool waited = true;
            pump.Received += e =>
            {
                waited = pump.Stop(Timeout.InfiniteTimeSpan);
                ended.Set();
            };
            client.Appeal(null, "a");
            pump.Start(TimeSpan.FromMilliseconds(5));
            True(ended.WaitOne(TimeSpan.FromSeconds(20)), "it came");
            True(pump.Stop(TimeSpan.FromSeconds(20)), "the thread ended");
            True(!waited, "no thread waits for itself");
            Client other = client.Clone();
            EventPump late = other.Events("late");
            late.Received += e => { };
            other.Dispose();
            Throws<ObjectDisposedException>(() => late.Poll());
            late.Start(TimeSpan.FromMilliseconds(5));
            late.Dispose();
            True(late.Stop(TimeSpan.FromSeconds(20)), "the thread ended");
        });
    }

#if NETSTANDARD2_1 || NETSTANDARD2_1_OR_GREATER || NETCOREAPP3_0 || NETCOREAPP3_1 || NETCOREAPP3_0_OR_GREATER || REPRIEVE_ASYNC_STREAMS
    [Test]
    private static void A_stream_gives_events_as_they_come()
    {
        WithEvents((drill, client) =>
        {
            Equal(null, client.NextEvent("ui"));
            client.Appeal(null, "a");
            TimeSpan interval = TimeSpan.FromMilliseconds(5);
            var closing = new CancellationTokenSource();
            IAsyncEnumerator<Event> stream = client.EventsAsync("ui", interval, closing.Token).GetAsyncEnumerator();
            True(stream.MoveNextAsync().AsTask().Result, "the first");
            Equal("a", stream.Current.Text);
            Task<bool> next = stream.MoveNextAsync().AsTask();
            True(!next.Wait(100), "it waits");
            client.Appeal(null, "b");
            True(next.Wait(20000) && next.Result, "the second");
            Equal("b", stream.Current.Text);
            using (Client other = drill.OpenClient())
            {
                Equal("b", other.NextEvent("ui").Text, "a is acknowledged, b is not");
            }
            next = stream.MoveNextAsync().AsTask();
            True(!next.Wait(50), "it waits");
            closing.Cancel();
            True(Throws<AggregateException>(() => next.Wait(20000)).InnerException is OperationCanceledException, "cancelled");
            True(stream.DisposeAsync().AsTask().Wait(20000), "disposed");
            using (Client other = drill.OpenClient())
            {
                Equal(null, other.NextEvent("ui"), "both are acknowledged");
            }
            IAsyncEnumerator<Event> odd = client.EventsAsync("a/b", interval).GetAsyncEnumerator();
            True(Throws<AggregateException>(() => odd.MoveNextAsync().AsTask().Wait()).InnerException is ReprieveInputException, "no name");
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.EventsAsync("ui", TimeSpan.Zero));
            Throws<ArgumentNullException>(() => client.EventsAsync(null, interval));
        });
    }
#endif
}
