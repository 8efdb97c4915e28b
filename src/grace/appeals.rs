//! The appeals that no authority is known to have: so that a renewal takes them along (rule A5).

use std::sync::Arc;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::document::Ruling;
use crate::time::Instant;

/// How many appeals are open at most, the newest: a state does not grow with what somebody types.
const OPEN: usize = 16;

/// A5: by what client and authority know an appeal, on whatever way it came: 32 hexadecimal digits of the SHA-256 of these.
pub fn appeal_id(ledger: &str, at: Instant, license: Option<&str>, text: &str) -> String {
    let mut context = Context::new(&SHA256);
    let at = at.to_string();
    for part in ["reprieve/appeal\n", ledger, "\n", &at, "\n", license.unwrap_or_default(), "\n", text] {
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// An appeal that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAppeal {
    /// See [`appeal_id`].
    pub id: String,
    /// When it was filed.
    pub at: Instant,
    /// The licence that it is about, if it is about one.
    pub license: Option<String>,
    /// In the customer's words.
    pub text: Arc<str>,
}

/// Those that are open, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeals(Vec<OpenAppeal>);

impl Appeals {
    /// They, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &OpenAppeal> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of this id.
    pub fn get(&self, id: &str) -> Option<&OpenAppeal> {
        self.0.iter().find(|open| open.id == id)
    }

    pub(super) fn file(&mut self, filed: OpenAppeal) {
        if self.get(&filed.id).is_some() {
            return;
        }
        if self.0.len() == OPEN {
            self.0.remove(0);
        }
        self.0.push(filed);
    }

    pub(super) fn received(&mut self, id: &str) {
        self.0.retain(|open| open.id != id);
    }

    /// A ruling answers what was filed before it was issued, about its licence or about none.
    pub(super) fn ruled(&mut self, ruling: &Ruling) {
        self.0.retain(|open| {
            ruling.iat < open.at || open.license.as_ref().is_some_and(|license| *license != ruling.license)
        });
    }

    /// L2: those of destroyed records that a snapshot kept. One that the authority has by now goes there once more, and is one there.
    pub(super) fn recover(&mut self, kept: Appeals) {
        let own = std::mem::replace(self, kept);
        own.0.into_iter().for_each(|open| self.file(open));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn open(at: i64, license: Option<&str>) -> OpenAppeal {
        let (at, text) = (Instant::from_seconds(at), "The server room was under water.");
        OpenAppeal { id: appeal_id("x", at, license, text), at, license: license.map(str::to_owned), text: text.into() }
    }

    fn ruling(license: &str, iat: i64) -> Ruling {
        Ruling {
            license: license.to_owned(),
            features: vec![],
            void: None,
            clears_clock: true,
            clears_ledger: false,
            ledger: "x".to_owned(),
            iat: Instant::from_seconds(iat),
        }
    }

    #[test]
    fn one_that_is_filed_twice_is_one_and_ten_thousand_are_the_newest() {
        let mut appeals = Appeals::default();
        for at in 0..10_000 {
            appeals.file(open(at, Some("L1")));
            appeals.file(open(at, Some("L1")));
        }
        let left: Vec<i64> = appeals.iter().map(|open| open.at.seconds()).collect();
        assert_eq!(left, (9_984..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_ruling_answers_what_was_filed_before_it_about_its_licence_or_none() {
        let mut appeals = Appeals::default();
        for one in [open(5, Some("L1")), open(6, None), open(7, Some("L2")), open(9, Some("L1"))] {
            appeals.file(one);
        }
        appeals.ruled(&ruling("L1", 8));
        let left: Vec<_> = appeals.iter().map(|open| (open.at.seconds(), open.license.as_deref())).collect();
        assert_eq!(left, [(7, Some("L2")), (9, Some("L1"))]);
    }

    #[test]
    fn nothing_but_the_very_same_has_the_same_id() {
        let ids: BTreeSet<String> = [
            ("x", 1, Some("L1"), "text"),
            ("y", 1, Some("L1"), "text"),
            ("x", 2, Some("L1"), "text"),
            ("x", 1, Some("L2"), "text"),
            ("x", 1, None, "text"),
            ("x", 1, None, "L1\ntext"),
            ("x", 1, Some("L1"), "Text"),
        ]
        .map(|(ledger, at, license, text)| appeal_id(ledger, Instant::from_seconds(at), license, text))
        .into();
        assert_eq!(ids.len(), 6 + 1);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
