//! The database: SQLite in a file, or PostgreSQL servers of which one is the primary. The same SQL for both, of whole numbers and text alone.
//!
//! With PostgreSQL nothing leaves this process before a standby has it. That is the server's own doing (`synchronous_standby_names`), and it is
//! checked on each connection that it is asked for; a commit that waits longer than our patience is given up here and answered by a 503. It is
//! never cancelled there: PostgreSQL would then answer that it is committed, though no standby has it.
//!
//! A server may hold what no standby has: a commit that waits when it is killed is there when it is started again. So each new connection first
//! commits something of no meaning (`FENCE`), which waits for a standby too, and so does what is read of the log beyond what is known to be
//! confirmed. A server that was cut off cannot do that. Nor is one used whose log is shorter than what this process has seen, or whose timeline is
//! older.

mod documents;
mod journal;
mod ledgers;
mod licences;
mod people;
mod tokens;
mod tx;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant as Tick};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Row as _};
use tokio::sync::{Mutex, RwLock};
use tokio::task::JoinSet;

pub use documents::{Document, LogState, NewDocument};
pub use journal::{Entry, NewEntry};
pub use ledgers::{LedgerRow, SeatRow};
pub use licences::{Licence, NewLicence, Product};
pub use people::{AppealFile, AppealRow, ExtensionRow, SignatureRow};
pub use tokens::{NewToken, TokenRow};
pub use tx::{Link, Statement, Tx};

use crate::config::Config;
use crate::error::{Error, Kind, Result};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How many connections one instance holds.
const CONNECTIONS: u32 = 8;

/// Another server that can commit too is heard if it says so this soon after the first.
const TOGETHER: Duration = Duration::from_millis(200);

/// How long the tables may take to be brought up to date: a commit of it waits for a standby as any other does.
const MIGRATING: Duration = Duration::from_secs(1800);

/// The time of a server of PostgreSQL's.
const CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)";

/// A commit of no meaning, which no table is needed for and which waits for nothing but a standby: whatever the server has of before is there
/// then too.
const FENCE: &str = "SELECT 1::BIGINT FROM pg_logical_emit_message(true, 'reprieve', '')";

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
    /// Held by whoever looks for the primary: how the last search failed, and when.
    looking: Mutex<Option<(Tick, Error)>>,
    /// So many documents of the log are known to be where they cannot be lost.
    confirmed: AtomicU64,
    /// The newest timeline of PostgreSQL's that was used: a standby that is promoted begins another.
    timeline: AtomicI64,
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
        let inner = Inner {
            config: config.clone(),
            backend,
            pool: RwLock::default(),
            looking: Mutex::default(),
            confirmed: AtomicU64::new(0),
            timeline: AtomicI64::new(0),
        };
        let store = Store(Arc::new(inner));
        let pool = store.look(create).await?;
        match tokio::time::timeout(MIGRATING, store.migrate(&pool)).await {
            Ok(done) => done?,
            Err(_) => {
                return Err(Error::unavailable(
                    "the database's tables could not be brought up to date in time: either another instance is at it, or no standby confirms",
                ));
            }
        }
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
    /// `Unavailable`: then the primary is looked for anew, unless it is this machine's clock that is wrong.
    pub async fn begin(&self) -> Result<Tx> {
        let pool = self.pool().await?;
        self.in_time(Tx::begin(&pool, self.clone())).await
    }

    /// A connection to read by.
    ///
    /// # Errors
    /// `Unavailable`, and then the primary is looked for anew.
    pub async fn read(&self) -> Result<Box<Link>> {
        let pool = self.pool().await?;
        self.in_time(async { Ok(Box::new(Link::new(pool.acquire().await?, self.clone()))) }).await
    }

    /// Gives something up that takes longer than our patience. What fails for want of a connection has the primary looked for.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = match tokio::time::timeout(self.patience(), work).await {
            Ok(done) => done,
            Err(_) => Err(self.too_long()),
        };
        if let Err(error) = &done
            && !error.is_of_clock()
        {
            self.suspect().await;
        }
        done
    }

    fn too_long(&self) -> Error {
        Error::unavailable(match self.0.backend {
            Backend::Sqlite => "the database takes too long; try again",
            Backend::Postgres => "the database takes too long, or no standby has confirmed; try again",
        })
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

    /// So many documents are where they cannot be lost.
    fn confirmed(&self, size: u64) {
        self.0.confirmed.fetch_max(size, Ordering::AcqRel);
    }

    /// Whether a log of this size goes on from what was confirmed. A shorter one is of an older copy of the database, and would fork the log.
    fn goes_on(&self, size: u64) -> Result<()> {
        let known = self.0.confirmed.load(Ordering::Acquire);
        if size >= known {
            return Ok(());
        }
        Err(Error::unavailable(format!(
            "the database holds {size} documents of the {known} that were issued: it is an older copy, and going on from it would fork the log; put \
             the newer one back. If that is lost for good, start this authority again"
        )))
    }

    /// Lets nothing out that no standby has: what was read with so many documents in the log.
    async fn confirm(&self, link: &mut Link, size: u64) -> Result<()> {
        if self.0.backend == Backend::Postgres && size > self.0.confirmed.load(Ordering::Acquire) {
            tx::rows(link, &Statement::new(FENCE)).await?;
        }
        self.confirmed(size);
        Ok(())
    }

    /// Looks for the primary, one at a time.
    async fn look(&self, create: bool) -> Result<AnyPool> {
        let asked = Tick::now();
        let mut failed = self.0.looking.lock().await;
        if let Some(pool) = self.0.pool.read().await.clone() {
            return Ok(pool);
        }
        // Whoever waited while another looked in vain need not look again.
        if let Some((when, error)) = failed.as_ref()
            && *when > asked
        {
            return Err(error.clone());
        }
        let found = match self.0.backend {
            Backend::Sqlite => match self.0.config.database.urls.first() {
                Some(url) => sqlite(url, create).await.map_err(|error| error.at(shown(url))),
                None => Err(Error::input("`database.urls` is empty")),
            },
            Backend::Postgres => self.primary().await,
        };
        match found {
            Ok(pool) => {
                *failed = None;
                *self.0.pool.write().await = Some(pool.clone());
                Ok(pool)
            }
            Err(error) => {
                *failed = Some((Tick::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// A pool of the server that is the primary and can commit. All are asked at once: one that hangs holds nobody up.
    async fn primary(&self) -> Result<AnyPool> {
        let mut asking = JoinSet::new();
        for url in self.0.config.database.urls.clone() {
            let store = self.clone();
            asking.spawn(async move {
                let found = match tokio::time::timeout(store.patience(), store.probe(&url)).await {
                    Ok(found) => found,
                    Err(_) => Err(store.too_long()),
                };
                found.map_err(|error| error.at(shown(&url)))
            });
        }
        let (mut best, mut why): (Option<(i64, AnyPool)>, Vec<String>) = (None, Vec::new());
        loop {
            let next = match best {
                None => asking.join_next().await,
                Some(_) => tokio::time::timeout(TOGETHER, asking.join_next()).await.ok().flatten(),
            };
            match next {
                Some(Ok(Ok((timeline, pool)))) if best.as_ref().is_none_or(|(known, _)| *known < timeline) => {
                    best = Some((timeline, pool));
                }
                Some(Ok(Ok(_))) => {}
                Some(Ok(Err(error))) => why.push(error.message().to_owned()),
                Some(Err(error)) => why.push(error.to_string()),
                None => break,
            }
        }
        let Some((timeline, pool)) = best else {
            return Err(Error::unavailable(format!("no database can be used: {}", why.join("; "))));
        };
        self.0.timeline.fetch_max(timeline, Ordering::AcqRel);
        Ok(pool)
    }

    /// Whether this server is the primary and can commit: its timeline, and a pool of connections of which each is asked the same.
    async fn probe(&self, url: &str) -> Result<(i64, AnyPool)> {
        let options: AnyConnectOptions = url.parse().map_err(|error| Error::input(format!("the URL: {error}")))?;
        // Not by the pool, which would try again and again to reach a server that is not there.
        let mut connection = AnyConnection::connect_with(&options).await?;
        let timeline = self.prepare(&mut connection).await?;
        drop(connection);
        let store = self.clone();
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(self.patience())
            .after_connect(move |connection, _| {
                let store = store.clone();
                Box::pin(async move { store.prepare(connection).await.map(drop) })
            })
            .connect_lazy_with(options);
        Ok((timeline, pool))
    }

    /// Tells a new connection how it is used, and asks whether its server is the primary, is to be waited for by a standby, and can commit. Gives
    /// its timeline.
    async fn prepare(&self, connection: &mut AnyConnection) -> std::result::Result<i64, sqlx::Error> {
        // A statement that is cut off in a commit would look committed, to everybody but the standby; and so would one whose client is seen to be gone.
        connection.execute("SET statement_timeout = 0").await?;
        connection
            .execute(
                "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'client_connection_check_interval'",
            )
            .await?;
        let patience = self.patience().as_millis();
        connection.execute(format!("SET lock_timeout = {}", (patience * 4 / 5).max(1)).as_str()).await?;
        // An instance that was cut off with the log's lock in its hands has given up by then.
        connection.execute(format!("SET idle_in_transaction_session_timeout = {}", patience.max(1)).as_str()).await?;
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
        let required = self.0.config.database.require_standby;
        if required && names.trim().is_empty() {
            return refuse(
                "it names no synchronous standby (synchronous_standby_names), so what it confirms may be lost with it; name one, or write \
                 require_standby = false",
            );
        }
        if required && !matches!(commit.as_str(), "on" | "remote_apply") {
            return refuse(
                "its synchronous_commit is neither on nor remote_apply, so no standby need have what it confirms",
            );
        }
        let timeline = connection.fetch_one("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)").await?;
        let timeline = i64::from_str_radix(timeline.try_get::<&str, _>(0)?, 16).unwrap_or(0);
        if timeline < self.0.timeline.load(Ordering::Acquire) {
            return refuse("another server was promoted in its place; make it a standby of that one");
        }
        sqlx::query(FENCE).fetch_one(connection).await?;
        Ok(timeline)
    }

    /// Holds this machine's clock against the database's, where that has one of its own.
    ///
    /// # Errors
    /// As [`Store::compare_clocks`].
    pub async fn check_clock(&self) -> Result<()> {
        if self.0.backend == Backend::Sqlite {
            return Ok(());
        }
        let theirs = tx::rows(&mut *self.read().await?, &Statement::new(CLOCK)).await?;
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
            return Err(Error::of_clock(format!(
                "this machine's clock is {} s away from the database's, and no document is dated by such a clock; put it right",
                ours.saturating_sub(theirs)
            )));
        }
        Ok(())
    }
}

async fn sqlite(url: &str, create: bool) -> Result<AnyPool> {
    let file = url.trim_start_matches("sqlite:");
    if !create && !std::path::Path::new(file).exists() {
        return Err(Error::input(format!("there is no file {file}; `reprieve-authority init` makes one")));
    }
    let options: AnyConnectOptions = format!("sqlite://{file}?mode={}", if create { "rwc" } else { "rw" })
        .parse()
        .map_err(|error| Error::input(format!("the URL: {error}")))?;
    // Not by the pool, which would try again and again to open what is no database.
    let mut connection = AnyConnection::connect_with(&options).await?;
    pragmas(&mut connection).await?;
    connection.close().await?;
    Ok(AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|connection, _| Box::pin(pragmas(connection)))
        .connect_lazy_with(options))
}

async fn pragmas(connection: &mut AnyConnection) -> std::result::Result<(), sqlx::Error> {
    connection.execute("PRAGMA busy_timeout = 5000").await?;
    connection.execute("PRAGMA journal_mode = WAL").await?;
    // What is acknowledged is on the disk.
    connection.execute("PRAGMA synchronous = FULL").await?;
    connection.execute("PRAGMA foreign_keys = ON").await?;
    Ok(())
}
