//! The engine: idle, in a round, or pausing after one that failed.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::date::retry_after;
use super::endpoint::{Breaker, is_authentic, order};
use super::evidence::{self, Failure, Taken, Verdict};
use super::look::{Look, Looks, Next, Target};
use super::round::{AttemptId, Ended, HttpAnswer, Outcome, Over, Round, Want, is_for_client, outage_of};
use super::schedule::{Outlook, doubled};
use crate::document::Endpoint;
use crate::order::map;
use crate::terms::Outage;
use crate::time::{Instant, Span};

/// How long things last. The defaults suit leases of hours to months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// An attempt that has no answer after this has failed.
    pub timeout: Span,
    /// After this the next endpoint is tried beside the one that has not answered yet.
    pub hedge: Span,
    /// The pause after the first round that failed, at most: the pause is drawn between nothing and this (full jitter), and this
    /// doubles with each.
    pub pause: Span,
    /// What it doubles up to.
    pub pause_most: Span,
    /// What a `Retry-After` is believed up to: a wrong date of the server's must not outlast the grace.
    pub retry_after_most: Span,
    /// A renewal that the authority answered without a lease is not asked for again before this.
    pub answered: Span,
    /// Nor is one that gave a lease, whatever that lease says: one that ends at once must not make a client ask without end. Where something
    /// is due still, it is asked for again after this, then after twice as long, up to `answered`.
    pub renewed: Span,
    /// A product that has had the turn for so long, and has let nobody know of anything that it did, loses it to another.
    pub turn: Span,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout: Span::seconds(15),
            hedge: Span::seconds(3),
            pause: Span::seconds(30),
            pause_most: Span::seconds(900),
            retry_after_most: Span::seconds(3600),
            answered: Span::seconds(3600),
            renewed: Span::seconds(60),
            turn: Span::seconds(300),
        }
    }
}

/// What the driver is to do. `poll` again after each, until it says `Wait`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A renewal is due: make a request (`Client::request`), keep its body for the sends that follow, and call [`Engine::begin`]; or, if it cannot be
    /// made, or another product on the ledger is at it, [`Engine::put_off`].
    Begin,
    /// POST the request's body to this URL, and tell [`Engine::ended`] what came of it, at the deadline at the latest.
    Send {
        /// Names the attempt.
        attempt: AttemptId,
        /// Where to.
        url: String,
        /// When it has failed if there is no answer.
        deadline: Span,
    },
    /// Something is to be looked at by one client of the ledger alone, as a renewal is: whether the network is back, or what a mirror has. Call
    /// [`Engine::look`]; or, if another product on the ledger is at it, [`Engine::put_off`].
    Look,
    /// Ask for this URL by HEAD: any answer shows that the network leads there. Tell [`Engine::ended`] what came of it.
    Probe {
        /// Names the attempt.
        attempt: AttemptId,
        /// An endpoint.
        url: String,
        /// When it has failed if there is no answer.
        deadline: Span,
    },
    /// GET this URL of a mirror's, with `If-None-Match: etag` where there is one, and tell [`Engine::ended`] what came of it.
    Get {
        /// Names the attempt.
        attempt: AttemptId,
        /// The file of the documents that are the same for all.
        url: String,
        /// The `ETag` of what it gave last.
        etag: Option<String>,
        /// When it has failed if there is no answer.
        deadline: Span,
    },
    /// Stop this attempt if it still runs: nobody waits for it any more.
    Abort(AttemptId),
    /// The round has failed: report this outage (`Client::report`).
    Report(Outage),
    /// There is nothing to do before this, unless an attempt ends or the engine is told something.
    Wait(Span),
}

/// An attempt that is over, for the diagnostics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where to.
    pub url: String,
    /// When it began.
    pub since: Span,
    /// When it ended.
    pub until: Span,
    /// How.
    pub ended: Ended,
}

/// The pause that is left when the network is back, at most.
const SOON: Span = Span::seconds(5);

/// A network that comes and goes cuts no more than one pause in so long.
const FLAPS: Span = Span::seconds(30);

/// A button that is pressed without end begins no round sooner than this after the last.
const PRESSED: Span = Span::seconds(5);

/// Nobody can tell how an attempt ended that is looked at so long after its deadline: the machine slept, or the process was stopped.
const LATE: Span = Span::seconds(120);

/// What the clients of one ledger tell each other between their rounds: whoever has the turn takes it, and leaves it behind. Its
/// instants are those of `now` in [`Engine::poll`], so it is of one boot of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    failures: u32,
    fruitless: u32,
    hopeless: Option<(Span, Instant)>,
    paused_until: Option<Span>,
    asked_until: Option<Span>,
    breakers: BTreeMap<String, Breaker>,
    looks: Looks,
    /// When a head was recorded that is still sent.
    pub(crate) requested: Option<Span>,
}

impl Learned {
    /// What the mirrors gave is not in the ledger any more.
    pub(crate) fn forget_mirrors(&mut self) {
        self.looks.forget_mirrors();
    }

    /// Whether others are to be told of it: all but when the next probe is made.
    pub(crate) fn differs(&self, other: &Learned) -> bool {
        let plain = |learned: &Learned| Learned { looks: learned.looks.without_probes(), ..learned.clone() };
        plain(self) != plain(other)
    }
}

/// How many attempts are kept until somebody asks for them.
const KEPT: usize = 256;

/// See the [module](self::super).
#[derive(Debug)]
pub struct Engine {
    endpoints: Vec<(Endpoint, Breaker)>,
    settings: Settings,
    chance: Chance,
    /// This client's place in the crowd, the same for one lease.
    share: f64,
    round: Option<Round>,
    /// Rounds that failed in a row.
    failures: u32,
    /// Rounds in a row that were answered and left something due.
    fruitless: u32,
    /// Before this, what was due at that time already is nothing to renew for: it was asked for, and not given.
    hopeless: Option<(Span, Instant)>,
    /// No round begins before this: a pause. Shortened when the network is said to be back.
    paused_until: Option<Span>,
    /// Nor before this, whatever happens: the authority asked for it.
    asked_until: Option<Span>,
    /// Nor before this: no request could be made, or another product has the turn.
    put_off_until: Option<Span>,
    /// Nor before this, if somebody wants one.
    rested_until: Option<Span>,
    /// A pause after failures ends here: the network changed.
    soon: Option<Span>,
    /// From when on the last change of the network cut a pause.
    changed: Option<Span>,
    wanted: bool,
    looks: Looks,
    mirrors: Vec<String>,
    /// What is being looked at: at most one probe and one mirror.
    looking: Vec<Look>,
    actions: VecDeque<Action>,
    attempts: VecDeque<Attempt>,
    next: u64,
}

impl Engine {
    /// An engine that knows these ways to the authority. `seed`: random, of this client's own, or a vendor's clients would all
    /// come at once.
    pub fn new(endpoints: Vec<Endpoint>, settings: Settings, seed: u64) -> Engine {
        let mut chance = Chance::new(seed);
        Engine {
            endpoints: endpoints.into_iter().map(|endpoint| (endpoint, Breaker::default())).collect(),
            settings,
            share: chance.share(),
            chance,
            round: None,
            failures: 0,
            fruitless: 0,
            hopeless: None,
            paused_until: None,
            asked_until: None,
            put_off_until: None,
            rested_until: None,
            soon: None,
            changed: None,
            wanted: false,
            looks: Looks::default(),
            mirrors: Vec::new(),
            looking: Vec::new(),
            actions: VecDeque::new(),
            attempts: VecDeque::new(),
            next: 0,
        }
    }

    /// Other ways to the authority from now on; what is known of one that stays is kept. A round that is under way begins anew.
    pub fn set_endpoints(&mut self, endpoints: Vec<Endpoint>, now: Span) {
        self.stop(now);
        let known = std::mem::take(&mut self.endpoints);
        self.endpoints = endpoints
            .into_iter()
            .map(|endpoint| {
                let breaker = known.iter().find(|(old, _)| old.url == endpoint.url).map(|(_, breaker)| *breaker);
                (endpoint, breaker.unwrap_or_default())
            })
            .collect();
    }

    /// The mirrors of what is the same for all, as base URLs.
    pub fn set_mirrors(&mut self, mirrors: Vec<String>, now: Span) {
        if self.mirrors != mirrors {
            self.stop_looks(now);
            self.mirrors = mirrors;
        }
    }

    /// What is to be done now. `now` is time that passes steadily (monotonic), from whatever beginning.
    pub fn poll(&mut self, now: Span, outlook: &Outlook) -> Action {
        if let Some(action) = self.actions.pop_front() {
            return action;
        }
        while let Some(late) = self.expired(now) {
            self.actions.push_back(Action::Abort(late));
            self.ended(late, &Outcome::Failed(Failure::TimedOut), now);
        }
        if let Some(action) = self.actions.pop_front() {
            return action;
        }
        let looked = self.looking.iter().filter(|look| !look.importing).map(|look| look.deadline).min();
        let action = self.step(now, outlook);
        match (action, looked) {
            (Action::Wait(until), Some(deadline)) => Action::Wait(until.min(deadline)),
            (action, _) => action,
        }
    }

    fn expired(&self, now: Span) -> Option<AttemptId> {
        let late = |look: &&Look| !look.importing && look.deadline <= now;
        let look = self.looking.iter().find(late).map(|look| look.id);
        look.or_else(|| self.round.as_ref().and_then(|round| round.expired(now)))
    }

    fn step(&mut self, now: Span, outlook: &Outlook) -> Action {
        let Some(round) = self.round.as_mut() else { return self.idle(now, outlook) };
        match round.want(now) {
            Want::Start(endpoint) => {
                let attempt = AttemptId(self.next);
                self.next += 1;
                let deadline = now + self.settings.timeout;
                round.started(attempt, endpoint, now, deadline);
                let url = self.endpoints.get(endpoint).map_or_else(String::new, |known| known.0.url.clone());
                Action::Send { attempt, url, deadline }
            }
            Want::Wait(until) => Action::Wait(until),
            Want::Over(over) => {
                self.round = None;
                self.over(over, now, outlook)
            }
        }
    }

    /// Between two rounds: a renewal comes first, then what is to be looked at.
    fn idle(&mut self, now: Span, outlook: &Outlook) -> Action {
        let action = self.renewal(now, outlook);
        let Action::Wait(until) = action else { return action };
        match self.next_look(now).map(|(at, _)| at.max(self.put_off_until.unwrap_or(at))) {
            Some(at) if at <= now => Action::Look,
            Some(at) => Action::Wait(until.min(at)),
            None => Action::Wait(until),
        }
    }

    /// The next look, and when: a probe only where it can cut a pause, and never past a breaker or what the authority asked for.
    fn next_look(&self, now: Span) -> Option<(Span, Next)> {
        let until = self.paused_until.unwrap_or(now);
        let is_under_way = |mirror: bool| self.looking.iter().any(|look| look.target.is_mirror() == mirror);
        let probe = self.looks.probe_at.filter(|_| self.looks.offline && !is_under_way(false) && now < until);
        let probe = probe.and_then(|at| {
            let breaker = |(index, (_, breaker)): (usize, &(Endpoint, Breaker))| (breaker.opens(now), index);
            let (opens, index) = self.endpoints.iter().enumerate().map(breaker).min_by_key(|(opens, _)| *opens)?;
            let at = at.max(opens).max(self.asked_until.unwrap_or(at));
            (at < until && self.soon.is_none_or(|soon| soon <= now)).then_some((at, Next::Probe(index)))
        });
        let get =
            (!self.mirrors.is_empty() && !is_under_way(true)).then(|| (self.looks.get_at.unwrap_or(now), Next::Get));
        probe.into_iter().chain(get).min_by_key(|(at, _)| *at)
    }

    /// What [`Action::Look`] asked for is done now.
    pub fn look(&mut self, now: Span) {
        let Some((at, next)) = self.next_look(now) else { return };
        if now < at {
            return;
        }
        let id = AttemptId(self.next);
        self.next += 1;
        let (target, action) = match next {
            Next::Probe(index) => {
                let Some((endpoint, _)) = self.endpoints.get(index) else { return };
                let (url, deadline) =
                    (endpoint.url.clone(), now + self.settings.timeout.min(super::look::PROBE_WITHIN));
                self.looks.probe_at = None;
                (Target::Probe(url.clone()), Action::Probe { attempt: id, url, deadline })
            }
            Next::Get => {
                let share = self.chance.share();
                let Some(base) = self.looks.mirror(&self.mirrors, share) else { return };
                let (url, deadline) = (super::look::common(base), now + self.settings.timeout);
                let etag = self.looks.etags.get(&url).cloned();
                (Target::Mirror(url.clone()), Action::Get { attempt: id, url, etag, deadline })
            }
        };
        let (Action::Probe { deadline, .. } | Action::Get { deadline, .. }) = action else { return };
        self.looking.push(Look { id, target, since: now, deadline, importing: false, etag: None });
        self.actions.push_back(action);
    }

    /// A look has ended. True: documents are for the client (`Client::renew_common`), and [`Engine::fetched`] has to follow.
    fn looked(&mut self, at: usize, outcome: &Outcome, now: Span) -> bool {
        let Some(look) = self.looking.get_mut(at).filter(|look| !look.importing) else { return false };
        if let (Target::Mirror(_), Outcome::Answer(answer)) = (&look.target, outcome)
            && is_for_client(answer)
        {
            (look.importing, look.etag) = (true, answer.etag.clone());
            return true;
        }
        let look = self.looking.remove(at);
        let ended = match (outcome, &look.target) {
            (Outcome::Failed(failure), _) => Ended::Failed(*failure),
            (Outcome::Answer(_), Target::Probe(_)) => Ended::Reached,
            (Outcome::Answer(answer), Target::Mirror(_)) if answer.status == 304 => Ended::Unchanged,
            (Outcome::Answer(answer), Target::Mirror(_)) => Ended::Status(answer.status),
        };
        match (&look.target, outcome) {
            (Target::Probe(_), Outcome::Answer(answer)) => {
                self.obey(answer, now);
                self.looks.reached();
                self.network_changed(now);
            }
            (Target::Probe(_), Outcome::Failed(_)) => {
                let most = self.looks.probe_failed(self.settings.pause_most);
                self.looks.probe_at = Some(now + self.drawn(most));
            }
            (Target::Mirror(url), _) => {
                let share = self.chance.share();
                if ended == Ended::Unchanged {
                    self.looks.got(now, share);
                } else {
                    self.looks.etags.remove(url);
                    self.looks.get_failed(now, self.mirrors.len(), share);
                }
            }
        }
        // A day without a network is one line, not thousands.
        if look.target.is_mirror() || ended == Ended::Reached || self.looks.is_first_probe() {
            self.keep_of(look.target.url(), look.since, now, ended);
        }
        false
    }

    /// Whether an attempt is of a mirror: then its documents are those that are the same for all, and nothing that it says is evidence of the authority.
    pub fn is_of_mirror(&self, attempt: AttemptId) -> bool {
        self.looking.iter().any(|look| look.id == attempt && look.target.is_mirror())
    }

    /// What a mirror gave was taken: so many documents of it were news. None: the ledger could not be written, or it was no list of documents.
    pub fn fetched(&mut self, attempt: AttemptId, news: Option<usize>, now: Span) {
        let Some(at) = self.looking.iter().position(|look| look.id == attempt && look.importing) else { return };
        let look = self.looking.remove(at);
        let share = self.chance.share();
        match news {
            Some(_) => {
                self.looks.got(now, share);
                self.looks.keep_etag(look.target.url(), look.etag);
            }
            None => self.looks.get_failed(now, self.mirrors.len(), share),
        }
        self.keep_of(look.target.url(), look.since, now, news.map_or(Ended::Status(200), Ended::Fetched));
    }

    fn renewal(&mut self, now: Span, outlook: &Outlook) -> Action {
        if self.endpoints.is_empty() {
            return Action::Wait(now + outlook.look);
        }
        if let Some(until) = self.held().filter(|until| now < *until) {
            return Action::Wait(until);
        }
        match self.due(now, outlook) {
            at if at <= now => Action::Begin,
            // The clock, or what the ledger holds, may be another by then.
            at => Action::Wait(at.min(now + outlook.look)),
        }
    }

    /// No round begins before this.
    fn held(&self) -> Option<Span> {
        let pause = if self.wanted { self.rested_until } else { self.pause() };
        [self.asked_until, self.put_off_until, pause].into_iter().flatten().max()
    }

    /// When a round is wanted, by what is known now; `now` where it is already.
    fn due(&self, now: Span, outlook: &Outlook) -> Span {
        if self.wanted || outlook.appeal {
            return now;
        }
        let hopeless = self.hopeless.filter(|(until, _)| now < *until);
        let due = match (outlook.due_after(self.share, hopeless.map(|(_, t)| t)), hopeless) {
            (Some(due), _) if outlook.t < due => now + due.since(outlook.t),
            (None, Some((until, _))) => until,
            _ => now,
        };
        hopeless.map_or(due, |(until, _)| due.min(until))
    }

    /// When the pause ends: that after failures soon, if the network has changed.
    fn pause(&self) -> Option<Span> {
        let until = self.paused_until?;
        Some(self.soon.filter(|_| self.failures > 0).map_or(until, |soon| until.min(soon)))
    }

    /// When the next round begins, by what is known now: for people to see. None while one is under way, and without endpoints. What the driver
    /// waits for is said by [`Engine::poll`].
    pub fn next_round(&self, now: Span, outlook: &Outlook) -> Option<Span> {
        if self.endpoints.is_empty() || self.round.is_some() {
            return None;
        }
        let due = self.due(now, outlook);
        Some(self.held().map_or(due, |held| due.max(held)))
    }

    fn over(&mut self, over: Over, now: Span, outlook: &Outlook) -> Action {
        self.wanted = false;
        self.rested_until = Some(now + PRESSED);
        match over {
            Over::Renewed => {
                self.looks.online();
                self.failures = 0;
                self.paused_until = Some(now + self.settings.renewed);
                self.asked_until = None;
                // Another lease, another place in the crowd.
                self.share = self.chance.share();
                if outlook.due(self.share).is_some_and(|due| outlook.t < due) {
                    (self.fruitless, self.hopeless) = (0, None);
                } else {
                    // A licence that is renewed no more, beside one that is; a lease that ended before it came.
                    let most = self.settings.answered.max(self.settings.renewed);
                    let pause = doubled(self.settings.renewed, self.fruitless, most);
                    self.fruitless = self.fruitless.saturating_add(1);
                    self.hopeless = Some((now + pause, outlook.t));
                }
                self.idle(now, outlook)
            }
            Over::Answered => {
                self.looks.online();
                self.failures = 0;
                self.paused_until = Some(now + self.settings.answered);
                self.idle(now, outlook)
            }
            Over::NotTried => {
                self.pause_after_failure(now);
                self.idle(now, outlook)
            }
            Over::Failed(outage) => {
                self.pause_after_failure(now);
                let share = self.chance.share();
                self.looks.round_failed(outage, now, share);
                if outage == Outage::Network {
                    let most = self.looks.probe_most(self.settings.pause_most);
                    self.looks.probe_at = Some(now + self.drawn(most));
                }
                Action::Report(outage)
            }
        }
    }

    fn pause_after_failure(&mut self, now: Span) {
        let most = doubled(self.settings.pause, self.failures, self.settings.pause_most);
        self.failures = self.failures.saturating_add(1);
        self.paused_until = Some(now + self.drawn(most));
    }

    /// Full jitter: anything between nothing and `most`.
    fn drawn(&mut self, most: Span) -> Span {
        Span::nanos((most.as_nanos() as f64 * self.chance.share()) as i128)
    }

    /// The request is made: a round begins.
    pub fn begin(&mut self, now: Span) {
        if self.round.is_none() {
            self.soon = self.soon.filter(|soon| now < *soon);
            let known = self.endpoints.iter().map(|(endpoint, breaker)| (endpoint, breaker));
            let order = order(known, now, &mut self.chance);
            self.round = Some(Round::new(order, self.settings.hedge));
        }
    }

    /// No request can be made, or another product on the ledger is at it: look again after this long.
    pub fn put_off(&mut self, now: Span, pause: Span) {
        self.put_off_until = Some(now + pause);
    }

    /// The network is back, or another one is there: a pause after failures ends within some seconds, drawn at random; within half a minute if
    /// this is called again and again. What the authority asked for (`Retry-After`) is kept.
    pub fn network_changed(&mut self, now: Span) {
        if self.soon.is_none_or(|soon| soon <= now) {
            let from = self.changed.map_or(now, |last| now.max(last + FLAPS));
            self.changed = Some(from);
            self.soon = Some(from + self.drawn(SOON));
        }
        for (_, breaker) in &mut self.endpoints {
            breaker.forgiven();
        }
    }

    /// A renewal is wanted though none is due: somebody pressed a button. It begins at once, or some seconds after the round before. What the
    /// authority asked for is kept.
    pub fn renew_now(&mut self) {
        self.wanted = true;
    }

    /// An attempt has ended, in this way. True: the answer's body is for the client (`Client::renew`), and
    /// [`Engine::imported`] or [`Engine::not_imported`] has to follow. An attempt that is over already is nothing.
    pub fn ended(&mut self, attempt: AttemptId, outcome: &Outcome, now: Span) -> bool {
        if let Some(at) = self.looking.iter().position(|look| look.id == attempt) {
            return self.looked(at, outcome, now);
        }
        let Some(round) = self.round.as_mut() else { return false };
        let Some(running) = round.running.iter_mut().find(|running| running.id == attempt) else { return false };
        if running.importing.is_some() {
            return false;
        }
        let authentic = self.endpoints.get(running.endpoint).is_some_and(|known| is_authentic(&known.0));
        match outcome {
            Outcome::Failed(failure) => {
                let in_time = now - running.deadline <= LATE;
                let (failure, evidence) = (*failure, failure.evidence(authentic).filter(|_| in_time));
                self.finish(attempt, now, Ended::Failed(failure), |round| round.failed(evidence));
                false
            }
            Outcome::Answer(answer) if is_for_client(answer) => {
                running.importing = Some(answer.status);
                true
            }
            Outcome::Answer(answer) => {
                self.obey(answer, now);
                let outage = outage_of(answer.status, authentic);
                self.finish(attempt, now, Ended::Status(answer.status), |round| round.failed(Some(outage)));
                false
            }
        }
    }

    /// What the client said of the documents in an answer: for each, that it was accepted (`None`), or why not. An answer that is no list of
    /// documents has none. Returns whether it was the authority that answered.
    pub fn imported<T: Copy + Into<Taken>>(&mut self, attempt: AttemptId, results: &[T], now: Span) -> bool {
        let Some((status, authentic)) = self.importing(attempt) else { return false };
        let results: Vec<Taken> = results.iter().map(|result| (*result).into()).collect();
        let verdict = evidence::of_documents(&results, authentic);
        let ended = match verdict {
            Verdict::Renewed => Ended::Renewed,
            Verdict::Answered => Ended::Answered(results.iter().find_map(|taken| taken.refusal)),
            Verdict::Failed(_) => Ended::Status(status),
        };
        let answered = !matches!(verdict, Verdict::Failed(_));
        self.finish(attempt, now, ended, |round| round.verdict(verdict));
        answered
    }

    /// The client could not take the answer: the ledger could not be written, which is no outage (rule G1).
    pub fn not_imported(&mut self, attempt: AttemptId, now: Span) {
        if self.is_of_mirror(attempt) {
            return self.fetched(attempt, None, now);
        }
        if self.importing(attempt).is_some() {
            self.finish(attempt, now, Ended::Failed(Failure::Local), |round| round.failed(None));
        }
    }

    fn importing(&self, attempt: AttemptId) -> Option<(u16, bool)> {
        let running = self.round.as_ref()?.running.iter().find(|running| running.id == attempt)?;
        let authentic = self.endpoints.get(running.endpoint).is_some_and(|known| is_authentic(&known.0));
        Some((running.importing?, authentic))
    }

    /// One attempt is over; with it, if it decides the round, all the others.
    fn finish(&mut self, attempt: AttemptId, now: Span, ended: Ended, tell: impl FnOnce(&mut Round)) {
        let Some(round) = self.round.as_mut() else { return };
        let Some(running) = round.take(attempt) else { return };
        tell(round);
        let others = if round.is_decided() { std::mem::take(&mut round.running) } else { Vec::new() };
        if let Some((_, breaker)) = self.endpoints.get_mut(running.endpoint) {
            match &ended {
                Ended::Renewed | Ended::Answered(_) => breaker.succeeded(),
                // That there is no network, or no name can be resolved, costs no server anything and the customer no wait.
                Ended::Failed(Failure::Local | Failure::NoDns | Failure::NoRoute) => {}
                Ended::Failed(_) | Ended::Status(_) => breaker.failed(now),
                _ => {}
            }
        }
        self.keep(running.endpoint, running.since, now, ended);
        for other in others {
            self.actions.push_back(Action::Abort(other.id));
            self.keep(other.endpoint, other.since, now, Ended::Dropped);
        }
    }

    /// Whether a round is under way: then somebody has to go on polling.
    pub fn is_busy(&self) -> bool {
        self.round.is_some() || !self.actions.is_empty() || !self.looking.is_empty()
    }

    /// What the next client on this ledger should know.
    pub fn learned(&self) -> Learned {
        Learned {
            failures: self.failures,
            fruitless: self.fruitless,
            hopeless: self.hopeless,
            paused_until: self.paused_until,
            asked_until: self.asked_until,
            breakers: map(self.endpoints.iter().map(|(endpoint, breaker)| (endpoint.url.clone(), *breaker))),
            looks: self.looks.clone(),
            requested: None,
        }
    }

    /// What another client left behind. Whatever it says, nothing is put off for longer than this engine itself would.
    pub fn learn(&mut self, learned: &Learned, now: Span) {
        let settings = &self.settings;
        let within = |until: Option<Span>, most: Span| until.map(|until| until.min(now + most));
        let pause_most = settings.pause_most.max(settings.answered).max(settings.renewed);
        self.failures = learned.failures;
        self.fruitless = learned.fruitless;
        self.hopeless =
            learned.hopeless.map(|(until, t)| (until.min(now + settings.answered.max(settings.renewed)), t));
        self.paused_until = within(learned.paused_until, pause_most);
        self.asked_until = within(learned.asked_until, settings.retry_after_most);
        self.looks = learned.looks.within(now, self.settings.pause_most, &self.mirrors);
        for (endpoint, breaker) in &mut self.endpoints {
            if let Some(known) = learned.breakers.get(&endpoint.url) {
                *breaker = known.within(now);
                if self.soon.is_some() {
                    breaker.forgiven();
                }
            }
        }
    }

    /// Stops what is under way: the product ends. Each attempt that runs is to be aborted.
    pub fn stop(&mut self, now: Span) {
        self.stop_looks(now);
        if let Some(round) = self.round.take() {
            for running in round.running {
                self.actions.push_back(Action::Abort(running.id));
                self.keep(running.endpoint, running.since, now, Ended::Dropped);
            }
        }
    }

    fn stop_looks(&mut self, now: Span) {
        for look in std::mem::take(&mut self.looking) {
            self.actions.push_back(Action::Abort(look.id));
            self.keep_of(look.target.url(), look.since, now, Ended::Dropped);
        }
    }

    fn keep(&mut self, endpoint: usize, since: Span, until: Span, ended: Ended) {
        let Some(url) = self.endpoints.get(endpoint).map(|known| known.0.url.clone()) else { return };
        self.keep_of(&url, since, until, ended);
    }

    fn keep_of(&mut self, url: &str, since: Span, until: Span, ended: Ended) {
        if self.attempts.len() == KEPT {
            self.attempts.pop_front();
        }
        self.attempts.push_back(Attempt { url: url.to_owned(), since, until, ended });
    }

    /// The attempts that ended since this was asked last, the earliest first; the last few hundred at most.
    pub fn attempts(&mut self) -> impl Iterator<Item = Attempt> + '_ {
        self.attempts.drain(..)
    }

    fn obey(&mut self, answer: &HttpAnswer, now: Span) {
        let text = answer.retry_after.as_deref();
        let Some(asked) = text.and_then(|text| retry_after(text, answer.date.as_deref())) else { return };
        let asked = asked.min(self.settings.retry_after_most);
        self.asked_until = self.asked_until.max(Some(now + asked));
    }
}
