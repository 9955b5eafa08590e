//! Facts of Python files.
//!
//! The tree of the parser is lowered in one walk: [`module`] owns the tables of the file, [`scope`] says which variable a
//! name means, and the rest is one file per group of forms. What Python writes as calls of well-known functions, but means
//! as a form of its own, is lowered to that form: `super()`, `getattr(x, "name")`, `contextlib.suppress`, `"..".format(..)`.
//! `yield x` and `del x` are calls of the globals `yield` and `del`.

mod annotation;
mod bound;
mod call;
mod class;
mod comment;
mod control;
mod expression;
mod function;
mod import;
mod module;
mod nesting;
mod pattern;
mod scope;
mod statement;
#[cfg(test)]
mod tests;
mod text;

use ruff_python_parser::{Mode, ParseOptions};
use ruff_text_size::Ranged;

use super::Source;
use crate::facts::{FileFacts, Lines, Why};

/// Reads one file.
pub fn extract(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    let unread = |why| FileFacts::unread(source.path.clone(), source.language, bytes, why);
    if nesting::check(source.text).is_err() {
        return unread(Why::TooDeep);
    }
    let lines = Lines::of(source.text);
    let parsed = match ruff_python_parser::parse(source.text, ParseOptions::from(Mode::Module)) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = lines.line(error.location.start().to_u32());
            return unread(Why::Syntax(line, error.error.to_string()));
        }
    };
    let comments = comment::all(parsed.tokens(), source.text, &lines);
    let ruff_python_ast::Mod::Module(tree) = parsed.syntax() else {
        return unread(Why::Syntax(1, "not a module".to_owned()));
    };
    let empty = FileFacts::empty(source.path.clone(), source.language, bytes);
    let mut facts = module::lower(empty, &lines, tree);
    facts.functions[0].span = lines.span(0, tree.range().end().to_u32());
    facts.comments = comments;
    facts
}
