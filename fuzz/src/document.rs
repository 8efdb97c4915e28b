//! Tokens: any bytes, and any claims under signatures that hold.
//!
//! Laws: a token that a trusted key has signed is never refused for its key, its signature or its role; the same claims are the
//! same document in each serialisation; a changed signature is no document; what was read says the same when it is signed
//! again.

use std::sync::LazyLock;

use reprieve::document::{
    Document, KeyEntry, Keys, Role, SigningKey, TokenId, TrustStore, inspect, issue, issue_unchecked, open,
    read_unverified, typ,
};
use reprieve::policy::Policy;
use reprieve::terms::{Kind, Refusal};
use reprieve::time::Instant;
use serde_json::{Value, json};

/// The keys of an authority, one for each role, the same in every run.
pub struct Authority {
    keys: Vec<(Role, SigningKey)>,
    trust: TrustStore,
}

/// Who signs.
pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = |role: &Role| {
        let mut seed = [7; 32];
        seed.iter_mut().zip(role.as_str().bytes()).for_each(|(to, from)| *to = from);
        (*role, SigningKey::from_seed(format!("{role}-1"), seed).expect("any seed is a key"))
    };
    let keys: Vec<(Role, SigningKey)> = Role::ALL.iter().map(key).collect();
    let entry = |(role, key): &(Role, SigningKey)| KeyEntry { roles: vec![*role], ..key.entry(&[]) };
    let roots = keys.iter().filter(|(role, _)| *role == Role::Root).map(|(_, key)| key.root_key());
    let mut trust = TrustStore::new(roots.clone().collect());
    trust.adopt(&Keys {
        version: 1,
        keys: keys.iter().filter(|(role, _)| *role != Role::Root).map(entry).collect(),
        roots: roots.collect(),
        endpoints: Vec::new(),
        mirrors: Vec::new(),
        iat: Instant::EPOCH,
    });
    Authority { keys, trust }
});

impl Authority {
    fn key(&self, kind: Kind) -> &SigningKey {
        let role = Role::of(kind);
        self.keys.iter().find(|(has, _)| *has == role).map(|(_, key)| key).expect("a key for each role")
    }
}

/// The first byte says whether the rest is a token, or claims of which kind.
pub fn run(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else { return };
    match Kind::ALL.get(usize::from(*mode % 8)) {
        Some(kind) => claims(*kind, rest),
        None => token(rest),
    }
}

fn token(token: &[u8]) {
    let opened = open(token, &AUTHORITY.trust);
    assert_eq!(opened.id, TokenId::of(token));
    match (&opened.result, inspect(token)) {
        (Ok(document), Ok(seen)) => {
            assert_eq!((seen.id, seen.kind), (opened.id, Some(document.kind())));
            again(document);
        }
        (Ok(_), Err(refused)) => panic!("opened, and cannot be looked into: {refused}"),
        (Err(refused), _) => assert!(!refused.detail.is_empty()),
    }
    let _ = read_unverified(token);
}

fn claims(kind: Kind, payload: &[u8]) {
    let (authority, key) = (&*AUTHORITY, AUTHORITY.key(kind));
    let compact = issue_unchecked(&typ(kind), payload, &[key]);
    let opened = open(&compact, &authority.trust);
    let signed =
        |refusal: Refusal| !matches!(refusal, Refusal::UnknownKey | Refusal::BadSignature | Refusal::WrongRole);
    if let Err(refused) = &opened.result {
        assert!(signed(refused.refusal), "{refused}");
        assert!(!refused.detail.is_empty());
    }
    assert_eq!(opened.kind, Some(kind));
    let _ = inspect(&compact);

    let text = String::from_utf8(compact).expect("a token is text");
    let parts: Vec<&str> = text.split('.').collect();
    let (protected, body, signature) = (parts[0], parts[1], parts[2]);
    let flattened = json!({ "payload": body, "protected": protected, "signature": signature }).to_string();
    let one = json!({ "protected": protected, "signature": signature });
    let general = json!({ "payload": body, "signatures": [one] }).to_string();
    if general.len() <= reprieve::document::MAX_TOKEN {
        for other in [flattened, general] {
            let other = open(other.as_bytes(), &authority.trust);
            assert_eq!(other.result, opened.result);
            assert_eq!((other.kind, other.license), (opened.kind, opened.license.clone()));
        }
    }

    // The signature is of these claims and this key alone.
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let broken = format!("{protected}.{body}.{other}{}", &signature[1..]);
    let refusal = open(broken.as_bytes(), &authority.trust).result.map_err(|refused| refused.refusal);
    assert!(matches!(refusal, Err(Refusal::BadSignature | Refusal::Malformed)), "{refusal:?}");
    let wrong = authority.key(if kind == Kind::Notice { Kind::Lease } else { Kind::Notice });
    let wrong = open(&issue_unchecked(&typ(kind), payload, &[wrong]), &authority.trust).result;
    assert!(wrong.is_err_and(|refused| !signed(refused.refusal) || opened.result.is_err()), "the wrong role may sign");

    if let Ok(document) = &opened.result {
        assert_eq!(document.kind(), kind);
        again(document);
        let value: Value = serde_json::from_slice(payload).expect("claims are JSON");
        issue(kind, &value, &[key]).expect("claims that open can be issued");
    }
}

/// What was read says the same once more.
fn again(document: &Document) {
    match document {
        Document::Policy(read) => {
            assert_eq!(Policy::from_json(&read.policy.to_json()).as_ref(), Ok(&*read.policy));
        }
        Document::Keys(keys) => {
            let token =
                issue_unchecked(&typ(Kind::Keys), keys.claims().to_string().as_bytes(), &[AUTHORITY.key(Kind::Keys)]);
            assert_eq!(open(&token, &AUTHORITY.trust).result.as_ref(), Ok(document));
            let mut trust = AUTHORITY.trust.clone();
            trust.adopt(keys);
            // Whatever keys are trusted then, nothing that they open panics.
            let _ = open(&token, &trust);
        }
        _ => {}
    }
}
