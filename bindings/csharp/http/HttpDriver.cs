using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading;
using System.Threading.Tasks;

namespace Reprieve
{
    /// <summary>
    /// Drives a <see cref="Renewer"/> with <see cref="HttpClient"/>. It is a file of its own, so that what needs no <c>System.Net.Http</c> does without.
    /// </summary>
    /// <remarks>
    /// <para>Nothing runs on the caller's context: neither a window's thread nor a game's waits. <see cref="NetworkChanged"/> and
    /// <see cref="RenewNow"/> may be called from any thread; <see cref="RunAsync"/> runs once at a time.</para>
    /// </remarks>
    /// <example><code>
    /// using (Renewer renewer = client.Renewer())
    /// using (HttpClient http = HttpDriver.MakeClient())
    /// {
    ///     await new HttpDriver(renewer, http).RunAsync(quit.Token);     // until the product ends, or the client is closed
    /// }
    /// </code></example>
    public sealed class HttpDriver
    {
        // No longer at once: timers stand still while the machine sleeps.
        private static readonly TimeSpan Nap = TimeSpan.FromSeconds(20);

        private readonly Renewer renewer;
        private readonly HttpClient http;
        private readonly SemaphoreSlim wake = new SemaphoreSlim(0);

        /// <summary>Drives a renewer. Neither it nor the client of HTTP is disposed.</summary>
        /// <param name="renewer">What says what to send.</param>
        /// <param name="http">As <see cref="MakeClient()"/> makes it: without redirects and without a time limit of its own.</param>
        public HttpDriver(Renewer renewer, HttpClient http)
        {
            this.renewer = renewer ?? throw new ArgumentNullException("renewer");
            this.http = http ?? throw new ArgumentNullException("http");
        }

        /// <summary>A client of HTTP as a driver wants it.</summary>
        public static HttpClient MakeClient()
        {
            return MakeClient(new HttpClientHandler());
        }

        /// <summary>The same, with a handler that knows the product's proxy or certificates. It is disposed with the client.</summary>
        public static HttpClient MakeClient(HttpClientHandler handler)
        {
            // A captive portal redirects; the authority does not.
            handler.AllowAutoRedirect = false;
            handler.UseCookies = false;
            return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        }

        /// <summary>The network is back, or another one is there.</summary>
        public void NetworkChanged()
        {
            Task.Run(() => { renewer.NetworkChanged(); wake.Release(); });
        }

        /// <summary>A renewal is wanted though none is due.</summary>
        public void RenewNow()
        {
            Task.Run(() => { renewer.RenewNow(); wake.Release(); });
        }

        /// <summary>Renews until it is cancelled or the client is closed. Ends well in both cases; what still ran is given up.</summary>
        /// <param name="cancel">Ends it.</param>
        public async Task RunAsync(CancellationToken cancel)
        {
            var running = new Dictionary<Task<Action>, KeyValuePair<long, CancellationTokenSource>>();
            Task woken = wake.WaitAsync(cancel);
            try
            {
                while (!cancel.IsCancellationRequested)
                {
                    RenewalTask task = await Task.Run(() => renewer.Poll()).ConfigureAwait(false);
                    if (task.Kind == RenewalKind.Send)
                    {
                        CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                        running.Add(Task.Run(() => AttemptAsync(task, stop.Token)), new KeyValuePair<long, CancellationTokenSource>(task.Attempt, stop));
                        continue;
                    }
                    if (task.Kind == RenewalKind.Abort)
                    {
                        foreach (KeyValuePair<long, CancellationTokenSource> attempt in running.Values)
                        {
                            if (attempt.Key == task.Attempt)
                            {
                                attempt.Value.Cancel();
                            }
                        }
                        continue;
                    }
                    var events = new List<Task>(running.Keys) { woken, Task.Delay(task.Time < Nap ? task.Time : Nap, cancel) };
                    Task done = await Task.WhenAny(events).ConfigureAwait(false);
                    if (done == woken)
                    {
                        woken = wake.WaitAsync(cancel);
                    }
                    if (done is Task<Action> ended && running.TryGetValue(ended, out KeyValuePair<long, CancellationTokenSource> over))
                    {
                        running.Remove(ended);
                        over.Value.Dispose();
                        await Task.Run(ended.Result).ConfigureAwait(false);
                    }
                }
            }
            catch (ReprieveClosedException)
            {
                // There is nothing to renew any more.
            }
            finally
            {
                foreach (KeyValuePair<long, CancellationTokenSource> attempt in running.Values)
                {
                    attempt.Value.Cancel();
                }
            }
        }

        // Sends, and gives what is to be told. Some platforms cancel no read that has begun: the deadline is kept whatever they do.
        private async Task<Action> AttemptAsync(RenewalTask task, CancellationToken cancel)
        {
            using (CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel))
            {
                Task<Action> sent = SendAsync(task, stop.Token);
                Task done = await Task.WhenAny(sent, Task.Delay(task.Time, cancel)).ConfigureAwait(false);
                if (done == sent)
                {
                    return sent.Result;
                }
                stop.Cancel();
                return () => renewer.Failed(task.Attempt, RenewalFailure.TimedOut);
            }
        }

        private async Task<Action> SendAsync(RenewalTask task, CancellationToken cancel)
        {
            RenewalFailure failure;
            try
            {
                using (var request = new HttpRequestMessage(new HttpMethod(task.Method), task.Url))
                {
                    if (task.Body.Length > 0)
                    {
                        request.Content = new ByteArrayContent(task.Body);
                    }
                    request.Headers.ExpectContinue = false;
                    request.Headers.ConnectionClose = true;
                    foreach (KeyValuePair<string, string> header in task.Headers)
                    {
                        if (!request.Headers.TryAddWithoutValidation(header.Key, header.Value) && request.Content != null)
                        {
                            request.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
                        }
                    }
                    using (HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false))
                    // What is read is given up when the deadline has passed.
                    using (cancel.Register(answer.Dispose))
                    {
                        return await TakeAsync(task, answer, cancel).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception error)
            {
                failure = FailureOf(error);
            }
            return () => renewer.Failed(task.Attempt, failure);
        }

        private async Task<Action> TakeAsync(RenewalTask task, HttpResponseMessage answer, CancellationToken cancel)
        {
            var body = new MemoryStream();
            var headers = new List<KeyValuePair<string, string>>();
            Add(headers, answer.Headers);
            if (answer.Content != null)
            {
                Add(headers, answer.Content.Headers);
                using (Stream stream = await answer.Content.ReadAsStreamAsync().ConfigureAwait(false))
                {
                    var buffer = new byte[65536];
                    int count;
                    while ((count = await stream.ReadAsync(buffer, 0, buffer.Length, cancel).ConfigureAwait(false)) > 0)
                    {
                        body.Write(buffer, 0, count);
                        if (body.Length > Renewer.MaxAnswer)
                        {
                            return () => renewer.Failed(task.Attempt, RenewalFailure.TooLong);
                        }
                    }
                }
                // Mono says nothing of a body that ends early.
                long? length = answer.Content.Headers.ContentLength;
                if (task.Method != "HEAD" && length.HasValue && body.Length < length.Value && answer.Content.Headers.ContentEncoding.Count == 0)
                {
                    return () => renewer.Failed(task.Attempt, RenewalFailure.Reset);
                }
            }
            int status = (int)answer.StatusCode;
            if (status < 100 || status > 999)
            {
                return () => renewer.Failed(task.Attempt, RenewalFailure.Protocol);
            }
            byte[] bytes = body.ToArray();
            return () => renewer.Answered(task.Attempt, status, headers, bytes);
        }

        private static void Add(List<KeyValuePair<string, string>> list, IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers)
        {
            foreach (KeyValuePair<string, IEnumerable<string>> header in headers)
            {
                foreach (string value in header.Value)
                {
                    list.Add(new KeyValuePair<string, string>(header.Key, value));
                }
            }
        }

        /// <summary>Which failure an exception of <see cref="HttpClient"/> is: what lies innermost knows best.</summary>
        public static RenewalFailure FailureOf(Exception error)
        {
            RenewalFailure? found = null;
            var left = new Stack<Exception>();
            left.Push(error);
            while (left.Count > 0)
            {
                Exception next = left.Pop();
                found = Known(next) ?? found;
                var several = next as AggregateException;
                if (several != null)
                {
                    foreach (Exception one in several.InnerExceptions)
                    {
                        left.Push(one);
                    }
                }
                else if (next.InnerException != null)
                {
                    left.Push(next.InnerException);
                }
            }
            return found ?? RenewalFailure.Local;
        }

        private static RenewalFailure? Known(Exception error)
        {
            var socket = error as SocketException;
            if (socket != null)
            {
                return Of(socket.SocketErrorCode);
            }
            var web = error as WebException;
            if (web != null)
            {
                return Of(web.Status);
            }
            if (error is AuthenticationException)
            {
                // Of one type whatever went wrong with TLS; what is wrong with a certificate is named by it.
                return error.Message.IndexOf("certificate", StringComparison.OrdinalIgnoreCase) >= 0 ? RenewalFailure.Certificate : RenewalFailure.Tls;
            }
            if (error.Message.IndexOf("CERTIFICATE_VERIFY_FAILED", StringComparison.Ordinal) >= 0)
            {
                // Mono's TLS.
                return RenewalFailure.Certificate;
            }
            if (error is IOException)
            {
                return RenewalFailure.Reset;
            }
            if (error is OperationCanceledException)
            {
                return RenewalFailure.TimedOut;
            }
            // .NET's own words for what is no HTTP have no exception inside.
            return error is HttpRequestException && error.InnerException == null ? RenewalFailure.Protocol : (RenewalFailure?)null;
        }

        private static RenewalFailure? Of(SocketError error)
        {
            switch (error)
            {
                case SocketError.HostNotFound:
                case SocketError.TryAgain:
                case SocketError.NoData:
                case SocketError.NoRecovery:
                    return RenewalFailure.NoDns;
                case SocketError.ConnectionRefused:
                    return RenewalFailure.Refused;
                case SocketError.ConnectionReset:
                case SocketError.ConnectionAborted:
                case SocketError.Shutdown:
                case SocketError.NotConnected:
                    return RenewalFailure.Reset;
                case SocketError.TimedOut:
                    return RenewalFailure.TimedOut;
                case SocketError.NetworkUnreachable:
                case SocketError.HostUnreachable:
                case SocketError.NetworkDown:
                case SocketError.HostDown:
                case SocketError.AddressNotAvailable:
                case SocketError.AccessDenied:
                    return RenewalFailure.NoRoute;
                default:
                    return null;
            }
        }

        private static RenewalFailure? Of(WebExceptionStatus status)
        {
            switch (status)
            {
                case WebExceptionStatus.NameResolutionFailure:
                    return RenewalFailure.NoDns;
                case WebExceptionStatus.ConnectFailure:
                case WebExceptionStatus.ProxyNameResolutionFailure:
                    return RenewalFailure.NoRoute;
                case WebExceptionStatus.TrustFailure:
                    return RenewalFailure.Certificate;
                case WebExceptionStatus.SecureChannelFailure:
                    return RenewalFailure.Tls;
                case WebExceptionStatus.ReceiveFailure:
                case WebExceptionStatus.SendFailure:
                case WebExceptionStatus.ConnectionClosed:
                case WebExceptionStatus.KeepAliveFailure:
                    return RenewalFailure.Reset;
                case WebExceptionStatus.ServerProtocolViolation:
                case WebExceptionStatus.MessageLengthLimitExceeded:
                    return RenewalFailure.Protocol;
                case WebExceptionStatus.Timeout:
                    return RenewalFailure.TimedOut;
                default:
                    return null;
            }
        }
    }
}
