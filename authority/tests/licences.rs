//! Licences, changed by the command line: what is not said stays as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/program.rs"]
mod program;

use program::Program;
use serde_json::{Value, json};

#[test]
fn a_licence_loses_its_end_and_its_own_lease_and_keeps_what_is_not_said() {
    let server = Program::serve("127.0.0.1:0", None);
    server.licence("L1");
    let change = |words: &[&str]| {
        let told = server.run(&[&["--json", "license", "change", "L1", "--why", "a test"], words].concat());
        let told: Value = serde_json::from_str(&told).unwrap();
        (told["lease"].clone(), told["ends"].clone(), told["seats"].clone())
    };
    let end = json!("2040-01-01T00:00:00Z");
    assert_eq!(change(&["--lease", "3d", "--ends", "2040-01-01T00:00:00Z"]), (json!("3d"), end.clone(), json!(1)));
    assert_eq!(change(&["--seats", "4"]), (json!("3d"), end.clone(), json!(4)), "the rest stays");
    assert_eq!(change(&["--default-lease"]), (Value::Null, end, json!(4)));
    assert_eq!(change(&["--no-end"]), (Value::Null, Value::Null, json!(4)));
    assert_eq!(change(&["--lease", "1h"]), (json!("1h"), Value::Null, json!(4)));
    let shown: Value = serde_json::from_str(&server.run(&["--json", "license", "show", "L1"])).unwrap();
    assert_eq!((&shown["lease"], &shown["ends"]), (&json!("1h"), &Value::Null));
    let journal: Value = serde_json::from_str(&server.run(&["--json", "journal", "--subject", "L1"])).unwrap();
    assert!(journal.to_string().contains("2040-01-01"), "who took the end away is known, and what it was: {journal}");
}

#[test]
fn what_is_null_and_what_is_left_out_are_different_things_to_the_api() {
    let server = Program::serve("127.0.0.1:0", None);
    server.licence("L1");
    let words = ["token", "new", "t1", "--holder", "anna", "--scope", "licenses", "--scope", "read"];
    let token = server.run(&words);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let patch = |body: Value| {
        let mut answer = agent
            .patch(format!("http://{}/admin/v1/license/L1", server.address))
            .header("Authorization", format!("Bearer {}", token.trim()))
            .send(body.to_string())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{text}");
        let told: Value = serde_json::from_str(&text).unwrap();
        (told["lease"].clone(), told["ends"].clone())
    };
    let (lease, end) = (json!("3d"), json!("2040-01-01T00:00:00Z"));
    assert_eq!(patch(json!({ "why": "x", "lease": "3d", "ends": end })), (lease.clone(), end.clone()));
    assert_eq!(patch(json!({ "why": "x" })), (lease.clone(), end.clone()));
    assert_eq!(patch(json!({ "why": "x", "ends": null })), (lease, Value::Null));
    assert_eq!(patch(json!({ "why": "x", "lease": null, "ends": end })), (Value::Null, end));
    let api: Value = serde_json::from_str(&server.run(&["openapi"])).unwrap();
    let change = &api["components"]["schemas"]["Change"];
    for key in ["lease", "ends"] {
        assert_eq!(change["properties"][key]["type"], json!(["string", "null"]), "{change}");
        assert!(change["properties"][key]["description"].as_str().unwrap().contains("null"), "{change}");
    }
    assert_eq!(change["required"], json!(["why"]));
}
