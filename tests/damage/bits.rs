//! Every bit flipped, of every file that a client's ledger consists of.

use std::path::PathBuf;

use reprieve::client::ErrorKind;
use reprieve::ledger::{DamageKind, Storage as _};

use super::cases::{Random, each};
use super::world::{Base, LOG, frames};

fn flipped(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bad = bytes.to_vec();
    bad[at] ^= 1 << bit;
    bad
}

fn bits(range: std::ops::Range<usize>) -> Vec<(usize, usize)> {
    range.flat_map(|at| (0..8).map(move |bit| (at, bit))).collect()
}

#[test]
fn in_a_record_is_named_and_costs_that_record_alone() {
    let (_world, base) = Base::new();
    let (path, frames) = (base.generation(1), base.frames());
    let bytes = base.read(&path);
    let mut random = Random::new("bits of the log");
    // A bit of each byte of what frames are made of; of the sealed payloads a sample.
    let (mut cases, mut payload) = (Vec::new(), Vec::new());
    for frame in &frames {
        for at in frame.clone() {
            let structure = at < frame.start + 48 || at >= frame.end - 16;
            if structure { &mut cases } else { &mut payload }.extend(bits(at..at + 1));
        }
    }
    cases = random.some(cases, 200);
    cases.extend(random.some(payload, 100));
    each("bits of the log", &cases, |(at, bit)| {
        let hit = base.first() + frames.iter().rposition(|frame| frame.start <= *at).unwrap() as u64;
        let bad = flipped(&bytes, *at, *bit);
        let storage = base.with(&path, &bad);
        let what = format!("byte {at} bit {bit} of record {hit}");
        let verified = base.verify(&storage, 1);
        assert_eq!(
            verified.iter().filter_map(|(_, seq)| *seq).collect::<Vec<_>>(),
            [hit],
            "{what}: verify {verified:?}"
        );
        let seen = base.prove(&storage, &what, |seq| seq == hit);
        assert_eq!(seen.damage.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [Some(hit)], "{what}");
        assert!(seen.damage[0].1.contains(&format!("record {hit}")), "{what}: {:?}", seen.damage);
        assert_eq!((&seen.put_back[..], &seen.suspected[..]), (&[][..], &["damaged"][..]), "{what}");
        // Even the documents in it: a snapshot holds them too (S24).
        assert_eq!(seen.accesses(), base.seen.accesses(), "{what}");
        assert_eq!(seen.generation, 2, "{what}");
        assert!(storage.read(&path).unwrap() == bad, "{what}: the file is kept as it is");
    });
}

#[test]
fn in_a_header_is_mended_and_no_offence() {
    let (_world, base) = Base::new();
    let path = base.generation(1);
    let bytes = base.read(&path);
    let cases = Random::new("bits of the header").some(bits(0..LOG), 120);
    each("bits of the header", &cases, |(at, bit)| {
        let storage = base.with(&path, &flipped(&bytes, *at, *bit));
        let what = format!("byte {at} bit {bit} of the header");
        assert_eq!(base.verify(&storage, 1), [(DamageKind::HeaderCopy, None)], "{what}");
        let seen = base.prove(&storage, &what, |_| false);
        assert_eq!((seen.suspect, seen.recovered, &seen.facts), (false, 0, &base.seen.facts), "{what}");
        assert_eq!(seen.generation, 1, "{what}");
    });
}

#[test]
fn behind_the_log_is_a_torn_tail_and_no_offence() {
    let (_world, base) = Base::new();
    let path = base.generation(1);
    let bytes = base.read(&path);
    let end = base.frames().last().unwrap().end;
    let cases = Random::new("bits behind the log").some(bits(end..bytes.len()), 80);
    each("bits behind the log", &cases, |(at, bit)| {
        let storage = base.with(&path, &flipped(&bytes, *at, *bit));
        let what = format!("byte {at} bit {bit} behind the log");
        assert_eq!(base.verify(&storage, 1), [], "{what}");
        let seen = base.prove(&storage, &what, |_| false);
        assert_eq!((seen.suspect, seen.recovered, &seen.facts), (false, 1, &base.seen.facts), "{what}");
        let kept = storage.read(&base.path("torn-1")).unwrap();
        assert_eq!(kept.iter().filter(|byte| **byte != 0).count(), 1, "{what}: what was cut off is kept aside");
    });
}

// What was closed is evidence: no client needs it, and verification finds each bit.
#[test]
fn in_an_older_generation_is_found_by_verification_and_costs_nothing() {
    let (_world, base) = Base::new();
    let path = base.generation(0);
    let bytes = base.read(&path);
    let frames = frames(&bytes);
    let end = frames.last().unwrap().end;
    let mut random = Random::new("bits of an older generation");
    let mut cases = random.some(bits(0..LOG), 30);
    cases.extend(random.some(bits(LOG..end), 60));
    cases.extend(random.some((end..bytes.len()).map(|at| (at, at % 8)).collect(), 10));
    each("bits of an older generation", &cases, |(at, bit)| {
        let storage = base.with(&path, &flipped(&bytes, *at, *bit));
        let what = format!("byte {at} bit {bit} of an older generation");
        let hit = frames.iter().position(|frame| frame.contains(at)).map(|hit| hit as u64);
        let found = base.verify(&storage, 0);
        let named = hit.is_none_or(|hit| found.iter().any(|(_, seq)| *seq == Some(hit)) || hit + 1 == base.first());
        assert!(named, "{what}: {found:?}");
        let next = base.verify(&storage, 1);
        assert_eq!(next, [(DamageKind::OtherHistory, Some(base.first()))], "{what}: its file hash is not the one");
        let seen = base.prove_but_verify(&storage, &what, |seq| Some(seq) == hit);
        assert_eq!((seen.suspect, seen.recovered, &seen.facts), (false, 0, &base.seen.facts), "{what}");
        assert_eq!(storage.read(&path).unwrap(), flipped(&bytes, *at, *bit), "{what}: it is left as it is");
    });
}

// Snapshots, the head, the witness, consumers' places, lock files: none is needed, so none can cost anything.
#[test]
fn in_a_private_file_costs_nothing() {
    let (_world, base) = Base::new();
    let private = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        !name.ends_with(".ledger") && !name.ends_with(".secret")
    };
    let files: Vec<PathBuf> = base.files().into_iter().filter(private).collect();
    let mut random = Random::new("bits of private files");
    let mut cases = Vec::new();
    for path in &files {
        let size = base.read(path).len();
        cases.extend(random.some(bits(0..size), 30).into_iter().map(|(at, bit)| (path, at, bit)));
    }
    for kind in [".head", ".snapshot.0", ".snapshot.1", ".side-place%2Etold", ".witness"] {
        assert!(cases.iter().any(|(path, ..)| path.to_string_lossy().ends_with(kind)), "{kind} among {files:?}");
    }
    each("bits of private files", &cases, |(path, at, bit)| {
        let storage = base.with(path, &flipped(&base.read(path), *at, *bit));
        let what = format!("byte {at} bit {bit} of {}", path.display());
        assert_eq!(base.verify(&storage, 1), [], "{what}");
        let seen = base.prove(&storage, &what, |_| false);
        assert_eq!((seen.suspect, seen.recovered, seen.generation), (false, 0, 1), "{what}");
        assert_eq!(seen.facts, base.seen.facts, "{what}");
    });
}

// Without its secret file nobody reads a ledger. The error names the file, nothing is made in its place, and the file put back is
// all that it needs.
#[test]
fn in_the_secret_file_is_said_and_changes_nothing() {
    let (_world, base) = Base::new();
    let path = base.path("secret");
    let bytes = base.read(&path);
    let mut cases: Vec<Vec<u8>> = bits(0..bytes.len()).iter().map(|(at, bit)| flipped(&bytes, *at, *bit)).collect();
    cases.extend((0..bytes.len()).map(|cut| bytes[..cut].to_vec()));
    cases.push([bytes.as_slice(), b"x"].concat());
    each("the secret file", &cases, |bad| {
        let storage = base.with(&path, bad);
        let error = base.open(&storage).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
        assert!(error.message().contains("drill.secret"), "{error}");
        for file in base.files() {
            assert_eq!(storage.read(&file).unwrap(), if file == path { bad.clone() } else { base.read(&file) });
        }
        assert_eq!(storage.list(&base.folder).unwrap().len(), base.storage.list(&base.folder).unwrap().len());
        storage.write(&path, &bytes);
        assert_eq!(base.look(&storage).unwrap().facts, base.seen.facts);
    });
}

// Without snapshots what stood in a destroyed record alone is lost, and every other lease is still proven.
#[test]
fn in_a_record_without_snapshots_costs_what_stood_in_it() {
    let (_world, base) = Base::new();
    let (path, frames) = (base.generation(1), base.frames());
    let bytes = base.read(&path);
    let mut random = Random::new("bits of the log without snapshots");
    let mut cases = Vec::new();
    for (hit, frame) in frames.iter().enumerate() {
        cases.extend(
            random.some(bits(frame.clone()), 3).into_iter().map(|(at, bit)| (base.first() + hit as u64, at, bit)),
        );
    }
    each("bits of the log without snapshots", &cases, |(hit, at, bit)| {
        let storage = base.with(&path, &flipped(&bytes, *at, *bit));
        base.drop_snapshots(&storage);
        let what = format!("byte {at} bit {bit} of record {hit} without snapshots");
        let seen = base.prove(&storage, &what, |seq| seq == *hit);
        assert_eq!(seen.damage.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [Some(*hit)], "{what}");
        base.prove_leases(&seen, &what, |seq| seq == *hit);
    });
}
