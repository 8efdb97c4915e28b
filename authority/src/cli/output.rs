//! What is printed: tables and facts for people, JSON for programs. What others wrote cannot steer a terminal.

use std::io::Write as _;

use reprieve_authority::error::{Error, Result};
use serde_json::Value;

/// A text without what steers a terminal: control characters, and those that turn the direction of writing.
pub fn visible(text: &str) -> String {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if odd(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// On one line.
fn line(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// What a value of JSON says.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => line(text),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(", "),
        other => line(&other.to_string()),
    }
}

/// Writes to stdout. Who reads it may have gone.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::unavailable(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something to whoever sits there.
pub fn say(text: &str) {
    eprintln!("reprieve-authority: {}", visible(text));
}

/// JSON, as it came.
pub fn json(value: &Value) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()))
}

/// Rows below headings.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain(headings.get(at).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width + 2 - cell.chars().count().min(*width)));
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = row(&mut headings.iter().copied());
    rows.iter().for_each(|cells| text.push_str(&row(&mut cells.iter().map(String::as_str))));
    print(&text)
}

/// A list of objects, some keys of each; as JSON if so wished.
pub fn list(as_json: bool, all: &Value, columns: &[(&str, &str)]) -> Result<()> {
    if as_json {
        return json(all);
    }
    let of = |one: &Value, key: &str| one.get(key).map_or_else(|| "-".to_owned(), text);
    let row = |one: &Value| columns.iter().map(|(_, key)| of(one, key)).collect();
    let rows: Vec<Vec<String>> = all.as_array().into_iter().flatten().map(row).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    table(&headings, &rows)
}

/// An object, key by key; as JSON if so wished.
pub fn facts(as_json: bool, one: &Value) -> Result<()> {
    if as_json {
        return json(one);
    }
    let Some(object) = one.as_object() else { return json(one) };
    let width = object.keys().map(String::len).max().unwrap_or(0);
    let mut all = String::new();
    for (key, value) in object {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                all.push_str(&format!("{key}:\n"));
                for item in items {
                    let each: Vec<String> = item
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(key, value)| format!("{key} {}", text(value)))
                        .collect();
                    all.push_str(&format!("  {}\n", each.join(", ")));
                }
            }
            value => all.push_str(&format!("{key}:{} {}\n", " ".repeat(width - key.len()), text(value))),
        }
    }
    print(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\n");
        assert_eq!(text(&Value::from("a\nb")), "a\\nb");
    }
}
