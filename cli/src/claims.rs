//! From a file as people write it to the claims of a document: friendly instants, times to live, nothing that is not known.

use reprieve::policy::Policy;
use reprieve::terms::Kind;
use reprieve::time::{Instant, Span};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::words;

/// JWT's registered claims: they may stand in any document, and mean nothing to a product.
const REGISTERED: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "jti", "crit"];

/// The claims of a kind, as the rules D name them. A policy's keys are the policy's own business.
fn known(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Lease => &["license", "sku", "features", "ttl", "ledger", "nonce", "checkpoint", "put_back"],
        Kind::Policy => &[],
        Kind::Notice => &["id", "start", "end", "skus", "features", "cancelled"],
        Kind::Extension => &["license", "features", "until", "access"],
        Kind::Revocation => &["license", "features", "effective"],
        Kind::Ruling => &["license", "features", "void", "clears", "ledger"],
        Kind::Keys => &["version", "keys", "roots", "endpoints"],
    }
}

/// An example of each kind, for the help.
pub fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Lease => {
            "license = \"L1\"\nsku = \"cad\"\nfeatures = [\"core\", \"export.step\"]   # or a table: { core = \"+30d\" }\nttl = \"30d\"\nledger = \"*\"                          # or the id of the customer's ledger\n"
        }
        Kind::Policy => {
            "schema = 1\nid = \"acme\"\nversion = 1\ndefault_tier = \"basic\"\n\n[tiers.basic]\nnetwork = { allowance = \"14d\" }\nserver = { allowance = \"14d\" }\nunknown = { allowance = \"3d\" }\nmaintenance = { allowance = \"7d\", margin = \"12h\" }\n"
        }
        Kind::Notice => {
            "id = \"2026-12-upgrade\"\nstart = 2026-12-05T20:00:00Z\nend = 2026-12-06T02:00:00Z\nskus = [\"cad\"]                         # none: all\n"
        }
        Kind::Extension => "license = \"L1\"\nuntil = \"+7d\"\naccess = \"full\"                        # or limited\n",
        Kind::Revocation => "license = \"L1\"\neffective = \"now\"\n",
        Kind::Ruling => {
            "license = \"L1\"\nledger = \"0123456789abcdef0123456789abcdef\"\nclears = [\"clock\"]                     # or ledger\nvoid = { from = 2026-11-01T00:00:00Z, to = 2026-11-03T00:00:00Z }\n"
        }
        Kind::Keys => {
            "# `reprieve keys document` writes it\nversion = 1\nkeys = [{ kid = \"lease-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\", roles = [\"lease\"] }]\nroots = [{ kid = \"root-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }]\n"
        }
    }
}

/// The claims that a file says, issued at `iat` unless it says when.
pub fn of(kind: Kind, source: &Source, iat: Option<&str>, extra: bool) -> Result<Map<String, Value>, Failure> {
    let wrong = |error: String| Failure::input(format!("{}: {error}", source.name));
    if kind == Kind::Policy {
        check_policy(source)?;
    }
    let mut claims = source.object()?;
    let now = input::now();
    let iat = match iat {
        Some(text) => input::instant(text, now).map_err(|error| wrong(format!("--iat: {error}")))?,
        None => claims.get("iat").map_or(Ok(now), |value| at(value, now, "iat")).map_err(wrong)?,
    };
    // Issued last, where a reader of the claims looks for it.
    claims.shift_remove("iat");
    if kind != Kind::Policy {
        if !extra {
            refuse_unknown(kind, &claims).map_err(wrong)?;
        }
        friendly(kind, &mut claims, iat).map_err(wrong)?;
    }
    for key in ["exp", "nbf"] {
        put(&mut claims, key, iat, key).map_err(wrong)?;
    }
    claims.insert("iat".to_owned(), json!(iat.seconds()));
    Ok(claims)
}

/// A misspelt claim would be left out by every product, and the document would say something else than its author meant.
fn refuse_unknown(kind: Kind, claims: &Map<String, Value>) -> Result<(), String> {
    match claims.keys().find(|key| !known(kind).contains(&key.as_str()) && !REGISTERED.contains(&key.as_str())) {
        Some(key) => Err(format!(
            "`{key}` is no claim of {}; there are {}, iat (use --extra for claims of your own)",
            words::a(kind),
            known(kind).join(", ")
        )),
        None => Ok(()),
    }
}

/// All that is wrong with a policy, with its lines; `iat` and JWT's claims may stand beside it.
fn check_policy(source: &Source) -> Result<(), Failure> {
    let read = if source.is_json() { Policy::from_json_text(&source.text) } else { Policy::from_toml(&source.text) };
    let Err(mut error) = read else { return Ok(()) };
    error.problems.retain(|problem| problem.key != "iat" && !REGISTERED.contains(&problem.key.as_str()));
    if error.problems.is_empty() {
        return Ok(());
    }
    let problems = crate::policy::problems(&source.name, &error);
    Err(Failure::input(format!("{}: not a valid policy; nothing was signed\n{problems}", source.name)))
}

/// Turns instants into NumericDates, and a time to live into the end of each feature.
pub fn friendly(kind: Kind, claims: &mut Map<String, Value>, iat: Instant) -> Result<(), String> {
    match kind {
        Kind::Lease => lease(claims, iat)?,
        Kind::Notice => {
            put(claims, "start", iat, "start")?;
            put(claims, "end", iat, "end")?;
        }
        Kind::Extension => put(claims, "until", iat, "until")?,
        Kind::Revocation => {
            put(claims, "effective", iat, "effective")?;
            claims.entry("effective").or_insert_with(|| json!(iat.seconds()));
        }
        Kind::Ruling => {
            if let Some(void) = claims.get_mut("void").and_then(Value::as_object_mut) {
                put(void, "from", iat, "void.from")?;
                put(void, "to", iat, "void.to")?;
            }
        }
        Kind::Keys => {
            for (at, key) in claims.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
                if let Some(key) = key.as_object_mut() {
                    put(key, "nbf", iat, &format!("keys[{at}].nbf"))?;
                    put(key, "exp", iat, &format!("keys[{at}].exp"))?;
                }
            }
        }
        Kind::Policy => {}
    }
    Ok(())
}

fn lease(claims: &mut Map<String, Value>, iat: Instant) -> Result<(), String> {
    let ttl = match claims.shift_remove("ttl") {
        None => None,
        Some(Value::String(text)) => Some(text.parse::<Span>().map_err(|error| format!("`ttl`: {error}"))?),
        Some(_) => return Err("`ttl` is no duration; write it as \"30d\"".to_owned()),
    };
    let end = |span: Span| json!((iat + span).seconds());
    match (claims.get_mut("features"), ttl) {
        (Some(Value::Array(names)), Some(ttl)) => {
            let mut features = Map::new();
            for name in names {
                let name = name.as_str().ok_or("`features` is no list of names")?;
                if features.insert(name.to_owned(), end(ttl)).is_some() {
                    return Err(format!("`features` names `{name}` twice"));
                }
            }
            claims.insert("features".to_owned(), Value::Object(features));
        }
        (Some(Value::Array(_)), None) => {
            return Err("`features` is a list, and `ttl` is missing; write ttl = \"30d\"".to_owned());
        }
        (Some(Value::Object(features)), ttl) => {
            if ttl.is_some() {
                return Err("`ttl` goes with a list of features; a table has an end for each".to_owned());
            }
            for (name, value) in features {
                let key = format!("features.{name}");
                // A plain duration is a time to live.
                match value.as_str().and_then(|text| text.parse::<Span>().ok()) {
                    Some(span) => *value = end(span),
                    None => *value = json!(at(value, iat, &key)?.seconds()),
                }
            }
        }
        // Missing or odd: who signs says so.
        _ => {}
    }
    Ok(())
}

fn put(claims: &mut Map<String, Value>, key: &str, iat: Instant, path: &str) -> Result<(), String> {
    if let Some(value) = claims.get_mut(key) {
        *value = json!(at(value, iat, path)?.seconds());
    }
    Ok(())
}

fn at(value: &Value, base: Instant, path: &str) -> Result<Instant, String> {
    match value {
        Value::String(text) => input::instant(text, base).map_err(|error| format!("`{path}`: {error}")),
        Value::Number(number) => number
            .as_i64()
            .map(Instant::from_seconds)
            .filter(|at| at.in_documents())
            .ok_or_else(|| format!("`{path}` is {number}; write whole seconds since 1970, not milliseconds")),
        _ => Err(format!("`{path}` is no instant; write it as 2026-01-31T12:00:00Z")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_good() -> Result<(), Failure> {
        let key = reprieve::document::SigningKey::generate("k").map_err(|error| Failure::input(error.to_string()))?;
        for kind in Kind::ALL {
            let source = Source { name: kind.to_string(), text: example(*kind).to_owned() };
            let claims = of(*kind, &source, None, false)?;
            let issued = reprieve::document::issue(*kind, &Value::Object(claims), &[&key]);
            assert!(issued.is_ok(), "{kind}: {issued:?}");
        }
        Ok(())
    }
}
