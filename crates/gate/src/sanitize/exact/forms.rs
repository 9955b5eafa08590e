//! How a value may be written. Everything is put together in one piece of memory that is wiped.

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::Form;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Calls `add` with every form of a value, and of the parts of it that are secrets of their own.
pub(super) fn of_value(value: &[u8], add: &mut dyn FnMut(&[u8], Form)) {
    of_text(value, add);
    if let Some(password) = password_of_address(value) {
        of_text(password, add);
    }
    of_lines(value, add);
    of_document(value, add);
}

fn of_text(text: &[u8], add: &mut dyn FnMut(&[u8], Form)) {
    if text.len() < super::MIN_BYTES {
        return;
    }
    // Large enough for the longest form, so that it never moves and leaves a copy behind.
    let mut place = Zeroizing::new(Vec::with_capacity(text.len() * 6));
    add(text, Form::Plain);
    for write in [
        quoted,
        lower_hex,
        upper_hex,
        percent_of_url,
        percent_of_form,
    ] {
        place.clear();
        write(text, &mut place);
        add(&place, Form::Plain);
    }
    for alphabet in [STANDARD, URL] {
        for offset in 0..3 {
            place.clear();
            base64_inside(text, offset, alphabet, &mut place);
            add(&place, Form::Base64);
        }
    }
}

/// As JSON writes it, without the quotes around it.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            0..=31 => {
                out.extend_from_slice(b"\\u00");
                hex(byte, LOWER, out);
                continue;
            }
            _plain => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

fn lower_hex(text: &[u8], out: &mut Vec<u8>) {
    text.iter().for_each(|&byte| hex(byte, LOWER, out));
}

fn upper_hex(text: &[u8], out: &mut Vec<u8>) {
    text.iter().for_each(|&byte| hex(byte, UPPER, out));
}

fn hex(byte: u8, digits: &[u8; 16], out: &mut Vec<u8>) {
    let digit = |half: u8| digits[usize::from(half)];
    out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
}

fn percent_of_url(text: &[u8], out: &mut Vec<u8>) {
    percent(text, b"%20", b"-._~", out);
}

fn percent_of_form(text: &[u8], out: &mut Vec<u8>) {
    percent(text, b"+", b"-._~/", out);
}

fn percent(text: &[u8], space: &[u8], kept: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(byte),
            _ if kept.contains(&byte) => out.push(byte),
            b' ' => out.extend_from_slice(space),
            _ => {
                out.push(b'%');
                hex(byte, UPPER, out);
            }
        }
    }
}

/// The characters that are certain when the value stands `offset` bytes after a multiple of three.
fn base64_inside(value: &[u8], offset: usize, alphabet: &[u8; 64], out: &mut Vec<u8>) {
    let skipped = offset * 8;
    let first = skipped.div_ceil(6);
    let last = (skipped + value.len() * 8) / 6;
    let bit = |index: usize| {
        index.checked_sub(skipped).map_or(0, |inside| {
            value
                .get(inside / 8)
                .map_or(0, |byte| byte >> (7 - inside % 8) & 1)
        })
    };
    out.extend((first..last).map(|place| {
        let sextet = (0..6).fold(0, |sextet, step| sextet << 1 | bit(place * 6 + step));
        alphabet[usize::from(sextet)]
    }));
}

fn password_of_address(value: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password.as_bytes())
}

/// The longer lines of a value of several.
fn of_lines(value: &[u8], add: &mut dyn FnMut(&[u8], Form)) {
    if !value.contains(&b'\n') {
        return;
    }
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| line.len() >= 20 && !line.starts_with(b"-----")) {
        of_text(line, add);
    }
}

/// The texts of a JSON document that look like keys.
fn of_document(value: &[u8], add: &mut dyn FnMut(&[u8], Form)) {
    let is_document = matches!(value.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<IgnoredAny>(value).is_ok();
    let mut rest = if is_document { value } else { b"" };
    while let Some(begin) = rest.iter().position(|&byte| byte == b'"') {
        let inside = rest.get(begin + 1..).unwrap_or_default();
        let Some(length) = end_of_text(inside) else {
            return;
        };
        let (raw, after) = inside.split_at(length);
        rest = after.get(1..).unwrap_or_default();
        let is_key = rest.trim_ascii_start().first() == Some(&b':');
        if !is_key {
            let mut text = Zeroizing::new(Vec::with_capacity(raw.len()));
            unquoted(raw, &mut text);
            of_member(&text, add);
        }
    }
}

fn of_member(text: &[u8], add: &mut dyn FnMut(&[u8], Form)) {
    let holds = |part: &[u8]| text.windows(part.len()).any(|one| one == part);
    let random = text.len() >= 16 && super::super::bytes::entropy(text) >= 37;
    if random && !holds(b"://") && !holds(b" ") || holds(b"-----BEGIN") {
        of_text(text, add);
        of_lines(text, add);
    }
}

/// Where a JSON text ends, at its closing quote.
fn end_of_text(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _plain => at += 1,
        }
    }
}

/// Undoes the escapes that keys are written with; others stay, and make a text that nobody writes.
fn unquoted(raw: &[u8], out: &mut Vec<u8>) {
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(&other @ (b'"' | b'\\' | b'/')) => out.push(other),
            Some(&other) => out.extend_from_slice(&[b'\\', other]),
            None => {}
        }
    }
}
