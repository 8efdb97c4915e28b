//! What happens to files under an open client, on the real disk: the folder goes, or something else takes the ledger's place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reprieve::client::{Builder, Client, ErrorKind};
use reprieve::ledger::{Disk, MemoryStorage, Storage as _};
use reprieve::terms::{Access, Outage};

use super::world::{Base, World};

struct Place {
    /// Whose files go with it.
    _world: World,
    lease: Vec<u8>,
    builder: Builder,
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let (world, base) = Base::new();
        let root = tempfile::tempdir().unwrap();
        let put = |folder: &Path, to: &Path, storage: &MemoryStorage| {
            std::fs::create_dir(to).unwrap();
            for name in storage.list(folder).unwrap() {
                std::fs::write(to.join(&name), storage.read(&folder.join(&name)).unwrap()).unwrap();
            }
        };
        put(&base.folder, &root.path().join("ledger"), &base.storage);
        put(&base.witness, &root.path().join("witness"), &base.storage);
        let builder = world.builder.clone().lock_timeout(Duration::from_millis(300)).storage(Arc::new(Disk));
        let builder = builder.folder(root.path().join("ledger")).witness(root.path().join("witness"));
        let lease = world.lease("L7", "cad", &[("new", 50)]);
        Place { _world: world, lease, builder, root }
    }

    fn ledger(&self) -> PathBuf {
        self.root.path().join("ledger")
    }

    fn file(&self) -> PathBuf {
        self.ledger().join("drill.g1.ledger")
    }

    fn aside(&self) -> PathBuf {
        self.root.path().join("aside")
    }

    fn open(&self) -> Client {
        self.builder.clone().open().unwrap()
    }
}

fn facts(client: &Client) -> Vec<Access> {
    ["core", "render", "export", "old"].map(|feature| client.check("cad", feature).access).to_vec()
}

/// While it is so, nothing is acknowledged, the errors are clear, and decisions are the last proven ones.
fn hold(place: &Place, client: &Client, what: &str, kinds: &[ErrorKind]) {
    for _ in 0..3 {
        let errors = [
            client.import(&place.lease).map(drop).unwrap_err(),
            client.report(Outage::Server).map(drop).unwrap_err(),
            client.appeal(None, "lost").map(drop).unwrap_err(),
            client.upkeep().unwrap_err(),
        ];
        for error in &errors {
            assert!(kinds.contains(&error.kind()), "{what}: {:?} {error}", error.kind());
            assert!(error.message().contains("ledger") && error.message().contains("; "), "{what}: {error}");
        }
        assert_eq!(facts(client), [Access::Full, Access::Full, Access::Full, Access::Denied], "{what}");
    }
    // The open file reads well on: that its name is gone is looked for now and then.
    assert!(client.check("cad", "core").flags.detached, "{what}: the decision says so");
}

/// What was put back goes on as if nothing had been.
fn goes_on(place: &Place, client: &Client, what: &str) {
    assert!(client.import(&place.lease).unwrap_or_else(|error| panic!("{what}: {error}")).accepted, "{what}");
    let decision = client.check("cad", "new");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "ok"), "{what}");
    assert!(!decision.flags.detached, "{what}");
    client.close().unwrap();
    let client = place.open();
    let decision = client.check("cad", "new");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "ok"), "{what}");
    assert_eq!(facts(&client), [Access::Full, Access::Full, Access::Full, Access::Denied], "{what}");
}

#[test]
fn a_folder_that_goes_and_comes_back() {
    let place = Place::new();
    let client = place.open();
    std::fs::rename(place.ledger(), place.aside()).unwrap();
    hold(&place, &client, "the folder is gone", &[ErrorKind::Missing, ErrorKind::NoFolder, ErrorKind::Io]);
    assert!(!place.ledger().exists(), "nothing is made in its place");
    std::fs::rename(place.aside(), place.ledger()).unwrap();
    goes_on(&place, &client, "the folder is back");
}

#[test]
fn an_empty_folder_in_the_ledgers_place_gets_no_ledger_by_an_open_client() {
    let place = Place::new();
    let client = place.open();
    std::fs::rename(place.ledger(), place.aside()).unwrap();
    std::fs::create_dir(place.ledger()).unwrap();
    hold(&place, &client, "an empty folder", &[ErrorKind::Missing, ErrorKind::Io]);
    let left: Vec<_> = std::fs::read_dir(place.ledger()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "drill.lock"), "{left:?}");
    std::fs::remove_dir_all(place.ledger()).unwrap();
    std::fs::rename(place.aside(), place.ledger()).unwrap();
    goes_on(&place, &client, "the folder is back");
}

#[test]
fn a_file_that_goes_and_comes_back() {
    let place = Place::new();
    let client = place.open();
    // With the older generation, which would rule in its place.
    std::fs::rename(place.file(), place.aside()).unwrap();
    std::fs::rename(place.ledger().join("drill.g0.ledger"), place.root.path().join("older")).unwrap();
    hold(&place, &client, "the files are gone", &[ErrorKind::Missing, ErrorKind::Io]);
    std::fs::rename(place.root.path().join("older"), place.ledger().join("drill.g0.ledger")).unwrap();
    std::fs::rename(place.aside(), place.file()).unwrap();
    goes_on(&place, &client, "the files are back");
}

#[test]
fn what_is_no_ledger_in_its_place_is_left_alone() {
    let place = Place::new();
    std::fs::remove_file(place.ledger().join("drill.g0.ledger")).unwrap();
    let whole = std::fs::read(place.file()).unwrap();
    let mut newer = whole.clone();
    newer[8] = 9;
    newer[4096 + 8] = 9;
    let (_, foreign) = Base::new();
    let foreign = foreign.read(&foreign.generation(1));
    let none = [ErrorKind::NotALedger, ErrorKind::Damaged];
    let cases: [(&str, &[u8], &[ErrorKind]); 5] = [
        ("an empty file", b"", &none),
        ("rubbish", &[0x5a; 20_000], &none),
        ("half a header", &whole[..3000], &none),
        ("a later format", &newer, &[ErrorKind::Newer]),
        ("another ledger", &foreign, &[ErrorKind::WrongKey]),
    ];
    for (what, bytes, kinds) in cases {
        let client = place.open();
        std::fs::rename(place.file(), place.aside()).unwrap();
        std::fs::write(place.file(), bytes).unwrap();
        hold(&place, &client, what, kinds);
        assert!(std::fs::read(place.file()).unwrap() == bytes, "{what}: it is left as it is");
        std::fs::remove_file(place.file()).unwrap();
        std::fs::rename(place.aside(), place.file()).unwrap();
        client.upkeep().unwrap_or_else(|error| panic!("{what}: {error}"));
        let decision = client.check("cad", "core");
        assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "ok"), "{what}");
        client.close().unwrap();
    }
    std::fs::rename(place.file(), place.aside()).unwrap();
    std::fs::create_dir(place.file()).unwrap();
    let error = place.builder.clone().open().unwrap_err();
    assert!(error.message().contains("drill.g1.ledger"), "{error}");
    std::fs::remove_dir(place.file()).unwrap();
    std::fs::rename(place.aside(), place.file()).unwrap();
    goes_on(&place, &place.open(), "it is back");
}

// A file of the same ledger, cut, in the place of the one that is open: found, named, kept, and no record that was read before is lost.
#[test]
fn a_file_cut_under_an_open_client_is_found() {
    for cut in [5000, 8192, 9000, 15_000] {
        let place = Place::new();
        let client = place.open();
        let whole = std::fs::read(place.file()).unwrap();
        std::fs::write(place.file().with_extension("cut"), &whole[..cut]).unwrap();
        std::fs::rename(place.file().with_extension("cut"), place.file()).unwrap();
        client.upkeep().unwrap();
        client.import(&place.lease).unwrap();
        let decision = client.check("cad", "new");
        assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"), "cut at {cut}");
        assert_eq!(facts(&client), [Access::Full, Access::Full, Access::Full, Access::Denied], "cut at {cut}");
        assert!(place.ledger().join("drill.g2.ledger").exists(), "cut at {cut}: it goes on in another file");
        client.close().unwrap();
        assert_eq!(place.open().check("cad", "core").ledger.as_str(), "suspect", "cut at {cut}");
    }
}
