//! Access tokens of the admin API: hashed, scoped, ending.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{self, Statement, Tx};
use crate::error::{Error, Kind, Result};

/// An access token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its name.
    pub id: String,
    /// Whose it is: who the journal says did it.
    pub holder: String,
    /// What it may do, with blanks between.
    pub scopes: String,
    /// When it was made.
    pub created: i64,
    /// When it ends.
    pub ends: i64,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Its name.
    pub id: &'a str,
    /// Whose it is.
    pub holder: &'a str,
    /// The SHA-256 of its secret.
    pub hash: &'a str,
    /// What it may do.
    pub scopes: &'a str,
    /// When it ends.
    pub ends: i64,
}

const COLUMNS: &str = "id, holder, scopes, created, ends, revoked";

fn token(row: &AnyRow) -> Result<TokenRow> {
    Ok(TokenRow {
        id: row.try_get(0)?,
        holder: row.try_get(1)?,
        scopes: row.try_get(2)?,
        created: row.try_get(3)?,
        ends: row.try_get(4)?,
        revoked: row.try_get(5)?,
    })
}

impl Tx {
    /// Keeps a token.
    ///
    /// # Errors
    /// `Conflict` for a name that is taken.
    pub async fn add_token(&mut self, token: NewToken<'_>) -> Result<()> {
        let now = self.store.now();
        let sql = "INSERT INTO tokens (id, holder, hash, scopes, created, ends, revoked) VALUES ($1, $2, $3, $4, $5, $6, NULL) \
                   ON CONFLICT (id) DO NOTHING";
        let statement = Statement::new(sql)
            .bind(token.id)
            .bind(token.holder)
            .bind(token.hash)
            .bind(token.scopes)
            .bind(now)
            .bind(token.ends);
        match self.execute(&statement).await? {
            1 => Ok(()),
            _ => Err(Error::new(Kind::Conflict, format!("there is a token {} already; choose another name", token.id))),
        }
    }

    /// Ends a token.
    ///
    /// # Errors
    /// `Missing` if there is none of this name, or it was revoked before.
    pub async fn revoke_token(&mut self, id: &str) -> Result<()> {
        let now = self.store.now();
        let sql = "UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked IS NULL";
        match self.execute(&Statement::new(sql).bind(now).bind(id)).await? {
            1 => Ok(()),
            _ => Err(Error::new(Kind::Missing, format!("there is no token {id} in force"))),
        }
    }
}

impl Store {
    /// The token whose secret has this hash.
    ///
    /// # Errors
    /// What the database says.
    pub async fn token_of(&self, hash: &str) -> Result<Option<TokenRow>> {
        let statement = Statement::new(format!("SELECT {COLUMNS} FROM tokens WHERE hash = $1")).bind(hash);
        tx::rows(&mut *self.read().await?, &statement).await?.first().map(token).transpose()
    }

    /// All tokens.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>> {
        let statement = Statement::new(format!("SELECT {COLUMNS} FROM tokens ORDER BY created, id"));
        tx::rows(&mut *self.read().await?, &statement).await?.iter().map(token).collect()
    }
}
