//! Systems whose files this library does not know: a ledger lies in memory there.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn open(_options: &OpenOptions, _path: &Path) -> io::Result<File> {
    unsupported()
}

pub(super) fn create_new(_options: &mut OpenOptions, _path: &Path) -> io::Result<File> {
    unsupported()
}

pub(super) fn take_ownership_from(_file: &File, _like: &Path) {}

pub(super) fn rename(_from: &Path, _to: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn remove(_path: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn sync_data(_file: &File) -> io::Result<()> {
    unsupported()
}

pub(super) fn read_at(_file: &File, _buf: &mut [u8], _offset: u64) -> io::Result<usize> {
    unsupported()
}

pub(super) fn write_at(_file: &File, _buf: &[u8], _offset: u64) -> io::Result<usize> {
    unsupported()
}

pub(super) fn size(_file: &File) -> io::Result<u64> {
    unsupported()
}

pub(super) fn is_named(_file: &File, _path: &Path) -> io::Result<bool> {
    unsupported()
}

pub(super) fn try_lock(_path: &Path) -> io::Result<Option<Lock>> {
    unsupported()
}

#[derive(Debug)]
pub(super) struct Lock;
