//! What is said of an application file that cannot be used: the place and the key, and never a secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::client::{App, Builder, Error, ErrorKind};
use reprieve::ledger;

const SECRET: &str = "c2l4dGVlbiBieXRlcyBvciBtb3Jl";
const OLDER: &str = "YW5vdGhlciBzZWNyZXQgb2YgdGhlaXJz";
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

/// The number that stands for a secret where a text should.
const NUMBER: &str = "8274619350";

#[test]
fn no_error_shows_a_secret() {
    let good = format!("vendor = \"acme\"\nsecret = \"{SECRET}\"\nolder_secrets = [\"{OLDER}\"]\n{ROOTS}");
    App::from_toml(&good).unwrap();
    let (secret, older) = (format!("secret = \"{SECRET}\""), format!("[\"{OLDER}\"]"));
    let place = "line 2, column ";
    let bad = [
        (good.replace(&secret, &format!("secret = {SECRET}")), place),
        (good.replace(&secret, &format!("secret = \"{SECRET}")), place),
        (good.replace(&secret, &format!("secret = \"\\q{SECRET}\"")), place),
        (good.replace(&secret, &format!("secret \"{SECRET}\"")), place),
        (good.replace(&secret, &format!("{secret} \"{SECRET}\"")), place),
        (good.replace(&secret, &format!("secert = \"{SECRET}\"")), "unknown field `secert`"),
        (good.replace(&secret, &format!("{secret}\n{secret}")), "duplicate key"),
        (good.replace(&secret, &format!("secret = [\"{SECRET}\"]")), "a secret is no text"),
        (good.replace(&secret, &format!("secret = {{ text = \"{SECRET}\" }}")), "a secret is no text"),
        (good.replace(&secret, &format!("secret = {NUMBER}")), "a secret is no text"),
        (good.replace(&secret, &format!("secret = {NUMBER}.5")), "a secret is no text"),
        (good.replace(&secret, &format!("secret = \"{SECRET}!\"")), "`secret` is no base64"),
        (good.replace(&secret, &format!("secret = \"{}\"", &SECRET[..8])), "a secret has 6 bytes"),
        (good.replace(&older, &format!("\"{OLDER}\"")), "`older_secrets` is no list of secrets"),
        (good.replace(&older, NUMBER), "`older_secrets` is no list of secrets"),
        (good.replace(&older, &format!("[{NUMBER}]")), "`older_secrets` is no list of secrets"),
        (good.replace(&older, &format!("[[\"{OLDER}\"]]")), "`older_secrets` is no list of secrets"),
        (good.replace(&older, &format!("[\"{OLDER}\"")), "line "),
        (good.replace(&older, &format!("[{OLDER}]")), "line 3, column "),
        (good.replace(&older, &format!("[\"{OLDER}?\"]")), "`older_secrets` is no base64"),
        (good.replace("vendor = \"acme\"", "vendor = 7"), "line 1, column 10: invalid type"),
        (good.replace("vendor = \"acme\"\n", ""), "missing field `vendor`"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reprieve.toml");
    for (text, says) in bad {
        assert_ne!(text, good);
        std::fs::write(&path, &text).unwrap();
        let read = App::from_file(&path).map(|_| ()).unwrap_err();
        for error in [refused(&text), read] {
            let said = format!("{error} {error:?}");
            assert!(said.contains(says), "{says:?} of {text}: {said}");
            // Of none even a part.
            for hidden in [SECRET, OLDER, NUMBER] {
                let shown = (0..=hidden.len() - 6).any(|at| said.contains(&hidden[at..at + 6]));
                assert!(!shown, "{text}: {said}");
            }
        }
    }
}
