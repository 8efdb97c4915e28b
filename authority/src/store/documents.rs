//! The documents issued, and the log of them.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::document::TokenId;
use reprieve::ledger::tree::{self, Hash};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{self, Statement, Tx, Value};
use crate::error::{Error, Result};
use crate::log::{Edge, Missing, Place, Tiles, edge_places};

/// A document that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its leaf in the log.
    pub seq: i64,
    /// Its kind's word.
    pub kind: String,
    /// The SHA-256 of the token, in hexadecimal digits.
    pub id: String,
    /// The licence that it is about.
    pub license: Option<String>,
    /// The one ledger that it is for.
    pub ledger: Option<String>,
    /// When it was issued.
    pub iat: i64,
    /// The token.
    pub token: String,
    /// Whether a ledger needs it still.
    pub in_force: bool,
}

/// A document to be issued.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its kind's word.
    pub kind: &'static str,
    /// The token.
    pub token: String,
    /// The licence that it is about.
    pub license: Option<String>,
    /// The one ledger that it is for.
    pub ledger: Option<String>,
    /// What a newer document of this kind and name replaces it by.
    pub name: Option<String>,
    /// When it was issued.
    pub iat: i64,
}

/// The log as it stands.
#[derive(Clone, Debug)]
pub struct LogState {
    /// How many documents there are.
    pub size: u64,
    /// The newest checkpoint: a signed note. Empty while there are none.
    pub checkpoint: String,
    /// The latest `iat`.
    pub issued_at: i64,
}

fn text_of(hashes: &[Hash]) -> String {
    STANDARD.encode(hashes.as_flattened())
}

fn hashes_of(text: &str) -> Option<Vec<Hash>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

fn broken(what: &str) -> Error {
    Error::unavailable(format!(
        "the log in the database is broken: {what}; put the database back from its standby or a copy"
    ))
}

fn document(row: &AnyRow) -> Result<Document> {
    Ok(Document {
        seq: row.try_get(0)?,
        kind: row.try_get(1)?,
        id: row.try_get(2)?,
        license: row.try_get(3)?,
        ledger: row.try_get(4)?,
        iat: row.try_get(5)?,
        token: row.try_get(6)?,
        in_force: row.try_get::<i64, _>(7)? != 0,
    })
}

const COLUMNS: &str = "seq, kind, id, license, ledger, iat, token, in_force";

fn state(rows: &[AnyRow]) -> Result<LogState> {
    let row = rows.first().ok_or_else(|| broken("its state is gone"))?;
    let size: i64 = row.try_get(0)?;
    Ok(LogState {
        size: u64::try_from(size).map_err(|_| broken("its size is negative"))?,
        checkpoint: row.try_get(1)?,
        issued_at: row.try_get(2)?,
    })
}

fn state_query() -> Statement {
    Statement::new("SELECT size, checkpoint, issued_at FROM log_state WHERE id = 1")
}

fn tile_query(places: &[Place]) -> Statement {
    let mut statement = Statement::new("");
    let mut terms = Vec::new();
    for (at, (level, index)) in places.iter().enumerate() {
        terms.push(format!("(level = ${} AND place = ${})", 2 * at + 1, 2 * at + 2));
        statement = statement.bind(i64::from(*level)).bind(i64::try_from(*index).unwrap_or(i64::MAX));
    }
    statement.sql = format!("SELECT level, place, hashes FROM log_tiles WHERE {}", terms.join(" OR "));
    statement
}

fn tiles(rows: &[AnyRow]) -> Result<HashMap<Place, Vec<Hash>>> {
    let mut tiles = HashMap::new();
    for row in rows {
        let (level, index, text): (i64, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let place = (u32::try_from(level).unwrap_or(u32::MAX), u64::try_from(index).unwrap_or(u64::MAX));
        tiles.insert(place, hashes_of(&text).ok_or_else(|| broken("a tile is no list of hashes"))?);
    }
    Ok(tiles)
}

impl Tx {
    /// The log as it stands. Nobody else adds to it until this transaction ends.
    ///
    /// # Errors
    /// What the database says.
    pub async fn log_state(&mut self) -> Result<LogState> {
        let state = state(&self.rows(&state_query()).await?)?;
        self.store.goes_on(state.size)?;
        Ok(state)
    }

    /// Adds documents to the log. Each has the number `state.size` and on; `checkpoint` signs the new size and root.
    ///
    /// # Errors
    /// What the database says, and what the key says that signs checkpoints.
    pub async fn append(
        &mut self,
        state: &LogState,
        documents: &[NewDocument],
        checkpoint: impl FnOnce(u64, Hash) -> Result<String>,
    ) -> Result<LogState> {
        if documents.is_empty() {
            return Ok(state.clone());
        }
        let places = edge_places(state.size);
        let known = if places.is_empty() { HashMap::new() } else { tiles(&self.rows(&tile_query(&places)).await?)? };
        let mut edge = Edge::load(state.size, &known).ok_or_else(|| broken("a tile is lacking"))?;
        let mut changed: Vec<(Place, Vec<Hash>)> = Vec::new();
        let mut rows = Vec::with_capacity(documents.len());
        let mut issued_at = state.issued_at;
        for document in documents {
            let seq = i64::try_from(edge.size()).map_err(|_| broken("it is full"))?;
            edge.push(tree::leaf_hash(document.token.as_bytes()), &mut changed);
            issued_at = issued_at.max(document.iat);
            let in_force = i64::from(document.kind != "lease");
            rows.push(vec![
                Value::from(seq),
                document.kind.into(),
                TokenId::of(document.token.as_bytes()).to_string().into(),
                document.license.clone().into(),
                document.ledger.clone().into(),
                document.name.clone().into(),
                document.iat.into(),
                document.token.clone().into(),
                in_force.into(),
            ]);
        }
        for document in documents {
            let Some(name) = &document.name else { continue };
            let sql = "UPDATE documents SET in_force = 0 WHERE kind = $1 AND name = $2 AND in_force = 1";
            self.execute(&Statement::new(sql).bind(document.kind).bind(name)).await?;
        }
        self.insert(
            "INSERT INTO documents (seq, kind, id, license, ledger, name, iat, token, in_force) VALUES ?",
            rows,
        )
        .await?;
        changed.extend(edge.partial().map(|(place, tile)| (place, tile.to_vec())));
        let row = |((level, index), hashes): &(Place, Vec<Hash>)| {
            vec![i64::from(*level).into(), i64::try_from(*index).unwrap_or(i64::MAX).into(), text_of(hashes).into()]
        };
        let sql = "INSERT INTO log_tiles (level, place, hashes) VALUES ? ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes";
        self.insert(sql, changed.iter().map(row).collect()).await?;
        let state = LogState { size: edge.size(), checkpoint: checkpoint(edge.size(), edge.root())?, issued_at };
        let sql = "UPDATE log_state SET size = $1, checkpoint = $2, issued_at = $3 WHERE id = 1";
        let size = i64::try_from(state.size).map_err(|_| broken("it is full"))?;
        self.execute(&Statement::new(sql).bind(size).bind(&state.checkpoint).bind(state.issued_at)).await?;
        self.size = state.size;
        Ok(state)
    }

    /// What every ledger is to have, and what those about these licences or for these ledgers are, in the log's order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn in_force(&mut self, licenses: &[String]) -> Result<Vec<Document>> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE in_force = 1 AND license IS NULL ORDER BY seq");
        let mut found = self.rows(&Statement::new(sql)).await?.iter().map(document).collect::<Result<Vec<_>>>()?;
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE kind <> 'lease' AND in_force = 1 AND license IN (?)");
        for row in self.rows_of(&sql, licenses).await? {
            found.push(document(&row)?);
        }
        found.sort_by_key(|document| document.seq);
        Ok(found)
    }

    /// Marks a document as needed by no ledger any more: a notice that is long over, a ruling that its ledger has.
    ///
    /// # Errors
    /// What the database says.
    pub async fn retire(&mut self, seq: i64) -> Result<()> {
        self.execute(&Statement::new("UPDATE documents SET in_force = 0 WHERE seq = $1").bind(seq)).await?;
        Ok(())
    }
}

impl Store {
    /// The log as it stands.
    ///
    /// # Errors
    /// What the database says.
    pub async fn log_state(&self) -> Result<LogState> {
        let mut link = self.read().await?;
        let state = state(&tx::rows(&mut link, &state_query()).await?)?;
        self.goes_on(state.size)?;
        self.confirm(&mut link, state.size).await?;
        Ok(state)
    }

    /// The document of a token's id or of a number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn document(&self, id: &str) -> Result<Option<Document>> {
        let statement = match id.parse::<i64>() {
            Ok(seq) if id.len() < 20 => {
                Statement::new(format!("SELECT {COLUMNS} FROM documents WHERE seq = $1")).bind(seq)
            }
            _ => Statement::new(format!("SELECT {COLUMNS} FROM documents WHERE id = $1")).bind(id),
        };
        Ok(self.confirmed_documents(&statement).await?.pop())
    }

    /// What every ledger is to have: the newest keys and policy, notices; and with `revocations` what a mirror may serve of those.
    ///
    /// # Errors
    /// What the database says.
    pub async fn common(&self, revocations: bool) -> Result<Vec<Document>> {
        let kinds = if revocations {
            "kind <> 'lease' AND (license IS NULL OR kind = 'revocation')"
        } else {
            "license IS NULL"
        };
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE in_force = 1 AND {kinds} ORDER BY seq");
        self.confirmed_documents(&Statement::new(sql)).await
    }

    /// The newest documents, those of one licence or ledger if so wished, the newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn documents(
        &self,
        license: Option<&str>,
        kind: Option<&str>,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Document>> {
        let mut statement = Statement::new("").bind(before).bind(limit);
        let mut sql = format!("SELECT {COLUMNS} FROM documents WHERE seq < $1");
        for (column, value) in [("license", license), ("kind", kind)] {
            let Some(value) = value else { continue };
            statement = statement.bind(value);
            sql.push_str(&format!(" AND {column} = ${}", statement.values.len()));
        }
        sql.push_str(" ORDER BY seq DESC LIMIT $2");
        statement.sql = sql;
        self.confirmed_documents(&statement).await
    }

    /// The documents of a query, once a standby has them where one is required.
    async fn confirmed_documents(&self, statement: &Statement) -> Result<Vec<Document>> {
        let mut link = self.read().await?;
        let found = tx::rows(&mut link, statement).await?.iter().map(document).collect::<Result<Vec<_>>>()?;
        let size = found.iter().map(|one| one.seq.saturating_add(1)).max().unwrap_or(0);
        self.confirm(&mut link, u64::try_from(size).unwrap_or(0)).await?;
        Ok(found)
    }

    /// A tile of the log, as C2SP's `tlog-tiles` serves it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tile(&self, place: Place) -> Result<Option<Vec<Hash>>> {
        Ok(tiles(&tx::rows(&mut *self.read().await?, &tile_query(&[place])).await?)?.remove(&place))
    }

    /// Asks for a proof, with each tile that it needs.
    ///
    /// # Errors
    /// What the database says.
    pub async fn proof<T>(&self, ask: impl Fn(&Tiles) -> std::result::Result<T, Missing>) -> Result<T> {
        let mut tiles = Tiles::default();
        loop {
            match ask(&tiles) {
                Ok(proof) => return Ok(proof),
                Err(Missing(place)) => {
                    // One that is there and too short is asked for again, and then the log is broken.
                    let lacking = || broken("a tile is lacking");
                    if tiles.0.contains_key(&place) {
                        return Err(lacking());
                    }
                    tiles.0.insert(place, self.tile(place).await?.ok_or_else(lacking)?);
                }
            }
        }
    }
}
