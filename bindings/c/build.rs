//! Gives the shared library the name under which programs ask for it: `libreprieve.so.0`, after the ABI's major number; on Android the pages
//! that it needs; and where it is to be small, equal functions once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
            // No function's address means anything to this library but where it is.
            if matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("s" | "z")) && links_with(FOLD) == Some(true) {
                println!("cargo::rustc-cdylib-link-arg={FOLD}");
            }
        }
    }
}

const FOLD: &str = "-Wl,--icf=all";

/// Whether the linker of this build takes an argument, as lld does, which rustc brings on x86-64 Linux.
fn links_with(argument: &str) -> Option<bool> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR")?);
    let source = out.join("links.rs");
    std::fs::write(&source, "").ok()?;
    let mut rustc = Command::new(std::env::var_os("RUSTC")?);
    rustc.args(["--crate-type=cdylib", "--crate-name=links", "--target"]).arg(std::env::var_os("TARGET")?);
    if let Some(linker) = std::env::var_os("RUSTC_LINKER") {
        let mut chosen = OsString::from("-Clinker=");
        chosen.push(linker);
        rustc.arg(chosen);
    }
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty())).arg(format!("-Clink-arg={argument}"));
    rustc.arg("-o").arg(out.join("links.so")).arg(source).stdout(Stdio::null()).stderr(Stdio::null());
    Some(rustc.status().ok()?.success())
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
