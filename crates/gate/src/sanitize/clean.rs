//! One text through all detectors.

use std::borrow::Cow;

use dropgate_wire::edit::{self, Change, Scalar};

use super::budget::{Budget, Fault, MAX_MESSAGE_BYTES};
use super::bytes::entropy;
use super::exact::Values;
use super::settings::Profile;
use super::span::{Redactions, Spans};
use super::views::{self, View};
use super::{address, path, pieces, secret, sql, stack, version};

/// A run of this many bytes of base64 is a blob: only exact values are looked for in it.
const BLOB: usize = 1024;
/// How often a text may have been put into JSON, or into a string of some language.
const MAX_LAYERS: usize = 3;

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
    let search = Search {
        depth,
        profile,
        values,
    };
    search.clean(text, 0, redactions, budget)
}

#[derive(Clone, Copy)]
struct Search<'v> {
    depth: Depth,
    profile: Profile,
    values: &'v Values,
}

impl Search<'_> {
    fn clean(
        self,
        text: &[u8],
        layer: usize,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Fault::TooLong);
        }
        budget.spend(text.len().min(64))?;
        if self.depth == Depth::All && layer < MAX_LAYERS && looks_like_json(text) {
            budget.spend(text.len())?;
            if edit::is_container(text) {
                return self.clean_document(text, layer, redactions, budget);
            }
        }
        let mut spans = Spans::default();
        self.mark(text, &mut spans, budget)?;
        self.mark_escaped(text, &mut spans, budget)?;
        Ok((!spans.is_empty()).then(|| spans.cut(text, redactions)))
    }

    /// A text that is a JSON document: text by text, so that it stays one. What can only be told from a name and its
    /// value together is looked for in the whole.
    fn clean_document(
        self,
        text: &[u8],
        layer: usize,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let mut edits = Vec::new();
        let mut after_pointer = None;
        edit::scalars(text, 0..text.len(), &mut edits, |scalar| {
            let names_pointer = after_pointer.take();
            let inner = match scalar {
                Scalar::Key(name) => {
                    after_pointer = is_pointer_name(&name).then_some(());
                    return Ok(Change::Keep);
                }
                Scalar::Number(_) => return Ok(Change::Keep),
                Scalar::Text(inner) => inner,
            };
            if names_pointer.is_some() && path::is_pointer(inner.as_bytes()) {
                return Ok(Change::Keep);
            }
            let cleaned = self.clean(inner.as_bytes(), layer + 1, redactions, budget)?;
            Ok(cleaned.map_or(Change::Keep, |cleaned| {
                Change::Replace(String::from_utf8_lossy(&cleaned).into_owned())
            }))
        })
        .map_err(Fault::of_walk)?;
        let changed = if edits.is_empty() {
            None
        } else {
            Some(edit::edited(text, edits).ok_or(Fault::Unreadable)?)
        };
        let whole = Search {
            depth: Depth::Secrets,
            ..self
        };
        let again = whole.clean(
            changed.as_deref().unwrap_or(text),
            layer,
            redactions,
            budget,
        )?;
        Ok(again.or(changed))
    }

    /// Looks at the text as a reader would who undoes its escapes once, twice, and so on: a text that was put into JSON
    /// is escaped, and that JSON may have been put into JSON again.
    fn mark_escaped(
        &self,
        text: &[u8],
        spans: &mut Spans,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        let mut layers: Vec<Vec<u8>> = Vec::new();
        for _ in 0..MAX_LAYERS {
            let above = layers.last().map_or(text, Vec::as_slice);
            if !views::applies(View::Backslash, above) {
                return Ok(());
            }
            budget.spend(above.len())?;
            let below = views::decoded(View::Backslash, above).into_owned();
            if below == above {
                return Ok(());
            }
            let mut found = Spans::default();
            let escapes = views::escapes(View::Backslash, above);
            self.mark_below(&below, &escapes, &mut found, budget)?;
            for (kind, mut ranges) in found.by_kind() {
                for layer in layers.iter().rev().map(Vec::as_slice).chain([text]) {
                    budget.spend(layer.len())?;
                    ranges = views::origins(View::Backslash, layer, ranges);
                }
                ranges.into_iter().for_each(|at| spans.add(at, kind));
            }
            layers.push(below);
        }
        Ok(())
    }

    fn mark(&self, text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
        self.values.mark(text, spans, budget)?;
        if self.depth == Depth::Exact || is_blob(text) {
            return Ok(());
        }
        if self.depth == Depth::All {
            stack::mark(text, spans, budget)?;
        }
        self.mark_nearby(text, spans, budget)
    }

    /// As [`Search::mark`], of a text whose escapes were undone at these places, ascending. The text
    /// above it was marked already, and the two differ only there: what is told from a few lines is
    /// looked for around the escapes.
    fn mark_below(
        &self,
        text: &[u8],
        escapes: &[usize],
        spans: &mut Spans,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        self.values.mark(text, spans, budget)?;
        if self.depth == Depth::Exact || is_blob(text) {
            return Ok(());
        }
        if self.depth == Depth::All {
            stack::mark(text, spans, budget)?;
        }
        let mut found = Spans::default();
        for piece in pieces::around(text, escapes) {
            let mut here = Spans::default();
            let part = text.get(piece.clone()).unwrap_or_default();
            self.mark_nearby(part, &mut here, budget)?;
            for (at, kind) in here.iter() {
                let at = piece.start + at.start..piece.start + at.end;
                if pieces::may_go_on(text, &piece, &at) {
                    return self.mark_nearby(text, spans, budget);
                }
                found.add(at, kind);
            }
        }
        spans.take(found);
        Ok(())
    }

    /// What is told from the text around it, of a few lines at most but for statements and blocks of
    /// keys.
    fn mark_nearby(
        &self,
        text: &[u8],
        spans: &mut Spans,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        secret::mark(text, spans, budget)?;
        if self.depth == Depth::Secrets {
            return Ok(());
        }
        sql::mark(text, spans, budget)?;
        version::mark_links(text, spans, budget)?;
        path::mark(text, spans, budget)?;
        address::mark(text, spans, budget)?;
        address::mark_introduced(text, spans, budget)?;
        address::mark_port_words(text, spans);
        if self.profile == Profile::Strict {
            version::mark_numbers(text, spans, budget)?;
        }
        Ok(())
    }
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

fn looks_like_json(text: &[u8]) -> bool {
    matches!(
        (text.trim_ascii().first(), text.trim_ascii().last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    )
}

/// Names under which validators give a place in the document that they checked.
fn is_pointer_name(name: &str) -> bool {
    matches!(
        name,
        "instancePath"
            | "dataPath"
            | "schemaPath"
            | "pointer"
            | "instanceLocation"
            | "keywordLocation"
    )
}

fn is_blob(text: &[u8]) -> bool {
    text.len() >= BLOB
        && entropy(text) >= 45
        && text.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
        })
}
