//! Requests and answers as text that people carry: in a mail, on a stick, as a code that a camera reads.
//!
//! Between two markers stands RFC 4648 base32: capital letters and digits, so that it fits the alphanumeric mode of QR codes and no mail program
//! changes it. White space, marks of quotation and line ends mean nothing anywhere in it, in whatever way a mail breaks lines. The last four
//! bytes are of a SHA-256, so that a text that was cut or changed is told as that, and not as a forgery.

use std::fmt;

use ring::digest::{SHA256, digest};

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armour {
    Request,
    Answer,
}

impl Armour {
    const fn word(self) -> &'static str {
        match self {
            Armour::Request => "REQUEST",
            Armour::Answer => "ANSWER",
        }
    }
}

/// Why a request or an answer could not be read: what is wrong with it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead(pub(super) String);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotRead {}

/// The most characters of one QR code: version 40, level L, alphanumeric mode.
pub const CODE_MOST: usize = 4296;

/// The most bytes that are looked at: an answer of the largest size, in base32, quoted in a mail.
const MOST: usize = 4 * super::MAX_ANSWER;

/// The most codes that one text is told of in.
const PARTS: usize = 9999;

const LINE: usize = 64;

const CHECK: usize = 4;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn check(content: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    check.iter_mut().zip(digest(&SHA256, content).as_ref()).for_each(|(to, from)| *to = *from);
    check
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let word = (0..5).fold(0u64, |word, at| word << 8 | u64::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..(chunk.len() * 8).div_ceil(5) {
            let index = (word >> (35 - 5 * at)) as usize & 31;
            text.extend(ALPHABET.get(index).map(|byte| char::from(*byte)));
        }
    }
    text
}

/// None for a letter that is not of the alphabet, and for a length that no bytes have.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    for chunk in text.chunks(8) {
        let mut word = 0u64;
        for at in 0..8 {
            let value = match chunk.get(at) {
                Some(letter @ b'A'..=b'Z') => letter - b'A',
                Some(digit @ b'2'..=b'7') => digit - b'2' + 26,
                Some(_) => return None,
                None => 0,
            };
            word = word << 5 | u64::from(value);
        }
        let whole = match chunk.len() {
            8 => 5u32,
            7 => 4,
            5 => 3,
            4 => 2,
            2 => 1,
            _ => return None,
        };
        // One way to write it: the bits that are left over are none.
        if word & ((1 << (40 - 8 * whole)) - 1) != 0 {
            return None;
        }
        bytes.extend(word.to_be_bytes().iter().skip(3).take(whole as usize));
    }
    Some(bytes)
}

/// The text for a mail.
pub(super) fn write(kind: Armour, content: &[u8]) -> String {
    let body = encode(&[content, &check(content)].concat());
    let mut text = format!("-----BEGIN REPRIEVE {}-----\n", kind.word());
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END REPRIEVE {}-----\n", kind.word()));
    text
}

/// The texts of QR codes, of at most so many characters each: the same, on one line, in parts where it is too long for one.
pub(super) fn codes(kind: Armour, content: &[u8], most: usize) -> Vec<String> {
    let (body, word) = (encode(&[content, &check(content)].concat()), kind.word());
    let frame = |part: &str, data: &str| format!("-BEGIN REPRIEVE {word}{part}-{data}-END REPRIEVE {word}-");
    if frame("", &body).len() <= most {
        return vec![frame("", &body)];
    }
    let room = most.saturating_sub(frame(" 9999/9999", "").len()).max(LINE);
    let count = body.len().div_ceil(room);
    let mut codes = Vec::with_capacity(count);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (data, after) = rest.split_at(rest.len().min(body.len().div_ceil(count)));
        codes.push(frame(&format!(" {}/{count}", codes.len() + 1), data));
        rest = after;
    }
    codes
}

/// What counts in a text: a dash for each run of whatever a mail program makes of dashes, and letters, all capital.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => {
                if !plain.ends_with('-') {
                    plain.push('-');
                }
            }
            // Quotation, a soft break of quoted-printable, what is not seen.
            '>' | '|' | '=' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}' | '\0' => {}
            letter if letter.is_whitespace() => {}
            letter => plain.push(letter.to_ascii_uppercase()),
        }
    }
    plain
}

/// Whether bytes are such a text, of whichever kind: not whether it is whole.
pub fn is_armoured(bytes: &[u8]) -> bool {
    bytes.len() <= MOST && plain(bytes).contains("-BEGINREPRIEVE")
}

/// One part of a text: its place, of how many, and its letters.
type Part<'a> = (usize, usize, &'a str);

fn parts<'a>(plain: &'a str, word: &str) -> Result<Vec<Part<'a>>, NotRead> {
    let (begin, end) = (format!("-BEGINREPRIEVE{word}"), format!("-ENDREPRIEVE{word}-"));
    let mut parts = Vec::new();
    let mut rest = plain;
    while let Some((_, after)) = rest.split_once(&begin) {
        let Some((place, after)) = after.split_once('-') else { break };
        let Some((data, after)) = after.split_once(&end) else {
            return Err(NotRead(format!("its end is missing: copy all of it, from BEGIN to END REPRIEVE {word}")));
        };
        let place = match place {
            "" => Some((1, 1)),
            place => place.split_once('/').and_then(|(at, of)| Some((at.parse().ok()?, of.parse().ok()?))),
        };
        let Some((at, of)) = place.filter(|(at, of)| (1..=PARTS).contains(of) && (1..=*of).contains(at)) else {
            return Err(NotRead("the line with BEGIN REPRIEVE was changed; copy the text again".to_owned()));
        };
        parts.push((at, of, data));
        // The closing marker's dash may be the next one's opening.
        rest = after;
    }
    Ok(parts)
}

/// Reads a text: the only one of this kind in it, whatever stands around it, its parts in any order.
pub(super) fn read(kind: Armour, bytes: &[u8]) -> Result<Vec<u8>, NotRead> {
    let word = kind.word();
    if bytes.len() > MOST {
        return Err(NotRead(format!("it has more than {MOST} bytes; give the text of one mail")));
    }
    // Two that follow on each other share what is one run of dashes.
    let plain = plain(bytes).replace("-BEGINREPRIEVE", "--BEGINREPRIEVE");
    let parts = parts(&plain, word)?;
    let Some((_, of, _)) = parts.first().copied() else {
        let other = if kind == Armour::Request { Armour::Answer } else { Armour::Request };
        let text = match plain.contains(&format!("-BEGINREPRIEVE{}", other.word())) {
            true => format!("it is no {}, it is the {}", word.to_lowercase(), other.word().to_lowercase()),
            false => format!("there is no BEGIN REPRIEVE {word} in it; copy the text whole"),
        };
        return Err(NotRead(text));
    };
    let mut whole: Vec<Option<&str>> = vec![None; of];
    for (at, others, data) in parts {
        match whole.get_mut(at - 1) {
            Some(slot) if others == of && slot.is_none_or(|known| known == data) => *slot = Some(data),
            _ => {
                let text = format!("there are two different ones in it; keep the newest BEGIN REPRIEVE {word} alone");
                return Err(NotRead(text));
            }
        }
    }
    if let Some(at) = whole.iter().position(Option::is_none) {
        return Err(NotRead(format!("part {} of {of} is missing; scan or copy that one too", at + 1)));
    }
    let letters: String = whole.into_iter().flatten().collect();
    let changed = || NotRead("a part of it was changed or is missing; copy the text again, whole".to_owned());
    let mut content = decode(letters.as_bytes()).ok_or_else(changed)?;
    let given = content.split_off(content.len().checked_sub(CHECK).ok_or_else(changed)?);
    if given != check(&content) { Err(changed()) } else { Ok(content) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        for odd in ["A", "MZ", "ABC", "ABCDEF", "A1", "ab", "AB=="] {
            assert_eq!(decode(odd.as_bytes()), None, "{odd}");
        }
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 37 % 251) as u8).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        for length in (0..90).chain([1000, 5000]) {
            for kind in [Armour::Request, Armour::Answer] {
                let content = content(length);
                assert_eq!(read(kind, write(kind, &content).as_bytes()).unwrap(), content, "{length}");
                let codes = codes(kind, &content, 200);
                assert!(codes.iter().all(|code| code.len() <= 200), "{length}");
                for joiner in ["", " ", "\n", "\r\n\r\nand then\r\n"] {
                    let mut turned = codes.clone();
                    turned.reverse();
                    assert_eq!(read(kind, turned.join(joiner).as_bytes()).unwrap(), content, "{length} {joiner:?}");
                }
            }
        }
    }

    #[test]
    fn codes_use_the_alphanumeric_mode_alone() {
        for code in codes(Armour::Answer, &content(9000), CODE_MOST) {
            assert!(code.len() <= CODE_MOST);
            let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" $%*+-./:".contains(&byte);
            assert!(code.bytes().all(allowed), "{code}");
        }
    }

    /// What mail programs do to a text.
    #[test]
    fn mail_does_it_no_harm() {
        let content = content(300);
        let text = write(Armour::Request, &content);
        assert!(text.lines().all(|line| line.len() <= 64));
        let quoted = |mark: &str| text.lines().map(|line| format!("{mark}{line}\r\n")).collect::<String>();
        let mangled = [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            text.replace('\n', " "),
            quoted("> "),
            quoted(">> > "),
            quoted("| "),
            quoted("\t"),
            format!("Dear vendor,\r\n\r\nhere it is:\r\n\r\n{}\r\n-- \r\nJo - Acme\r\n", quoted("> ")),
            text.chars()
                .enumerate()
                .map(|(at, c)| if at % 37 == 36 { format!("{c}\r\n> ") } else { c.into() })
                .collect(),
            text.chars()
                .enumerate()
                .map(|(at, c)| if at % 71 == 70 { format!("{c}=\r\n") } else { c.into() })
                .collect(),
            text.replace("-----", "\u{2014}\u{2014}-"),
            text.to_lowercase(),
            text.replace('\n', "\u{a0}\n"),
            format!("\u{feff}{text}"),
            format!("{text}\n{text}"),
            format!("{text}{}", write(Armour::Answer, b"of another mail")),
        ];
        for text in mangled {
            assert_eq!(read(Armour::Request, text.as_bytes()).as_ref(), Ok(&content), "{text}");
            assert!(is_armoured(text.as_bytes()));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = write(Armour::Request, &content(300));
        let said = |text: &str| read(Armour::Request, text.as_bytes()).unwrap_err().0;
        let lines: Vec<&str> = text.lines().collect();
        assert!(said("").contains("no BEGIN REPRIEVE REQUEST"));
        assert!(said(&write(Armour::Answer, b"x")).contains("it is the answer"));
        assert!(said(&lines[..lines.len() - 1].join("\n")).contains("end is missing"));
        assert!(said(&[&lines[..3], &lines[4..]].concat().join("\n")).contains("changed or is missing"));
        assert!(said(&format!("{text}{}", write(Armour::Request, b"older"))).contains("two different"));
        let codes = codes(Armour::Request, &content(300), 200);
        assert!(codes.len() > 2);
        assert!(said(&[&codes[..1], &codes[2..]].concat().join("\n")).contains("part 2 of"));
        assert!(said("-BEGIN REPRIEVE REQUEST 7/2-AA-END REPRIEVE REQUEST-").contains("was changed"));
        assert!(said("-BEGIN REPRIEVE REQUEST 0/0-AA-END REPRIEVE REQUEST-").contains("was changed"));
        assert!(said("-BEGIN REPRIEVE REQUEST--END REPRIEVE REQUEST-").contains("end is missing"));
    }

    /// Each single letter that is changed, left out or said twice is found.
    #[test]
    fn a_changed_letter_is_found() {
        let content = content(60);
        let text = write(Armour::Answer, &content);
        let from = text.find('\n').unwrap() + 1;
        let upto = text.rfind("-----END").unwrap() - 1;
        for at in from..upto {
            for letter in ["", "A", "7", "1", "é", "AA"] {
                let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
                let read = read(Armour::Answer, changed.as_bytes());
                assert!(read.is_err() || read.as_ref() == Ok(&content), "{at} {letter}");
                assert!(
                    text[at..].starts_with('\n') || text[at..].starts_with(letter) || read.is_err(),
                    "{at} {letter:?}"
                );
            }
        }
    }
}
