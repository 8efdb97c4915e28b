//! The one way by which documents are issued: renewals in batches, all else one at a time, and the log under the same lock. What is not committed
//! has not been issued, and leaves nobody's hands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reprieve::document::{self, Document as Says, KeyEntry, Role, Sign, TrustStore};
use reprieve::ledger::note::{self, Checkpoint};
use reprieve::ledger::tree::Hash;
use reprieve::renew::RenewalAnswer;
use reprieve::terms::Kind;
use ring::digest::{SHA256, digest};
use tokio::sync::{RwLock, mpsc, oneshot};

use crate::config::Config;
use crate::error::{self, Error, Result};
use crate::renew::{Answer, Ask, Books, Problem, Terms, in_order};
use crate::store::{LogState, NewDocument, NewEntry, Store, Tx};

/// What a ledger is answered.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// The documents.
    pub answer: RenewalAnswer,
    /// Why a licence has no new lease.
    pub problems: Vec<Problem>,
}

struct Job {
    ask: Ask,
    reply: oneshot::Sender<Result<Renewed>>,
}

/// An authority at work. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    lease: Box<dyn Sign>,
    log: Box<dyn Sign>,
    /// The root keys of the application file, and the newest `keys` issued.
    trust: RwLock<TrustStore>,
    queue: mpsc::Sender<Job>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("lease", &self.0.lease.kid()).finish_non_exhaustive()
    }
}

/// What a secret is known by in the database.
pub fn hash_of(secret: &str) -> String {
    digest(&SHA256, secret.trim().as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Authority {
    /// Starts it, with the keys that sign leases and checkpoints.
    ///
    /// # Errors
    /// Where the database cannot be read, or the key that signs leases is none that products will trust.
    pub async fn start(
        config: Config,
        store: Store,
        trust: TrustStore,
        lease: Box<dyn Sign>,
        log: Box<dyn Sign>,
    ) -> Result<Authority> {
        let (queue, jobs) = mpsc::channel(config.server.queue);
        let inner = Inner { config, store, lease, log, trust: RwLock::new(trust), queue };
        let authority = Authority(Arc::new(inner));
        authority.read_keys().await?;
        authority.check_lease_key().await?;
        authority.check_log_key().await?;
        tokio::spawn(work(authority.clone(), jobs));
        Ok(authority)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Whose keys say what, by the newest `keys` issued.
    pub async fn trust(&self) -> TrustStore {
        self.0.trust.read().await.clone()
    }

    /// The key that checks the log's checkpoints, in its text form.
    ///
    /// # Errors
    /// For a name that no note can hold.
    pub fn log_vkey(&self) -> Result<String> {
        Ok(note::Verifier::new(&self.0.config.log.origin, self.0.log.public())?.vkey())
    }

    /// Another instance may have issued newer `keys`.
    async fn read_keys(&self) -> Result<()> {
        let newest = self.0.store.common(false).await?.into_iter().rev().find(|one| one.kind == "keys");
        let Some(newest) = newest else { return Ok(()) };
        self.adopt(newest.token.as_bytes()).await;
        Ok(())
    }

    async fn adopt(&self, token: &[u8]) {
        let mut trust = self.0.trust.write().await;
        if let Ok(Says::Keys(keys)) = document::open(token, &trust).result {
            trust.adopt(&keys);
        }
    }

    /// Whether products that go by these keys take what this authority signs now.
    pub fn is_trusted_by(&self, keys: &[KeyEntry]) -> bool {
        let key = &self.0.lease;
        let now = reprieve::time::Instant::from_seconds(self.0.store.now());
        keys.iter().any(|entry| {
            entry.kid == key.kid()
                && entry.x == key.public()
                && entry.roles.contains(&Role::Lease)
                && entry.nbf.is_none_or(|nbf| nbf <= now)
                && entry.exp.is_none_or(|exp| now < exp)
        })
    }

    async fn check_lease_key(&self) -> Result<()> {
        let key = &self.0.lease;
        if self.is_trusted_by(self.trust().await.keys()) {
            return Ok(());
        }
        Err(Error::input(format!(
            "products would trust no lease of the key {}: it is not in the newest keys document with the role lease, or not valid now; publish a \
             keys document that names it",
            key.kid()
        )))
    }

    /// A log keeps its name: one that was signed by neither its key nor one that it is said to have had is another authority's.
    async fn check_log_key(&self) -> Result<()> {
        let (state, log) = (self.0.store.log_state().await?, &self.0.config.log);
        let origin = &log.origin;
        let mut keys = vec![note::Verifier::new(origin, self.0.log.public())?];
        for vkey in &log.older {
            let key = note::Verifier::from_vkey(vkey).map_err(|error| {
                Error::input(format!("`log.older` has {vkey:?}: {error}; `log-key` prints such a key"))
            })?;
            if key.name() != origin {
                return Err(Error::input(format!("`log.older` has a key of {}, and the log is {origin}", key.name())));
            }
            keys.push(key);
        }
        if state.checkpoint.is_empty() || keys.iter().any(|key| key.verify(&state.checkpoint).is_ok()) {
            return Ok(());
        }
        Err(Error::input(format!(
            "the log in the database was not signed by the key {} for {origin}: the database is another authority's, or `log.origin` or `keys.log` \
             was changed; put right which it was, or name the key before in `log.older`",
            self.0.log.kid()
        )))
    }

    /// Signs the log's size and root.
    ///
    /// # Errors
    /// What the key says if it does not sign.
    pub fn checkpoint(&self, size: u64, root: Hash) -> Result<String> {
        let (origin, key) = (&self.0.config.log.origin, &self.0.log);
        let checkpoint = Checkpoint { origin: origin.clone(), size, root, extensions: Vec::new() };
        note::sign_by(origin, key.public(), &checkpoint.text(), |text| {
            key.sign(text).map_err(|error| Error::unavailable(error.to_string()))
        })
    }

    /// Answers a renewal.
    ///
    /// # Errors
    /// `Busy` where too many wait, `Unavailable` where nothing can be issued now. Never a refusal.
    pub async fn renew(&self, ask: Ask) -> Result<Renewed> {
        let (reply, answer) = oneshot::channel();
        self.0.queue.try_send(Job { ask, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Error::unavailable("too many renewals wait for the database; try again")
            }
            mpsc::error::TrySendError::Closed(_) => Error::unavailable("the authority is stopping; try again"),
        })?;
        answer.await.map_err(|_| Error::unavailable("the authority is stopping; try again"))?
    }

    /// Issues a document that was signed elsewhere, once it is verified. What else is to be true with it is written in the same transaction.
    ///
    /// # Errors
    /// `Refused` with the document's own reason; `Conflict` for one that is not newer than what it would replace.
    pub async fn publish(&self, token: &[u8], who: &str, why: &str) -> Result<Published> {
        let mut tx = self.0.store.begin().await?;
        let published = self.publish_in(&mut tx, token, who, why).await?;
        tx.commit().await?;
        self.adopt(token).await;
        Ok(published)
    }

    /// As [`Authority::publish`], as part of a transaction.
    ///
    /// # Errors
    /// As [`Authority::publish`].
    pub async fn publish_in(&self, tx: &mut Tx, token: &[u8], who: &str, why: &str) -> Result<Published> {
        let refused = |text: String| Error::new(error::Kind::Refused, text);
        self.read_keys().await?;
        let trust = self.trust().await;
        let opened = document::open(token, &trust);
        let says = opened.result.map_err(|why| Error::from(why).at("the document"))?;
        let in_force = tx.in_force(&says.license().map(str::to_owned).into_iter().collect::<Vec<_>>()).await?;
        let of = |kind: Kind| in_force.iter().filter(move |one| one.kind == kind.as_str());
        let newest = |kind: Kind| of(kind).next_back().and_then(|one| document::read_unverified(one.token.as_bytes()));
        let name = match &says {
            Says::Lease(_) => return Err(refused("a lease answers a renewal, and is not published".to_owned())),
            Says::Keys(keys) => {
                if let Some(Says::Keys(old)) = newest(Kind::Keys)
                    && old.version >= keys.version
                {
                    let text = format!("keys of version {} are in force; give these a higher one", old.version);
                    return Err(Error::new(error::Kind::Conflict, text));
                }
                Some("keys".to_owned())
            }
            Says::Policy(new) => {
                if let Some(Says::Policy(old)) = newest(Kind::Policy) {
                    let conflict = |text: String| Err(Error::new(error::Kind::Conflict, text));
                    if old.policy.id != new.policy.id {
                        return conflict(format!(
                            "the policy in force is {}; a ledger has one line of policies",
                            old.policy.id
                        ));
                    }
                    if old.policy.version >= new.policy.version {
                        return conflict(format!(
                            "version {} is in force; give this one a higher version",
                            old.policy.version
                        ));
                    }
                }
                if !new.policy.changes.iter().any(|change| change.version == new.policy.version) {
                    let text = format!(
                        "the policy has no entry in `changes` for its version {}; say what changed",
                        new.policy.version
                    );
                    return Err(refused(text));
                }
                Some("policy".to_owned())
            }
            Says::Notice(notice) => Some(notice.id.clone()),
            Says::Extension(extension) => {
                let rules = match newest(Kind::Policy) {
                    Some(Says::Policy(policy)) => policy.policy.governance.clone(),
                    _ => return Err(refused("no policy is in force that allows extensions".to_owned())),
                };
                if extension.approvals < rules.approvals {
                    let text =
                        format!("{} have signed, and the policy asks for {}", extension.approvals, rules.approvals);
                    return Err(refused(text));
                }
                if extension.until > extension.iat + rules.max_extension {
                    return Err(refused(format!(
                        "it is longer than the policy's max_extension of {}",
                        rules.max_extension
                    )));
                }
                None
            }
            Says::Revocation(_) | Says::Ruling(_) => None,
        };
        let kind = says.kind();
        let ledger = match &says {
            Says::Ruling(ruling) => Some(ruling.ledger.clone()),
            _ => None,
        };
        let text = String::from_utf8(document::trim(token).to_vec())
            .map_err(|_| refused("the document is no text".to_owned()))?;
        let id = opened.id.to_string();
        let new = NewDocument {
            kind: kind.as_str(),
            token: text,
            license: says.license().map(str::to_owned),
            ledger,
            name,
            iat: says.iat().seconds(),
        };
        if !tx.rows_of("SELECT seq FROM documents WHERE id IN (?)", std::slice::from_ref(&id)).await?.is_empty() {
            return Err(Error::new(error::Kind::Conflict, "this document was issued before"));
        }
        let state = tx.log_state().await?;
        let state = tx.append(&state, &[new], |size, root| self.checkpoint(size, root)).await?;
        tx.note(NewEntry {
            who,
            what: "document.publish",
            subject: says.license().unwrap_or(&id),
            why,
            details: serde_json::json!({ "kind": kind.to_string(), "id": id, "signed_by": opened.kids, "seq": state.size - 1 }),
        })
        .await?;
        Ok(Published { id, kind, seq: state.size - 1 })
    }

    /// The time that this batch is dated by: never before what was issued already.
    fn date(&self, state: &LogState) -> Result<i64> {
        let now = self.0.store.now();
        if state.issued_at > now {
            // It was dated by a clock that was ahead, or ours is behind.
            self.0.store.compare_clocks(state.issued_at)?;
        }
        Ok(now.max(state.issued_at))
    }

    /// All that one batch does, in one transaction.
    async fn batch(&self, asks: &[Ask]) -> Result<Vec<Renewed>> {
        let mut tx = self.0.store.begin().await?;
        let state = tx.log_state().await?;
        let mut books = self.books(&mut tx, asks, &state).await?;
        let renewal = &self.0.config.renewal;
        let terms = Terms { lease: renewal.lease.as_seconds(), seat_kept: renewal.seat_kept.as_seconds() };
        let answers: Vec<Answer> = asks.iter().map(|ask| books.answer(ask, terms)).collect();
        let (documents, tokens) = tokio::task::block_in_place(|| self.sign(&answers, books.now, state.size))?;
        // A ledger that asked twice stands in it once, as it was last.
        let ledgers: BTreeMap<&String, _> =
            answers.iter().filter_map(|one| one.ledger.as_ref()).map(|row| (&row.id, row)).collect();
        tx.keep_ledgers(&ledgers.into_values().cloned().collect::<Vec<_>>()).await?;
        let seats: BTreeMap<_, _> =
            answers.iter().flat_map(|one| &one.seats).map(|row| ((&row.license, &row.ledger), row)).collect();
        tx.keep_seats(&seats.into_values().cloned().collect::<Vec<_>>()).await?;
        for (answer, ask) in answers.iter().zip(asks) {
            for (what, why) in &answer.tell {
                let entry = NewEntry {
                    who: "authority",
                    what,
                    subject: &ask.request.chain.ledger,
                    why,
                    details: serde_json::json!({}),
                };
                tx.note(entry).await?;
            }
        }
        tx.append(&state, &documents, |size, root| self.checkpoint(size, root)).await?;
        tx.commit().await?;
        let renewed = |(answer, tokens): (&Answer, Vec<String>)| Renewed {
            answer: RenewalAnswer { documents: in_order(&answer.documents, tokens) },
            problems: answer.problems.clone(),
        };
        Ok(answers.iter().zip(tokens).map(renewed).collect())
    }

    async fn books(&self, tx: &mut Tx, asks: &[Ask], state: &LogState) -> Result<Books> {
        let unique =
            |names: &mut dyn Iterator<Item = String>| names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        let ledgers = unique(&mut asks.iter().map(|ask| ask.request.chain.ledger.clone()));
        let hashes = unique(&mut asks.iter().filter_map(|ask| ask.code.clone()));
        let codes = tx.licences_of_codes(&hashes).await?;
        let mut seats = tx.seats_of_ledgers(&ledgers).await?;
        // All seats of a licence are counted only where one is to be taken: products send their code with each renewal.
        let wanted = asks.iter().filter_map(|ask| {
            let license = ask.granted.as_ref().or_else(|| codes.get(ask.code.as_ref()?))?;
            let holds = seats.iter().any(|seat| seat.license == *license && seat.ledger == ask.request.chain.ledger);
            (!holds).then(|| license.clone())
        });
        let activated = unique(&mut { wanted });
        seats.extend(tx.seats_of_licences(&activated).await?);
        let licenses = unique(&mut activated.iter().cloned().chain(seats.iter().map(|seat| seat.license.clone())));
        let licences = tx.licences(&licenses).await?.into_iter().map(|licence| (licence.id.clone(), licence)).collect();
        Ok(Books {
            now: self.date(state)?,
            size: i64::try_from(state.size).unwrap_or(i64::MAX),
            licences,
            codes,
            ledgers: tx.ledgers(&ledgers).await?,
            seats: seats.into_iter().map(|seat| ((seat.license.clone(), seat.ledger.clone()), seat)).collect(),
            documents: tx.in_force(&licenses).await?,
        })
    }

    /// The leases of a batch, signed: what is kept of them, and the tokens of each answer. `size`: how many documents there are before.
    fn sign(&self, answers: &[Answer], iat: i64, size: u64) -> Result<(Vec<NewDocument>, Vec<Vec<String>>)> {
        let (mut documents, mut tokens) = (Vec::new(), Vec::with_capacity(answers.len()));
        for answer in answers {
            let mut of = Vec::with_capacity(answer.leases.len());
            for lease in &answer.leases {
                // Its number in the log: a request that is sent twice in a second makes two documents, and each is found by its own name.
                let mut claims = lease.claims.clone();
                claims["jti"] =
                    serde_json::json!(format!("{}/{}", self.0.config.log.origin, size + documents.len() as u64));
                let token = document::issue_by(Kind::Lease, &claims, self.0.lease.as_ref())?;
                let token = String::from_utf8(token).map_err(|_| Error::unavailable("a token is no text"))?;
                of.push(token.clone());
                documents.push(NewDocument {
                    kind: Kind::Lease.as_str(),
                    token,
                    license: Some(lease.license.clone()),
                    ledger: answer.ledger.as_ref().map(|ledger| ledger.id.clone()),
                    name: None,
                    iat,
                });
            }
            tokens.push(of);
        }
        Ok((documents, tokens))
    }
}

/// A document that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The SHA-256 of the token, in hexadecimal digits.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its leaf in the log.
    pub seq: u64,
}

/// Answers renewals, as many at once as wait.
async fn work(authority: Authority, mut jobs: mpsc::Receiver<Job>) {
    let most = authority.0.config.server.batch;
    loop {
        let mut batch = Vec::with_capacity(most);
        if jobs.recv_many(&mut batch, most).await == 0 {
            return;
        }
        // One whose asker is gone is not worth a lease.
        batch.retain(|job| !job.reply.is_closed());
        let (asks, replies): (Vec<Ask>, Vec<_>) = batch.into_iter().map(|job| (job.ask, job.reply)).unzip();
        if asks.is_empty() {
            continue;
        }
        match authority.batch(&asks).await {
            Ok(answers) => replies.into_iter().zip(answers).for_each(|(reply, answer)| drop(reply.send(Ok(answer)))),
            Err(error) => {
                tracing::warn!(waiting = replies.len(), "{error}");
                replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone()))));
            }
        }
    }
}
