//! One text through all detectors.

use std::borrow::Cow;

use super::budget::{Budget, Fault, MAX_MESSAGE_BYTES};
use super::bytes::entropy;
use super::exact::Values;
use super::settings::Profile;
use super::span::{Redactions, Spans};
use super::{address, path, secret, sql, stack, version};

/// A run of this many bytes of base64 is a blob: only exact values are looked for in it.
const BLOB: usize = 1024;

/// What is looked for in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Exact values.
    Exact,
    /// And what looks like a credential.
    Secrets,
    /// And whatever tells of the inside of a server.
    All,
}

/// The text without what must not leave, or nothing if it is clean. Invalid UTF-8 is taken as it is.
pub(super) fn clean(
    text: &[u8],
    depth: Depth,
    profile: Profile,
    values: &Values,
    redactions: &mut Redactions,
    budget: &mut Budget<'_>,
) -> Result<Option<Vec<u8>>, Fault> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(Fault::TooLong);
    }
    budget.spend(text.len().min(64))?;
    let mut spans = Spans::default();
    values.mark(text, &mut spans, budget)?;
    if depth != Depth::Exact && !is_blob(text) {
        secret::mark(text, &mut spans, budget)?;
    }
    if depth == Depth::All && !is_blob(text) {
        stack::mark(text, &mut spans, budget)?;
        sql::mark(text, &mut spans, budget)?;
        version::mark_links(text, &mut spans, budget)?;
        path::mark(text, &mut spans, budget)?;
        address::mark(text, &mut spans, budget)?;
        address::mark_introduced(text, &mut spans, budget)?;
        address::mark_port_words(text, &mut spans);
        if profile == Profile::Strict {
            version::mark_numbers(text, &mut spans, budget)?;
        }
    }
    Ok((!spans.is_empty()).then(|| spans.cut(text, redactions)))
}

/// At most so many bytes, at the end of a character, and a sign that there was more.
pub(super) fn capped(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    let mut end = most.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

fn is_blob(text: &[u8]) -> bool {
    text.len() >= BLOB
        && entropy(text) >= 45
        && text.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
        })
}
