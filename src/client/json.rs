//! Answers as JSON, with the same keys in the same order in every language. Instants are RFC 3339 in UTC, spans whole seconds; what does
//! not apply is null. More keys may follow.

use serde_json::{Map, Value, json};

use super::events::Event;
use super::session::Diagnostic;
use super::{Decision, Status};
use crate::grace::Flags;
use crate::time::Instant;

fn at(instant: Option<Instant>) -> Value {
    instant.map_or(Value::Null, |instant| json!(instant.to_string()))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What a scenario's line says of a decision.
pub(crate) fn decision_line(decision: &Decision) -> Map<String, Value> {
    object(json!({
        "t": decision.t.to_string(),
        "sku": decision.sku,
        "feature": decision.feature,
        "access": decision.access.as_str(),
        "state": decision.state.map(|state| state.as_str()),
        "reason": decision.reason.map(|reason| reason.as_str()),
        "until": at(decision.until),
        "ends": at(decision.ends),
        "clock": decision.clock.as_str(),
        "ledger": decision.ledger.as_str(),
    }))
}

/// What a scenario's line says of an event.
pub(crate) fn event_line(event: &Event) -> Map<String, Value> {
    object(json!({
        "event": event.kind.as_str(),
        "at": event.at.to_string(),
        "license": event.license,
        "feature": event.feature,
        "access": event.access.map(|access| access.as_str()),
        "state": event.state.map(|state| state.as_str()),
        "reason": event.reason,
        "left": event.left.map(|left| left.as_seconds()),
        "document": event.document.map(|kind| kind.as_str()),
        "error": event.error.map(|error| error.as_str()),
    }))
}

fn flags(flags: Flags) -> Value {
    json!({ "in_memory": flags.in_memory, "newer": flags.newer, "drill": flags.drill, "detached": flags.detached })
}

/// A decision, with all that stands behind it.
///
/// ```
/// use reprieve::client::{App, Builder, json};
/// # let root = reprieve::document::SigningKey::generate("root-1").unwrap().root_key();
/// let client = Builder::new(App::new("acme", b"sixteen bytes or more", vec![root])).in_memory().open().unwrap();
/// let why = json::decision(&client.check("cad", "core"));
/// assert_eq!((why["rule"].as_str(), why["flags"]["in_memory"].as_bool()), (Some("J1"), Some(true)));
/// ```
pub fn decision(decision: &Decision) -> Value {
    let why = &decision.why;
    let mut all = decision_line(decision);
    all.extend(object(json!({
        "license": decision.license,
        "lease_end": at(decision.lease_end),
        "flags": flags(decision.flags),
        "rule": why.rule,
        "cover": why.cover.as_ref().map(|cover| json!({
            "reason": cover.reason.as_str(),
            "start": cover.start.to_string(),
            "end": cover.end.to_string(),
            "stage": cover.stage,
            "counts": cover.counts,
            "policy": cover.policy,
            "tier": cover.tier,
            "notice": cover.notice,
        })),
        "evidence": why.evidence.iter().map(|evidence| json!({
            "outage": evidence.outage.as_str(),
            "since": evidence.since.to_string(),
        })).collect::<Vec<_>>(),
        "ways_out": why.ways_out.iter().map(|way| json!({
            "way": way.as_str(),
            "text": way.text(),
        })).collect::<Vec<_>>(),
        "trouble": why.trouble,
    })));
    Value::Object(all)
}

/// An event, with the record that it stands in.
pub fn event(event: &Event) -> Value {
    let mut all = object(json!({ "record": event.record, "index": event.index }));
    all.extend(event_line(event));
    all.insert("text".to_owned(), json!(event.text));
    Value::Object(all)
}

/// A ledger's status.
pub fn status(status: &Status) -> Value {
    json!({
        "t": status.t.to_string(),
        "clock": status.clock.as_str(),
        "ledger": status.ledger.as_str(),
        "flags": flags(status.flags),
        "ledger_id": status.ledger_id,
        "folder": status.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
        "generation": status.generation,
        "records": status.records,
        "policy": status.policy.as_ref().map(|(id, version)| json!({ "id": id, "version": version })),
        "unproven": status.unproven,
        "features": status.features.iter().map(decision).collect::<Vec<_>>(),
    })
}

/// A client's diagnostics.
pub fn diagnostics(notes: &[Diagnostic]) -> Value {
    notes.iter().map(|note| json!({ "wall": note.wall.to_string(), "text": note.text })).collect()
}
