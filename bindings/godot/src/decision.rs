//! Decisions and features.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use godot::prelude::*;
use reprieve::client::{Brief, Decision, Feature, json};
use reprieve::terms::{Access, ClockStanding, LedgerStanding, LicenseState, Reason};
use reprieve::time::Instant;

use crate::client::Held;
use crate::errors::caught;
use crate::values::{dictionary, seconds, seconds_or_none, text, word};

/// A decision that could not be made, and why.
pub fn unknown(sku: &str, feature: &str, trouble: &str) -> Decision {
    Decision::unknown(Instant::EPOCH, sku, feature, trouble.to_owned())
}

/// May the product use a feature, and how long? Given by [method ReprieveClient.check] and [method ReprieveFeature.check].
///
/// It never changes: ask again where the answer matters. What does not apply is 0, 0.0 or an empty text, as said at each member. Times
/// are seconds since 1970 in UTC, as the engine's [Time] has them, each with its exact text (RFC 3339) beside it.
/// [b]Unknown is not denied[/b]: it means that the library could not decide. Let the customer work, and look for the mistake.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveDecision {
    /// What the feature may do: an [code]ACCESS_*[/code] of this class.
    #[var(get, no_set)]
    access: PhantomVar<i64>,
    /// The same as a word: [code]"unknown"[/code], [code]"denied"[/code], [code]"limited"[/code] or [code]"full"[/code].
    #[var(get, no_set)]
    access_word: PhantomVar<GString>,
    /// Whether access is limited or full. False for unknown too, which is no refusal.
    #[var(get, no_set)]
    allowed: PhantomVar<bool>,
    /// Where the feature stands: a [code]STATE_*[/code] of this class. 0 if access is unknown.
    #[var(get, no_set)]
    state: PhantomVar<i64>,
    /// The same as a word, such as [code]"licensed"[/code] or [code]"grace"[/code]. Empty if access is unknown.
    #[var(get, no_set)]
    state_word: PhantomVar<GString>,
    /// What grants grace, in grace: a [code]REASON_*[/code] of this class. Else 0.
    #[var(get, no_set)]
    reason: PhantomVar<i64>,
    /// The same as a word, such as [code]"network"[/code]. Empty outside grace.
    #[var(get, no_set)]
    reason_word: PhantomVar<GString>,
    /// The stage of the grace, counting from 0. -1 outside grace.
    #[var(get, no_set)]
    stage: PhantomVar<i64>,
    /// When it was decided, by trusted time. Subtract from this, not from the machine's clock.
    #[var(get, no_set)]
    t: PhantomVar<f64>,
    /// The same as exact text.
    #[var(get, no_set)]
    t_text: PhantomVar<GString>,
    /// The next instant at which access, state or reason changes if nothing else arrives. 0.0 if there is none.
    #[var(get, no_set)]
    until: PhantomVar<f64>,
    /// The same as exact text, or empty.
    #[var(get, no_set)]
    until_text: PhantomVar<GString>,
    /// The first instant at which access is denied. 0.0 if it is denied now, or never will be.
    #[var(get, no_set)]
    ends: PhantomVar<f64>,
    /// The same as exact text, or empty.
    #[var(get, no_set)]
    ends_text: PhantomVar<GString>,
    /// The runway in seconds, [code]ends - t[/code]: [constant @GDScript.INF] if no end is known, 0.0 if access is denied.
    #[var(get, no_set)]
    runway: PhantomVar<f64>,
    /// When the lease itself ends: grace is what comes after. 0.0 if there is none.
    #[var(get, no_set)]
    lease_end: PhantomVar<f64>,
    /// The same as exact text, or empty.
    #[var(get, no_set)]
    lease_end_text: PhantomVar<GString>,
    /// What is known against the clock: a [code]CLOCK_*[/code] of this class.
    #[var(get, no_set)]
    clock: PhantomVar<i64>,
    /// The same as a word.
    #[var(get, no_set)]
    clock_word: PhantomVar<GString>,
    /// What is known against the ledger: a [code]LEDGER_*[/code] of this class.
    #[var(get, no_set)]
    ledger: PhantomVar<i64>,
    /// The same as a word.
    #[var(get, no_set)]
    ledger_word: PhantomVar<GString>,
    /// Whether the ledger lies in memory, and ends with the client.
    #[var(get, no_set)]
    in_memory: PhantomVar<bool>,
    /// Whether a newer release wrote what this one does not know.
    #[var(get, no_set)]
    newer: PhantomVar<bool>,
    /// Whether it is of a drill.
    #[var(get, no_set)]
    drill: PhantomVar<bool>,
    /// Whether the ledger cannot be reached just now, and the answer rests on what was read before.
    #[var(get, no_set)]
    detached: PhantomVar<bool>,
    /// The product.
    #[var(no_set)]
    sku: GString,
    /// The feature.
    #[var(no_set)]
    feature: GString,
    brief: Brief,
    base: Base<RefCounted>,
}

impl ReprieveDecision {
    /// What Godot sees of a decision.
    pub fn of(decision: &Decision) -> Gd<ReprieveDecision> {
        ReprieveDecision::brief(Brief::of(decision), GString::from(&decision.sku), GString::from(&decision.feature))
    }

    /// What Godot sees of a decision in brief.
    pub fn brief(brief: Brief, sku: GString, feature: GString) -> Gd<ReprieveDecision> {
        Gd::from_init_fn(|base| ReprieveDecision {
            access: PhantomVar::default(),
            access_word: PhantomVar::default(),
            allowed: PhantomVar::default(),
            state: PhantomVar::default(),
            state_word: PhantomVar::default(),
            reason: PhantomVar::default(),
            reason_word: PhantomVar::default(),
            stage: PhantomVar::default(),
            t: PhantomVar::default(),
            t_text: PhantomVar::default(),
            until: PhantomVar::default(),
            until_text: PhantomVar::default(),
            ends: PhantomVar::default(),
            ends_text: PhantomVar::default(),
            runway: PhantomVar::default(),
            lease_end: PhantomVar::default(),
            lease_end_text: PhantomVar::default(),
            clock: PhantomVar::default(),
            clock_word: PhantomVar::default(),
            ledger: PhantomVar::default(),
            ledger_word: PhantomVar::default(),
            in_memory: PhantomVar::default(),
            newer: PhantomVar::default(),
            drill: PhantomVar::default(),
            detached: PhantomVar::default(),
            sku,
            feature,
            brief,
            base,
        })
    }
}

#[godot_api]
impl IRefCounted for ReprieveDecision {
    fn to_string(&self) -> GString {
        let brief = &self.brief;
        let mut words: Vec<&str> = brief.state().map(|state| state.as_str()).into_iter().collect();
        words.extend(brief.reason().map(|reason| reason.as_str()));
        let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        let until = brief.ends().map(|ends| format!(" until {ends}")).unwrap_or_default();
        GString::from(&format!("{}{words}{until}", brief.access()))
    }
}

#[godot_api]
impl ReprieveDecision {
    /// The library could not decide: [method ReprieveClient.explain] says why. It is no refusal.
    #[constant]
    const ACCESS_UNKNOWN: i64 = Access::Unknown as i64;
    /// The rules give no access.
    #[constant]
    const ACCESS_DENIED: i64 = Access::Denied as i64;
    /// The product runs with what its vendor calls limited.
    #[constant]
    const ACCESS_LIMITED: i64 = Access::Limited as i64;
    /// Everything.
    #[constant]
    const ACCESS_FULL: i64 = Access::Full as i64;

    /// The lease is running.
    #[constant]
    const STATE_LICENSED: i64 = LicenseState::Licensed as i64;
    /// The lease has ended, and something grants time.
    #[constant]
    const STATE_GRACE: i64 = LicenseState::Grace as i64;
    /// The lease has ended, and nothing grants time.
    #[constant]
    const STATE_EXPIRED: i64 = LicenseState::Expired as i64;
    /// A suspicion of the ledger or of its place has reached its limit.
    #[constant]
    const STATE_LEDGER_LOCKED: i64 = LicenseState::LedgerLocked as i64;
    /// The suspicion of the clock has reached its limit.
    #[constant]
    const STATE_CLOCK_LOCKED: i64 = LicenseState::ClockLocked as i64;
    /// The vendor has taken the feature back.
    #[constant]
    const STATE_REVOKED: i64 = LicenseState::Revoked as i64;
    /// The lease does not name the feature.
    #[constant]
    const STATE_NOT_ENTITLED: i64 = LicenseState::NotEntitled as i64;
    /// There is no lease for the product.
    #[constant]
    const STATE_UNLICENSED: i64 = LicenseState::Unlicensed as i64;

    /// A notice of the vendor's covers the time.
    #[constant]
    const REASON_MAINTENANCE: i64 = Reason::Maintenance as i64;
    /// Support has granted time.
    #[constant]
    const REASON_EXTENSION: i64 = Reason::Extension as i64;
    /// The licence server was reached, but it failed.
    #[constant]
    const REASON_SERVER: i64 = Reason::Server as i64;
    /// The licence server gave no answer.
    #[constant]
    const REASON_NETWORK: i64 = Reason::Network as i64;
    /// Nothing is known.
    #[constant]
    const REASON_UNKNOWN: i64 = Reason::Unknown as i64;

    /// The clock agrees with what is proven.
    #[constant]
    const CLOCK_OK: i64 = ClockStanding::Ok as i64;
    /// The clock lies before what is proven.
    #[constant]
    const CLOCK_ROLLED_BACK: i64 = ClockStanding::RolledBack as i64;
    /// The clock lies further ahead than the policy believes.
    #[constant]
    const CLOCK_LEAPED: i64 = ClockStanding::Leaped as i64;

    /// Nothing is known against the ledger.
    #[constant]
    const LEDGER_OK: i64 = LedgerStanding::Ok as i64;
    /// The ledger was damaged, or put back from a copy.
    #[constant]
    const LEDGER_SUSPECT: i64 = LedgerStanding::Suspect as i64;
    /// The ledger is on another machine than its own.
    #[constant]
    const LEDGER_MOVED: i64 = LedgerStanding::Moved as i64;

    #[func]
    fn get_access(&self) -> i64 {
        i64::from(self.brief.access().number())
    }

    #[func]
    fn get_access_word(&self) -> GString {
        GString::from(self.brief.access().as_str())
    }

    #[func]
    fn get_allowed(&self) -> bool {
        self.brief.allowed()
    }

    #[func]
    fn get_state(&self) -> i64 {
        self.brief.state().map_or(0, |state| i64::from(state.number()))
    }

    #[func]
    fn get_state_word(&self) -> GString {
        word(self.brief.state().map(|state| state.as_str()))
    }

    #[func]
    fn get_reason(&self) -> i64 {
        self.brief.reason().map_or(0, |reason| i64::from(reason.number()))
    }

    #[func]
    fn get_reason_word(&self) -> GString {
        word(self.brief.reason().map(|reason| reason.as_str()))
    }

    #[func]
    fn get_stage(&self) -> i64 {
        self.brief.stage().map_or(-1, i64::from)
    }

    #[func]
    fn get_t(&self) -> f64 {
        seconds(self.brief.t())
    }

    #[func]
    fn get_t_text(&self) -> GString {
        text(Some(self.brief.t()))
    }

    #[func]
    fn get_until(&self) -> f64 {
        seconds_or_none(self.brief.until())
    }

    #[func]
    fn get_until_text(&self) -> GString {
        text(self.brief.until())
    }

    #[func]
    fn get_ends(&self) -> f64 {
        seconds_or_none(self.brief.ends())
    }

    #[func]
    fn get_ends_text(&self) -> GString {
        text(self.brief.ends())
    }

    #[func]
    fn get_runway(&self) -> f64 {
        match (self.brief.ends(), self.brief.access()) {
            (Some(ends), _) => (ends - self.brief.t()).as_nanos() as f64 * 1e-9,
            (None, Access::Denied) => 0.0,
            (None, _) => f64::INFINITY,
        }
    }

    #[func]
    fn get_lease_end(&self) -> f64 {
        seconds_or_none(self.brief.lease_end())
    }

    #[func]
    fn get_lease_end_text(&self) -> GString {
        text(self.brief.lease_end())
    }

    #[func]
    fn get_clock(&self) -> i64 {
        i64::from(self.brief.clock().number())
    }

    #[func]
    fn get_clock_word(&self) -> GString {
        GString::from(self.brief.clock().as_str())
    }

    #[func]
    fn get_ledger(&self) -> i64 {
        i64::from(self.brief.ledger().number())
    }

    #[func]
    fn get_ledger_word(&self) -> GString {
        GString::from(self.brief.ledger().as_str())
    }

    #[func]
    fn get_in_memory(&self) -> bool {
        self.brief.flags().in_memory
    }

    #[func]
    fn get_newer(&self) -> bool {
        self.brief.flags().newer
    }

    #[func]
    fn get_drill(&self) -> bool {
        self.brief.flags().drill
    }

    #[func]
    fn get_detached(&self) -> bool {
        self.brief.flags().detached
    }
}

/// A feature of a product, to ask about in every frame: made once by [method ReprieveClient.feature].
///
/// Between two looks at the ledger, some 10 ms apart (with [code]upkeep = "own"[/code], between two upkeeps), a check copies the same decision: no
/// lock is waited for, and the disk is not touched. It keeps its client's ledger open, and may be freed before or after the client.
/// [codeblock]
/// var core := client.feature("cad", "core")   # once
/// if core.allowed():                          # in every frame
///     pass
/// [/codeblock]
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveFeature {
    /// The product.
    #[var(no_set)]
    sku: GString,
    /// The feature's name.
    #[var(no_set)]
    name: GString,
    feature: Feature,
    held: Arc<Held>,
    base: Base<RefCounted>,
}

impl ReprieveFeature {
    /// A feature of a client.
    pub fn of(feature: Feature, held: Arc<Held>) -> Gd<ReprieveFeature> {
        let (sku, name) = (GString::from(feature.sku()), GString::from(feature.name()));
        Gd::from_init_fn(|base| ReprieveFeature { sku, name, feature, held, base })
    }

    fn decide(&self) -> Brief {
        if !self.held.broken.load(Ordering::Acquire)
            && let Ok(brief) = caught(|| Ok(self.feature.check()))
        {
            return brief;
        }
        undecided(&self.held.broken)
    }
}

/// A check panicked, or another call on the client had.
#[cold]
fn undecided(broken: &AtomicBool) -> Brief {
    broken.store(true, Ordering::Release);
    Brief::of(&unknown("", "", crate::client::BROKEN))
}

#[godot_api]
impl IRefCounted for ReprieveFeature {
    fn to_string(&self) -> GString {
        GString::from(&format!("feature {} of {}", self.name, self.sku))
    }
}

#[godot_api]
impl ReprieveFeature {
    /// Whether access is limited or full now: the shortest way to ask, for every frame. False for unknown too, which is no refusal: where the
    /// difference matters, ask [method access].
    #[func]
    fn allowed(&self) -> bool {
        self.decide().allowed()
    }

    /// What the feature may do now, an [code]ACCESS_*[/code] of [ReprieveDecision]: as fast as [method allowed].
    #[func]
    fn access(&self) -> i64 {
        i64::from(self.decide().access().number())
    }

    /// May the product use it now, and how long? A new object each time: where a frame asks often, [method access] is faster.
    #[func]
    fn check(&self) -> Gd<ReprieveDecision> {
        ReprieveDecision::brief(self.decide(), self.sku.clone(), self.name.clone())
    }

    /// Why a check would answer as it does: as [method ReprieveClient.explain].
    #[func]
    fn explain(&self) -> VarDictionary {
        let decided = if self.held.broken.load(Ordering::Acquire) {
            Arc::new(unknown(&self.sku.to_string(), &self.name.to_string(), crate::client::BROKEN))
        } else {
            caught(|| Ok(self.feature.explain())).unwrap_or_else(|error| {
                self.held.broken.store(true, Ordering::Release);
                Arc::new(unknown(&self.sku.to_string(), &self.name.to_string(), error.message()))
            })
        };
        dictionary(&json::decision(&decided))
    }
}
