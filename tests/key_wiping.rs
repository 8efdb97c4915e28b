//! Our own key bytes are wiped before their memory is given back. An allocator keeps every block that is freed while a ledger is made,
//! opened, written, re-keyed and closed; then all of them are searched for the keys.
//!
//! What this cannot see: the stack, and memory that is still in use. What it does not ask for: keys that ring holds as its own
//! schedules, which ring does not wipe (the frames' cipher, the header's HMAC, the signing key).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reprieve::client::{App, Builder, Rekey};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

const ROOM: usize = 1 << 20;
static KEEPING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FREED: [(AtomicUsize, AtomicUsize); ROOM] = [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; ROOM];

struct Keeper;

// SAFETY: all blocks come from the system's allocator with their own layout, and go back to it or are never used again.
unsafe impl GlobalAlloc for Keeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if KEEPING.load(Ordering::Relaxed) {
            let at = COUNT.fetch_add(1, Ordering::Relaxed);
            assert!(at < ROOM, "more blocks than there is room for");
            FREED[at].1.store(layout.size(), Ordering::Relaxed);
            FREED[at].0.store(block as usize, Ordering::Relaxed);
            return;
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    // `realloc` is the default one: a new block, a copy, and `dealloc` of the old one.
}

#[global_allocator]
static ALLOCATOR: Keeper = Keeper;

/// Runs something and gives all the blocks that it freed.
fn freed(what: impl FnOnce()) -> Vec<&'static [u8]> {
    COUNT.store(0, Ordering::Relaxed);
    KEEPING.store(true, Ordering::Relaxed);
    what();
    KEEPING.store(false, Ordering::Relaxed);
    let block = |at: usize| {
        let (start, size) = (FREED[at].0.load(Ordering::Relaxed), FREED[at].1.load(Ordering::Relaxed));
        // SAFETY: the block is never given back, so nobody else has it or writes to it.
        unsafe { std::slice::from_raw_parts(start as *const u8, size) }
    };
    (0..COUNT.load(Ordering::Relaxed)).map(block).collect()
}

/// For each secret, the sizes of the blocks that hold it. One pass over all bytes: few places begin like any secret.
fn holding(blocks: &[&[u8]], secrets: &[&[u8]]) -> Vec<Vec<usize>> {
    let begin = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let mut begins = vec![false; 1 << 16];
    secrets.iter().for_each(|secret| begins[begin(secret)] = true);
    let mut found = vec![Vec::new(); secrets.len()];
    for block in blocks {
        for at in 0..block.len().saturating_sub(1) {
            if !begins[begin(&block[at..])] {
                continue;
            }
            for (found, secret) in found.iter_mut().zip(secrets) {
                if block[at..].starts_with(secret) {
                    found.push(block.len());
                }
            }
        }
    }
    found
}

fn derive(secret: &[u8], salt: &[u8], info: &[&[u8]]) -> [u8; 32] {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(info, HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    key
}

fn unseal(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut plain = sealed[12..].to_vec();
    let nonce = Nonce::try_assume_unique_for_key(&sealed[..12]).unwrap();
    key.open_in_place(nonce, Aad::from(aad), &mut plain).ok().map(|plain| plain.to_vec())
}

/// The keys of a generation's file, by docs/ledger-format.md.
fn keys_of(file: &[u8], secret: &[u8], install: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let id = &file[24..40];
    let both = [&(secret.len() as u32).to_le_bytes(), secret, &(install.len() as u32).to_le_bytes(), install].concat();
    let slots = u32::from_le_bytes(file[60..64].try_into().unwrap()) as usize;
    let opened = (0..slots).find_map(|slot| {
        let slot = &file[188 + slot * 160..][..160];
        let wrapping = derive(&both, &slot[4..36], &[b"reprieve/1 slot", &slot[..2], &slot[36..68], &slot[68..100]]);
        let aad = [b"reprieve/1 slot".as_slice(), &slot[..2], id].concat();
        unseal(&wrapping, &aad, &slot[100..]).map(|data| (wrapping, data))
    });
    let (wrapping, data) = opened.unwrap();
    let identity = derive(&data, id, &[b"reprieve/1 identity"]);
    let secrets = unseal(&identity, id, &file[96..188]).unwrap();
    let generation = &file[40..48];
    vec![
        ("a slot's secret", both),
        ("a slot's wrapping key", wrapping.to_vec()),
        ("a data key", data.clone()),
        ("an identity's sealing key", identity.to_vec()),
        ("a signing seed", secrets[..32].to_vec()),
        ("an identity key", secrets[32..].to_vec()),
        ("a witness key", derive(&secrets[32..], b"", &[b"reprieve/1 witness"]).to_vec()),
        ("a snapshot key", derive(&data, id, &[b"reprieve/1 snapshot", generation]).to_vec()),
    ]
}

// One test, for the allocator sees all threads.
#[test]
fn no_freed_block_holds_a_key() {
    // A search that finds nothing must be able to find.
    let planted = *b"thirty-two bytes that are planted";
    assert_eq!(holding(&freed(|| drop(planted.to_vec())), &[&planted]), [[33]]);
    let grown = freed(|| {
        let mut bytes = planted.to_vec();
        bytes.extend_from_slice(&[0; 100]);
        std::mem::forget(bytes);
    });
    assert_eq!(holding(&grown, &[&planted]), [[33]], "what a block leaves behind when it grows");

    let folder = tempfile::tempdir().unwrap();
    let (newest, older) = (*b"the newest secret, \xff\xfe\xfd it is", *b"an older secret of the application");
    let root = URL_SAFE_NO_PAD.encode(reprieve::document::SigningKey::from_seed("r", [9; 32]).unwrap().public());
    let toml = |secret: &str, older: &str| {
        format!(
            "vendor = \"acme\"\nsecret = \"{secret}\"\nolder_secrets = [{older}]\nroots = [{{ kid = \"r\", x = \"{root}\" }}]\n"
        )
    };
    let (first, second) = (folder.path().join("first.toml"), folder.path().join("second.toml"));
    std::fs::write(&first, toml(&STANDARD.encode(older), "")).unwrap();
    // Without padding, in the other alphabet: read at the first attempt too.
    std::fs::write(&second, toml(&URL_SAFE_NO_PAD.encode(newest), &format!("\"{}\"", STANDARD.encode(older)))).unwrap();
    let open = |app: &std::path::Path| {
        let builder = Builder::new(App::from_file(app).unwrap());
        builder.folder(folder.path().join("ledger")).witness(folder.path().join("witness")).open().unwrap()
    };
    let blocks = freed(|| {
        let client = open(&first);
        for n in 0..40 {
            client.appeal(None, &format!("appeal {n}")).unwrap();
        }
        client.close().unwrap();
        drop(client);
        let client = open(&second);
        client.rekey(&Rekey::default()).unwrap();
        client.rekey(&Rekey { new_data_key: true, ..Rekey::default() }).unwrap();
        client.appeal(None, "on").unwrap();
        client.archive().unwrap();
        assert!(client.history(0).unwrap().len() > 40);
        client.check("cad", "core");
        client.close().unwrap();
        drop(client);
        drop(open(&second));
    });
    assert!(blocks.len() > 1000, "{} blocks", blocks.len());
    let install = std::fs::read(folder.path().join("ledger/acme.secret")).unwrap();
    let mut keys = vec![
        ("the newest secret", newest.to_vec()),
        ("the older secret", older.to_vec()),
        ("the install secret", install.clone()),
    ];
    for generation in 0..3 {
        let file = std::fs::read(folder.path().join(format!("ledger/acme.g{generation}.ledger"))).unwrap();
        for secret in [newest.as_slice(), older.as_slice()] {
            keys.extend(keys_of(&file, secret, &install));
        }
    }
    let secrets: Vec<&[u8]> = keys.iter().map(|(_, key)| key.as_slice()).collect();
    let found: Vec<String> = holding(&blocks, &secrets)
        .iter()
        .zip(&keys)
        .filter(|(sizes, _)| !sizes.is_empty())
        .map(|(sizes, (name, _))| format!("{name} in freed blocks of {sizes:?} bytes"))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}
