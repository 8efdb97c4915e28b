//! What everybody may ask: renewals, the documents that are the same for all, and the log.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::document::TokenId;
use reprieve::ledger::tree::Hash;
use reprieve::renew::{RenewalAnswer, RenewalRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::access::bearer;
use crate::error::{Error, Kind, Result};
use crate::issue::hash_of;
use crate::log::WIDTH;
use crate::people::appeals::not_taken;
use crate::renew::{Ask, Problem};

/// More bytes than a request has whose ledger renews as it should.
const USUAL: usize = 8 << 10;

/// How long a renewal waits for the appeals that came with it.
const CARRIED: Duration = Duration::from_secs(3);

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(renew))
        .routes(routes!(common))
        .routes(routes!(checkpoint))
        .routes(routes!(tile))
        .routes(routes!(proof))
        .routes(routes!(consistency))
        .routes(routes!(live))
        .routes(routes!(ready))
}

/// Renew a ledger's leases.
///
/// The body is a renewal request, as `Client::request` makes it. `Authorization: Bearer CODE` with a licence's activation code takes a seat of it. The
/// answer is `{"documents": [token, ...], "problems": [{"license", "problem", "text"}, ...], "appeals": [id, ...]}`; problems are for people, and decide
/// nothing; `appeals` are those that came with the request and are kept, as the leases say too.
#[utoipa::path(post, path = "/v1/renew", tag = "renewal", request_body(content = String, content_type = "application/json"),
    responses((status = 200, description = "Documents"), (status = 400, description = "No renewal request"),
        (status = 429, description = "This ledger asks too often: Retry-After"),
        (status = 503, description = "Nothing can be issued now: Retry-After. Never a refusal")))]
async fn renew(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    // Checking signatures is work of the processor's; to make room for others meanwhile costs more than a usual request's one.
    let request = match body.len() > USUAL {
        true => tokio::task::block_in_place(|| RenewalRequest::read(&body)),
        false => RenewalRequest::read(&body),
    };
    let mut request = request.map_err(|error| Error::input(error.to_string()))?;
    shared.ledger_asks(request.chain.key)?;
    let code = bearer(&headers).map(hash_of);
    let (received, problems) = carried(&shared, from, &mut request).await;
    let renewed = shared.authority.renew(Ask { request, code, granted: None, received: received.clone() }).await?;
    if renewed.problems.iter().any(|problem| problem.problem == "unknown_code") {
        shared.failed(from.ip())?;
    }
    let mut answer = renewed.answer.to_value();
    let problems: Vec<Problem> = renewed.problems.into_iter().chain(problems).collect();
    answer["problems"] = serde_json::to_value(&problems).unwrap_or_default();
    answer["appeals"] = json!(received);
    Ok(Json(answer).into_response())
}

/// A5: what came of the appeals of a request. Whatever does, the renewal goes on, and soon.
async fn carried(shared: &Shared, from: SocketAddr, request: &mut RenewalRequest) -> (Vec<String>, Vec<Problem>) {
    let appeals = std::mem::take(&mut request.appeals);
    if appeals.is_empty() {
        return (Vec::new(), Vec::new());
    }
    // Who makes up a ledger for each has one address all the same; one that is known is counted by its key, as a balancer's address is many customers'.
    let known = shared.authority.store().ledger(&request.chain.ledger).await;
    if !known.is_ok_and(|row| row.key == STANDARD.encode(request.chain.key))
        && let Err(error) = shared.address_appeals(from.ip())
    {
        return (Vec::new(), vec![not_taken(error.message())]);
    }
    let (authority, chain) = (shared.authority.clone(), request.chain.clone());
    // On its own, so that a commit under way is not given up with it.
    let taken = tokio::spawn(async move { authority.receive_carried(&chain, appeals).await });
    match tokio::time::timeout(CARRIED, taken).await {
        Ok(Ok(taken)) => taken,
        _ => (Vec::new(), vec![not_taken("the database was busy; it is sent again")]),
    }
}

/// The documents that are the same for all.
///
/// Keys, policy, notices and revocations in force, as a mirror or a CDN may serve them: all are signed. With an `ETag`.
#[utoipa::path(get, path = "/v1/common.json", tag = "renewal",
    responses((status = 200, description = "Documents"), (status = 304, description = "As you have it")))]
async fn common(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response> {
    let documents = shared.authority.store().common(true).await?;
    let answer = RenewalAnswer { documents: documents.into_iter().map(|one| one.token.into_bytes()).collect() };
    let body = answer.to_json();
    let tag = format!("\"{}\"", TokenId::of(&body));
    let fields = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "public, max-age=60".to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    Ok((fields, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The log's newest checkpoint, a signed note (C2SP tlog-checkpoint).
#[utoipa::path(get, path = "/log/checkpoint", tag = "log", responses((status = 200, body = String, content_type = "text/plain")))]
async fn checkpoint(State(shared): State<Shared>) -> Result<Response> {
    let state = shared.authority.store().log_state().await?;
    if state.checkpoint.is_empty() {
        return Err(Error::new(Kind::Missing, "nothing has been issued yet"));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], state.checkpoint).into_response())
}

/// A tile of the log's hashes (C2SP tlog-tiles): `LEVEL/INDEX`, the index in groups of three digits as `x001/234`, with `.p/WIDTH` for a partial one.
#[utoipa::path(get, path = "/log/tile/{*place}", tag = "log", params(("place" = String, Path,)),
    responses((status = 200, description = "Hashes of 32 bytes each"), (status = 404, description = "No such tile")))]
async fn tile(State(shared): State<Shared>, Path(place): Path<String>) -> Result<Response> {
    let missing = || Error::new(Kind::Missing, "the log has no such tile");
    let (level, index, width) = tile_of(&place).ok_or_else(missing)?;
    let size = shared.authority.store().log_state().await?.size;
    let hashes = size.checked_shr(8 * level).unwrap_or(0);
    let there = hashes.saturating_sub(index.saturating_mul(WIDTH as u64)).min(WIDTH as u64);
    if there < width as u64 || width == 0 {
        return Err(missing());
    }
    let tile = shared.authority.store().tile((level, index)).await?.ok_or_else(missing)?;
    let hashes = tile.get(..width).ok_or_else(missing)?;
    let fields = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((fields, hashes.as_flattened().to_vec()).into_response())
}

/// Level, index and width of a tile's path.
fn tile_of(place: &str) -> Option<(u32, u64, usize)> {
    let (level, rest) = place.split_once('/')?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
        None => (rest, WIDTH),
    };
    let groups: Vec<&str> = index.split('/').collect();
    let last = groups.len() - 1;
    let mut number = 0u64;
    for (at, group) in groups.iter().enumerate() {
        let digits = if at < last { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let level: u32 = level.parse().ok().filter(|level| *level < 8)?;
    Some((level, number, width))
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

#[derive(Deserialize, utoipa::IntoParams)]
struct At {
    /// The size of the log that it is shown for; the newest if it is not said.
    size: Option<u64>,
}

/// That a document is in the log: by its id, the SHA-256 of its token in hexadecimal digits, or its number.
#[utoipa::path(get, path = "/log/proof/{id}", tag = "log", params(("id" = String, Path,), At),
    responses((status = 200, description = "index, size, path, checkpoint"), (status = 404, description = "It is not in the log")))]
async fn proof(State(shared): State<Shared>, Path(id): Path<String>, Query(at): Query<At>) -> Result<Json<Value>> {
    let store = shared.authority.store();
    let missing = || Error::new(Kind::Missing, "no document of this id was ever issued here");
    let document = store.document(&id).await?.ok_or_else(missing)?;
    let state = store.log_state().await?;
    let index = u64::try_from(document.seq).unwrap_or(u64::MAX);
    let size = at.size.unwrap_or(state.size);
    if size > state.size || index >= size {
        return Err(Error::input(format!("the log has {} documents, and this is number {index}", state.size)));
    }
    let path = store.proof(|tiles| tiles.inclusion(index, size)).await?;
    Ok(Json(json!({ "index": index, "size": size, "path": texts(&path), "checkpoint": state.checkpoint })))
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Sizes {
    /// The older size.
    old: u64,
    /// The newer size; the newest if it is not said.
    new: Option<u64>,
}

/// That the log goes on from an older size.
#[utoipa::path(get, path = "/log/consistency", tag = "log", params(Sizes),
    responses((status = 200, description = "old, new, path, checkpoint"), (status = 400, description = "No such sizes")))]
async fn consistency(State(shared): State<Shared>, Query(sizes): Query<Sizes>) -> Result<Json<Value>> {
    let store = shared.authority.store();
    let state = store.log_state().await?;
    let new = sizes.new.unwrap_or(state.size);
    if new > state.size || sizes.old > new {
        return Err(Error::input(format!("the log has {} documents; ask for old <= new <= that", state.size)));
    }
    let path = store.proof(|tiles| tiles.consistency(sizes.old, new)).await?;
    Ok(Json(json!({ "old": sizes.old, "new": new, "path": texts(&path), "checkpoint": state.checkpoint })))
}

/// Whether the process runs.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = String)))]
async fn live() -> &'static str {
    "ok\n"
}

/// Whether renewals can be answered: the database can commit, and the clock is right.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = String), (status = 503, description = "Why not")))]
async fn ready(State(shared): State<Shared>) -> Result<&'static str> {
    let store = shared.authority.store();
    store.check_clock().await?;
    store.log_state().await?;
    Ok("ok\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_named_as_c2sp_names_them() {
        assert_eq!(tile_of("0/000"), Some((0, 0, 256)));
        assert_eq!(tile_of("1/x001/x234/067"), Some((1, 1_234_067, 256)));
        assert_eq!(tile_of("0/x001/234.p/17"), Some((0, 1234, 17)));
        for wrong in [
            "",
            "0",
            "0/",
            "0/0",
            "0/1234",
            "0/x001",
            "0/001/234",
            "8/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/-01",
            "0/000.p/",
            "x/000",
        ] {
            assert_eq!(tile_of(wrong), None, "{wrong}");
        }
    }
}
