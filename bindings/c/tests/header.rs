//! `include/reprieve.h` is what cbindgen makes of this crate. `REPRIEVE_BLESS=1` writes it anew; without that nothing is written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

#[test]
fn the_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut made = Vec::new();
    cbindgen::generate_with_config(root, config).unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let header = root.join("../../include/reprieve.h");
    if std::env::var_os("REPRIEVE_BLESS").is_some() {
        std::fs::write(&header, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&header).unwrap();
    let first = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    assert!(
        made == committed,
        "include/reprieve.h is not current (first at line {:?}); run REPRIEVE_BLESS=1 cargo test -p reprieve-c --test header",
        first.map(|line| line + 1)
    );
}
