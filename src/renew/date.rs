//! `Retry-After` (RFC 9110 section 10.2.3), in either form.

use crate::time::{Instant, Span};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A date as every server writes it today, `Sun, 06 Nov 1994 08:49:37 GMT`. The two older forms are taken for nothing.
fn date(text: &str) -> Option<Instant> {
    let [day_name, day, month, year, time, "GMT"] = text.trim().split(' ').collect::<Vec<&str>>()[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = day_name.len() == 4 && day_name.ends_with(',') && digits(day, 2) && digits(year, 4) && time.len() == 8;
    plain.then(|| format!("{year}-{month:02}-{day}T{time}Z").parse().ok()).flatten()
}

/// How long it asks to wait. A date is compared with the answer's own `Date`, and with no clock of this side's, which may be wrong; without one it
/// is taken for nothing. One that lies in the past asks for nothing.
pub(super) fn retry_after(text: &str, answered: Option<&str>) -> Option<Span> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Span::seconds(text.parse().unwrap_or(i64::from(u32::MAX))));
    }
    let span = date(text)? - date(answered?)?;
    (!span.is_negative()).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";

    #[test]
    fn seconds_or_a_date_of_the_servers_own_clock() {
        let asked = |text: &str| retry_after(text, Some(NOON)).map(Span::as_seconds);
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked(" 0 "), Some(0));
        assert_eq!(asked("99999999999999999999"), Some(i64::from(u32::MAX)));
        assert_eq!(asked("Sun, 06 Nov 1994 12:02:00 GMT"), Some(120));
        assert_eq!(asked("Mon, 07 Nov 1994 12:00:00 GMT"), Some(86_400));
        assert_eq!(asked("Fri, 31 Dec 9999 23:59:59 GMT").map(|seconds| seconds > 86_400), Some(true));
        assert_eq!(asked(NOON), Some(0));
        assert_eq!(retry_after(NOON, None), None, "its own clock is not asked");
        assert_eq!(retry_after("120", None), Some(Span::seconds(120)));
    }

    #[test]
    fn what_is_no_date_asks_for_nothing() {
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "+10",
            "Sun, 06 Nov 1994 11:59:59 GMT",
            "Sunday, 06-Nov-94 12:02:00 GMT",
            "Sun Nov  6 12:02:00 1994",
            "Sun, 6 Nov 1994 12:02:00 GMT",
            "Sun, 06 Nov 1994 12:02:00 CET",
            "Sun, 31 Feb 1994 12:02:00 GMT",
            "Sun, 06 Nov 1994 25:02:00 GMT",
            "Sun, 06 nov 1994 12:02:00 GMT",
            "Sun, 06 Nov 1994 12:02:00.5 GMT",
            "Sun, 06 Nov 199\u{0661} 12:02:00 GMT",
        ] {
            assert_eq!(retry_after(text, Some(NOON)), None, "{text}");
        }
    }
}
