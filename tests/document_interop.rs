//! Tokens that other libraries sign, and ours as they read them: PyJWT and jwcrypto, run here and now.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod document_support;

use std::io::Write;
use std::process::{Command, Stdio};

use document_support::*;
use reprieve::document::{Document, Form, Role, SigningKey, inspect, issue};
use reprieve::terms::Kind;
use serde_json::{Value, json};

/// What the script answers; none where there is no Python or no library for it.
fn python(job: &Value) -> Option<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/mint_tokens.py");
    let child =
        Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("not run: there is no python3");
        return None;
    };
    // Where a library is missing the script ends without reading; the answer is its exit code then.
    let _ = child.stdin.take().unwrap().write_all(job.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        println!("not run: {}", said.trim());
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn job(kind: Kind, keys: &[&SigningKey]) -> Value {
    json!({
        "kind": kind.as_str(),
        "claims": claims(kind),
        "keys": keys.iter().map(|key| key.jwk_private()).collect::<Vec<_>>(),
        "pems": keys.iter().map(|key| key.to_pem().to_string()).collect::<Vec<_>>(),
    })
}

#[test]
fn tokens_of_other_libraries() {
    let (one, two) = (key_of(Role::Support), key("support-2"));
    let mut sign: Vec<Value> = Kind::ALL.iter().map(|kind| job(*kind, &[&signer(*kind)])).collect();
    sign.push(job(Kind::Extension, &[&one, &two]));
    let verify = |kind: Kind, keys: &[&SigningKey]| {
        let token = String::from_utf8(issue(kind, &claims(kind), keys).unwrap()).unwrap();
        json!({ "token": token, "keys": keys.iter().map(|key| key.jwk_public()).collect::<Vec<_>>() })
    };
    let mut ours: Vec<Value> = Kind::ALL.iter().map(|kind| verify(*kind, &[&signer(*kind)])).collect();
    ours.push(verify(Kind::Extension, &[&one, &two]));
    let Some(answer) = python(&json!({ "sign": sign, "verify": ours })) else { return };

    let signed = answer["signed"].as_array().unwrap();
    assert_eq!(signed.len(), Kind::ALL.len() * 3 + 1);
    for entry in signed {
        let kind = Kind::from_word(entry["kind"].as_str().unwrap()).unwrap();
        let token = entry["token"].as_str().unwrap().as_bytes();
        let form = match entry["form"].as_str().unwrap() {
            "compact" => Form::Compact,
            "flattened" => Form::Flattened,
            _ => Form::General,
        };
        assert_eq!(inspect(token).unwrap().form, form, "{entry}");
        let read = opened(token).unwrap_or_else(|refusal| panic!("{refusal}: {entry}"));
        let mut expected = opened(&issue(kind, &claims(kind), &[&signer(kind)]).unwrap()).unwrap();
        if let (Document::Extension(expected), Form::General) = (&mut expected, form) {
            expected.approvals = 2;
        }
        assert_eq!(read, expected, "{entry}");
    }

    let verified = answer["verified"].as_array().unwrap();
    assert_eq!(verified.len(), Kind::ALL.len() * 2 + 2);
    let claims: Vec<Value> = Kind::ALL.iter().flat_map(|kind| [claims(*kind), claims(*kind)]).collect();
    for (entry, claims) in verified.iter().zip(claims) {
        assert_eq!(entry["claims"], claims);
    }
}
