//! What a renewal is answered: by the books, and nothing else. Pure: no database, clock or key in here.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::document::{self, Document as Says};
use reprieve::ledger::note::Checkpoint;
use reprieve::ledger::{Chain, Continuity};
use reprieve::renew::RenewalRequest;
use reprieve::terms::scope_matches;
use reprieve::time::Instant;
use serde::Serialize;
use serde_json::Value;

use crate::store::{Document, LedgerRow, Licence, SeatRow};

/// A head that came so soon after another may have been overtaken on its way.
const OVERTAKEN: i64 = 600;

/// Who asks, and by what right.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The request, whose heads hold.
    pub request: RenewalRequest,
    /// The SHA-256 of the activation code that came with it.
    pub code: Option<String>,
    /// A licence that a person gives this ledger a seat of.
    pub granted: Option<String>,
    /// A5: the appeals that came with it and are kept, by their ids: its leases say so.
    pub received: Vec<String>,
}

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// A lease's length where the licence does not say.
    pub lease: i64,
    /// A seat whose lease ended longer ago than this may go to another machine.
    pub seat_kept: i64,
}

/// The books that a batch of renewals is answered by. Seats that one takes the next one finds taken.
#[derive(Debug, Default)]
pub struct Books {
    /// The time that leases are dated by.
    pub now: i64,
    /// How many documents there are before this batch.
    pub size: i64,
    /// The licences that are asked for.
    pub licences: BTreeMap<String, Licence>,
    /// Hashes of activation codes, and the licences that they activate.
    pub codes: BTreeMap<String, String>,
    /// The ledgers that ask, as far as they are known.
    pub ledgers: HashMap<String, LedgerRow>,
    /// The seats of ledgers that ask, and of licences that are activated, by licence and ledger.
    pub seats: BTreeMap<(String, String), SeatRow>,
    /// What is in force for all, or about one of the licences, in the log's order.
    pub documents: Vec<Document>,
}

/// A lease to be signed.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The licence.
    pub license: String,
    /// Its claims.
    pub claims: Value,
}

/// Why a licence has no new lease. It decides nothing: only a signed document can refuse a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The licence, where it is known which.
    pub license: Option<String>,
    /// A word.
    pub problem: &'static str,
    /// What happened, and what to do.
    pub text: String,
}

/// An answer, before its leases are signed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The leases.
    pub leases: Vec<Lease>,
    /// The documents that the ledger has not seen, in the log's order.
    pub documents: Vec<Document>,
    /// Why a licence has no new lease.
    pub problems: Vec<Problem>,
    /// What is known of the ledger now; nothing if nothing of it is to be believed.
    pub ledger: Option<LedgerRow>,
    /// The seats that it holds now.
    pub seats: Vec<SeatRow>,
    /// What a person is to know: a word and why.
    pub tell: Vec<(&'static str, String)>,
}

fn problem(license: Option<&str>, problem: &'static str, text: impl Into<String>) -> Problem {
    Problem { license: license.map(str::to_owned), problem, text: text.into() }
}

/// Generation, size and root of a head, as [`reprieve::ledger::Since`] names them.
fn head_of(note: &str) -> Option<(String, u64, [u8; 32])> {
    let head = Checkpoint::of_note(note).ok()?;
    Some((head.origin, head.size, head.root))
}

/// Whether the oldest head that a request goes on from is the one that an answer countersigned: then the ledger has that answer.
fn has_answer(chain: &Chain, offered: &str) -> bool {
    let Some((origin, size, root)) = head_of(offered) else { return false };
    chain.since.first().is_some_and(|since| {
        (since.size, since.root) == (size, root)
            && origin == format!("reprieve/ledger/{}/{}", chain.ledger, since.generation)
    })
}

impl Books {
    /// Answers one.
    pub fn answer(&mut self, ask: &Ask, terms: Terms) -> Answer {
        let chain = &ask.request.chain;
        let mut answer =
            Answer { leases: vec![], documents: vec![], problems: vec![], ledger: None, seats: vec![], tell: vec![] };
        let key = STANDARD.encode(chain.key);
        let known = self.ledgers.get(&chain.ledger).cloned();
        if known.as_ref().is_some_and(|known| known.key != key) {
            // Whoever knows a ledger's id is not that ledger.
            let text = "another key signs for this ledger than before; if the ledger was made anew, ask support to forget the old one";
            answer.problems.push(problem(None, "other_key", text));
            answer.tell.push(("ledger.other_key", "a request for this ledger was signed with another key".to_owned()));
            answer.documents = self.newest_keys();
            return answer;
        }
        let (mut ledger, put_back) = self.hear(chain, known, key, &mut answer.tell);
        let seated = self.activate(ask, terms, &mut answer);
        let mut held: Vec<String> = self
            .seats
            .keys()
            .filter(|(_, holder)| *holder == chain.ledger)
            .map(|(license, _)| license.clone())
            .collect();
        held.dedup();
        for license in ask.request.licenses.iter().filter(|license| !held.contains(license)) {
            let text = format!(
                "this ledger holds no seat of licence {license}; activate it with its code, or ask support for a seat"
            );
            answer.problems.push(problem(Some(license), "no_seat", text));
        }
        for license in &held {
            self.lease(ask, license, terms, put_back, &mut answer);
        }
        self.choose(&ledger, &held, &seated, &mut answer);
        // Where this head is the oldest that the client remembers, its next request does not tell whether it had the answer.
        ledger.offered_head = (!answer.leases.is_empty() && !chain.since.is_empty()).then(|| chain.head.clone());
        ledger.offered = self.size;
        self.ledgers.insert(chain.ledger.clone(), ledger.clone());
        answer.ledger = Some(ledger);
        answer
    }

    /// Holds the head against the last one, and says whether it was put back.
    fn hear(
        &self,
        chain: &Chain,
        known: Option<LedgerRow>,
        key: String,
        tell: &mut Vec<(&'static str, String)>,
    ) -> (LedgerRow, bool) {
        // What was checked when it came in can be written.
        let text = serde_json::to_string(chain).unwrap_or_default();
        let fresh = |known: &LedgerRow| LedgerRow {
            head: chain.head.clone(),
            chain: text.clone(),
            heard: self.now,
            ..known.clone()
        };
        let Some(known) = known else {
            let ledger = LedgerRow {
                id: chain.ledger.clone(),
                key,
                head: chain.head.clone(),
                chain: text,
                heard: self.now,
                offered_head: None,
                offered: 0,
                has: 0,
                put_back: None,
                put_back_why: None,
            };
            return (ledger, false);
        };
        let has = match &known.offered_head {
            Some(offered) if has_answer(chain, offered) => known.offered.max(known.has),
            _ => known.has,
        };
        match chain.continuity_of_checked(&known.head) {
            Ok(Continuity::Continues) => (LedgerRow { has, ..fresh(&known) }, false),
            Ok(Continuity::PutBack { why }) => {
                let before: Option<Chain> = serde_json::from_str(&known.chain).ok();
                let overtaken = self.now - known.heard <= OVERTAKEN
                    && before.is_some_and(|before| {
                        matches!(before.continuity_of_checked(&chain.head), Ok(Continuity::Continues))
                    });
                if overtaken {
                    return (known, false);
                }
                tell.push(("ledger.put_back", why.clone()));
                // A copy that was put back may lack what the ledger had.
                (LedgerRow { has: 0, put_back: Some(self.now), put_back_why: Some(why), ..fresh(&known) }, true)
            }
            // Its head was checked when it came, and so was the one that was kept.
            Err(error) => {
                tell.push(("ledger.unreadable", error.to_string()));
                (LedgerRow { has: 0, ..fresh(&known) }, true)
            }
        }
    }

    /// Takes a seat, where a code or a person says so and one is free. Gives the licence.
    fn activate(&mut self, ask: &Ask, terms: Terms, answer: &mut Answer) -> Option<String> {
        let license = match (&ask.granted, &ask.code) {
            (Some(license), _) => license.clone(),
            (None, Some(code)) => match self.codes.get(code) {
                Some(license) => license.clone(),
                None => {
                    answer.problems.push(problem(
                        None,
                        "unknown_code",
                        "no licence has this activation code; check it letter by letter",
                    ));
                    return None;
                }
            },
            (None, None) => return None,
        };
        let ledger = &ask.request.chain.ledger;
        let seat = (license.clone(), ledger.clone());
        if self.seats.contains_key(&seat) {
            return None;
        }
        let Some(licence) = self.licences.get(&license) else {
            answer.problems.push(problem(Some(&license), "unknown_license", format!("there is no licence {license}")));
            return None;
        };
        let free_from = self.now - terms.seat_kept;
        let taken = self.seats.iter().filter(|((of, _), row)| *of == license && row.leased_until > free_from).count();
        if i64::try_from(taken).unwrap_or(i64::MAX) >= licence.seats {
            let text = format!(
                "all {} seats of licence {license} are taken; free one with `reprieve-authority seat free`, or buy another",
                licence.seats
            );
            answer.problems.push(problem(Some(&license), "seats_full", text));
            return None;
        }
        let row = SeatRow { license: license.clone(), ledger: ledger.clone(), since: self.now, leased_until: self.now };
        self.seats.insert(seat, row);
        answer.tell.push(("seat.take", format!("licence {license}")));
        Some(license)
    }

    /// A lease of a licence that the ledger holds a seat of, or why there is none.
    fn lease(&mut self, ask: &Ask, license: &str, terms: Terms, put_back: bool, answer: &mut Answer) {
        let Some(licence) = self.licences.get(license) else { return };
        if licence.suspended {
            let text = format!("licence {license} is suspended; ask support");
            return answer.problems.push(problem(Some(license), "suspended", text));
        }
        let end = self.now.saturating_add(licence.lease_seconds.unwrap_or(terms.lease));
        let end = licence.ends.map_or(end, |ends| end.min(ends));
        let revoked = self.revoked(license);
        let features: BTreeMap<String, Instant> = licence
            .features
            .iter()
            .filter_map(|(feature, ends)| {
                let end = ends.map_or(end, |ends| end.min(ends));
                let end = revoked
                    .iter()
                    .filter(|(scope, _)| scope.is_empty() || scope_matches(scope, feature))
                    .fold(end, |end, (_, effective)| end.min(*effective));
                (end > self.now || ends.is_some_and(|ends| ends == end))
                    .then(|| (feature.clone(), Instant::from_seconds(end)))
            })
            .collect();
        let latest = features.values().map(|end| end.seconds()).max().filter(|end| *end > self.now);
        let Some(latest) = latest else {
            let (word, text) = match revoked.is_empty() {
                true => ("ended", format!("licence {license} has ended; buy it anew")),
                false => ("revoked", format!("licence {license} was revoked; ask support")),
            };
            return answer.problems.push(problem(Some(license), word, text));
        };
        let iat = Instant::from_seconds(self.now);
        let mut claims = ask.request.lease(license, &licence.sku, &features, iat, put_back);
        if !ask.received.is_empty() {
            claims["appeals"] = serde_json::json!(ask.received);
        }
        answer.leases.push(Lease { license: license.to_owned(), claims });
        let key = (license.to_owned(), ask.request.chain.ledger.clone());
        if let Some(seat) = self.seats.get_mut(&key) {
            seat.leased_until = latest;
            answer.seats.push(seat.clone());
        }
    }

    /// What revocations in force take from a licence: scopes and instants.
    fn revoked(&self, license: &str) -> Vec<(Vec<String>, i64)> {
        let of =
            self.documents.iter().filter(|one| one.kind == "revocation" && one.license.as_deref() == Some(license));
        of.filter_map(|one| match document::read_unverified(one.token.as_bytes()) {
            Some(Says::Revocation(says)) => Some((says.features, says.effective.seconds())),
            _ => None,
        })
        .collect()
    }

    /// The documents that the ledger has not seen, as far as they are its business.
    fn choose(&self, ledger: &LedgerRow, held: &[String], seated: &Option<String>, answer: &mut Answer) {
        let mine = |one: &&Document| {
            let license = one.license.as_ref();
            let about = license.is_none_or(|license| held.contains(license));
            let fresh = one.seq >= ledger.has || (license.is_some() && license == seated.as_ref());
            about && fresh && one.ledger.as_ref().is_none_or(|id| *id == ledger.id)
        };
        answer.documents = self.documents.iter().filter(mine).cloned().collect();
        // An answer without any document shows nothing of the authority.
        if answer.leases.is_empty() && answer.documents.is_empty() {
            answer.documents = self.newest_keys();
        }
    }

    fn newest_keys(&self) -> Vec<Document> {
        self.documents.iter().rev().find(|one| one.kind == "keys").cloned().into_iter().collect()
    }
}

/// The tokens of an answer, in an order that a ledger can take: keys, policy, notices, leases, and what is about them.
pub fn in_order(documents: &[Document], leases: Vec<String>) -> Vec<Vec<u8>> {
    let rank = |kind: &str| match kind {
        "keys" => 0,
        "policy" => 1,
        "notice" => 2,
        _ => 4,
    };
    let mut all: Vec<(u8, String)> = documents.iter().map(|one| (rank(&one.kind), one.token.clone())).collect();
    all.extend(leases.into_iter().map(|token| (3, token)));
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter().map(|(_, token)| token.into_bytes()).collect()
}
