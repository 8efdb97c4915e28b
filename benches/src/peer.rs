//! SQLCipher, as it is set up in every row: a raw key, WAL, synchronous=FULL, one table of the same rows.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::Result;
use crate::fixture::payload;

/// What gives it its key.
pub const KEY: &str = "PRAGMA key = \"x'2DD29CA851E7B56E4697B0E1F08507293D761A05CE4D1B628663F411A8086D99'\"";
pub const INSERT: &str = "INSERT INTO records (payload) VALUES (?1)";

pub fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(KEY)?;
    Ok(connection)
}

/// Opened for writing as durably as the ledger writes.
pub fn writer(path: &Path) -> Result<Connection> {
    let connection = open(path)?;
    connection.busy_timeout(Duration::from_secs(120))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    let full: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    let cipher: String = connection.query_row("PRAGMA cipher_version", [], |row| row.get(0))?;
    if mode != "wal" || full != 2 || cipher.is_empty() {
        return Err("SQLCipher is not set up as it should be".into());
    }
    Ok(connection)
}

pub fn create(path: &Path, records: u64) -> Result<Connection> {
    let connection = writer(path)?;
    connection.execute_batch("CREATE TABLE records (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL); BEGIN")?;
    {
        let mut insert = connection.prepare(INSERT)?;
        for n in 0..records {
            insert.execute([payload(n).as_slice()])?;
        }
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(connection)
}
