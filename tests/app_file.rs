//! What is said of an application file that cannot be used: the place and the key, and never a secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::client::{App, Builder, Error, ErrorKind};
use reprieve::ledger;

const SECRET: &str = "c2l4dGVlbiBieXRlcyBvciBtb3Jl";
const ROOTS: &str = "roots = [{ kid = \"root-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }]\n";

fn refused(text: &str) -> Error {
    let error = App::from_toml(text).err().unwrap_or_else(|| panic!("it was taken: {text}"));
    assert_eq!(error.kind(), ErrorKind::App, "{error}");
    error
}

#[test]
fn an_audit_key_that_is_none_is_the_application_files_fault() {
    let mut one = [0; 32];
    one[0] = 1;
    for low_order in [[0; 32], one] {
        let root = reprieve::document::SigningKey::generate("root-1").unwrap().root_key();
        let mut app = App::new("acme", b"sixteen bytes or more", vec![root]);
        app.audit_key = Some(low_order);
        let error = Builder::new(app).in_memory().open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::App, "{error}");
        assert!(error.message().contains("`audit_key` is no X25519 public key"), "{error}");
    }
    let zeros = "A".repeat(43);
    let error = refused(&format!("vendor = \"acme\"\nsecret = \"{SECRET}\"\naudit_key = \"{zeros}\"\n{ROOTS}"));
    assert!(error.message().contains("audit_key"), "{error}");
}

#[test]
fn a_rule_of_the_ledger_that_a_caller_broke_is_no_error_of_the_disk() {
    let misuse = "no id".parse::<ledger::LedgerId>().unwrap_err();
    assert_eq!(misuse.kind(), ledger::ErrorKind::Misuse);
    assert_eq!(Error::from(misuse).kind(), ErrorKind::Argument);
}
