using System;
using System.Threading;

namespace Reprieve.Unity
{
    /// <summary>By whose HTTP a session renews.</summary>
    public enum RenewalHttp
    {
        /// <summary>The library's own, on a thread of the library's; <c>UnityWebRequest</c> on phones, and where the library has none.</summary>
        Automatic = 0,
        /// <summary>The library's own.</summary>
        Library = 1,
        /// <summary><c>UnityWebRequest</c>, with Unity's own certificates and proxies. Needs <see cref="ReprieveSession.Pump"/>.</summary>
        UnityWebRequest = 2,
    }

    // A session's renewals: started once its client is open and knows an endpoint, stopped before it is closed.
    internal sealed class SessionRenewal : IDisposable
    {
        private static readonly TimeSpan LooksAgain = TimeSpan.FromMinutes(1);
        private static readonly TimeSpan TriesAgain = TimeSpan.FromSeconds(30);

        private readonly object gate = new object();
        private readonly RenewingOptions options;
        private readonly Action wake;
        private RenewalHttp http;

        private Renewing renewing;
        private Renewer renewer;
        private volatile WebRequestDriver driver;
        private volatile RenewalState state;
        private volatile string trouble;
        private DateTime next;
        private int renewNow;
        private int networkChanged;
        private bool disposed;
        private bool ended;

        internal SessionRenewal(RenewingOptions options, RenewalHttp http, Action wake)
        {
            this.options = options;
            this.http = http;
            this.wake = wake;
        }

        internal RenewalState State { get { return state; } }

        internal string Trouble { get { return trouble; } }

        internal void RenewNow()
        {
            Interlocked.Exchange(ref renewNow, 1);
            wake();
        }

        internal void NetworkChanged()
        {
            Interlocked.Exchange(ref networkChanged, 1);
            wake();
        }

        // On the main thread, once a frame.
        internal void Pump()
        {
            WebRequestDriver now = driver;
            if (now != null)
            {
                now.Pump();
            }
        }

        // On the session's thread, after each round of upkeep. Gives in how long at most it wants to be called again. Never throws.
        internal TimeSpan Work(Client client)
        {
            if (client == null || ended)
            {
                return TimeSpan.MaxValue;
            }
            try
            {
                return Step(client);
            }
            catch (ReprieveClosedException)
            {
                ended = true;
                return TimeSpan.MaxValue;
            }
            catch (ThreadAbortException)
            {
                throw;
            }
            catch (Exception error)
            {
                trouble = "Reprieve: leases are not renewed: " + error.Message + ". The game goes on with what the ledger has; it is tried again every "
                    + TriesAgain.TotalSeconds + " s.";
                next = DateTime.UtcNow + TriesAgain;
                return TriesAgain;
            }
        }

        private TimeSpan Step(Client client)
        {
            DateTime now = DateTime.UtcNow;
            // A clock that was turned back must not put it off.
            if (now < next && next - now <= LooksAgain)
            {
                return next - now;
            }
            if (renewing == null && driver == null)
            {
                // A `keys` document may name some later.
                if (client.Endpoints().Count == 0)
                {
                    next = now + LooksAgain;
                    return LooksAgain;
                }
                Start(client);
            }
            next = DateTime.MinValue;
            if (renewing != null)
            {
                if (Interlocked.Exchange(ref renewNow, 0) == 1)
                {
                    renewing.RenewNow();
                }
                if (Interlocked.Exchange(ref networkChanged, 0) == 1)
                {
                    renewing.NetworkChanged();
                }
                state = renewing.State();
                trouble = null;
                return TimeSpan.MaxValue;
            }
            WebRequestDriver web = driver;
            if (web == null)
            {
                // It was closed in the meantime.
                return TimeSpan.MaxValue;
            }
            if (Interlocked.Exchange(ref renewNow, 0) == 1)
            {
                renewer.RenewNow();
            }
            if (Interlocked.Exchange(ref networkChanged, 0) == 1)
            {
                renewer.NetworkChanged();
            }
            TimeSpan wait = web.Work();
            state = renewer.State();
            string why = web.Trouble;
            trouble = why == null ? null : "Reprieve: leases are not renewed: " + why + ". The game goes on with what the ledger has.";
            return wait;
        }

        private void Start(Client client)
        {
#if (UNITY_ANDROID || UNITY_IOS) && !UNITY_EDITOR
            if (http == RenewalHttp.Automatic)
            {
                http = RenewalHttp.UnityWebRequest;
            }
#endif
            if (http != RenewalHttp.UnityWebRequest)
            {
                try
                {
                    Renewing made = client.Renewing(options);
                    lock (gate)
                    {
                        renewing = made;
                    }
                }
                catch (ReprieveException error) when (error.Code == ErrorCode.Unsupported && http == RenewalHttp.Automatic)
                {
                    // A library that was built without.
                    http = RenewalHttp.UnityWebRequest;
                }
            }
            if (http == RenewalHttp.UnityWebRequest)
            {
                if (options.Roots.Length > 0 || options.Proxy.Length > 0)
                {
                    throw new NotSupportedException("UnityWebRequest, which is used here, takes no certificates and no proxy of the product's own; leave"
                        + " Roots and Proxy empty");
                }
                Renewer made = client.Renewer(options.Settings);
                lock (gate)
                {
                    renewer = made;
                    driver = new WebRequestDriver(made, wake, options.Headers);
                }
            }
            bool late;
            lock (gate)
            {
                late = disposed;
            }
            if (late)
            {
                Stop();
            }
        }

        // Before the client is closed, on the main thread: waits for what is being written to the ledger, never for the network.
        public void Dispose()
        {
            lock (gate)
            {
                disposed = true;
            }
            Stop();
        }

        private void Stop()
        {
            Renewing running;
            Renewer driven;
            WebRequestDriver web;
            lock (gate)
            {
                running = renewing;
                driven = renewer;
                web = driver;
                driver = null;
                state = null;
            }
            if (running != null)
            {
                running.Dispose();
            }
            if (web != null)
            {
                web.Dispose();
            }
            if (driven != null)
            {
                driven.Dispose();
            }
        }
    }

    /// <summary>How renewing stands, in words.</summary>
    public static class RenewalText
    {
        /// <summary>Such as <c>renewed, 5 min ago; next in 12 d 3 h</c>, <c>no_dns, 10 s ago; next in 25 s</c>, <c>under way</c>; empty where nothing
        /// renews.</summary>
        /// <param name="state">Of <see cref="ReprieveSession.Renewal"/>; null for none.</param>
        public static string Of(RenewalState state)
        {
            if (state == null)
            {
                return "";
            }
            string last = state.Outcome == RenewalOutcome.None ? "" : state.Word + ", " + Runway.Text(state.Ago) + " ago";
            string next = state.IsBusy ? "under way" : state.Next == null ? "" : "next in " + Runway.Text(state.Next.Value);
            return last + (last.Length > 0 && next.Length > 0 ? "; " : "") + next;
        }
    }
}
