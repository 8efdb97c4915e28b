//! Published vectors: RFC 6962 trees and proofs, signed notes, a whole test log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reprieve::ledger::note::{Checkpoint, Verifier, sign};
use reprieve::ledger::tree::{
    CompactRange, Hash, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root_of,
    verify_consistency, verify_inclusion,
};
use serde_json::Value;

/// The vectors' folder beside the project; where there is none the test says so.
fn vectors(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(what);
    if path.exists() {
        return Some(path);
    }
    println!("not run: no vectors at {}", path.display());
    None
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn rfc6962_golden_hashes() {
    let Some(path) = vectors("rfc6962-golden.json") else { return };
    let golden = json(&path);
    let hasher = &golden["hasher"];
    assert_eq!(hex(&empty_root()), hasher["empty_root"].as_str().unwrap());
    assert_eq!(hex(&leaf_hash(b"")), hasher["leaf_of_empty"].as_str().unwrap());
    assert_eq!(hex(&leaf_hash(b"L123456")), hasher["leaf_of_ascii_L123456"].as_str().unwrap());
    let leaves: Vec<Hash> = golden["leaf_inputs_hex"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaf| leaf_hash(&unhex(leaf.as_str().unwrap())))
        .collect();
    let mut range = CompactRange::new();
    for (size, root) in golden["root_hashes_size_0_to_8"].as_array().unwrap().iter().enumerate() {
        let root = root.as_str().unwrap();
        assert_eq!((hex(&root_of(&leaves[..size])).as_str(), hex(&range.root()).as_str()), (root, root));
        if size < leaves.len() {
            range.push(leaves[size]);
        }
    }
}

/// The draft's accumulated test: every valid subtree, and every proof in it, up to 130 leaves.
#[test]
fn accumulated_subtrees_and_inclusion_proofs() {
    let Some(path) = vectors("rfc6962-golden.json") else { return };
    let golden = json(&path);
    let leaves: Vec<Hash> = (0..130_u8).map(|i| leaf_hash(&[i])).collect();
    let (mut hashes, mut proofs) = (String::new(), String::new());
    for end in 0..=130_usize {
        for start in 0..=end {
            let valid = start == end || start == 0 || start % (end - start).next_power_of_two() == 0;
            if !valid {
                continue;
            }
            let tree = &leaves[start..end];
            hashes.push_str(&format!("[{start}, {end}) {}\n", hex(&root_of(tree))));
            for index in start..end {
                let proof: String = inclusion_proof(tree, index - start)
                    .unwrap()
                    .iter()
                    .map(|step| format!(" {}", hex(step)))
                    .collect();
                proofs.push_str(&format!("{index} [{start}, {end}){proof}\n"));
            }
        }
    }
    let sum = |text: &str| hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    let accumulated = &golden["accumulated_to_size_130"];
    assert_eq!(sum(&hashes), accumulated["subtree_hash"]["sha256"].as_str().unwrap());
    assert_eq!(sum(&proofs), accumulated["subtree_inclusion"]["sha256"].as_str().unwrap());
}

fn hash_of(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

fn proof_of(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |steps| steps.iter().map(hash_of).collect())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn transparency_dev_inclusion_proofs() {
    let Some(folder) = vectors("transparency-dev-merkle/testdata/inclusion") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for path in files_below(&folder) {
        let case = json(&path);
        // Whatever is no hash of 32 bytes is refused before any proof is looked at.
        let holds = (|| {
            let (leaf, root, proof) = (hash_of(&case["leafHash"])?, hash_of(&case["root"])?, proof_of(&case["proof"])?);
            Some(verify_inclusion(case["leafIdx"].as_u64()?, case["treeSize"].as_u64()?, &leaf, &proof, &root))
        })();
        let wanted = !case["wantErr"].as_bool().unwrap();
        assert_eq!(holds.unwrap_or(false), wanted, "{}", path.display());
        if wanted { accepted += 1 } else { refused += 1 }
    }
    assert_eq!((accepted, refused), (6, 92));
}

#[test]
fn transparency_dev_consistency_proofs() {
    let Some(folder) = vectors("transparency-dev-merkle/testdata/consistency") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for path in files_below(&folder) {
        // Its roots have 12 bytes and are only compared with each other; here a root is a hash of 32 bytes.
        if path.ends_with("additional/sizes-are-equal-one-and-proof-is-empty.json") {
            continue;
        }
        let case = json(&path);
        let holds = (|| {
            let (old, new, proof) = (hash_of(&case["root1"])?, hash_of(&case["root2"])?, proof_of(&case["proof"])?);
            Some(verify_consistency(case["size1"].as_u64()?, case["size2"].as_u64()?, &proof, &old, &new))
        })();
        let wanted = !case["wantErr"].as_bool().unwrap();
        assert_eq!(holds.unwrap_or(false), wanted, "{}", path.display());
        if wanted { accepted += 1 } else { refused += 1 }
    }
    assert_eq!((accepted, refused), (5, 92));
}

#[test]
fn published_notes_verify_and_are_signed_alike() {
    let Some(path) = vectors("signed-note-vectors.json") else { return };
    let all = json(&path);
    let valid = all["valid"].as_array().unwrap();
    for case in valid.iter().filter(|case| case["vkey"].is_string()) {
        let (vkey, note) = (case["vkey"].as_str().unwrap(), case["note"].as_str().unwrap());
        let key = Verifier::from_vkey(vkey).unwrap();
        assert_eq!(key.vkey(), vkey);
        let text = key.verify(note).unwrap();
        if let Some(skey) = case["skey"].as_str() {
            let seed = STANDARD.decode(skey.splitn(5, '+').last().unwrap()).unwrap();
            let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed[1..]).unwrap();
            assert_eq!(sign(key.name(), &pair, text).unwrap(), note);
        }
        // No note with one byte of its text or signature changed is signed.
        for at in
            (0..note.len()).filter(|at| note.is_char_boundary(*at) && note.as_bytes()[*at].is_ascii_alphanumeric())
        {
            let mut bad = note.as_bytes().to_vec();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert!(key.verify(std::str::from_utf8(&bad).unwrap()).is_err(), "byte {at}");
        }
    }
    let two = valid.iter().find_map(|case| case["two_signatures_note"].as_str()).unwrap();
    let peter = Verifier::from_vkey(valid[1]["vkey"].as_str().unwrap()).unwrap();
    let text = peter.verify(two).unwrap();
    let enoch = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[0; 32]).unwrap();
    let line = sign("EnochRoot", &enoch, text).unwrap();
    assert_eq!(two.lines().last(), line.lines().last());
    for bad in all["bad_vkeys"].as_array().unwrap() {
        assert!(Verifier::from_vkey(bad.as_str().unwrap()).is_err());
    }
}

#[test]
fn malformed_notes_and_checkpoints_are_refused() {
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    let public = ring::signature::KeyPair::public_key(&pair).as_ref().try_into().unwrap();
    let key = Verifier::new("me", public).unwrap();
    let good = sign("me", &pair, "text\n").unwrap();
    assert_eq!(key.verify(&good).unwrap(), "text\n");
    for bad in [
        "",
        "\n",
        "text\n",
        "text\n\n",
        &good[..good.len() - 1],
        &format!("{good}\n"),
        &format!("{good}x\n"),
        &good.replace('\u{2014}', "-"),
    ] {
        assert!(key.verify(bad).is_err(), "{bad:?}");
    }
    assert!(sign("me", &pair, "no newline").is_err());
    assert!(sign("m e", &pair, "text\n").is_err() && sign("m+e", &pair, "text\n").is_err());
    let root = STANDARD.encode([1; 32]);
    assert!(Checkpoint::parse(&format!("log\n12\n{root}\n")).is_ok());
    assert_eq!(Checkpoint::parse(&format!("log\n12\n{root}\nmore\n")).unwrap().extensions, ["more"]);
    for bad in [
        format!("log\n012\n{root}\n"),
        format!("log\n+1\n{root}\n"),
        format!("log\n-1\n{root}\n"),
        format!("log\n\n{root}\n"),
        format!("\n1\n{root}\n"),
        "log\n1\nAA==\n".into(),
        format!("log\n1\n{root}"),
        format!("log\n1\n{root}\n\n"),
        format!("log\n18446744073709551616\n{root}\n"),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_tessera_test_log() {
    let (Some(folder), Some(keys)) = (vectors("tessera-testlog/testdata/log"), vectors("signed-note-vectors.json"))
    else {
        return;
    };
    let key = Verifier::from_vkey(json(&keys)["tessera_testlog_vkey"].as_str().unwrap()).unwrap();
    // A bundle of entries: each with its length, 16 bits, before it.
    let bundle = fs::read(folder.join("tile/entries/000.p/15")).unwrap();
    let (mut rest, mut leaves) = (bundle.as_slice(), Vec::new());
    while let [a, b, tail @ ..] = rest {
        let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes([*a, *b])));
        leaves.push(leaf_hash(entry));
        rest = tail;
    }
    assert_eq!(leaves.len(), 15);
    let tile: Vec<u8> = leaves.iter().flatten().copied().collect();
    assert_eq!(fs::read(folder.join("tile/0/000.p/15")).unwrap(), tile);
    let mut last: Option<Checkpoint> = None;
    for size in 0..=15_usize {
        let text = fs::read_to_string(folder.join(format!("checkpoint.{size}"))).unwrap();
        let checkpoint = Checkpoint::parse(key.verify(&text).unwrap()).unwrap();
        assert_eq!((checkpoint.size as usize, checkpoint.root), (size, root_of(&leaves[..size])));
        assert_eq!(checkpoint.origin, key.name());
        if let Some(last) = last.filter(|last| last.size > 0) {
            let proof = consistency_proof(&leaves[..size], last.size as usize).unwrap();
            assert!(verify_consistency(last.size, checkpoint.size, &proof, &last.root, &checkpoint.root));
        }
        last = Some(checkpoint);
    }
    assert_eq!(node_hash(&leaves[0], &leaves[1]), root_of(&leaves[..2]));
}
