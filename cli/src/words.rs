//! Documents, decisions and records in plain words.

use std::collections::BTreeMap;

use reprieve::client::Decision;
use reprieve::document::{self, Document};
use reprieve::grace::{Alarm, Event, Standing, Suspect, WayOut};
use reprieve::terms::{Access, ClockStanding, Kind, LedgerStanding, LicenseState, Outage, Reason, Refusal};
use reprieve::time::Instant;

use crate::input::{about, moment};

/// A kind with its article.
pub fn a(kind: Kind) -> String {
    match kind {
        Kind::Extension => "an extension".to_owned(),
        Kind::Keys => "a document of keys".to_owned(),
        kind => format!("a {kind}"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn scope(features: &[String]) -> String {
    if features.is_empty() { String::new() } else { format!(", for {} only", features.join(", ")) }
}

/// What a document says, in a sentence without its stop.
pub fn document(document: &Document) -> String {
    match document {
        Document::Lease(lease) => {
            let mut ends: BTreeMap<Instant, Vec<&str>> = BTreeMap::new();
            for (feature, end) in &lease.features {
                ends.entry(*end).or_default().push(feature);
            }
            let ends: Vec<String> =
                ends.iter().map(|(end, names)| format!("{} until {end}", names.join(", "))).collect();
            let ledger = if lease.ledger == document::ANY_LEDGER { ", for any ledger" } else { "" };
            format!("a lease of licence {} for {}: {}{ledger}", lease.license, lease.sku, ends.join("; "))
        }
        Document::Policy(policy) => format!("version {} of the policy {}", policy.policy.version, policy.policy.id),
        Document::Notice(notice) => {
            let skus = if notice.skus.is_empty() { String::new() } else { format!(" of {}", notice.skus.join(", ")) };
            let what = if notice.cancelled { "the cancellation of the maintenance" } else { "maintenance" };
            format!("{what} {}{skus} from {} to {}{}", notice.id, notice.start, notice.end, scope(&notice.features))
        }
        Document::Extension(extension) => format!(
            "an extension of licence {} until {} with {} access{}",
            extension.license,
            extension.until,
            extension.access,
            scope(&extension.features)
        ),
        Document::Revocation(revocation) => format!(
            "the revocation of licence {} from {}{}",
            revocation.license,
            revocation.effective,
            scope(&revocation.features)
        ),
        Document::Ruling(ruling) => {
            let mut says = Vec::new();
            if let Some((from, to)) = ruling.void {
                says.push(format!("grace from {from} to {to} is not charged{}", scope(&ruling.features)));
            }
            if ruling.clears_clock {
                says.push("the suspicion of the clock is cleared".to_owned());
            }
            if ruling.clears_ledger {
                says.push("the suspicion of the ledger is cleared".to_owned());
            }
            format!("a ruling on licence {}: {}", ruling.license, says.join(", and "))
        }
        Document::Keys(keys) => format!("version {} of the vendor's keys ({})", keys.version, keys.keys.len()),
    }
}

/// Why a document is refused.
pub fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownKey => "it is signed with a key that is not trusted here",
        Refusal::BadSignature => "its signature does not hold",
        Refusal::WrongRole => "its signer may not sign documents of this kind",
        Refusal::Unsupported => "this release does not know its kind or schema",
        Refusal::Malformed => "it does not say what its kind must say",
        Refusal::WrongLedger => "it is for another ledger",
        Refusal::WrongPolicy => "it is of another line of policies",
        Refusal::Stale => "something newer is in force",
        Refusal::Approvals => "too few people of support have signed it",
        Refusal::OverLimit => "it is longer than the policy allows",
        Refusal::UnknownLicense => "no lease of that licence was ever accepted",
    }
}

/// What grants grace.
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Maintenance => "the vendor's maintenance",
        Reason::Extension => "an extension by support",
        Reason::Server => "the licence server fails",
        Reason::Network => "the licence server cannot be reached",
        Reason::Unknown => "the lease could not be renewed",
    }
}

pub fn outage(outage: Outage) -> &'static str {
    match outage {
        Outage::Network => "the licence server gave no answer",
        Outage::Server => "the licence server was reached, but it failed",
    }
}

fn suspect(suspect: Suspect) -> &'static str {
    match suspect {
        Suspect::RolledBack => "The clock is under suspicion: the machine's date lies before what is proven",
        Suspect::Leaped => "The clock is under suspicion: the machine's date lies further ahead than is believed",
        Suspect::Damaged => "The ledger is under suspicion: it was damaged",
        Suspect::PutBack => "The ledger is under suspicion: it was put back from a copy",
        Suspect::Moved => "The ledger is under suspicion: it is on another machine than its own",
    }
}

/// What a state means.
fn state(state: LicenseState) -> &'static str {
    match state {
        LicenseState::Licensed => "its lease is running",
        LicenseState::Grace => "its lease has ended, and it is in grace",
        LicenseState::Expired => "its lease has ended, and no grace is left",
        LicenseState::LedgerLocked => "the suspicion of the ledger has reached its limit",
        LicenseState::ClockLocked => "the suspicion of the clock has reached its limit",
        LicenseState::Revoked => "it was revoked",
        LicenseState::NotEntitled => "its lease does not name it",
        LicenseState::Unlicensed => "there is no lease for it",
    }
}

fn standing(standing: &Standing) -> String {
    match standing.reason {
        Some(why) => format!("{} access, because of {}", standing.access, because(why)),
        None => format!("{} access, as {}", standing.access, state(standing.state)),
    }
}

fn because(why: Reason) -> &'static str {
    match why {
        Reason::Maintenance => "the vendor's maintenance",
        Reason::Extension => "support's extension",
        Reason::Server => "a licence server that fails",
        Reason::Network => "a licence server that cannot be reached",
        Reason::Unknown => "a lease that could not be renewed",
    }
}

fn changed(alarm: Alarm, license: &str, feature: &str, new: &Standing) -> String {
    let who = format!("{feature} of licence {license}");
    match alarm {
        Alarm::GraceStarted => format!("{who} went into grace: {}", standing(new)),
        Alarm::GraceEnded => format!("{who} came out of grace: {}", standing(new)),
        Alarm::AccessChanged => format!("{who} now has {}", standing(new)),
        Alarm::GraceChanged => format!("{who} stays in grace, with {}", standing(new)),
        Alarm::GraceWarning => match new.left {
            Some(left) => format!("{who} has no more than {} of grace left", about(left)),
            None => format!("{who} is warned of its end of grace"),
        },
    }
}

/// When an event took effect, if that is another instant than its record's.
pub fn effective(event: &Event) -> Option<Instant> {
    match event {
        Event::Changed { at, .. }
        | Event::FirstUse { at, .. }
        | Event::Suspected { at, .. }
        | Event::ClockRestored { at }
        | Event::LedgerRestored { at }
        | Event::Recovered { at, .. }
        | Event::Appealed { at, .. }
        | Event::AppealReceived { at, .. } => Some(*at),
        _ => None,
    }
}

/// A stable word for each kind of event; those of rules A where products are told.
pub fn name(event: &Event) -> &'static str {
    if let Some(name) = event.name() {
        return name;
    }
    match event {
        Event::Created { .. } => "ledger_created",
        Event::Continued(_) => "ledger_continued",
        Event::Reported { .. } => "outage_reported",
        Event::FirstUse { .. } => "first_use",
        Event::Charged { .. } => "grace_charged",
        Event::Home { .. } => "machine_adopted",
        Event::Requested { .. } => "renewal_requested",
        Event::Countersigned { .. } => "head_countersigned",
        Event::Damage { .. } => "damage_found",
        Event::PutBack { .. } => "record_missing",
        _ => "other",
    }
}

/// One sentence for each event.
pub fn event(event: &Event) -> String {
    let text = match event {
        Event::Created { .. } => "The ledger was made on this machine".to_owned(),
        Event::Continued(_) => "The ledger goes on in a new file, from all that was proven before".to_owned(),
        Event::Accepted { kind, token, fresh, .. } => {
            let says = document::read_unverified(token).map_or_else(|| a(*kind), |says| document(&says));
            let fresh = if *fresh { ", in answer to a renewal" } else { "" };
            format!("{} was accepted{fresh}", capital(&says))
        }
        Event::Refused { kind, license, refusal: why, .. } => {
            let what = kind.map_or_else(|| "a document".to_owned(), a);
            let license = license.as_ref().map_or_else(String::new, |license| format!(" of licence {license}"));
            format!("{}{license} was refused ({why}): {}", capital(&what), refusal(*why))
        }
        Event::Reported { outage: what } => format!("A renewal failed: {}", outage(*what)),
        Event::FirstUse { license, feature, .. } => {
            format!("{feature} of licence {license} was used in grace for the first time")
        }
        Event::Charged { license, feature, from, to } => {
            format!(
                "{} of grace, from {} to {}, were charged to {feature} of licence {license}",
                about(*to - *from),
                moment(*from),
                moment(*to)
            )
        }
        Event::Changed { alarm, license, feature, standing, .. } => changed(*alarm, license, feature, standing),
        Event::Suspected { suspect: what, .. } => suspect(*what).to_owned(),
        Event::ClockRestored { .. } => "The clock is no longer under suspicion".to_owned(),
        Event::LedgerRestored { .. } => "The ledger is no longer under suspicion".to_owned(),
        Event::Recovered { bytes, .. } => {
            format!("After a crash {bytes} bytes of an unfinished write were cut off; nothing acknowledged was lost")
        }
        Event::Appealed { license, text, .. } => {
            let license = license.as_ref().map_or_else(String::new, |license| format!(" for licence {license}"));
            format!("The customer appealed{license}: \u{201c}{}\u{201d}", crate::output::one_line(text))
        }
        Event::AppealReceived { license, id, .. } => {
            let license = license.as_ref().map_or_else(String::new, |license| format!(" for licence {license}"));
            format!("The vendor has the customer's appeal {id}{license}")
        }
        Event::Home { .. } => "This machine became the ledger's own".to_owned(),
        Event::Requested { size, .. } => format!("A renewal was asked for, at {size} records"),
        Event::Countersigned { generation, size } => {
            format!("The authority countersigned the head of {size} records of generation {generation}")
        }
        Event::Damage { record: Some(record), text } => format!("Damage was found in record {record}: {text}"),
        Event::Damage { record: None, text } => format!("Damage was found: {text}"),
        Event::PutBack { record, .. } => {
            format!("Record {record}, which the witness remembers, is missing: the ledger was put back from a copy")
        }
        Event::Foreign { kind } => {
            format!("A newer release recorded something that this one does not know (type {kind})")
        }
        #[cfg(reprieve_next)]
        Event::Noted { count } | Event::Bound { count } => format!("What the next release records, {count} times"),
    };
    format!("{text}.")
}

/// A decision in a sentence: what the product may do, why, and for how long.
pub fn decision(decision: &Decision) -> String {
    let left = |ends: Instant| about(ends - decision.t);
    let mut text = match (decision.access, decision.state, decision.reason) {
        (Access::Unknown, _, _) => {
            let trouble = decision.why.trouble.as_deref().unwrap_or("the library does not say why");
            format!("unknown, as it could not be decided: {trouble}")
        }
        (access, Some(LicenseState::Licensed), _) => match decision.lease_end {
            Some(end) => format!("{access}, licensed for {} more", left(end)),
            None => format!("{access}, licensed"),
        },
        (access, Some(LicenseState::Grace), Some(why)) => format!("{access}, in grace: {}", reason(why)),
        (access, Some(why), _) => format!("{access}: {}", state(why)),
        (access, None, _) => access.to_string(),
    };
    if let Some(ends) = decision.ends.filter(|_| decision.state == Some(LicenseState::Grace)) {
        text.push_str(&format!("; runway {}, to {}", left(ends), moment(ends)));
    }
    match decision.clock {
        ClockStanding::Ok => {}
        ClockStanding::RolledBack => text.push_str("; the clock is suspect (rolled back)"),
        ClockStanding::Leaped => text.push_str("; the clock is suspect (leaped)"),
    }
    match decision.ledger {
        LedgerStanding::Ok => {}
        LedgerStanding::Suspect => text.push_str("; the ledger is suspect"),
        LedgerStanding::Moved => text.push_str("; the ledger is on another machine"),
    }
    text
}

/// What to do, one sentence each, where there is something to do.
pub fn ways_out(ways: &[WayOut]) -> String {
    ways.iter().map(|way| way.text()).collect::<Vec<_>>().join(" ")
}
