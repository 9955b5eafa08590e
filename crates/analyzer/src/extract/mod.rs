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

/// Runs work that parses on a thread of its own, with the stack that it needs: for callers whose own may be small.
///
/// # Errors
/// The system's, where no thread can be started.
pub fn on_own_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)?;
        worker
            .join()
            .map_err(|_panicked| std::io::Error::other("the thread that reads the source ended"))
    })
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
    // What was cut is not what the author wrote.
    if let Reading::Not(why) = facts.reading {
        return FileFacts::unread(source.path.clone(), source.language, bytes, why);
    }
    debug_assert!(facts.reading != Reading::Whole || !facts.functions.is_empty());
    facts
}
