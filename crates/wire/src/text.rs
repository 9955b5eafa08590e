//! String tokens: where plain text ends, and what an escaped text means.

use std::borrow::Cow;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, i8x64, u8x64};
use memchr::memchr2;

use crate::specials::BLOCK;

/// With this bit turned over the quote is the neighbour of the control characters, and nothing that is allowed joins
/// them: one comparison finds both. As a signed number a byte outside ASCII is below them.
const TURNED: u8 = b'"' ^ b' ';

/// The length of the leading whole blocks in which no byte is special.
pub(crate) fn clean_bytes<const STOP_AT: u8>(bytes: &[u8]) -> usize {
    dispatch!(Level::new(), simd => wide::<_, STOP_AT>(simd, bytes))
}

/// Counts them with the widest registers that the processor has.
#[inline(always)]
fn wide<S: Simd, const STOP_AT: u8>(simd: S, bytes: &[u8]) -> usize {
    simd.vectorize(
        #[inline(always)]
        || count_clean::<STOP_AT>(bytes),
    )
}

/// A plain loop, which the compiler turns into vector instructions of whatever width it may use where this is inlined.
#[inline(always)]
fn count_clean<const STOP_AT: u8>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let clean = blocks.iter().position(|block| {
        block.iter().fold(0, |found, &byte| {
            found | u8::from(is_special::<STOP_AT>(byte))
        }) != 0
    });
    clean.unwrap_or(blocks.len()) * BLOCK
}

#[inline(always)]
fn is_special<const STOP_AT: u8>(byte: u8) -> bool {
    let turned = byte ^ TURNED;
    let control_or_quote = if STOP_AT == 0 {
        turned <= b' '
    } else {
        turned.cast_signed() <= b' '.cast_signed()
    };
    control_or_quote | (byte == b'\\')
}

/// One bit for each special byte of a block, the first in the lowest.
#[inline(always)]
pub(crate) fn special_bits<const STOP_AT: u8>(block: &[u8; BLOCK]) -> u64 {
    dispatch!(Level::baseline(), simd => bits::<_, STOP_AT>(simd, block))
}

/// As [`is_special`], for all bytes at once.
#[inline(always)]
fn bits<S: Simd, const STOP_AT: u8>(simd: S, block: &[u8; BLOCK]) -> u64 {
    let bytes = u8x64::simd_from(simd, *block);
    let turned = bytes ^ TURNED;
    let control_or_quote = if STOP_AT == 0 {
        turned.simd_lt(b'!')
    } else {
        turned.bitcast::<i8x64<S>>().simd_lt(b'!'.cast_signed())
    };
    (control_or_quote | bytes.simd_eq(b'\\')).to_bitmask()
}

/// The inside of the string token whose first byte after the quote is at `start`: everything before the closing quote,
/// or before the end when it never closes.
pub(crate) fn inside(bytes: &[u8], start: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|tail| memchr2(b'"', b'\\', tail)) {
        if rest[at + found] == b'"' {
            return &rest[..at + found];
        }
        at += found + 2;
    }
    rest
}

/// The meaning of the inside of a string token. Half of a surrogate pair becomes its three-byte generalised form,
/// so that texts that differ stay different; everything else becomes UTF-8. Broken escapes stand for themselves.
pub(crate) fn decoded(inside: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', inside) else {
        return Cow::Borrowed(inside);
    };
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside;
    let mut next = Some(first);
    while let Some(escape) = next {
        out.extend_from_slice(&rest[..escape]);
        rest = unescape(&rest[escape..], &mut out);
        next = memchr::memchr(b'\\', rest);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// The meaning of the inside of a string token as text, or nothing when it holds half of a surrogate pair.
pub(crate) fn decoded_str(inside: &[u8]) -> Option<Cow<'_, str>> {
    match decoded(inside) {
        Cow::Borrowed(plain) => std::str::from_utf8(plain).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// Appends what the escape at the start of `text` means and returns what follows it.
fn unescape<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let plain = match text.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return unescape_unit(text, out),
        Some(&other) => other,
        None => {
            out.push(b'\\');
            return &[];
        }
    };
    out.push(plain);
    &text[2..]
}

fn unescape_unit<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let Some(unit) = code_unit(text) else {
        out.push(b'\\');
        return &text[1..];
    };
    let rest = &text[6..];
    if (0xd800..0xdc00).contains(&unit)
        && let Some(low @ 0xdc00..0xe000) = code_unit(rest)
    {
        push_code_point(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
        return &rest[6..];
    }
    push_code_point(unit, out);
    rest
}

/// The number in a leading `\uXXXX`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text.first_chunk::<6>()? else {
        return None;
    };
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit << 4 | char::from(digit).to_digit(16)?)
    })
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend(
            [
                0xe0 | code >> 12,
                0x80 | code >> 6 & 0x3f,
                0x80 | code & 0x3f,
            ]
            .map(|byte| byte as u8),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_the_grammar_says() {
        let rows: [(&str, &[u8]); 9] = [
            (r"plain", b"plain"),
            (r#"\"\\\/\b\f\n\r\t"#, b"\"\\/\x08\x0c\n\r\t"),
            (r"na\u006de", b"name"),
            (r"\u00e9\u20AC", "é€".as_bytes()),
            (r"\ud83d\ude00!", "😀!".as_bytes()),
            (r"\ud83d", b"\xed\xa0\xbd"),
            (r"\ude00\ud83d", b"\xed\xb8\x80\xed\xa0\xbd"),
            (r"\ud83d\u0041", b"\xed\xa0\xbdA"),
            (r"\u12", br"\u12"),
        ];
        for (inside, meaning) in rows {
            assert_eq!(decoded(inside.as_bytes()).as_ref(), meaning, "{inside}");
        }
        assert_eq!(decoded_str(br"\ud83d"), None);
        assert_eq!(decoded_str(br"\ud83d\ude00").as_deref(), Some("😀"));
    }

    #[test]
    fn the_inside_ends_at_the_first_quote_that_is_not_escaped() {
        assert_eq!(inside(br#"a\"b\\":1"#, 0), br#"a\"b\\"#);
        assert_eq!(inside(br"open\", 0), br"open\");
    }
}
