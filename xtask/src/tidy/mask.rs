//! Blanks the comments and literals of Rust source, so that checks see code only.

/// The text with every comment, string and character literal replaced by spaces; line ends and length stay.
pub(super) fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let before = at
            .checked_sub(1)
            .and_then(|before| bytes.get(before).copied());
        match blank_length(before, rest) {
            0 => {
                out.push(*byte);
                at += 1;
            }
            length => {
                out.extend(
                    rest.iter()
                        .take(length)
                        .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
                );
                at += length;
            }
        }
    }
    // What is left over consists of whole characters and spaces, so nothing is lost here.
    String::from_utf8_lossy(&out).into_owned()
}

/// How many bytes at the start of `rest` are one comment or literal; 0 for code. `before` is the byte in front of it.
fn blank_length(before: Option<u8>, rest: &[u8]) -> usize {
    let in_word = before.is_some_and(word);
    match rest {
        [b'/', b'/', ..] => rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + quoted(rest.get(1..).unwrap_or_default(), b'"'),
        [b'\'', ..] if !in_word => character(rest),
        [b'r' | b'b' | b'c', ..] if !in_word => prefixed(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(window) = rest.get(at..) {
        match window {
            [] => break,
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length up to and with the closing quote, after the opening one.
fn quoted(rest: &[u8], close: u8) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if *byte == close => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal, or 0 for the quote of a lifetime or label.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => 1 + quoted(rest.get(1..).unwrap_or_default(), b'\''),
        [_, first, ..] => {
            let width = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if rest.get(1 + width) == Some(&b'\'') {
                width + 2
            } else {
                0
            }
        }
        _ => 0,
    }
}

/// A literal with a prefix (`b"`, `c"`, `r"`, `br#"`, `b'`), or 0 for a word that begins alike.
fn prefixed(rest: &[u8]) -> usize {
    let letters = rest
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte, b'r' | b'b' | b'c'))
        .count();
    let raw = rest.iter().take(letters).any(|byte| *byte == b'r');
    let hashes = rest
        .iter()
        .skip(letters)
        .take_while(|byte| **byte == b'#')
        .count();
    let open = letters + hashes;
    match rest.get(open) {
        Some(b'"') if raw => {
            let close: Vec<u8> = std::iter::once(b'"')
                .chain(std::iter::repeat_n(b'#', hashes))
                .collect();
            let body = rest.get(open + 1..).unwrap_or_default();
            body.windows(close.len())
                .position(|window| window == close)
                .map_or(rest.len(), |end| open + 1 + end + close.len())
        }
        Some(b'"') if hashes == 0 => {
            open + 1 + quoted(rest.get(open + 1..).unwrap_or_default(), b'"')
        }
        Some(b'\'') if rest.first() == Some(&b'b') && open == 1 => {
            1 + character(rest.get(1..).unwrap_or_default())
        }
        _ => 0,
    }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces() {
        let rows = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"x("a\"b") y"#, "x(      ) y"),
            (r##"r#"a"b"# z"##, "         z"),
            (r#"b"a" c"b" br"\" e"#, "                e"),
            ("'a' '\\'' '{' b'\"' 'é' z", "                       z"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("barber(r, b, c)", "barber(r, b, c)"),
            ("\"never closed", "             "),
            ("/* never closed", "               "),
        ];
        for (text, expected) in rows {
            let masked = mask(text);
            assert_eq!(masked.trim_end(), expected.trim_end(), "{text}");
            assert_eq!(masked.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn raw_identifiers_stay() {
        assert_eq!(mask("r#type"), "r#type");
    }
}
