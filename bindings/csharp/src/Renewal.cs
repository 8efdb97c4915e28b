#if REPRIEVE_NULLABLE
// Here null stands for NULL, which the declarations of the C ABI do not tell apart; what is public is annotated.
#pragma warning disable CS8600, CS8603, CS8604, CS8625
#endif
using System;
using System.Collections.Generic;
using System.Text;

namespace Reprieve
{
    /// <summary>What a driver of renewals does next.</summary>
    public enum RenewalKind
    {
        /// <summary>Nothing, as the call failed.</summary>
        Nothing = 0,
        /// <summary>There is nothing to do for so long, unless an attempt ends.</summary>
        Wait = 1,
        /// <summary>Send a request.</summary>
        Send = 2,
        /// <summary>Stop an attempt if it still runs; nobody waits for it any more.</summary>
        Abort = 3,
    }

    /// <summary>How an attempt to renew failed before there was an answer; what that is evidence of is the library's to say (rule G1).</summary>
    public enum RenewalFailure
    {
        /// <summary>The name could not be resolved.</summary>
        NoDns = 1,
        /// <summary>There is no route to the host, or no network at all; or the customer's proxy gave none.</summary>
        NoRoute = 2,
        /// <summary>No answer in time, wherever it stopped.</summary>
        TimedOut = 3,
        /// <summary>The host refused the connection.</summary>
        Refused = 4,
        /// <summary>The connection was reset or closed before the answer was whole.</summary>
        Reset = 5,
        /// <summary>The certificate is another name's, has expired, or leads to no root that is trusted.</summary>
        Certificate = 6,
        /// <summary>TLS failed in another way.</summary>
        Tls = 7,
        /// <summary>What came is no HTTP.</summary>
        Protocol = 8,
        /// <summary>The answer is longer than <see cref="Renewer.MaxAnswer"/>.</summary>
        TooLong = 9,
        /// <summary>This side could not even try: it is evidence of nothing.</summary>
        Local = 10,
    }

    /// <summary>How an attempt to renew ended.</summary>
    public enum RenewalOutcome
    {
        /// <summary>None has ended yet.</summary>
        None = 0,
        /// <summary>The lease was renewed.</summary>
        Renewed = 1,
        /// <summary>The authority answered, and every document was refused.</summary>
        Answered = 2,
        /// <summary>It failed before there was an answer.</summary>
        Failed = 3,
        /// <summary>An HTTP status without documents of the authority's.</summary>
        Status = 4,
        /// <summary>Another endpoint was quicker, or it was told to stop.</summary>
        Dropped = 5,
        /// <summary>A probe was answered: the network leads there.</summary>
        Reached = 6,
        /// <summary>A mirror gave documents.</summary>
        Fetched = 7,
        /// <summary>A mirror has nothing new.</summary>
        Unchanged = 8,
    }

    /// <summary>How long things last when leases are renewed; zero for what the library finds fit. From 1 ms to 49 days.</summary>
    public sealed class RenewalSettings
    {
        /// <summary>An attempt that has no answer after this has failed (15 s).</summary>
        public TimeSpan Timeout { get; set; }
        /// <summary>After this the next endpoint is tried beside the one that has not answered yet (3 s).</summary>
        public TimeSpan Hedge { get; set; }
        /// <summary>The pause after the first round that failed, at most; it doubles with each (30 s).</summary>
        public TimeSpan Pause { get; set; }
        /// <summary>What it doubles up to (15 min).</summary>
        public TimeSpan PauseMost { get; set; }
        /// <summary>What a <c>Retry-After</c> is believed up to (1 h).</summary>
        public TimeSpan RetryAfterMost { get; set; }
        /// <summary>What the authority answered without a lease is not asked for again before this (1 h).</summary>
        public TimeSpan Answered { get; set; }
        /// <summary>Nor what it answered with one, whatever that says (1 min).</summary>
        public TimeSpan Renewed { get; set; }

        internal RenewalSettingsData Data()
        {
            return new RenewalSettingsData
            {
                struct_size = RenewalSettingsData.Size, timeout = Of(Timeout), hedge = Of(Hedge), pause = Of(Pause), pause_most = Of(PauseMost),
                retry_after_most = Of(RetryAfterMost), answered = Of(Answered), renewed = Of(Renewed),
            };
        }

        private static uint Of(TimeSpan time)
        {
            double count = Math.Ceiling(time.TotalMilliseconds);
            if (!(count >= 0 && count <= uint.MaxValue))
            {
                throw new ArgumentOutOfRangeException("settings", time + " is no time from 0 to 49 days");
            }
            return (uint)count;
        }
    }

    /// <summary>What a driver of renewals does next: <see cref="Renewer.Poll"/> says it.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class RenewalTask
    {
        internal RenewalTask(ref RenewalTaskData data, string method, string url, IReadOnlyList<KeyValuePair<string, string>> headers, byte[] body)
        {
            Kind = (RenewalKind)data.kind;
            Attempt = (long)data.attempt;
            Time = Renewer.Span(data.milliseconds);
            Method = method;
            Url = url;
            Headers = headers;
            Body = body;
        }

        /// <summary>What is to be done.</summary>
        public RenewalKind Kind { get; }
        /// <summary>Names the attempt: to send, or to abort.</summary>
        public long Attempt { get; }
        /// <summary>To send: the attempt is over if there is no answer within so long. To wait: nothing is to be done for so long.</summary>
        public TimeSpan Time { get; }
        /// <summary>The method of HTTP, such as <c>POST</c>; empty if nothing is to be sent, as all that follows.</summary>
        public string Method { get; }
        /// <summary>Where to.</summary>
        public string Url { get; }
        /// <summary>The header fields to send.</summary>
        public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }
        /// <summary>The body.</summary>
        public byte[] Body { get; }
    }

    /// <summary>How renewing stands.</summary>
    /// <remarks>Immutable; any thread.</remarks>
    public sealed class RenewalState
    {
        internal RenewalState(ref RenewalStateData data, string url, string word)
        {
            IsBusy = data.is_busy != 0;
            Next = data.has_next != 0 ? Renewer.Span(data.next_milliseconds) : (TimeSpan?)null;
            Outcome = (RenewalOutcome)data.outcome;
            Failure = data.failure != 0 ? (RenewalFailure)data.failure : (RenewalFailure?)null;
            Status = (int)data.status;
            Refusal = (Refusal)data.refusal;
            Url = url;
            Word = word;
            Ago = Renewer.Span(data.ago_milliseconds);
            Took = Renewer.Span(data.took_milliseconds);
        }

        /// <summary>Whether a round of attempts is under way.</summary>
        public bool IsBusy { get; }
        /// <summary>In how long the next round begins, by what is known; null while one is under way, before the first poll, and without
        /// endpoints.</summary>
        public TimeSpan? Next { get; }
        /// <summary>How the attempt that ended last did. None if none has; all that follows is of that attempt.</summary>
        public RenewalOutcome Outcome { get; }
        /// <summary>How it failed, if it did.</summary>
        public RenewalFailure? Failure { get; }
        /// <summary>The status of HTTP, where that is the outcome; else 0.</summary>
        public int Status { get; }
        /// <summary>Why the first document was refused, if all were.</summary>
        public Refusal Refusal { get; }
        /// <summary>Where it went; empty if none has ended.</summary>
        public string Url { get; }
        /// <summary>All of it in a word, such as <c>renewed</c>, <c>no_dns</c>, <c>status 302</c> or <c>answered: wrong_ledger</c>.</summary>
        public string Word { get; }
        /// <summary>How long ago it ended.</summary>
        public TimeSpan Ago { get; }
        /// <summary>How long it took.</summary>
        public TimeSpan Took { get; }

        internal static RenewalState Take(ref RenewalStateData data, BytesHandle url, BytesHandle word)
        {
            string where = url.IsInvalid ? "" : Native.TakeText(url), how = word.IsInvalid ? "" : Native.TakeText(word);
            return new RenewalState(ref data, where, how);
        }
    }

    /// <summary>
    /// Renews a client's leases with HTTP of the product's own: it says what to send where, by when, and takes what came back. <c>HttpDriver</c>
    /// drives it with <c>HttpClient</c>, <c>WebRequestDriver</c> of the package for Unity with <c>UnityWebRequest</c>.
    /// </summary>
    /// <remarks>
    /// <para>One for each client is enough; of all on a ledger, in whatever process, one at a time has the turn. Any thread; calls on one take
    /// turns. They may wait for the disk and for other processes: call them where a game may wait.</para>
    /// <para>Disposing gives the turn back. A renewer keeps its client's ledger open until then.</para>
    /// </remarks>
    public sealed class Renewer : IDisposable
    {
        /// <summary>How many bytes of an answer's body are read at most.</summary>
        public const int MaxAnswer = 4194304;

        private readonly RenewerHandle handle;

        internal Renewer(RenewerHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>What to do next. Call it again after each task, when a wait has passed, and when an attempt has ended.</summary>
        /// <remarks>Follow no redirect, verify certificates by the name in the URL, and read no more than <see cref="MaxAnswer"/> bytes. A wait
        /// counts while the machine sleeps too, and most timers do not.</remarks>
        /// <exception cref="ReprieveClosedException">The client was closed: that is the end of it.</exception>
        public RenewalTask Poll()
        {
            var data = new RenewalTaskData { struct_size = RenewalTaskData.Size };
            HttpRequestHandle request;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_poll(handle, ref data, out request, out error), error);
            using (request)
            {
                if (request.IsInvalid)
                {
                    return new RenewalTask(ref data, "", "", new KeyValuePair<string, string>[0], new byte[0]);
                }
                IntPtr text, value;
                UIntPtr len, valueLen, count;
                Native.Check(NativeMethods.reprieve_http_request_method(request, out text, out len));
                string method = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_http_request_url(request, out text, out len));
                string url = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_http_request_body(request, out text, out len));
                byte[] body = Native.Copy(text, len);
                Native.Check(NativeMethods.reprieve_http_request_header_count(request, out count));
                var headers = new KeyValuePair<string, string>[checked((int)count.ToUInt64())];
                for (int at = 0; at < headers.Length; at++)
                {
                    Native.Check(NativeMethods.reprieve_http_request_header(request, (UIntPtr)(uint)at, out text, out len, out value, out valueLen));
                    headers[at] = new KeyValuePair<string, string>(Native.Text(text, len), Native.Text(value, valueLen));
                }
                return new RenewalTask(ref data, method, url, headers, body);
            }
        }

        /// <summary>An attempt was answered, whatever the status. Documents in the body are imported.</summary>
        /// <param name="attempt">The task's. One that is over already is nothing.</param>
        /// <param name="status">HTTP's, such as 200.</param>
        /// <param name="headers">The answer's header fields: pass all. <c>Retry-After</c> is obeyed.</param>
        /// <param name="body">Decoded.</param>
        /// <exception cref="ReprieveInputException">The status is not 100 to 999.</exception>
        public void Answered(long attempt, int status, IEnumerable<KeyValuePair<string, string>> headers, byte[] body)
        {
            if (headers == null)
            {
                throw new ArgumentNullException("headers");
            }
            if (body == null)
            {
                throw new ArgumentNullException("body");
            }
            byte[] lines = Lines(headers);
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_answered(
                handle, (ulong)attempt, unchecked((uint)status), lines, Native.Length(lines), body, Native.Length(body), out error), error);
        }

        /// <summary>An attempt failed before there was a whole answer.</summary>
        public void Failed(long attempt, RenewalFailure failure)
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_failed(handle, (ulong)attempt, (uint)failure, out error), error);
        }

        /// <summary>The network is back, or another one is there: a pause after failures ends within some seconds. Poll after it.</summary>
        public void NetworkChanged()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_network_changed(handle, out error), error);
        }

        /// <summary>A renewal is wanted though none is due. Poll after it.</summary>
        public void RenewNow()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_renew_now(handle, out error), error);
        }

        /// <summary>How renewing stands. Does not wait for other calls.</summary>
        public RenewalState State()
        {
            var data = new RenewalStateData { struct_size = RenewalStateData.Size };
            BytesHandle url, word;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewer_state(handle, ref data, out url, out word, out error), error);
            return RenewalState.Take(ref data, url, word);
        }

        /// <summary>Gives the turn back to other products; what still runs is nobody's any more. Again is no error.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        // Header fields as HTTP writes them.
        internal static byte[] Lines(IEnumerable<KeyValuePair<string, string>> headers)
        {
            var text = new StringBuilder();
            foreach (KeyValuePair<string, string> header in headers)
            {
                text.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n");
            }
            return Native.Loose(text.ToString());
        }

        internal static TimeSpan Span(ulong milliseconds)
        {
            return TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue * 1000d));
        }
    }

    /// <summary>What the library's own HTTP trusts, and which way it goes.</summary>
    public sealed class RenewingOptions
    {
        /// <summary>How long things last.</summary>
        public RenewalSettings Settings { get; set; } = new RenewalSettings();
        /// <summary>Certificates of the vendor's own authorities, PEM, in place of those that the platform trusts; empty for the platform's.</summary>
        public string Roots { get; set; } = "";
        /// <summary>A proxy's URL; <c>none</c> for none; empty for what the platform says.</summary>
        public string Proxy { get; set; } = "";
        /// <summary>Header fields for each request, such as <c>Authorization</c>.</summary>
        public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>();
    }

    /// <summary>Renewals under way on a thread of the library's, until this is stopped or disposed, or the client is closed.</summary>
    /// <remarks>Any thread.</remarks>
    public sealed class Renewing : IDisposable
    {
        private readonly RenewingHandle handle;

        internal Renewing(RenewingHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>The network is back, or another one is there. Does not wait.</summary>
        public void NetworkChanged()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewing_network_changed(handle, out error), error);
        }

        /// <summary>A renewal is wanted though none is due. Does not wait.</summary>
        public void RenewNow()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewing_renew_now(handle, out error), error);
        }

        /// <summary>How renewing stands, or stood when it was stopped.</summary>
        public RenewalState State()
        {
            var data = new RenewalStateData { struct_size = RenewalStateData.Size };
            BytesHandle url, word;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewing_state(handle, ref data, out url, out word, out error), error);
            return RenewalState.Take(ref data, url, word);
        }

        /// <summary>Stops: waits for what is being written to the ledger, never for the network. Again is no error.</summary>
        public void Stop()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewing_stop(handle, out error), error);
        }

        /// <summary>Stops, and frees it. Again is no error.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }

    public sealed partial class Client
    {
        /// <summary>Renews this client's leases with HTTP of the product's own; with what the library finds fit.</summary>
        public Renewer Renewer()
        {
            return Renewer(new RenewalSettings());
        }

        /// <summary>Renews this client's leases with HTTP of the product's own.</summary>
        /// <param name="settings">How long things last.</param>
        public Renewer Renewer(RenewalSettings settings)
        {
            RenewalSettingsData data = settings.Data();
            RenewerHandle renewer;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_renewer(handle, ref data, out renewer, out error), error);
            return new Renewer(renewer);
        }

        /// <summary>Starts a thread of the library's that renews this client's leases, with the library's own HTTP. One for each client.</summary>
        /// <exception cref="ReprieveException">Unsupported: the library was built without HTTP; use a renewer.</exception>
        /// <exception cref="ReprieveInputException">An option is none.</exception>
        public Renewing Renewing(RenewingOptions options)
        {
            RenewalSettingsData data = options.Settings.Data();
            byte[] roots = Native.Utf8("Roots", options.Roots), proxy = Native.Utf8("Proxy", options.Proxy), lines = Reprieve.Renewer.Lines(options.Headers);
            RenewingHandle renewing;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_renewing_start(
                handle, ref data, roots, Native.Length(roots), proxy, Native.Length(proxy), lines, Native.Length(lines), out renewing, out error), error);
            return new Renewing(renewing);
        }
    }
}
