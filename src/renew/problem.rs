//! What an answer says beside its documents: for people. Nobody has signed it, so it decides nothing.

use std::fmt;

use serde_json::{Map, Value};

/// So many of one answer are kept: a list without end tells nobody more.
const MOST: usize = 8;

/// More characters than an explanation has.
const LONGEST: usize = 300;

/// Why a licence got no lease, as the server says it: an entry of `problems` in its answer, or its `error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The licence that it is about.
    pub license: Option<String>,
    /// A word, such as `seats_full`.
    pub problem: String,
    /// What it means and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(license) = &self.license {
            write!(f, "licence {license}: ")?;
        }
        match self.text.is_empty() {
            true => f.write_str(&self.problem),
            false => write!(f, "{}: {}", self.problem, self.text),
        }
    }
}

/// What the body of an answer says to people: its `problems`, or the `error` and `text` of one that holds no documents. What is no such thing is passed
/// over, since an answer is judged by its documents and its status alone.
///
/// ```
/// let body = br#"{"documents": [], "problems": [{"license": "L1", "problem": "seats_full", "text": "free a seat"}]}"#;
/// assert_eq!(reprieve::renew::problems(body)[0].to_string(), "licence L1: seats_full: free a seat");
/// ```
pub fn problems(body: &[u8]) -> Vec<Problem> {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return Vec::new() };
    let list = answer.get("problems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of = |entry: &Map<String, Value>, name: &str| {
        let word = |name: &str| entry.get(name).and_then(Value::as_str).map(shown);
        Some(Problem {
            license: word("license"),
            problem: word(name).filter(|word| !word.is_empty())?,
            text: word("text").unwrap_or_default(),
        })
    };
    let listed = list.iter().filter_map(Value::as_object).filter_map(|entry| of(entry, "problem"));
    of(&answer, "error").into_iter().chain(listed).take(MOST).collect()
}

/// On one line, and not longer than anybody reads: whoever answers may write what he likes.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(answer: Value) -> Vec<String> {
        problems(answer.to_string().as_bytes()).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn what_a_server_says_is_for_people() {
        let one = json!({ "license": "L1", "problem": "seats_full", "text": "all 3 seats are taken; free one" });
        let told_by = told(json!({ "documents": [], "problems": [one, { "problem": "unknown_code" }] }));
        assert_eq!(told_by, ["licence L1: seats_full: all 3 seats are taken; free one", "unknown_code"]);
        let busy = told(json!({ "error": "too_many_requests", "text": "ask again in a minute" }));
        assert_eq!(busy, ["too_many_requests: ask again in a minute"]);
    }

    #[test]
    fn what_is_no_problem_is_passed_over_and_no_list_is_too_long() {
        for answer in [
            json!({}),
            json!([]),
            json!({ "problems": 3 }),
            json!({ "problems": [3, null, {}, [], { "problem": "" }] }),
        ] {
            assert_eq!(told(answer), Vec::<String>::new());
        }
        assert_eq!(problems(b"<html>"), []);
        let many = vec![json!({ "problem": "seats_full", "text": "x".repeat(10_000) }); 1000];
        let told = told(json!({ "problems": many }));
        assert_eq!((told.len(), told[0].len()), (MOST, "seats_full: ".len() + LONGEST));
    }

    #[test]
    fn no_line_is_forged() {
        let told = told(json!({ "problems": [{ "problem": "a\nrenewal: renewed", "text": "\u{1b}[31m" }] }));
        assert_eq!(told, ["a renewal: renewed:  [31m"]);
    }
}
