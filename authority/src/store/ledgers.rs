//! The ledgers that asked, and the seats that they hold.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{self, Statement, Tx, Value};
use crate::error::{Error, Kind, Result};

/// What is known of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its id.
    pub id: String,
    /// Its public key, in base64: who asks again must hold it.
    pub key: String,
    /// The newest head that it showed: a signed note.
    pub head: String,
    /// The request with that head: the chain that shows what it goes on from.
    pub chain: String,
    /// When it showed it.
    pub heard: i64,
    /// The head that the last answer countersigned, where the ledger's next request tells whether it has that answer.
    pub offered_head: Option<String>,
    /// Documents before this number were in that answer, or known before.
    pub offered: i64,
    /// Documents before this number it is known to have.
    pub has: i64,
    /// When it last showed a head that did not go on from the one before.
    pub put_back: Option<i64>,
    /// What was lacking then.
    pub put_back_why: Option<String>,
}

/// A seat: a licence in use on a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRow {
    /// The licence.
    pub license: String,
    /// The ledger.
    pub ledger: String,
    /// Since when.
    pub since: i64,
    /// When its newest lease ends.
    pub leased_until: i64,
}

const COLUMNS: &str = "id, key, head, chain, heard, offered_head, offered, has, put_back, put_back_why";

fn ledger(row: &AnyRow) -> Result<LedgerRow> {
    Ok(LedgerRow {
        id: row.try_get(0)?,
        key: row.try_get(1)?,
        head: row.try_get(2)?,
        chain: row.try_get(3)?,
        heard: row.try_get(4)?,
        offered_head: row.try_get(5)?,
        offered: row.try_get(6)?,
        has: row.try_get(7)?,
        put_back: row.try_get(8)?,
        put_back_why: row.try_get(9)?,
    })
}

fn seat(row: &AnyRow) -> Result<SeatRow> {
    Ok(SeatRow {
        license: row.try_get(0)?,
        ledger: row.try_get(1)?,
        since: row.try_get(2)?,
        leased_until: row.try_get(3)?,
    })
}

impl Tx {
    /// These ledgers, as far as they are known.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ledgers(&mut self, ids: &[String]) -> Result<HashMap<String, LedgerRow>> {
        let rows = self.rows_of(&format!("SELECT {COLUMNS} FROM ledgers WHERE id IN (?)"), ids).await?;
        rows.iter().map(|row| ledger(row).map(|ledger| (ledger.id.clone(), ledger))).collect()
    }

    /// Keeps what is now known of ledgers.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_ledgers(&mut self, ledgers: &[LedgerRow]) -> Result<()> {
        let sql = format!(
            "INSERT INTO ledgers ({COLUMNS}) VALUES ? ON CONFLICT (id) DO UPDATE SET key = excluded.key, head = excluded.head, \
             chain = excluded.chain, heard = excluded.heard, offered_head = excluded.offered_head, offered = excluded.offered, \
             has = excluded.has, put_back = excluded.put_back, put_back_why = excluded.put_back_why"
        );
        let row = |one: &LedgerRow| {
            vec![
                Value::from(&one.id),
                (&one.key).into(),
                (&one.head).into(),
                (&one.chain).into(),
                one.heard.into(),
                one.offered_head.clone().into(),
                one.offered.into(),
                one.has.into(),
                one.put_back.into(),
                one.put_back_why.clone().into(),
            ]
        };
        self.insert(&sql, ledgers.iter().map(row).collect()).await
    }

    /// The seats that these ledgers hold.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seats_of_ledgers(&mut self, ledgers: &[String]) -> Result<Vec<SeatRow>> {
        let sql = "SELECT license, ledger, since, leased_until FROM seats WHERE ledger IN (?)";
        self.rows_of(sql, ledgers).await?.iter().map(seat).collect()
    }

    /// The seats of these licences, whoever holds them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seats_of_licences(&mut self, licenses: &[String]) -> Result<Vec<SeatRow>> {
        let sql = "SELECT license, ledger, since, leased_until FROM seats WHERE license IN (?)";
        self.rows_of(sql, licenses).await?.iter().map(seat).collect()
    }

    /// Takes seats, or goes on holding them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_seats(&mut self, seats: &[SeatRow]) -> Result<()> {
        let sql = "INSERT INTO seats (license, ledger, since, leased_until) VALUES ? \
                   ON CONFLICT (license, ledger) DO UPDATE SET leased_until = excluded.leased_until";
        let row = |seat: &SeatRow| {
            vec![Value::from(&seat.license), (&seat.ledger).into(), seat.since.into(), seat.leased_until.into()]
        };
        self.insert(sql, seats.iter().map(row).collect()).await
    }

    /// Gives a seat back.
    ///
    /// # Errors
    /// `Missing` if the ledger holds none.
    pub async fn free_seat(&mut self, license: &str, ledger: &str) -> Result<()> {
        let sql = "DELETE FROM seats WHERE license = $1 AND ledger = $2";
        match self.execute(&Statement::new(sql).bind(license).bind(ledger)).await? {
            0 => Err(Error::new(Kind::Missing, format!("ledger {ledger} holds no seat of licence {license}"))),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// The seats of a licence.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seats(&self, license: &str) -> Result<Vec<SeatRow>> {
        let sql = "SELECT license, ledger, since, leased_until FROM seats WHERE license = $1 ORDER BY since, ledger";
        tx::rows(&mut *self.read().await?, &Statement::new(sql).bind(license)).await?.iter().map(seat).collect()
    }

    /// One ledger.
    ///
    /// # Errors
    /// `Missing` if it never asked.
    pub async fn ledger(&self, id: &str) -> Result<LedgerRow> {
        let statement = Statement::new(format!("SELECT {COLUMNS} FROM ledgers WHERE id = $1")).bind(id);
        let found = tx::rows(&mut *self.read().await?, &statement).await?.first().map(ledger).transpose()?;
        found.ok_or_else(|| Error::new(Kind::Missing, format!("ledger {id} never asked for a renewal")))
    }

    /// The ledgers that showed a head that did not go on from the one before, the newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_back(&self, limit: i64) -> Result<Vec<LedgerRow>> {
        let sql = format!("SELECT {COLUMNS} FROM ledgers WHERE put_back IS NOT NULL ORDER BY put_back DESC LIMIT $1");
        tx::rows(&mut *self.read().await?, &Statement::new(sql).bind(limit)).await?.iter().map(ledger).collect()
    }
}
