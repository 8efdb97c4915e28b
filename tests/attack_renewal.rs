//! Renewal under attack: servers, portals, machines and products that do what they should not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::time::Duration;

use reprieve::client::{Client, ErrorKind, Renewer, Task};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::ledger::{Disk, Storage};
use reprieve::renew::{AttemptId, Endpoint, Failure, HttpAnswer, Outcome, Settings};
use reprieve::terms::{Kind, Outage, Refusal};
use reprieve::time::{Instant, Span};
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

fn vendor(url: &str) -> Vendor {
    let mut vendor = Vendor::new();
    vendor.app.endpoints = vec![Endpoint::new(url)];
    vendor
}

fn sent(renewer: &mut Renewer) -> (AttemptId, Vec<u8>) {
    match renewer.poll().unwrap() {
        Task::Send { attempt, body, .. } => (attempt, body.to_vec()),
        other => panic!("{other:?}"),
    }
}

fn waits(renewer: &mut Renewer) -> Duration {
    loop {
        match renewer.poll().unwrap() {
            Task::Wait(pause) => return pause,
            Task::Probe { attempt, .. } => renewer.ended(attempt, &Outcome::Failed(Failure::NoRoute)),
            other => panic!("{other:?}"),
        }
    }
}

fn ok(body: &Value) -> Outcome {
    Outcome::Answer(HttpAnswer { status: 200, body: body.to_string().into_bytes(), ..HttpAnswer::default() })
}

fn text(token: Vec<u8>) -> String {
    String::from_utf8(token).unwrap()
}

fn lease(vendor: &Vendor, body: &[u8]) -> String {
    let request: Value = serde_json::from_slice(body).unwrap();
    text(vendor.issue(
        Kind::Lease,
        json!({
            "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
            "features": { "core": now() + 86_400 },
        }),
    ))
}

fn records(client: &Client) -> u64 {
    client.status("cad").unwrap().records
}

/// Each refusal is recorded, and synced: a page over plain HTTP could have made a million records.
#[test]
fn an_answer_of_a_million_forgeries_is_not_recorded_without_end() {
    let (vendor, folder) = (vendor("http://portal.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer);
    let before = records(&client);
    let forgeries: Vec<String> = (0..400_000).map(|n| format!("{n}")).collect();
    let begun = std::time::Instant::now();
    renewer.ended(attempt, &ok(&json!({ "documents": forgeries })));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let added = records(&client) - before;
    assert!((1..=8).contains(&added), "{added} records");
    waits(&mut renewer);
    assert!(!client.report(Outage::Network).unwrap(), "it was a portal's");

    // Those of the authority's own are no forgeries, however many.
    let mut many: Vec<String> = (0..20).map(|n| text(vendor.lease(-1000 - n))).collect();
    many.push(lease(&vendor, &body));
    let answers = client.renew(json!({ "documents": many }).to_string().as_bytes()).unwrap();
    assert_eq!(answers.len(), 21);
    assert!(answers[20].accepted && client.check("cad", "core").allowed());
}

/// A vendor's server that gives new keys after what they have signed.
#[test]
fn documents_before_the_keys_that_signed_them_are_taken() {
    let (mut vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer);
    let rotated = SigningKey::from_seed("lease-2", [77; 32]).unwrap();
    let document = Keys {
        version: 2,
        keys: vec![KeyEntry { roles: vec![Role::Lease], ..rotated.entry(&[]) }],
        roots: vec![vendor.root.root_key()],
        endpoints: Vec::new(),
        mirrors: Vec::new(),
        iat: Instant::from_seconds(now()),
    };
    let keys = document::issue(Kind::Keys, &document.claims(), &[&vendor.root]).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let claims = json!({
        "iat": now(), "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
        "features": { "core": now() + 86_400 },
    });
    let lease = document::issue(Kind::Lease, &claims, &[&rotated]).unwrap();
    let page = "<html>";
    renewer.ended(attempt, &ok(&json!({ "documents": [page, text(lease), text(keys)] })));
    assert!(client.check("cad", "core").allowed());
    assert!(waits(&mut renewer) > Duration::from_secs(30));
    // The answers stand in the order of the documents.
    vendor.rotate(1, json!([]));
    let again = json!({ "documents": [page, text(vendor.app.keys.clone().unwrap())] }).to_string();
    let answers = client.renew(again.as_bytes()).unwrap();
    assert_eq!(answers[0].error, Some(Refusal::Malformed));
    assert_eq!(answers[1].kind, Some(Kind::Keys));
}

/// An early document that is refused hides nothing behind it, and is no evidence.
#[test]
fn all_documents_of_an_answer_are_taken_though_an_early_one_is_refused() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(3)).unwrap();
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer);
    let documents = [text(vendor.policy(2)), "nonsense".into(), lease(&vendor, &body), text(vendor.policy(4))];
    renewer.ended(attempt, &ok(&json!({ "documents": documents })));
    waits(&mut renewer);
    assert!(client.check("cad", "core").allowed());
    assert!(client.import(&vendor.policy(4)).unwrap().known);
    assert!(client.report(Outage::Network).unwrap() && client.report(Outage::Server).unwrap(), "nothing was reported");
}

/// A product that has closed its client and keeps the renewer starves nobody.
#[test]
fn a_closed_client_gives_the_turn_back_in_the_middle_of_a_round() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let (one, other) = (vendor.client(folder.path()), vendor.client(folder.path()));
    let mut first = one.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut first);
    one.close().unwrap();
    first.ended(attempt, &ok(&json!({ "documents": [lease(&vendor, &body)] })));
    assert_eq!(first.poll().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(first.poll().unwrap_err().kind(), ErrorKind::Closed);
    sent(&mut other.renewer(Settings::default()).unwrap());
    drop(first);
}

/// A button, and another network, after a round that failed: what was left behind for other products is this one's own too.
#[test]
fn a_button_works_after_a_round_that_failed() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    // So many that the pause is drawn from 15 minutes, but for one that is short by chance.
    for _ in 0..4 {
        renewer.renew_now();
        let (attempt, _) = loop {
            match renewer.poll().unwrap() {
                Task::Send { attempt, body, .. } => break (attempt, body),
                Task::Wait(pause) => {
                    assert!(pause <= Duration::from_secs(5), "a button is put off by {pause:?}");
                    std::thread::sleep(pause);
                }
                Task::Probe { attempt, .. } => renewer.ended(attempt, &Outcome::Failed(Failure::NoRoute)),
                other => panic!("{other:?}"),
            }
        };
        renewer.ended(attempt, &Outcome::Failed(Failure::NoRoute));
        waits(&mut renewer);
    }
    renewer.network_changed();
    let pause = waits(&mut renewer);
    assert!(pause <= Duration::from_secs(5), "{pause:?}");
    std::thread::sleep(pause);
    sent(&mut renewer);
}

/// What is at hand of a ledger that another process has locked is tried again soon, not in an hour.
#[test]
fn an_answer_that_met_a_locked_ledger_is_asked_for_again_soon() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer);
    let answer = ok(&json!({ "documents": [lease(&vendor, &body)] }));
    let lock = Disk.try_lock(&folder.path().join("ledger").join("acme.lock")).unwrap().unwrap();
    renewer.ended(attempt, &answer);
    drop(lock);
    assert!(!client.check("cad", "core").allowed());
    let pause = waits(&mut renewer);
    assert!(pause <= Duration::from_secs(30), "{pause:?}");
    assert!(client.report(Outage::Network).unwrap() && client.report(Outage::Server).unwrap(), "nothing was reported");
}

/// A customer who never had a lease, in an outage.
#[test]
fn an_outage_without_any_lease_is_recorded_once() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, _) = sent(&mut renewer);
    renewer.ended(attempt, &Outcome::Failed(Failure::NoDns));
    assert!(waits(&mut renewer) <= Duration::from_secs(30));
    assert!(!client.report(Outage::Network).unwrap(), "the renewer did");
    assert_eq!(client.check("cad", "core").access.as_str(), "denied");
}

/// Two on one client, at the same time: one has the turn.
#[test]
fn two_renewers_of_one_client_take_turns() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let (mut one, mut two) =
        (client.renewer(Settings::default()).unwrap(), client.renewer(Settings::default()).unwrap());
    let (attempt, body) = sent(&mut one);
    for _ in 0..20 {
        assert!(waits(&mut two) <= Duration::from_secs(5));
    }
    let before = records(&client);
    one.ended(attempt, &ok(&json!({ "documents": [lease(&vendor, &body)] })));
    waits(&mut one);
    std::thread::sleep(Duration::from_secs(5));
    assert!(waits(&mut two) > Duration::from_secs(30), "it knows what the other one has");
    assert!(records(&client) - before < 5);
}

/// A child of a fork that drops what it inherited comes to an end, and takes nothing from its parent.
#[cfg(all(unix, feature = "http"))]
#[test]
fn a_child_of_a_fork_drops_a_renewing_without_waiting_for_a_thread_that_it_has_not() {
    use reprieve::http::{Options, Renewing};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/renew", listener.local_addr().unwrap());
    let (vendor, folder) = (vendor(&url), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let options = Options { proxy: Some(String::new()), ..Options::default() };
    let renewing = Renewing::start(&client, Settings::default(), &options).unwrap();
    let _connection = listener.accept().unwrap();
    // SAFETY: the child calls nothing but what is tested, `alarm` and `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the child if it waits.
        unsafe { libc::alarm(10) };
        renewing.renew_now();
        renewing.network_changed();
        renewing.stop();
        // SAFETY: ends the child without running what the parent registered.
        unsafe { libc::_exit(7) };
    }
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status}");
    // The parent still has the turn.
    let other = vendor.client(folder.path());
    assert!(waits(&mut other.renewer(Settings::default()).unwrap()) <= Duration::from_secs(5));
    renewing.stop();
    sent(&mut other.renewer(Settings::default()).unwrap());
}

/// Who answers over plain HTTP with what the authority signed long ago shows nothing of it, and starves nobody of his grace.
#[test]
fn a_replayed_answer_over_plain_http_is_the_networks_failure() {
    for (scheme, evidence) in [("http", Some(Outage::Network)), ("https", None)] {
        let (vendor, folder) = (vendor(&format!("{scheme}://a.example/renew")), TempDir::new().unwrap());
        let client = vendor.client(folder.path());
        let (old, policy, older) = (text(vendor.lease(1)), text(vendor.policy(2)), text(vendor.policy(1)));
        for document in [&policy, &old] {
            assert!(client.import(document.as_bytes()).unwrap().accepted);
        }
        std::thread::sleep(Duration::from_millis(1100));
        let mut renewer = client.renewer(Settings::default()).unwrap();
        let (attempt, _) = sent(&mut renewer);
        renewer.ended(attempt, &ok(&json!({ "documents": [old, policy, older] })));
        waits(&mut renewer);
        let reported = [Outage::Network, Outage::Server].into_iter().find(|outage| !client.report(*outage).unwrap());
        assert_eq!(reported, evidence, "{scheme}");
        // What answers the request counts over any way.
        renewer.renew_now();
        std::thread::sleep(Duration::from_secs(5));
        let (attempt, body) = sent(&mut renewer);
        renewer.ended(attempt, &ok(&json!({ "documents": [lease(&vendor, &body)] })));
        waits(&mut renewer);
        assert!(client.check("cad", "core").allowed());
    }
}

/// A day without a server is one request on record, not one for each round.
#[test]
fn an_outage_records_one_request_and_each_round_has_its_own_nonce() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    let none = Span::seconds(0);
    let mut renewer = client.renewer(Settings { pause: none, pause_most: none, ..Settings::default() }).unwrap();
    let mut nonces = std::collections::BTreeSet::new();
    let mut before = 0;
    for round in 0..50 {
        let (attempt, body) = sent(&mut renewer);
        let request: Value = serde_json::from_slice(&body).unwrap();
        assert!(nonces.insert(request["nonce"].as_str().unwrap().to_owned()));
        if round == 1 {
            before = records(&client);
        }
        renewer.ended(attempt, &Outcome::Failed(Failure::Refused));
    }
    let (attempt, body) = sent(&mut renewer);
    assert_eq!(records(&client), before, "rounds that fail record nothing new");
    // The answer to a head that was sent again is fresh, and countersigns it.
    let request = reprieve::renew::RenewalRequest::read(&body).unwrap();
    let claims = request.lease(
        "L1",
        "cad",
        &[("core".to_owned(), Instant::from_seconds(now() + 86_400))].into(),
        Instant::from_seconds(now()),
        false,
    );
    renewer.ended(attempt, &ok(&json!({ "documents": [text(vendor.issue(Kind::Lease, claims))] })));
    waits(&mut renewer);
    assert!(client.check("cad", "core").allowed());
    let next = reprieve::renew::RenewalRequest::read(&client.request().unwrap().body).unwrap();
    assert_eq!(next.chain.since.len(), 1, "the one that was countersigned");
    assert_eq!(next.chain.continuity(&request.chain.head).unwrap(), reprieve::ledger::Continuity::Continues);
}

/// One that takes the turn and is never polled again keeps it for so long and no longer; when it is polled at last, it notices.
#[test]
fn a_renewer_that_nobody_polls_loses_the_turn() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let (one, two, three) = (vendor.client(folder.path()), vendor.client(folder.path()), vendor.client(folder.path()));
    let settings = Settings { turn: Span::seconds(6), ..Settings::default() };
    let mut stuck = one.renewer(settings.clone()).unwrap();
    let (forgotten, old) = sent(&mut stuck);
    let mut second = two.renewer(settings.clone()).unwrap();
    let begun = std::time::Instant::now();
    let (attempt, body) = loop {
        match second.poll().unwrap() {
            Task::Wait(pause) => std::thread::sleep(pause),
            Task::Send { attempt, body, .. } => break (attempt, body.to_vec()),
            other => panic!("{other:?}"),
        }
    };
    assert!((6..20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    // A third one waits for the second, as ever.
    assert!(waits(&mut three.renewer(settings.clone()).unwrap()) <= Duration::from_secs(5));
    // The first one wakes: its attempt is over, and it takes nothing from the second.
    assert_eq!(stuck.poll().unwrap(), Task::Abort(forgotten));
    waits(&mut stuck);
    stuck.ended(forgotten, &ok(&json!({ "documents": [lease(&vendor, &old)] })));
    assert!(!one.check("cad", "core").allowed(), "an attempt that is over is nothing");
    second.ended(attempt, &ok(&json!({ "documents": [lease(&vendor, &body)] })));
    assert!(waits(&mut second) > Duration::from_secs(30));
    assert!(two.check("cad", "core").allowed());
    let said: String = one.diagnostics().iter().map(|one| one.text.clone()).collect();
    assert!(said.contains("another product took the turn"), "{said}");
    // And the turn can be had again.
    let mut last = three.renewer(settings).unwrap();
    last.renew_now();
    sent(&mut last);
}

/// What a bad document of an answer was stands in the diagnostics, beside what became of the good ones.
#[test]
fn a_bad_document_is_told_and_the_good_ones_are_taken() {
    let (vendor, folder) = (vendor("https://a.example/renew"), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer);
    renewer.ended(attempt, &ok(&json!({ "documents": [7, lease(&vendor, &body), null] })));
    assert!(waits(&mut renewer) > Duration::from_secs(30));
    assert!(client.check("cad", "core").allowed());
    assert!(client.report(Outage::Network).unwrap() && client.report(Outage::Server).unwrap(), "nothing was reported");
    let said: Vec<String> = client.diagnostics().iter().map(|one| one.text.clone()).collect();
    let told = |number: u32| {
        said.iter().any(|text| text.contains(&format!("document {number} of the answer is refused (malformed)")))
    };
    assert!(told(1) && told(3) && !told(2), "{said:?}");
}
