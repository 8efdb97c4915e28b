//! What a scenario prints: one JSON line for each answer, and how it is compared with what was expected.

use serde_json::{Map, Value, json};

use super::scenario::{Action, Step};
use crate::client::json::{decision_line, event_line};
use crate::client::{Answer, Decision, Event};

/// A line: the step's number, then what the answer says.
fn line(step: usize, fields: Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert("step".to_owned(), json!(step));
    line.extend(fields);
    Value::Object(line)
}

/// The line of a check.
pub fn check(step: usize, decision: &Decision) -> Value {
    line(step, decision_line(decision))
}

/// The line of a document.
pub fn document(step: usize, answer: &Answer) -> Value {
    json!({
        "step": step,
        "document": answer.kind.map(|kind| kind.as_str()),
        "accepted": answer.accepted,
        "error": answer.error.map(|error| error.as_str()),
    })
}

/// The line of an event.
pub fn event(step: usize, event: &Event) -> Value {
    line(step, event_line(event))
}

/// What of an expectation the lines of a step do not meet, one sentence each.
pub fn differences(step: &Step, lines: &[Value]) -> Vec<String> {
    let Some(expect) = &step.expect else { return Vec::new() };
    match (&step.action, expect) {
        (Action::Events, Value::Array(list)) => {
            let mut found = Vec::new();
            if list.len() != lines.len() {
                found.push(format!("expected {} events, got {}", list.len(), lines.len()));
            }
            for (at, (expect, line)) in list.iter().zip(lines).enumerate() {
                found.extend(fields(expect, line).into_iter().map(|text| format!("event {at}: {text}")));
            }
            for line in lines.iter().skip(list.len()) {
                found.push(format!("not expected: {line}"));
            }
            for expect in list.iter().skip(lines.len()) {
                found.push(format!("missing: {expect}"));
            }
            found
        }
        (_, expect) => {
            lines.first().map_or_else(|| vec!["nothing was printed".to_owned()], |line| fields(expect, line))
        }
    }
}

fn fields(expect: &Value, line: &Value) -> Vec<String> {
    let empty = Map::new();
    let expect = expect.as_object().unwrap_or(&empty);
    expect
        .iter()
        .filter(|(key, value)| line.get(key.as_str()) != Some(*value))
        .map(|(key, value)| {
            let got = line.get(key.as_str()).map_or_else(|| "no such field".to_owned(), Value::to_string);
            format!("{key}: expected {value}, got {got}")
        })
        .collect()
}
