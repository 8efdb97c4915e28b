#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
use reprieve::client::{App, Builder};
use reprieve::document::SigningKey;
#[test]
fn big_generation() {
    let folder = tempfile::tempdir().unwrap();
    let root = SigningKey::generate("root-1").unwrap().root_key();
    let b = || {
        Builder::new(App::new("acme", b"sixteen bytes or more", vec![root.clone()]))
            .folder(folder.path().join("l"))
            .witness(folder.path().join("w"))
    };
    drop(b().open().unwrap());
    std::fs::write(folder.path().join("l/acme.g18446744073709551615.ledger"), b"junk").unwrap();
    let r = b().open();
    println!("{:?}", r.map(|c| c.check("cad", "core").ledger.as_str()).map_err(|e| e.to_string()));
}
#[test]
fn big_witness() {
    let folder = tempfile::tempdir().unwrap();
    let root = SigningKey::generate("root-1").unwrap().root_key();
    let b = || {
        Builder::new(App::new("acme", b"sixteen bytes or more", vec![root.clone()]))
            .folder(folder.path().join("l"))
            .witness(folder.path().join("w"))
    };
    drop(b().open().unwrap());
    let copy = std::fs::read(folder.path().join("l/acme.g0.ledger")).unwrap();
    let w = std::fs::read_dir(folder.path().join("w"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().unwrap() == "witness")
        .unwrap();
    let mut bytes = std::fs::read(&w).unwrap();
    bytes.resize(2 << 20, 0);
    std::fs::write(&w, bytes).unwrap();
    for _ in 0..3 {
        let c = b().open().unwrap();
        c.appeal(None, "x").unwrap();
        c.close().unwrap();
    }
    std::fs::write(folder.path().join("l/acme.g0.ledger"), copy).unwrap();
    std::fs::remove_file(folder.path().join("l/acme.head")).unwrap();
    println!("witness of 2 MiB: {}", b().open().unwrap().check("cad", "core").ledger.as_str());
}
