using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using UnityEngine.Networking;

namespace Reprieve.Unity
{
    /// <summary>
    /// Drives a <see cref="Renewer"/> with <see cref="UnityWebRequest"/>, where the library's own HTTP is not there: phones, and libraries built without.
    /// <see cref="ReprieveSession"/> has one where it needs one; use this class alone where there is no session.
    /// </summary>
    /// <remarks>
    /// <para><see cref="Pump"/> runs on Unity's main thread, once a frame: requests are begun, watched and ended there, as Unity wants it.
    /// <see cref="Work"/> runs on a thread that may wait for the disk: it asks the renewer what to do and tells it what came. One thread of each kind.</para>
    /// <para>A game that stands still (paused, in the background, loading) cannot watch its requests: what they then miss is told as
    /// <see cref="RenewalFailure.Local"/>, which is evidence of nothing, and no request is made before a frame has passed.</para>
    /// </remarks>
    public sealed class WebRequestDriver : IDisposable
    {
        // No longer at once: timers stand still while the machine sleeps.
        private static readonly TimeSpan Nap = TimeSpan.FromSeconds(20);

        // So long between two frames, and the game stands still.
        private static readonly TimeSpan Still = TimeSpan.FromSeconds(2);

        private sealed class Attempt
        {
            internal RenewalTask Task;
            internal long Since;
            // Nobody waits for it any more: the next frame drops it.
            internal bool Over;
            // Of the main thread; null until it was begun.
            internal UnityWebRequest Request;
            internal Sink Sink;
        }

        private struct Result
        {
            internal long Attempt;
            // HTTP's; 0 if it failed.
            internal int Status;
            internal RenewalFailure Failure;
            internal Dictionary<string, string> Headers;
            internal byte[] Body;
        }

        private readonly object gate = new object();
        private readonly Renewer renewer;
        private readonly Action wake;
        private readonly IDictionary<string, string> headers;
        private readonly List<Attempt> attempts = new List<Attempt>();
        private readonly Queue<Result> results = new Queue<Result>();

        // Read in every frame without the lock.
        private volatile bool watching;
        private volatile bool waits;
        private volatile string trouble;
        private long pumped;
        private int renewNow;
        private int networkChanged;
        private bool disposed;

        /// <summary>Drives a renewer, which is not disposed with it.</summary>
        /// <param name="renewer">What says what to send.</param>
        /// <param name="wake">Has <see cref="Work"/> called soon; it must not wait.</param>
        /// <param name="headers">Header fields of the product's own, such as <c>Authorization</c>, for what is sent to the authority; null for none.</param>
        public WebRequestDriver(Renewer renewer, Action wake, IDictionary<string, string> headers)
        {
            if (renewer == null)
            {
                throw new ArgumentNullException("renewer");
            }
            if (wake == null)
            {
                throw new ArgumentNullException("wake");
            }
            this.renewer = renewer;
            this.wake = wake;
            this.headers = headers ?? new Dictionary<string, string>();
        }

        /// <summary>Why a request could not even be begun, if that was so the last time; else null. Any thread.</summary>
        public string Trouble { get { return trouble; } }

        /// <summary>A renewal is wanted though none is due. Any thread; does not wait.</summary>
        public void RenewNow()
        {
            Interlocked.Exchange(ref renewNow, 1);
            wake();
        }

        /// <summary>The network is back, or another one is there. Any thread; does not wait.</summary>
        public void NetworkChanged()
        {
            Interlocked.Exchange(ref networkChanged, 1);
            wake();
        }

        /// <summary>Tells the renewer what came, and asks what to do. It may wait for the disk and for other processes: not on Unity's main thread.</summary>
        /// <returns>In how long to call it again, unless it is woken before.</returns>
        /// <exception cref="ReprieveClosedException">The client was closed: that is the end of it.</exception>
        public TimeSpan Work()
        {
            Tell();
            TimeSpan next = GiveUpWhatNobodyWatches();
            if (Interlocked.Exchange(ref renewNow, 0) == 1)
            {
                renewer.RenewNow();
            }
            if (Interlocked.Exchange(ref networkChanged, 0) == 1)
            {
                renewer.NetworkChanged();
            }
            if (IsStill)
            {
                waits = true;
                return next;
            }
            while (true)
            {
                RenewalTask task = renewer.Poll();
                if (task.Kind == RenewalKind.Send)
                {
                    Add(task);
                    next = Least(next, Patience(task));
                }
                else if (task.Kind == RenewalKind.Abort)
                {
                    Abort(task.Attempt);
                }
                else
                {
                    return Least(next, task.Kind == RenewalKind.Wait ? task.Time : Nap);
                }
            }
        }

        private static TimeSpan Least(TimeSpan one, TimeSpan other)
        {
            TimeSpan least = one < other ? one : other;
            return least < TimeSpan.Zero ? TimeSpan.Zero : least;
        }

        private void Tell()
        {
            while (true)
            {
                Result result;
                lock (gate)
                {
                    if (results.Count == 0)
                    {
                        return;
                    }
                    result = results.Dequeue();
                }
                if (result.Status != 0)
                {
                    renewer.Answered(result.Attempt, result.Status, result.Headers, result.Body);
                }
                else
                {
                    renewer.Failed(result.Attempt, result.Failure);
                }
            }
        }

        // The renewer ends an attempt by itself when its time is over, and takes that for the network's silence. Where it is the game that was silent, it
        // has to be told before that.
        private TimeSpan GiveUpWhatNobodyWatches()
        {
            TimeSpan next = Nap;
            bool still = IsStill;
            for (int at = 0; ; at++)
            {
                Attempt lost = null;
                lock (gate)
                {
                    if (at >= attempts.Count)
                    {
                        return next;
                    }
                    Attempt one = attempts[at];
                    TimeSpan left = Patience(one.Task) - Elapsed(one.Since);
                    if (!one.Over && left <= TimeSpan.Zero && (still || one.Request == null))
                    {
                        one.Over = true;
                        lost = one;
                    }
                    else if (!one.Over && left > TimeSpan.Zero)
                    {
                        next = Least(next, left);
                    }
                }
                if (lost != null)
                {
                    renewer.Failed(lost.Task.Attempt, RenewalFailure.Local);
                }
            }
        }

        // A little less than the attempt's time.
        private static TimeSpan Patience(RenewalTask task)
        {
            return task.Time - TimeSpan.FromTicks(Math.Min(task.Time.Ticks / 4, TimeSpan.TicksPerSecond / 2));
        }

        private bool IsStill
        {
            get
            {
                long last = Interlocked.Read(ref pumped);
                return last == 0 || Elapsed(last) > Still;
            }
        }

        private static TimeSpan Elapsed(long since)
        {
            return TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - since) / (double)Stopwatch.Frequency);
        }

        private void Add(RenewalTask task)
        {
            lock (gate)
            {
                if (!disposed)
                {
                    attempts.Add(new Attempt { Task = task, Since = Stopwatch.GetTimestamp() });
                    watching = true;
                }
            }
        }

        private void Abort(long attempt)
        {
            lock (gate)
            {
                foreach (Attempt one in attempts)
                {
                    one.Over |= one.Task.Attempt == attempt;
                }
            }
        }

        /// <summary>Begins, watches and ends requests: once a frame, on Unity's main thread. Allocates nothing while there is none to begin or to
        /// end.</summary>
        public void Pump()
        {
            long before = Interlocked.Exchange(ref pumped, Stopwatch.GetTimestamp());
            if (waits)
            {
                waits = false;
                wake();
            }
            if (!watching)
            {
                return;
            }
            bool stood = before != 0 && Elapsed(before) > Still, news = false;
            lock (gate)
            {
                for (int at = attempts.Count - 1; at >= 0; at--)
                {
                    Attempt one = attempts[at];
                    int waiting = results.Count;
                    if (!one.Over)
                    {
                        if (one.Request == null)
                        {
                            Begin(one);
                        }
                        else
                        {
                            Watch(one, stood);
                        }
                    }
                    news |= results.Count > waiting;
                    if (one.Over)
                    {
                        attempts.RemoveAt(at);
                        End(one);
                    }
                }
                watching = attempts.Count > 0;
            }
            if (news)
            {
                wake();
            }
        }

        private void Begin(Attempt one)
        {
            RenewalTask task = one.Task;
            if (Elapsed(one.Since) >= Patience(task))
            {
                Fail(one, RenewalFailure.Local);
                return;
            }
            try
            {
                one.Sink = new Sink();
                var body = task.Body.Length > 0 ? new UploadHandlerRaw(task.Body) : null;
                one.Request = new UnityWebRequest(task.Url, task.Method, one.Sink, body);
                // A captive portal redirects; the authority does not.
                one.Request.redirectLimit = 0;
                one.Request.useHttpContinue = false;
                foreach (KeyValuePair<string, string> header in task.Headers)
                {
                    one.Request.SetRequestHeader(header.Key, header.Value);
                    if (body != null && string.Equals(header.Key, "Content-Type", StringComparison.OrdinalIgnoreCase))
                    {
                        body.contentType = header.Value;
                    }
                }
                // Probes and mirrors are told nothing of the customer.
                if (task.Method == UnityWebRequest.kHttpVerbPOST)
                {
                    foreach (KeyValuePair<string, string> header in headers)
                    {
                        one.Request.SetRequestHeader(header.Key, header.Value);
                    }
                }
                one.Request.SendWebRequest();
                trouble = null;
            }
            catch (Exception error)
            {
                // Such as: plain HTTP, which the player's settings forbid; or a header field that Unity keeps for itself.
                trouble = "no request to " + task.Url + " could be begun: " + error.Message;
                Fail(one, RenewalFailure.Local);
            }
        }

        private void Watch(Attempt one, bool stood)
        {
            if (one.Sink.TooLong)
            {
                Fail(one, RenewalFailure.TooLong);
            }
            else if (one.Request.isDone)
            {
                Take(one);
            }
            else if (Elapsed(one.Since) >= one.Task.Time)
            {
                // Nobody knows what came in the meantime where the game stood still until now.
                Fail(one, stood ? RenewalFailure.Local : RenewalFailure.TimedOut);
            }
        }

        private void Take(Attempt one)
        {
            UnityWebRequest request = one.Request;
            long status = request.responseCode;
            bool answered = request.result == UnityWebRequest.Result.Success || request.result == UnityWebRequest.Result.ProtocolError;
            RenewalFailure failure = RenewalFailure.Protocol;
            if (!answered)
            {
                string error = request.error;
                if (IsRedirect(error))
                {
                    // Where Unity does not say which, it is the one that captive portals use.
                    status = status >= 300 && status < 400 ? status : 302;
                    answered = true;
                }
                else
                {
                    failure = FailureOf(error);
                    if (failure == RenewalFailure.Local && status > 0)
                    {
                        // An answer had begun, and was not to be had whole.
                        failure = RenewalFailure.Reset;
                    }
                }
            }
            if (!answered || status < 100 || status > 999)
            {
                Fail(one, failure);
                return;
            }
            one.Over = true;
            results.Enqueue(new Result
            {
                Attempt = one.Task.Attempt, Status = (int)status, Headers = request.GetResponseHeaders() ?? new Dictionary<string, string>(),
                Body = one.Sink.Body.ToArray(),
            });
        }

        private void Fail(Attempt one, RenewalFailure failure)
        {
            one.Over = true;
            results.Enqueue(new Result { Attempt = one.Task.Attempt, Failure = failure });
        }

        private static void End(Attempt one)
        {
            if (one.Request != null)
            {
                one.Request.Abort();
                one.Request.Dispose();
            }
        }

        /// <summary>Whether a text of <c>UnityWebRequest.error</c> says that the answer was a redirect, which was not followed.</summary>
        public static bool IsRedirect(string error)
        {
            return Says(error, "Redirect limit exceeded") || Says(error, "Encountered invalid redirect");
        }

        /// <summary>Which failure a text of <c>UnityWebRequest.error</c> is. One that says nothing certain is evidence of nothing, with an exception: a
        /// connection that was not made is the network's, which is true of a refused one as well, as seen from here.</summary>
        public static RenewalFailure FailureOf(string error)
        {
            foreach (KeyValuePair<string, RenewalFailure> known in Known)
            {
                if (Says(error, known.Key))
                {
                    return known.Value;
                }
            }
            return RenewalFailure.Local;
        }

        private static bool Says(string error, string text)
        {
            return error != null && error.StartsWith(text, StringComparison.OrdinalIgnoreCase);
        }

        // The texts are those that Unity's manual of Addressables lists. What stands for something of this side (`Malformed URL`, `Out of memory`, `Access
        // denied`, ...) or for anything (`Unknown Error`, `Generic/unknown HTTP error`) is not in here.
        private static readonly KeyValuePair<string, RenewalFailure>[] Known =
        {
            Pair("Cannot resolve destination host", RenewalFailure.NoDns),
            Pair("Cannot connect to destination host", RenewalFailure.NoRoute),
            Pair("Cannot resolve proxy", RenewalFailure.NoRoute),
            Pair("No Internet Connection", RenewalFailure.NoRoute),
            Pair("Request timeout", RenewalFailure.TimedOut),
            Pair("SSL CA certificate error", RenewalFailure.Certificate),
            Pair("Destination host has an erroneous SSL certificate", RenewalFailure.Certificate),
            Pair("Unable to complete SSL connection", RenewalFailure.Tls),
            Pair("Destination host does not support SSL", RenewalFailure.Tls),
            Pair("Unable to load SSL Cipher for verification", RenewalFailure.Tls),
            Pair("SSL shutdown failed", RenewalFailure.Tls),
            Pair("Received no data in response", RenewalFailure.Reset),
            Pair("Failed to transmit data", RenewalFailure.Reset),
            Pair("Failed to receive data", RenewalFailure.Reset),
            Pair("Unable to read data", RenewalFailure.Reset),
            // The URL's is HTTP: what came is none.
            Pair("Unsupported Protocol", RenewalFailure.Protocol),
            Pair("Unrecognized content-encoding", RenewalFailure.Protocol),
        };

        private static KeyValuePair<string, RenewalFailure> Pair(string text, RenewalFailure failure)
        {
            return new KeyValuePair<string, RenewalFailure>(text, failure);
        }

        /// <summary>Gives up what still runs. Never throws, also a second time. On Unity's main thread.</summary>
        public void Dispose()
        {
            lock (gate)
            {
                disposed = true;
                foreach (Attempt one in attempts)
                {
                    try
                    {
                        End(one);
                    }
                    catch (Exception error)
                    {
                        trouble = error.Message;
                    }
                }
                attempts.Clear();
                results.Clear();
                watching = false;
            }
        }

        // Takes the body, and no more of it than is read at most.
        private sealed class Sink : DownloadHandlerScript
        {
            internal readonly MemoryStream Body = new MemoryStream();
            internal volatile bool TooLong;

            internal Sink() : base(new byte[16384]) { }

            protected override bool ReceiveData(byte[] data, int dataLength)
            {
                if (data == null)
                {
                    return false;
                }
                if (Body.Length + dataLength > Renewer.MaxAnswer)
                {
                    TooLong = true;
                    return false;
                }
                Body.Write(data, 0, dataLength);
                return true;
            }
        }
    }
}
