//! Bytes read as a script: which step, where, how much. A script that ends early goes on with zeros.

use arbitrary::Unstructured;
use serde_json::{Value, json};

/// What a target's bytes are read through.
pub struct Steps<'a>(Unstructured<'a>);

impl<'a> Steps<'a> {
    /// Reads from the first byte on.
    pub fn new(data: &'a [u8]) -> Steps<'a> {
        Steps(Unstructured::new(data))
    }

    /// Whether the script goes on.
    pub fn more(&self) -> bool {
        !self.0.is_empty()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.int_in_range(0..=n.saturating_sub(1)).unwrap_or(0)
    }

    /// Yes once in `n`.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A number as a hostile writer would choose it: near `near`, at an edge, or any.
    pub fn number(&mut self, near: u64) -> u64 {
        match self.below(6) {
            0 | 1 => near.wrapping_add(self.below(5) as u64).wrapping_sub(2),
            2 => u64::MAX - self.below(3) as u64,
            3 => (1_u64 << self.below(64)).wrapping_sub(self.below(2) as u64),
            4 => self.below(256) as u64,
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    /// At most `max` bytes.
    pub fn bytes(&mut self, max: usize) -> &'a [u8] {
        let n = self.below(max + 1).min(self.0.len());
        self.0.bytes(n).unwrap_or_default()
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }

    /// A JSON value of any shape, not deep.
    pub fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.once_in(2)),
            2 => json!(self.number(0)),
            3 => json!((self.number(0) as i64).wrapping_neg()),
            4 => json!(self.number(0) as f64 / 3.0),
            5 => json!(self.pick(WORDS)),
            6 => json!(String::from_utf8_lossy(self.bytes(12))),
            7 => json!(format!("{}{}", self.number(0), self.pick(&["d", "h", "m", "s", "d1h", "", "w"]))),
            8 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(4)).map(|_| (self.pick(WORDS).to_owned(), self.value(depth - 1))).collect(),
        }
    }

    /// Changes a value somewhere: another value, a key that is gone, a key that is new.
    pub fn disturb(&mut self, value: &mut Value) {
        let at = self.below(8);
        match value {
            Value::Object(map) if at > 0 && !map.is_empty() => {
                let key = map.keys().nth(self.below(map.len())).cloned().unwrap_or_default();
                match at {
                    1 => drop(map.shift_remove(&key)),
                    2 => {
                        let new = self.pick(WORDS).to_owned();
                        let value = self.value(1);
                        map.insert(new, value);
                    }
                    _ => self.disturb(&mut map[&key]),
                }
            }
            Value::Array(list) if at > 0 && !list.is_empty() => {
                let place = self.below(list.len());
                match at {
                    1 => drop(list.remove(place)),
                    2 => list.push(list[place].clone()),
                    _ => self.disturb(&mut list[place]),
                }
            }
            other => *other = self.value(2),
        }
    }
}

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "",
    "*",
    "core",
    "export.*",
    "export.step",
    "render",
    "L1",
    "L2",
    "cad",
    "full",
    "limited",
    "clock",
    "ledger",
    "a",
    "schema",
    "id",
    "version",
    "tiers",
    "basic",
    "network",
    "server",
    "unknown",
    "maintenance",
    "allowance",
    "margin",
    "stages",
    "after",
    "access",
    "counts",
    "budget",
    "limit",
    "window",
    "warn",
    "start",
    "first_use",
    "lease_end",
    "horizon",
    "skus",
    "features",
    "tier",
    "default_tier",
    "governance",
    "approvals",
    "max_extension",
    "changes",
    "date",
    "summary",
    "2026-11-01",
    "2026-02-30",
    "tolerance",
    "max_leap",
    "settle",
    "suspect_limit",
    "moved",
    "ignore",
    "suspect",
    "iat",
    "exp",
    "nbf",
    "crit",
    "kid",
    "x",
    "roles",
    "keys",
    "roots",
    "license",
    "sku",
    "until",
    "effective",
    "void",
    "from",
    "to",
    "clears",
    "cancelled",
    "end",
    "nonce",
    "checkpoint",
    "put_back",
    "lease",
    "policy",
    "notice",
    "+0s",
    "-1s",
    "+30h",
    "0s",
    "1s",
    "14d",
    "26h",
    "999999999999d",
    "9223372036854775807s",
    "\u{0}",
    "é",
    "../x",
    "a/b",
];
