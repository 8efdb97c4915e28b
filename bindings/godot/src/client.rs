//! The client, and how it is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godot::classes::{FileAccess, Os};
use godot::prelude::*;
use reprieve::client::{App, Builder, Client, Error, ErrorKind, Upkeep, json};
use reprieve::terms::Outage;
use reprieve::time::{Instant, Span};

use crate::decision::{ReprieveDecision, ReprieveFeature, unknown};
use crate::drill::Live;
use crate::errors::{Last, ReprieveError, argument, caught};
use crate::renewing::{ReprieveRenewing, Running, wishes};
use crate::values::{ReprieveAnswer, ReprieveEvent, ReprieveRequest, ReprieveStatus, dictionary};

/// What is said after a panic.
pub const BROKEN: &str = "an earlier call on this client met a bug in reprieve; close it and open the ledger again";

/// What an object of Godot's holds of an open ledger, and shares with its features and keepers.
pub struct Held {
    /// The client.
    pub client: Client,
    /// A call panicked: what it left behind is not believed, and every later call says so.
    pub broken: AtomicBool,
    /// A drill that nobody else holds lives on as long as its clients.
    _drill: Option<Arc<Live>>,
}

impl Held {
    /// Holds a client.
    pub fn new(client: Client, drill: Option<Arc<Live>>) -> Arc<Held> {
        Arc::new(Held { client, broken: AtomicBool::new(false), _drill: drill })
    }

    /// A call; after a panic, none is made.
    pub fn call<R>(&self, call: impl FnOnce(&Client) -> Result<R, Error>) -> Result<R, Error> {
        if self.broken.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Internal, BROKEN));
        }
        let mut returned = false;
        let result = caught(|| {
            let result = call(&self.client);
            returned = true;
            result
        });
        if !returned {
            self.broken.store(true, Ordering::Release);
        }
        result
    }
}

static OPENING: Last = Last::new();

/// Where the engine keeps what is the user's.
fn user_folder() -> PathBuf {
    PathBuf::from(Os::singleton().get_user_data_dir().to_string())
}

/// A path of the file system, of one as the engine writes it.
pub fn path(given: &str, what: &str) -> Result<PathBuf, Error> {
    if let Some(rest) = given.strip_prefix("user://") {
        return Ok(user_folder().join(rest));
    }
    if given.starts_with("res://") {
        let text = format!(
            "{what} `{given}` lies in the game's own files, which cannot be written; use user:// or a folder of the system"
        );
        return Err(argument(text));
    }
    Ok(PathBuf::from(given))
}

/// An application file, wherever the engine finds it. In the game's own files and the user's, relative folders count from `user://`, as there is
/// no folder beside a file in a package.
fn app_of(file: &str) -> Result<App, Error> {
    if !file.starts_with("res://") && !file.starts_with("user://") {
        return App::from_file(&PathBuf::from(file));
    }
    if !FileAccess::file_exists(file) {
        let text = format!(
            "{file}: there is no such file; is it in the project, and do the export preset's filters to export non-resource files name it?"
        );
        return Err(Error::new(ErrorKind::App, text));
    }
    let bytes = FileAccess::get_file_as_bytes(file).to_vec();
    let text =
        String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::App, format!("{file}: this is no UTF-8 text")))?;
    app_of_toml(&text).map_err(|error| Error::new(error.kind(), format!("{file}: {}", error.message())))
}

fn app_of_toml(text: &str) -> Result<App, Error> {
    let mut app = App::from_toml(text)?;
    for place in [&mut app.folder, &mut app.witness].into_iter().flatten() {
        if place.is_relative() {
            *place = user_folder().join(&*place);
        }
    }
    Ok(app)
}

/// The text of an option.
pub fn option_text(name: &str, value: &Variant) -> Result<String, Error> {
    match value.get_type() {
        VariantType::STRING => Ok(value.to::<GString>().to_string()),
        VariantType::STRING_NAME => Ok(value.to::<StringName>().to_string()),
        _ => Err(argument(format!("the option {name} is a text, not {value}"))),
    }
}

fn option_bool(name: &str, value: &Variant) -> Result<bool, Error> {
    value.try_to::<bool>().map_err(|_| argument(format!("the option {name} is true or false, not {value}")))
}

/// Applies options to a builder.
pub fn with_options(mut builder: Builder, options: &VarDictionary, of_drill: bool) -> Result<Builder, Error> {
    let (mut folder, mut in_memory) = (false, false);
    for (key, value) in options.iter_shared() {
        let name = key.to_string();
        builder = match name.as_str() {
            "folder" | "witness" | "in_memory" if of_drill => {
                return Err(argument(format!("the option {name}: a drill has its own place")));
            }
            "folder" => {
                folder = true;
                builder.folder(path(&option_text(&name, &value)?, "the folder")?)
            }
            "witness" => builder.witness(path(&option_text(&name, &value)?, "the witness")?),
            "in_memory" => {
                in_memory = option_bool(&name, &value)?;
                if in_memory { builder.in_memory() } else { builder }
            }
            "upkeep" => match option_text(&name, &value)?.as_str() {
                "in_checks" => builder.upkeep(Upkeep::InChecks),
                "own" => builder.upkeep(Upkeep::Own),
                other => return Err(argument(format!("`{other}` is no way of upkeep; use \"in_checks\" or \"own\""))),
            },
            "lock_timeout" => {
                let number = match value.get_type() {
                    VariantType::INT => value.to::<i64>() as f64,
                    VariantType::FLOAT => value.to::<f64>(),
                    _ => f64::NAN,
                };
                let timeout = Duration::try_from_secs_f64(number)
                    .map_err(|_| argument(format!("a lock timeout of {value}; use seconds from 0 on")))?;
                builder.lock_timeout(timeout)
            }
            "create" => builder.create(option_bool(&name, &value)?),
            _ => {
                let known = "folder, witness, in_memory, upkeep, lock_timeout and create";
                return Err(argument(format!("there is no option `{name}`; there are {known}")));
            }
        };
    }
    if folder && in_memory {
        return Err(argument("a folder and a ledger in memory; choose one"));
    }
    Ok(builder)
}

/// An open ledger: what a game holds. Get one by [method open], [method open_toml] or [method ReprieveDrill.client].
///
/// [codeblock]
/// var client := ReprieveClient.open("res://reprieve.toml")
/// if client == null:
///     print(ReprieveClient.get_open_error())
/// [/codeblock]
/// [b]Errors.[/b] A call that cannot do its work gives null, false or an empty value, and [member last_error] says why; nothing has changed then,
/// unless said. A refusal is an answer, never an error.[br][br]
/// [b]Threads.[/b] A client may be used from any thread, also from several at once; [member last_error] is that of the calling thread.
/// Checks never wait. The other calls wait for the disk, and for other processes at most the lock's timeout: call them in a
/// [Thread] or by [WorkerThreadPool], or leave upkeep and events to a [ReprieveKeeper].[br][br]
/// [b]The end.[/b] A client that is forgotten closes itself with the last of its features and keepers; [method close] says if the disk failed.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveClient {
    /// Why this thread's last call on this client could not do its work; null if it could.
    #[var(get, no_set)]
    last_error: PhantomVar<Option<Gd<ReprieveError>>>,
    held: Arc<Held>,
    last: Last,
    base: Base<RefCounted>,
}

impl ReprieveClient {
    /// What Godot sees of a client.
    pub fn of(held: Arc<Held>) -> Gd<ReprieveClient> {
        Gd::from_init_fn(|base| ReprieveClient { last_error: PhantomVar::default(), held, last: Last::new(), base })
    }

    /// What it holds.
    pub fn held(&self) -> Arc<Held> {
        self.held.clone()
    }

    fn call<R>(&self, call: impl FnOnce(&Client) -> Result<R, Error>) -> Option<R> {
        self.last.note(self.held.call(call))
    }

    fn opened(builder: impl FnOnce() -> Result<Builder, Error>) -> Option<Gd<ReprieveClient>> {
        let opened = OPENING.note(caught(|| builder()?.open()))?;
        Some(ReprieveClient::of(Held::new(opened, None)))
    }
}

#[godot_api]
impl ReprieveClient {
    /// No answer: no DNS, no route, no network, a timeout, a certificate that does not hold, a captive portal.
    #[constant]
    const OUTAGE_NETWORK: i64 = Outage::Network as i64;
    /// Reached, but it failed: refused or reset, HTTP 5xx or 429, an answer without documents.
    #[constant]
    const OUTAGE_SERVER: i64 = Outage::Server as i64;

    /// Opens the ledger of an application file, making it if none lies there. Null if that failed: [method get_open_error] says why, and nothing
    /// is made in the place of a file that cannot be opened.
    ///
    /// [param app_file]: in [code]res://[/code] or [code]user://[/code], where relative folders in it count from [code]user://[/code]; or a path
    /// of the system, where they count from the file's own folder.
    #[func]
    fn open(app_file: GString) -> Option<Gd<ReprieveClient>> {
        Self::opened(|| Ok(Builder::new(app_of(&app_file.to_string())?)))
    }

    /// As [method open], with [param options]: [code]folder[/code] and [code]witness[/code] (paths, [code]user://[/code] too), [code]in_memory[/code] (bool),
    /// [code]upkeep[/code] ([code]"in_checks"[/code], or [code]"own"[/code] with a [ReprieveKeeper]: then a check never touches the disk),
    /// [code]lock_timeout[/code] (seconds, 5 unless said), [code]create[/code] (bool).
    #[func]
    fn open_with(app_file: GString, options: VarDictionary) -> Option<Gd<ReprieveClient>> {
        Self::opened(|| with_options(Builder::new(app_of(&app_file.to_string())?), &options, false))
    }

    /// As [method open], for the text of an application file. Relative folders in it count from [code]user://[/code].
    #[func]
    fn open_toml(toml: GString) -> Option<Gd<ReprieveClient>> {
        Self::opened(|| Ok(Builder::new(app_of_toml(&toml.to_string())?)))
    }

    /// As [method open_toml], with the options of [method open_with].
    #[func]
    fn open_toml_with(toml: GString, options: VarDictionary) -> Option<Gd<ReprieveClient>> {
        Self::opened(|| with_options(Builder::new(app_of_toml(&toml.to_string())?), &options, false))
    }

    /// Why this thread's last [method open], or another way to open, failed; null if it did not.
    #[func]
    fn get_open_error() -> Option<Gd<ReprieveError>> {
        OPENING.get()
    }

    /// The library's version, such as [code]"0.1.0"[/code].
    #[func]
    fn version() -> GString {
        GString::from(env!("CARGO_PKG_VERSION"))
    }

    /// Seconds since 1970 as text: RFC 3339 in UTC, such as [code]"2026-01-01T00:00:00Z"[/code].
    #[func]
    fn text(seconds: f64) -> GString {
        if !seconds.is_finite() || seconds.abs() > 1e12 {
            return GString::new();
        }
        let whole = seconds.floor();
        let nanos = ((seconds - whole) * 1e9).round();
        GString::from(&(Instant::from_seconds(whole as i64) + Span::nanos(nanos as i128)).to_string())
    }

    #[func]
    fn get_last_error(&self) -> Option<Gd<ReprieveError>> {
        self.last.get()
    }

    /// A feature, to ask about again and again without naming it each time: the fastest way to ask. Whether any licence has it is asked by
    /// each check, not here. Null if a text is no name: 1 to 128 of [code]A-Z a-z 0-9 . _ : @ / + -[/code].
    #[func]
    fn feature(&self, sku: GString, feature: GString) -> Option<Gd<ReprieveFeature>> {
        let made = self.call(|client| client.feature(&sku.to_string(), &feature.to_string()))?;
        Some(ReprieveFeature::of(made, self.held.clone()))
    }

    /// May the product use this feature now, and how long? Never waits for another process, never fails: access is unknown, which is no
    /// refusal, for what is no name, after closing, and where the ledger cannot be read; [method explain] says why.
    #[func]
    fn check(&self, sku: GString, feature: GString) -> Gd<ReprieveDecision> {
        let (sku, feature) = (sku.to_string(), feature.to_string());
        match self.call(|client| Ok(client.check(&sku, &feature))) {
            Some(decision) => ReprieveDecision::of(&decision),
            None => ReprieveDecision::of(&unknown(&sku, &feature, BROKEN)),
        }
    }

    /// Whether access is limited or full now. [method feature] is faster where the same is asked often.
    #[func]
    fn allowed(&self, sku: GString, feature: GString) -> bool {
        let decided = self.call(|client| Ok(client.check(&sku.to_string(), &feature.to_string())));
        decided.is_some_and(|decision| reprieve::client::Brief::of(&decision).allowed())
    }

    /// A check with all that stands behind it, for support and for the game's own words: [code]rule[/code], [code]cover[/code], [code]evidence[/code],
    /// [code]ways_out[/code] (each with a [code]text[/code] to show), and [code]trouble[/code], which says why access is unknown.
    #[func]
    fn explain(&self, sku: GString, feature: GString) -> VarDictionary {
        let (sku, feature) = (sku.to_string(), feature.to_string());
        match self.call(|client| Ok(client.check(&sku, &feature))) {
            Some(decision) => dictionary(&json::decision(&decision)),
            None => dictionary(&json::decision(&unknown(&sku, &feature, BROKEN))),
        }
    }

    /// Imports a document: a token as any JWT library makes it. What is accepted is on disk before this returns. Null if the ledger cannot be read
    /// or written.
    #[func]
    fn import_document(&self, token: GString) -> Option<Gd<ReprieveAnswer>> {
        let answer = self.call(|client| client.import(token.to_string().as_bytes()))?;
        Some(ReprieveAnswer::of(&answer))
    }

    /// Starts a thread of the library's that renews this client's leases by its own HTTP, at the renewal servers of the application file; none of them, and it
    /// does nothing. It looks after priorities, pauses and [code]Retry-After[/code], and reports outages. Null if it cannot be started. A [ReprieveKeeper] does
    /// this by its [member ReprieveKeeper.renew].
    ///
    /// [b]May wait[/b] for the system: it starts a thread, and asks which proxy there is. Best as a game loads.
    #[func]
    fn renewing(&self) -> Option<Gd<ReprieveRenewing>> {
        self.renewing_with(VarDictionary::new())
    }

    /// As [method renewing], with [param options]: [code]headers[/code] (a dictionary of texts by name, for each request, such as [code]Authorization[/code]);
    /// [code]roots[/code] (certificates of the vendor's own authorities in PEM, a text or bytes, in place of those that the platform trusts; on Android they must be
    /// given); [code]proxy[/code] (a URL, or [code]"none"[/code]; what the platform says unless said); and in seconds [code]timeout[/code], [code]hedge[/code],
    /// [code]pause[/code], [code]pause_most[/code], [code]retry_after_most[/code], [code]answered[/code] and [code]renewed[/code], which are well as they are.
    #[func]
    fn renewing_with(&self, options: VarDictionary) -> Option<Gd<ReprieveRenewing>> {
        self.call(|client| Running::start(client, &wishes(&options)?)).map(ReprieveRenewing::of)
    }

    /// Makes a renewal request, for a game that renews with the engine's HTTP: POST its body to an endpoint. The lease that answers it within 10 minutes is
    /// fresh; a newer request takes its place. Null if it cannot be recorded.
    #[func]
    fn request(&self) -> Option<Gd<ReprieveRequest>> {
        let request = self.call(|client| client.request())?;
        Some(ReprieveRequest::of(&request))
    }

    /// Takes the answer of the vendor's renewal server, and says what became of each document in it. An empty array and [member last_error] if
    /// the answer is empty, is no list of documents, or cannot be recorded; then documents before it may have been imported: give the same again.
    #[func]
    fn renew(&self, answer: GString) -> Array<Gd<ReprieveAnswer>> {
        let answers = self.call(|client| client.renew(answer.to_string().as_bytes())).unwrap_or_default();
        answers.iter().map(ReprieveAnswer::of).collect()
    }

    /// A renewal failed on every endpoint, in this way: an [code]OUTAGE_*[/code]. True if it is recorded, also if it was known before.
    #[func]
    fn report(&self, outage: i64) -> bool {
        let reported = self.call(|client| {
            let known = u32::try_from(outage).ok().and_then(Outage::from_number);
            let text = || argument(format!("{outage} is no outage; use OUTAGE_NETWORK or OUTAGE_SERVER"));
            client.report(known.ok_or_else(text)?)
        });
        reported.is_some()
    }

    /// The renewal servers of the application file, in its order.
    #[func]
    fn endpoints(&self) -> PackedStringArray {
        self.held.client.endpoints().iter().map(|endpoint| GString::from(&endpoint.url)).collect()
    }

    /// The next event that this consumer has not been given, in the ledger's order; null if there is none yet, or if it failed. A consumer is a
    /// name, one for each place that shows events; a new one starts at the end. What is not acknowledged is given again after the next open.
    /// A [ReprieveKeeper] does this for you.
    #[func]
    fn next_event(&self, consumer: GString) -> Option<Gd<ReprieveEvent>> {
        let event = self.call(|client| client.next_event(&consumer.to_string()))?;
        event.map(|event| ReprieveEvent::of(&event))
    }

    /// A consumer has dealt with an event, and with all before it. True if that is recorded.
    #[func]
    fn acknowledge(&self, consumer: GString, event: Option<Gd<ReprieveEvent>>) -> bool {
        let name = event.and_then(|event| event.bind().name());
        let done = self.call(|client| {
            let (record, index) = name.ok_or_else(|| argument("acknowledge takes an event that next_event gave"))?;
            client.acknowledge(&consumer.to_string(), record, index)
        });
        done.is_some()
    }

    /// All features of a product as checks would answer, and how the ledger stands. Null if it failed.
    #[func]
    fn status(&self, sku: GString) -> Option<Gd<ReprieveStatus>> {
        self.call(|client| client.status(&sku.to_string())).map(ReprieveStatus::of)
    }

    /// The products that have a lease, in the order of their names.
    #[func]
    fn skus(&self) -> PackedStringArray {
        self.call(Client::skus).unwrap_or_default().iter().map(GString::from).collect()
    }

    /// Files an appeal, in the customer's words (1 to 10,000 bytes), and gives what to send to the vendor: JSON. Empty if it failed.
    ///
    /// [param license]: the licence that it is about; empty for the ledger as such.
    #[func]
    fn appeal(&self, license: GString, words: GString) -> GString {
        let license = license.to_string();
        let license = (!license.is_empty()).then_some(license.as_str());
        let packet = self.call(|client| client.appeal(license, &words.to_string()));
        packet.map(|packet| GString::from(&*String::from_utf8_lossy(&packet))).unwrap_or_default()
    }

    /// Reads the clocks and the ledger, and records what is due. For a client with [code]upkeep = "own"[/code] that has no [ReprieveKeeper]: call it every
    /// second or so, off the frame's thread. If none has run for 10 minutes, checks are unknown.
    #[func]
    fn upkeep(&self) -> bool {
        self.call(Client::upkeep).is_some()
    }

    /// The ledger's id, as leases and rulings name it. Empty if the client was closed.
    #[func]
    fn ledger_id(&self) -> GString {
        self.call(Client::ledger_id).map(|id| GString::from(&id)).unwrap_or_default()
    }

    /// The ledger's signed head: a checkpoint note that anybody can check against the file without any secret. Empty if it failed.
    #[func]
    fn head(&self) -> GString {
        self.call(Client::head).map(|note| GString::from(&note)).unwrap_or_default()
    }

    /// What happened that nobody was told of: this client's last few hundred notes, each with [code]wall[/code] and [code]text[/code].
    #[func]
    fn diagnostics(&self) -> Array<VarDictionary> {
        let notes = self.call(|client| Ok(json::diagnostics(&client.diagnostics())));
        let notes = notes.as_ref().and_then(|notes| notes.as_array());
        notes.map(|notes| notes.iter().map(dictionary).collect()).unwrap_or_default()
    }

    /// Closes the ledger for this client and all that share it: what is due is recorded and synced. Checks are then unknown, other calls fail. True
    /// if all was written; it is closed all the same. Closing again is no error.
    #[func]
    fn close(&self) -> bool {
        // After a panic too: it lets the files go.
        self.last.note(caught(|| self.held.client.close())).is_some()
    }
}
