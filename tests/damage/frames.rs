//! Whole frames moved, and files cut: every prefix, every two frames swapped, each frame taken out, put in again, and replaced by
//! another ledger's.

use std::collections::BTreeSet;
use std::path::Path;

use reprieve::client::ErrorKind;
use reprieve::ledger::{MemoryStorage, Storage as _};
use reprieve::terms::Access;

use super::cases::{Random, each, thorough};
use super::world::{Base, LOG, World, frames};

/// The frames of the newest file.
fn own(base: &Base) -> Vec<Vec<u8>> {
    let bytes = base.read(&base.generation(1));
    base.frames().into_iter().map(|frame| bytes[frame].to_vec()).collect()
}

fn slices(frames: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    frames.iter().map(Vec::as_slice)
}

#[test]
fn every_prefix_names_each_record_that_it_lacks() {
    let (_world, base) = Base::new();
    let (path, frames) = (base.generation(1), base.frames());
    let bytes = base.read(&path);
    let end = frames.last().unwrap().end;
    let mut random = Random::new("prefixes");
    // Round each end of a frame, and a sample of the rest.
    let mut cuts: BTreeSet<usize> = (4096..bytes.len()).collect();
    if !thorough() {
        cuts = random.some(cuts.into_iter().collect(), 60).into_iter().collect();
        let round = |at: usize| at - 1..=at + 1;
        cuts.extend(frames.iter().flat_map(|frame| round(frame.end)).chain(round(LOG)).chain(4096..4098));
    }
    let cases: Vec<(usize, bool)> =
        cuts.into_iter().flat_map(|cut| [(cut, true), (cut, false)]).filter(|(cut, _)| *cut < bytes.len()).collect();
    // Where a copy of the header is cut both are written anew.
    let kept_of = |storage: &MemoryStorage, cut: usize| cut < LOG || storage.read(&path).unwrap() == bytes[..cut];
    each("prefixes", &cases, |(cut, beside)| {
        let kept = |storage: &MemoryStorage| kept_of(storage, *cut);
        let what = format!("cut at {cut}, with snapshots and head: {beside}");
        let storage = base.with(&path, &bytes[..*cut]);
        if !beside {
            base.drop_snapshots(&storage);
            storage.remove(&base.path("head")).unwrap();
        }
        let whole = frames.iter().filter(|frame| frame.end <= *cut).count() as u64;
        let lost = |seq: u64| seq >= base.first() + whole;
        let seen = base.prove(&storage, &what, lost);
        let lacking: BTreeSet<u64> = (base.first() + whole..=base.last()).collect();
        assert_eq!(seen.suspect, !lacking.is_empty(), "{what}: {seen:?}");
        base.prove_leases(&seen, &what, |seq| lost(seq) && !beside);
        if *cut >= end {
            assert_eq!((seen.recovered, seen.generation, &seen.facts), (0, 1, &base.seen.facts), "{what}");
        } else if *beside {
            assert_eq!(seen.named(), lacking, "{what}: each is named");
            assert_eq!(seen.accesses(), base.seen.accesses(), "{what}: what snapshots hold is still proven");
            assert_eq!(seen.generation, 2, "{what}");
            assert!(kept(&storage), "{what}: kept");
        } else if *cut <= LOG {
            // No file is without its first record; of the others the witness alone knows, and of those the newest.
            assert_eq!((seen.named(), &seen.put_back[..]), ([base.first()].into(), &[base.last()][..]), "{what}");
        } else if seen.named().is_empty() {
            // Nothing is left of them; the witness knows the newest.
            assert_eq!((&seen.put_back[..], &seen.suspected[..]), (&[base.last()][..], &["put_back"][..]), "{what}");
        } else {
            // Bytes are left of the first; the witness vouches for all.
            assert_eq!(seen.named(), lacking, "{what}: each is named");
            assert!(kept(&storage), "{what}: kept");
        }
    });
}

// Too little is left of the newest file to be read: the one before it rules, the loss is named, and what lies there is kept.
#[test]
fn a_file_cut_within_its_header_costs_that_file_alone() {
    let (_world, base) = Base::new();
    let path = base.generation(1);
    let bytes = base.read(&path);
    let cases = Random::new("cut headers").some((0..4096).collect(), 40);
    each("cut headers", &cases, |cut| {
        let what = format!("cut at {cut}");
        let storage = base.with(&path, &bytes[..*cut]);
        let seen = base.prove(&storage, &what, |seq| seq >= base.first());
        assert!(seen.damage.iter().all(|(seq, text)| seq.is_none() && text.contains("generation 1")), "{seen:?}");
        assert_eq!((&seen.suspected[..], seen.generation), (&["damaged"][..], 2), "{what}");
        for feature in ["core", "render", "export"] {
            assert_eq!(seen.facts[feature].0, Access::Full, "{what}: {feature}");
        }
        assert!(storage.read(&path).unwrap() == bytes[..*cut], "{what}: kept");
    });
}

// With no other file nothing can be proven: that is said, and nothing is made in its place.
#[test]
fn a_single_file_cut_within_its_header_is_never_replaced() {
    let world = World::new();
    let base = world.base();
    let path = base.generation(0);
    let bytes = base.read(&path);
    let names = |folder: &Path| base.storage.list(folder).unwrap().len();
    let cases = Random::new("cut headers of a single file").some((0..4096).collect(), 100);
    each("cut headers of a single file", &cases, |cut| {
        let storage = base.with(&path, &bytes[..*cut]);
        for _ in 0..2 {
            let error = base.open(&storage).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::NotALedger | ErrorKind::Damaged), "cut at {cut}: {error}");
            assert!(error.message().contains("drill.g0.ledger"), "{error}");
        }
        assert_eq!(storage.read(&path).unwrap(), bytes[..*cut]);
        assert_eq!(storage.list(&base.folder).unwrap().len(), names(&base.folder));
        storage.write(&path, &bytes);
        assert!(!base.look(&storage).unwrap().suspect);
    });
}

#[test]
fn every_two_frames_swapped_cost_nothing() {
    let (_world, base) = Base::new();
    let (path, own, first) = (base.generation(1), own(&base), base.first());
    let pairs = (0..own.len()).flat_map(|a| (a + 1..own.len()).map(move |b| (a, b)));
    let cases: Vec<(usize, usize, bool)> = pairs.flat_map(|(a, b)| [(a, b, true), (a, b, false)]).collect();
    each("swapped frames", &cases, |(a, b, snapshots)| {
        let what =
            format!("records {} and {} swapped, with snapshots: {snapshots}", first + *a as u64, first + *b as u64);
        let mut frames = own.clone();
        frames.swap(*a, *b);
        let bad = base.log_of(slices(&frames));
        let storage = base.with(&path, &bad);
        if !snapshots {
            base.drop_snapshots(&storage);
        }
        let two = [first + *a as u64, first + *b as u64];
        let verified = base.verify(&storage, 1);
        assert!(verified.iter().any(|(_, seq)| seq.is_some_and(|seq| two.contains(&seq))), "{what}: {verified:?}");
        let seen = base.prove(&storage, &what, |_| false);
        assert!(seen.named().iter().any(|seq| two.contains(seq)), "{what}: {:?}", seen.damage);
        assert_eq!((&seen.suspected[..], seen.generation), (&["damaged"][..], 2), "{what}");
        assert_eq!(seen.accesses(), base.seen.accesses(), "{what}");
        assert!(storage.read(&path).unwrap() == bad, "{what}: kept");
    });
}

#[test]
fn each_frame_taken_out_is_missing_and_each_put_in_again_is_out_of_its_place() {
    let (_world, base) = Base::new();
    let (path, own, first) = (base.generation(1), own(&base), base.first());
    let last = own.len() - 1;
    let out = (0..own.len()).map(|which| (which, None));
    let again = (0..own.len()).flat_map(|which| (1..=own.len()).map(move |place| (which, Some(place))));
    // One that is put in again before its own place is as if that one was taken for it.
    let cases: Vec<(usize, Option<usize>)> =
        out.chain(again.filter(|(which, place)| place.is_some_and(|place| place > *which))).collect();
    each("frames taken out and put in again", &cases, |(which, place)| {
        let mut frames = own.clone();
        let what = match place {
            None => {
                frames.remove(*which);
                format!("record {} taken out", first + *which as u64)
            }
            Some(place) => {
                frames.insert(*place, own[*which].clone());
                format!("record {} again at place {place}", first + *which as u64)
            }
        };
        let bad = base.log_of(slices(&frames));
        let storage = base.with(&path, &bad);
        let hit = first + *which as u64;
        let verified = base.verify(&storage, 1);
        assert!(verified.iter().any(|(_, seq)| *seq == Some(hit)), "{what}: verify finds {verified:?}");
        let seen = base.prove(&storage, &what, |seq| place.is_none() && seq == hit);
        assert_eq!(seen.named(), [hit].into(), "{what}: {:?}", seen.damage);
        assert_eq!((&seen.suspected[..], seen.generation), (&["damaged"][..], 2), "{what}");
        assert_eq!(seen.accesses(), base.seen.accesses(), "{what}");
        assert!(storage.read(&path).unwrap() == bad, "{what}: kept");
    });
    assert!(last > 9, "the log has too few records");
}

// Frames of another ledger, and of this one's generation before, in the place of each record and before each.
#[test]
fn another_ledgers_frame_opens_nowhere() {
    let (_world, base) = Base::new();
    let (path, own, first) = (base.generation(1), own(&base), base.first());
    let (_other_world, other) = Base::new();
    let of = |base: &Base, generation: u64| -> Vec<Vec<u8>> {
        let bytes = base.read(&base.generation(generation));
        frames(&bytes).into_iter().map(|frame| bytes[frame].to_vec()).collect()
    };
    let foreign = [of(&other, 1), of(&base, 0), of(&other, 0)];
    let mut cases = Vec::new();
    for (from, theirs) in foreign.iter().enumerate() {
        let pairs = (0..theirs.len()).flat_map(|which| (0..=own.len()).map(move |place| (from, which, place)));
        cases.extend(pairs.flat_map(|(from, which, place)| [(from, which, place, true), (from, which, place, false)]));
    }
    let cases = Random::new("another ledger's frames").some(cases, 120);
    each("another ledger's frames", &cases, |(from, which, place, instead)| {
        let what = format!("frame {which} of {from} at place {place}, instead of the own one: {instead}");
        let mut frames = own.clone();
        let theirs = foreign[*from][*which].clone();
        let instead = *instead && *place < own.len();
        if instead {
            frames[*place] = theirs
        } else {
            frames.insert(*place, theirs)
        }
        let bad = base.log_of(slices(&frames));
        let storage = base.with(&path, &bad);
        let hit = first + *place as u64;
        let seen = base.prove(&storage, &what, |seq| instead && seq == hit);
        if *place == own.len() {
            // Behind the log's end nobody vouches for it: a torn tail, kept aside.
            assert_eq!((seen.suspect, seen.recovered), (false, 1), "{what}");
            let aside = storage.read(&base.path("torn-1")).unwrap();
            assert!(foreign[*from][*which].starts_with(&aside) && !aside.is_empty(), "{what}");
            return;
        }
        let verified = base.verify(&base.with(&path, &bad), 1);
        assert!(!verified.is_empty(), "{what}: verify finds nothing");
        if instead {
            assert_eq!(seen.named(), [hit].into(), "{what}: {:?}", seen.damage);
        } else {
            assert!(seen.damage[0].1.contains(&format!("before record {hit}")), "{what}: {:?}", seen.damage);
        }
        assert_eq!((&seen.suspected[..], seen.generation), (&["damaged"][..], 2), "{what}");
        assert_eq!(seen.accesses(), base.seen.accesses(), "{what}");
        assert!(storage.read(&path).unwrap() == bad, "{what}: kept");
    });
}
