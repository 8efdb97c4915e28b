//! Renewals a second, and the limit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant as Tick;

use reprieve::document::{self, SigningKey};
use reprieve::ledger::note::{self, Checkpoint, Verifier};
use reprieve::renew::RenewalRequest;
use reprieve::terms::Kind;
use reprieve_authority::store::{LedgerRow, NewDocument, SeatRow};

use crate::crowd::Ledger;
use crate::server::{Server, Wire, cpu_of};

/// How many requests are under way at once: as many as one commit carries.
const UNDER_WAY: usize = 256;
const LEASE: i64 = 7 * 86_400;

pub async fn run(program: &Path, databases: &[String], clients: usize) {
    let ledgers: Vec<Ledger> = (0..clients).map(Ledger::new).collect();
    let server = Server::start(program, databases, &ledgers, LEASE).await;
    let bodies = |turn: u64| -> Arc<Vec<Vec<u8>>> {
        Arc::new(ledgers.iter().enumerate().map(|(at, one)| one.request(turn, turn << 32 | at as u64)).collect())
    };
    // The first turn fills caches and is not counted; then ours and the limit in turns.
    drive(&server.address, bodies(1)).await;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for turn in 0..3u64 {
        let requests = bodies(2 + 2 * turn);
        let (cpu, begun) = (server.cpu(), Tick::now());
        drive(&server.address, requests).await;
        ours.push((begun.elapsed().as_secs_f64(), server.cpu() - cpu));
        let requests = bodies(3 + 2 * turn);
        let (cpu, begun) = (cpu_of("self"), Tick::now());
        limit(&server, &requests).await;
        limits.push((begun.elapsed().as_secs_f64(), cpu_of("self") - cpu));
    }
    let middle = |of: &[(f64, f64)], part: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = of.iter().map(part).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let each = |seconds: f64| seconds * 1e6 / clients as f64;
    let (wall, cpu) = (each(middle(&ours, |one| one.0)), each(middle(&ours, |one| one.1)));
    let (limit_wall, limit_cpu) = (each(middle(&limits, |one| one.0)), each(middle(&limits, |one| one.1)));
    println!(
        "{{\"clients\":{clients},\"us\":{wall:.1},\"limit_us\":{limit_wall:.1},\"ratio\":{:.2},\"cpu_us\":{cpu:.1},\"limit_cpu_us\":{limit_cpu:.1},\
         \"a_second\":{:.0}}}",
        wall / limit_wall,
        1e6 / wall
    );
}

/// Sends all requests, so many at once; each is answered by a lease.
async fn drive(address: &str, bodies: Arc<Vec<Vec<u8>>>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..UNDER_WAY {
        let (next, bodies, address) = (next.clone(), bodies.clone(), address.to_owned());
        workers.spawn(async move {
            let mut wire = Wire::default();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let said = wire.post(&address, body).await.unwrap();
                let text = String::from_utf8_lossy(&said.body);
                assert!(said.status == 200 && text.contains("\"problems\":[]"), "{} {text}", said.status);
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
}

/// What no authority can do without: a verification and a signature for each renewal, on all cores, then the same rows by the same statements.
async fn limit(server: &Server, bodies: &[Vec<u8>]) {
    let key = SigningKey::generate("lease-1").unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let now = server.store.now();
    let requests: Vec<RenewalRequest> = bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    for batch in requests.chunks(UNDER_WAY) {
        let work = |some: &[RenewalRequest]| -> Vec<String> {
            some.iter()
                .map(|request| {
                    let origin = Checkpoint::of_note(&request.chain.head).unwrap().origin;
                    Verifier::new(&origin, request.chain.key).unwrap().verify(&request.chain.head).unwrap();
                    let features = [("core".to_owned(), reprieve::time::Instant::from_seconds(now + LEASE))].into();
                    let iat = reprieve::time::Instant::from_seconds(now);
                    let claims = request.lease(&request.licenses[0], "cad", &features, iat, false);
                    String::from_utf8(document::issue(Kind::Lease, &claims, &[&key]).unwrap()).unwrap()
                })
                .collect()
        };
        let tokens: Vec<String> = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let parts: Vec<_> =
                    batch.chunks(batch.len().div_ceil(cores)).map(|some| scope.spawn(|| work(some))).collect();
                parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
            })
        });
        let mut tx = server.store.begin().await.unwrap();
        let state = tx.log_state().await.unwrap();
        let ledger = |request: &RenewalRequest| LedgerRow {
            id: request.chain.ledger.clone(),
            key: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, request.chain.key),
            head: request.chain.head.clone(),
            chain: serde_json::to_string(&request.chain).unwrap(),
            heard: now,
            offered_head: Some(request.chain.head.clone()),
            offered: state.size as i64,
            has: state.size as i64,
            put_back: None,
            put_back_why: None,
        };
        let seat = |request: &RenewalRequest| SeatRow {
            license: request.licenses[0].clone(),
            ledger: request.chain.ledger.clone(),
            since: now,
            leased_until: now + LEASE,
        };
        let document = |(request, token): (&RenewalRequest, String)| NewDocument {
            kind: Kind::Lease.as_str(),
            token,
            license: Some(request.licenses[0].clone()),
            ledger: Some(request.chain.ledger.clone()),
            name: None,
            iat: now,
        };
        tx.keep_ledgers(&batch.iter().map(ledger).collect::<Vec<_>>()).await.unwrap();
        tx.keep_seats(&batch.iter().map(seat).collect::<Vec<_>>()).await.unwrap();
        let documents: Vec<_> = batch.iter().zip(tokens).map(document).collect();
        let checkpoint = |size, root| {
            let text = Checkpoint { origin: "acme/authority".to_owned(), size, root, extensions: vec![] }.text();
            note::sign_by("acme/authority", key.public(), &text, |text| {
                reprieve::document::Sign::sign(&key, text)
                    .map_err(|error| reprieve_authority::error::Error::unavailable(error.to_string()))
            })
        };
        tx.append(&state, &documents, checkpoint).await.unwrap();
        tx.commit().await.unwrap();
    }
}
