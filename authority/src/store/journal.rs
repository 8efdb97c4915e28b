//! Who did what, when, and why.

use sqlx::Row as _;

use super::Store;
use super::tx::{self, Statement, Tx};
use crate::error::Result;

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, counting from 0.
    pub seq: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Who: the holder of an access token, or `authority`.
    pub who: String,
    /// What was done, in a word such as `license.create`.
    pub what: String,
    /// To what: a licence, a ledger, a document's id.
    pub subject: String,
    /// Why, in the person's own words.
    pub why: String,
    /// More of it: JSON.
    pub details: String,
}

/// An entry to be written.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// Who.
    pub who: &'a str,
    /// What was done.
    pub what: &'a str,
    /// To what.
    pub subject: &'a str,
    /// Why.
    pub why: &'a str,
    /// More of it.
    pub details: serde_json::Value,
}

impl Tx {
    /// Writes an entry; it is there if the transaction is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note(&mut self, entry: NewEntry<'_>) -> Result<()> {
        let at = self.store.now();
        self.execute(&Statement::new("UPDATE log_state SET journal_size = journal_size + $1 WHERE id = 1").bind(1))
            .await?;
        let sql = "INSERT INTO journal (seq, at, who, what, subject, why, details) \
                   SELECT journal_size - 1, $1, $2, $3, $4, $5, $6 FROM log_state WHERE id = 1";
        let statement = Statement::new(sql)
            .bind(at)
            .bind(entry.who)
            .bind(entry.what)
            .bind(entry.subject)
            .bind(entry.why)
            .bind(entry.details.to_string());
        self.execute(&statement).await?;
        Ok(())
    }
}

impl Store {
    /// The newest entries before one, those about a subject if so wished, the newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn journal(&self, subject: Option<&str>, before: i64, limit: i64) -> Result<Vec<Entry>> {
        let columns = "SELECT seq, at, who, what, subject, why, details FROM journal WHERE seq < $1";
        let statement = match subject {
            None => Statement::new(format!("{columns} ORDER BY seq DESC LIMIT $2")).bind(before).bind(limit),
            Some(subject) => Statement::new(format!("{columns} AND subject = $3 ORDER BY seq DESC LIMIT $2"))
                .bind(before)
                .bind(limit)
                .bind(subject),
        };
        let rows = tx::rows(&mut *self.read().await?, &statement).await?;
        rows.iter()
            .map(|row| {
                Ok(Entry {
                    seq: row.try_get(0)?,
                    at: row.try_get(1)?,
                    who: row.try_get(2)?,
                    what: row.try_get(3)?,
                    subject: row.try_get(4)?,
                    why: row.try_get(5)?,
                    details: row.try_get(6)?,
                })
            })
            .collect()
    }
}
