//! Small questions about a text that all detectors ask.

use std::ops::Range;

/// Where the run of bytes that fit ends, at most `most` bytes after `from`.
pub(super) fn run(text: &[u8], from: usize, most: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let rest = &rest[..rest.len().min(most)];
    from + rest
        .iter()
        .position(|&byte| !fits(byte))
        .unwrap_or(rest.len())
}

/// Where the run of bytes that fit and end before `to` starts, at most `most` bytes before it.
pub(super) fn run_back(text: &[u8], to: usize, most: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(to.saturating_sub(most)..to).unwrap_or_default();
    let run = rest.iter().rev().position(|&byte| !fits(byte));
    to - run.unwrap_or(rest.len())
}

/// The byte before a position.
pub(super) fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// Whether a token may start here: what stands before is no letter or digit, or is one that an escape of JSON or a
/// percent sign explains.
pub(super) fn starts_token(text: &[u8], at: usize) -> bool {
    match before(text, at) {
        None => true,
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(b'n' | b'r' | b't' | b'b' | b'f') if ends_escape(text, at - 1) => true,
        Some(byte) if byte.is_ascii_hexdigit() => {
            let code = text.get(at.saturating_sub(3)..at).unwrap_or_default();
            let unit = text.get(at.saturating_sub(6)..at).unwrap_or_default();
            matches!(code, [b'%', digit, _] if digit.is_ascii_hexdigit())
                || matches!(unit, [b'\\', b'u', ..])
        }
        Some(_) => false,
    }
}

/// Whether an odd number of backslashes ends before `at`, so that they and the byte there are one escape.
pub(super) fn ends_escape(text: &[u8], at: usize) -> bool {
    (at - run_back(text, at, 64, |byte| byte == b'\\')) % 2 == 1
}

/// Whether the text goes on with this word here, in any case.
pub(super) fn has_word(text: &[u8], at: usize, word: &[u8]) -> bool {
    text.get(at..at + word.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// The first place of `needle` in a range of the text.
pub(super) fn find_in(text: &[u8], range: Range<usize>, needle: &[u8]) -> Option<usize> {
    let end = range.end.min(text.len());
    let start = range.start.min(end);
    let window = &text[start..end];
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(found) = memchr::memchr(first, &window[from..]) {
        let at = from + found;
        if window[at..].starts_with(needle) {
            return Some(start + at);
        }
        from = at + 1;
    }
    None
}

/// The end of the logical line at `at`: a line feed, a carriage return, or either of them written as an escape.
pub(super) fn logical_end(text: &[u8], at: usize, most: usize) -> usize {
    let end = text.len().min(at.saturating_add(most));
    let mut position = at;
    while position < end {
        match text[position] {
            b'\n' | b'\r' => return position,
            b'\\' => {
                let run_end = run(text, position, 64, |byte| byte == b'\\');
                let is_break =
                    (run_end - position) % 2 == 1 && matches!(text.get(run_end), Some(b'n' | b'r'));
                if is_break {
                    return run_end - 1;
                }
                position = run_end;
            }
            _ => position += 1,
        }
    }
    end
}

/// Whether a text is at least so random, in tenths of a bit per byte. Texts of few different bytes are told at once.
pub(super) fn is_random(text: &[u8], tenths: u32) -> bool {
    let mut seen = [0_u64; 4];
    let sample = &text[..text.len().min(128)];
    for &byte in sample {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    let kinds: u32 = seen.iter().map(|word| word.count_ones()).sum();
    // So many different bytes can't hold more than their logarithm.
    let most = (kinds as f32).log2() * 10.0;
    (text.len() > sample.len() || most >= tenths as f32) && entropy(text) >= tenths
}

/// The bits per byte of a text, in tenths: how random it looks.
pub(super) fn entropy(text: &[u8]) -> u32 {
    let sample = &text[..text.len().min(512)];
    if sample.is_empty() {
        return 0;
    }
    let mut counts = [0_u16; 256];
    for &byte in sample {
        counts[usize::from(byte)] += 1;
    }
    let length = sample.len() as f32;
    let bits: f32 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f32::from(count) / length;
            -share * share.log2()
        })
        .sum();
    (bits * 10.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_starts_after_space_signs_and_escapes() {
        for (text, at, starts) in [
            ("ab", 0, true),
            (" ab", 1, true),
            ("xab", 1, false),
            (r"\nab", 2, true),
            (r"\\nab", 3, false),
            ("%3Dab", 3, true),
            ("3Dab", 2, false),
            (r"\u003dab", 6, true),
        ] {
            assert_eq!(starts_token(text.as_bytes(), at), starts, "{text}");
        }
    }

    #[test]
    fn a_logical_line_ends_at_written_line_ends_too() {
        for (text, end) in [
            ("ab\ncd", 2),
            (r"ab\ncd", 2),
            (r"ab\\ncd", 7),
            ("abcd", 4),
            ("a\rb", 1),
        ] {
            assert_eq!(logical_end(text.as_bytes(), 0, 100), end, "{text}");
        }
        assert_eq!(logical_end(b"abcdef", 1, 3), 4);
    }

    #[test]
    fn runs_end_at_their_limit_and_at_the_ends_of_the_text() {
        let letter = |byte: u8| byte.is_ascii_alphabetic();
        assert_eq!(run(b"abc1", 0, 9, letter), 3);
        assert_eq!(run(b"abc1", 0, 2, letter), 2);
        assert_eq!(run(b"abc", 9, 2, letter), 9);
        assert_eq!(run_back(b"1abc", 4, 9, letter), 1);
        assert_eq!(run_back(b"abc", 3, 2, letter), 1);
        assert_eq!(run_back(b"abc", 0, 2, letter), 0);
    }

    #[test]
    fn entropy_tells_words_from_keys() {
        assert_eq!(entropy(b""), 0);
        assert_eq!(entropy(b"aaaaaaaa"), 0);
        assert!(entropy(b"required") < 30 && !is_random(b"required", 30));
        assert!(is_random(b"Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4", 38));
        assert!(!is_random(&b"sk-".repeat(30), 20) && !is_random(b"", 1));
        assert!(entropy(b"Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4") > 38);
    }
}
