//! Older copies put back, at every age and with what belongs to them; and heads and tails of two forks joined.

use std::collections::BTreeSet;

use reprieve::ledger::{MemoryStorage, Storage as _};
use reprieve::terms::{Kind, LicenseState};
use serde_json::json;

use super::cases::each;
use super::world::{Base, LOG, World, frames};

/// What of a copy is put back; the rest stays as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Put {
    /// The generations' files.
    Logs,
    /// The whole folder.
    Folder,
    /// The whole folder, where the witness is gone.
    FolderWithoutWitness,
    /// The witness too.
    All,
}

fn restore(base: &Base, copy: &MemoryStorage, put: Put) -> MemoryStorage {
    let storage = base.storage.copy();
    let goes = |name: &str| put != Put::Logs || name.ends_with(".ledger");
    for name in storage.list(&base.folder).unwrap() {
        if goes(&name) {
            storage.remove(&base.folder.join(name)).unwrap();
        }
    }
    for name in copy.list(&base.folder).unwrap().iter().filter(|name| goes(name)) {
        storage.write(&base.folder.join(name), &copy.read(&base.folder.join(name)).unwrap());
    }
    for name in storage.list(&base.witness).unwrap().iter().filter(|name| name.ends_with(".witness")) {
        let path = base.witness.join(name);
        match (put, copy.read(&path)) {
            (Put::All, Some(bytes)) => storage.write(&path, &bytes),
            (Put::FolderWithoutWitness | Put::All, _) => storage.remove(&path).unwrap(),
            _ => {}
        }
    }
    storage
}

#[test]
fn an_older_copy_of_every_age_is_found_while_anything_remembers() {
    let world = World::new();
    let mut ages = vec![world.storage.copy()];
    world.fill(|world| ages.push(world.storage.copy()));
    let base = world.base();
    // The last step is the ledger itself.
    ages.pop();
    let puts = [Put::Logs, Put::Folder, Put::FolderWithoutWitness, Put::All];
    let cases: Vec<(usize, Put)> = (0..ages.len()).flat_map(|age| puts.map(|put| (age, put))).collect();
    each("older copies", &cases, |(age, put)| {
        let what = format!("the copy of step {age}, {put:?}");
        let then = base.look(&restore(&base, &ages[*age], Put::All)).unwrap();
        let storage = restore(&base, &ages[*age], *put);
        let frames_in =
            |generation| ages[*age].read(&base.generation(generation)).map_or(0, |file| frames(&file).len());
        let has = |seq: u64| seq < (frames_in(0) + frames_in(1)) as u64;
        let seen = base.prove_copy(&storage, &what, |seq| !has(seq));
        match put {
            Put::FolderWithoutWitness | Put::All => {
                // Nothing here remembers: that is seen at the next renewal.
                assert_eq!((seen.suspect, &seen.facts), (false, &then.facts), "{what}");
            }
            Put::Logs | Put::Folder => {
                assert!(seen.suspect, "{what}: {seen:?}");
                let lacking = |seq: &u64| !has(*seq);
                let named: BTreeSet<u64> = seen.named().into_iter().chain(seen.put_back.iter().copied()).collect();
                // A whole file that is gone is named as such.
                let gone = seen.damage.iter().any(|(_, text)| text.contains("generation 1 is gone"));
                assert!(gone || named.iter().any(lacking), "{what}: {named:?} {:?}", seen.damage);
                for (feature, fact) in then.facts.iter().filter(|(_, fact)| fact.1 == Some(LicenseState::Licensed)) {
                    let kept = seen.facts[feature].1 == Some(LicenseState::Licensed) || *feature == "old";
                    assert!(kept, "{what}: {feature} was {fact:?}, is {:?}", seen.facts[feature]);
                }
            }
        }
    });
}

#[test]
fn the_head_of_one_fork_and_the_tail_of_another_are_found_at_their_joint() {
    let (world, _) = Base::new();
    let common = world.storage.copy();
    let path = world.builder.config().unwrap().folder.join("drill.g1.ledger");
    let fork = frames(&common.read(&path).unwrap()).len();
    // Both write on from one copy: leases, appeals and reports, each another's.
    let write_on = |storage: &MemoryStorage, name: &str| -> Vec<Vec<u8>> {
        let client = world.builder.clone().storage(std::sync::Arc::new(storage.clone())).open().unwrap();
        for n in 0..3 {
            client.appeal(None, &format!("{name} {n}")).unwrap();
            let lease = world.lease(&format!("{name}-{n}"), "cad", &[("fork", 10 + n)]);
            assert!(client.import(&lease).unwrap().accepted);
        }
        let notice = json!({ "id": name, "start": world.now(), "end": world.now() + 60 });
        assert!(client.import(&world.issue(Kind::Notice, notice)).unwrap().accepted);
        client.close().unwrap();
        let bytes = storage.read(&path).unwrap();
        frames(&bytes).into_iter().map(|frame| bytes[frame].to_vec()).collect()
    };
    let other = write_on(&common.copy(), "there");
    let own = write_on(&world.storage, "here");
    let base = world.base();
    let (first, here, there) = (base.first(), own.len(), other.len());
    assert!(here - fork >= 7 && there - fork >= 7, "{fork} {here} {there}");
    let joints = (fork..=here).flat_map(|head| (fork..there).map(move |tail| (head, tail)));
    let cases: Vec<(usize, usize, bool)> = joints.flat_map(|(h, t)| [(h, t, true), (h, t, false)]).collect();
    each("joined forks", &cases, |(head, tail, beside)| {
        let what = format!("{head} frames of one, from {tail} on of the other, with snapshots and head: {beside}");
        let bad = base.log_of(own[..*head].iter().chain(&other[*tail..]).map(Vec::as_slice));
        let storage = base.with(&path, &bad);
        if !beside {
            base.drop_snapshots(&storage);
            storage.remove(&base.path("head")).unwrap();
        }
        let joint = first + *head as u64;
        let seen = base.prove_copy(&storage, &what, |seq| seq >= joint);
        let named: BTreeSet<u64> = seen.named().into_iter().chain(seen.put_back.iter().copied()).collect();
        assert!(seen.suspect && !named.is_empty(), "{what}: {:?} {:?}", seen.damage, seen.put_back);
        if *head > fork {
            // The bytes themselves show it, whatever else remembers.
            let expected = if head == tail { joint } else { joint.min(first + *tail as u64) };
            assert!(seen.named().contains(&expected), "{what}: {:?}", seen.damage);
            let verified = base.verify(&base.with(&path, &bad), 1);
            assert!(verified.iter().any(|(_, seq)| *seq == Some(expected)), "{what}: {verified:?}");
        }
        if seen.suspected == ["damaged"] {
            assert_eq!(seen.generation, 2, "{what}");
            assert!(storage.read(&path).unwrap()[LOG..bad.len()] == bad[LOG..], "{what}: kept");
        }
    });
}
