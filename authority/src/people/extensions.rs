//! Extensions: one person asks, others sign with keys of their own, and what enough of them signed is issued.
//!
//! The authority fixes the claims when they are asked for, so all sign the very same text. It holds no key of role support: without them it can grant
//! nothing, and one of them alone grants nothing where the policy asks for two.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reprieve::document::{self, Document as Says, Form, Role, TrustStore};
use reprieve::policy::Governance;
use reprieve::terms::{Access, is_pattern, scope_matches};
use reprieve::time::{Instant, Span};
use serde_json::json;

use super::{new_id, policy_of, with_newest};
use crate::error::{Error, Kind, Result};
use crate::issue::{Authority, Published};
use crate::store::{ExtensionRow, NewEntry, SignatureRow, Tx};

/// How long a request may be signed.
const OPEN: i64 = 7 * 86_400;

/// The most requests about one licence that are open at once.
const MOST: i64 = 20;

/// When an extension ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// At an instant.
    At(i64),
    /// So long after it was asked for.
    After(Span),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The licence.
    pub license: String,
    /// The features; none listed is all.
    pub features: Vec<String>,
    /// Until when.
    pub until: Until,
    /// Full or limited.
    pub access: Access,
    /// Why.
    pub why: String,
}

/// A request, and how far it has come.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The request.
    pub row: ExtensionRow,
    /// Who signed it so far, and whether that holds by the keys of now: a key may have been taken back since.
    pub signatures: Vec<(SignatureRow, bool)>,
    /// How many keys must sign it, by the policy in force.
    pub approvals: u32,
    /// What was issued.
    pub published: Option<Published>,
}

fn refused(text: impl Into<String>) -> Error {
    Error::new(Kind::Refused, text)
}

/// The keys that may sign an extension of this instant.
fn signers(trust: &TrustStore, iat: Instant) -> usize {
    let good = trust.keys().iter().filter(|key| {
        key.roles.contains(&Role::Support)
            && key.nbf.is_none_or(|nbf| nbf <= iat)
            && key.exp.is_none_or(|exp| iat < exp)
    });
    good.map(|key| key.x).collect::<std::collections::BTreeSet<_>>().len()
}

/// The public key of a signature that holds, and its name.
fn verified(token: &[u8], claims: &str, trust: &TrustStore) -> Result<(String, String)> {
    let inspection = document::inspect(token).map_err(|refused| Error::from(refused).at("the signature"))?;
    let text = std::str::from_utf8(document::trim(token)).map_err(|_| refused("the signature is no text"))?;
    let payload = text.split('.').nth(1);
    if inspection.form != Form::Compact || payload != Some(URL_SAFE_NO_PAD.encode(claims).as_str()) {
        return Err(refused(
            "what was signed is not what was asked for, byte for byte; fetch the request's claims anew, and sign those with one key",
        ));
    }
    let opened = document::open(token, trust);
    match opened.result.map_err(|refused| Error::from(refused).at("the signature"))? {
        Says::Extension(_) => {}
        other => {
            return Err(refused(format!("it is signed as a document of kind {}, not as an extension", other.kind())));
        }
    }
    let kid = opened.kids.first().cloned().unwrap_or_default();
    let key = trust.keys().iter().find(|key| key.kid == kid).ok_or_else(|| refused("the key is not known"))?;
    Ok((STANDARD.encode(key.x), kid))
}

/// Signatures, and whether each holds by these keys. The database has each key once.
fn judged(signatures: Vec<SignatureRow>, claims: &str, trust: &TrustStore) -> Vec<(SignatureRow, bool)> {
    let holds = |one: &SignatureRow| verified(one.token.as_bytes(), claims, trust).is_ok_and(|(x, _)| x == one.x);
    signatures.into_iter().map(|one| (holds(&one), one)).map(|(holds, one)| (one, holds)).collect()
}

impl Authority {
    async fn governance(&self, tx: &mut Tx) -> Result<Governance> {
        let policy = policy_of(&tx.in_force(&[]).await?);
        Ok(policy
            .ok_or_else(|| refused("no policy is in force that allows extensions; publish one"))?
            .governance
            .clone())
    }

    /// Marks what may be signed no more.
    async fn expire_extensions(&self, tx: &mut Tx) -> Result<()> {
        for row in tx.overdue_extensions(self.store().now()).await? {
            tx.close_extension(&row.id, "expired", None).await?;
            let details = json!({ "request": row.id });
            let why = "too few signed it in time";
            tx.note(NewEntry { who: "authority", what: "extension.expire", subject: &row.license, why, details })
                .await?;
        }
        Ok(())
    }

    /// Takes a request, and fixes the claims that are to be signed.
    ///
    /// # Errors
    /// `Refused` for what the policy's governance does not allow, `Missing` for a licence that is not there.
    pub async fn ask_extension(&self, wish: &Wish, who: &str) -> Result<Standing> {
        let mut tx = self.store().begin().await?;
        self.expire_extensions(&mut tx).await?;
        let license = &wish.license;
        let found = tx.licences(std::slice::from_ref(license)).await?.into_iter().next();
        let licence = found.ok_or_else(|| Error::new(Kind::Missing, format!("there is no licence {license}")))?;
        for pattern in &wish.features {
            if !is_pattern(pattern) {
                return Err(Error::input(format!(
                    "`features` lists {pattern:?}, which is neither a name nor a pattern"
                )));
            }
            let one = std::slice::from_ref(pattern);
            if !licence.features.keys().any(|feature| scope_matches(one, feature)) {
                let text = format!("`features` lists {pattern}, and licence {license} grants nothing of that name");
                return Err(Error::input(text));
            }
        }
        let now = self.store().now();
        let rules = self.governance(&mut tx).await?;
        let until = match wish.until {
            Until::At(at) => at,
            Until::After(span) => now.saturating_add(span.as_seconds()),
        };
        let longest = now.saturating_add(rules.max_extension.as_seconds());
        if until <= now {
            return Err(Error::input(format!("`until` is {}, which is past", Instant::from_seconds(until))));
        }
        if until > longest {
            return Err(refused(format!(
                "it would last until {}, and the policy's max_extension of {} allows {} at most",
                Instant::from_seconds(until),
                rules.max_extension,
                Instant::from_seconds(longest)
            )));
        }
        let there = signers(&self.trust_in(&mut tx).await?, Instant::from_seconds(now));
        if there < rules.approvals as usize {
            return Err(refused(format!(
                "the policy asks for {} signatures, and the keys document has {there} keys of role support; add keys first",
                rules.approvals
            )));
        }
        if tx.open_extensions(license).await? >= MOST {
            let text = format!("{MOST} requests about licence {license} are open; withdraw one");
            return Err(Error::new(Kind::Conflict, text));
        }
        let id = new_id("x")?;
        let mut claims = json!({ "license": license, "until": until, "access": wish.access.as_str(), "jti": id });
        if !wish.features.is_empty() {
            claims["features"] = json!(wish.features);
        }
        // Last, where `reprieve sign` writes it too: so it signs the same bytes.
        claims["iat"] = json!(now);
        let row = ExtensionRow {
            id: id.clone(),
            license: license.clone(),
            claims: claims.to_string(),
            asked_by: who.to_owned(),
            why: wish.why.clone(),
            created: now,
            ends: until.min(now.saturating_add(OPEN)),
            state: "open".to_owned(),
            document: None,
        };
        tx.add_extension(&row).await?;
        let details = json!({ "request": id, "claims": claims });
        tx.note(NewEntry { who, what: "extension.ask", subject: license, why: &wish.why, details }).await?;
        tx.commit().await?;
        Ok(Standing { row, signatures: Vec::new(), approvals: rules.approvals, published: None })
    }

    /// Takes a signature. The one that makes them enough issues the extension, in the same transaction.
    ///
    /// # Errors
    /// `Refused` for a signature that does not hold, `Conflict` for a key that has signed already and for a request that is not open.
    pub async fn sign_extension(&self, id: &str, token: &[u8], who: &str) -> Result<Standing> {
        let mut tx = self.store().begin().await?;
        let row = tx.extension(id).await?;
        let now = self.store().now();
        if row.state != "open" || row.ends <= now {
            let state = if row.state == "open" { "expired" } else { &row.state };
            return Err(Error::new(Kind::Conflict, format!("request {id} is {state}; ask anew")));
        }
        let trust = self.trust_in(&mut tx).await?;
        let (x, kid) = verified(token, &row.claims, &trust)?;
        let token = String::from_utf8_lossy(document::trim(token)).into_owned();
        let new = SignatureRow { x, kid: kid.clone(), token, signed_by: who.to_owned(), at: now };
        tx.add_signature(id, &new).await?;
        let details = json!({ "request": id, "kid": kid });
        tx.note(NewEntry { who, what: "extension.sign", subject: &row.license, why: "", details }).await?;
        // A key that was taken back since it signed counts no more, whatever it signed.
        let signatures = judged(tx.signatures(id).await?, &row.claims, &trust);
        let tokens: Vec<&str> = signatures
            .iter()
            .filter(|(_, holds)| *holds)
            .map(|(one, _)| one.token.as_str())
            .take(document::MAX_SIGNERS)
            .collect();
        let approvals = self.governance(&mut tx).await?.approvals;
        let mut standing = Standing { row: row.clone(), signatures: Vec::new(), approvals, published: None };
        if tokens.len() >= approvals as usize {
            let whole = match tokens.as_slice() {
                [one] => one.as_bytes().to_vec(),
                several => document::combine(several)?,
            };
            let published = self.publish_in(&mut tx, &whole, who, &row.why).await?;
            tx.close_extension(id, "granted", Some(&published.id)).await?;
            let details = json!({ "request": id, "id": published.id, "asked_by": row.asked_by });
            tx.note(NewEntry { who, what: "extension.grant", subject: &row.license, why: &row.why, details }).await?;
            standing.row.state = "granted".to_owned();
            standing.row.document = Some(published.id.clone());
            standing.published = Some(published);
        }
        tx.commit().await?;
        standing.signatures = signatures;
        Ok(standing)
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// `Conflict` for one that is not open.
    pub async fn withdraw_extension(&self, id: &str, who: &str, why: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        self.expire_extensions(&mut tx).await?;
        let row = tx.extension(id).await?;
        tx.close_extension(id, "withdrawn", None).await?;
        let details = json!({ "request": id });
        tx.note(NewEntry { who, what: "extension.withdraw", subject: &row.license, why, details }).await?;
        tx.commit().await
    }

    /// A request, and how far it has come.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub async fn extension(&self, id: &str) -> Result<Standing> {
        let (row, signatures) = self.store().extension(id).await?;
        let documents = self.store().common(false).await?;
        let trust = with_newest(self.trust().await, &documents);
        let approvals = policy_of(&documents).map_or(0, |policy| policy.governance.approvals);
        Ok(Standing { signatures: judged(signatures, &row.claims, &trust), row, approvals, published: None })
    }
}
