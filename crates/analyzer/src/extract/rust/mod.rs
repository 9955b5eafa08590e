//! Facts of Rust files: `syn` parses, this module reduces its tree.
//!
//! What `syn` does not see: the tokens of macros. Those that carry flow (`select!`, `matches!`, `json!`, formatting and
//! logging macros) have a reading of their own; the arguments of others are read as expressions or statements where they are such.
//! Code that is not in a release for Linux (`#[cfg(windows)]`, `#[cfg(not(unix))]`, `#[cfg(test)]`, `#[test]`) is left out.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a parser's tree has dozens of forms that mean the same here: not of interest"
)]

mod attributes;
mod exprs;
mod flow;
mod format;
mod items;
mod lexer;
mod macros;
mod paths;
mod patterns;
mod select;
mod stmts;
mod tokens;
mod types;
mod uses;

use std::borrow::Cow;

use super::Source;
use super::build::Build;
use crate::facts::{Block, Class, ClassId, Expr, FileFacts, FnId, Lines, Name, Span, VarId, Why};

/// Reads one file.
pub fn extract(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    let unread = |why| FileFacts::unread(source.path.clone(), source.language, bytes, why);
    if lexer::has_long_run(source.text) {
        return unread(Why::TooDeep);
    }
    let facts = match syn::parse_file(&without_shebang(source.text)) {
        Ok(file) => {
            let mut facts = Lower::new(source).file(&file);
            facts.comments = lexer::comments(source.text, &Lines::of(source.text));
            facts
        }
        Err(error) => {
            let line = u32::try_from(error.span().start().line).unwrap_or(u32::MAX);
            unread(Why::Syntax(line, error.to_string()))
        }
    };
    proc_macro2::extra::invalidate_current_thread_spans();
    facts
}

/// The text with a byte order mark and a `#!` line blanked, so that offsets stay.
fn without_shebang(text: &str) -> Cow<'_, str> {
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = rest.lines().next().unwrap_or("");
    let is_shebang = first.starts_with("#!") && !first[2..].trim_start().starts_with('[');
    let keep = if is_shebang {
        &rest[first.len()..]
    } else {
        rest
    };
    if keep.len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!(
        "{:width$}{keep}",
        "",
        width = text.len() - keep.len()
    ))
}

/// The reduction of one file.
struct Lower {
    build: Build,
    /// The types whose `impl` blocks are being read.
    selves: Vec<Expr>,
    /// Names of the first alternative of an or-pattern; the others bind the same variables.
    alternatives: Option<Vec<(Name, VarId)>>,
}

/// What becomes of the last value of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// It is of no use.
    Drop,
    /// It leaves the function.
    Return,
    /// It is the value of the flow expression around.
    Value,
}

impl Lower {
    fn new(source: &Source<'_>) -> Self {
        Self {
            build: Build::new(source),
            selves: Vec::new(),
            alternatives: None,
        }
    }

    fn file(mut self, file: &syn::File) -> FileFacts {
        let mut body = Block::new();
        self.items(file.items.iter().collect::<Vec<_>>().as_slice(), &mut body);
        if let Some(module) = self.build.function_mut(FnId::MODULE) {
            module.body = body;
        }
        let has_main = |name: &Name| &**name == "main";
        self.build.facts.is_program = self.build.facts.functions.iter().any(|function| {
            has_main(&function.name)
                && function.class.is_none()
                && function.parent == Some(FnId::MODULE)
        });
        self.build.facts
    }

    fn span(&self, span: proc_macro2::Span) -> Span {
        let range = span.byte_range();
        self.build
            .lines
            .span(offset(range.start), offset(range.end))
    }

    /// The class record of a type of this file.
    fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.build.class_mut(id)
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
