// .NET Standard 2.1 and .NET Core 3 have these types. So has Mono since 6.4: there the symbol REPRIEVE_ASYNC_STREAMS says so. Written without the
// syntax of C# 8, which Mono's compiler and older Unity do not know.
#if NETSTANDARD2_1 || NETSTANDARD2_1_OR_GREATER || NETCOREAPP3_0 || NETCOREAPP3_1 || NETCOREAPP3_0_OR_GREATER || REPRIEVE_ASYNC_STREAMS
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Reprieve
{
    public sealed partial class Client
    {
        /// <summary>
        /// The ledger's events as they come, as a consumer, for <c>await foreach</c>: at least once, in the ledger's order. An event is acknowledged when
        /// the next one is asked for, so when the loop's body is done with it; leave the loop early, and the last one comes again after the next open,
        /// unless <see cref="Acknowledge(string, Event)"/> was called for it.
        /// </summary>
        /// <param name="consumer">As for <see cref="NextEvent"/>. One stream at a time for each.</param>
        /// <param name="interval">How often to look while there is none, on the thread pool: from 1 ms to 24 days; a second suits most.</param>
        /// <param name="cancellation">Ends the waiting with <see cref="OperationCanceledException"/>.</param>
        /// <remarks>Does no upkeep. What <see cref="NextEvent"/> throws comes out of the loop.</remarks>
        /// <example><code>
        /// await foreach (Event e in client.EventsAsync("ui", TimeSpan.FromSeconds(1), closing)) { Show(e); }
        /// </code></example>
        public IAsyncEnumerable<Event> EventsAsync(string consumer, TimeSpan interval, CancellationToken cancellation = default(CancellationToken))
        {
            if (consumer == null)
            {
                throw new ArgumentNullException("consumer");
            }
            EventPump.CheckInterval(interval);
            return new EventStream(this, consumer, interval, cancellation);
        }
    }

    internal sealed class EventStream : IAsyncEnumerable<Event>
    {
        private readonly Client client;
        private readonly string consumer;
        private readonly TimeSpan interval;
        private readonly CancellationToken cancellation;

        internal EventStream(Client client, string consumer, TimeSpan interval, CancellationToken cancellation)
        {
            this.client = client;
            this.consumer = consumer;
            this.interval = interval;
            this.cancellation = cancellation;
        }

        public IAsyncEnumerator<Event> GetAsyncEnumerator(CancellationToken cancellationToken = default(CancellationToken))
        {
            return new Enumerator(this, cancellationToken);
        }

        private sealed class Enumerator : IAsyncEnumerator<Event>
        {
            private readonly EventStream stream;
            private readonly CancellationTokenSource cancellation;
#if REPRIEVE_NULLABLE
            private Event? current;
#else
            private Event current;
#endif

            internal Enumerator(EventStream stream, CancellationToken more)
            {
                this.stream = stream;
                cancellation = CancellationTokenSource.CreateLinkedTokenSource(stream.cancellation, more);
            }

            public Event Current { get { return current ?? throw new InvalidOperationException("there is no event; call MoveNextAsync first"); } }

            public ValueTask<bool> MoveNextAsync()
            {
                return new ValueTask<bool>(Next());
            }

            // The library may wait for the disk, so it is asked on the thread pool. Cancelled only between calls: no event is taken and lost.
            private async Task<bool> Next()
            {
                CancellationToken token = cancellation.Token;
                if (current != null)
                {
                    Event done = current;
                    await Task.Run(() => stream.client.Acknowledge(stream.consumer, done), token).ConfigureAwait(false);
                    current = null;
                }
                while (true)
                {
                    token.ThrowIfCancellationRequested();
                    current = await Task.Run(() => stream.client.NextEvent(stream.consumer), token).ConfigureAwait(false);
                    if (current != null)
                    {
                        return true;
                    }
                    await Task.Delay(stream.interval, token).ConfigureAwait(false);
                }
            }

            public ValueTask DisposeAsync()
            {
                cancellation.Dispose();
                return default(ValueTask);
            }
        }
    }
}
#endif
