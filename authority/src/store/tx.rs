//! A transaction that holds the log's lock, and statements of many rows.

use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor as _};

use super::{Backend, Store};
use crate::error::{Error, Result};

/// A transaction. What is not committed is rolled back.
pub struct Tx {
    connection: Option<PoolConnection<Any>>,
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
pub async fn rows(connection: &mut sqlx::AnyConnection, statement: &Statement) -> Result<Vec<AnyRow>> {
    Ok(bound!(statement).fetch_all(connection).await?)
}

/// Runs a query for each few of these names: `... IN ($1, ...)` stands for `IN (?)`.
///
/// # Errors
/// What the database says.
pub async fn rows_of(connection: &mut sqlx::AnyConnection, sql: &str, names: &[String]) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for some in names.chunks(ROWS) {
        let count = some.len().next_power_of_two();
        let numbers: Vec<String> = (1..=count).map(|at| format!("${at}")).collect();
        let sql = sql.replace("(?)", &format!("({})", numbers.join(", ")));
        let mut query = sqlx::query(&sql);
        // One that stands there again changes nothing.
        for name in some.iter().chain(std::iter::repeat_n(&some[0], count - some.len())) {
            query = query.bind(name.clone());
        }
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

impl Tx {
    pub(super) async fn begin(pool: &AnyPool, store: Store) -> Result<Tx> {
        let connection = pool.acquire().await?;
        let mut tx = Tx { connection: Some(connection), store };
        match tx.store.backend() {
            Backend::Sqlite => tx.execute(&Statement::new("BEGIN IMMEDIATE")).await?,
            Backend::Postgres => {
                tx.execute(&Statement::new("BEGIN")).await?;
                tx.execute(&Statement::new("SELECT id FROM log_state WHERE id = 1 FOR UPDATE")).await?
            }
        };
        Ok(tx)
    }

    /// The connection that it runs on.
    ///
    /// # Errors
    /// None while it has neither been committed nor failed.
    pub fn connection(&mut self) -> Result<&mut sqlx::AnyConnection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(Error::unavailable("the transaction has ended")),
        }
    }

    /// Runs a statement, and says how many rows it changed.
    ///
    /// # Errors
    /// What the database says; the transaction is then over.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64> {
        let connection = self.connection()?;
        let done = match statement.values.is_empty() {
            // BEGIN, COMMIT and the like are no statements that can be prepared.
            true => connection.execute(sqlx::raw_sql(&statement.sql)).await,
            false => bound!(statement).execute(connection).await,
        };
        Ok(done?.rows_affected())
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows(&mut self, statement: &Statement) -> Result<Vec<AnyRow>> {
        rows(self.connection()?, statement).await
    }

    /// The rows of a query for many names: see [`rows_of`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn rows_of(&mut self, sql: &str, names: &[String]) -> Result<Vec<AnyRow>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        rows_of(self.connection()?, sql, names).await
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
        let store = self.store.clone();
        let done = store.in_time(async { self.execute(&Statement::new("COMMIT")).await }).await;
        match done {
            Ok(_) => {
                // The connection goes back to its pool.
                self.connection.take();
                Ok(())
            }
            Err(error) => {
                self.close();
                store.suspect().await;
                Err(error)
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

impl Drop for Tx {
    fn drop(&mut self) {
        self.close();
    }
}
