//! What people decide: extensions, appeals, and what a new policy would change.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use reprieve::policy::Policy;
use reprieve::terms::Access;
use reprieve::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::access::{Scope, Who};
use super::admin::{Page, Why, instant, name, seconds, words};
use super::body::{Body, Query};
use crate::error::{Error, Result};
use crate::people::appeals::{MAX_APPEAL, Received, Way};
use crate::people::compare::{Comparing, Comparison};
use crate::people::extensions::{Standing, Until, Wish};
use crate::people::policy_of;
use crate::store::{AppealRow, SignatureRow};

/// Its routes.
pub fn routes() -> OpenApiRouter<Shared> {
    // An appeal is larger than other bodies: a client's last thousand records go with it.
    let appeals = OpenApiRouter::new()
        .routes(routes!(appeal))
        .routes(routes!(receive_appeal, appeals))
        .layer(DefaultBodyLimit::max(MAX_APPEAL));
    OpenApiRouter::new()
        .routes(routes!(ask_extension, extensions))
        .routes(routes!(extension))
        .routes(routes!(sign_extension))
        .routes(routes!(withdraw_extension))
        .merge(appeals)
        .routes(routes!(one_appeal))
        .routes(routes!(appeal_file))
        .routes(routes!(appeal_part))
        .routes(routes!(appeal_findings))
        .routes(routes!(rule_appeal))
        .routes(routes!(turn_down_appeal))
        .routes(routes!(dry_run))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExtensionBody {
    license: String,
    /// Names and patterns; none is all.
    #[serde(default)]
    features: Vec<String>,
    /// When it ends: an instant. This or `lasts`.
    until: Option<String>,
    /// How long it lasts from now on: `7d`.
    lasts: Option<String>,
    /// `full`, unless `limited` is said.
    access: Option<String>,
    /// Why: for the journal.
    why: String,
}

#[derive(Serialize, ToSchema)]
struct ExtensionShown {
    request: String,
    license: String,
    /// `open`, `granted`, `withdrawn` or `expired`.
    state: String,
    /// The claims, as a text: each signs exactly these bytes.
    claims: String,
    asked_by: String,
    why: String,
    created: String,
    /// Until when it may be signed.
    ends: String,
    /// How many keys of role support must sign it.
    approvals: u32,
    signatures: Vec<SignatureShown>,
    /// The document that was issued.
    document: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SignatureShown {
    kid: String,
    signed_by: String,
    at: String,
    /// Whether it holds by the keys of now: one that was taken back counts no more.
    holds: bool,
}

fn extension_shown(shared: &Shared, standing: Standing) -> ExtensionShown {
    let row = standing.row;
    let signature = |(one, holds): (SignatureRow, bool)| SignatureShown {
        kid: one.kid,
        signed_by: one.signed_by,
        at: instant(one.at),
        holds,
    };
    let overdue = row.state == "open" && row.ends <= shared.authority.store().now();
    ExtensionShown {
        state: if overdue { "expired".to_owned() } else { row.state },
        request: row.id,
        license: row.license,
        claims: row.claims,
        asked_by: row.asked_by,
        why: row.why,
        created: instant(row.created),
        ends: instant(row.ends),
        approvals: standing.approvals,
        signatures: standing.signatures.into_iter().map(signature).collect(),
        document: row.document,
    }
}

/// Ask for an extension.
///
/// The answer fixes its claims. Who signs them does so on a machine of his own, with a key of role support; when as many keys have signed as the policy's
/// governance asks for, it is issued.
#[utoipa::path(post, path = "/admin/v1/extensions", tag = "extensions", request_body = ExtensionBody,
    responses((status = 201, body = ExtensionShown), (status = 404, description = "No such licence"), (status = 422, description = "The policy does not allow it")))]
async fn ask_extension(
    State(shared): State<Shared>,
    who: Who,
    Body(body): Body<ExtensionBody>,
) -> Result<(StatusCode, Json<ExtensionShown>)> {
    let holder = who.may(Scope::Support)?;
    name(&body.license, "license")?;
    words(&body.why, "why")?;
    if body.features.len() > 4096 {
        return Err(Error::input("`features` names 4096 features at most"));
    }
    let until = match (&body.until, &body.lasts) {
        (Some(at), None) => Until::At(seconds(at, "until")?),
        (None, Some(lasts)) => {
            let span: Span = lasts.parse().map_err(|error| Error::input(format!("`lasts`: {error}")))?;
            Until::After(span)
        }
        _ => return Err(Error::input("say either `until` or `lasts`")),
    };
    let access = match body.access.as_deref() {
        None | Some("full") => Access::Full,
        Some("limited") => Access::Limited,
        Some(_) => return Err(Error::input("`access` is neither \"full\" nor \"limited\"")),
    };
    let wish = Wish { license: body.license, features: body.features, until, access, why: body.why };
    let standing = shared.authority.ask_extension(&wish, holder).await?;
    Ok((StatusCode::CREATED, Json(extension_shown(&shared, standing))))
}

#[derive(Deserialize, IntoParams)]
struct OfState {
    /// Those of one state alone.
    state: Option<String>,
}

/// Requests for extensions, the newest first.
#[utoipa::path(get, path = "/admin/v1/extensions", tag = "extensions", params(Page, OfState), responses((status = 200, body = Vec<ExtensionShown>)))]
async fn extensions(
    State(shared): State<Shared>,
    who: Who,
    Query(page): Query<Page>,
    Query(of): Query<OfState>,
) -> Result<Json<Vec<ExtensionShown>>> {
    who.may(Scope::Read)?;
    let mut shown = Vec::new();
    for row in shared.authority.store().extensions(of.state.as_deref(), page.limit()).await? {
        shown.push(extension_shown(&shared, shared.authority.extension(&row.id).await?));
    }
    Ok(Json(shown))
}

/// A request for an extension: its claims, and who signed them.
#[utoipa::path(get, path = "/admin/v1/extension/{request}", tag = "extensions", params(("request" = String, Path,)),
    responses((status = 200, body = ExtensionShown), (status = 404)))]
async fn extension(State(shared): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Json<ExtensionShown>> {
    who.may(Scope::Read)?;
    name(&id, "request")?;
    Ok(Json(extension_shown(&shared, shared.authority.extension(&id).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signature {
    /// A compact token of the request's claims, signed with one key.
    signature: String,
}

/// Sign a request for an extension. The signature that makes them enough issues it.
#[utoipa::path(post, path = "/admin/v1/extension/{request}/signatures", tag = "extensions", params(("request" = String, Path,)), request_body = Signature,
    responses((status = 201, body = ExtensionShown), (status = 409, description = "This key has signed already, or the request is not open"),
        (status = 422, description = "The signature does not hold")))]
async fn sign_extension(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Signature>,
) -> Result<(StatusCode, Json<ExtensionShown>)> {
    let holder = who.may(Scope::Support)?;
    name(&id, "request")?;
    let standing = shared.authority.sign_extension(&id, body.signature.as_bytes(), holder).await?;
    Ok((StatusCode::CREATED, Json(extension_shown(&shared, standing))))
}

/// Withdraw a request for an extension.
#[utoipa::path(post, path = "/admin/v1/extension/{request}/withdraw", tag = "extensions", params(("request" = String, Path,)), request_body = Why,
    responses((status = 200), (status = 404), (status = 409, description = "It is not open")))]
async fn withdraw_extension(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Support)?;
    name(&id, "request")?;
    words(&body.why, "why")?;
    shared.authority.withdraw_extension(&id, holder, &body.why).await?;
    Ok(Json(json!({ "request": id, "state": "withdrawn" })))
}

fn received_shown(received: &Received) -> Value {
    json!({ "appeal": received.id, "ledger": received.ledger, "new": received.new, "known": received.known })
}

/// Appeal: the body is the file that `reprieve appeal`, or `Client::appeal`, writes.
///
/// No token is needed. The answer names the appeal; a ruling comes with a later renewal, or by file.
#[utoipa::path(post, path = "/v1/appeals", tag = "appeals", request_body(content = String, content_type = "application/json"),
    responses((status = 201, description = "appeal: its id"), (status = 400, description = "It is no appeal"),
        (status = 422, description = "Its head is not signed by the ledger's key"), (status = 429, description = "Send it by mail")))]
async fn appeal(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>)> {
    shared.address_appeals(from.ip())?;
    let received = shared.authority.receive_appeal(&body, Way::Http, "customer").await?;
    Ok((StatusCode::CREATED, Json(received_shown(&received))))
}

/// Take an appeal that came by mail or on a stick: the body is the file.
#[utoipa::path(post, path = "/admin/v1/appeals", tag = "appeals", request_body(content = String, content_type = "application/json"),
    responses((status = 201, description = "appeal: its id"), (status = 400, description = "It is no appeal")))]
async fn receive_appeal(State(shared): State<Shared>, who: Who, body: Bytes) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Support)?;
    let received = shared.authority.receive_appeal(&body, Way::File, holder).await?;
    Ok((StatusCode::CREATED, Json(received_shown(&received))))
}

#[derive(Serialize, ToSchema)]
struct AppealShown {
    appeal: String,
    /// `open`, `answered` or `turned_down`.
    state: String,
    license: Option<String>,
    ledger: String,
    /// The customer's words.
    text: String,
    received: String,
    /// `renewal`, `http` or `file`.
    way: String,
    /// Whether its head is signed by the key that the authority knows for the ledger.
    known: bool,
    /// What was found of its ledger.
    #[schema(value_type = Object)]
    findings: Option<Value>,
    found_by: Option<String>,
    /// The ruling.
    document: Option<String>,
    /// The rest only where one appeal is asked for: the head that it shows,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// the whole of it, as it came,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// the newest head that the authority has of the ledger,
    #[serde(skip_serializing_if = "Option::is_none")]
    countersigned: Option<String>,
    /// the key that it knows for it, in base64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// and the files that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileShown>>,
}

#[derive(Serialize, ToSchema)]
struct FileShown {
    name: String,
    parts: i64,
    bytes: i64,
}

fn appeal_shown(row: AppealRow) -> AppealShown {
    AppealShown {
        appeal: row.id,
        state: row.state,
        license: row.license,
        ledger: row.ledger,
        text: row.words,
        received: instant(row.received),
        way: row.way,
        known: row.known,
        findings: row.findings.and_then(|text| serde_json::from_str(&text).ok()),
        found_by: row.found_by,
        document: row.document,
        head: None,
        content: None,
        countersigned: None,
        key: None,
        files: None,
    }
}

/// Appeals, the newest first.
#[utoipa::path(get, path = "/admin/v1/appeals", tag = "appeals", params(Page, OfState), responses((status = 200, body = Vec<AppealShown>)))]
async fn appeals(
    State(shared): State<Shared>,
    who: Who,
    Query(page): Query<Page>,
    Query(of): Query<OfState>,
) -> Result<Json<Vec<AppealShown>>> {
    who.may(Scope::Read)?;
    let all = shared.authority.store().appeals(of.state.as_deref(), page.limit()).await?;
    Ok(Json(all.into_iter().map(appeal_shown).collect()))
}

/// An appeal, all of it, and what is known of its ledger.
#[utoipa::path(get, path = "/admin/v1/appeal/{appeal}", tag = "appeals", params(("appeal" = String, Path,)),
    responses((status = 200, body = AppealShown), (status = 404)))]
async fn one_appeal(State(shared): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Json<AppealShown>> {
    who.may(Scope::Read)?;
    name(&id, "appeal")?;
    let store = shared.authority.store();
    let (row, files) = store.appeal(&id).await?;
    let ledger = store.ledger(&row.ledger).await.ok();
    let (head, content) = (row.head.clone(), row.content.clone());
    let mut shown = appeal_shown(row);
    shown.head = Some(head);
    shown.content = Some(content);
    shown.key = ledger.as_ref().map(|ledger| ledger.key.clone());
    shown.countersigned = ledger.map(|ledger| ledger.head);
    let file = |file: crate::store::AppealFile| FileShown { name: file.name, parts: file.parts, bytes: file.bytes };
    shown.files = Some(files.into_iter().map(file).collect());
    Ok(Json(shown))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// The file's name, as it lay in the ledger's folder.
    name: String,
    /// Which part, counting from 0; each has 512 KiB at most.
    part: i64,
    /// Its bytes, in base64.
    content: String,
}

/// Add a part of a file of the ledger that came with an appeal.
#[utoipa::path(post, path = "/admin/v1/appeal/{appeal}/files", tag = "appeals", params(("appeal" = String, Path,)), request_body = Part,
    responses((status = 201), (status = 404), (status = 409, description = "It is there already, or the appeal is closed")))]
async fn appeal_file(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Part>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Support)?;
    name(&id, "appeal")?;
    shared.authority.receive_part(&id, &body.name, body.part, &body.content, holder).await?;
    Ok((StatusCode::CREATED, Json(json!({}))))
}

#[derive(Deserialize, IntoParams)]
struct OfPart {
    /// The file.
    name: String,
    /// Which part, counting from 0.
    part: i64,
}

/// A part of a file of the ledger that came with an appeal, in base64.
#[utoipa::path(get, path = "/admin/v1/appeal/{appeal}/part", tag = "appeals", params(("appeal" = String, Path,), OfPart),
    responses((status = 200, description = "content"), (status = 404)))]
async fn appeal_part(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Query(of): Query<OfPart>,
) -> Result<Json<Value>> {
    who.may(Scope::Support)?;
    name(&id, "appeal")?;
    name(&of.name, "name")?;
    Ok(Json(json!({ "content": shared.authority.store().appeal_part(&id, &of.name, of.part).await? })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FindingsBody {
    /// What `reprieve-authority appeal verify` found.
    #[schema(value_type = Object)]
    findings: Value,
}

/// Say what was found of an appeal's ledger.
#[utoipa::path(post, path = "/admin/v1/appeal/{appeal}/findings", tag = "appeals", params(("appeal" = String, Path,)), request_body = FindingsBody,
    responses((status = 200), (status = 404), (status = 409, description = "The appeal is closed")))]
async fn appeal_findings(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<FindingsBody>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Support)?;
    name(&id, "appeal")?;
    shared.authority.keep_findings(&id, &body.findings, holder).await?;
    Ok(Json(json!({})))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RulingBody {
    /// The ruling, signed.
    token: String,
    /// Why: for the journal.
    why: String,
}

/// Answer an appeal by a ruling that was signed elsewhere, and close it.
#[utoipa::path(post, path = "/admin/v1/appeal/{appeal}/ruling", tag = "appeals", params(("appeal" = String, Path,)), request_body = RulingBody,
    responses((status = 201), (status = 404), (status = 409, description = "The appeal is closed"), (status = 422, description = "The ruling does not hold, or is of another ledger or licence")))]
async fn rule_appeal(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<RulingBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let holder = who.may(Scope::Support)?;
    name(&id, "appeal")?;
    words(&body.why, "why")?;
    let published = shared.authority.rule_appeal(&id, body.token.as_bytes(), holder, &body.why).await?;
    Ok((StatusCode::CREATED, Json(json!({ "appeal": id, "id": published.id, "seq": published.seq }))))
}

/// Turn an appeal down, with a reason.
#[utoipa::path(post, path = "/admin/v1/appeal/{appeal}/turn-down", tag = "appeals", params(("appeal" = String, Path,)), request_body = Why,
    responses((status = 200), (status = 404), (status = 409, description = "It is closed")))]
async fn turn_down_appeal(
    State(shared): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>> {
    let holder = who.may(Scope::Support)?;
    name(&id, "appeal")?;
    words(&body.why, "why")?;
    shared.authority.turn_down_appeal(&id, holder, &body.why).await?;
    Ok(Json(json!({ "appeal": id, "state": "turned_down" })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DryRun {
    /// The policy, as its document holds it, without `iat`.
    #[schema(value_type = Object)]
    policy: Value,
}

/// Say which licences would fare worse under a policy than under the one in force. Nothing is changed.
#[utoipa::path(post, path = "/admin/v1/policy/dry-run", tag = "documents", request_body = DryRun,
    responses((status = 200, body = Comparison), (status = 400, description = "It is no policy")))]
async fn dry_run(State(shared): State<Shared>, who: Who, Body(body): Body<DryRun>) -> Result<Json<Comparison>> {
    who.may(Scope::Read)?;
    let after = Policy::from_json(&body.policy).map_err(|error| Error::input(format!("`policy`: {error}")))?;
    let store = shared.authority.store();
    let before = policy_of(&store.common(false).await?);
    let mut comparing = Comparing::new(before.as_deref(), &after);
    let mut last = String::new();
    loop {
        let some = store.licences(None, &last, 1000).await?;
        let Some(licence) = some.last() else { break };
        last = licence.id.clone();
        some.iter().for_each(|licence| comparing.look(licence));
    }
    Ok(Json(comparing.end()))
}
