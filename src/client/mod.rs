//! What a product holds: an open ledger, and the few words open, check, import, report, events, status.
//!
//! A [`Client`] may be cloned and used from any thread; clones share one open ledger. Several clients, processes and products
//! may have one ledger open at once, and give the same answers. No call ends or blocks the program: checks never wait, and the
//! others wait for the ledger's lock until a deadline, then fail with [`ErrorKind::Busy`].

mod app;
mod brief;
mod builder;
mod care;
mod cell;
mod cells;
mod error;
mod events;
mod feature;
pub mod json;
mod network;
mod place;
mod records;
mod renewal;
mod renewer;
mod session;
mod shared;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use app::App;
pub use brief::{Brief, WORDS};
pub(crate) use builder::MachineFacts;
pub use builder::{Builder, Upkeep};
pub use care::{Archived, Rekey, Rekeyed, SlotChoice, Upgraded};
pub use cell::Cell;
pub use cells::read_named;
pub use error::{Error, ErrorKind};
pub use events::{Event, EventKind};
pub use feature::Feature;
pub use renewal::Request;
pub use renewer::{Renewer, Standing, Task, Watch};
pub use session::Diagnostic;

use session::Session;
use shared::Shared;

use crate::document::TokenId;
use crate::grace::Flags;
use crate::ledger::{Config, Storage};
use crate::order;
use crate::renew::{APPEAL_TEXT, Endpoint, Settings, Taken};
#[cfg(doc)]
use crate::terms::Access;
use crate::terms::{ClockStanding, LedgerStanding, Outage, is_name};
use crate::time::Instant;

pub use crate::grace::{Answer, Decision};

/// How a client sees its ledger.
#[derive(Clone, Debug)]
pub struct Status {
    /// The time, by rule C2 or C3.
    pub t: Instant,
    /// What is known against the clock.
    pub clock: ClockStanding,
    /// What is known against the ledger.
    pub ledger: LedgerStanding,
    /// What else there is to say of it.
    pub flags: Flags,
    /// The ledger's id.
    pub ledger_id: String,
    /// Where it lies; none in memory.
    pub folder: Option<PathBuf>,
    /// Which file of its line it is, counting from 0.
    pub generation: u64,
    /// How many records it has.
    pub records: u64,
    /// The policy in force: its id and version.
    pub policy: Option<(String, u64)>,
    /// Accepted documents whose signatures do not hold with this product's keys. They give nothing.
    pub unproven: u64,
    /// A decision for each feature of the SKU, as a check would answer, in the order of their names.
    pub features: Vec<Decision>,
}

/// An open ledger. Clones share it; the last to go closes it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Opens the ledger of an application file with the defaults.
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open(app_file: impl AsRef<Path>) -> Result<Client, Error> {
        Builder::from_file(app_file)?.open()
    }

    /// What this process holds: a child of a fork opens the ledger anew, waiting for its lock if it is patient.
    fn own(&self, patient: bool) -> Result<&Shared, Error> {
        let mut client = self;
        while client.shared.pid != std::process::id() {
            if client.shared.closed.load(Ordering::Acquire) {
                return Err(closed());
            }
            client = client.shared.child.get_or_try_init(|| client.shared.open_again(patient).map(Box::new))?;
        }
        Ok(&client.shared)
    }

    fn with<R>(&self, wish: impl FnOnce(&mut Session) -> Result<R, Error>) -> Result<R, Error> {
        self.own(true)?.with(wish)
    }

    /// For what changes no decision: nothing is published, and none is made anew.
    fn quietly<R>(&self, wish: impl FnOnce(&mut Session) -> Result<R, Error>) -> Result<R, Error> {
        let mut guard = self.own(true)?.lock();
        wish(guard.as_mut().ok_or_else(closed)?)
    }

    /// May the product use this feature now? Never waits for another process, never fails: what could not be decided is
    /// [`Access::Unknown`], and says why.
    ///
    /// Between two looks at the ledger, some 10 ms apart (with [`Upkeep::Own`], between two upkeeps), the same decision is given
    /// again, but not past its `until`. [`Feature`] is faster where the same is asked often.
    pub fn check(&self, sku: &str, feature: &str) -> Arc<Decision> {
        if !is_name(sku) || !is_name(feature) {
            let what = if is_name(sku) { "feature" } else { "SKU" };
            return Arc::new(self.unknown(
                sku,
                feature,
                format!("this is no name of a {what}; use 1 to 128 of A-Z a-z 0-9 . _ : @ / + -"),
            ));
        }
        // The same decision for some milliseconds costs no system call; a child of a fork may have it that long too, until it has
        // opened the ledger for itself.
        if self.shared.upkeep == Upkeep::InChecks
            && self.shared.child.get().is_none()
            && !self.shared.closed.load(Ordering::Acquire)
            && let Some(decision) = self.shared.cached(sku, feature)
        {
            return decision;
        }
        match self.own(false) {
            Ok(shared) => {
                shared.check(sku, feature).unwrap_or_else(|trouble| Arc::new(self.unknown(sku, feature, trouble)))
            }
            Err(error) if error.kind() == ErrorKind::Closed => {
                Arc::new(self.unknown(sku, feature, error.message().to_owned()))
            }
            // A child of a fork that cannot open the ledger at the moment decides from what it inherited.
            Err(error) => match self.shared.view.try_read().ok().and_then(|view| view.clone()) {
                Some(view) => Arc::new(view.check_detached(self.shared.clock.read(), sku, feature)),
                None => self.patient(error, sku, feature),
            },
        }
    }

    /// The first check of a child that inherited nothing, as another thread was just changing it: rather than none, its answer may
    /// come some milliseconds late.
    fn patient(&self, mut error: Error, sku: &str, feature: &str) -> Arc<Decision> {
        for _ in 0..100 {
            if error.kind() != ErrorKind::Busy {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            match self.own(false).map(|shared| shared.check(sku, feature)) {
                Ok(Ok(decision)) => return decision,
                Ok(Err(trouble)) => return Arc::new(self.unknown(sku, feature, trouble)),
                Err(again) => error = again,
            }
        }
        Arc::new(self.unknown(sku, feature, error.message().to_owned()))
    }

    fn unknown(&self, sku: &str, feature: &str, trouble: String) -> Decision {
        Decision::unknown(self.shared.clock.read().wall, sku, feature, trouble)
    }

    /// Imports a document: a token as any JWT library makes it, compact or General JSON. Whether it was accepted is the
    /// answer, not an error; what is accepted is on disk before this returns.
    ///
    /// # Errors
    /// If the ledger cannot be read or written; then nothing has changed.
    pub fn import(&self, token: &[u8]) -> Result<Answer, Error> {
        self.with(|session| session.import(token))
    }

    /// A renewal failed, in this way (rule G1). Returns whether that was news.
    ///
    /// # Errors
    /// If the ledger cannot be read or written; then nothing has changed.
    pub fn report(&self, outage: Outage) -> Result<bool, Error> {
        self.with(|session| session.acknowledged(|op| op.report(outage)))
    }

    /// Makes a renewal request: bytes for the authority. The lease that answers it within 10 minutes is fresh (rule C6); a
    /// newer request takes its place.
    ///
    /// # Errors
    /// If the ledger cannot be read or written.
    pub fn request(&self) -> Result<Request, Error> {
        self.with(renewal::request)
    }

    /// The same for a renewer, in an outage: a head that was recorded and got no answer is sent again, and nothing is recorded. None
    /// where there is no such head.
    fn request_again(&self) -> Result<Option<Request>, Error> {
        self.quietly(renewal::request_again)
    }

    /// Takes the authority's answer to a renewal request: one token, JSON `{"documents": [token, ...]}`, or the text of a mail that
    /// [`RenewalAnswer::to_armour`](crate::renew::RenewalAnswer::to_armour) made. Anything else that is not empty, such as an HTML page, is taken
    /// for a token: its answer is a refusal, `malformed`; so is what stands among the documents and is no token. Documents of the kind keys are
    /// taken first. After eight that nobody's key has signed the others are left alone, and have no answer.
    ///
    /// # Errors
    /// [`ErrorKind::Claims`] if it is empty, its `documents` are no list, or the text of a mail was cut or changed; or as [`Client::import`].
    pub fn renew(&self, answer: &[u8]) -> Result<Vec<Answer>, Error> {
        let answers: Vec<Answer> = self.renew_answering(answer, "")?.into_iter().map(|(answer, _)| answer).collect();
        let genuine = |answer: &Answer| !answer.error.is_some_and(crate::terms::Refusal::is_of_nobody);
        if renewal::is_by_line(answer) && answers.iter().any(genuine) {
            self.appeals_were_carried();
        }
        Ok(answers)
    }

    /// A5: the newest request was answered by the authority.
    fn appeals_were_carried(&self) {
        // A client that was closed meanwhile has nothing to leave behind.
        let _ = self.quietly(|session| {
            session.appeals_were_carried();
            Ok(())
        });
    }

    /// The same, and whether each shows that the authority is there now, as it answers the request of this nonce.
    fn renew_answering(&self, answer: &[u8], nonce: &str) -> Result<Vec<(Answer, Taken)>, Error> {
        let tokens = renewal::tokens(answer)?;
        let mut answers = std::collections::BTreeMap::new();
        let mut strange = 0;
        for at in renewal::keys_first(&tokens) {
            let Some(token) = tokens.get(at).filter(|_| strange < renewal::STRANGE) else { break };
            let answer = self.import(token)?;
            strange += usize::from(answer.error.is_some_and(crate::terms::Refusal::is_of_nobody));
            let answers_it = renewal::answers(token, &answer, nonce);
            let taken = Taken { refusal: answer.error, answers: answers_it };
            answers.insert(at, (answer, taken));
        }
        Ok(answers.into_values().collect())
    }

    /// Takes what a mirror gave: documents that are the same for all. Leases, extensions and rulings have no place there, and are passed over; so is
    /// what no key of the authority's has signed, unrecorded: whoever serves a file may put into it what he likes. Returns what became of those that
    /// were imported; none: it is no list of documents.
    ///
    /// `skip`: what was refused before, and is not offered again.
    ///
    /// # Errors
    /// As [`Client::import`].
    pub fn renew_common(&self, file: &[u8], skip: &mut HashSet<TokenId>) -> Result<Option<Vec<Answer>>, Error> {
        let Some(tokens) = renewal::common(file) else { return Ok(None) };
        let mut answers = Vec::new();
        let mut genuine = tokens.is_empty();
        for at in renewal::keys_first(&tokens) {
            let Some(token) = tokens.get(at) else { continue };
            let id = TokenId::of(token);
            if skip.contains(&id) {
                genuine = true;
                continue;
            }
            if !self.quietly(|session| Ok(renewal::is_common(token, session)))? {
                continue;
            }
            genuine = true;
            let answer = self.import(token)?;
            if !answer.accepted {
                if skip.len() >= renewal::SKIPPED {
                    skip.clear();
                }
                skip.insert(id);
            }
            answers.push(answer);
        }
        Ok(genuine.then_some(answers))
    }

    /// Renews this client's leases with a driver's HTTP; see [`Renewer`].
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn renewer(&self, settings: Settings) -> Result<Renewer, Error> {
        Renewer::new(self.clone(), settings)
    }

    /// The renewal servers of the application file, in its order.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.shared.endpoints
    }

    /// The mirrors of the application file: base URLs of what is the same for all.
    pub fn mirrors(&self) -> &[String] {
        &self.shared.mirrors
    }

    /// The next event that this consumer has not been given, in the ledger's order; none if there is none yet. A consumer is
    /// a name; one that is new starts at the end. What is not acknowledged is given again after the next open.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], or if the ledger cannot be read.
    pub fn next_event(&self, consumer: &str) -> Result<Option<Event>, Error> {
        check_consumer(consumer)?;
        let mut guard = self.own(true)?.lock();
        let session = guard.as_mut().ok_or_else(closed)?;
        session.next_event(consumer)
    }

    /// A consumer has dealt with an event, and with all before it.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], or if its place cannot be written.
    pub fn acknowledge(&self, consumer: &str, record: u64, index: u32) -> Result<(), Error> {
        check_consumer(consumer)?;
        let mut guard = self.own(true)?.lock();
        let session = guard.as_mut().ok_or_else(closed)?;
        session.acknowledge(consumer, record, index)
    }

    /// All features of a SKU, as checks would answer, and how the ledger stands.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], or if the ledger cannot be read or written.
    pub fn status(&self, sku: &str) -> Result<Status, Error> {
        check_name("SKU", sku)?;
        self.with(|session| {
            let features = session.status(sku)?;
            let probe = features.first().cloned().unwrap_or_else(|| session.check(sku, "-", false));
            let ledger = session.ledger();
            Ok(Status {
                t: session.live().t,
                clock: session.live().clock,
                ledger: probe.ledger,
                flags: probe.flags,
                ledger_id: session.state().ledger.clone(),
                folder: (!probe.flags.in_memory).then(|| ledger.folder().to_owned()),
                generation: ledger.generation(),
                records: ledger.next_seq(),
                policy: session.state().policy().map(|policy| (policy.id.clone(), policy.version)),
                unproven: session.state().unproven(),
                features,
            })
        })
    }

    /// The SKUs that have a lease, in the order of their names.
    ///
    /// # Errors
    /// If the client was closed.
    pub fn skus(&self) -> Result<Vec<String>, Error> {
        self.with(|session| {
            let leases = session.state().licences().values().filter_map(|licence| licence.lease.as_ref());
            Ok(order::set(leases.map(|lease| lease.says.sku.clone())).into_iter().collect())
        })
    }

    /// Files an appeal, in the customer's words, and gives what to send to the vendor: JSON with the text, the ledger's
    /// signed head and its recent history. [`Appeal`](crate::renew::Appeal) reads it. Where there is a line, the next renewal takes it along
    /// by itself (A5), and [`EventKind::AppealReceived`] tells that the vendor has it; sent by hand as well, it is one.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a text over 10,000 bytes or an odd licence; or if the ledger cannot be written.
    pub fn appeal(&self, license: Option<&str>, text: &str) -> Result<Vec<u8>, Error> {
        if let Some(license) = license {
            check_name("licence", license)?;
        }
        if text.trim().is_empty() || text.len() > APPEAL_TEXT {
            return Err(Error::new(ErrorKind::Argument, "an appeal says in 1 to 10,000 bytes what happened"));
        }
        self.with(|session| renewal::appeal(session, license, text))
    }

    /// Upkeep: reads the clocks and the ledger, and records what is due. Call it from a thread of the product's own if the
    /// client was built with [`Upkeep::Own`]; it may wait for the disk and for other processes.
    ///
    /// # Errors
    /// If the ledger cannot be read or written.
    pub fn upkeep(&self) -> Result<(), Error> {
        self.with(|session| session.upkeep(|_| ()))
    }

    /// Closes the ledger: for this handle and its clones. Closing again is no error. A child of a fork closes its own alone,
    /// whether it has opened it or not, and its parent's stays open.
    ///
    /// # Errors
    /// If the ledger cannot be written; it is closed all the same.
    pub fn close(&self) -> Result<(), Error> {
        let mut client = self;
        while client.shared.pid != std::process::id() {
            match client.shared.child.get() {
                Some(child) => client = child,
                None => {
                    // A child of a fork that opened nothing has nothing to close, and opens nothing any more.
                    client.shared.closed.store(true, Ordering::Release);
                    return Ok(());
                }
            }
        }
        client.shared.take().map_or(Ok(()), |mut session| session.close())
    }

    /// The hashes of the records that a consumer was given.
    pub(crate) fn given(&self, consumer: &str) -> Result<Vec<[u8; 32]>, Error> {
        self.with(|session| session.given(consumer))
    }

    /// A consumer goes on at the first record that is not among these.
    pub(crate) fn skip_given(&self, consumer: &str, given: &HashSet<[u8; 32]>) -> Result<(), Error> {
        self.with(|session| session.skip_given(consumer, given))
    }

    /// Drops the ledger as a power cut would: nothing more is written.
    pub(crate) fn abandon(&self) {
        drop(self.shared.take());
    }

    /// The ledger's signed head: a checkpoint note that anybody can check against the file without any secret.
    ///
    /// # Errors
    /// If the client was closed.
    pub fn head(&self) -> Result<String, Error> {
        self.with(|session| {
            session.sync()?;
            Ok(session.ledger().note()?)
        })
    }

    /// The ledger's id, as leases and rulings name it.
    ///
    /// # Errors
    /// If the client was closed.
    pub fn ledger_id(&self) -> Result<String, Error> {
        self.with(|session| Ok(session.state().ledger.clone()))
    }

    /// The ledger's records from a number on, as rules A and the audit read them.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn history(&self, from: u64) -> Result<Vec<(u64, Arc<crate::grace::Record>)>, Error> {
        self.with(|session| {
            let mut records = Vec::new();
            // The newest first: so each earlier generation is opened once, from the one after it.
            for seq in (from.max(session.oldest()?)..session.ledger().next_seq()).rev() {
                if let Some(record) = session.record_at(seq)? {
                    records.push((seq, record));
                }
            }
            records.reverse();
            Ok(records)
        })
    }

    /// What happened that nobody was told of: the last few hundred notes of this client.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.own(true)
            .map(|shared| shared.lock().as_ref().map(Session::diagnostics).unwrap_or_default())
            .unwrap_or_default()
    }
}

/// A ledger's records from a number on, as its files hold them: nothing is recorded, repaired or locked, and no client is
/// opened. One that cannot be read is none. `storage` may show older generations alone.
///
/// # Errors
/// As [`Builder::open`]; no ledger is made.
pub fn read_records(
    storage: Arc<dyn Storage>,
    config: &Config,
    from: u64,
) -> Result<Vec<(u64, Option<crate::grace::Record>)>, Error> {
    let ledger = crate::ledger::Ledger::open(storage, config)?.ledger;
    let mut records = Vec::new();
    for seq in from.max(ledger.first_seq())..ledger.next_seq() {
        let payload = ledger.read_record(seq)?;
        records.push((seq, payload.and_then(|payload| records::decode(&payload).ok()).map(|(record, _)| record)));
    }
    Ok(records)
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client was closed; open the ledger again")
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if is_name(name) {
        return Ok(());
    }
    let text = format!("`{}` is no name of a {what}; use 1 to 128 of A-Z a-z 0-9 . _ : @ / + -", name.escape_debug());
    Err(Error::new(ErrorKind::Argument, text))
}

fn check_consumer(name: &str) -> Result<(), Error> {
    if events::is_consumer(name) {
        return Ok(());
    }
    let text = format!("`{}` is no name of a consumer; use 1 to 128 of A-Z a-z 0-9 . _ @ + -", name.escape_debug());
    Err(Error::new(ErrorKind::Argument, text))
}
