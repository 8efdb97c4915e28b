//! A crowd that comes back after an outage of an hour.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant as Tick};

use reprieve::document::Endpoint;
use reprieve::renew::{Action, AttemptId, Engine, Failure, HttpAnswer, Outcome, Outlook, Settings, Term};
use reprieve::time::{Instant, Span};
use tokio::sync::Mutex;

use crate::crowd::Ledger;
use crate::server::{Said, Server, Wire};

/// How long a lease is: it ends within the outage, and nobody has one at its end.
const LEASE: i64 = 3600;
/// All leases were given at one instant, so long before the outage begins: as after a rollout, or an outage before this one.
const BEFORE: i64 = 900;
const OUTAGE: i64 = 3600;
static NONCE: AtomicU64 = AtomicU64::new(1);
/// How many connections all clients share.
const WIRES: usize = 900;

pub struct Plan {
    pub clients: usize,
    pub speed: u32,
    pub without_jitter: bool,
    pub most: u64,
    pub csv: PathBuf,
}

struct Client {
    engine: Engine,
    iat: i64,
    /// When it is to be looked at; an older entry in the heap is nothing.
    wake: i128,
    turn: u64,
    fresh: bool,
}

struct Job {
    client: usize,
    attempt: AttemptId,
    turn: u64,
    until: Tick,
}

struct Done {
    client: usize,
    attempt: AttemptId,
    outcome: std::result::Result<Said, Failure>,
}

struct Crowd {
    clients: Vec<Client>,
    heap: BinaryHeap<Reverse<(i128, usize)>>,
    /// Of each of the clients' seconds since the outage's end: requests sent, answers with a lease, other answers.
    curve: Vec<[u64; 3]>,
    licensed: usize,
}

/// The clients' time in nanoseconds since the outage began.
fn outlook(iat: i64, now: i128) -> Outlook {
    let base = Instant::from_seconds(1_800_000_000);
    let iat = base + Span::seconds(iat);
    Outlook {
        t: base + Span::nanos(now),
        terms: vec![Term { iat, exp: iat + Span::seconds(LEASE) }],
        windows: vec![],
        appeal: false,
        look: Span::seconds(600),
    }
}

impl Crowd {
    fn new(plan: &Plan) -> Crowd {
        let endpoints = vec![Endpoint::new("https://licence.example/v1/renew")];
        let client = |number: usize| Client {
            engine: Engine::new(
                endpoints.clone(),
                Settings::default(),
                if plan.without_jitter { 1 } else { 1 + number as u64 },
            ),
            iat: -BEFORE,
            wake: 0,
            turn: 1,
            fresh: false,
        };
        let clients: Vec<Client> = (0..plan.clients).map(client).collect();
        let heap = (0..plan.clients).map(|number| Reverse((0, number))).collect();
        Crowd { clients, heap, curve: Vec::new(), licensed: 0 }
    }

    fn count(&mut self, now: i128, what: usize) {
        let second = usize::try_from(now / 1_000_000_000 - i128::from(OUTAGE)).unwrap_or(0);
        if self.curve.len() <= second {
            self.curve.resize(second + 1, [0; 3]);
        }
        self.curve[second][what] += 1;
    }

    /// Does what a client's engine says, and says what it wants sent.
    fn step(&mut self, number: usize, now: i128, send: &mut impl FnMut(usize, AttemptId, u64, Span)) {
        let client = &mut self.clients[number];
        loop {
            let outlook = outlook(client.iat, now);
            match client.engine.poll(Span::nanos(now), &outlook) {
                Action::Begin => client.engine.begin(Span::nanos(now)),
                // There are no mirrors, and a server that is down is not probed.
                Action::Look => client.engine.look(Span::nanos(now)),
                Action::Send { attempt, deadline, .. } => send(number, attempt, client.turn, deadline),
                Action::Wait(until) => {
                    client.wake = until.as_nanos().max(now + 1);
                    self.heap.push(Reverse((client.wake, number)));
                    return;
                }
                _ => {}
            }
        }
    }

    fn next(&mut self, now: i128) -> Option<(i128, usize)> {
        while let Some(Reverse((at, number))) = self.heap.peek().copied() {
            if at > now {
                return None;
            }
            self.heap.pop();
            if self.clients[number].wake == at {
                return Some((at, number));
            }
        }
        None
    }

    /// The outage: nobody is reached, and every attempt is refused at once.
    fn suffer(&mut self) -> u64 {
        let end = i128::from(OUTAGE) * 1_000_000_000;
        let mut attempts = 0u64;
        while let Some((at, number)) = self.next(end) {
            loop {
                let mut sent = None;
                self.step(number, at, &mut |_, attempt, _, _| sent = Some(attempt));
                let Some(attempt) = sent else { break };
                attempts += 1;
                self.clients[number].engine.ended(attempt, &Outcome::Failed(Failure::Refused), Span::nanos(at));
            }
            self.clients[number].engine.attempts().for_each(drop);
        }
        attempts
    }

    fn ended(&mut self, done: Done, now: i128) {
        let answer = match done.outcome {
            Ok(said) => {
                let leased = said.status == 200 && String::from_utf8_lossy(&said.body).contains("\"problems\":[]");
                self.count(now, if leased { 1 } else { 2 });
                Outcome::Answer(HttpAnswer {
                    status: said.status,
                    retry_after: said.retry_after,
                    body: said.body,
                    ..Default::default()
                })
            }
            Err(failure) => {
                self.count(now, 2);
                Outcome::Failed(failure)
            }
        };
        let client = &mut self.clients[done.client];
        if client.engine.ended(done.attempt, &answer, Span::nanos(now)) {
            // It has the lease: its issue is of now.
            client.iat = i64::try_from(now / 1_000_000_000).unwrap();
            client.turn += 1;
            if !client.fresh {
                client.fresh = true;
                self.licensed += 1;
            }
            client.engine.imported(done.attempt, &[None], Span::nanos(now));
        }
        client.engine.attempts().for_each(drop);
    }
}

pub async fn run(program: &Path, databases: &[String], plan: Plan) {
    let ledgers: Arc<Vec<Ledger>> = Arc::new((0..plan.clients).map(Ledger::new).collect());
    let server = Server::start(program, databases, &ledgers, LEASE).await;
    let mut crowd = Crowd::new(&plan);
    let attempts = crowd.suffer();
    let (jobs, queue) = tokio::sync::mpsc::unbounded_channel::<Job>();
    let (results, done) = mpsc::channel::<Done>();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..WIRES {
        let (queue, results, address, ledgers) =
            (queue.clone(), results.clone(), server.address.clone(), ledgers.clone());
        tokio::spawn(async move {
            let mut wire = Wire::default();
            loop {
                let Some(job) = queue.lock().await.recv().await else { return };
                let within = job.until.saturating_duration_since(Tick::now());
                if within.is_zero() {
                    // Its client gave it up before there was a connection for it.
                    continue;
                }
                // Each request has a nonce of its own.
                let nonce = NONCE.fetch_add(1, Ordering::Relaxed);
                let body = ledgers[job.client].request(job.turn, nonce);
                let outcome = match tokio::time::timeout(within, wire.post(&address, &body)).await {
                    Ok(Ok(said)) => Ok(said),
                    Ok(Err(_)) => Err(Failure::Reset),
                    Err(_) => Err(Failure::TimedOut),
                };
                if results.send(Done { client: job.client, attempt: job.attempt, outcome }).is_err() {
                    return;
                }
            }
        });
    }
    let (cpu, begun) = (server.cpu(), Tick::now());
    let since = i128::from(OUTAGE) * 1_000_000_000;
    let speed = plan.speed;
    let drive = move || {
        let now = || since + begun.elapsed().as_nanos() as i128 * i128::from(speed);
        let most = since + i128::from(plan.most) * 1_000_000_000;
        let mut late: i128 = 0;
        while crowd.licensed < plan.clients && now() < most {
            while let Ok(one) = done.try_recv() {
                let (client, at) = (one.client, now());
                crowd.ended(one, at);
                crowd.clients[client].wake = at;
                crowd.heap.push(Reverse((at, client)));
            }
            let Some((due, number)) = crowd.next(now()) else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            let at = now();
            // How far the crowd itself is behind its own clock: it must not be what is measured.
            late = late.max(at - due.max(since));
            let mut wanted = Vec::new();
            crowd.step(number, at, &mut |client, attempt, turn, deadline| {
                wanted.push((client, attempt, turn, deadline))
            });
            for (client, attempt, turn, deadline) in wanted {
                crowd.count(at, 0);
                let within =
                    Duration::from_nanos(u64::try_from((deadline.as_nanos() - at).max(0)).unwrap() / u64::from(speed));
                let _ = jobs.send(Job { client, attempt, turn, until: Tick::now() + within });
            }
        }
        (crowd, plan, late)
    };
    let (crowd, plan, late) = tokio::task::spawn_blocking(drive).await.unwrap();
    let real = begun.elapsed().as_secs_f64();
    let mut text = "second,requests,leases,other\n".to_owned();
    for (second, row) in crowd.curve.iter().enumerate() {
        text.push_str(&format!("{second},{},{},{}\n", row[0], row[1], row[2]));
    }
    std::fs::write(&plan.csv, text).unwrap();
    let peak = crowd.curve.iter().map(|row| row[0]).max().unwrap_or(0);
    let sum = |what: usize| crowd.curve.iter().map(|row| row[what]).sum::<u64>();
    println!(
        "{{\"clients\":{},\"jitter\":{},\"speed\":{speed},\"licensed\":{},\"seconds\":{:.0},\"peak\":{peak},\"requests\":{},\"leases\":{},\"other\":{},\
         \"during_outage\":{attempts},\"server_cpu\":{:.1},\"real_seconds\":{real:.1},\"late_seconds\":{:.1}}}",
        plan.clients,
        !plan.without_jitter,
        crowd.licensed,
        real * f64::from(speed),
        sum(0),
        sum(1),
        sum(2),
        server.cpu() - cpu,
        late as f64 / 1e9,
    );
}
