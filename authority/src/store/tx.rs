//! A transaction that holds the log's lock, and statements of many rows.

use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor as _, Row as _};

use super::{Backend, CLOCK, Store};
use crate::error::{Error, Result};

/// A connection that waits for no answer longer than our patience, and tells the store when its server is gone.
pub struct Link {
    connection: Option<PoolConnection<Any>>,
    store: Store,
}

impl Link {
    pub(super) fn new(connection: PoolConnection<Any>, store: Store) -> Link {
        Link { connection: Some(connection), store }
    }

    /// Asks the database. What is not answered in time is over, and its connection with it: nobody knows what state that is in.
    async fn ask<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut sqlx::AnyConnection) -> std::result::Result<T, sqlx::Error>,
    ) -> Result<T> {
        let Some(connection) = &mut self.connection else {
            return Err(Error::unavailable("the connection to the database was lost; try again"));
        };
        match tokio::time::timeout(self.store.patience(), work(connection)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                if is_gone(&error) {
                    self.close();
                    self.store.suspect().await;
                }
                Err(error.into())
            }
            Err(_) => {
                self.close();
                self.store.suspect().await;
                Err(self.store.too_long())
            }
        }
    }

    /// Closes the connection, and with it whatever is under way on it. Nothing is cancelled on the server.
    fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

/// Whether the server is not there any more, or is not the primary: not that it did not like a statement.
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Shutting down, starting up, or a standby now.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "25006")
        }
        _ => false,
    }
}

/// A transaction. What is not committed is rolled back.
pub struct Tx {
    link: Link,
    /// How many documents the log has if this is committed.
    pub(super) size: u64,
    pub(super) store: Store,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

/// A value that a statement is given.
#[derive(Clone, Debug)]
pub enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Value {
        Value::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(Some(text.clone()))
    }
}

/// A statement and its values, `$1` and on.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    /// A statement.
    pub fn new(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), values: Vec::new() }
    }

    /// Its next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Statement {
        self.values.push(value.into());
        self
    }
}

/// `($1, $2), ($3, $4)`: places for so many rows.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<String> = (0..columns).map(|column| format!("${}", row * columns + column + 1)).collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// The most rows of one statement. A power of two, as all sizes are: so there are few statements, and databases keep them prepared.
const ROWS: usize = 128;

macro_rules! bound {
    ($statement:expr) => {{
        let mut query = sqlx::query(&$statement.sql);
        for value in &$statement.values {
            query = match value {
                Value::Number(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.clone()),
            };
        }
        query
    }};
}

/// Runs a query on any connection.
///
/// # Errors
/// What the database says.
pub async fn rows(link: &mut Link, statement: &Statement) -> Result<Vec<AnyRow>> {
    link.ask(async |connection| bound!(statement).fetch_all(connection).await).await
}

/// Runs a query for each few of these names: `... IN ($1, ...)` stands for `IN (?)`.
///
/// # Errors
/// What the database says.
pub async fn rows_of(link: &mut Link, sql: &str, names: &[String]) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for some in names.chunks(ROWS) {
        let count = some.len().next_power_of_two();
        let numbers: Vec<String> = (1..=count).map(|at| format!("${at}")).collect();
        let sql = sql.replace("(?)", &format!("({})", numbers.join(", ")));
        // One that stands there again changes nothing.
        let names = some.iter().chain(std::iter::repeat_n(&some[0], count - some.len()));
        let statement = Statement { sql, values: names.map(Value::from).collect() };
        found.extend(rows(link, &statement).await?);
    }
    Ok(found)
}

impl Tx {
    /// Begins, takes the lock of the log, and holds this machine's clock against the database's.
    pub(super) async fn begin(pool: &AnyPool, store: Store) -> Result<Tx> {
        let link = Link::new(pool.acquire().await?, store.clone());
        let mut tx = Tx { link, size: 0, store };
        match tx.store.backend() {
            Backend::Sqlite => tx.execute(&Statement::new("BEGIN IMMEDIATE")).await?,
            Backend::Postgres => {
                tx.execute(&Statement::new("BEGIN")).await?;
                let lock = Statement::new(format!("{CLOCK} FROM log_state WHERE id = 1 FOR UPDATE"));
                let theirs: i64 = tx.rows(&lock).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
                tx.store.compare_clocks(theirs)?;
                0
            }
        };
        Ok(tx)
    }

    /// The connection that it runs on.
    pub fn connection(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Runs a statement, and says how many rows it changed.
    ///
    /// # Errors
    /// What the database says; the transaction is then over.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64> {
        let done = match statement.values.is_empty() {
            // BEGIN, COMMIT and the like are no statements that can be prepared.
            true => self.link.ask(async |connection| connection.execute(sqlx::raw_sql(&statement.sql)).await).await,
            false => self.link.ask(async |connection| bound!(statement).execute(connection).await).await,
        };
        Ok(done?.rows_affected())
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows(&mut self, statement: &Statement) -> Result<Vec<AnyRow>> {
        rows(&mut self.link, statement).await
    }

    /// The rows of a query for many names: see [`rows_of`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows_of(&mut self, sql: &str, names: &[String]) -> Result<Vec<AnyRow>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        rows_of(&mut self.link, sql, names).await
    }

    /// Inserts many rows: `INSERT INTO t (a, b) VALUES ? ON CONFLICT ...`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn insert(&mut self, sql: &str, rows: Vec<Vec<Value>>) -> Result<()> {
        let mut rest = rows.as_slice();
        while let Some(first) = rest.first() {
            let count = 1 << rest.len().min(ROWS).ilog2();
            let (some, after) = rest.split_at(count);
            let sql = sql.replacen('?', &places(count, first.len()), 1);
            let statement = Statement { sql, values: some.iter().flatten().cloned().collect() };
            self.execute(&statement).await?;
            rest = after;
        }
        Ok(())
    }

    /// Commits. What was issued in it may leave the process from now on.
    ///
    /// # Errors
    /// `Unavailable` where it is not known to be durable: then nothing of it may leave.
    pub async fn commit(mut self) -> Result<()> {
        match self.execute(&Statement::new("COMMIT")).await {
            Ok(_) => {
                self.store.confirmed(self.size);
                // The connection goes back to its pool.
                self.link.connection.take();
                Ok(())
            }
            Err(error) => {
                self.link.close();
                self.store.suspect().await;
                Err(error)
            }
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        self.link.close();
    }
}
