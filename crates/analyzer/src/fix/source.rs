//! A text with its facts, and edits of it.

use crate::facts::{Call, Expr, ExprKind, FileFacts, Span, walk};
use crate::finding::Finding;

/// A file as read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) facts: &'a FileFacts,
    pub(super) text: &'a str,
}

/// A stretch of a text and what comes in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edit {
    start: usize,
    end: usize,
    with: String,
}

impl Edit {
    /// Puts a text in place of a stretch.
    pub(super) fn replace(start: usize, end: usize, with: impl Into<String>) -> Self {
        Self {
            start,
            end,
            with: with.into(),
        }
    }

    /// Puts a text before a byte.
    pub(super) fn insert(at: usize, with: impl Into<String>) -> Self {
        Self::replace(at, at, with)
    }

    /// Whether both can't be made: their stretches overlap.
    pub(super) fn touches(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The text with all edits; `None` where one lies outside. New lines end as the first one does.
pub(super) fn applied(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort();
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in &edits {
        out.push_str(text.get(from..edit.start)?);
        if first.ends_with("\r\n") {
            out.push_str(&edit.with.replace('\n', "\r\n"));
        } else {
            out.push_str(&edit.with);
        }
        from = edit.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

impl<'a> Text<'a> {
    /// The bytes of a finding, and their text.
    pub(super) fn of(&self, finding: &Finding) -> Option<(usize, usize, &'a str)> {
        let start = usize::try_from(finding.bytes.0).ok()?;
        let end = usize::try_from(finding.bytes.1).ok()?;
        Some((start, end, self.text.get(start..end)?))
    }

    /// The text of a stretch.
    pub(super) fn at(&self, span: Span) -> Option<&'a str> {
        self.text.get(offset(span.start)..offset(span.end))
    }

    /// The call that a finding is about.
    pub(super) fn call(&self, finding: &Finding) -> Option<&'a Call> {
        let exact = |span: Span| (span.start, span.end) == finding.bytes;
        self.find(|expr, _| exact(expr.span) || expr.call().is_some() && exact(expr.bare().span))
            .and_then(Expr::call)
    }

    /// The first expression of the file for which `is_it` holds; it is given the expression and its call.
    pub(super) fn find(&self, is_it: impl Fn(&Expr, Option<&Call>) -> bool) -> Option<&'a Expr> {
        let mut found = None;
        for function in &self.facts.functions {
            walk::exprs(&function.body, &mut |expr| {
                let call = if let ExprKind::Call(call) = &expr.kind {
                    Some(&**call)
                } else {
                    None
                };
                if found.is_none() && is_it(expr, call) {
                    found = Some(expr);
                }
            });
        }
        found
    }

    /// The blanks at the beginning of the line of a byte, if nothing else stands before it.
    pub(super) fn indent(&self, at: usize) -> Option<&'a str> {
        let before = self.text.get(..at)?;
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let blank = &before[line..];
        blank.chars().all(char::is_whitespace).then_some(blank)
    }

    /// Whether the statement that begins with this byte is all that an `if` or a loop without
    /// braces has, so that another one after it would be none of it.
    pub(super) fn hangs(&self, at: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default();
        let code = before
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("//"));
        code.is_some_and(|line| {
            let line = line.trim_start_matches('}').trim_start();
            let heads = ["if ", "if(", "for ", "for(", "while ", "while(", "else if"];
            line.ends_with("else")
                || line.ends_with(')') && heads.iter().any(|head| line.starts_with(head))
        })
    }

    /// The byte after a statement that ends with this byte: after its `;`, where only a comment or nothing follows on the line.
    pub(super) fn after_statement(&self, end: usize) -> Option<usize> {
        let rest = self.text.get(end..)?;
        let line = rest.lines().next().unwrap_or_default();
        let tail = line.strip_prefix(';').unwrap_or(line).trim();
        let alone = tail.is_empty() || tail.starts_with("//") || tail.starts_with('#');
        alone.then(|| end + line.len())
    }
}

pub(super) fn offset(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// `return true` and its like turned into a denial, where that is all that stands there.
pub(super) fn denial(start: usize, text: &str, permit: &str, denial: &str) -> Option<Edit> {
    let statement = text.trim_end().trim_end_matches(';').trim_end();
    let before = statement.strip_suffix(permit)?;
    let head = before.trim_end();
    let whole = matches!(head, "" | "return")
        || head.ends_with("??")
        || head.ends_with("||")
        || head.ends_with("unwrap_or(");
    whole.then(|| Edit::replace(start + before.len(), start + statement.len(), denial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_order_and_never_outside() {
        let edits = vec![Edit::replace(2, 3, "X"), Edit::insert(0, "a")];
        assert_eq!(applied("012345", edits).as_deref(), Some("a01X345"));
        let line = vec![Edit::insert(1, "\nb")];
        assert_eq!(
            applied("a\r\nc", line.clone()).as_deref(),
            Some("a\r\nb\r\nc")
        );
        assert_eq!(applied("a\nc", line).as_deref(), Some("a\nb\nc"));
        assert_eq!(applied("0", vec![Edit::insert(2, "a")]), None);
        assert_eq!(applied("é", vec![Edit::insert(1, "a")]), None);
        assert!(Edit::replace(0, 2, "").touches(&Edit::replace(1, 3, "")));
        assert!(!Edit::insert(1, "a").touches(&Edit::insert(1, "b")));
    }

    #[test]
    fn only_a_plain_permit_becomes_a_denial() {
        for (text, mended) in [
            ("return true;", Some("return false;")),
            ("true", Some("false")),
            ("f(x) ?? true", Some("f(x) ?? false")),
            ("return isOpen || x === true;", None),
            ("return { allowed: true };", None),
        ] {
            let edit = denial(0, text, "true", "false");
            let after = edit.and_then(|edit| applied(text, vec![edit]));
            assert_eq!(after.as_deref(), mended, "{text}");
        }
    }
}
