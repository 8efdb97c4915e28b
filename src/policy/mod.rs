//! The policy: its schema, validation and tiers (rules P1, P2). Older schemas will be read here as today's.

mod error;
mod parse;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::collections::BTreeMap;

pub use error::{PolicyError, Problem};

/// The newest schema that this release reads.
pub const SCHEMA: u32 = 1;

use crate::terms::Access;
use crate::time::Span;

/// The rules of grace that both sides signed up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The format's version as it was written; what is held here is today's.
    pub schema: u32,
    /// The line of policies that it belongs to (D2).
    pub id: String,
    /// The higher replaces the lower.
    pub version: u64,
    /// The tier of what no SKU places; none: no grace.
    pub default_tier: Option<String>,
    /// C7.
    pub clock: ClockRules,
    /// C7.
    pub ledger: LedgerRules,
    /// D4.
    pub governance: Governance,
    /// The named sets of grace rules.
    pub tiers: BTreeMap<String, Tier>,
    /// Which tier a SKU's features have.
    pub skus: BTreeMap<String, SkuRules>,
    /// The changelog that customers read.
    pub changes: Vec<Change>,
}

/// How far the clock is believed (C7).
#[derive(Clone, Debug, PartialEq)]
pub struct ClockRules {
    /// How far the wall may lie before what is proven.
    pub tolerance: Span,
    /// How far it may lie ahead.
    pub max_leap: Span,
    /// How long a lead must last to be believed for good.
    pub settle: Span,
    /// The age at which the suspicion of the clock locks.
    pub suspect_limit: Span,
}

/// What happens to a ledger that is suspect (C7).
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerRules {
    /// The age at which a suspicion of the ledger or its place locks.
    pub suspect_limit: Span,
    /// Whether a ledger on another machine is suspect.
    pub moved: Moved,
}

/// What a policy says of a ledger that is on another machine (L5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is suspect.
    Suspect,
    /// It is not.
    Ignore,
}

/// Who may grant how much (D4).
#[derive(Clone, Debug, PartialEq)]
pub struct Governance {
    /// How many distinct support keys an extension needs.
    pub approvals: u32,
    /// How long after its `iat` an extension may last.
    pub max_extension: Span,
}

/// A named set of grace rules.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tier {
    /// From when covers run: none is the lease's end, some is the first use, cut off at `exp` + this horizon (G2).
    pub first_use_horizon: Option<Span>,
    /// How much may be used in a window (G7).
    pub budget: Option<Budget>,
    /// How long before the runway ends alarms are raised, as listed (A1).
    pub warn: Vec<Span>,
    /// Grace while the authority gives no answer.
    pub network: Option<Rule>,
    /// Grace while the authority fails.
    pub server: Option<Rule>,
    /// Grace when nothing is known.
    pub unknown: Option<Rule>,
    /// Grace during maintenance.
    pub maintenance: Option<Rule>,
}

/// How much grace may be used in a window (G7).
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// At most this much,
    pub limit: Span,
    /// in any window of this length that ends where a cover starts.
    pub window: Span,
}

/// What one reason grants.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The longest that a cover lasts.
    pub allowance: Span,
    /// What access it gives, by its age: the first starts at 0s, they rise strictly.
    pub stages: Vec<Stage>,
    /// How long after a notice's end its cover lasts; zero outside maintenance.
    pub margin: Span,
    /// Whether the budget is charged.
    pub counts: bool,
}

/// From `after` on, a cover gives `access`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The cover's age.
    pub after: Span,
    /// Full or limited.
    pub access: Access,
}

/// Which tier a SKU's features have (P1).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SkuRules {
    /// The tier of what `features` does not place.
    pub tier: Option<String>,
    /// Names and patterns, each with its tier.
    pub features: BTreeMap<String, String>,
}

/// An entry of the changelog that customers read.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The version that brought it.
    pub version: u64,
    /// The day, as written: `2026-11-01`.
    pub date: String,
    /// What changed, in plain words.
    pub summary: String,
}

impl Default for ClockRules {
    fn default() -> ClockRules {
        const HOUR: i64 = 3600;
        ClockRules {
            tolerance: Span::seconds(26 * HOUR),
            max_leap: Span::seconds(400 * 24 * HOUR),
            settle: Span::seconds(72 * HOUR),
            suspect_limit: Span::seconds(72 * HOUR),
        }
    }
}

impl Default for LedgerRules {
    fn default() -> LedgerRules {
        LedgerRules { suspect_limit: Span::seconds(72 * 3600), moved: Moved::Suspect }
    }
}

impl Default for Governance {
    fn default() -> Governance {
        Governance { approvals: 1, max_extension: Span::ZERO }
    }
}

impl Rule {
    /// The access that a cover of this rule gives at its age, and which stage that is, counting from 0 (G6).
    pub fn stage_at(&self, age: Span) -> (usize, Access) {
        let at = self.stages.iter().rposition(|stage| stage.after <= age).unwrap_or(0);
        (at, self.stages.get(at).map_or(Access::Full, |stage| stage.access))
    }
}

impl Policy {
    /// Reads a policy from JSON values, as a document's claims hold it.
    pub fn from_json(json: &serde_json::Value) -> Result<Policy, PolicyError> {
        schema::read(&value::from_json_value(json))
    }

    /// Reads a policy from JSON; problems name line and column.
    pub fn from_json_text(text: &str) -> Result<Policy, PolicyError> {
        schema::read(&value::from_json_text(text)?)
    }

    /// Reads a policy from TOML, as vendors write it; problems name line and column.
    ///
    /// ```
    /// use reprieve::policy::Policy;
    /// let text = "schema = 1\nid = \"acme\"\nversion = 1\n[tiers.basic]\nnetwork = {}\n";
    /// let error = Policy::from_toml(text).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "line 5, tiers.basic.network.allowance: is missing; write a duration such as \"14d\""
    /// );
    /// ```
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        schema::read(&value::from_toml_text(text)?)
    }

    /// The policy as JSON with every default written out. Reading it gives the same policy.
    pub fn to_json(&self) -> serde_json::Value {
        write::policy(self)
    }

    /// P1: the tier of a feature: its exact name under the SKU, else the longest `x.*` or `*` that matches, else the SKU's, else the
    /// default. None is a tier without rules.
    pub fn tier(&self, sku: &str, feature: &str) -> Option<(&str, &Tier)> {
        let rules = self.skus.get(sku);
        let named = rules
            .and_then(|rules| {
                rules.features.get(feature).or_else(|| {
                    rules
                        .features
                        .iter()
                        .filter(|(pattern, _)| crate::terms::pattern_matches(pattern, feature))
                        .max_by_key(|(pattern, _)| pattern.len())
                        .map(|(_, tier)| tier)
                })
            })
            .or_else(|| rules.and_then(|rules| rules.tier.as_ref()))
            .or(self.default_tier.as_ref())?;
        self.tiers.get_key_value(named).map(|(name, tier)| (name.as_str(), tier))
    }
}
