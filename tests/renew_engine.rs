//! The renewal engine in a simulated world: any fault, and no socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use reprieve::renew::{
    Action, AttemptId, Ended, Endpoint, Engine, Failure, HttpAnswer, Outcome, Outlook, Settings, Taken, Term,
};
use reprieve::terms::{Outage, Refusal};
use reprieve::time::{Instant, Span};

/// How an endpoint behaves.
#[derive(Clone, Debug)]
enum Behaviour {
    Renews {
        after: i64,
    },
    Refuses {
        refusal: Refusal,
        after: i64,
    },
    Says {
        status: u16,
        retry_after: Option<String>,
        after: i64,
    },
    Fails {
        failure: Failure,
        after: i64,
    },
    /// A black hole.
    Silent,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Sent(String),
    Aborted(String),
    Reported(Outage),
    Renewed,
}

/// An engine, its endpoints, and a clock of whole seconds.
struct World {
    engine: Engine,
    now: Span,
    lease: Term,
    life: Span,
    windows: Vec<(Instant, Instant)>,
    appeal: bool,
    behaviours: BTreeMap<String, Behaviour>,
    running: BTreeMap<AttemptId, (String, Option<Span>)>,
    seen: Vec<(i64, Seen)>,
    begun: Vec<i64>,
    /// Of the round that is under way.
    tried: HashSet<String>,
    reported: bool,
    probes: Vec<i64>,
    /// Probes are answered though rounds fail.
    portal: bool,
    /// What each mirror's file is answered with; nobody is there else.
    mirrors: BTreeMap<String, HttpAnswer>,
    gets: Vec<(i64, String, Option<String>)>,
}

const START: Instant = Instant::from_seconds(1_767_225_600);

impl World {
    fn new(endpoints: &[(Endpoint, Behaviour)], settings: Settings, seed: u64) -> World {
        let life = Span::seconds(86_400);
        World {
            engine: Engine::new(endpoints.iter().map(|one| one.0.clone()).collect(), settings, seed),
            now: Span::seconds(0),
            lease: Term { iat: START - life, exp: START },
            life,
            windows: Vec::new(),
            appeal: false,
            behaviours: endpoints.iter().map(|one| (one.0.url.clone(), one.1.clone())).collect(),
            running: BTreeMap::new(),
            seen: Vec::new(),
            begun: Vec::new(),
            tried: HashSet::new(),
            reported: false,
            probes: Vec::new(),
            portal: false,
            mirrors: BTreeMap::new(),
            gets: Vec::new(),
        }
    }

    fn outlook(&self) -> Outlook {
        Outlook {
            t: START + self.now,
            terms: vec![self.lease],
            windows: self.windows.clone(),
            appeal: self.appeal,
            look: Span::seconds(600),
        }
    }

    fn note(&mut self, seen: Seen) {
        self.seen.push((self.now.as_seconds(), seen));
    }

    /// Plays until this second.
    fn play(&mut self, until: i64) {
        let until = Span::seconds(until);
        loop {
            let mut steps = 0;
            let wait = loop {
                steps += 1;
                assert!(steps < 1000, "the engine does not come to rest at {:?}", self.now);
                match self.engine.poll(self.now, &self.outlook()) {
                    Action::Begin => {
                        self.begun.push(self.now.as_seconds());
                        self.tried.clear();
                        self.reported = false;
                        self.engine.begin(self.now);
                    }
                    Action::Send { attempt, url, deadline } => {
                        assert!(deadline > self.now);
                        assert!(self.tried.insert(url.clone()), "{url} twice in a round");
                        let ends = match &self.behaviours[&url] {
                            Behaviour::Silent => None,
                            Behaviour::Renews { after }
                            | Behaviour::Refuses { after, .. }
                            | Behaviour::Says { after, .. }
                            | Behaviour::Fails { after, .. } => Some(self.now + Span::seconds(*after)),
                        };
                        assert!(self.running.insert(attempt, (url.clone(), ends)).is_none());
                        self.note(Seen::Sent(url));
                    }
                    Action::Abort(attempt) => {
                        // One that ended in this very moment is aborted too.
                        if let Some((url, _)) = self.running.remove(&attempt) {
                            self.note(Seen::Aborted(url));
                        }
                    }
                    Action::Report(outage) => {
                        assert!(!std::mem::replace(&mut self.reported, true), "a round is reported once");
                        self.note(Seen::Reported(outage));
                    }
                    Action::Look => self.engine.look(self.now),
                    Action::Probe { attempt, url, deadline } => {
                        assert!(deadline > self.now);
                        self.probes.push(self.now.as_seconds());
                        let answer = HttpAnswer { status: 405, ..HttpAnswer::default() };
                        match &self.behaviours[&url] {
                            Behaviour::Silent => {}
                            Behaviour::Fails { .. } if self.portal => {
                                assert!(!self.engine.ended(attempt, &Outcome::Answer(answer), self.now));
                            }
                            Behaviour::Fails { failure, .. } => {
                                assert!(!self.engine.ended(attempt, &Outcome::Failed(*failure), self.now));
                            }
                            _ => assert!(!self.engine.ended(attempt, &Outcome::Answer(answer), self.now)),
                        }
                    }
                    Action::Get { attempt, url, etag, .. } => {
                        self.gets.push((self.now.as_seconds(), url.clone(), etag));
                        let answer = match self.mirrors.get(&url).cloned() {
                            None => Outcome::Failed(Failure::Refused),
                            Some(answer) => Outcome::Answer(answer),
                        };
                        assert!(self.engine.is_of_mirror(attempt));
                        if self.engine.ended(attempt, &answer, self.now) {
                            self.engine.fetched(attempt, Some(1), self.now);
                        }
                    }
                    Action::Wait(until) => break until,
                    other => panic!("{other:?}"),
                }
            };
            assert!(wait > self.now, "it waits for the past: {wait:?} at {:?}", self.now);
            let next = self.running.values().filter_map(|running| running.1).fold(wait, Span::min);
            if next > until {
                self.now = until;
                return;
            }
            self.now = next.max(self.now);
            let ended: Vec<AttemptId> = self
                .running
                .iter()
                .filter(|(_, one)| one.1.is_some_and(|ends| ends <= self.now))
                .map(|(id, _)| *id)
                .collect();
            for attempt in ended {
                let Some((url, _)) = self.running.remove(&attempt) else { continue };
                self.end(attempt, &url);
            }
        }
    }

    fn end(&mut self, attempt: AttemptId, url: &str) {
        let body =
            |body: &[u8]| Outcome::Answer(HttpAnswer { status: 200, body: body.to_vec(), ..HttpAnswer::default() });
        match self.behaviours[url].clone() {
            Behaviour::Renews { .. } => {
                if self.engine.ended(attempt, &body(b"lease"), self.now) {
                    self.lease = Term { iat: START + self.now, exp: START + self.now + self.life };
                    self.engine.imported(attempt, &[None], self.now);
                    self.note(Seen::Renewed);
                }
            }
            Behaviour::Refuses { refusal, .. } => {
                if self.engine.ended(attempt, &body(b"lease"), self.now) {
                    self.engine.imported(attempt, &[Some(refusal)], self.now);
                }
            }
            Behaviour::Says { status, retry_after, .. } => {
                let answer = HttpAnswer { status, retry_after, body: b"<html>".to_vec(), ..HttpAnswer::default() };
                if self.engine.ended(attempt, &Outcome::Answer(answer), self.now) {
                    self.engine.imported(attempt, &[Some(Refusal::Malformed)], self.now);
                }
            }
            Behaviour::Fails { failure, .. } => {
                assert!(!self.engine.ended(attempt, &Outcome::Failed(failure), self.now))
            }
            Behaviour::Silent => unreachable!(),
        }
    }

    fn endings(&mut self) -> Vec<String> {
        self.engine.attempts().map(|attempt| format!("{} {}", attempt.url, attempt.ended)).collect()
    }
}

fn at(name: &str, priority: u16) -> Endpoint {
    Endpoint { priority, ..Endpoint::new(format!("https://{name}.example/renew")) }
}

fn url(name: &str) -> String {
    at(name, 1).url
}

fn down(status: u16) -> Behaviour {
    Behaviour::Says { status, retry_after: None, after: 1 }
}

#[test]
fn a_black_hole_is_hedged_and_dropped_when_the_next_one_renews() {
    let endpoints = [(at("a", 1), Behaviour::Silent), (at("b", 2), Behaviour::Renews { after: 1 })];
    let mut world = World::new(&endpoints, Settings::default(), 1);
    world.play(10);
    assert_eq!(
        world.seen,
        [(0, Seen::Sent(url("a"))), (3, Seen::Sent(url("b"))), (4, Seen::Renewed), (4, Seen::Aborted(url("a")))]
    );
    assert_eq!(world.endings(), [format!("{} renewed", url("b")), format!("{} dropped", url("a"))]);
}

#[test]
fn a_refused_connection_hands_over_at_once() {
    let refused = Behaviour::Fails { failure: Failure::Refused, after: 0 };
    let mut world =
        World::new(&[(at("a", 1), refused), (at("b", 2), Behaviour::Renews { after: 0 })], Settings::default(), 1);
    world.play(0);
    assert_eq!(world.seen, [(0, Seen::Sent(url("a"))), (0, Seen::Sent(url("b"))), (0, Seen::Renewed)]);
}

#[test]
fn a_round_that_fails_is_reported_once_and_server_counts_for_more() {
    let cases = [
        (vec![Behaviour::Silent, Behaviour::Silent], Outage::Network),
        (vec![Behaviour::Silent, down(503)], Outage::Server),
        (vec![down(500), Behaviour::Fails { failure: Failure::NoDns, after: 1 }], Outage::Server),
        (vec![Behaviour::Fails { failure: Failure::Certificate, after: 1 }], Outage::Network),
        (vec![down(404)], Outage::Server),
        (vec![down(302)], Outage::Server),
        (vec![down(200)], Outage::Server),
    ];
    for (behaviours, outage) in cases {
        let names = ["a", "b"];
        let endpoints: Vec<_> = behaviours.into_iter().zip(names).map(|(one, name)| (at(name, 1), one)).collect();
        let mut world = World::new(
            &endpoints,
            Settings { pause: Span::seconds(100_000), pause_most: Span::seconds(100_000), ..Settings::default() },
            5,
        );
        world.play(20);
        let reports: Vec<&Seen> =
            world.seen.iter().map(|seen| &seen.1).filter(|seen| matches!(seen, Seen::Reported(_))).collect();
        assert_eq!(reports, [&Seen::Reported(outage)], "{endpoints:?}");
    }
}

#[test]
fn over_plain_http_a_page_is_a_captive_portal() {
    let plain = Endpoint::new("http://licences.example/renew");
    for status in [200, 302, 404, 511] {
        let mut world = World::new(&[(plain.clone(), down(status))], Settings::default(), 2);
        world.play(2);
        assert_eq!(world.seen[1], (1, Seen::Reported(Outage::Network)), "{status}");
    }
}

#[test]
fn documents_that_are_refused_are_no_outage_and_are_not_asked_for_again_soon() {
    for refusal in [Refusal::Stale, Refusal::WrongLedger] {
        let endpoints =
            [(at("a", 1), Behaviour::Refuses { refusal, after: 1 }), (at("b", 2), Behaviour::Renews { after: 1 })];
        let mut world = World::new(&endpoints, Settings::default(), 1);
        world.play(3000);
        assert_eq!(world.seen, [(0, Seen::Sent(url("a")))], "{refusal:?}");
        assert_eq!(world.endings(), [format!("{} answered: {}", url("a"), refusal.as_str())]);
    }
}

#[test]
fn what_this_side_could_not_do_is_no_evidence() {
    let endpoints = [(at("a", 1), Behaviour::Fails { failure: Failure::Local, after: 0 })];
    let mut world = World::new(&endpoints, Settings::default(), 1);
    world.play(86_400);
    assert!(world.seen.iter().all(|seen| seen.1 == Seen::Sent(url("a"))), "{:?}", world.seen);
    assert!((2..4).contains(&world.begun.iter().filter(|begun| **begun < 60).count()), "it may pass soon");
    assert!(world.begun.len() < 300, "and may not: {} rounds in a day", world.begun.len());
}

#[test]
fn what_ended_while_the_machine_slept_is_no_evidence() {
    for failure in [None, Some(Failure::Reset), Some(Failure::TimedOut)] {
        for (slept, evidence) in [(30, true), (36_000, false)] {
            let mut world = World::new(&[(at("a", 1), Behaviour::Silent)], Settings::default(), 1);
            world.play(1);
            let attempt = *world.running.keys().next().unwrap();
            world.now = Span::seconds(slept);
            if let Some(failure) = failure {
                world.engine.ended(attempt, &Outcome::Failed(failure), world.now);
            }
            let mut reported = false;
            while !matches!(world.engine.poll(world.now, &world.outlook()), Action::Wait(_) | Action::Begin) {
                reported = true;
            }
            // Of the time-out the engine tells by an abort, too.
            let mut world = World::new(&[(at("a", 1), Behaviour::Silent)], Settings::default(), 1);
            world.play(1);
            world.now = Span::seconds(slept);
            world.play(slept);
            let told = world.seen.iter().any(|seen| matches!(seen.1, Seen::Reported(_)));
            assert_eq!(told, evidence, "{slept}");
            assert!(failure.is_none() || reported == evidence, "{failure:?} {slept}");
        }
    }
}

/// A customer with a licence that is renewed no more, such as a trial, beside one that is.
#[test]
fn a_licence_that_is_renewed_no_more_neither_hammers_nor_starves_another() {
    for life in [600, 86_400] {
        let mut engine = Engine::new(vec![at("a", 1)], Settings::default(), 3);
        let dead = Term { iat: START - Span::seconds(2_000_000), exp: START - Span::seconds(1_000_000) };
        let life = Span::seconds(life);
        let mut alive = Term { iat: START, exp: START + life };
        let (mut now, mut rounds) = (Span::seconds(0), 0);
        while now < Span::seconds(5 * 86_400) {
            let outlook = Outlook {
                t: START + now,
                terms: vec![dead, alive],
                windows: vec![],
                appeal: false,
                look: Span::seconds(600),
            };
            assert!(outlook.t < alive.exp, "the other one starves after {rounds} rounds");
            match engine.poll(now, &outlook) {
                Action::Begin => {
                    rounds += 1;
                    engine.begin(now);
                }
                Action::Send { attempt, .. } => {
                    assert!(engine.ended(
                        attempt,
                        &Outcome::Answer(HttpAnswer { status: 200, body: b"x".to_vec(), ..HttpAnswer::default() }),
                        now
                    ));
                    alive = Term { iat: outlook.t, exp: outlook.t + life };
                    engine.imported(attempt, &[None], now);
                }
                Action::Wait(until) => {
                    assert!(until > now);
                    now = until;
                }
                other => panic!("{other:?}"),
            }
        }
        // Once an hour for the dead one, and what the other needs.
        let needed = 5 * 86_400 * 10 / (4 * life.as_seconds());
        assert!(rounds < 5 * 24 + 12 + needed, "{rounds} rounds in five days");
    }
}

/// Something is accepted each time, but never a lease that is in force.
#[test]
fn answers_that_leave_all_due_are_asked_for_ever_more_rarely() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Renews { after: 0 })], Settings::default(), 1);
    world.life = Span::seconds(-60);
    world.play(86_400);
    assert!(world.begun.len() < 24 + 8, "{} rounds in a day", world.begun.len());
    world.life = Span::seconds(86_400);
    world.play(2 * 86_400);
    let rounds = world.begun.len();
    world.play(4 * 86_400);
    assert!((3..=5).contains(&(world.begun.len() - rounds)), "and all is as before once a lease comes");
}

#[test]
fn neither_a_button_nor_a_flapping_network_hammers() {
    let down = Behaviour::Fails { failure: Failure::NoRoute, after: 0 };
    let mut world = World::new(&[(at("a", 1), down.clone())], Settings::default(), 1);
    for second in 0..600 {
        world.engine.renew_now();
        world.play(second);
    }
    assert!((100..=121).contains(&world.begun.len()), "{} rounds for a button", world.begun.len());

    let mut world = World::new(&[(at("a", 1), down)], Settings::default(), 1);
    world.play(20_000);
    let before = world.begun.len();
    for second in 20_000..20_600 {
        world.engine.network_changed(world.now);
        world.play(second);
    }
    let rounds = world.begun.len() - before;
    assert!((18..=24).contains(&rounds), "{rounds} rounds for a network that comes and goes");

    // What the authority has answered, no network changes.
    let refuses = Behaviour::Refuses { refusal: Refusal::Stale, after: 0 };
    let mut world = World::new(&[(at("a", 1), refuses)], Settings::default(), 1);
    for second in 0..600 {
        world.engine.network_changed(world.now);
        world.play(second);
    }
    assert_eq!(world.begun, [0]);
}

/// Whoever has the turn takes what was left behind, its own too.
#[test]
fn what_others_learned_does_not_undo_a_button_or_another_network() {
    let down = Behaviour::Fails { failure: Failure::NoRoute, after: 0 };
    for button in [true, false] {
        let mut world = World::new(&[(at("a", 1), down.clone())], Settings::default(), 9);
        world.play(20_000);
        let (learned, now) = (world.engine.learned(), world.now + Span::seconds(6));
        match button {
            true => world.engine.renew_now(),
            false => world.engine.network_changed(world.now),
        }
        assert_eq!(world.engine.poll(now, &world.outlook()), Action::Begin, "{button}");
        world.engine.learn(&learned, now);
        assert_eq!(world.engine.poll(now, &world.outlook()), Action::Begin, "{button}");
    }
}

#[test]
fn retry_after_is_obeyed_whatever_happens_but_not_for_ever() {
    let busy = |text: &str| Behaviour::Says { status: 429, retry_after: Some(text.into()), after: 0 };
    for (text, least) in [("600", 600), ("999999999999999999999", 3600)] {
        let mut world = World::new(&[(at("a", 1), busy(text))], Settings::default(), 1);
        world.play(0);
        world.engine.network_changed(world.now);
        world.engine.renew_now();
        world.play(least - 1);
        assert_eq!(world.begun, [0], "{text}");
        world.play(least);
        assert_eq!(world.begun, [0, least], "{text}");
    }
    for odd in ["", "-5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "1e9"] {
        let mut world = World::new(&[(at("a", 1), busy(odd))], Settings::default(), 1);
        world.play(31);
        assert!(world.begun.len() > 1, "{odd}");
    }
}

#[test]
fn pauses_grow_to_their_limit_and_end_soon_when_the_network_is_back() {
    let mut world =
        World::new(&[(at("a", 1), Behaviour::Fails { failure: Failure::NoRoute, after: 0 })], Settings::default(), 9);
    world.play(40_000);
    let gaps: Vec<i64> = world.begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= 900), "{gaps:?}");
    assert!(gaps[0] <= 30 && gaps[1] <= 60, "{gaps:?}");
    let late = &gaps[8..];
    let mean = late.iter().sum::<i64>() / late.len() as i64;
    assert!((300..600).contains(&mean), "full jitter has a mean of half the limit: {mean}");

    world.behaviours.insert(url("a"), Behaviour::Renews { after: 0 });
    let back = world.now;
    world.engine.network_changed(back);
    world.play(back.as_seconds() + 6);
    assert!(world.seen.iter().any(|seen| seen.1 == Seen::Renewed));
}

#[test]
fn an_endpoint_that_is_down_is_spared() {
    let endpoints = [(at("a", 1), down(500)), (at("b", 2), Behaviour::Renews { after: 0 })];
    let mut world = World::new(&endpoints, Settings { renewed: Span::seconds(0), ..Settings::default() }, 4);
    world.life = Span::seconds(60);
    world.lease = Term { iat: START - world.life, exp: START };
    world.play(3 * 3600);
    let sent = |name: &str| world.seen.iter().filter(|seen| seen.1 == Seen::Sent(url(name))).count();
    assert!(sent("b") > 300, "renewed about every half minute");
    assert!(sent("a") < 20, "{} attempts at what is down", sent("a"));
}

#[test]
fn a_lease_is_renewed_at_half_of_its_life_and_before_a_window() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Renews { after: 0 })], Settings::default(), 6);
    world.play(0);
    world.windows = vec![(START + Span::seconds(40 * 3600), START + Span::seconds(44 * 3600))];
    world.play(40 * 3600);
    let renewed: Vec<i64> = world.seen.iter().filter(|seen| seen.1 == Seen::Renewed).map(|seen| seen.0 / 60).collect();
    // Of a day each: within a tenth of the half; the last within six hours of the window.
    assert!((9..16).contains(&(renewed[1] / 60)), "{renewed:?}");
    assert!((34 * 60 - 6..40 * 60 - 4).contains(renewed.last().unwrap()), "{renewed:?}");
}

#[test]
fn without_endpoints_nothing_is_done() {
    let mut world = World::new(&[], Settings::default(), 1);
    world.play(10_000);
    assert!(world.seen.is_empty() && world.begun.is_empty());
}

#[test]
fn other_endpoints_are_taken_in_the_middle_of_a_round() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Silent)], Settings::default(), 1);
    world.play(1);
    world.behaviours.insert(url("c"), Behaviour::Renews { after: 1 });
    world.engine.set_endpoints(vec![at("c", 1)], world.now);
    world.play(5);
    assert_eq!(
        world.seen,
        [(0, Seen::Sent(url("a"))), (1, Seen::Aborted(url("a"))), (1, Seen::Sent(url("c"))), (2, Seen::Renewed)]
    );
}

#[test]
fn what_is_over_or_unknown_is_nothing() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Renews { after: 0 })], Settings::default(), 1);
    world.play(0);
    for number in [0, 1, u64::MAX] {
        let attempt = AttemptId::from_number(number);
        assert!(!world.engine.ended(attempt, &Outcome::Failed(Failure::Reset), world.now));
        world.engine.imported::<Taken>(attempt, &[], world.now);
        world.engine.not_imported(attempt, world.now);
    }
    assert_eq!(world.endings(), [format!("{} {}", url("a"), Ended::Renewed)]);
}

/// A vendor's clients after an outage of an hour that began for all at once: how many come in the busiest second.
fn busiest(clients: u64, settings: &Settings) -> (usize, i64) {
    let outage = 3600;
    let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
    let mut last = 0;
    for seed in 0..clients {
        let mut world = World::new(&[(at("a", 1), down(503))], settings.clone(), seed);
        world.play(outage);
        world.behaviours.insert(url("a"), Behaviour::Renews { after: 0 });
        world.play(outage + 1000);
        for seen in &world.seen {
            match seen {
                (second, Seen::Sent(_)) if *second >= outage => *seconds.entry(*second).or_default() += 1,
                (second, Seen::Renewed) => last = last.max(*second - outage),
                _ => {}
            }
        }
        assert!(world.seen.iter().any(|seen| seen.1 == Seen::Renewed), "client {seed} is not back");
    }
    (seconds.values().copied().max().unwrap_or(0), last)
}

#[test]
fn no_stampede_when_a_server_comes_back() {
    let (busiest, last) = busiest(2000, &Settings::default());
    assert!(busiest < 40, "{busiest} of 2,000 in one second");
    assert!(last <= 900, "{last} s until all were back");
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let after = 0i64..40;
    prop_oneof![
        after.clone().prop_map(|after| Behaviour::Renews { after }),
        (prop_oneof![Just(Refusal::Stale), Just(Refusal::Malformed), Just(Refusal::WrongLedger)], after.clone())
            .prop_map(|(refusal, after)| Behaviour::Refuses { refusal, after }),
        (100u16..600, proptest::option::of("[0-9]{1,4}"), after.clone())
            .prop_map(|(status, retry_after, after)| Behaviour::Says { status, retry_after, after }),
        (proptest::sample::select(Failure::ALL), after)
            .prop_map(|(failure, after)| Behaviour::Fails { failure, after }),
        Just(Behaviour::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Laws for any endpoints: it rests between rounds, tries no endpoint twice in one, reports a round once, and leaves nothing running.
    #[test]
    fn laws(seed: u64, behaviours in proptest::collection::vec((behaviour(), 0u16..3, 0u16..4), 1..5)) {
        let endpoints: Vec<_> = behaviours.into_iter().enumerate().map(|(n, (one, priority, weight))| {
            (Endpoint { weight, ..at(&format!("e{n}"), priority) }, one)
        }).collect();
        let mut world = World::new(&endpoints, Settings::default(), seed);
        world.play(20_000);
        world.engine.stop(world.now);
        while let Action::Abort(attempt) = world.engine.poll(world.now, &world.outlook()) {
            prop_assert!(world.running.remove(&attempt).is_some());
        }
        prop_assert!(world.running.is_empty(), "{:?} run on", world.running);
        // At the least pause there is, full jitter's mean, some hundreds of rounds.
        prop_assert!(world.begun.len() < 600, "{} rounds", world.begun.len());
    }
}

fn fails(failure: Failure) -> Behaviour {
    Behaviour::Fails { failure, after: 0 }
}

const DAY: i64 = 86_400;

/// The network is away for a day, and comes back: the round follows within the longest pause between two probes and the jitter of a crowd.
#[test]
fn a_probe_finds_that_the_network_is_back() {
    let mut late = Vec::new();
    for seed in 0..40 {
        let mut world = World::new(&[(at("a", 1), fails(Failure::NoDns))], Settings::default(), seed);
        world.play(DAY);
        assert!(!world.probes.is_empty() && world.begun.len() < 260, "{} rounds", world.begun.len());
        assert!((DAY as usize / 60..DAY as usize / 20).contains(&world.probes.len()), "{} probes", world.probes.len());
        world.behaviours.insert(url("a"), Behaviour::Renews { after: 0 });
        world.play(DAY + 3600);
        let renewed = world.seen.iter().find(|seen| seen.1 == Seen::Renewed).unwrap().0;
        late.push(renewed - DAY);
        let before = world.probes.len();
        world.play(3 * DAY);
        assert_eq!(world.probes.len(), before, "nobody probes a network that works");
    }
    late.sort_unstable();
    assert!(*late.last().unwrap() <= 60 + 5, "{late:?}");
    assert!(late[late.len() / 2] <= 40, "{late:?}");
}

/// One that answers probes and nothing else makes no more rounds than there would be without probes.
#[test]
fn a_network_that_answers_probes_alone_is_not_hammered() {
    let rounds = |portal| {
        (0..10)
            .map(|seed| {
                let mut world = World::new(&[(at("a", 1), fails(Failure::NoRoute))], Settings::default(), seed);
                world.portal = portal;
                world.play(3 * DAY);
                world.begun.len()
            })
            .sum::<usize>()
    };
    let (with, without) = (rounds(true), rounds(false));
    assert!(with < 2 * without, "{with} rounds, {without} where no probe is answered");
}

/// A server that is down is no network that is away.
#[test]
fn a_server_that_is_down_is_not_probed() {
    for behaviour in [down(503), fails(Failure::Refused)] {
        let mut world = World::new(&[(at("a", 1), behaviour)], Settings::default(), 1);
        world.play(DAY);
        assert_eq!(world.probes, [0i64; 0]);
    }
}

/// What answers nothing at all is probed no more often than its breaker lets an attempt through.
#[test]
fn a_black_hole_is_probed_as_its_breaker_allows() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Silent)], Settings::default(), 1);
    world.play(2 * DAY);
    // An hour each, once it has failed often.
    let late = world.probes.iter().filter(|at| **at > DAY).count();
    assert!(late <= 24 + 1, "{late} probes in a day");
    assert!(!world.probes.is_empty());
}

#[test]
fn a_probe_obeys_what_the_authority_asked_for() {
    let mut world = World::new(&[(at("a", 1), fails(Failure::NoDns))], Settings::default(), 1);
    world.play(0);
    let asked = loop {
        match world.engine.poll(world.now, &world.outlook()) {
            Action::Look => world.engine.look(world.now),
            Action::Wait(until) => world.now = until,
            Action::Probe { attempt, .. } => break attempt,
            Action::Begin => world.engine.begin(world.now),
            Action::Send { attempt, .. } => {
                world.engine.ended(attempt, &Outcome::Failed(Failure::NoDns), world.now);
            }
            Action::Report(_) => {}
            other => panic!("{other:?}"),
        }
    };
    let busy = HttpAnswer { status: 503, retry_after: Some("1800".into()), ..HttpAnswer::default() };
    let now = world.now;
    assert!(!world.engine.ended(asked, &Outcome::Answer(busy), now));
    let (begun, probes) = (world.begun.len(), world.probes.len());
    world.play(now.as_seconds() + 1799);
    assert_eq!((world.begun.len(), world.probes.len()), (begun, probes));
    world.play(now.as_seconds() + 1900);
    assert!(world.begun.len() > begun);
}

fn file(etag: Option<&str>) -> HttpAnswer {
    HttpAnswer { status: 200, etag: etag.map(Into::into), body: b"{}".to_vec(), ..HttpAnswer::default() }
}

#[test]
fn mirrors_are_asked_a_few_times_a_day_and_the_next_one_where_one_fails() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Renews { after: 0 })], Settings::default(), 5);
    world.engine.set_mirrors(vec!["https://m1.example/x/".into(), "https://m2.example".into()], Span::seconds(0));
    world.mirrors.insert("https://m2.example/v1/common.json".into(), file(Some("\"7\"")));
    world.play(3 * DAY);
    let asked: Vec<_> = world.gets.iter().filter(|get| get.1.starts_with("https://m2")).collect();
    assert!((11..=14).contains(&asked.len()), "{asked:?}");
    assert!(asked[0].2.is_none() && asked[1..].iter().all(|get| get.2.as_deref() == Some("\"7\"")), "{asked:?}");
    assert!(world.gets.iter().all(|get| get.1.ends_with("/v1/common.json")), "{:?}", world.gets);
    let first = world.gets.iter().filter(|get| get.1 == "https://m1.example/x/v1/common.json").count();
    assert!(first <= 1, "the one that works is stayed with");
    assert!(world.seen.iter().all(|seen| !matches!(seen.1, Seen::Reported(_))), "no evidence of the authority");
    assert!(world.endings().iter().any(|ended| ended == "https://m2.example/v1/common.json fetched, 1 new"));
}

#[test]
fn what_has_not_changed_is_success_and_what_fails_is_paused() {
    let mut world = World::new(&[], Settings::default(), 5);
    world.engine.set_mirrors(vec!["https://m1.example".into()], Span::seconds(0));
    let at = "https://m1.example/v1/common.json";
    world.mirrors.insert(at.into(), HttpAnswer { status: 304, ..HttpAnswer::default() });
    world.play(DAY);
    assert!((4..=5).contains(&world.gets.len()), "{:?}", world.gets);
    assert!(world.endings().iter().all(|ended| ended.ends_with("unchanged")));
    for answer in [None, Some(HttpAnswer { status: 404, ..HttpAnswer::default() })] {
        world.mirrors.clear();
        world.mirrors.extend(answer.map(|answer| (at.to_owned(), answer)));
        let (before, from) = (world.gets.len(), world.now.as_seconds());
        world.play(from + 10 * DAY);
        let asked = world.gets.len() - before;
        assert!((38..80).contains(&asked), "{asked} in ten days");
        assert!(world.gets.last().unwrap().2.is_none(), "no tag of what was not given");
    }
}

/// A notice may say why the authority cannot be reached.
#[test]
fn a_round_that_failed_has_a_mirror_asked_soon_but_not_each_time() {
    let mut world = World::new(&[(at("a", 1), Behaviour::Renews { after: 0 })], Settings::default(), 5);
    world.engine.set_mirrors(vec!["https://m1.example".into()], Span::seconds(0));
    world.mirrors.insert("https://m1.example/v1/common.json".into(), file(None));
    world.play(DAY / 4);
    world.behaviours.insert(url("a"), down(503));
    let before = world.gets.len();
    world.play(2 * DAY);
    let failed = world.seen.iter().find(|seen| matches!(seen.1, Seen::Reported(_))).unwrap().0;
    let soon = world.gets[before..].iter().find(|get| get.0 >= failed).unwrap().0;
    assert!(soon - failed <= 30, "{soon} {failed}");
    let asked = world.gets.iter().filter(|get| get.0 > DAY).count();
    assert!(asked <= DAY as usize / 900 + 1, "{asked} in a day");
}

/// What was replayed over plain HTTP shows nothing.
#[test]
fn an_answer_to_no_request_of_this_client_over_plain_http_is_the_networks() {
    for (scheme, outage) in [("http", Some(Outage::Network)), ("https", None)] {
        let mut engine =
            Engine::new(vec![Endpoint::new(format!("{scheme}://a.example/renew"))], Settings::default(), 3);
        let outlook = Outlook { t: START, terms: vec![], windows: vec![], appeal: false, look: Span::seconds(600) };
        let now = Span::seconds(0);
        assert_eq!(engine.poll(now, &outlook), Action::Begin);
        engine.begin(now);
        let Action::Send { attempt, .. } = engine.poll(now, &outlook) else { panic!() };
        let answer = HttpAnswer { status: 200, body: b"x".to_vec(), ..HttpAnswer::default() };
        assert!(engine.ended(attempt, &Outcome::Answer(answer), now));
        engine.imported(attempt, &[Taken { refusal: Some(Refusal::Stale), answers: false }], now);
        match (engine.poll(now, &outlook), outage) {
            (Action::Report(reported), Some(outage)) => assert_eq!(reported, outage),
            (Action::Wait(_), None) => {}
            (other, _) => panic!("{scheme}: {other:?}"),
        }
    }
}

/// A5: a renewal begins for an appeal that waits, and no pause, answer or outage is another for it.
#[test]
fn an_appeal_is_due_at_once_and_hastens_nothing_else() {
    let settings = Settings::default();
    let one = [(at("a", 1), Behaviour::Renews { after: 1 })];
    let mut world = World::new(&one, settings.clone(), 7);
    world.lease = Term { iat: START, exp: START + world.life };
    world.play(600);
    assert_eq!(world.begun, [0; 0], "nothing is due");
    world.appeal = true;
    world.play(1800);
    // Whoever goes on saying that one waits is renewed no more often than that.
    assert!(world.begun[0] <= 1200, "{:?}", world.begun);
    let pauses: Vec<i64> = world.begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause >= 60), "{pauses:?}");
    // Who is answered without a lease asks again after an hour, as ever.
    let refusal = Refusal::Stale;
    let mut world = World::new(&[(at("a", 1), Behaviour::Refuses { refusal, after: 1 })], settings.clone(), 7);
    world.appeal = true;
    world.play(4 * 3600);
    assert_eq!(world.begun.len(), 4, "{:?}", world.begun);
    // What the authority asked for is kept.
    let busy = Behaviour::Says { status: 503, retry_after: Some("1800".into()), after: 1 };
    let mut world = World::new(&[(at("a", 1), busy)], settings.clone(), 7);
    world.lease = Term { iat: START, exp: START + world.life };
    world.appeal = true;
    world.play(3600);
    assert_eq!(world.begun.len(), 2, "{:?}", world.begun);
    // In an outage the rounds are those that there are without it.
    let rounds = |appeal: bool| {
        let fails = Behaviour::Fails { failure: Failure::Refused, after: 1 };
        let mut world = World::new(&[(at("a", 1), fails)], settings.clone(), 7);
        world.appeal = appeal;
        world.play(6 * 3600);
        world.begun
    };
    assert_eq!(rounds(true), rounds(false));
}
