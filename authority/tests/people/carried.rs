//! Appeals that travel with a renewal by themselves (rule A5): from a customer's words to a ruling in his ledger, and nobody carries anything.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reprieve::client::{Client, EventKind, Task};
use reprieve::renew::{Appeal, HttpAnswer, Outcome, RenewalRequest, Settings};
use reprieve::time::Span;
use serde_json::{Value, json};

use super::appeals::{verify, world};
use super::world::{Forger, World};

/// The test's own driver: does what the client's renewer says until there is nothing to do. The requests that it sent, and their answers.
fn renews(world: &World, client: &Client, code: Option<&str>) -> Vec<(Value, Value)> {
    // No round begins sooner than this after one that renewed.
    std::thread::sleep(Duration::from_millis(1100));
    let mut renewer = client.renewer(Settings { renewed: Span::seconds(1), ..Settings::default() }).unwrap();
    let mut said = Vec::new();
    loop {
        match renewer.poll().unwrap() {
            Task::Send { attempt, body, .. } => {
                let (status, _, text) = world.http("POST", "/v1/renew", code, Some(&body));
                said.push((serde_json::from_slice(&body).unwrap(), serde_json::from_str(&text).unwrap()));
                let answer = HttpAnswer { status, body: text.into_bytes(), ..HttpAnswer::default() };
                renewer.ended(attempt, &Outcome::Answer(answer));
            }
            Task::Wait(_) => return said,
            other => panic!("{other:?}"),
        }
    }
}

/// What the leases of an answer say of appeals.
fn confirmed(answer: &Value) -> Vec<Value> {
    let claims = |token: &str| -> Option<Value> {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&payload).ok()
    };
    let tokens = answer["documents"].as_array().unwrap().iter().filter_map(Value::as_str);
    tokens
        .filter_map(claims)
        .filter(|claims| claims.get("sku").is_some())
        .map(|claims| claims["appeals"].clone())
        .collect()
}

fn problems(answer: &Value) -> Vec<String> {
    let of = answer["problems"].as_array().unwrap().iter();
    of.map(|one| format!("{}: {}", one["problem"].as_str().unwrap(), one["text"].as_str().unwrap())).collect()
}

fn appeals(world: &World) -> Vec<Value> {
    world.admin("GET", "/admin/v1/appeals?limit=1000", &Value::Null).unwrap().as_array().unwrap().clone()
}

fn events(client: &Client) -> Vec<EventKind> {
    std::iter::from_fn(|| client.next_event("tray").unwrap())
        .map(|event| {
            client.acknowledge("tray", event.record, event.index).unwrap();
            event.kind
        })
        .collect()
}

/// A request as a driver would send it: what was answered.
fn post(world: &World, code: Option<&str>, body: &[u8]) -> Value {
    let (status, _, text) = world.http("POST", "/v1/renew", code, Some(body));
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_appeal_arrives_by_renewal_with_its_ledger_and_a_ruling_comes_back() {
    let world = world();
    let code = world.license("L1");
    let client = world.client("m1");
    client.next_event("tray").unwrap();
    assert_eq!(renews(&world, &client, Some(&code)).len(), 1);
    assert_eq!(renews(&world, &client, None).len(), 0, "nothing is due");
    let file = client.appeal(Some("L1"), "The server room was under water.").unwrap();
    let id = Appeal::read(&file).unwrap().id;
    let said = renews(&world, &client, None);
    assert_eq!(said.len(), 1, "a renewal begins for it");
    let (request, answer) = &said[0];
    assert_eq!(request["appeals"][0]["appeal"]["text"], "The server room was under water.");
    assert_eq!((&answer["appeals"], confirmed(answer)), (&json!([id]), vec![json!([id])]), "{answer}");
    assert_eq!(problems(answer), [""; 0]);
    assert!(events(&client).contains(&EventKind::AppealReceived));
    // As it would be if it had come over HTTP or by hand, which are the same appeal.
    let token = world.token("anna", &["read", "support"], "1d");
    let shown = world.there(&token, &["appeal", "show", &id, "--json"]).good().json();
    assert_eq!((&shown["way"], &shown["known"], &shown["license"]), (&json!("renewal"), &json!(true), &json!("L1")));
    assert_eq!(shown["text"], "The server room was under water.");
    let kept = Appeal::read(shown["content"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!((&kept.id, kept.to_value()), (&id, request["appeals"][0].clone()));
    let (status, _, says) = world.http("POST", "/v1/appeals", None, Some(&file));
    assert_eq!((status, serde_json::from_str::<Value>(&says).unwrap()["new"].clone()), (201, json!(false)));
    assert_eq!(appeals(&world).len(), 1);
    // Its records are those of the ledger: with the files, all that it says holds.
    client.close().unwrap();
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", Some(&world.folder("m1")));
    assert_eq!(
        (code, &found["verdict"], &found["head"], &found["countersigned"], &found["recorded"]),
        (0, &json!("sound"), &json!(true), &json!(true), &json!(true)),
        "{found}"
    );
    let key = world.key_file("keys/ruling-1");
    world.there(&token, &["appeal", "rule", &id, "--key", &key, "--why", "he is right", "--clear", "clock"]).good();
    // The ruling comes with the next renewal, and nothing is sent again.
    let client = world.client("m1");
    let request: Value = serde_json::from_slice(&client.request().unwrap().body).unwrap();
    assert_eq!(request.get("appeals"), None);
    let (answers, answer) = world.renew(&client, None);
    assert!(answers.iter().any(|answer| answer.kind.map(|kind| kind.as_str()) == Some("ruling")), "{answers:?}");
    assert_eq!((confirmed(&answer), &answer["appeals"]), (vec![Value::Null], &json!([])));
    assert_eq!(events(&client).iter().filter(|kind| **kind == EventKind::AppealReceived).count(), 0, "told once");
    let steps = world.journal(&id);
    assert_eq!(steps.iter().filter(|step| *step == "customer appeal.receive").count(), 1, "{steps:?}");
}

#[test]
fn a_renewal_that_failed_loses_no_appeal_and_one_that_came_twice_is_one() {
    let mut world = world();
    let code = world.license("L1");
    let client = world.client("m1");
    renews(&world, &client, Some(&code));
    let id = Appeal::read(&client.appeal(None, "It says denied.").unwrap()).unwrap().id;
    // It arrives, and the answer is lost.
    let answer = post(&world, None, &client.request().unwrap().body);
    assert_eq!(answer["appeals"], json!([id]));
    // The server is away.
    world.stop();
    assert!(client.request().is_ok());
    world.serve();
    let body = client.request().unwrap().body;
    let answer = post(&world, None, &body);
    assert_eq!((confirmed(&answer), appeals(&world).len()), (vec![json!([id])], 1));
    client.renew(answer.to_string().as_bytes()).unwrap();
    assert_eq!(RenewalRequest::read(&client.request().unwrap().body).unwrap().appeals, [Value::Null; 0]);
}

#[test]
fn a_ledger_without_a_seat_appeals_too_and_says_so_once_a_day() {
    let world = world();
    let client = world.client("m1");
    let id = Appeal::read(&client.appeal(None, "My code does not work.").unwrap()).unwrap().id;
    let answer = post(&world, None, &client.request().unwrap().body);
    assert_eq!((&answer["appeals"], confirmed(&answer).len()), (&json!([id]), 0));
    client.renew(answer.to_string().as_bytes()).unwrap();
    let list = appeals(&world);
    assert_eq!((list.len(), &list[0]["known"], &list[0]["way"]), (1, &json!(false), &json!("renewal")));
    // No lease confirms it, as there is none; so it rests.
    let request: Value = serde_json::from_slice(&client.request().unwrap().body).unwrap();
    assert_eq!(request.get("appeals"), None);
}

#[test]
fn whatever_comes_for_an_appeal_the_renewal_is_answered() {
    let world = world();
    let code = world.license("L1");
    let (mine, other) = (world.client("m1"), world.client("m2"));
    renews(&world, &mine, Some(&code));
    renews(&world, &other, Some(&code));
    let theirs: Value = serde_json::from_slice(&other.appeal(Some("L1"), "I am the other.").unwrap()).unwrap();
    let good: Value = serde_json::from_slice(&mine.appeal(Some("L1"), "I am the one.").unwrap()).unwrap();
    let changed = |place: &str, value: Value| {
        let mut altered = good.clone();
        *altered.pointer_mut(place).unwrap() = value;
        altered
    };
    let forged = Forger::new(9).appeal(good["ledger"].as_str().unwrap(), "Let me in.", json!([]));
    for (appeals, word) in [
        (json!([theirs]), "of another ledger than the one that renews"),
        (json!([changed("/appeal/text", json!("I did it."))]), "it was changed since"),
        (json!([changed("/appeal/license", json!("L2"))]), "it was changed since"),
        (json!([changed("/history", json!(["x".repeat(500_000)]))]), "it was changed since"),
        (json!([forged]), "of another ledger than the one that renews"),
        (json!("an appeal"), "no object"),
        (json!({}), "`appeal.text`"),
        (json!([null, 7]), "no object"),
        (json!([{ "appeal": { "text": "\u{0}'); DROP TABLE appeals; --", "at": "x" } }]), "`appeal.at`"),
        (Value::Array(vec![json!({}); 10_000]), "10000 came with one renewal"),
    ] {
        let mut request: Value = serde_json::from_slice(&mine.request().unwrap().body).unwrap();
        request["appeals"] = appeals;
        let answer = post(&world, None, request.to_string().as_bytes());
        assert_eq!(confirmed(&answer), [Value::Null], "a lease, and nothing is said of appeals");
        let told = problems(&answer);
        assert!(told.iter().any(|one| one.starts_with("appeal_not_taken: ") && one.contains(word)), "{word}: {told:?}");
        assert!(told.len() <= 17, "{}", told.len());
        assert_eq!(answer["appeals"], json!([]));
    }
    assert_eq!(appeals(&world).len(), 0);
    // A good one among bad ones is taken.
    let mut request: Value = serde_json::from_slice(&mine.request().unwrap().body).unwrap();
    request["appeals"].as_array_mut().unwrap().insert(0, json!(7));
    let answer = post(&world, None, request.to_string().as_bytes());
    assert_eq!((confirmed(&answer).len(), answer["appeals"].as_array().unwrap().len()), (1, 1), "{answer}");
    assert_eq!(appeals(&world).len(), 1);
}

#[test]
fn who_makes_up_ledgers_fills_nothing_and_is_renewed_by_the_books_alone() {
    let world = world();
    let code = world.license("L1");
    let mine = world.client("m1");
    renews(&world, &mine, Some(&code));
    // One of a known ledger's, by another key.
    let forger = Forger::new(9);
    let ledger = mine.ledger_id().unwrap();
    let answer = post(&world, None, &forger.request(&ledger, vec![forger.appeal(&ledger, "Let me in.", json!([]))]));
    let told = problems(&answer);
    assert!(told.iter().any(|one| one.contains("not signed by the key of this ledger")), "{told:?}");
    assert!(told.iter().any(|one| one.starts_with("other_key")) && confirmed(&answer).is_empty(), "{told:?}");
    // One that is larger than any client sends, and signed.
    let large = forger.appeal(&forger.ledger, "Let me in.", json!(["x".repeat(200_000)]));
    let answer = post(&world, None, &forger.request(&forger.ledger, vec![large]));
    assert!(problems(&answer)[0].contains("too large for a renewal"), "{answer}");
    let one = || forger.appeal(&forger.ledger, &format!("Let me in, {}.", rand()), json!([]));
    let mut taken = 0;
    for _ in 0..20 {
        let answer = post(&world, None, &forger.request(&forger.ledger, (0..20).map(|_| one()).collect()));
        taken += answer["appeals"].as_array().unwrap().len();
    }
    assert_eq!(taken, 256, "so many of ledgers that hold no seat, and no more");
    // That keeps nobody out who holds one.
    mine.appeal(Some("L1"), "The server room was under water.").unwrap();
    let said = renews(&world, &mine, None);
    assert_eq!(confirmed(&said[0].1)[0], said[0].1["appeals"]);
    assert_eq!(said[0].1["appeals"].as_array().unwrap().len(), 1, "{}", said[0].1);
    // So many of one ledger: the next ones wait at home, and its leases come all the same.
    for at in 0..25 {
        mine.appeal(Some("L1"), &format!("Look at it, {at}.")).unwrap();
    }
    let mut kept = 1;
    for _ in 0..2 {
        let (answers, answer) = world.renew(&mine, None);
        assert!(answers.iter().any(|answer| answer.kind.map(|kind| kind.as_str()) == Some("lease")));
        kept += answer["appeals"].as_array().unwrap().len();
    }
    assert_eq!(kept, 17, "sixteen are open at a time");
}

/// Of ledgers that nobody knows one address sends so many, and its renewals are answered all the same; one that is known is counted by itself.
#[test]
fn an_address_that_makes_up_ledgers_is_told_to_wait_and_nobody_else() {
    let world = World::new();
    let code = world.license("L1");
    let mine = world.client("m1");
    renews(&world, &mine, Some(&code));
    let mut taken = 0;
    for seed in 0..30 {
        let forger = Forger::new(seed);
        let appeal = forger.appeal(&forger.ledger, "Let me in.", json!([]));
        let answer = post(&world, None, &forger.request(&forger.ledger, vec![appeal]));
        match answer["appeals"].as_array().unwrap().len() {
            0 => assert!(problems(&answer).iter().any(|one| one.contains("from this address")), "{answer}"),
            some => taken += some,
        }
    }
    assert!((20..23).contains(&taken), "{taken}");
    mine.appeal(None, "The server room was under water.").unwrap();
    let said = renews(&world, &mine, None);
    assert_eq!(said[0].1["appeals"].as_array().unwrap().len(), 1, "{}", said[0].1);
}

/// A number that no other has.
fn rand() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
