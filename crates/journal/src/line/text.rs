//! JSON written by hand into a buffer that is reused.

use crate::CallRef;
use crate::entry::MAX_TEXT;

/// Appends a number.
pub(crate) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        // One decimal digit always fits.
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends bytes as lower-case hexadecimal.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let from = out.len();
    out.resize(from + 2 * bytes.len(), 0);
    super::hash::hex(bytes, &mut out[from..]);
}

/// Appends `,"name":"text"`, the text cut at [`MAX_TEXT`].
pub(crate) fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    key(out, name);
    string(out, cut(text));
}

/// Appends `,"name":number`.
pub(crate) fn count(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    number(out, value);
}

/// Appends `,"name":"L-…"`.
pub(crate) fn reference(out: &mut Vec<u8>, name: &str, call: &CallRef) {
    key(out, name);
    bare_reference(out, call);
}

/// Appends `"L-…"`.
pub(crate) fn bare_reference(out: &mut Vec<u8>, call: &CallRef) {
    out.extend_from_slice(b"\"L-");
    out.extend_from_slice(call.letters());
    out.push(b'"');
}

/// Appends `,"name":`.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a string in quotes, with the escapes that RFC 8785 asks for.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    // All bytes in one pass without a branch: almost no text needs an escape.
    let escapes = bytes
        .iter()
        .fold(false, |any, byte| any | needs_escape(*byte));
    if !escapes {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !needs_escape(*byte) {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                out.extend_from_slice(b"\\u00");
                hex(out, &[*other]);
            }
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

const fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The text up to [`MAX_TEXT`] bytes, cut between characters.
pub(crate) fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_read_back() {
        for value in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
        let odd: String = (0..0x80_u8).map(char::from).chain("é€😀".chars()).collect();
        let mut out = Vec::new();
        string(&mut out, &odd);
        assert_eq!(serde_json::from_slice::<String>(&out).expect("valid"), odd);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let long = "€".repeat(MAX_TEXT);
        assert!(cut(&long).len() <= MAX_TEXT);
        assert!(cut(&long).len() > MAX_TEXT - 3);
        assert_eq!(cut("short"), "short");
    }
}
