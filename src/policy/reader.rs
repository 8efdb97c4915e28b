//! Reading a table with its types, collecting what is wrong.

use std::fmt::Display;

use super::error::Problem;
use super::value::{Entry, Node, Place, Value};
use crate::terms::is_name;
use crate::time::Span;

pub(super) const DURATION: &str = "write a duration such as \"14d\"";
pub(super) const NAME: &str = "write 1 to 128 of A-Z a-z 0-9 . _ : @ / + -";

/// Collects what is wrong, so that a vendor sees all of it at once.
#[derive(Default)]
pub(super) struct Reader {
    pub problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn problem(&mut self, at: Place, key: &str, message: String) {
        self.problems.push(Problem { line: at.line, column: at.column, key: key.to_owned(), message });
    }

    pub(super) fn wrong_type(&mut self, node: &Node, path: &str, expected: &str) {
        self.problem(node.at, path, format!("is {}; {expected}", node.value.what()));
    }

    pub(super) fn text<'a>(&mut self, node: &'a Node, path: &str, expected: &str) -> Option<&'a str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(node, path, expected);
        None
    }

    pub(super) fn name(&mut self, node: &Node, path: &str) -> Option<String> {
        let text = self.text(node, path, "write a name in quotes")?;
        if is_name(text) {
            return Some(text.to_owned());
        }
        self.problem(node.at, path, format!("`{text}` is no name; {NAME}"));
        None
    }

    pub(super) fn duration(&mut self, node: &Node, path: &str) -> Option<Span> {
        let text = self.text(node, path, DURATION)?;
        match text.parse() {
            Ok(span) => Some(span),
            Err(error) => {
                self.problem(node.at, path, error.to_string());
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        self.wrong_type(node, path, "write true or false");
        None
    }

    pub(super) fn integer(&mut self, node: &Node, path: &str, least: i128, most: i128) -> Option<i128> {
        match node.value {
            Value::Integer(number) if (least..=most).contains(&number) => return Some(number),
            Value::Integer(number) => {
                let message = format!("{number} is out of range; write a whole number from {least} to {most}");
                self.problem(node.at, path, message);
            }
            _ => self.wrong_type(node, path, "write a whole number"),
        }
        None
    }

    /// A version, as far as TOML's integers go, so that every policy can be written in both forms.
    pub(super) fn version(&mut self, node: &Node, path: &str) -> Option<u64> {
        self.integer(node, path, 0, i128::from(i64::MAX)).and_then(|number| u64::try_from(number).ok())
    }

    pub(super) fn list<'a>(&mut self, node: &'a Node, path: &str, expected: &str) -> Option<&'a [Node]> {
        if let Value::List(items) = &node.value {
            return Some(items);
        }
        self.wrong_type(node, path, expected);
        None
    }

    pub(super) fn table<'a>(&mut self, node: &'a Node, path: &str) -> Option<Table<'a>> {
        if let Value::Table(entries) = &node.value {
            return Some(Table { at: node.at, path: path.to_owned(), entries, known: Vec::new(), refused: Vec::new() });
        }
        self.wrong_type(node, path, "write a table");
        None
    }
}

/// A table that is being read: what nobody has asked for by the end is unknown.
pub(super) struct Table<'a> {
    pub at: Place,
    path: String,
    pub entries: &'a [Entry],
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(super) fn get(&mut self, key: &'static str) -> Option<(&'a Node, String)> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some((&entry.node, join(&self.path, key)))
    }

    pub(super) fn optional<T>(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &'a Node, &str) -> Option<T>,
    ) -> Option<T> {
        let (node, path) = self.get(key)?;
        read(reader, node, &path)
    }

    pub(super) fn required<T>(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        write: impl Display,
        read: impl FnOnce(&mut Reader, &'a Node, &str) -> Option<T>,
    ) -> Option<T> {
        if let Some((node, path)) = self.get(key) {
            return read(reader, node, &path);
        }
        reader.problem(self.at, &join(&self.path, key), format!("is missing; {write}"));
        None
    }

    /// A key that this table may not have, with a better reason than that it is unknown.
    pub(super) fn refused(&mut self, reader: &mut Reader, key: &'static str, message: &str) {
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == key) {
            self.refused.push(key);
            reader.problem(entry.at, &join(&self.path, key), message.to_owned());
        }
    }

    pub(super) fn end(self, reader: &mut Reader) {
        for entry in self.entries {
            let key = entry.key.as_str();
            if !self.known.contains(&key) && !self.refused.contains(&key) {
                let message = format!("is no key here; there are {}", self.known.join(", "));
                reader.problem(entry.at, &join(&self.path, &entry.key), message);
            }
        }
    }
}

/// A path as TOML would write it: `skus.cad.features."export.*"`.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
