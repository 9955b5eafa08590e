//! From the text of a file to its facts, one extractor per language.
//!
//! An extractor never fails and never panics: a file that it can't read gives facts with [`crate::facts::Reading::Not`].
//! Parsers recurse, so [`extract`] bounds nesting before it calls one; callers run it on threads with [`STACK_BYTES`].

mod bounds;
mod build;
pub mod go;
pub mod manifest;
pub mod python;
pub mod rust;
pub mod typescript;

use crate::facts::{FileFacts, Language, Name, Reading};

pub use bounds::{MAX_FILE_BYTES, STACK_BYTES};

/// A file to be read.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Relative to the root of the analysis, with `/`.
    pub path: Name,
    /// Its language.
    pub language: Language,
    /// Its text.
    pub text: &'a str,
}

/// Reads one file.
pub fn extract(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    if let Some(why) = bounds::refuse(source) {
        return FileFacts::unread(source.path.clone(), source.language, bytes, why);
    }
    let facts = match source.language {
        Language::TypeScript => typescript::extract(source),
        Language::Python => python::extract(source),
        Language::Rust => rust::extract(source),
        Language::Go => go::extract(source),
    };
    debug_assert!(facts.reading != Reading::Whole || !facts.functions.is_empty());
    facts
}
