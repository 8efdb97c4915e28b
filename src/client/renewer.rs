//! A client and a renewal engine, tied together: what is left to the driver is HTTP and waiting.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{self, Duration};

use ring::rand::{SecureRandom, SystemRandom};

use super::error::{Error, ErrorKind};
use super::session::{Asked, Session, Turn};
use super::{Client, Request, closed};
use crate::document::TokenId;
use crate::renew::{Action, Attempt, AttemptId, Engine, Learned, Outcome, Outlook, Settings, Taken, problems};
use crate::time::Span;

/// What a driver does next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task {
    /// POST this body, `Content-Type: application/json`, and tell [`Renewer::ended`] what came of it. Redirects are not to be followed,
    /// certificates are to be verified by the name in the URL, and no more than [`MAX_ANSWER`](crate::renew::MAX_ANSWER) bytes are to be read.
    Send {
        /// Names the attempt.
        attempt: AttemptId,
        /// Where to.
        url: String,
        /// JSON. The same for each attempt of a round: a server that gets it twice answers twice, and counts once.
        body: Arc<[u8]>,
        /// If there is no answer within this, the attempt is over.
        within: Duration,
    },
    /// Ask for this URL by HEAD, and tell [`Renewer::ended`] what came of it: any answer, whatever its status, shows that the network is back.
    Probe {
        /// Names the attempt.
        attempt: AttemptId,
        /// An endpoint.
        url: String,
        /// If there is no answer within this, the attempt is over.
        within: Duration,
    },
    /// GET this URL of a mirror's, with `If-None-Match: etag` where there is one, and tell [`Renewer::ended`] what came of it, its `ETag` too. No
    /// header field that names the customer is to be sent; for the rest as `Send`.
    Get {
        /// Names the attempt.
        attempt: AttemptId,
        /// A file of documents.
        url: String,
        /// What it was last.
        etag: Option<String>,
        /// If there is no answer within this, the attempt is over.
        within: Duration,
    },
    /// Stop this attempt if it still runs: nobody waits for it any more.
    Abort(AttemptId),
    /// Nothing is to be done for so long, unless an attempt ends. Where a machine sleeps meanwhile that counts too: most timers do not run
    /// while it does, so poll once it is awake.
    Wait(Duration),
}

/// How renewing stands: for a page of settings, or a support case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Whether a round is under way.
    pub is_busy: bool,
    /// How long from now until the next round begins, by what is known; something may come in between. None while one is under way, before the
    /// first poll, and without endpoints.
    pub next: Option<Duration>,
    /// The attempt of this renewer's that ended last, and how long ago.
    pub last: Option<(Attempt, Duration)>,
}

#[derive(Debug, Default)]
struct Seen {
    is_busy: bool,
    next: Option<time::Instant>,
    last: Option<(Attempt, time::Instant)>,
}

/// Tells how a [`Renewer`] stands, from any thread, without waiting for it.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<Seen>>);

impl Watch {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let (seen, now) = (self.seen(), time::Instant::now());
        Standing {
            is_busy: seen.is_busy,
            next: seen.next.map(|next| next.saturating_duration_since(now)),
            last: seen.last.as_ref().map(|(last, at)| (last.clone(), now.saturating_duration_since(*at))),
        }
    }
}

/// After a request that could not be made: the disk may have room again.
const TROUBLE: Span = Span::seconds(60);

/// In an outage the ledger records no more than one request in so long: the authority sees none of them.
const RECORDED: Span = Span::seconds(86_400);

/// While another product has the turn.
const OTHERS_TURN: Span = Span::seconds(5);

/// The turn was refused, again and again.
#[derive(Debug)]
struct Refused {
    since: Span,
    last: Span,
    /// What stood in the side file, the same all the time.
    kept: Option<Vec<u8>>,
}

/// Renews a client's leases, with the driver's HTTP.
///
/// One for each client is enough; of all clients on a ledger, in whatever process, one at a time has the turn, and what it
/// learns the next one knows. Use it from a thread of its own or an event loop, never from a frame: `poll` and `ended` may wait for the disk and for other
/// processes. It never blocks the client's checks, `open` or `close`.
///
/// ```no_run
/// use reprieve::client::{Builder, Task};
/// use reprieve::renew::{Failure, Outcome};
///
/// let client = Builder::from_file("reprieve.toml")?.open()?;
/// let mut renewer = client.renewer(Default::default())?;
/// loop {
///     match renewer.poll()? {
///         Task::Send { attempt, .. } => renewer.ended(attempt, &Outcome::Failed(Failure::NoRoute)),
///         Task::Wait(pause) => std::thread::sleep(pause),
///         _ => {}
///     }
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), reprieve::client::Error>(())
/// ```
#[derive(Debug)]
pub struct Renewer {
    client: Client,
    engine: Engine,
    /// Which `keys` document the engine's endpoints are of; the outer `None`: it has none yet.
    keys: Option<Option<u64>>,
    body: Arc<[u8]>,
    nonce: String,
    turn: Option<Turn>,
    refused: Option<Refused>,
    /// When a request was recorded that has got no answer.
    requested: Option<Span>,
    /// What was left behind for other products last.
    left: Option<Learned>,
    /// Documents of mirrors that were refused.
    skip: HashSet<TokenId>,
    settings: Settings,
    /// The process that it works for: a child of a fork begins with a clean slate.
    pid: u32,
    /// A moment, by the client's clock and by the process's.
    origin: (Span, time::Instant),
    watch: Watch,
}

impl Renewer {
    pub(super) fn new(client: Client, settings: Settings) -> Result<Renewer, Error> {
        let mut seed = [0; 8];
        SystemRandom::new()
            .fill(&mut seed)
            .map_err(|_| Error::new(ErrorKind::Io, "the system has no random bytes; try again"))?;
        let engine = Engine::new(Vec::new(), settings.clone(), u64::from_ne_bytes(seed));
        let origin = (client.shared.clock.read().uptime, time::Instant::now());
        Ok(Renewer {
            client,
            engine,
            keys: None,
            body: Arc::from([]),
            nonce: String::new(),
            turn: None,
            refused: None,
            requested: None,
            left: None,
            skip: HashSet::new(),
            settings,
            pid: std::process::id(),
            origin,
            watch: Watch::default(),
        })
    }

    /// How it stands, to be asked from any thread.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The uptime, which runs while the machine sleeps. One that stands still, as a drill's does, or goes back, ends no pause: then the process's.
    pub(crate) fn now(&self) -> Span {
        let (uptime, then) = self.origin;
        let passed = i128::try_from(then.elapsed().as_nanos()).unwrap_or(i128::MAX);
        self.client.shared.clock.read().uptime.max(uptime + Span::nanos(passed))
    }

    /// What to do next. Call it again after each task, when a `Wait` has passed, and when an attempt has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] once the client was closed. All else that goes wrong stands in the client's diagnostics and is tried again later.
    pub fn poll(&mut self) -> Result<Task, Error> {
        if self.pid != std::process::id() {
            self.pid = std::process::id();
            self.engine.stop(self.now());
            // The attempts are the parent's, and the turn too: dropping it here does not give it back there.
            self.turn = None;
        }
        if let Some(turn) = &self.turn
            && !self.client.quietly(|session| Ok(session.has_turn(turn))).unwrap_or(true)
        {
            self.diagnose(["renewal: nobody polled for so long that another product took the turn".to_owned()]);
            self.engine.stop(self.now());
            self.turn = None;
        }
        let mut trouble = None;
        let mut outlook = match self.client.with(Session::outlook) {
            Ok(outlook) => outlook,
            Err(error) if error.kind() == ErrorKind::Closed => {
                // Other products wait for it, and nobody may poll again.
                self.turn = None;
                return Err(closed());
            }
            Err(error) => {
                trouble = Some(error);
                Outlook {
                    t: crate::time::Instant::EPOCH,
                    terms: Vec::new(),
                    windows: Vec::new(),
                    appeal: false,
                    look: TROUBLE,
                }
            }
        };
        self.find_endpoints();
        loop {
            let now = self.now();
            if let Some(error) = trouble.take() {
                self.diagnose([format!("renewal: the ledger cannot be asked what is due: {error}")]);
                if !self.engine.is_busy() {
                    self.rest();
                    return Ok(Task::Wait(duration(TROUBLE)));
                }
            }
            match self.engine.poll(now, &outlook) {
                Action::Begin if self.turn.is_none() => {
                    self.take_turn(now);
                    // Whoever had the turn before may have renewed.
                    if self.turn.is_some() {
                        match self.client.with(Session::outlook) {
                            Ok(fresh) => {
                                outlook = fresh;
                                self.find_endpoints();
                            }
                            Err(error) => trouble = Some(error),
                        }
                    }
                }
                Action::Begin => match self.request(now) {
                    Ok(request) => {
                        self.body = Arc::from(request.body);
                        self.nonce = request.nonce;
                        self.engine.begin(now);
                        let mut seen = self.watch.seen();
                        (seen.is_busy, seen.next) = (true, None);
                    }
                    Err(error) => {
                        self.diagnose([format!("renewal: no request could be made: {error}")]);
                        self.engine.put_off(now, TROUBLE);
                    }
                },
                Action::Look => {
                    if self.turn.is_none() {
                        self.take_turn(now);
                    }
                    if self.turn.is_some() {
                        self.engine.look(now);
                    }
                }
                Action::Probe { attempt, url, deadline } => {
                    return Ok(Task::Probe { attempt, url, within: duration(deadline - now) });
                }
                Action::Get { attempt, url, etag, deadline } => {
                    return Ok(Task::Get { attempt, url, etag, within: duration(deadline - now) });
                }
                Action::Send { attempt, url, deadline } => {
                    return Ok(Task::Send { attempt, url, body: self.body.clone(), within: duration(deadline - now) });
                }
                Action::Abort(attempt) => return Ok(Task::Abort(attempt)),
                Action::Report(outage) => {
                    if let Err(error) = self.client.report(outage) {
                        let text = format!("renewal: an outage ({}) could not be recorded: {error}", outage.as_str());
                        self.diagnose([text]);
                    }
                }
                Action::Wait(until) => {
                    self.rest();
                    let next = self.engine.next_round(now, &outlook).map(|next| duration(next - now));
                    let mut seen = self.watch.seen();
                    seen.is_busy = self.engine.is_busy();
                    seen.next = next.and_then(|next| time::Instant::now().checked_add(next));
                    drop(seen);
                    return Ok(Task::Wait(duration(until - now)));
                }
            }
        }
    }

    /// The ways to the authority, where a `keys` document has changed them.
    fn find_endpoints(&mut self) {
        let (app, mirrors) = (self.client.endpoints(), self.client.mirrors());
        let known = self.keys;
        let find = |session: &mut Session| {
            let (keys, endpoints) = session.endpoints(app);
            Ok((keys, endpoints, (known != Some(keys)).then(|| session.mirrors(mirrors))))
        };
        // A ledger that cannot be asked changes nothing.
        let Ok((keys, endpoints, mirrors)) = self.client.quietly(find) else { return };
        if let Some(mirrors) = mirrors {
            self.keys = Some(keys);
            let now = self.now();
            self.engine.set_endpoints(endpoints, now);
            self.engine.set_mirrors(mirrors, now);
        }
    }

    fn take_turn(&mut self, now: Span) {
        // Who was refused, went away and comes back has seen two turns, and not one that never ends.
        let without_end = |refused: &Refused| now - refused.last <= OTHERS_TURN + OTHERS_TURN + OTHERS_TURN;
        let refused = self.refused.take().filter(without_end);
        let stuck = refused.as_ref().filter(|refused| self.settings.turn <= now - refused.since);
        let stuck = stuck.map(|refused| &refused.kept);
        match self.client.quietly(|session| session.try_turn(stuck)) {
            Ok(Asked::Given(turn, learned)) => {
                self.turn = Some(turn);
                if let Some(learned) = &learned {
                    self.engine.learn(learned, now);
                    self.requested = learned.requested.map(|at| at.min(now));
                }
                self.left = learned.map(|learned| *learned);
            }
            Ok(Asked::Refused(kept)) => {
                let since = refused.filter(|before| before.kept == kept).map_or(now, |before| before.since);
                self.refused = Some(Refused { since, last: now, kept });
                self.engine.put_off(now, OTHERS_TURN);
            }
            Err(error) => {
                self.diagnose([format!("renewal: no turn could be had: {error}")]);
                self.engine.put_off(now, TROUBLE);
            }
        }
    }

    /// A request; one that is made in an outage, after another that got no answer, is not recorded again before a day has passed.
    fn request(&mut self, now: Span) -> Result<Request, Error> {
        if self.requested.is_some_and(|at| now - at < RECORDED)
            && let Some(request) = self.client.request_again()?
        {
            return Ok(request);
        }
        let request = self.client.request()?;
        self.requested = Some(now);
        Ok(request)
    }

    /// What ended goes to the diagnostics, and to who watches.
    fn note_attempts(&mut self) {
        let attempts: Vec<Attempt> = self.engine.attempts().collect();
        self.diagnose(attempts.iter().map(|attempt| {
            let took = (attempt.until - attempt.since).as_nanos() / 1_000_000;
            format!("renewal: {}: {} after {took} ms", attempt.url, attempt.ended)
        }));
        if let Some(last) = attempts.into_iter().last() {
            self.watch.seen().last = Some((last, time::Instant::now()));
        }
    }

    /// Between rounds: what was learned is left for the others, and the turn is given back.
    fn rest(&mut self) {
        self.note_attempts();
        if !self.engine.is_busy()
            && let Some(turn) = self.turn.take()
        {
            let mut learned = self.engine.learned();
            learned.requested = self.requested;
            if self.left.as_ref().is_none_or(|left| learned.differs(left)) {
                // A client that was closed meanwhile has nothing to leave behind.
                let _ = self.client.quietly(|session| {
                    session.keep_learned(learned, &turn);
                    Ok(())
                });
            }
        }
    }

    fn diagnose(&self, texts: impl IntoIterator<Item = String>) {
        let mut texts = texts.into_iter().peekable();
        if texts.peek().is_none() {
            return;
        }
        let _ = self.client.quietly(|session| {
            texts.for_each(|text| session.diagnose(text));
            Ok(())
        });
    }

    /// An attempt has ended, in this way: a whole answer, or a failure. One that is over already is nothing.
    pub fn ended(&mut self, attempt: AttemptId, outcome: &Outcome) {
        let now = self.now();
        let of_mirror = self.engine.is_of_mirror(attempt);
        if let Outcome::Answer(answer) = outcome
            && !of_mirror
        {
            self.diagnose(problems(&answer.body).iter().map(|problem| format!("renewal: the server says: {problem}")));
        }
        if self.engine.ended(attempt, outcome, now)
            && let Outcome::Answer(answer) = outcome
        {
            match of_mirror {
                true => self.fetched(attempt, &answer.body, now),
                false => self.import(attempt, &answer.body, now),
            }
        }
        self.note_attempts();
    }

    fn import(&mut self, attempt: AttemptId, body: &[u8], now: Span) {
        match self.client.renew_answering(body, &self.nonce) {
            Ok(answers) => {
                let refused = answers.iter().zip(1..).filter_map(|((answer, _), at)| {
                    let error = answer.error?;
                    Some(format!("renewal: document {at} of the answer is refused ({error}): {}", answer.detail))
                });
                self.diagnose(refused.collect::<Vec<_>>());
                if answers.iter().any(|(answer, _)| answer.accepted && !answer.known) {
                    self.requested = None;
                }
                let results: Vec<_> = answers.into_iter().map(|(_, taken)| taken).collect();
                // Over plain HTTP anybody can show an old answer, and that holds no appeal back.
                if self.engine.imported(attempt, &results, now) {
                    self.client.appeals_were_carried();
                }
            }
            Err(error) if error.kind() == ErrorKind::Claims => {
                self.engine.imported::<Taken>(attempt, &[], now);
            }
            Err(error) => {
                self.diagnose([format!("renewal: an answer could not be taken: {error}")]);
                self.engine.not_imported(attempt, now);
            }
        }
    }

    /// What a mirror gave.
    fn fetched(&mut self, attempt: AttemptId, file: &[u8], now: Span) {
        let news = match self.client.renew_common(file, &mut self.skip) {
            Ok(answers) => {
                answers.map(|answers| answers.iter().filter(|answer| answer.accepted && !answer.known).count())
            }
            Err(error) => {
                self.diagnose([format!("renewal: what a mirror gave could not be taken: {error}")]);
                None
            }
        };
        self.engine.fetched(attempt, news, now);
    }

    /// The network is back, or another one is there: a pause after failures ends within some seconds.
    pub fn network_changed(&mut self) {
        let now = self.now();
        self.engine.network_changed(now);
    }

    /// A renewal is wanted though none is due.
    pub fn renew_now(&mut self) {
        self.engine.renew_now();
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.as_nanos()).unwrap_or(0))
}
