//! Gives the shared library the name under which programs ask for it: `libreprieve.so.0`, after the ABI's major number; and on Android
//! the pages that it needs.

use std::path::{Path, PathBuf};

/// REPRIEVE_ABI_VERSION_MAJOR: tests/abi/gates.py holds the two, and Cargo.toml's capi version, to be the same.
const ABI_MAJOR: u32 = 0;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "macos" | "ios" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libreprieve.{ABI_MAJOR}.dylib");
            name_beside("libreprieve.dylib", &format!("libreprieve.{ABI_MAJOR}.dylib"));
        }
        "windows" => {}
        "android" => {
            // A package of an application holds `lib*.so` alone, so that other names are never found.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libreprieve.so");
            // Phones with pages of 16 KiB load no library that is aligned to less.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,max-page-size=16384");
        }
        _ => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libreprieve.so.{ABI_MAJOR}");
            name_beside("libreprieve.so", &format!("libreprieve.so.{ABI_MAJOR}"));
        }
    }
}

/// Cargo writes `libreprieve.so` only. A program that was linked with it asks for the other name when it starts, so
/// that name lies beside it as a link. Where this cannot be done, such programs need an installed library: no error.
fn name_beside(library: &str, name: &str) {
    let Some(folder) = folder() else { return };
    let link = folder.join(name);
    if std::fs::read_link(&link).is_ok_and(|to| to == Path::new(library)) {
        return;
    }
    let _ = std::fs::remove_file(&link);
    #[cfg(unix)]
    let _ = std::os::unix::fs::symlink(library, &link);
}

/// Where cargo puts the library: OUT_DIR is `FOLDER/build/PACKAGE/out`.
fn folder() -> Option<PathBuf> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR")?);
    out.ancestors().nth(3).map(Path::to_path_buf)
}
