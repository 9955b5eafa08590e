//! The exact values of secrets, in every form in which they are commonly written.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::budget::{Budget, Fault};
use super::bytes::{run, run_back};
use super::span::{Kind, Spans};
use super::views::{self, View};

/// Shorter values would be found everywhere.
pub(super) const MIN_BYTES: usize = 8;
/// Most bytes of patterns for which the fast automaton is built; it takes about half a kilobyte for each.
const FAST_PATTERN_BYTES: usize = 8 << 10;
/// Bytes that are searched between two looks at the time.
const CHUNK: usize = 256 << 10;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The values to look for; none, when there is no automaton.
#[derive(Debug, Default)]
pub(super) struct Values {
    automaton: Option<AhoCorasick>,
    forms: Vec<Form>,
    longest: usize,
}

/// How a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// With the characters of the value, or with escapes.
    Plain,
    /// As base64: the characters beside it hold bits of it.
    Base64,
}

impl Values {
    /// Values shorter than eight bytes are ignored. Parts that are secrets of their own count too: the password in an
    /// address, the longer lines of a value of several lines, the texts in a JSON document.
    pub(super) fn new<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let mut patterns = BTreeSet::new();
        for value in values {
            add_forms(value, &mut patterns);
            for part in parts(value) {
                add_forms(&part, &mut patterns);
            }
        }
        let total: usize = patterns.iter().map(|(pattern, _)| pattern.len()).sum();
        let kind = if total <= FAST_PATTERN_BYTES {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let longest = patterns.iter().map(|(pattern, _)| pattern.len()).max();
        let forms = patterns.iter().map(|&(_, form)| form).collect();
        let automaton = longest.and_then(|_| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(kind))
                .build(patterns.iter().map(|(pattern, _)| pattern))
                .ok()
        });
        Self {
            automaton,
            forms,
            longest: longest.unwrap_or(0),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// Whether one of the values stands in the text as it is, without undoing any escapes.
    pub(super) fn is_in(&self, text: &[u8], budget: &mut Budget<'_>) -> Result<bool, Fault> {
        let mut found = false;
        self.each(text, budget, |_, _| found = true)?;
        Ok(found)
    }

    /// Marks every value in the text, written plainly, escaped as JSON does it, or with percent codes.
    pub(super) fn mark(
        &self,
        text: &[u8],
        spans: &mut Spans,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        if self.is_empty() {
            return Ok(());
        }
        self.each(text, budget, |start, end| {
            spans.add(start..end, Kind::Secret);
        })?;
        if views::applies(View::Percent, text) {
            let seen = views::decoded(View::Percent, text);
            let mut found = Vec::new();
            self.each(&seen, budget, |start, end| found.push(start..end))?;
            for at in views::origins(View::Percent, text, found) {
                spans.add(at, Kind::Secret);
            }
        }
        Ok(())
    }

    fn each(
        &self,
        text: &[u8],
        budget: &mut Budget<'_>,
        mut found: impl FnMut(usize, usize),
    ) -> Result<(), Fault> {
        let Some(automaton) = &self.automaton else {
            // Values that could not be made into an automaton must not pass unseen.
            return if self.longest == 0 {
                Ok(())
            } else {
                Err(Fault::Unreadable)
            };
        };
        let mut from = 0;
        loop {
            let end = text.len().min(from + CHUNK + self.longest);
            let chunk = text.get(from..end).unwrap_or_default();
            budget.spend(chunk.len())?;
            for hit in automaton.find_iter(chunk) {
                let (start, end) = (from + hit.start(), from + hit.end());
                match self.forms.get(hit.pattern().as_usize()) {
                    Some(Form::Base64) => found(
                        run_back(text, start, 3, is_base64),
                        run(text, end, 3, is_base64),
                    ),
                    Some(Form::Plain) | None => found(start, end),
                }
            }
            if end == text.len() {
                return Ok(());
            }
            from += CHUNK;
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn add_forms(value: &[u8], patterns: &mut BTreeSet<(Vec<u8>, Form)>) {
    if value.len() < MIN_BYTES {
        return;
    }
    let mut plain = |pattern: Vec<u8>| {
        patterns.insert((pattern, Form::Plain));
    };
    plain(value.to_vec());
    if let Ok(text) = std::str::from_utf8(value) {
        let quoted = serde_json::Value::from(text).to_string();
        plain(quoted.trim_matches('"').as_bytes().to_vec());
    }
    plain(
        value
            .iter()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .collect(),
    );
    plain(
        value
            .iter()
            .flat_map(|byte| format!("{byte:02X}").into_bytes())
            .collect(),
    );
    plain(percent(value, "%20", b"-._~"));
    plain(percent(value, "+", b"-._~/"));
    for alphabet in [STANDARD, URL] {
        for offset in 0..3 {
            let pattern = base64_inside(value, offset, alphabet);
            if pattern.len() >= MIN_BYTES {
                patterns.insert((pattern, Form::Base64));
            }
        }
    }
}

fn percent(value: &[u8], space: &str, kept: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() * 3);
    for &byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(byte),
            _ if kept.contains(&byte) => out.push(byte),
            b' ' => out.extend_from_slice(space.as_bytes()),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

/// The characters that are certain when the value stands `offset` bytes after a multiple of three.
fn base64_inside(value: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
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
    (first..last)
        .map(|place| {
            let sextet = (0..6).fold(0, |sextet, step| sextet << 1 | bit(place * 6 + step));
            alphabet[usize::from(sextet)]
        })
        .collect()
}

/// Parts of a value that are secrets of their own.
fn parts(value: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    parts.extend(password_of_address(value));
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    if value.contains(&b'\n') {
        let telling = lines.filter(|line| line.len() >= 20 && !line.starts_with(b"-----"));
        parts.extend(telling.map(<[u8]>::to_vec));
    }
    if let Ok(document) = serde_json::from_slice::<serde_json::Value>(value) {
        add_texts(&document, &mut parts);
    }
    parts
}

fn password_of_address(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password.as_bytes().to_vec())
}

/// The texts of a JSON document that look like keys. The reader that made the document bounds its depth.
fn add_texts(document: &serde_json::Value, parts: &mut Vec<Vec<u8>>) {
    match document {
        serde_json::Value::String(text) => {
            let telling = text.len() >= 16 && super::bytes::entropy(text.as_bytes()) >= 37;
            if telling && !text.contains("://") && !text.contains(' ')
                || text.contains("-----BEGIN")
            {
                parts.push(text.as_bytes().to_vec());
                let lines = text
                    .lines()
                    .filter(|line| line.len() >= 20 && !line.starts_with("-----"));
                parts.extend(lines.map(|line| line.as_bytes().to_vec()));
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| add_texts(item, parts)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|item| add_texts(item, parts))
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}
