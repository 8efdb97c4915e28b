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
        (
            good.replace(&secret, &format!("secert = \"{SECRET}\"")),
            "line 2, column 1: `secert` is no key here; there are vendor, ",
        ),
        (good.replace(&secret, &format!("{secret}\n{secret}")), "duplicate key"),
        (good.replace(&secret, &format!("secret = [\"{SECRET}\"]")), "line 2, column 10: `secret` is of the type "),
        (
            good.replace(&secret, &format!("secret = {{ text = \"{SECRET}\" }}")),
            "line 2, column 10: `secret` is of the type ",
        ),
        (good.replace(&secret, &format!("secret = {NUMBER}")), "line 2, column 10: `secret` is of the type "),
        (good.replace(&secret, &format!("secret = {NUMBER}.5")), "line 2, column 10: `secret` is of the type "),
        (good.replace(&secret, &format!("secret = \"{SECRET}!\"")), "`secret` is no base64"),
        (good.replace(&secret, &format!("secret = \"{}\"", &SECRET[..8])), "a secret has 6 bytes"),
        (
            good.replace(&older, &format!("\"{OLDER}\"")),
            "`older_secrets` is of the type string; write a list of secrets",
        ),
        (good.replace(&older, NUMBER), "`older_secrets` is of the type integer; write a list of secrets"),
        (
            good.replace(&older, &format!("[{NUMBER}]")),
            "line 3, column 18: `older_secrets[0]` is of the type integer; write a text",
        ),
        (good.replace(&older, &format!("[[\"{OLDER}\"]]")), "`older_secrets[0]` is of the type array; write a text"),
        (good.replace(&older, &format!("[\"{OLDER}\"")), "line "),
        (good.replace(&older, &format!("[{OLDER}]")), "line 3, column "),
        (good.replace(&older, &format!("[\"{OLDER}?\"]")), "`older_secrets` is no base64"),
        (
            good.replace("vendor = \"acme\"", "vendor = 7"),
            "line 1, column 10: `vendor` is of the type integer; write a text in quotes",
        ),
        (good.replace("vendor = \"acme\"\n", ""), "`vendor` is missing"),
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

#[test]
fn each_value_that_cannot_be_used_is_named_with_its_place() {
    let good = format!("vendor = \"acme\"\nsecret = \"{SECRET}\"\n{ROOTS}");
    let with = |line: &str| format!("{good}{line}\n");
    for (text, says) in [
        (
            good.replace(&ROOTS[..ROOTS.len() - 1], "roots = { kid = \"a\", x = \"b\" }"),
            "`roots` is of the type table; write a list: ",
        ),
        (good.replace("kid = \"root-1\", ", ""), "line 3, column 10: `roots[0].kid` is missing"),
        (good.replace("kid = ", "kit = "), "line 3, column 12: `roots[0].kit` is no key here; there are kid, x"),
        (with("endpoints = [\"ftp://a\"]"), "line 4, column 14: `endpoints[0]` is \"ftp://a\", which is no https://"),
        (with("endpoints = [7]"), "`endpoints[0]` is of the type integer; write a URL in quotes, or a table"),
        (
            with("endpoints = [{ url = \"https://a\", weight = 65536 }]"),
            "`endpoints[0].weight` is of the type integer; write a whole number from 0 to 65535",
        ),
        (
            with("endpoints = [{ url = \"https://a\", prio = 1 }]"),
            "`endpoints[0].prio` is no key here; there are url, priority, weight, region",
        ),
        (with("endpoints = [{ weight = 1 }]"), "`endpoints[0].url` is missing"),
        (with("mirrors = [\"a\"]"), "`mirrors[0]` is \"a\", which is no https://"),
        (with("mirrors = \"https://a\""), "`mirrors` is of the type string; write a list of URLs"),
        (with("place = 1"), "`place` is of the type integer; write a table"),
        (with("[place]\nfolder = true"), "line 5, column 10: `place.folder` is of the type boolean; write a text"),
        (
            with("[place]\nwhere = 1"),
            "line 5, column 1: `place.where` is no key here; there are folder, witness, read_only",
        ),
        (with("[place]\nread_only = \"no\""), "`place.read_only` is `no`; write \"memory\" or \"error\""),
    ] {
        let said = refused(&text).to_string();
        assert!(said.contains(says), "{says:?} of {text}: {said}");
    }
    let text = with(
        "endpoints = [\"https://a\", { url = \"https://b\", priority = 0x7, weight = 0, region = \"eu\" }, \"https://c\"]",
    );
    let ways: Vec<_> = App::from_toml(&text)
        .unwrap()
        .endpoints
        .into_iter()
        .map(|way| (way.url, way.priority, way.weight, way.region))
        .collect();
    let way = |url: &str, priority, weight, region: Option<&str>| {
        (url.to_owned(), priority, weight, region.map(str::to_owned))
    };
    assert_eq!(ways, [way("https://a", 1, 1, None), way("https://b", 7, 0, Some("eu")), way("https://c", 3, 1, None)]);
}
