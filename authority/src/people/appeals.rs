//! Appeals: they arrive, somebody looks at the ledger that goes with one, and a ruling answers it or it is turned down with a reason.
//!
//! What a customer sends is held against what the authority knows of the ledger; whoever verifies the ledger's files does so on a machine of his own, with
//! the vendor's audit key, which this server never sees: [`super::audit`]. What he found is kept here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::document::{self, Document as Says};
use reprieve::ledger::Chain;
use reprieve::renew::{APPEALS_MOST, Appeal};
use reprieve::terms::is_name;
use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};
use crate::issue::{Authority, Published};
use crate::renew::Problem;
use crate::store::{AppealRow, NewEntry};

/// The most bytes of an appeal. A client sends its last thousand records with it.
pub const MAX_APPEAL: usize = 4 << 20;

/// The most bytes of one part of a file that goes with an appeal.
pub const MAX_PART: usize = 512 << 10;

/// The most bytes of all the files that go with one.
pub const MAX_FILES: i64 = 64 << 20;

/// The most bytes of what was found.
pub const MAX_FINDINGS: usize = 64 << 10;

/// The most appeals of one ledger that are open at once.
const MOST: i64 = 20;

/// The most open appeals of ledgers that hold no seat, and the most bytes of one: whoever makes up a ledger cannot fill the database.
const MOST_UNKNOWN: (i64, usize) = (256, 1 << 20);

/// The most appeals of one renewal that are looked at: a client keeps no more open. And the most bytes of one, as a file.
const CARRIED: usize = 16;
const MAX_CARRIED: usize = 2 * APPEALS_MOST;

/// How an appeal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a renewal (A5).
    Renewal,
    /// From the product, over HTTP: nobody has looked at it.
    Http,
    /// From a file, by somebody with an access token.
    File,
}

impl Way {
    const fn as_str(self) -> &'static str {
        match self {
            Way::Renewal => "renewal",
            Way::Http => "http",
            Way::File => "file",
        }
    }
}

/// What became of an appeal that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// The ledger.
    pub ledger: String,
    /// Whether it was not there before.
    pub new: bool,
    /// Whether its head is signed by the key that the authority knows for the ledger.
    pub known: bool,
}

/// An appeal that can be read, and the text that it came as.
struct Sent {
    says: Appeal,
    content: String,
}

fn read(bytes: &[u8]) -> Result<Sent> {
    if bytes.len() > MAX_APPEAL {
        let text = format!("this is no appeal: it has {} bytes, and {MAX_APPEAL} are the most", bytes.len());
        return Err(Error::input(text));
    }
    let says = Appeal::read(bytes).map_err(|error| Error::input(error.to_string()))?;
    // What was read as JSON is in UTF-8.
    Ok(Sent { says, content: String::from_utf8_lossy(bytes).into_owned() })
}

/// A5: what is wrong with an appeal that came with a renewal, which goes on all the same.
pub fn not_taken(why: &str) -> Problem {
    Problem { license: None, problem: "appeal_not_taken", text: format!("an appeal was not taken: {why}") }
}

/// Whether a text may name a file that goes with an appeal.
fn is_file(name: &str) -> bool {
    is_name(name) && !name.contains(['/', ':']) && !name.starts_with('.')
}

impl Authority {
    /// Takes an appeal. One that arrives twice is one.
    ///
    /// # Errors
    /// `Input` for what is no appeal, `Refused` where another key than the ledger's signed its head, `Busy` where too many are open.
    pub async fn receive_appeal(&self, bytes: &[u8], way: Way, who: &str) -> Result<Received> {
        self.receive(read(bytes)?, way, who).await
    }

    /// A5: takes the appeals that came with a renewal: those that are kept now, or were already, and what is wrong with the others. None of them is any
    /// reason to refuse the renewal.
    pub async fn receive_carried(&self, chain: &Chain, appeals: Vec<Value>) -> (Vec<String>, Vec<Problem>) {
        let (mut received, mut problems) = (Vec::new(), Vec::new());
        if appeals.len() > CARRIED {
            problems.push(not_taken(&format!("{} came with one renewal, and {CARRIED} are the most", appeals.len())));
        }
        for appeal in appeals.into_iter().take(CARRIED) {
            match self.carried(chain, appeal).await {
                Ok(id) => received.push(id),
                Err(error) => problems.push(not_taken(error.message())),
            }
        }
        (received, problems)
    }

    async fn carried(&self, chain: &Chain, appeal: Value) -> Result<String> {
        let says = Appeal::of_value(appeal).map_err(|error| Error::input(error.to_string()))?;
        if says.ledger.to_string() != chain.ledger || says.key != chain.key {
            return Err(Error::new(Kind::Refused, "it is of another ledger than the one that renews"));
        }
        let content = String::from_utf8_lossy(&says.to_json()).into_owned();
        if content.len() > MAX_CARRIED {
            return Err(Error::input("it is too large for a renewal; send it to support by mail"));
        }
        // One that is there already needs no lock that renewals wait for.
        match self.store().appeal(&says.id).await {
            Ok(_) => Ok(says.id),
            Err(error) if error.kind() == Kind::Missing => {
                Ok(self.receive(Sent { says, content }, Way::Renewal, "customer").await?.id)
            }
            Err(error) => Err(error),
        }
    }

    async fn receive(&self, sent: Sent, way: Way, who: &str) -> Result<Received> {
        let Sent { says, content } = sent;
        let (id, ledger) = (says.id, says.ledger.to_string());
        let mut tx = self.store().begin().await?;
        let row = tx.ledgers(std::slice::from_ref(&ledger)).await?.remove(&ledger);
        let known = row.as_ref().is_some_and(|row| row.key == STANDARD.encode(says.key));
        if way != Way::File && row.is_some() && !known {
            let text = "its head is not signed by the key of this ledger; send the file and the ledger to support";
            return Err(Error::new(Kind::Refused, text));
        }
        let size = content.len();
        let new = AppealRow {
            id: id.clone(),
            license: says.license,
            ledger: ledger.clone(),
            // No database takes this one, and no customer types it.
            words: says.text.replace('\0', "\u{fffd}"),
            head: says.head,
            content,
            way: way.as_str().to_owned(),
            known,
            received: self.store().now(),
            state: "open".to_owned(),
            findings: None,
            found_by: None,
            document: None,
        };
        let there = tx.appeal(&id).await;
        match there {
            Ok(_) => return Ok(Received { id, ledger, new: false, known }),
            Err(error) if error.kind() == Kind::Missing => {}
            Err(error) => return Err(error),
        }
        if way != Way::File {
            let seated = known && !tx.seats_of_ledgers(std::slice::from_ref(&ledger)).await?.is_empty();
            let (open, most) = match seated {
                true => (tx.open_appeals(Some(&ledger)).await?, MOST),
                false => (tx.open_appeals(None).await?, MOST_UNKNOWN.0),
            };
            if !seated && size > MOST_UNKNOWN.1 {
                return Err(Error::input(
                    "this appeal is too large for a ledger that holds no seat; send it to support by mail",
                ));
            }
            if open >= most {
                let text = "too many appeals wait for an answer; send this one to support by mail";
                return Err(Error::new(Kind::Busy, text));
            }
        }
        tx.add_appeal(&new).await?;
        let details = json!({ "ledger": ledger, "license": new.license, "way": new.way, "known": known });
        tx.note(NewEntry { who, what: "appeal.receive", subject: &id, why: "", details }).await?;
        tx.commit().await?;
        Ok(Received { id, ledger, new: true, known })
    }

    /// Takes a part of a file that goes with an appeal.
    ///
    /// # Errors
    /// `Input` for a name or a size that is none, `Conflict` once the appeal is closed.
    pub async fn receive_part(&self, id: &str, name: &str, part: i64, content: &str, who: &str) -> Result<()> {
        if !is_file(name) {
            return Err(Error::input(format!("`name` is {name:?}, which is no plain name of a file")));
        }
        let bytes = STANDARD.decode(content).map_err(|_| Error::input("`content` is no base64"))?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if bytes.len() > MAX_PART || !(0..MAX_FILES / 4096).contains(&part) {
            return Err(Error::input(format!("a part has {MAX_PART} bytes at most, and its number counts from 0")));
        }
        let mut tx = self.store().begin().await?;
        let appeal = tx.appeal(id).await?;
        if appeal.state != "open" {
            return Err(Error::new(Kind::Conflict, format!("appeal {id} is closed already")));
        }
        let files = tx.appeal_files(id).await?;
        let all: i64 = files.iter().map(|file| file.bytes).sum();
        if all.saturating_add(size) > MAX_FILES {
            return Err(Error::input(format!(
                "the files of one appeal have {MAX_FILES} bytes at most; verify them where they lie, with --ledger"
            )));
        }
        // A file is begun by its first part, goes on with the next one, and is never written over.
        let next = files.iter().find(|file| file.name == name).map_or(0, |file| file.parts);
        if part > next {
            return Err(Error::input(format!("`part` is {part}, and part {next} of {name} comes next")));
        }
        if !tx.add_appeal_part(id, name, part, size, content).await? {
            return Err(Error::new(Kind::Conflict, format!("part {part} of {name} is there already")));
        }
        if part == 0 {
            let details = json!({ "name": name });
            tx.note(NewEntry { who, what: "appeal.file", subject: id, why: "", details }).await?;
        }
        tx.commit().await
    }

    /// Keeps what somebody found of an appeal's ledger.
    ///
    /// # Errors
    /// `Conflict` once the appeal is closed.
    pub async fn keep_findings(&self, id: &str, findings: &Value, who: &str) -> Result<()> {
        let text = findings.to_string();
        if !findings.is_object() || text.len() > MAX_FINDINGS || text.contains("\\u0000") {
            return Err(Error::input(format!("`findings` is an object of {MAX_FINDINGS} bytes at most")));
        }
        let mut tx = self.store().begin().await?;
        if tx.appeal(id).await?.state != "open" {
            return Err(Error::new(Kind::Conflict, format!("appeal {id} is closed already")));
        }
        tx.keep_findings(id, &text, who).await?;
        tx.note(NewEntry { who, what: "appeal.verify", subject: id, why: "", details: findings.clone() }).await?;
        tx.commit().await
    }

    /// Answers an appeal by a ruling that was signed elsewhere, and closes it.
    ///
    /// # Errors
    /// `Refused` for a ruling of another ledger or licence and for one that does not hold, `Conflict` once the appeal is closed.
    pub async fn rule_appeal(&self, id: &str, token: &[u8], who: &str, why: &str) -> Result<Published> {
        let refused = |text: String| Err(Error::new(Kind::Refused, text));
        let mut tx = self.store().begin().await?;
        let appeal = tx.appeal(id).await?;
        let Some(Says::Ruling(ruling)) = document::read_unverified(token) else {
            return refused("this is no ruling".to_owned());
        };
        if ruling.ledger != appeal.ledger {
            return refused(format!("the ruling is for ledger {}, and the appeal of {}", ruling.ledger, appeal.ledger));
        }
        if appeal.license.as_ref().is_some_and(|license| *license != ruling.license) {
            let license = appeal.license.unwrap_or_default();
            return refused(format!("the ruling is about licence {}, and the appeal about {license}", ruling.license));
        }
        // Whether it holds is found there.
        let published = self.publish_in(&mut tx, token, who, why).await?;
        tx.close_appeal(id, "answered", Some(&published.id)).await?;
        let details = json!({ "id": published.id, "license": ruling.license, "ledger": ruling.ledger });
        tx.note(NewEntry { who, what: "appeal.rule", subject: id, why, details }).await?;
        tx.commit().await?;
        Ok(published)
    }

    /// Turns an appeal down.
    ///
    /// # Errors
    /// `Conflict` once it is closed.
    pub async fn turn_down_appeal(&self, id: &str, who: &str, why: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        tx.appeal(id).await?;
        tx.close_appeal(id, "turned_down", None).await?;
        tx.note(NewEntry { who, what: "appeal.turn_down", subject: id, why, details: json!({}) }).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        for good in ["acme.g0.ledger", "acme.head", "a"] {
            assert!(is_file(good), "{good}");
        }
        for bad in ["", "..", ".hidden", "a/b", "../x", "C:x", "a b", "a\0", "a\\b"] {
            assert!(!is_file(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_looked_at() {
        let error = read(&vec![b' '; MAX_APPEAL + 1]).map(|_| ()).unwrap_err();
        assert!(error.message().contains("are the most"), "{error}");
        assert!(read(b"{\"appeal\": \"\xff\"}").is_err(), "no text");
    }
}
