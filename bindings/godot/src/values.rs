//! What calls give beside decisions: plain values, with nothing to free.

use godot::prelude::*;
use reprieve::client::{Answer, Event, Request, Status};
use reprieve::drill::Task;
use reprieve::time::Instant;
use serde_json::Value;

use crate::decision::ReprieveDecision;

/// Seconds since 1970, as the engine's `Time` has them. What is older than a day has microseconds at least.
pub fn seconds(instant: Instant) -> f64 {
    instant.seconds() as f64 + f64::from(instant.subsec_nanos()) * 1e-9
}

/// The same, 0.0 for none.
pub fn seconds_or_none(instant: Option<Instant>) -> f64 {
    instant.map_or(0.0, seconds)
}

/// RFC 3339 in UTC, exactly as every other language prints it; empty for none.
pub fn text(instant: Option<Instant>) -> GString {
    instant.map(|instant| GString::from(&instant.to_string())).unwrap_or_default()
}

/// A text, empty for none.
pub fn word(word: Option<&str>) -> GString {
    word.map(GString::from).unwrap_or_default()
}

/// A number that GDScript has.
pub fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// JSON as the engine has it: dictionaries, arrays, texts, numbers, booleans and null.
pub fn variant(value: &Value) -> Variant {
    match value {
        Value::Null => Variant::nil(),
        Value::Bool(value) => value.to_variant(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_variant(),
            None => number.as_f64().unwrap_or(0.0).to_variant(),
        },
        Value::String(text) => GString::from(text).to_variant(),
        Value::Array(values) => values.iter().map(variant).collect::<VarArray>().to_variant(),
        Value::Object(_) => dictionary(value).to_variant(),
    }
}

/// The dictionary of a JSON object.
pub fn dictionary(value: &Value) -> VarDictionary {
    let mut made = VarDictionary::new();
    if let Value::Object(map) = value {
        for (key, value) in map {
            made.set(&GString::from(key).to_variant(), &variant(value));
        }
    }
    made
}

/// What became of a document that was given to [method ReprieveClient.import_document] or [method ReprieveClient.renew].
///
/// A refusal is an answer, never an error.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveAnswer {
    /// Whether it is in force now.
    #[var(no_set)]
    accepted: bool,
    /// Whether it was in force before: nothing changed.
    #[var(no_set)]
    known: bool,
    /// Whether it is a lease that answered the newest request.
    #[var(no_set)]
    fresh: bool,
    /// Its kind, such as [code]"lease"[/code]; empty if it cannot be read.
    #[var(no_set)]
    kind: GString,
    /// The licence that it is about; empty if it cannot be read or is about none.
    #[var(no_set)]
    license: GString,
    /// Why it was refused, such as [code]"stale"[/code]; empty if it was not.
    #[var(no_set)]
    error: GString,
    /// The same in English: what is wrong, and what to do. Empty if nothing is.
    #[var(no_set)]
    detail: GString,
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveAnswer {}

impl ReprieveAnswer {
    /// What Godot sees of an answer.
    pub fn of(answer: &Answer) -> Gd<ReprieveAnswer> {
        Gd::from_init_fn(|base| ReprieveAnswer {
            accepted: answer.accepted,
            known: answer.known,
            fresh: answer.fresh,
            kind: word(answer.kind.map(|kind| kind.as_str())),
            license: word(answer.license.as_deref()),
            error: word(answer.error.map(|error| error.as_str())),
            detail: GString::from(&answer.detail),
            base,
        })
    }
}

/// A renewal request: see [method ReprieveClient.request].
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveRequest {
    /// What to send, best by POST: JSON.
    #[var(no_set)]
    body: GString,
    /// What the lease must echo to be fresh.
    #[var(no_set)]
    nonce: GString,
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveRequest {}

impl ReprieveRequest {
    /// What Godot sees of a request.
    pub fn of(request: &Request) -> Gd<ReprieveRequest> {
        Gd::from_init_fn(|base| ReprieveRequest {
            body: GString::from(&*String::from_utf8_lossy(&request.body)),
            nonce: GString::from(&request.nonce),
            base,
        })
    }
}

/// Something that happened, recorded once for all products: see [method ReprieveClient.next_event] and [signal ReprieveKeeper.event].
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveEvent {
    /// What happened: [code]"grace_started"[/code], [code]"grace_warning"[/code], [code]"grace_changed"[/code], [code]"grace_ended"[/code],
    /// [code]"access_changed"[/code], [code]"document_accepted"[/code], [code]"document_refused"[/code], [code]"clock_suspect"[/code],
    /// [code]"clock_restored"[/code], [code]"ledger_suspect"[/code], [code]"ledger_restored"[/code], [code]"ledger_recovered"[/code],
    /// [code]"appeal_filed"[/code] or [code]"appeal_received"[/code]. Skip one that you do not know.
    #[var(no_set)]
    kind: GString,
    /// When, in seconds since 1970.
    #[var(no_set)]
    at: f64,
    /// The same as exact text (RFC 3339).
    #[var(no_set)]
    at_text: GString,
    /// The record that it stands in. With [member index] it names the event.
    #[var(no_set)]
    record: i64,
    /// Which event of that record.
    #[var(no_set)]
    index: i64,
    /// The licence, or empty.
    #[var(no_set)]
    license: GString,
    /// The feature, or empty.
    #[var(no_set)]
    feature: GString,
    /// The access after it, an [code]ACCESS_*[/code] of [ReprieveDecision]; -1 if it is about none.
    #[var(no_set)]
    access: i64,
    /// The same as a word, or empty.
    #[var(no_set)]
    access_word: GString,
    /// The state after it, a [code]STATE_*[/code] of [ReprieveDecision]; 0 if it is about none.
    #[var(no_set)]
    state: i64,
    /// The same as a word, or empty.
    #[var(no_set)]
    state_word: GString,
    /// The word for what grants grace, or for the kind of a suspicion; or empty.
    #[var(no_set)]
    reason_word: GString,
    /// Of a warning: how many seconds remain at most. -1.0 if it is none.
    #[var(no_set)]
    left: f64,
    /// The kind of the document, or empty.
    #[var(no_set)]
    document: GString,
    /// Why a document was refused, or empty.
    #[var(no_set)]
    error: GString,
    /// An appeal's words, or empty.
    #[var(no_set)]
    text: GString,
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveEvent {}

impl ReprieveEvent {
    /// What Godot sees of an event.
    pub fn of(event: &Event) -> Gd<ReprieveEvent> {
        Gd::from_init_fn(|base| ReprieveEvent {
            kind: GString::from(event.kind.as_str()),
            at: seconds(event.at),
            at_text: text(Some(event.at)),
            record: number(event.record),
            index: i64::from(event.index),
            license: word(event.license.as_deref()),
            feature: word(event.feature.as_deref()),
            access: event.access.map_or(-1, |access| i64::from(access.number())),
            access_word: word(event.access.map(|access| access.as_str())),
            state: event.state.map_or(0, |state| i64::from(state.number())),
            state_word: word(event.state.map(|state| state.as_str())),
            reason_word: word(event.reason),
            left: event.left.map_or(-1.0, |left| left.as_seconds() as f64),
            document: word(event.document.map(|kind| kind.as_str())),
            error: word(event.error.map(|error| error.as_str())),
            text: word(event.text.as_deref()),
            base,
        })
    }

    /// What names it.
    pub fn name(&self) -> Option<(u64, u32)> {
        Some((u64::try_from(self.record).ok()?, u32::try_from(self.index).ok()?))
    }
}

/// All features of a product, and how its ledger stands: see [method ReprieveClient.status].
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveStatus {
    /// When it was asked, by trusted time: seconds since 1970.
    #[var(no_set)]
    t: f64,
    /// The same as exact text.
    #[var(no_set)]
    t_text: GString,
    /// What is known against the clock: a [code]CLOCK_*[/code] of [ReprieveDecision].
    #[var(no_set)]
    clock: i64,
    /// The same as a word.
    #[var(no_set)]
    clock_word: GString,
    /// What is known against the ledger: a [code]LEDGER_*[/code] of [ReprieveDecision].
    #[var(no_set)]
    ledger: i64,
    /// The same as a word.
    #[var(no_set)]
    ledger_word: GString,
    /// The ledger's id, as leases and rulings name it.
    #[var(no_set)]
    ledger_id: GString,
    /// Where it lies; empty in memory.
    #[var(no_set)]
    folder: GString,
    /// Which file of its line it is, counting from 0.
    #[var(no_set)]
    generation: i64,
    /// How many records it has.
    #[var(no_set)]
    records: i64,
    /// The id of the policy in force, or empty.
    #[var(no_set)]
    policy: GString,
    /// Its version; -1 if there is none.
    #[var(no_set)]
    policy_version: i64,
    /// Accepted documents whose signatures do not hold with this product's keys. They give nothing.
    #[var(no_set)]
    unproven: i64,
    /// A decision for each feature, in the order of their names.
    #[var(no_set)]
    features: Array<Gd<ReprieveDecision>>,
    /// All of it as JSON, for a support ticket.
    #[var(no_set)]
    json: GString,
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveStatus {}

impl ReprieveStatus {
    /// What Godot sees of a status.
    pub fn of(status: Status) -> Gd<ReprieveStatus> {
        let json = reprieve::client::json::status(&status).to_string();
        let features = status.features.into_iter().map(|decision| ReprieveDecision::of(&decision));
        let features = features.collect::<Array<Gd<ReprieveDecision>>>();
        Gd::from_init_fn(|base| ReprieveStatus {
            t: seconds(status.t),
            t_text: text(Some(status.t)),
            clock: i64::from(status.clock.number()),
            clock_word: GString::from(status.clock.as_str()),
            ledger: i64::from(status.ledger.number()),
            ledger_word: GString::from(status.ledger.as_str()),
            ledger_id: GString::from(&status.ledger_id),
            folder: status.folder.map(|folder| GString::from(&*folder.to_string_lossy())).unwrap_or_default(),
            generation: number(status.generation),
            records: number(status.records),
            policy: word(status.policy.as_ref().map(|(id, _)| id.as_str())),
            policy_version: status.policy.as_ref().map_or(-1, |(_, version)| number(*version)),
            unproven: number(status.unproven),
            features,
            json: GString::from(&json),
            base,
        })
    }
}

/// What a product has to do in a step of a scenario: see [method ReprieveDrill.step].
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveTask {
    /// A [code]TASK_*[/code] of this class.
    #[var(no_set)]
    kind: i64,
    /// What to import, or empty.
    #[var(no_set)]
    token: GString,
    /// The product to check a feature of, or empty.
    #[var(no_set)]
    sku: GString,
    /// The feature to check, or empty.
    #[var(no_set)]
    feature: GString,
    /// What to report, an [code]OUTAGE_*[/code] of [ReprieveClient]; 0 if nothing.
    #[var(no_set)]
    outage: i64,
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveTask {
    /// The world did its part, and the product has nothing to do.
    #[constant]
    const TASK_NOTHING: i64 = 0;
    /// Import [member token].
    #[constant]
    const TASK_IMPORT: i64 = 1;
    /// Check [member feature] of [member sku].
    #[constant]
    const TASK_CHECK: i64 = 2;
    /// Report [member outage].
    #[constant]
    const TASK_REPORT: i64 = 3;
    /// Do upkeep, then take and acknowledge events as [method ReprieveDrill.consumer] until there is none.
    #[constant]
    const TASK_EVENTS: i64 = 4;
}

impl ReprieveTask {
    /// What Godot sees of a task.
    pub fn of(task: Task) -> Gd<ReprieveTask> {
        let none = String::new;
        let (kind, token, sku, feature, outage) = match task {
            Task::Nothing => (Self::TASK_NOTHING, none(), none(), none(), 0),
            Task::Import(token) => (Self::TASK_IMPORT, String::from_utf8_lossy(&token).into_owned(), none(), none(), 0),
            Task::Check { sku, feature } => (Self::TASK_CHECK, none(), sku, feature, 0),
            Task::Report(outage) => (Self::TASK_REPORT, none(), none(), none(), i64::from(outage.number())),
            Task::Events => (Self::TASK_EVENTS, none(), none(), none(), 0),
        };
        Gd::from_init_fn(|base| ReprieveTask {
            kind,
            token: GString::from(&token),
            sku: GString::from(&sku),
            feature: GString::from(&feature),
            outage,
            base,
        })
    }
}
