//! How a renewer says that it stands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::time::Duration;

use reprieve::client::{Standing, Task};
use reprieve::renew::{Ended, Endpoint, Failure, HttpAnswer, Outcome, Settings};
use reprieve::terms::Kind;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

#[test]
fn a_watch_tells_what_came_of_the_last_attempt_and_when_the_next_round_begins() {
    let (mut vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    vendor.app.endpoints = vec![Endpoint::new("https://a.example/renew"), Endpoint::new("https://b.example/renew")];
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let watch = renewer.watch();
    assert_eq!(watch.standing(), Standing::default());

    let Task::Send { attempt, url, .. } = renewer.poll().unwrap() else { panic!() };
    assert!(watch.standing().is_busy && watch.standing().next.is_none() && watch.standing().last.is_none());
    renewer.ended(attempt, &Outcome::Failed(Failure::Refused));
    let (last, ago) = watch.standing().last.unwrap();
    assert_eq!((&last.url, &last.ended), (&url, &Ended::Failed(Failure::Refused)));
    assert!(ago < Duration::from_secs(60));

    let Task::Send { attempt, url: other, body, .. } = renewer.poll().unwrap() else { panic!() };
    assert_ne!(url, other);
    let request: Value = serde_json::from_slice(&body).unwrap();
    let claims = json!({
        "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
        "features": { "core": now() + 864_000 },
    });
    let body = vendor.issue(Kind::Lease, claims);
    renewer.ended(attempt, &Outcome::Answer(HttpAnswer { status: 200, body, ..Default::default() }));
    assert_eq!(watch.standing().last.unwrap().0.ended, Ended::Renewed);
    // It looks again sooner, but nothing is due before the middle of the lease's life.
    let Task::Wait(pause) = renewer.poll().unwrap() else { panic!() };
    assert!(pause <= Duration::from_secs(600));
    let standing = watch.standing();
    let next = standing.next.unwrap().as_secs();
    assert!(!standing.is_busy && (340_000..530_000).contains(&next), "{next}");

    renewer.renew_now();
    renewer.poll().unwrap();
    assert!(watch.standing().next.unwrap() <= Duration::from_secs(5), "a button was pressed");
}
