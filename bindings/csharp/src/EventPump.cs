using System;
using System.Threading;

namespace Reprieve
{
    /// <summary>
    /// Hands the ledger's events to handlers, on top of <see cref="Reprieve.Client.NextEvent"/>: at least once, in the ledger's order, and acknowledged
    /// only after every handler has returned. <see cref="Reprieve.Client.Events"/> makes one.
    /// </summary>
    /// <remarks>
    /// <para>Handlers run where the product calls <see cref="Poll"/>: in a game once a frame or once a second, in a window's timer; or on the thread
    /// that <see cref="Start"/> makes. Nothing is called back from the native library. While nobody is subscribed no event is taken.</para>
    /// <para>A handler that throws gets the same event again at the next poll, and so do the handlers beside it: let handlers bear that.
    /// Subscribe and unsubscribe from any thread, also in a handler; one that was just unsubscribed may still be running.</para>
    /// <para>Any thread; polls take turns.</para>
    /// </remarks>
    /// <example><code>
    /// EventPump pump = client.Events("ui");
    /// pump.Received += e =&gt; { if (e.Kind == EventKind.GraceWarning) { Warn(e.Feature, e.Left); } };
    /// pump.Start(TimeSpan.FromSeconds(1));                          // or pump.Poll() where the product likes
    /// </code></example>
    public sealed class EventPump : IDisposable
    {
        private readonly Client client;
        private readonly string consumer;
        private readonly object turn = new object();
        private readonly ManualResetEvent ending = new ManualResetEvent(false);
#if REPRIEVE_NULLABLE
        private Thread? thread;
#else
        private Thread thread;
#endif

        // Taken from the library and not acknowledged yet; and whether all handlers have had it.
#if REPRIEVE_NULLABLE
        private Event? pending;
#else
        private Event pending;
#endif
        private bool handled;
        // The lock lets the same thread in again, from a handler that polls.
        private bool polling;
        private volatile bool disposed;

        internal EventPump(Client client, string consumer)
        {
            this.client = client;
            this.consumer = consumer;
            // From here on nothing is missed: a new consumer's place is kept by this call.
            pending = client.NextEvent(consumer);
        }

        /// <summary>Who takes the events: its place is kept beside the ledger.</summary>
        public string Consumer { get { return consumer; } }

        /// <summary>An event, for each handler, on the thread that polls.</summary>
#if REPRIEVE_NULLABLE
        public event Action<Event>? Received;
#else
        public event Action<Event> Received;
#endif

        /// <summary>A round of the pump's own thread failed: a handler threw, or the ledger cannot be read. The next round tries again. What this
        /// handler throws is dropped.</summary>
#if REPRIEVE_NULLABLE
        public event Action<Exception>? Failed;
#else
        public event Action<Exception> Failed;
#endif

        /// <summary>Hands out what has happened until there is nothing more, on the calling thread.</summary>
        /// <returns>How many events every handler has had and were acknowledged.</returns>
        /// <exception cref="ReprieveException">An event cannot be read, or not be acknowledged; it comes again.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        /// <remarks>What a handler throws goes through to the caller. A poll inside a handler does nothing and returns 0.</remarks>
        public int Poll()
        {
            int done = 0;
            lock (turn)
            {
                if (polling)
                {
                    return 0;
                }
                polling = true;
                try
                {
                    while (!disposed && Deliver())
                    {
                        done++;
                    }
                }
                finally
                {
                    polling = false;
                }
            }
            return done;
        }

        private bool Deliver()
        {
            var handlers = Received;
            if (!handled && handlers == null)
            {
                return false;
            }
            var next = pending ?? client.NextEvent(consumer);
            if (next == null)
            {
                return false;
            }
            pending = next;
            if (!handled && handlers != null)
            {
                handlers(next);
            }
            handled = true;
            client.Acknowledge(consumer, next);
            pending = null;
            handled = false;
            return true;
        }

        /// <summary>Starts a background thread that does upkeep (<see cref="Reprieve.Client.Upkeep"/>, so that transitions are recorded while nobody
        /// checks) and polls, at once and then every so often, until <see cref="Stop"/> or <see cref="Dispose"/>.</summary>
        /// <param name="interval">From 1 ms to 24 days; a second suits most.</param>
        /// <exception cref="InvalidOperationException">It was started already.</exception>
        public void Start(TimeSpan interval)
        {
            CheckInterval(interval);
            lock (ending)
            {
                if (disposed)
                {
                    throw new ObjectDisposedException("EventPump");
                }
                if (thread != null)
                {
                    throw new InvalidOperationException("the pump was started already");
                }
                thread = new Thread(() => Run(interval)) { IsBackground = true, Name = "Reprieve events" };
                thread.Start();
            }
        }

        internal static void CheckInterval(TimeSpan interval)
        {
            if (interval < TimeSpan.FromMilliseconds(1) || interval.TotalMilliseconds > int.MaxValue)
            {
                throw new ReprieveInputException(ErrorCode.Argument, "`interval` is " + interval + "; use 1 ms to 24 days");
            }
        }

        private void Run(TimeSpan interval)
        {
            do
            {
                try
                {
                    client.Upkeep();
                    Poll();
                }
                catch (ObjectDisposedException) when (disposed)
                {
                    return;
                }
                catch (Exception error)
                {
                    Tell(error);
                }
            }
            while (!ending.WaitOne(interval));
        }

        // A product's mistake in here must not end the process.
        private void Tell(Exception error)
        {
            try
            {
                var failed = Failed;
                if (failed != null)
                {
                    failed(error);
                }
            }
            catch (Exception)
            {
            }
        }

        /// <summary>Ends the pump: no event is taken any more. A handler that is running ends, and its event is acknowledged.</summary>
        /// <param name="wait">How long to wait for that; <see cref="TimeSpan.Zero"/> for not at all, which is right in a handler and wherever a handler
        /// may wait for this thread; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
        /// <returns>Whether the pump's own thread has ended, or was never started.</returns>
        public bool Stop(TimeSpan wait)
        {
            lock (ending)
            {
                disposed = true;
                ending.Set();
            }
            // It is set once, before that.
            var running = thread;
            return running == null || running != Thread.CurrentThread && running.Join(wait);
        }

        /// <summary>As <see cref="Stop"/>, without waiting. Never throws, also a second time. The client goes on.</summary>
        public void Dispose()
        {
            Stop(TimeSpan.Zero);
        }
    }
}
