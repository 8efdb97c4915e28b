//! What a request says, read so that an error is answered in our own form and names the key that is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// A JSON body. Its media type is not asked for: what a browser may send without asking carries no token.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Error::input(format!("the body: {}", error.body_text())))?;
        of(&bytes).map(Body)
    }
}

fn of<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // No database takes a zero in a text, and nobody types one.
    if bytes.windows(6).any(|some| some == b"\\u0000") {
        return Err(Error::input("the body: a text in it holds a zero (\\u0000)"));
    }
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            "." | "?" => Error::input(format!("the body: {}", error.inner())),
            path => Error::input(format!("`{path}`: {}", error.inner())),
        }
    })?;
    from.end().map_err(|_| Error::input("the body: something stands behind its end"))?;
    Ok(body)
}

/// What stands behind the question mark. It has the name that OpenAPI's generator looks for.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(query)| Query(query)).map_err(|error| Error::input(error.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct One {
        seats: u32,
        inner: Vec<std::collections::BTreeMap<String, Option<String>>>,
    }

    #[test]
    fn the_key_that_is_wrong_is_named() {
        for (text, word) in [
            ("", "the body: EOF"),
            ("{}", "missing field `seats`"),
            (r#"{"seats":"x","inner":[]}"#, "`seats`: invalid type"),
            (r#"{"seats":-1,"inner":[]}"#, "`seats`: invalid value"),
            (r#"{"seats":1,"inner":[{"a":null},{"b":7}]}"#, "`inner[1].b`: invalid type"),
            (r#"{"seats":1,"inner":[],"why":1}"#, "unknown field `why`"),
            (r#"{"seats":1,"inner":[]} {}"#, "behind its end"),
            (r#"{"seats":1,"inner":[{"a\u0000":null}]}"#, "holds a zero"),
        ] {
            let error = of::<One>(text.as_bytes()).unwrap_err();
            assert!(error.message().contains(word), "{text}: {error}");
        }
    }
}
