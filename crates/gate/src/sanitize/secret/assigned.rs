//! A name, a sign of assignment and a value: `password=…`, `"api_key": "…"`, `X-Token: …`.

use std::ops::Range;

use super::forms::Known;
use super::rules::{Named, REASONS};
use super::stretch::Stretch;
use crate::sanitize::bytes::{has_word, is_random, run};

/// The longest rest of a name, bytes.
const NAME_REST: usize = 40;
/// The longest value, bytes.
const VALUE: usize = 4096;
/// What is looked at of a value before it counts as secret.
const SAMPLE: usize = 256;
/// Quotes and spaces between a name, its sign and the value.
const GAP: usize = 6;
/// How random values have to be, in tenths of a bit per byte: of a token, of one without digits, of a service's key.
const TOKEN: u32 = 28;
const WORDS: u32 = 35;
const SERVICE: u32 = 30;

/// The value that is assigned to the name whose keyword ends at `at`, if it is to be removed.
pub(super) fn value(
    text: &[u8],
    at: usize,
    named: Named,
    known: &mut Known,
) -> Option<Range<usize>> {
    let name_end = match text.get(at.wrapping_sub(1)) {
        // The keyword brought its own sign.
        Some(b'=') => at - 1,
        Some(_) | None => run(text, at, NAME_REST, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
        }),
    };
    let (sign, mut from) = sign(text, run(text, name_end, GAP, is_gap))?;
    let gap_end = run(text, from, GAP, is_gap);
    let quote = text[from..gap_end]
        .iter()
        .rev()
        .find(|byte| is_quote(**byte))
        .copied();
    from = gap_end;
    from = after_scheme(text, from);
    let goes_on = |byte: u8| match (quote, sign) {
        (Some(quote), _) => byte != quote && !matches!(byte, b'\n' | b'\r'),
        (None, Sign::Equals) => is_unquoted(byte),
        (None, Sign::Colon) => is_unquoted(byte) && byte != b',',
    };
    let stretch = match (quote, sign) {
        (Some(_), _) => &mut Stretch::default(),
        (None, Sign::Equals) => &mut known.after_equals,
        (None, Sign::Colon) => &mut known.after_colon,
    };
    let sample_end = stretch.run(text, from, SAMPLE, goes_on);
    if is_never_secret(named, stretch) {
        return None;
    }
    let sample = text.get(trimmed(text, from..sample_end, quote))?;
    if !is_secret(sample, named, sign, quote) {
        stretch.restart(text, from);
        return None;
    }
    Some(trimmed(
        text,
        from..run(text, sample_end, VALUE, goes_on),
        quote,
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Equals,
    Colon,
}

/// `=`, `:`, `=>`, `:=`, `==` and `->`.
fn sign(text: &[u8], at: usize) -> Option<(Sign, usize)> {
    match text.get(at..)? {
        [b':', b'=', ..] | [b'=', b'>' | b'=', ..] | [b'-', b'>', ..] => {
            Some((Sign::Equals, at + 2))
        }
        [b'=', ..] => Some((Sign::Equals, at + 1)),
        [b'%', b'3', b'D' | b'd', ..] => Some((Sign::Equals, at + 3)),
        // `a::b` is a name, `://` an address.
        [b':', b':' | b'/', ..] => None,
        [b':', ..] => Some((Sign::Colon, at + 1)),
        _ => None,
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_gap(byte: u8) -> bool {
    is_quote(byte) || matches!(byte, b' ' | b'\t' | b'\\')
}

fn is_unquoted(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !matches!(
            byte,
            b'"' | b'\'' | b'`' | b';' | b'&' | b')' | b']' | b'}' | b'<' | b'>'
        )
}

/// Past `Bearer ` and other names of schemes.
fn after_scheme(text: &[u8], at: usize) -> usize {
    for scheme in [
        "bearer ",
        "basic ",
        "token ",
        "apikey ",
        "digest ",
        "negotiate ",
    ] {
        if has_word(text, at, scheme.as_bytes()) {
            return at + scheme.len();
        }
    }
    at
}

/// Without the backslash before a quote, and without what ends a sentence.
fn trimmed(text: &[u8], at: Range<usize>, quote: Option<u8>) -> Range<usize> {
    let mut end = at.end;
    let mut steps = 0;
    while end > at.start && steps < 8 {
        match (text[end - 1], quote) {
            (b'\\', _) | (b',' | b'.' | b':', None) => end -= 1,
            _ => break,
        }
        steps += 1;
    }
    at.start..end
}

/// Whether [`is_secret`] would say no of every value in this run: a look at all of it together.
fn is_never_secret(named: Named, run: &Stretch) -> bool {
    match named {
        Named::Password => false,
        Named::Token if run.has_digit() => run.is_poor(TOKEN),
        Named::Token => run.is_poor(WORDS),
        Named::Service => !run.has_digit() || run.is_poor(SERVICE),
    }
}

fn is_secret(value: &[u8], named: Named, sign: Sign, quote: Option<u8>) -> bool {
    // Placeholders of templates and what others have hidden already.
    if value.is_empty() || matches!(value[0], b'$' | b'<' | b'*' | b'[' | b'{' | b'(' | b'%') {
        return false;
    }
    if value
        .iter()
        .all(|byte| matches!(byte, b'x' | b'X' | b'.' | b'-' | b'_'))
        || is_reason(value)
    {
        return false;
    }
    match (named, sign, quote) {
        (Named::Password, _, Some(_)) => !value.contains(&b' '),
        (Named::Password, Sign::Equals, None) => true,
        // A sentence may follow the colon; a password in one word is seldom mere letters.
        (Named::Password, Sign::Colon, None) => value.len() >= 5 && mixture(value) >= 2,
        (Named::Token, _, _) => {
            value.len() >= 8
                && is_random(value, TOKEN)
                && !value.contains(&b' ')
                && mixture(value) >= 2
                && (has_digit(value) || value.len() >= 20 && is_random(value, WORDS))
        }
        (Named::Service, _, _) => {
            value.len() >= 16
                && has_digit(value)
                && is_random(value, SERVICE)
                && value.iter().all(|&byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'+' | b'/')
                })
        }
    }
}

fn is_reason(value: &[u8]) -> bool {
    value.len() <= 24
        && REASONS
            .iter()
            .any(|reason| value.eq_ignore_ascii_case(reason.as_bytes()))
}

fn has_digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
}

/// How many of small letters, capitals after the first byte, digits and signs there are.
fn mixture(value: &[u8]) -> usize {
    let rest = value.get(1..).unwrap_or_default();
    [
        value.iter().any(u8::is_ascii_lowercase),
        rest.iter().any(u8::is_ascii_uppercase),
        has_digit(value),
        value
            .iter()
            .any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'-' | b'.' | b',')),
    ]
    .into_iter()
    .filter(|kind| *kind)
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(text: &str, keyword: &str, named: Named) -> Option<String> {
        let at = text.find(keyword).unwrap() + keyword.len();
        value(text.as_bytes(), at, named, &mut Known::default()).map(|at| text[at].to_owned())
    }

    #[test]
    fn values_are_found_however_they_are_assigned() {
        for (text, value) in [
            ("password=hunter", "hunter"),
            ("Password = p@ss;word", "p@ss"),
            (r#""password": "hunter""#, "hunter"),
            (r#"\"password\": \"hunter\", x"#, "hunter"),
            ("password: Tr0ub4dor.", "Tr0ub4dor"),
            ("password_hash => 'ab cd'", ""),
            ("passwordNew='x y'", ""),
            ("password: Bearer abc123", "abc123"),
        ] {
            let lower = text.to_lowercase();
            let at = lower.find("password").unwrap() + 8;
            let found = super::value(text.as_bytes(), at, Named::Password, &mut Known::default())
                .map_or("", |at| std::str::from_utf8(&text.as_bytes()[at]).unwrap());
            assert_eq!(found, value, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_value_is_no_value() {
        for text in [
            "password: must have 8 characters",
            "password: String should have at least 8 characters",
            "password: Invalid input",
            r#"{"password": "too_short"}"#,
            r#"{"password": "is too short"}"#,
            "password=***",
            "password=${DB_PASSWORD}",
            "password is wrong",
            "password",
            "password:",
        ] {
            assert_eq!(removed(text, "password", Named::Password), None, "{text}");
        }
        for text in [
            "token: expected string, received undefined",
            "token < in JSON at position 0",
            "token_count: 12345678",
            "token: unexpected_end_of_input",
            "token::Kind::Identifier",
        ] {
            assert_eq!(removed(text, "token", Named::Token), None, "{text}");
        }
    }

    #[test]
    fn tokens_have_to_look_like_tokens() {
        assert!(removed("token=9f8b2c61d0e44a77", "token", Named::Token).is_some());
        assert!(removed("x-token: abcdefgh", "token", Named::Token).is_none());
        assert!(removed("linear: 12 items", "linear", Named::Service).is_none());
        assert!(
            removed(
                "datadog_app = 'a94c0e2b77d1453fb2'",
                "datadog",
                Named::Service
            )
            .is_some()
        );
    }
}
