//! The admin API: products, licences, seats, documents, tokens, and the journal.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use reprieve::document::{self, Document as Says};
use reprieve::terms::is_name;
use reprieve::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::Shared;
use super::access::{Scope, Who, new_secret};
use super::body::{Body, Query};
use crate::error::{Error, Kind, Result};
use crate::issue::hash_of;
use crate::store::{Document, LedgerRow, Licence, NewEntry, NewLicence, NewToken, Product};

/// Its routes.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(new_product, products))
        .routes(routes!(new_licence, licences))
        .routes(routes!(licence, change_licence))
        .routes(routes!(free_seat))
        .routes(routes!(ledger))
        .routes(routes!(forget_ledger))
        .routes(routes!(put_back))
        .routes(routes!(publish, documents))
        .routes(routes!(one_document))
        .routes(routes!(reinstate))
        .routes(routes!(new_token, tokens))
        .routes(routes!(revoke_token))
        .routes(routes!(journal))
}

/// An instant, as people read it.
pub(super) fn instant(seconds: i64) -> String {
    Instant::from_seconds(seconds).to_string()
}

pub(super) fn seconds(text: &str, what: &str) -> Result<i64> {
    let at: Instant = text.parse().map_err(|error| Error::input(format!("`{what}`: {error}")))?;
    match at.in_documents() {
        true => Ok(at.seconds()),
        false => Err(Error::input(format!("`{what}` is {text}; documents name whole seconds from 1970 to 9999"))),
    }
}

pub(super) fn name(text: &str, what: &str) -> Result<()> {
    match is_name(text) {
        true => Ok(()),
        false => {
            Err(Error::input(format!("`{what}` is {text:?}, which is no name: 1 to 128 of A-Z a-z 0-9 . _ : @ / + -")))
        }
    }
}

/// A text for people: short, and nothing that steers a terminal.
pub(super) fn words(text: &str, what: &str) -> Result<()> {
    let good = (1..=2000).contains(&text.len()) && !text.chars().any(|c| c.is_control() && c != '\n');
    match good {
        true => Ok(()),
        false => Err(Error::input(format!("`{what}` has 1 to 2000 bytes, and no control characters"))),
    }
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Page {
    /// How many, 100 at most.
    limit: Option<i64>,
    /// What comes behind this one.
    after: Option<String>,
    /// Of numbered things: what comes before this number.
    before: Option<i64>,
}

impl Page {
    pub(super) fn limit(&self) -> i64 {
        self.limit.unwrap_or(100).clamp(1, 100)
    }

    fn before(&self) -> i64 {
        self.before.unwrap_or(i64::MAX)
    }
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductBody {
    sku: String,
    /// For people.
    name: String,
}

/// Make a product.
#[utoipa::path(post, path = "/admin/v1/products", tag = "licences", request_body = ProductBody, responses((status = 201)))]
async fn new_product(
    State(shared): State<Shared>,
    who: Who,
    Body(body): Body<ProductBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Licenses)?;
    name(&body.sku, "sku")?;
    words(&body.name, "name")?;
    let mut tx = shared.authority.store().begin().await?;
    tx.add_product(&Product { sku: body.sku.clone(), name: body.name }).await?;
    tx.note(NewEntry { who: holder, what: "product.create", subject: &body.sku, why: "", details: json!({}) }).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({ "sku": body.sku }))))
}

/// All products.
#[utoipa::path(get, path = "/admin/v1/products", tag = "licences", responses((status = 200, body = Vec<ProductBody>)))]
async fn products(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<ProductBody>>> {
    who.may(Scope::Read)?;
    let all = shared.authority.store().products().await?;
    Ok(Json(all.into_iter().map(|one| ProductBody { sku: one.sku, name: one.name }).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LicenceBody {
    license: String,
    sku: String,
    customer: String,
    /// On how many ledgers it may be used.
    seats: u32,
    /// Each feature, and when it ends: an instant, or null for the licence's own end.
    features: BTreeMap<String, Option<String>>,
    /// How long a lease is: `7d`. Unless said as the authority's are.
    lease: Option<String>,
    /// When it ends.
    ends: Option<String>,
    /// Why: for the journal.
    #[serde(default)]
    why: String,
}

#[derive(Serialize, ToSchema)]
struct LicenceShown {
    license: String,
    sku: String,
    customer: String,
    seats: i64,
    features: BTreeMap<String, Option<String>>,
    lease: Option<String>,
    ends: Option<String>,
    suspended: bool,
    /// Who holds a seat: only where one licence is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Vec<SeatShown>>,
}

#[derive(Serialize, ToSchema)]
struct SeatShown {
    ledger: String,
    since: String,
    leased_until: String,
}

fn shown(licence: Licence) -> LicenceShown {
    LicenceShown {
        license: licence.id,
        sku: licence.sku,
        customer: licence.customer,
        seats: licence.seats,
        features: licence.features.into_iter().map(|(feature, ends)| (feature, ends.map(instant))).collect(),
        lease: licence.lease_seconds.map(|seconds| Span::seconds(seconds).to_string()),
        ends: licence.ends.map(instant),
        suspended: licence.suspended,
        held: None,
    }
}

fn features_of(features: BTreeMap<String, Option<String>>) -> Result<BTreeMap<String, Option<i64>>> {
    if features.is_empty() || features.len() > 4096 {
        return Err(Error::input("`features` names 1 to 4096 features"));
    }
    features
        .into_iter()
        .map(|(feature, ends)| {
            name(&feature, "features")?;
            let ends = ends.map(|text| seconds(&text, &format!("features.{feature}"))).transpose()?;
            Ok((feature, ends))
        })
        .collect()
}

fn lease_of(text: Option<&str>) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let span: Span = text.parse().map_err(|error| Error::input(format!("`lease`: {error}")))?;
    match span.as_seconds() {
        60..=3_155_760_000 => Ok(Some(span.as_seconds())),
        _ => Err(Error::input(format!("`lease` is {text}; a lease lasts from 1m to a century"))),
    }
}

/// Make a licence.
///
/// The answer holds its activation code, which is shown this once: only its hash is kept.
#[utoipa::path(post, path = "/admin/v1/licenses", tag = "licences", request_body = LicenceBody, responses((status = 201)))]
async fn new_licence(
    State(shared): State<Shared>,
    who: Who,
    Body(body): Body<LicenceBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Licenses)?;
    name(&body.license, "license")?;
    name(&body.sku, "sku")?;
    words(&body.customer, "customer")?;
    if !body.why.is_empty() {
        words(&body.why, "why")?;
    }
    let licence = Licence {
        id: body.license,
        sku: body.sku,
        customer: body.customer,
        seats: i64::from(body.seats),
        lease_seconds: lease_of(body.lease.as_deref())?,
        ends: body.ends.as_deref().map(|text| seconds(text, "ends")).transpose()?,
        suspended: false,
        features: features_of(body.features)?,
    };
    let code: Zeroizing<String> = new_secret("rpa")?;
    let hash = hash_of(&code);
    let mut tx = shared.authority.store().begin().await?;
    tx.add_licence(NewLicence { licence: &licence, code: Some(&hash) }).await?;
    let details = json!({ "sku": licence.sku, "customer": licence.customer, "seats": licence.seats });
    tx.note(NewEntry { who: holder, what: "license.create", subject: &licence.id, why: &body.why, details }).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({ "license": licence.id, "code": code.as_str() }))))
}

#[derive(Deserialize, IntoParams)]
struct OfCustomer {
    customer: Option<String>,
}

/// Licences, in the order of their ids.
#[utoipa::path(get, path = "/admin/v1/licenses", tag = "licences", params(Page, OfCustomer), responses((status = 200, body = Vec<LicenceShown>)))]
async fn licences(
    State(shared): State<Shared>,
    who: Who,
    Query(page): Query<Page>,
    Query(of): Query<OfCustomer>,
) -> Result<Json<Vec<LicenceShown>>> {
    who.may(Scope::Read)?;
    let after = page.after.as_deref().unwrap_or("");
    let all = shared.authority.store().licences(of.customer.as_deref(), after, page.limit()).await?;
    Ok(Json(all.into_iter().map(shown).collect()))
}

/// A licence, and who holds its seats. (`license` goes last in the path, as names hold slashes.)
#[utoipa::path(get, path = "/admin/v1/license/{*license}", tag = "licences", params(("license" = String, Path,)),
    responses((status = 200, body = LicenceShown), (status = 404)))]
async fn licence(State(shared): State<Shared>, who: Who, Path(license): Path<String>) -> Result<Json<LicenceShown>> {
    who.may(Scope::Read)?;
    let store = shared.authority.store();
    let mut found = shown(store.licence(&license).await?);
    let seat = |seat: crate::store::SeatRow| SeatShown {
        ledger: seat.ledger,
        since: instant(seat.since),
        leased_until: instant(seat.leased_until),
    };
    found.held = Some(store.seats(&license).await?.into_iter().map(seat).collect());
    Ok(Json(found))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    seats: Option<u32>,
    features: Option<BTreeMap<String, Option<String>>>,
    /// How long a lease is: null for the authority's own; left out it stays as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    lease: Option<Option<String>>,
    /// When it ends: null for never; left out it stays as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ends: Option<Option<String>>,
    suspended: Option<bool>,
    /// Why: for the journal.
    why: String,
}

/// What is null, where that is another thing than what is left out.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Change a licence. Leases that were given stay as they are.
#[utoipa::path(patch, path = "/admin/v1/license/{*license}", tag = "licences", params(("license" = String, Path,)), request_body = Change,
    responses((status = 200, body = LicenceShown), (status = 404)))]
async fn change_licence(
    State(shared): State<Shared>,
    who: Who,
    Path(license): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<LicenceShown>> {
    let holder = who.may(Scope::Licenses)?;
    words(&change.why, "why")?;
    let mut tx = shared.authority.store().begin().await?;
    let found = tx.licences(std::slice::from_ref(&license)).await?.into_iter().next();
    let mut licence = found.ok_or_else(|| Error::new(Kind::Missing, format!("there is no licence {license}")))?;
    let before = serde_json::to_value(shown(licence.clone())).unwrap_or_default();
    licence.seats = change.seats.map_or(licence.seats, i64::from);
    if let Some(features) = change.features {
        licence.features = features_of(features)?;
    }
    if let Some(lease) = &change.lease {
        licence.lease_seconds = lease_of(lease.as_deref())?;
    }
    if let Some(ends) = &change.ends {
        licence.ends = ends.as_deref().map(|text| seconds(text, "ends")).transpose()?;
    }
    licence.suspended = change.suspended.unwrap_or(licence.suspended);
    tx.change_licence(&licence).await?;
    let details =
        json!({ "before": before, "after": serde_json::to_value(shown(licence.clone())).unwrap_or_default() });
    tx.note(NewEntry { who: holder, what: "license.change", subject: &license, why: &change.why, details }).await?;
    tx.commit().await?;
    Ok(Json(shown(licence)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreeSeat {
    license: String,
    ledger: String,
    /// Why: for the journal.
    why: String,
}

/// Free a seat: the ledger's next renewal gets no lease of the licence.
#[utoipa::path(post, path = "/admin/v1/seats/free", tag = "licences", request_body = FreeSeat, responses((status = 200), (status = 404)))]
async fn free_seat(State(shared): State<Shared>, who: Who, Body(body): Body<FreeSeat>) -> Result<Json<Value>> {
    let holder = who.may(Scope::Licenses)?;
    words(&body.why, "why")?;
    let mut tx = shared.authority.store().begin().await?;
    tx.free_seat(&body.license, &body.ledger).await?;
    let details = json!({ "ledger": body.ledger });
    tx.note(NewEntry { who: holder, what: "seat.free", subject: &body.license, why: &body.why, details }).await?;
    tx.commit().await?;
    Ok(Json(json!({})))
}

#[derive(Serialize, ToSchema)]
struct LedgerShown {
    ledger: String,
    heard: String,
    head: String,
    /// When it last showed a head that did not go on from the one before.
    put_back: Option<String>,
    put_back_why: Option<String>,
}

fn ledger_shown(row: LedgerRow) -> LedgerShown {
    LedgerShown {
        ledger: row.id,
        heard: instant(row.heard),
        head: row.head,
        put_back: row.put_back.map(instant),
        put_back_why: row.put_back_why,
    }
}

/// What is known of a ledger.
#[utoipa::path(get, path = "/admin/v1/ledger/{id}", tag = "ledgers", params(("id" = String, Path,)),
    responses((status = 200, body = LedgerShown), (status = 404)))]
async fn ledger(State(shared): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Json<LedgerShown>> {
    who.may(Scope::Read)?;
    Ok(Json(ledger_shown(shared.authority.store().ledger(&id).await?)))
}

/// Forget a ledger and free its seats: one that was made anew under another key may then take its id.
#[utoipa::path(post, path = "/admin/v1/ledger/{id}/forget", tag = "ledgers", params(("id" = String, Path,)), request_body = Why,
    responses((status = 200), (status = 404)))]
async fn forget_ledger(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Licenses)?;
    words(&body.why, "why")?;
    name(&id, "id")?;
    let mut tx = shared.authority.store().begin().await?;
    let freed = tx.forget_ledger(&id).await?;
    let details = json!({ "freed": freed });
    tx.note(NewEntry { who: holder, what: "ledger.forget", subject: &id, why: &body.why, details }).await?;
    tx.commit().await?;
    Ok(Json(json!({ "freed": freed })))
}

/// The ledgers that were put back, for a person to look at.
#[utoipa::path(get, path = "/admin/v1/ledgers/put-back", tag = "ledgers", params(Page), responses((status = 200, body = Vec<LedgerShown>)))]
async fn put_back(State(shared): State<Shared>, who: Who, Query(page): Query<Page>) -> Result<Json<Vec<LedgerShown>>> {
    who.may(Scope::Read)?;
    let all = shared.authority.store().put_back(page.limit()).await?;
    Ok(Json(all.into_iter().map(ledger_shown).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Publish {
    /// The token: text, or an object in General JSON.
    #[schema(value_type = Object)]
    token: Value,
    /// Why: for the journal.
    why: String,
    /// Publish keys by which products take no lease any more that this authority signs: where its key was stolen.
    #[serde(default)]
    even_own_key: bool,
}

/// Publish a document that was signed elsewhere: keys, a policy, a notice, an extension, a revocation or a ruling.
#[utoipa::path(post, path = "/admin/v1/documents", tag = "documents", request_body = Publish,
    responses((status = 201), (status = 409, description = "Not newer than what is in force"), (status = 422, description = "It does not hold")))]
async fn publish(
    State(shared): State<Shared>,
    who: Who,
    Body(body): Body<Publish>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Publish)?;
    words(&body.why, "why")?;
    let token = match body.token {
        Value::String(token) => token,
        other => other.to_string(),
    };
    // Whoever retires the key that is in use would cut every customer off, one renewal after the other.
    if let (false, Some(Says::Keys(keys))) = (body.even_own_key, document::read_unverified(token.as_bytes()))
        && !shared.authority.is_trusted_by(&keys.keys)
    {
        let text = "by these keys no product would take a lease that this authority signs; name a newer key in its settings and start it anew first. \
                    If its key was stolen: `keys retire --stolen`";
        return Err(Error::new(Kind::Conflict, text));
    }
    let published = shared.authority.publish(token.as_bytes(), holder, &body.why).await?;
    let shown = json!({ "id": published.id, "document": published.kind.as_str(), "seq": published.seq });
    Ok((StatusCode::CREATED, Json(shown)))
}

#[derive(Serialize, ToSchema)]
struct DocumentShown {
    seq: i64,
    document: String,
    id: String,
    license: Option<String>,
    ledger: Option<String>,
    iat: String,
    in_force: bool,
    token: String,
}

fn document_shown(one: Document) -> DocumentShown {
    DocumentShown {
        seq: one.seq,
        document: one.kind,
        id: one.id,
        license: one.license,
        ledger: one.ledger,
        iat: instant(one.iat),
        in_force: one.in_force,
        token: one.token,
    }
}

#[derive(Deserialize, IntoParams)]
struct OfDocuments {
    license: Option<String>,
    document: Option<String>,
}

/// Documents that were issued, the newest first.
#[utoipa::path(get, path = "/admin/v1/documents", tag = "documents", params(Page, OfDocuments), responses((status = 200, body = Vec<DocumentShown>)))]
async fn documents(
    State(shared): State<Shared>,
    who: Who,
    Query(page): Query<Page>,
    Query(of): Query<OfDocuments>,
) -> Result<Json<Vec<DocumentShown>>> {
    who.may(Scope::Read)?;
    let store = shared.authority.store();
    let all = store.documents(of.license.as_deref(), of.document.as_deref(), page.before(), page.limit()).await?;
    Ok(Json(all.into_iter().map(document_shown).collect()))
}

/// A document: by its id or its number.
#[utoipa::path(get, path = "/admin/v1/document/{id}", tag = "documents", params(("id" = String, Path,)),
    responses((status = 200, body = DocumentShown), (status = 404)))]
async fn one_document(State(shared): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Json<DocumentShown>> {
    who.may(Scope::Read)?;
    let found = shared.authority.store().document(&id).await?;
    Ok(Json(document_shown(
        found.ok_or_else(|| Error::new(Kind::Missing, "no document of this id was ever issued here"))?,
    )))
}

/// Take a revocation back: leases that are issued from now on are as if it had never been. What ledgers have of it stays with them until then.
#[utoipa::path(post, path = "/admin/v1/document/{id}/reinstate", tag = "documents", params(("id" = String, Path,)), request_body = Why,
    responses((status = 200), (status = 404), (status = 409, description = "It is no revocation in force")))]
async fn reinstate(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Publish)?;
    words(&body.why, "why")?;
    let found = shared.authority.store().document(&id).await?;
    let found = found.ok_or_else(|| Error::new(Kind::Missing, "no document of this id was ever issued here"))?;
    let mut tx = shared.authority.store().begin().await?;
    // Looked at again under the lock, so that of two people only one has done it.
    let license = found.license.clone().unwrap_or_default();
    let in_force = tx.in_force(std::slice::from_ref(&license)).await?;
    if found.kind != "revocation" || !in_force.iter().any(|one| one.seq == found.seq) {
        return Err(Error::new(Kind::Conflict, format!("document {id} is no revocation in force")));
    }
    tx.retire(found.seq).await?;
    let details = json!({ "id": found.id });
    tx.note(NewEntry { who: holder, what: "revocation.reinstate", subject: &license, why: &body.why, details }).await?;
    tx.commit().await?;
    Ok(Json(json!({ "license": license })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    /// Its name.
    token: String,
    /// Whose it is: who the journal says did it.
    holder: String,
    /// Of `read`, `licenses`, `publish`, `support`, `tokens`.
    scopes: Vec<String>,
    /// How long it lasts: `90d`, 366 days at most.
    lasts: String,
}

#[derive(Serialize, ToSchema)]
struct TokenShown {
    token: String,
    holder: String,
    scopes: Vec<String>,
    created: String,
    ends: String,
    revoked: Option<String>,
}

/// Make an access token. Its secret is shown this once: only its hash is kept.
#[utoipa::path(post, path = "/admin/v1/tokens", tag = "tokens", request_body = TokenBody, responses((status = 201)))]
async fn new_token(
    State(shared): State<Shared>,
    who: Who,
    Body(body): Body<TokenBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Tokens)?;
    let scopes: Vec<Scope> = body
        .scopes
        .iter()
        .map(|word| Scope::from_word(word).ok_or_else(|| Error::input(format!("there is no scope {word:?}"))))
        .collect::<Result<_>>()?;
    for scope in &scopes {
        // Nobody hands out what he has not.
        who.may(*scope)?;
    }
    let secret =
        make_token(&shared.authority.store().clone(), holder, &body.token, &body.holder, &scopes, &body.lasts).await?;
    Ok((StatusCode::CREATED, Json(json!({ "token": body.token, "secret": secret.as_str() }))))
}

/// Makes an access token, and gives its secret.
///
/// # Errors
/// For a name that is taken, and a time that is none.
pub async fn make_token(
    store: &crate::store::Store,
    who: &str,
    id: &str,
    holder: &str,
    scopes: &[Scope],
    lasts: &str,
) -> Result<Zeroizing<String>> {
    name(id, "token")?;
    name(holder, "holder")?;
    let span: Span = lasts.parse().map_err(|error| Error::input(format!("`lasts`: {error}")))?;
    if !span.is_positive() || span > Span::seconds(366 * 86_400) {
        return Err(Error::input(format!("`lasts` is {lasts}; a token lasts 366 days at most")));
    }
    if scopes.is_empty() {
        return Err(Error::input("`scopes` is empty; say what the token may do"));
    }
    let secret = new_secret("rpt")?;
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let (words, ends) = (words.join(" "), store.now() + span.as_seconds());
    let mut tx = store.begin().await?;
    tx.add_token(NewToken { id, holder, hash: &hash_of(&secret), scopes: &words, ends }).await?;
    let details = json!({ "holder": holder, "scopes": words, "ends": instant(ends) });
    tx.note(NewEntry { who, what: "token.create", subject: id, why: "", details }).await?;
    tx.commit().await?;
    Ok(secret)
}

/// All access tokens, without their secrets.
#[utoipa::path(get, path = "/admin/v1/tokens", tag = "tokens", responses((status = 200, body = Vec<TokenShown>)))]
async fn tokens(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<TokenShown>>> {
    who.may(Scope::Tokens)?;
    let all = shared.authority.store().tokens().await?;
    let shown = |one: crate::store::TokenRow| TokenShown {
        token: one.id,
        holder: one.holder,
        scopes: one.scopes.split(' ').map(str::to_owned).collect(),
        created: instant(one.created),
        ends: instant(one.ends),
        revoked: one.revoked.map(instant),
    };
    Ok(Json(all.into_iter().map(shown).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// Why: for the journal.
    pub(super) why: String,
}

/// Revoke an access token.
#[utoipa::path(post, path = "/admin/v1/tokens/{token}/revoke", tag = "tokens", params(("token" = String, Path,)), request_body = Why,
    responses((status = 200), (status = 404)))]
async fn revoke_token(
    State(shared): State<Shared>,
    who: Who,
    Path(token): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Tokens)?;
    words(&body.why, "why")?;
    let mut tx = shared.authority.store().begin().await?;
    tx.revoke_token(&token).await?;
    tx.note(NewEntry { who: holder, what: "token.revoke", subject: &token, why: &body.why, details: json!({}) })
        .await?;
    tx.commit().await?;
    Ok(Json(json!({})))
}

#[derive(Serialize, ToSchema)]
struct EntryShown {
    seq: i64,
    at: String,
    who: String,
    what: String,
    subject: String,
    why: String,
    #[schema(value_type = Object)]
    details: Value,
}

#[derive(Deserialize, IntoParams)]
struct OfJournal {
    /// A licence, a ledger, a document's id, a token.
    subject: Option<String>,
}

/// Who did what, when, and why; the newest first.
#[utoipa::path(get, path = "/admin/v1/journal", tag = "journal", params(Page, OfJournal), responses((status = 200, body = Vec<EntryShown>)))]
async fn journal(
    State(shared): State<Shared>,
    who: Who,
    Query(page): Query<Page>,
    Query(of): Query<OfJournal>,
) -> Result<Json<Vec<EntryShown>>> {
    who.may(Scope::Read)?;
    let all = shared.authority.store().journal(of.subject.as_deref(), page.before(), page.limit()).await?;
    let shown = |one: crate::store::Entry| EntryShown {
        seq: one.seq,
        at: instant(one.at),
        who: one.who,
        what: one.what,
        subject: one.subject,
        why: one.why,
        details: serde_json::from_str(&one.details).unwrap_or_default(),
    };
    Ok(Json(all.into_iter().map(shown).collect()))
}
