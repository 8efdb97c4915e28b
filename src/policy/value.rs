//! A tree of values with their places, the same whether a policy came as TOML, as JSON text or as a document's claims.

use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use super::error::{PolicyError, Problem};

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub line: Option<u32>,
    pub column: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float,
    /// TOML's own dates and times, as written.
    Date(String),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub at: Place,
    pub node: Node,
}

impl Value {
    /// What a message calls it.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a whole number",
            Value::Float => "a number that is not whole",
            Value::Date(_) => "a date",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

fn integer(number: &serde_json::Number) -> Value {
    number.as_i128().map_or(Value::Float, Value::Integer)
}

/// The claims of a document: there is no text to point at.
pub(super) fn from_json_value(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => integer(number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(from_json_value).collect()),
        Json::Object(map) => Value::Table(
            map.iter()
                .map(|(key, json)| Entry { key: key.clone(), at: Place::default(), node: from_json_value(json) })
                .collect(),
        ),
    };
    Node { at: Place::default(), value }
}

/// Finds lines and columns in a text by byte offset.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        let starts =
            std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Lines { text, starts: starts.collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
        Place { line: u32::try_from(line).ok(), column: u32::try_from(column).ok() }
    }
}

fn problem(at: Place, key: &str, message: String) -> Problem {
    Problem { line: at.line, column: at.column, key: key.to_owned(), message }
}

pub(super) fn from_toml_text(text: &str) -> Result<Node, PolicyError> {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problems = errors
            .iter()
            .map(|error| {
                let at = error.span().map_or(Place::default(), |span| lines.place(span.start));
                problem(at, "", format!("is no TOML: {}", error.message()))
            })
            .collect();
        return Err(PolicyError::new(problems));
    }
    let at = lines.place(table.span().start);
    Ok(Node { at, value: toml_table(table.get_ref(), &lines) })
}

fn toml_table(table: &DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let node = Node { at: lines.place(value.span().start), value: toml_value(value.get_ref(), lines) };
            let start = key.span().start;
            (start, Entry { key: key.get_ref().to_string(), at: lines.place(start), node })
        })
        .collect();
    // The parser sorts by name; problems are listed in the order in which they were written.
    entries.sort_by_key(|(start, _)| *start);
    Value::Table(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn toml_value(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            i128::from_str_radix(number.as_str(), number.radix()).map_or(Value::Float, Value::Integer)
        }
        DeValue::Float(_) => Value::Float,
        DeValue::Boolean(bool) => Value::Bool(*bool),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node { at: lines.place(item.span().start), value: toml_value(item.get_ref(), lines) })
                .collect(),
        ),
        DeValue::Table(table) => toml_table(table, lines),
    }
}

/// Reads JSON with the place of everything. serde_json says first whether it is JSON at all, and bounds how deep it is nested,
/// so the walk after it may take the text's shape for granted.
pub(super) fn from_json_text(text: &str) -> Result<Node, PolicyError> {
    if let Err(error) = serde_json::from_str::<Json>(text) {
        let at = Place { line: u32::try_from(error.line()).ok(), column: u32::try_from(error.column().max(1)).ok() };
        let full = error.to_string();
        let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
        return Err(PolicyError {
            newer_schema: false,
            problems: vec![problem(at, "", format!("is no JSON: {message}"))],
        });
    }
    let mut walk = Walk { text, at: 0, lines: Lines::new(text), problems: Vec::new() };
    let node = walk.value();
    if walk.problems.is_empty() { Ok(node) } else { Err(PolicyError::new(walk.problems)) }
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    lines: Lines<'a>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn slice(&self, from: usize) -> &str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn string(&mut self) -> String {
        let from = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(b) = bytes.get(self.at) {
            self.at += if *b == b'\\' { 2 } else { 1 };
            if *b == b'"' {
                break;
            }
        }
        serde_json::from_str(self.slice(from)).unwrap_or_default()
    }

    fn value(&mut self) -> Node {
        let first = self.peek();
        let at = self.lines.place(self.at);
        let value = match first {
            b'{' => self.table(),
            b'[' => {
                let mut items = Vec::new();
                self.at += 1;
                while !matches!(self.peek(), b']' | 0) {
                    items.push(self.value());
                    if self.peek() == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
                Value::List(items)
            }
            b'"' => Value::Text(self.string()),
            _ => {
                let from = self.at;
                let rest = self.text.as_bytes().get(from..).unwrap_or_default();
                let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
                // At least one byte, so that the walk ends whatever the text is.
                self.at += length.max(1);
                match self.slice(from) {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    number => serde_json::from_str(number).map_or(Value::Float, |number| integer(&number)),
                }
            }
        };
        Node { at, value }
    }

    fn table(&mut self) -> Value {
        let mut entries: Vec<Entry> = Vec::new();
        self.at += 1;
        while !matches!(self.peek(), b'}' | 0) {
            let at = self.lines.place(self.at);
            let key = self.string();
            if self.peek() == b':' {
                self.at += 1;
            }
            let node = self.value();
            if entries.iter().any(|entry| entry.key == key) {
                self.problems.push(problem(at, &key, "is there twice; keep one".to_owned()));
            } else {
                entries.push(Entry { key, at, node });
            }
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Value::Table(entries)
    }
}
