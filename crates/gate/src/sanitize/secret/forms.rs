//! Credentials that are known by their form rather than by a prefix or a name.

use std::ops::Range;

use crate::sanitize::bytes::{find_in, has_word, run, run_back, starts_token};

use super::rules::Chars;
use super::stretch::Stretch;

/// The longest token, bytes.
const TOKEN: usize = 8 << 10;
/// The longest block of a key file, bytes.
const BLOCK: usize = 32 << 10;
/// The longest authority of an address, bytes.
const AUTHORITY: usize = 256;

/// What was learned of a text, so that nothing is searched for twice.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The first end line of a key block that was not passed yet, and up to where there is none before it.
    end_line: Option<usize>,
    end_searched: usize,
    /// No web token starts before this place.
    no_web_token: usize,
    /// Runs of the bytes that tokens are made of, by [`Chars`].
    of_chars: [Stretch; Chars::COUNT],
    /// Runs of the bytes that a value without quotes is made of, after `=` and after a colon.
    pub(super) after_equals: Stretch,
    pub(super) after_colon: Stretch,
}

impl Known {
    pub(super) fn of(&mut self, chars: Chars) -> &mut Stretch {
        &mut self.of_chars[chars as usize]
    }

    fn end_line_from(&mut self, text: &[u8], from: usize) -> Option<usize> {
        if self.end_line.is_none_or(|at| at < from) && self.end_searched < text.len() {
            let start = from.max(self.end_searched.saturating_sub(8));
            self.end_line = find_in(text, start..text.len(), b"-----END");
            self.end_searched = self.end_line.map_or(text.len(), |at| at + 8);
        }
        self.end_line.filter(|&at| at >= from)
    }
}

/// `eyJ….eyJ….…`: three parts, or two when the signature was cut off. `at` is where it starts.
pub(super) fn json_web_token(text: &[u8], at: usize, known: &mut Known) -> Option<Range<usize>> {
    if at < known.no_web_token || !starts_token(text, at) {
        return None;
    }
    let head = run(text, at, TOKEN, |byte| Chars::Url.has(byte));
    known.no_web_token = head;
    let end = run(text, head, TOKEN, |byte| Chars::Dotted.has(byte));
    (head - at >= 12 && text.get(head) == Some(&b'.') && end - head >= 12).then_some(at..end)
}

/// `-----BEGIN …-----` up to its end line, or as far as it looks like one. `at` is where it starts.
pub(super) fn key_block(text: &[u8], at: usize, known: &mut Known) -> Option<Range<usize>> {
    let most = text.len().min(at + BLOCK);
    let title = find_in(text, at + 10..most.min(at + 128), b"-----")? + 5;
    if let Some(end) = known.end_line_from(text, title).filter(|&end| end < most) {
        let close = find_in(text, end + 8..most.min(end + 128), b"-----");
        return Some(at..close.map_or(end + 8, |close| close + 5));
    }
    let end = run(text, title, BLOCK, |byte| {
        Chars::Base64.has(byte) || byte.is_ascii_whitespace() || byte == b'\\'
    });
    Some(at..end)
}

/// The token after `Bearer ` or `Basic `, which ends at `at`. Sentences about them stay.
pub(super) fn scheme_token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = run(text, at, TOKEN, |byte| {
        Chars::Base64.has(byte) || matches!(byte, b'.' | b'~')
    });
    let token = text.get(at..end)?;
    let has_digit = token.iter().any(u8::is_ascii_digit);
    let capitals = token.iter().skip(1).any(u8::is_ascii_uppercase);
    let is_word = token.iter().all(u8::is_ascii_lowercase);
    let is_token = token.len() >= 8 && (has_digit || capitals) || token.len() >= 24 && !is_word;
    is_token.then_some(at..end)
}

/// The user and password in an address whose `://` starts at `at`.
pub(super) fn user_of_address(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + 3;
    let scheme = run_back(text, at, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')
    });
    if at < scheme + 2 {
        return None;
    }
    let is_web = has_word(text, scheme, b"http") || has_word(text, scheme, b"ws");
    let end = run(text, start, AUTHORITY, |byte| {
        let ends = match byte {
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' => true,
            b'/' | b'?' | b'#' => is_web,
            _ => byte.is_ascii_whitespace(),
        };
        !ends
    });
    let authority = text.get(start..end)?;
    let sign = authority.iter().rposition(|&byte| byte == b'@')?;
    let user = &authority[..sign];
    // Without a password a user's name may stay, but a token in its place is long.
    let telling = user.contains(&b':') || user.len() >= 16;
    (sign > 0 && telling).then_some(start..start + sign)
}

/// A token around a mark in its middle or at its end, at `mark`.
pub(super) fn around(
    text: &[u8],
    mark: Range<usize>,
    before: usize,
    after: usize,
) -> Option<Range<usize>> {
    let fits = |byte: u8| Chars::Dotted.has(byte);
    let start = run_back(text, mark.start, TOKEN, fits);
    let end = run(text, mark.end, TOKEN, fits);
    (mark.start - start >= before && end - mark.end >= after).then_some(start..end)
}

/// A Telegram bot's token: digits, then `:AA` at `mark`, then the key.
pub(super) fn bot_token(text: &[u8], mark: Range<usize>) -> Option<Range<usize>> {
    let start = run_back(text, mark.start, 20, |byte| byte.is_ascii_digit());
    let end = run(text, mark.end, 64, |byte| Chars::Url.has(byte));
    (mark.start - start >= 6 && end - mark.end >= 28).then_some(start..end)
}

/// The path of a webhook's address, which is the credential. `at` is the end of its host.
pub(super) fn webhook_path(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = run(text, at, TOKEN, |byte| {
        Chars::Dotted.has(byte) || matches!(byte, b'/' | b'@' | b'%')
    });
    (end - at >= 16).then_some(at..end)
}

/// What follows `Cookie:` up to the end of its line.
pub(super) fn cookie(text: &[u8], at: usize) -> Option<Range<usize>> {
    let goes_on = |byte: u8| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    let sample = run(text, at, 128, goes_on);
    let has_value = text.get(at..sample)?.contains(&b'=');
    has_value.then(|| at..run(text, sample, 4096, goes_on))
}
