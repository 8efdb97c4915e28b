using System;
using System.Collections.Generic;
using System.Text;

namespace Reprieve
{
    /// <summary>
    /// An open ledger: what a product holds. Several clients, processes and products may have one ledger open at once, and give the same answers.
    /// </summary>
    /// <remarks>
    /// <para>Any number of threads may use one client at once. <see cref="Check"/> and <see cref="Explain"/> never throw and never wait for another
    /// process; the other calls may wait for the disk, and for the ledger's lock until its deadline. Where a game must not wait, call those from a
    /// thread of its own, and open with <see cref="Reprieve.Upkeep.Own"/>.</para>
    /// <para>All calls but those two throw <see cref="ReprieveException"/> if they cannot do their work (then nothing has changed, unless said), and
    /// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>. Disposing while another thread is in a call is safe: that call ends well.
    /// A client that is forgotten is freed by the runtime; closing it records what is due.</para>
    /// </remarks>
    /// <example><code>
    /// using (Client client = Client.Open("reprieve.toml"))
    /// {
    ///     if (client.Check("cad-pro", "core").Access == Access.Denied) { ShowPurchase(); }
    /// }
    /// </code></example>
    public sealed partial class Client : IDisposable
    {
        // Names have 128 characters at most; with these no check allocates.
        private const int Buffered = 170;

        [ThreadStatic]
#if REPRIEVE_NULLABLE
        private static byte[]? skuBuffer;
#else
        private static byte[] skuBuffer;
#endif

        [ThreadStatic]
#if REPRIEVE_NULLABLE
        private static byte[]? featureBuffer;
#else
        private static byte[] featureBuffer;
#endif

        private readonly ClientHandle handle;

        internal Client(ClientHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>Opens the ledger of an application file, making it if none lies there.</summary>
        /// <param name="appFile">The path of <c>reprieve.toml</c>, the same for every product and language of a vendor.</param>
        /// <param name="options">Null for the defaults.</param>
        /// <exception cref="ReprieveException">App, or one of the 200s and 300s. Nothing is created in the place of a file that cannot be
        /// opened.</exception>
        /// <exception cref="ReprieveLibraryException">The native library is missing, or of another version.</exception>
#if REPRIEVE_NULLABLE
        public static Client Open(string appFile, OpenOptions? options = null)
#else
        public static Client Open(string appFile, OpenOptions options = null)
#endif
        {
            ReprieveLibrary.Require();
            byte[] path = Native.Utf8("appFile", appFile);
            ErrorHandle error;
            if (options == null)
            {
                ClientHandle client;
                Native.Check(NativeMethods.reprieve_client_open(path, Native.Length(path), out client, out error), error);
                return new Client(client);
            }
            BuilderHandle builder;
            Native.Check(NativeMethods.reprieve_builder_from_file(path, Native.Length(path), out builder, out error), error);
            using (builder)
            {
                return options.OpenOn(builder);
            }
        }

        /// <summary>Opens the ledger of an application file that the product has built in, as in a Unity resource.</summary>
        /// <param name="appToml">The file's text. A relative folder in it counts from the process's current folder.</param>
        /// <param name="options">Null for the defaults.</param>
        /// <exception cref="ReprieveException">As <see cref="Open"/>.</exception>
#if REPRIEVE_NULLABLE
        public static Client OpenText(string appToml, OpenOptions? options = null)
#else
        public static Client OpenText(string appToml, OpenOptions options = null)
#endif
        {
            ReprieveLibrary.Require();
            byte[] toml = Native.Utf8("appToml", appToml);
            ErrorHandle error;
            BuilderHandle builder;
            Native.Check(NativeMethods.reprieve_builder_from_toml(toml, Native.Length(toml), out builder, out error), error);
            using (builder)
            {
                return (options ?? new OpenOptions()).OpenOn(builder);
            }
        }

        /// <summary>Another client on the same open ledger, disposed on its own; the last to go closes the ledger.</summary>
        public Client Clone()
        {
            ClientHandle other;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_clone(handle, out other, out error), error);
            return new Client(other);
        }

        /// <summary>
        /// May the product use this feature now? Fast enough for every frame: between two looks at the ledger, some 10 ms apart (with
        /// <see cref="Reprieve.Upkeep.Own"/>, between two upkeeps), the same decision is given again. No object is made. Never throws, never waits
        /// for another process.
        /// </summary>
        /// <param name="sku">The product. Like the feature, 1 to 128 of <c>A-Z a-z 0-9 . _ : @ / + -</c>.</param>
        /// <param name="feature">The feature.</param>
        /// <returns>The decision by the rules J. Access is unknown, which is no refusal, for what is no name, after closing, and where the
        /// ledger cannot be read: <see cref="Explain"/> says why.</returns>
        public Decision Check(string sku, string feature)
        {
            byte[] skuBytes = skuBuffer ?? (skuBuffer = new byte[Buffered * 3]);
            byte[] featureBytes = featureBuffer ?? (featureBuffer = new byte[Buffered * 3]);
            UIntPtr skuLength = Name(sku, ref skuBytes), featureLength = Name(feature, ref featureBytes);
            var data = new DecisionData { struct_size = DecisionData.Size };
            uint status;
            try
            {
                status = NativeMethods.reprieve_client_check(handle, skuBytes, skuLength, featureBytes, featureLength, ref data, IntPtr.Zero);
            }
            catch (ObjectDisposedException)
            {
                return Decision.None;
            }
            return status == 0 ? new Decision(ref data) : Decision.None;
        }

        /// <summary>A feature to ask about again and again without naming it each time: the fastest way to ask. Whether any licence has it is asked
        /// by each check, not here.</summary>
        /// <param name="sku">The product. Like the feature, 1 to 128 of <c>A-Z a-z 0-9 . _ : @ / + -</c>.</param>
        /// <param name="feature">The feature.</param>
        /// <returns>The feature, disposed on its own; until then the ledger stays open.</returns>
        /// <exception cref="ReprieveInputException">A text is no such name (Argument).</exception>
        public Feature Feature(string sku, string feature)
        {
            byte[] skuBytes = Native.Utf8("sku", sku), featureBytes = Native.Utf8("feature", feature);
            FeatureHandle made;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_feature(
                handle, skuBytes, Native.Length(skuBytes), featureBytes, Native.Length(featureBytes), out made, out error), error);
            return new Feature(made, sku, feature);
        }

        // Half a surrogate pair becomes U+FFFD, which is in no name either.
        private static UIntPtr Name(string name, ref byte[] buffer)
        {
            if (name == null)
            {
                return UIntPtr.Zero;
            }
            if (name.Length > Buffered)
            {
                buffer = Encoding.UTF8.GetBytes(name);
                return Native.Length(buffer);
            }
            return (UIntPtr)(uint)Encoding.UTF8.GetBytes(name, 0, name.Length, buffer, 0);
        }

        /// <summary>
        /// A check with all that stands behind it, for support and for the product's own words. Never throws. JSON: <c>{"t", "sku", "feature",
        /// "access", "state", "reason", "until", "ends", "clock", "ledger", "license", "lease_end", "flags": {"in_memory", "newer", "drill",
        /// "detached"}, "rule", "cover": {"reason", "start", "end", "stage", "counts", "policy", "tier", "notice"}, "evidence": [{"outage",
        /// "since"}], "ways_out": [{"way", "text"}], "trouble"}</c>. What does not apply is null; more fields may follow.
        /// </summary>
        /// <param name="sku">The product.</param>
        /// <param name="feature">The feature.</param>
        /// <returns>If access is unknown, <c>trouble</c> says why and what to do; if it is denied or suspect, <c>ways_out</c> what ends that.</returns>
        public string Explain(string sku, string feature)
        {
            byte[] skuBytes = Native.Loose(sku), featureBytes = Native.Loose(feature);
            BytesHandle json;
            ErrorHandle error;
            try
            {
                Native.Check(NativeMethods.reprieve_client_explain(
                    handle, skuBytes, Native.Length(skuBytes), featureBytes, Native.Length(featureBytes), out json, out error), error);
                return Native.TakeText(json);
            }
            catch (ObjectDisposedException)
            {
                return Untold(sku, feature, "the client was disposed; open the ledger again");
            }
            catch (ReprieveException failure)
            {
                return Untold(sku, feature, failure.Message);
            }
        }

        // What the library would say if it could be asked.
        private static string Untold(string sku, string feature, string trouble)
        {
            return "{\"t\":" + Json.Text(Decision.None.T.ToString()) + ",\"sku\":" + Json.Text(sku) + ",\"feature\":" + Json.Text(feature)
                + ",\"access\":\"unknown\",\"state\":null,\"reason\":null,\"until\":null,\"ends\":null,\"clock\":null,\"ledger\":null,\"license\":null,"
                + "\"lease_end\":null,\"flags\":{\"in_memory\":false,\"newer\":false,\"drill\":false,\"detached\":false},\"rule\":\"unknown\",\"cover\":null,"
                + "\"evidence\":[],\"ways_out\":[],\"trouble\":" + Json.Text(trouble) + "}";
        }

        /// <summary>Imports a document: what it says is on disk before this returns, if it is accepted (rules D).</summary>
        /// <param name="token">A token as any JWT library makes it, compact or General JSON.</param>
        /// <returns>Whether it was accepted, or why not.</returns>
        /// <exception cref="LedgerException">The ledger cannot be read or written; nothing has changed.</exception>
        public Answer Import(byte[] token)
        {
            if (token == null)
            {
                throw new ArgumentNullException("token");
            }
            var data = new AnswerData { struct_size = AnswerData.Size };
            AnswersHandle details;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_import(handle, token, Native.Length(token), ref data, out details, out error), error);
            return TakeAnswers(details)[0];
        }

        /// <summary>As <see cref="Import(byte[])"/>, for a token that is text.</summary>
        public Answer Import(string token)
        {
            return Import(Native.Utf8("token", token));
        }

        /// <summary>A renewal failed, in this way: evidence for grace (rule G1). A refusal by HTTP status is none: only a signed document can refuse
        /// a customer.</summary>
        /// <returns>Whether that was news.</returns>
        /// <exception cref="LedgerException">The ledger cannot be read or written; nothing has changed.</exception>
        public bool Report(Outage outage)
        {
            uint news;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_report(handle, (uint)outage, out news, out error), error);
            return news != 0;
        }

        /// <summary>Makes a renewal request for the vendor's renewal server. The lease that answers it within 10 min is fresh (rule C6); a newer
        /// request takes its place.</summary>
        /// <example><code>
        /// RenewalRequest request = client.Request();
        /// try { client.Renew(await Post(client.Endpoints()[0], request.Body)); }
        /// catch (HttpRequestException) { client.Report(Outage.Network); }
        /// </code></example>
        /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
        public RenewalRequest Request()
        {
            BytesHandle body, nonce;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_request(handle, out body, out nonce, out error), error);
            using (nonce)
            {
                return new RenewalRequest(Native.Take(body), Native.TakeText(nonce));
            }
        }

        /// <summary>Takes the answer of the vendor's renewal server: one token, or JSON <c>{"documents": [token, ...]}</c>. The documents are imported
        /// one by one. Anything else that is not empty, such as an HTML page, is taken for a token: its answer is a refusal,
        /// <see cref="Refusal.Malformed"/>.</summary>
        /// <returns>What became of each.</returns>
        /// <exception cref="ReprieveInputException">It is empty, or its <c>documents</c> are no list of tokens (Claims).</exception>
        /// <exception cref="LedgerException">The ledger cannot be read or written; documents before that may have been imported: give the same
        /// again.</exception>
        public IReadOnlyList<Answer> Renew(byte[] answer)
        {
            if (answer == null)
            {
                throw new ArgumentNullException("answer");
            }
            uint accepted;
            AnswersHandle answers;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_renew(handle, answer, Native.Length(answer), out accepted, out answers, out error), error);
            return TakeAnswers(answers);
        }

        /// <summary>As <see cref="Renew(byte[])"/>, for an answer that is text.</summary>
        public IReadOnlyList<Answer> Renew(string answer)
        {
            return Renew(Native.Utf8("answer", answer));
        }

        private static IReadOnlyList<Answer> TakeAnswers(AnswersHandle answers)
        {
            using (answers)
            {
                UIntPtr count, len;
                IntPtr text;
                Native.Check(NativeMethods.reprieve_answers_count(answers, out count));
                var list = new Answer[checked((int)count.ToUInt64())];
                for (int at = 0; at < list.Length; at++)
                {
                    var index = (UIntPtr)(uint)at;
                    var data = new AnswerData { struct_size = AnswerData.Size };
                    Native.Check(NativeMethods.reprieve_answers_get(answers, index, ref data));
                    Native.Check(NativeMethods.reprieve_answers_license(answers, index, out text, out len));
                    string license = Native.Text(text, len);
                    Native.Check(NativeMethods.reprieve_answers_detail(answers, index, out text, out len));
                    list[at] = new Answer(ref data, license, Native.Text(text, len) ?? "");
                }
                return list;
            }
        }

        /// <summary>The renewal servers of the application file, best first.</summary>
        public IReadOnlyList<string> Endpoints()
        {
            UIntPtr count;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_endpoint_count(handle, out count, out error), error);
            var list = new string[checked((int)count.ToUInt64())];
            for (int at = 0; at < list.Length; at++)
            {
                BytesHandle endpoint;
                Native.Check(NativeMethods.reprieve_client_endpoint(handle, (UIntPtr)(uint)at, out endpoint, out error), error);
                list[at] = Native.TakeText(endpoint);
            }
            return list;
        }

        /// <summary>
        /// The next event that a consumer has not been given, in the ledger's order (rules A). Poll it as often as you like, in a thread of your own
        /// or once a frame. What is not acknowledged is given again after the next open: an event comes at least once, those that happened while the
        /// product was closed included.
        /// </summary>
        /// <param name="consumer">The name of who takes them, 1 to 128 of <c>A-Z a-z 0-9 . _ @ + -</c>; each has its own place, and a new one starts at
        /// the end.</param>
        /// <returns>The event; null if there is none yet.</returns>
        /// <example><code>
        /// while (client.NextEvent("ui") is Event e)
        /// {
        ///     if (e.Kind == EventKind.GraceWarning) { Warn(e.Feature, e.Left); }
        ///     client.Acknowledge("ui", e);
        /// }
        /// </code></example>
        /// <exception cref="ReprieveInputException">It is no name of a consumer.</exception>
        /// <exception cref="LedgerException">The ledger cannot be read.</exception>
#if REPRIEVE_NULLABLE
        public Event? NextEvent(string consumer)
#else
        public Event NextEvent(string consumer)
#endif
        {
            byte[] name = Native.Utf8("consumer", consumer);
            EventHandle next;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_next_event(handle, name, Native.Length(name), out next, out error), error);
            using (next)
            {
                if (next.IsInvalid)
                {
                    return null;
                }
                IntPtr text;
                UIntPtr len;
                var data = new EventData { struct_size = EventData.Size };
                Native.Check(NativeMethods.reprieve_event_get(next, ref data));
                Native.Check(NativeMethods.reprieve_event_license(next, out text, out len));
                string license = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_event_feature(next, out text, out len));
                string feature = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_event_reason(next, out text, out len));
                string reason = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_event_text(next, out text, out len));
                return new Event(ref data, license, feature, reason, Native.Text(text, len));
            }
        }

        /// <summary>A consumer has dealt with an event, and with all before it.</summary>
        /// <exception cref="ReprieveInputException">It is no name of a consumer.</exception>
        /// <exception cref="LedgerException">The consumer's place cannot be written.</exception>
        public void Acknowledge(string consumer, Event e)
        {
            if (e == null)
            {
                throw new ArgumentNullException("e");
            }
            Acknowledge(consumer, e.Record, e.Index);
        }

        /// <summary>As <see cref="Acknowledge(string, Event)"/>, for an event whose <see cref="Event.Record"/> and <see cref="Event.Index"/> were
        /// kept.</summary>
        public void Acknowledge(string consumer, long record, int index)
        {
            if (record < 0 || index < 0)
            {
                throw new ReprieveInputException(ErrorCode.Argument, "an event's record and index are 0 or more; pass those of an event");
            }
            byte[] name = Native.Utf8("consumer", consumer);
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_acknowledge(handle, name, Native.Length(name), (ulong)record, (uint)index, out error), error);
        }

        /// <summary>Hands events to handlers, as a consumer: the comfortable way to <see cref="NextEvent"/> and
        /// <see cref="Acknowledge(string, Event)"/>.</summary>
        /// <param name="consumer">As for <see cref="NextEvent"/>. One pump for each.</param>
        /// <exception cref="ReprieveInputException">It is no name of a consumer.</exception>
        /// <exception cref="LedgerException">The ledger cannot be read.</exception>
        public EventPump Events(string consumer)
        {
            return new EventPump(this, consumer);
        }

        /// <summary>All features of a SKU, as checks would answer, and how the ledger stands.</summary>
        /// <exception cref="ReprieveInputException">It is no name of a SKU.</exception>
        /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
        public LedgerStatus Status(string sku)
        {
            byte[] name = Native.Utf8("sku", sku);
            StatusHandle status;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_status(handle, name, Native.Length(name), out status, out error), error);
            using (status)
            {
                IntPtr text;
                UIntPtr len;
                var data = new LedgerData { struct_size = LedgerData.Size };
                Native.Check(NativeMethods.reprieve_ledger_status_get(status, ref data));
                Native.Check(NativeMethods.reprieve_ledger_status_ledger_id(status, out text, out len));
                string id = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_ledger_status_folder(status, out text, out len));
                string folder = Native.Text(text, len);
                Native.Check(NativeMethods.reprieve_ledger_status_policy(status, out text, out len));
                string policy = Native.Text(text, len);
                var features = new FeatureStatus[checked((int)data.features)];
                for (int at = 0; at < features.Length; at++)
                {
                    var decision = new DecisionData { struct_size = DecisionData.Size };
                    Native.Check(NativeMethods.reprieve_ledger_status_feature(status, (UIntPtr)(uint)at, out text, out len, ref decision));
                    features[at] = new FeatureStatus(Native.Text(text, len), ref decision);
                }
                BytesHandle json;
                Native.Check(NativeMethods.reprieve_ledger_status_json(status, out json, out error), error);
                return new LedgerStatus(ref data, id, folder, policy, features, Native.TakeText(json));
            }
        }

        /// <summary>Files an appeal, in the customer's words (rule A4).</summary>
        /// <param name="license">The licence that it is about; null for the ledger as such.</param>
        /// <param name="text">What happened, 1 to 10,000 bytes of UTF-8.</param>
        /// <returns>What to send to the vendor: JSON with the text, the ledger's signed head and its recent history.</returns>
        /// <exception cref="ReprieveInputException">The licence is no name, or the text is empty or too long.</exception>
        /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
#if REPRIEVE_NULLABLE
        public string Appeal(string? license, string text)
#else
        public string Appeal(string license, string text)
#endif
        {
            byte[] name = Native.Utf8OrNull("license", license), words = Native.Utf8("text", text);
            BytesHandle packet;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_appeal(
                handle, name, Native.Length(name), words, Native.Length(words), out packet, out error), error);
            return Native.TakeText(packet);
        }

        /// <summary>Upkeep: reads the clocks and the ledger, and records what is due (rules A2, C5). For a client opened with
        /// <see cref="Reprieve.Upkeep.Own"/>: call it from a thread of the product's, every second or so. If none has run for 10 min, its checks
        /// are unknown.</summary>
        /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
        public void Upkeep()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_upkeep(handle, out error), error);
        }

        /// <summary>The ledger's signed head: a checkpoint note that anybody can check against the file without any secret.</summary>
        /// <exception cref="ReprieveClosedException">The client was closed.</exception>
        /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
        public string Head()
        {
            BytesHandle note;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_head(handle, out note, out error), error);
            return Native.TakeText(note);
        }

        /// <summary>The ledger's id, as leases and rulings name it.</summary>
        /// <exception cref="ReprieveClosedException">The client was closed.</exception>
        public string LedgerId()
        {
            BytesHandle id;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_ledger_id(handle, out id, out error), error);
            return Native.TakeText(id);
        }

        /// <summary>What happened that nobody was told of: the last few hundred notes of this client, as JSON <c>[{"wall", "text"}]</c>. The library
        /// logs nothing by itself.</summary>
        public string Diagnostics()
        {
            BytesHandle json;
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_diagnostics(handle, out json, out error), error);
            return Native.TakeText(json);
        }

        /// <summary>Closes the ledger, for this client and its clones: what is due is recorded and synced. Checks are then unknown, other calls throw
        /// <see cref="ReprieveClosedException"/>. Closing again is no error.</summary>
        /// <exception cref="LedgerException">The ledger cannot be written; it is closed all the same.</exception>
        public void Close()
        {
            ErrorHandle error;
            Native.Check(NativeMethods.reprieve_client_close(handle, out error), error);
        }

        /// <summary>Frees the client; the last of its clones to go closes the ledger. Never throws, also a second time.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }
}
