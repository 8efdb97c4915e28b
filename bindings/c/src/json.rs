//! What is given as JSON.

use reprieve_core::client::{Decision, Diagnostic, Status};
use reprieve_core::grace::Flags;
use reprieve_core::time::Instant;
use serde_json::{Value, json};

fn at(instant: Option<Instant>) -> Value {
    instant.map_or(Value::Null, |instant| json!(instant.to_string()))
}

fn flags(flags: Flags) -> Value {
    json!({ "in_memory": flags.in_memory, "newer": flags.newer, "drill": flags.drill, "detached": flags.detached })
}

/// A decision with all that stands behind it.
pub fn decision(decision: &Decision) -> Value {
    let why = &decision.why;
    json!({
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
    })
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
