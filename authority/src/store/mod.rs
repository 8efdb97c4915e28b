//! The database: SQLite in a file, or PostgreSQL servers of which one is the primary. The same SQL for both, of whole numbers and text alone.
//!
//! With PostgreSQL nothing leaves this process before a standby has it. That is the server's own doing (`synchronous_standby_names`), and it is
//! checked on each connection that it is asked for; a commit that waits longer than our patience is given up here and answered by a 503. It is
//! never cancelled there: PostgreSQL would then answer that it is committed, though no standby has it.

mod documents;
mod journal;
mod ledgers;
mod licences;
mod tokens;
mod tx;

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Row as _};
use tokio::sync::{Mutex, RwLock};

pub use documents::{Document, LogState, NewDocument};
pub use journal::{Entry, NewEntry};
pub use ledgers::{LedgerRow, SeatRow};
pub use licences::{Licence, NewLicence, Product};
pub use tokens::{NewToken, TokenRow};
pub use tx::{Statement, Tx};

use crate::config::{Config, Database};
use crate::error::{Error, Kind, Result};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How many connections one instance holds.
const CONNECTIONS: u32 = 8;

/// The time of a server of PostgreSQL's, and a value that changes nothing: a statement with one is prepared.
const CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT) + $1::BIGINT";

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file of this machine.
    Sqlite,
    /// A server of PostgreSQL's.
    Postgres,
}

/// The way to the database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    config: Config,
    backend: Backend,
    /// The pool of the primary, while one is known.
    pool: RwLock<Option<AnyPool>>,
    /// Held by whoever looks for the primary.
    looking: Mutex<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.0.backend).finish_non_exhaustive()
    }
}

/// A URL without its password, for messages.
fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => url.to_owned(),
    }
}

impl Store {
    /// Opens the database, and brings its tables up to this release.
    ///
    /// # Errors
    /// `Unavailable` where none can be reached or none is a primary; `Conflict` where its tables are of a newer release.
    pub async fn open(config: &Config) -> Result<Store> {
        Store::at(config, false).await
    }

    /// As [`Store::open`], and makes the SQLite file where there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn create(config: &Config) -> Result<Store> {
        Store::at(config, true).await
    }

    async fn at(config: &Config, create: bool) -> Result<Store> {
        sqlx::any::install_default_drivers();
        let sqlite = config.database.urls.iter().any(|url| url.starts_with("sqlite:"));
        let backend = if sqlite { Backend::Sqlite } else { Backend::Postgres };
        let inner = Inner { config: config.clone(), backend, pool: RwLock::default(), looking: Mutex::default() };
        let store = Store(Arc::new(inner));
        let pool = store.look(create).await?;
        store.migrate(&pool).await?;
        Ok(store)
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.0.backend
    }

    /// How long a commit may take.
    pub fn patience(&self) -> Duration {
        let nanos = self.0.config.database.patience.as_nanos();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time that documents are dated by, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.0.config.now()
    }

    async fn migrate(&self, pool: &AnyPool) -> Result<()> {
        // PostgreSQL makes one instance wait for the other. With SQLite the second one fails at a table that is there, and finds all done
        // when it looks again.
        let mut tries = 0;
        loop {
            match MIGRATIONS.run(pool).await {
                Ok(()) => return Ok(()),
                Err(MigrateError::VersionMissing(version)) => {
                    let text = format!(
                        "the database has tables of a newer release (migration {version}); start the release that made them, or a newer one. \
                         Nothing was changed"
                    );
                    return Err(Error::new(Kind::Conflict, text));
                }
                Err(MigrateError::VersionMismatch(version)) => {
                    let text = format!(
                        "the database's tables were made by another build of migration {version}; start the release that made them"
                    );
                    return Err(Error::new(Kind::Conflict, text));
                }
                Err(error) if tries == 20 => {
                    return Err(Error::unavailable(format!(
                        "the database's tables could not be brought up to date: {error}"
                    )));
                }
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// The primary's pool.
    ///
    /// # Errors
    /// `Unavailable` while there is none.
    pub async fn pool(&self) -> Result<AnyPool> {
        if let Some(pool) = self.0.pool.read().await.clone() {
            return Ok(pool);
        }
        self.look(false).await
    }

    /// A transaction that holds the lock of the log: whoever issues or changes anything.
    ///
    /// # Errors
    /// `Unavailable`, and then the primary is looked for anew.
    pub async fn begin(&self) -> Result<Tx> {
        let pool = self.pool().await?;
        match self.in_time(Tx::begin(&pool, self.clone())).await {
            Ok(tx) => Ok(tx),
            Err(error) => {
                self.suspect().await;
                Err(error)
            }
        }
    }

    /// A connection to read by.
    ///
    /// # Errors
    /// `Unavailable`, and then the primary is looked for anew.
    pub async fn read(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Any>> {
        let pool = self.pool().await?;
        match self.in_time(async { Ok(pool.acquire().await?) }).await {
            Ok(connection) => Ok(connection),
            Err(error) => {
                self.suspect().await;
                Err(error)
            }
        }
    }

    /// Gives something up that takes longer than our patience.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.patience(), work).await {
            Ok(done) => done,
            Err(_) => Err(Error::unavailable(match self.0.backend {
                Backend::Sqlite => "the database takes too long; try again",
                Backend::Postgres => "the database takes too long, or no standby has confirmed; try again",
            })),
        }
    }

    /// The primary may be none any more: the next one to ask looks for it.
    pub async fn suspect(&self) {
        if self.0.backend == Backend::Postgres
            && let Some(pool) = self.0.pool.write().await.take()
        {
            // Connections that hang must not hold anybody up.
            tokio::spawn(async move { pool.close().await });
        }
    }

    /// Looks for the primary, one at a time.
    async fn look(&self, create: bool) -> Result<AnyPool> {
        let _alone = self.0.looking.lock().await;
        if let Some(pool) = self.0.pool.read().await.clone() {
            return Ok(pool);
        }
        let mut why = Vec::new();
        for url in &self.0.config.database.urls {
            let found = match self.0.backend {
                Backend::Sqlite => sqlite(url, create).await,
                Backend::Postgres => self.in_time(self.primary(url)).await,
            };
            match found {
                Ok(pool) => {
                    *self.0.pool.write().await = Some(pool.clone());
                    return Ok(pool);
                }
                Err(error) => why.push(format!("{}: {error}", shown(url))),
            }
        }
        Err(Error::unavailable(format!("no database can be used: {}", why.join("; "))))
    }

    /// A pool of this server, if it is the primary and can commit.
    async fn primary(&self, url: &str) -> Result<AnyPool> {
        let options: AnyConnectOptions = url.parse().map_err(|error| Error::input(format!("the URL: {error}")))?;
        let database = self.0.config.database.clone();
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(self.patience())
            .after_connect(move |connection, _| {
                let database = database.clone();
                Box::pin(async move { prepare(connection, &database).await })
            })
            .connect_lazy_with(options);
        let mut connection = pool.acquire().await?;
        // A primary that was cut off waits here for its standby, and is left alone.
        fence(&mut connection, self.now()).await?;
        let theirs: i64 = sqlx::query(CLOCK).bind(0i64).fetch_one(&mut *connection).await?.try_get(0)?;
        drop(connection);
        self.compare_clocks(theirs)?;
        Ok(pool)
    }

    /// Holds this machine's clock against the database's, where that has one of its own.
    ///
    /// # Errors
    /// As [`Store::compare_clocks`].
    pub async fn check_clock(&self) -> Result<()> {
        if self.0.backend == Backend::Sqlite {
            return Ok(());
        }
        let theirs = tx::rows(&mut *self.read().await?, &Statement::new(CLOCK).bind(0)).await?;
        match theirs.first() {
            Some(row) => self.compare_clocks(row.try_get(0)?),
            None => Ok(()),
        }
    }

    /// Whether this machine's clock is near enough to another that is known.
    ///
    /// # Errors
    /// `Unavailable` where they are apart: a document that is dated wrongly would reach every customer.
    pub fn compare_clocks(&self, theirs: i64) -> Result<()> {
        let (ours, most) = (self.now(), self.0.config.clock.most_apart.as_nanos() / 1_000_000_000);
        if i128::from(ours.abs_diff(theirs)) > most {
            return Err(Error::unavailable(format!(
                "this machine's clock is {} s away from the database's, and no document is dated by such a clock; put it right",
                ours.saturating_sub(theirs)
            )));
        }
        Ok(())
    }
}

/// Whether a server of PostgreSQL's is the primary, and confirms nothing that no standby has; and what each connection is told.
async fn prepare(connection: &mut AnyConnection, database: &Database) -> std::result::Result<(), sqlx::Error> {
    // A statement that is cut off in a commit would look committed.
    connection.execute("SET statement_timeout = 0").await?;
    connection.execute("SET lock_timeout = '4s'").await?;
    connection.execute("SET idle_in_transaction_session_timeout = '30s'").await?;
    let row = connection
        .fetch_one(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 1::BIGINT ELSE 0::BIGINT END, \
             current_setting('synchronous_standby_names'), current_setting('synchronous_commit')",
        )
        .await?;
    let (standby, names, commit): (i64, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let refuse = |text: &str| Err(sqlx::Error::Configuration(text.to_owned().into()));
    if standby == 1 {
        return refuse("it is a standby");
    }
    if database.require_standby && names.trim().is_empty() {
        return refuse(
            "it names no synchronous standby (synchronous_standby_names), so what it confirms may be lost with it; name one, or write \
             require_standby = false",
        );
    }
    if database.require_standby && !matches!(commit.as_str(), "on" | "remote_apply") {
        return refuse(
            "its synchronous_commit is neither on nor remote_apply, so no standby need have what it confirms",
        );
    }
    Ok(())
}

/// A commit of no meaning: who can do it is the primary that others follow.
async fn fence(connection: &mut AnyConnection, now: i64) -> Result<()> {
    let there: i64 = sqlx::query("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'fence'")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    if there == 0 {
        // Before the first migration: that is a commit too.
        return Ok(());
    }
    let holder = format!("{}", std::process::id());
    sqlx::query("INSERT INTO fence (id, at, holder) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at, holder = excluded.holder")
        .bind(now)
        .bind(holder)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn sqlite(url: &str, create: bool) -> Result<AnyPool> {
    let file = url.trim_start_matches("sqlite:");
    if !create && !std::path::Path::new(file).exists() {
        return Err(Error::input(format!("there is no file {file}; `reprieve-authority init` makes one")));
    }
    let options: AnyConnectOptions = format!("sqlite://{file}?mode={}", if create { "rwc" } else { "rw" })
        .parse()
        .map_err(|error| Error::input(format!("the URL: {error}")))?;
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("PRAGMA busy_timeout = 5000").await?;
                connection.execute("PRAGMA journal_mode = WAL").await?;
                // What is acknowledged is on the disk.
                connection.execute("PRAGMA synchronous = FULL").await?;
                connection.execute("PRAGMA foreign_keys = ON").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    pool.acquire().await?.ping().await?;
    Ok(pool)
}
