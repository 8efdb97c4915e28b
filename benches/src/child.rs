//! The processes that the bench starts of itself.

use std::path::Path;

use crate::{Result, calls, engines, group, open};

pub fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["append", mode, appends, folder] => group::child(mode, appends.parse()?, Path::new(folder)),
        ["open", what, folder] => open::child(what, Path::new(folder)),
        ["import", folder] => calls::seen::importer(Path::new(folder)),
        ["write", folder] => engines::writer(Path::new(folder)),
        ["watch", folder] => calls::seen::watcher(Path::new(folder)),
        _ => Err("no such child".into()),
    }
}
