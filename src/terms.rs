//! The words of the rules, the same in every language: access, state, reason, names and scopes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u32)]
        pub enum $name { $($(#[$vmeta])* $variant = $number,)* }

        impl $name {
            /// Every value, in ascending order of its number.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word, as documents, scenarios and every binding write it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The value of a word, if it is one.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($text => Some($name::$variant),)* _ => None }
            }

            /// The value of a number, if it is one's.
            pub fn from_number(number: u32) -> Option<$name> {
                Self::ALL.iter().copied().find(|value| value.number() == number)
            }

            /// The number that the C ABI uses. Numbers are never reused.
            pub const fn number(self) -> u32 {
                self as u32
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How much a product may do. `Unknown` is no answer, and never a refusal.
    Access {
        /// The library could not decide; the decision says why.
        Unknown = 0 "unknown",
        /// The rules give no access.
        Denied = 1 "denied",
        /// The product runs with what its vendor calls limited.
        Limited = 2 "limited",
        /// Everything.
        Full = 3 "full",
    }
}

words! {
    /// Where a feature stands by rule J1. The order is that of rule J2: the earlier is preferred.
    LicenseState {
        /// The lease is running.
        Licensed = 1 "licensed",
        /// The lease has ended and a cover holds.
        Grace = 2 "grace",
        /// The lease has ended and no cover holds.
        Expired = 3 "expired",
        /// A suspicion of the ledger or of its place has reached its limit.
        LedgerLocked = 4 "ledger_locked",
        /// The suspicion of the clock has reached its limit.
        ClockLocked = 5 "clock_locked",
        /// The authority has taken the feature back.
        Revoked = 6 "revoked",
        /// The lease does not name the feature.
        NotEntitled = 7 "not_entitled",
        /// There is no lease for the SKU.
        Unlicensed = 8 "unlicensed",
    }
}

words! {
    /// What grants grace. The order is that of rule G6: the earlier is preferred.
    Reason {
        /// A notice of the vendor's covers the time.
        Maintenance = 1 "maintenance",
        /// Support has granted time.
        Extension = 2 "extension",
        /// The authority was reached, but it failed.
        Server = 3 "server",
        /// The authority gave no answer.
        Network = 4 "network",
        /// Nothing is known; always evidenced.
        Unknown = 5 "unknown",
    }
}

words! {
    /// What a reading says of the clock (rules C2, C3).
    ClockStanding {
        /// The wall agrees with what is proven.
        Ok = 1 "ok",
        /// The wall lies before what is proven.
        RolledBack = 2 "rolled_back",
        /// The wall lies further ahead than the policy believes.
        Leaped = 3 "leaped",
    }
}

words! {
    /// What is known against the ledger (rules L).
    LedgerStanding {
        /// Nothing.
        Ok = 1 "ok",
        /// It was damaged or put back from a copy (L2, L3).
        Suspect = 2 "suspect",
        /// It is on another machine than its own (L5).
        Moved = 3 "moved",
    }
}

words! {
    /// The kinds of document that the authority signs (rules D).
    Kind {
        /// A licence is good until `exp`, feature by feature.
        Lease = 1 "lease",
        /// The rules of grace.
        Policy = 2 "policy",
        /// Maintenance that is planned, or an outage confirmed.
        Notice = 3 "notice",
        /// A support agent's grant.
        Extension = 4 "extension",
        /// A licence is taken back.
        Revocation = 5 "revocation",
        /// The outcome of an appeal.
        Ruling = 6 "ruling",
        /// Whose keys may say what.
        Keys = 7 "keys",
    }
}

words! {
    /// Why a document was refused; the first that applies, in this order (rules D).
    Refusal {
        /// A signer is not in the trust store, or its key was not valid at the document's `iat`.
        UnknownKey = 1 "unknown_key",
        /// A signature does not hold.
        BadSignature = 2 "bad_signature",
        /// A signer may not sign this kind.
        WrongRole = 3 "wrong_role",
        /// A kind, or a newer schema, that this release does not know.
        Unsupported = 4 "unsupported",
        /// The document does not say what its kind must say.
        Malformed = 5 "malformed",
        /// The document is for another ledger.
        WrongLedger = 6 "wrong_ledger",
        /// The policy is of another line than the one in force.
        WrongPolicy = 7 "wrong_policy",
        /// Something newer is in force.
        Stale = 8 "stale",
        /// Too few people of role support have signed.
        Approvals = 9 "approvals",
        /// The extension is longer than the policy allows.
        OverLimit = 10 "over_limit",
        /// No lease of the licence was ever accepted.
        UnknownLicense = 11 "unknown_license",
    }
}

impl Refusal {
    /// No key of the authority's is shown to have signed it: a page, a portal's or a forgery, and evidence of nothing.
    pub(crate) const fn is_of_nobody(self) -> bool {
        matches!(self, Refusal::Malformed | Refusal::BadSignature | Refusal::UnknownKey)
    }
}

words! {
    /// What a report of a failed renewal is evidence of (rule G1).
    Outage {
        /// No answer: no DNS, no route, a timeout, a captive portal's or otherwise unauthentic answer.
        Network = 1 "network",
        /// Reached, but it failed: refused, reset, HTTP 5xx or 429, a nonsense answer.
        Server = 2 "server",
    }
}

impl Outage {
    /// The reason that this evidence supports.
    pub const fn reason(self) -> Reason {
        match self {
            Outage::Network => Reason::Network,
            Outage::Server => Reason::Server,
        }
    }
}

/// Whether a text is a name: 1 to 128 of `A-Z a-z 0-9 . _ : @ / + -`.
///
/// ```
/// assert!(reprieve::terms::is_name("export.step"));
/// assert!(!reprieve::terms::is_name("export.*"));
/// ```
pub fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'@' | b'/' | b'+' | b'-'))
}

/// Whether a text is a name, `*`, or a name followed by `.*`: what a scope may list.
pub fn is_pattern(text: &str) -> bool {
    text == "*" || is_name(text) || text.strip_suffix(".*").is_some_and(is_name)
}

/// Whether a scope's pattern holds for a feature: the name itself, `*` for every one, `export.*` for every one below `export`.
pub fn pattern_matches(pattern: &str, feature: &str) -> bool {
    if pattern == "*" || pattern == feature {
        return true;
    }
    match pattern.strip_suffix('*') {
        Some(prefix) if prefix.ends_with('.') => feature.len() > prefix.len() && feature.starts_with(prefix),
        _ => false,
    }
}

/// Whether a scope holds for a feature: no patterns listed is all.
pub fn scope_matches(patterns: &[String], feature: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern_matches(pattern, feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns() {
        assert!(is_name("a") && is_name(&"x".repeat(128)) && is_name("A-z_0:9@/+."));
        for bad in ["", "a b", "é", "a*", "*", &"x".repeat(129)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_pattern("*") && is_pattern("export.*") && is_pattern("core"));
        assert!(!is_pattern("ex*") && !is_pattern(".*") && !is_pattern("a.*.b") && !is_pattern(""));
        assert!(pattern_matches("export.*", "export.step") && pattern_matches("export.*", "export.a.b"));
        assert!(!pattern_matches("export.*", "export") && !pattern_matches("export.*", "exporter.x"));
        assert!(scope_matches(&[], "core") && !scope_matches(&["render".into()], "core"));
    }

    #[test]
    fn words_round_trip() {
        for access in Access::ALL {
            assert_eq!(Access::from_word(access.as_str()), Some(*access));
        }
        assert_eq!(Access::Unknown.number(), 0);
        assert!(LicenseState::Licensed < LicenseState::Grace && Reason::Maintenance < Reason::Unknown);
    }
}
