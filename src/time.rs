//! UTC instants and spans of time, and their text forms. There is no clock in here.
//!
//! An [`Instant`] counts nanoseconds since 1970-01-01T00:00:00Z without leap seconds; a [`Span`] is a signed number of
//! nanoseconds. Both cover far more than the years 1970 to 9999 that a document may name, and all arithmetic saturates, so
//! that no input can make it wrap.

use std::fmt;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

const NANOS: i128 = 1_000_000_000;
const DAY_SECONDS: i128 = 86_400;

/// A point in time in UTC, to the nanosecond.
///
/// ```
/// use reprieve::time::Instant;
/// let start: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
/// assert_eq!(start.to_string(), "2026-01-01T00:00:00Z");
/// assert_eq!(start.seconds(), 1_767_225_600);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Instant(i128);

/// A signed length of time, to the nanosecond.
///
/// ```
/// use reprieve::time::Span;
/// let span: Span = "1d12h".parse().unwrap();
/// assert_eq!(span, Span::seconds(36 * 3600));
/// assert_eq!(span.to_string(), "1d12h");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Span(i128);

/// A text that is no instant or no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeError(String);

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeError {}

impl Instant {
    /// 1970-01-01T00:00:00Z, the earliest instant a document may name.
    pub const EPOCH: Instant = Instant(0);
    /// Before every other instant.
    pub const FIRST: Instant = Instant(i128::MIN);
    /// 9999-12-31T23:59:59Z, the latest instant a document may name.
    pub const LAST: Instant = Instant(253_402_300_799 * NANOS);

    /// The instant `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Instant {
        Instant(seconds as i128 * NANOS)
    }

    /// The instant `seconds` and `nanos` after 1970-01-01T00:00:00Z.
    pub const fn from_parts(seconds: i64, nanos: u32) -> Instant {
        Instant(seconds as i128 * NANOS + nanos as i128)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn seconds(self) -> i64 {
        let seconds = self.0.div_euclid(NANOS);
        if seconds > i64::MAX as i128 {
            i64::MAX
        } else if seconds < i64::MIN as i128 {
            i64::MIN
        } else {
            seconds as i64
        }
    }

    /// The nanoseconds past [`seconds`](Instant::seconds).
    pub const fn subsec_nanos(self) -> u32 {
        self.0.rem_euclid(NANOS) as u32
    }

    /// The span from `earlier` to this instant; negative if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Whether a document may name this instant: whole seconds, 1970 to 9999 (rules D).
    pub fn in_documents(self) -> bool {
        self >= Instant::EPOCH && self <= Instant::LAST && self.subsec_nanos() == 0
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole seconds.
    pub const fn seconds(seconds: i64) -> Span {
        Span(seconds as i128 * NANOS)
    }

    /// A span of nanoseconds.
    pub const fn nanos(nanos: i128) -> Span {
        Span(nanos)
    }

    /// The number of nanoseconds.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn as_seconds(self) -> i64 {
        Instant(self.0).seconds()
    }

    /// Whether the span is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether the span is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl Add<Span> for Instant {
    type Output = Instant;
    fn add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Instant;
    fn sub(self, span: Span) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, earlier: Instant) -> Span {
        self.since(earlier)
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Neg for Span {
    type Output = Span;
    fn neg(self) -> Span {
        Span(self.0.saturating_neg())
    }
}

// Days and civil dates after Howard Hinnant's `days_from_civil`, proleptic Gregorian.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, with as many digits of a second as there are: `2026-01-01T00:00:00Z`. An instant outside the years
    /// 0 to 9999 is written with a sign and as many digits as it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let s = seconds.rem_euclid(86_400);
        if (0..=9999).contains(&year) {
            write!(f, "{year:04}")?;
        } else {
            write!(f, "{year:+05}")?;
        }
        write!(f, "-{month:02}-{day:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
        let nanos = self.subsec_nanos();
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Instant {
    type Err = TimeError;

    /// Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z`. Other offsets than `Z` are refused: instants are UTC.
    fn from_str(text: &str) -> Result<Instant, TimeError> {
        let bad = || TimeError(format!("`{text}` is no instant; write it as 2026-01-31T12:00:00Z"));
        let b = text.as_bytes();
        if !text.is_ascii() || b.len() < 20 || b[b.len() - 1] != b'Z' {
            return Err(bad());
        }
        let number = |from: usize, to: usize| -> Result<i64, TimeError> {
            if b[from..to].iter().all(u8::is_ascii_digit) {
                text[from..to].parse().map_err(|_| bad())
            } else {
                Err(bad())
            }
        };
        if b[4] != b'-' || b[7] != b'-' || b[10] != b'T' || b[13] != b':' || b[16] != b':' {
            return Err(bad());
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)? as u32, number(8, 10)? as u32);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return Err(bad());
        }
        let mut nanos = 0u32;
        if b.len() > 20 {
            let digits = &text[20..b.len() - 1];
            if b[19] != b'.' || digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|c| c.is_ascii_digit()) {
                return Err(bad());
            }
            nanos = format!("{digits:0<9}").parse().map_err(|_| bad())?;
        }
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Ok(Instant::from_parts(seconds, nanos))
    }
}

impl fmt::Display for Span {
    /// `1d12h30m5s`: units that are zero are left out, nothing at all is `0s`, a part of a second is written as decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        let seconds = nanos / NANOS as u128;
        let fraction = nanos % NANOS as u128;
        let mut empty = true;
        for (unit, count) in
            [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)]
        {
            let last = unit == "s";
            if count != 0 || (last && (fraction != 0 || empty)) {
                write!(f, "{count}")?;
                if last && fraction != 0 {
                    let digits = format!("{fraction:09}");
                    write!(f, ".{}", digits.trim_end_matches('0'))?;
                }
                f.write_str(unit)?;
                empty = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Span {
    type Err = TimeError;

    /// Reads `1d12h30m5s`: whole numbers, units in that order, each at most once, a day of 86,400 s. No sign.
    fn from_str(text: &str) -> Result<Span, TimeError> {
        let bad = |why: &str| {
            TimeError(format!(
                "`{text}` is no duration: {why}; write whole numbers with units d, h, m, s in that order, as in 1d12h"
            ))
        };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let mut total: i128 = 0;
        let mut rest = text;
        let mut units: &[(char, i128)] = &[('d', DAY_SECONDS), ('h', 3600), ('m', 60), ('s', 1)];
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 || digits > 12 {
                return Err(bad("a number is missing or too large"));
            }
            let count: i128 = rest[..digits].parse().map_err(|_| bad("a number is too large"))?;
            let Some(unit) = rest[digits..].chars().next() else { return Err(bad("a unit is missing")) };
            let Some(at) = units.iter().position(|(name, _)| *name == unit) else {
                return Err(bad("a unit is unknown, repeated or out of order"));
            };
            total += count * units[at].1;
            units = &units[at + 1..];
            rest = &rest[digits + unit.len_utf8()..];
        }
        Ok(Span(total * NANOS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_round_trip() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-01-01T00:00:00.5Z",
            "9999-12-31T23:59:59Z",
            "1969-12-31T23:59:59.999999999Z",
        ] {
            assert_eq!(text.parse::<Instant>().unwrap().to_string(), text);
        }
        assert_eq!(Instant::LAST.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!("2026-01-01T00:00:00Z".parse::<Instant>().unwrap().seconds(), 1_767_225_600);
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-01-01",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01t00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.1234567890Z",
            "é026-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<Instant>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_round_trip() {
        for text in ["0s", "5s", "1d12h30m5s", "400d", "26h", "7d12h"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span, "{text}");
        }
        assert_eq!("26h".parse::<Span>().unwrap().to_string(), "1d2h");
        assert_eq!((-Span::seconds(90)).to_string(), "-1m30s");
        assert_eq!(Span::nanos(1_500_000_000).to_string(), "1.5s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "d", "1h1d", "1d1d", "-1d", "1.5h", "1w", "1d ", "99999999999999999999d", "１d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let far = Instant(i128::MAX) + Span::seconds(1);
        assert_eq!(far, Instant(i128::MAX));
        assert_eq!(Instant(i128::MIN) - Span::seconds(1), Instant(i128::MIN));
        assert_eq!(far.seconds(), i64::MAX);
        let _ = far.to_string();
    }
}
