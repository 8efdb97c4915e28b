//! What is read: files and stdin, TOML or JSON, instants as people write them.

use std::fmt;
use std::io::Read;
use std::path::Path;

use reprieve::time::{Instant, Span};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The largest file that is read as a text; a document has at most 256 KiB.
const LIMIT: u64 = 64 << 20;

/// A text and where it came from.
pub struct Source {
    /// What errors call it.
    pub name: String,
    pub text: String,
}

/// Reads a file, or stdin for `-`.
pub fn read(path: &Path) -> Result<Source, Failure> {
    let (name, bytes) = bytes(path)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::input(format!("{name}: is no text in UTF-8")))?;
    Ok(Source { name, text })
}

/// Reads a file's bytes, or stdin's for `-`.
pub fn bytes(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    let stdin = path == Path::new("-");
    let name = if stdin { "stdin".to_owned() } else { path.display().to_string() };
    let read = if stdin {
        std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::reading(path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::input(format!("{name}: is larger than {LIMIT} bytes; give the right file")));
    }
    Ok((name, bytes))
}

impl Source {
    /// JSON begins with a brace; all else is TOML.
    pub fn is_json(&self) -> bool {
        self.text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
    }

    /// The table that it holds. TOML's dates and times become their text.
    pub fn object(&self) -> Result<Map<String, Value>, Failure> {
        if self.is_json() {
            let Strict(value) = serde_json::from_str(self.text.trim_start_matches('\u{feff}'))
                .map_err(|error| Failure::input(format!("{}: is no JSON that can be used: {error}", self.name)))?;
            match value {
                Value::Object(object) => Ok(object),
                _ => Err(Failure::input(format!("{}: is no JSON object", self.name))),
            }
        } else {
            let table: toml::Table = self.text.parse().map_err(|error: toml::de::Error| {
                // The line itself is not shown: it may hold a private key.
                let line = error
                    .span()
                    .and_then(|span| self.text.get(..span.start))
                    .map(|before| before.matches('\n').count() + 1);
                let at = line.map_or_else(String::new, |line| format!("line {line}: "));
                Failure::input(format!("{}: is neither JSON nor TOML: {at}{}", self.name, error.message().trim()))
            })?;
            Ok(from_table(table))
        }
    }
}

/// JSON in which no name stands twice: another reader might take the other one.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Strict, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(list.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut map = Map::new();
                while let Some((key, Strict(value))) = items.next_entry::<String, Strict>()? {
                    if map.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("`{key}` stands twice")));
                    }
                    map.insert(key, value);
                }
                Ok(map.into())
            }
        }
        from.deserialize_any(Any).map(Strict)
    }
}

fn from_table(table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(key, value)| (key, from_toml(value))).collect()
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => Value::Object(from_table(table)),
    }
}

/// A span with its sign: `+10d`, `-2h`.
pub fn shift(text: &str) -> Result<Span, String> {
    let span = |rest: &str| rest.parse::<Span>().map_err(|error| error.to_string());
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => span(rest),
        (_, Some(rest)) => span(rest).map(|span| -span),
        _ => Err(format!("`{text}` has no sign; write it as +10d or -2h")),
    }
}

/// An instant as people write it: RFC 3339 with any offset, `now`, or a shift from `base` such as `+30d`.
pub fn instant(text: &str, base: Instant) -> Result<Instant, String> {
    if text == "now" {
        return Ok(base);
    }
    let at = if text.starts_with(['+', '-']) {
        base + shift(text)?
    } else {
        // Only whole instants: a date, or a time without an offset, means another instant in each place.
        let at: jiff::Timestamp = text.parse().map_err(|_| {
            format!("`{text}` is no instant; write it with its offset from UTC, as 2026-01-31T12:00:00Z, or as a shift such as +30d")
        })?;
        Instant::from_parts(at.as_second(), 0) + Span::nanos(i128::from(at.subsec_nanosecond()))
    };
    if at.in_documents() {
        return Ok(at);
    }
    Err(format!("`{text}` is {at}; documents name whole seconds of the years 1970 to 9999"))
}

/// Now, in whole seconds.
pub fn now() -> Instant {
    Instant::from_seconds(jiff::Timestamp::now().as_second())
}

/// An instant to the second, for people.
pub fn moment(at: Instant) -> String {
    Instant::from_seconds(at.seconds()).to_string()
}

/// How far an instant is from now.
pub fn far(at: Instant, now: Instant) -> String {
    match at - now {
        Span::ZERO => "now".to_owned(),
        span if span.is_negative() => format!("{} ago", about(-span)),
        span => format!("in {}", about(span)),
    }
}

/// A length of time, in its two largest units: `13d 5h`.
pub fn about(span: Span) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_nanos().unsigned_abs() / 1_000_000_000;
    let units = [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)];
    let Some(first) = units.iter().position(|(_, count)| *count > 0) else { return "0s".to_owned() };
    let shown = units.iter().skip(first).take(2).filter(|(_, count)| *count > 0);
    let shown: Vec<String> = shown.map(|(unit, count)| format!("{count}{unit}")).collect();
    format!("{sign}{}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_as_people_write_them() {
        let base = Instant::from_seconds(1_767_225_600);
        for (text, expected) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
            ("2026-01-01 00:00:00Z", "2026-01-01T00:00:00Z"),
            ("+30h", "2026-01-02T06:00:00Z"),
            ("-1d", "2025-12-31T00:00:00Z"),
            ("now", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(instant(text, base).map(|at| at.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in
            ["", "2026-01-01", "2026-01-01T00:00:00", "30h", "+", "2026-01-01T00:00:00.5Z", "1969-12-31T23:59:59Z"]
        {
            assert!(instant(text, base).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_in_two_units() {
        assert_eq!(about(Span::seconds(13 * 86_400 + 5 * 3600 + 7)), "13d 5h");
        assert_eq!(about(Span::seconds(86_400)), "1d");
        assert_eq!(about(Span::seconds(59)), "59s");
        assert_eq!(about(-Span::seconds(90)), "-1m 30s");
        assert_eq!(about(Span::ZERO), "0s");
    }
}
