//! Requests for extensions and their signatures; appeals and the files that came with them.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{self, Statement, Tx};
use crate::error::{Error, Kind, Result};

/// A request for an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionRow {
    /// Its id, which is the `jti` of its claims.
    pub id: String,
    /// The licence.
    pub license: String,
    /// The text that is signed, byte for byte.
    pub claims: String,
    /// Who asked.
    pub asked_by: String,
    /// Why.
    pub why: String,
    /// When.
    pub created: i64,
    /// Until when it may be signed.
    pub ends: i64,
    /// `open`, `granted`, `withdrawn` or `expired`.
    pub state: String,
    /// The document that was issued.
    pub document: Option<String>,
}

/// One person's signature of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureRow {
    /// The public key, in base64.
    pub x: String,
    /// What the key was called.
    pub kid: String,
    /// The compact token.
    pub token: String,
    /// Who brought it.
    pub signed_by: String,
    /// When.
    pub at: i64,
}

/// An appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealRow {
    /// By what client and authority know it, on whatever way it came: 32 hexadecimal digits.
    pub id: String,
    /// The licence, where it names one.
    pub license: Option<String>,
    /// The ledger.
    pub ledger: String,
    /// The customer's words.
    pub words: String,
    /// The ledger's head: a signed note.
    pub head: String,
    /// The whole of it, as it came.
    pub content: String,
    /// How it came: `renewal`, `http` or `file`.
    pub way: String,
    /// Whether its head is signed by the key that the authority knows for this ledger; an unknown ledger's is not.
    pub known: bool,
    /// When it came.
    pub received: i64,
    /// `open`, `answered` or `turned_down`.
    pub state: String,
    /// What was found of its ledger: JSON.
    pub findings: Option<String>,
    /// Who found it.
    pub found_by: Option<String>,
    /// The ruling that answers it.
    pub document: Option<String>,
}

/// A file that came with an appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealFile {
    /// Its name.
    pub name: String,
    /// How many parts it has.
    pub parts: i64,
    /// How many bytes.
    pub bytes: i64,
}

const REQUEST: &str = "id, license, claims, asked_by, why, created, ends, state, document";
const SIGNATURES: &str =
    "SELECT x, kid, token, signed_by, at FROM extension_signatures WHERE request = $1 ORDER BY place";
const APPEAL: &str =
    "id, license, ledger, words, head, content, way, known, received, state, findings, found_by, document";
const FILES: &str =
    "SELECT name, COUNT(*), CAST(SUM(bytes) AS BIGINT) FROM appeal_files WHERE appeal = $1 GROUP BY name ORDER BY name";

fn request(row: &AnyRow) -> Result<ExtensionRow> {
    Ok(ExtensionRow {
        id: row.try_get(0)?,
        license: row.try_get(1)?,
        claims: row.try_get(2)?,
        asked_by: row.try_get(3)?,
        why: row.try_get(4)?,
        created: row.try_get(5)?,
        ends: row.try_get(6)?,
        state: row.try_get(7)?,
        document: row.try_get(8)?,
    })
}

fn signature(row: &AnyRow) -> Result<SignatureRow> {
    Ok(SignatureRow {
        x: row.try_get(0)?,
        kid: row.try_get(1)?,
        token: row.try_get(2)?,
        signed_by: row.try_get(3)?,
        at: row.try_get(4)?,
    })
}

fn appeal(row: &AnyRow) -> Result<AppealRow> {
    Ok(AppealRow {
        id: row.try_get(0)?,
        license: row.try_get(1)?,
        ledger: row.try_get(2)?,
        words: row.try_get(3)?,
        head: row.try_get(4)?,
        content: row.try_get(5)?,
        way: row.try_get(6)?,
        known: row.try_get::<i64, _>(7)? != 0,
        received: row.try_get(8)?,
        state: row.try_get(9)?,
        findings: row.try_get(10)?,
        found_by: row.try_get(11)?,
        document: row.try_get(12)?,
    })
}

fn file(row: &AnyRow) -> Result<AppealFile> {
    Ok(AppealFile { name: row.try_get(0)?, parts: row.try_get(1)?, bytes: row.try_get(2)? })
}

fn count(rows: &[AnyRow]) -> Result<i64> {
    rows.first().map_or(Ok(0), |row| Ok(row.try_get(0)?))
}

fn no_request(id: &str) -> Error {
    Error::new(Kind::Missing, format!("there is no request {id} for an extension"))
}

fn no_appeal(id: &str) -> Error {
    Error::new(Kind::Missing, format!("there is no appeal {id}"))
}

impl Tx {
    /// Keeps a request.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_extension(&mut self, row: &ExtensionRow) -> Result<()> {
        let sql = format!("INSERT INTO extension_requests ({REQUEST}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        let statement = Statement::new(sql)
            .bind(&row.id)
            .bind(&row.license)
            .bind(&row.claims)
            .bind(&row.asked_by)
            .bind(&row.why)
            .bind(row.created)
            .bind(row.ends)
            .bind(&row.state)
            .bind(row.document.clone());
        self.execute(&statement).await?;
        Ok(())
    }

    /// One request.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn extension(&mut self, id: &str) -> Result<ExtensionRow> {
        let sql = format!("SELECT {REQUEST} FROM extension_requests WHERE id = $1");
        let rows = self.rows(&Statement::new(sql).bind(id)).await?;
        rows.first().map(request).transpose()?.ok_or_else(|| no_request(id))
    }

    /// The requests that may be signed no more, and are not marked so yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn overdue_extensions(&mut self, now: i64) -> Result<Vec<ExtensionRow>> {
        let sql = format!("SELECT {REQUEST} FROM extension_requests WHERE state = 'open' AND ends <= $1 ORDER BY id");
        self.rows(&Statement::new(sql).bind(now)).await?.iter().map(request).collect()
    }

    /// How many requests about a licence may still be signed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_extensions(&mut self, license: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM extension_requests WHERE license = $1 AND state = 'open'";
        count(&self.rows(&Statement::new(sql).bind(license)).await?)
    }

    /// Ends a request that is open.
    ///
    /// # Errors
    /// `Conflict` if it is not open any more.
    pub async fn close_extension(&mut self, id: &str, state: &str, document: Option<&str>) -> Result<()> {
        let sql = "UPDATE extension_requests SET state = $1, document = $2 WHERE id = $3 AND state = 'open'";
        let statement = Statement::new(sql).bind(state).bind(document.map(str::to_owned)).bind(id);
        match self.execute(&statement).await? {
            1 => Ok(()),
            _ => Err(Error::new(Kind::Conflict, format!("request {id} is not open any more"))),
        }
    }

    /// Keeps a signature.
    ///
    /// # Errors
    /// `Conflict` if this key has signed the request already.
    pub async fn add_signature(&mut self, request: &str, row: &SignatureRow) -> Result<()> {
        let sql = "INSERT INTO extension_signatures (request, x, kid, token, signed_by, place, at) \
                   SELECT $1, $2, $3, $4, $5, COUNT(*), $6 FROM extension_signatures WHERE request = $7 \
                   ON CONFLICT (request, x) DO NOTHING";
        let statement = Statement::new(sql)
            .bind(request)
            .bind(&row.x)
            .bind(&row.kid)
            .bind(&row.token)
            .bind(&row.signed_by)
            .bind(row.at)
            .bind(request);
        match self.execute(&statement).await? {
            1 => Ok(()),
            _ => Err(Error::new(
                Kind::Conflict,
                format!(
                    "the key {} has signed this request already; another person signs it with another key",
                    row.kid
                ),
            )),
        }
    }

    /// The signatures of a request, in the order in which they came.
    ///
    /// # Errors
    /// What the database says.
    pub async fn signatures(&mut self, request: &str) -> Result<Vec<SignatureRow>> {
        self.rows(&Statement::new(SIGNATURES).bind(request)).await?.iter().map(signature).collect()
    }

    /// Keeps an appeal; says whether it is new.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_appeal(&mut self, row: &AppealRow) -> Result<bool> {
        let sql = format!(
            "INSERT INTO appeals ({APPEAL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL, NULL) ON CONFLICT (id) DO NOTHING"
        );
        let statement = Statement::new(sql)
            .bind(&row.id)
            .bind(row.license.clone())
            .bind(&row.ledger)
            .bind(&row.words)
            .bind(&row.head)
            .bind(&row.content)
            .bind(&row.way)
            .bind(i64::from(row.known))
            .bind(row.received)
            .bind(&row.state);
        Ok(self.execute(&statement).await? == 1)
    }

    /// One appeal.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn appeal(&mut self, id: &str) -> Result<AppealRow> {
        let rows = self.rows(&Statement::new(format!("SELECT {APPEAL} FROM appeals WHERE id = $1")).bind(id)).await?;
        rows.first().map(appeal).transpose()?.ok_or_else(|| no_appeal(id))
    }

    /// How many appeals are open: of one ledger, or of all that nobody brought and whose ledgers hold no seat.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_appeals(&mut self, ledger: Option<&str>) -> Result<i64> {
        let statement = match ledger {
            Some(ledger) => {
                Statement::new("SELECT COUNT(*) FROM appeals WHERE state = 'open' AND ledger = $1").bind(ledger)
            }
            None => Statement::new(
                "SELECT COUNT(*) FROM appeals WHERE state = 'open' AND way <> $1 \
                 AND NOT EXISTS (SELECT 1 FROM seats WHERE seats.ledger = appeals.ledger)",
            )
            .bind("file"),
        };
        count(&self.rows(&statement).await?)
    }

    /// Keeps what was found of an appeal's ledger.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_findings(&mut self, id: &str, findings: &str, who: &str) -> Result<()> {
        let sql = "UPDATE appeals SET findings = $1, found_by = $2 WHERE id = $3";
        self.execute(&Statement::new(sql).bind(findings).bind(who).bind(id)).await?;
        Ok(())
    }

    /// Closes an appeal that is open.
    ///
    /// # Errors
    /// `Conflict` if it is not open any more.
    pub async fn close_appeal(&mut self, id: &str, state: &str, document: Option<&str>) -> Result<()> {
        let sql = "UPDATE appeals SET state = $1, document = $2 WHERE id = $3 AND state = 'open'";
        let statement = Statement::new(sql).bind(state).bind(document.map(str::to_owned)).bind(id);
        match self.execute(&statement).await? {
            1 => Ok(()),
            _ => Err(Error::new(Kind::Conflict, format!("appeal {id} is closed already"))),
        }
    }

    /// Keeps a part of a file; one that is there already stays as it is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_appeal_part(
        &mut self,
        id: &str,
        name: &str,
        part: i64,
        bytes: i64,
        content: &str,
    ) -> Result<bool> {
        let sql = "INSERT INTO appeal_files (appeal, name, part, bytes, content) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (appeal, name, part) DO NOTHING";
        let statement = Statement::new(sql).bind(id).bind(name).bind(part).bind(bytes).bind(content);
        Ok(self.execute(&statement).await? == 1)
    }

    /// The files that came with an appeal.
    ///
    /// # Errors
    /// What the database says.
    pub async fn appeal_files(&mut self, id: &str) -> Result<Vec<AppealFile>> {
        self.rows(&Statement::new(FILES).bind(id)).await?.iter().map(file).collect()
    }

    /// Forgets a ledger and the seats that it holds: one that was made anew may then take its id.
    ///
    /// # Errors
    /// `Missing` if it never asked.
    pub async fn forget_ledger(&mut self, id: &str) -> Result<Vec<String>> {
        let held = self.seats_of_ledgers(std::slice::from_ref(&id.to_owned())).await?;
        self.execute(&Statement::new("DELETE FROM seats WHERE ledger = $1").bind(id)).await?;
        match self.execute(&Statement::new("DELETE FROM ledgers WHERE id = $1").bind(id)).await? {
            0 => Err(Error::new(Kind::Missing, format!("ledger {id} never asked for a renewal"))),
            _ => Ok(held.into_iter().map(|seat| seat.license).collect()),
        }
    }
}

impl Store {
    /// A request and its signatures.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn extension(&self, id: &str) -> Result<(ExtensionRow, Vec<SignatureRow>)> {
        let mut connection = self.read().await?;
        let sql = format!("SELECT {REQUEST} FROM extension_requests WHERE id = $1");
        let rows = tx::rows(&mut connection, &Statement::new(sql).bind(id)).await?;
        let found = rows.first().map(request).transpose()?.ok_or_else(|| no_request(id))?;
        let rows = tx::rows(&mut connection, &Statement::new(SIGNATURES).bind(id)).await?;
        Ok((found, rows.iter().map(signature).collect::<Result<Vec<_>>>()?))
    }

    /// Requests, the newest first; those of one state if so wished.
    ///
    /// # Errors
    /// What the database says.
    pub async fn extensions(&self, state: Option<&str>, limit: i64) -> Result<Vec<ExtensionRow>> {
        let order = "ORDER BY created DESC, id LIMIT $1";
        let statement = match state {
            None => Statement::new(format!("SELECT {REQUEST} FROM extension_requests {order}")).bind(limit),
            Some(state) => Statement::new(format!("SELECT {REQUEST} FROM extension_requests WHERE state = $2 {order}"))
                .bind(limit)
                .bind(state),
        };
        tx::rows(&mut *self.read().await?, &statement).await?.iter().map(request).collect()
    }

    /// An appeal, and the files that came with it.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn appeal(&self, id: &str) -> Result<(AppealRow, Vec<AppealFile>)> {
        let mut connection = self.read().await?;
        let sql = format!("SELECT {APPEAL} FROM appeals WHERE id = $1");
        let rows = tx::rows(&mut connection, &Statement::new(sql).bind(id)).await?;
        let found = rows.first().map(appeal).transpose()?.ok_or_else(|| no_appeal(id))?;
        let rows = tx::rows(&mut connection, &Statement::new(FILES).bind(id)).await?;
        Ok((found, rows.iter().map(file).collect::<Result<Vec<_>>>()?))
    }

    /// Appeals without their contents, the newest first; those of one state if so wished.
    ///
    /// # Errors
    /// What the database says.
    pub async fn appeals(&self, state: Option<&str>, limit: i64) -> Result<Vec<AppealRow>> {
        let columns = APPEAL.replace("content", "''");
        let order = "ORDER BY received DESC, id LIMIT $1";
        let statement = match state {
            None => Statement::new(format!("SELECT {columns} FROM appeals {order}")).bind(limit),
            Some(state) => Statement::new(format!("SELECT {columns} FROM appeals WHERE state = $2 {order}"))
                .bind(limit)
                .bind(state),
        };
        tx::rows(&mut *self.read().await?, &statement).await?.iter().map(appeal).collect()
    }

    /// A part of a file, in base64.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn appeal_part(&self, id: &str, name: &str, part: i64) -> Result<String> {
        let sql = "SELECT content FROM appeal_files WHERE appeal = $1 AND name = $2 AND part = $3";
        let statement = Statement::new(sql).bind(id).bind(name).bind(part);
        let rows = tx::rows(&mut *self.read().await?, &statement).await?;
        let content = rows.first().map(|row| row.try_get(0)).transpose()?;
        content.ok_or_else(|| Error::new(Kind::Missing, format!("appeal {id} has no part {part} of {name}")))
    }
}
