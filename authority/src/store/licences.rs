//! Products, and licences with their features and seats.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{self, Statement, Tx, Value};
use crate::error::{Error, Kind, Result};

/// A product: what a lease is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its SKU.
    pub sku: String,
    /// Its name, for people.
    pub name: String,
}

/// A licence, with its features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// Its id.
    pub id: String,
    /// The SKU that it is for.
    pub sku: String,
    /// Whose it is.
    pub customer: String,
    /// On how many ledgers it may be used.
    pub seats: i64,
    /// How long its leases are, in seconds; none: as the authority's are.
    pub lease_seconds: Option<i64>,
    /// When it ends, if it does.
    pub ends: Option<i64>,
    /// No leases are given for now.
    pub suspended: bool,
    /// Each feature, and when it ends, if before the licence.
    pub features: BTreeMap<String, Option<i64>>,
}

/// A licence to be made.
#[derive(Clone, Debug)]
pub struct NewLicence<'a> {
    /// The licence.
    pub licence: &'a Licence,
    /// The SHA-256 of the code that activates it.
    pub code: Option<&'a str>,
}

const COLUMNS: &str = "id, sku, customer, seats, lease_seconds, ends, suspended";

fn licence(row: &AnyRow) -> Result<Licence> {
    Ok(Licence {
        id: row.try_get(0)?,
        sku: row.try_get(1)?,
        customer: row.try_get(2)?,
        seats: row.try_get(3)?,
        lease_seconds: row.try_get(4)?,
        ends: row.try_get(5)?,
        suspended: row.try_get::<i64, _>(6)? != 0,
        features: BTreeMap::new(),
    })
}

/// The licences of some rows, with their features.
async fn whole(connection: &mut tx::Link, rows: &[AnyRow]) -> Result<Vec<Licence>> {
    let mut found = rows.iter().map(licence).collect::<Result<Vec<_>>>()?;
    let ids: Vec<String> = found.iter().map(|licence| licence.id.clone()).collect();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = "SELECT license, feature, ends FROM license_features WHERE license IN (?)";
    let mut features: BTreeMap<String, BTreeMap<String, Option<i64>>> = BTreeMap::new();
    for row in tx::rows_of(connection, sql, &ids).await? {
        features.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?, row.try_get(2)?);
    }
    for licence in &mut found {
        licence.features = features.remove(&licence.id).unwrap_or_default();
    }
    Ok(found)
}

impl Tx {
    /// Makes a product.
    ///
    /// # Errors
    /// `Conflict` for a SKU that is there.
    pub async fn add_product(&mut self, product: &Product) -> Result<()> {
        let now = self.store.now();
        let sql = "INSERT INTO products (sku, name, created) VALUES ($1, $2, $3) ON CONFLICT (sku) DO NOTHING";
        match self.execute(&Statement::new(sql).bind(&product.sku).bind(&product.name).bind(now)).await? {
            1 => Ok(()),
            _ => Err(Error::new(Kind::Conflict, format!("there is a product {} already", product.sku))),
        }
    }

    /// Makes a licence.
    ///
    /// # Errors
    /// `Conflict` for an id that is there, `Missing` for a SKU that is not.
    pub async fn add_licence(&mut self, new: NewLicence<'_>) -> Result<()> {
        let (now, licence) = (self.store.now(), new.licence);
        let there = self.rows(&Statement::new("SELECT sku FROM products WHERE sku = $1").bind(&licence.sku)).await?;
        if there.is_empty() {
            return Err(Error::new(Kind::Missing, format!("there is no product {}; make it first", licence.sku)));
        }
        let sql = "INSERT INTO licenses (id, sku, customer, seats, lease_seconds, ends, suspended, code, created) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
        let statement = Statement::new(sql)
            .bind(&licence.id)
            .bind(&licence.sku)
            .bind(&licence.customer)
            .bind(licence.seats)
            .bind(licence.lease_seconds)
            .bind(licence.ends)
            .bind(i64::from(licence.suspended))
            .bind(new.code.map(str::to_owned))
            .bind(now);
        if self.execute(&statement).await? == 0 {
            return Err(Error::new(Kind::Conflict, format!("there is a licence {} already", licence.id)));
        }
        self.set_features(&licence.id, &licence.features).await
    }

    /// Sets what a licence grants, all anew.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_features(&mut self, license: &str, features: &BTreeMap<String, Option<i64>>) -> Result<()> {
        self.execute(&Statement::new("DELETE FROM license_features WHERE license = $1").bind(license)).await?;
        let row = |(feature, ends): (&String, &Option<i64>)| vec![license.into(), Value::from(feature), (*ends).into()];
        self.insert(
            "INSERT INTO license_features (license, feature, ends) VALUES ?",
            features.iter().map(row).collect(),
        )
        .await
    }

    /// Changes seats, end and standing of a licence.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn change_licence(&mut self, licence: &Licence) -> Result<()> {
        let sql = "UPDATE licenses SET seats = $1, lease_seconds = $2, ends = $3, suspended = $4, customer = $5 WHERE id = $6";
        let statement = Statement::new(sql)
            .bind(licence.seats)
            .bind(licence.lease_seconds)
            .bind(licence.ends)
            .bind(i64::from(licence.suspended))
            .bind(&licence.customer)
            .bind(&licence.id);
        match self.execute(&statement).await? {
            1 => self.set_features(&licence.id, &licence.features).await,
            _ => Err(Error::new(Kind::Missing, format!("there is no licence {}", licence.id))),
        }
    }

    /// These licences, as far as they are there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn licences(&mut self, ids: &[String]) -> Result<Vec<Licence>> {
        let rows = self.rows_of(&format!("SELECT {COLUMNS} FROM licenses WHERE id IN (?)"), ids).await?;
        whole(self.connection(), &rows).await
    }

    /// Which licences these codes activate: hash and licence.
    ///
    /// # Errors
    /// What the database says.
    pub async fn licences_of_codes(&mut self, hashes: &[String]) -> Result<BTreeMap<String, String>> {
        let rows = self.rows_of("SELECT code, id FROM licenses WHERE code IN (?)", hashes).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

impl Store {
    /// All products.
    ///
    /// # Errors
    /// What the database says.
    pub async fn products(&self) -> Result<Vec<Product>> {
        let statement = Statement::new("SELECT sku, name FROM products ORDER BY sku");
        let rows = tx::rows(&mut *self.read().await?, &statement).await?;
        rows.iter().map(|row| Ok(Product { sku: row.try_get(0)?, name: row.try_get(1)? })).collect()
    }

    /// Licences behind an id, in the order of their ids; those of one customer if so wished.
    ///
    /// # Errors
    /// What the database says.
    pub async fn licences(&self, customer: Option<&str>, after: &str, limit: i64) -> Result<Vec<Licence>> {
        let select = format!("SELECT {COLUMNS} FROM licenses WHERE id > $1");
        let statement = match customer {
            None => Statement::new(format!("{select} ORDER BY id LIMIT $2")).bind(after).bind(limit),
            Some(customer) => Statement::new(format!("{select} AND customer = $3 ORDER BY id LIMIT $2"))
                .bind(after)
                .bind(limit)
                .bind(customer),
        };
        let mut connection = self.read().await?;
        let rows = tx::rows(&mut connection, &statement).await?;
        whole(&mut connection, &rows).await
    }

    /// One licence.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn licence(&self, id: &str) -> Result<Licence> {
        let statement = Statement::new(format!("SELECT {COLUMNS} FROM licenses WHERE id = $1")).bind(id);
        let mut connection = self.read().await?;
        let rows = tx::rows(&mut connection, &statement).await?;
        let found = whole(&mut connection, &rows).await?.into_iter().next();
        found.ok_or_else(|| Error::new(Kind::Missing, format!("there is no licence {id}")))
    }
}
