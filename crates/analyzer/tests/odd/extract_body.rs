//! What must hold for any text that is taken for a source. The fuzz target and the tests run this body.

use dropgate_analyzer::extract::{Source, extract};
use dropgate_analyzer::facts::{FileFacts, Language, Name};

/// Reads a text, which must not panic, and must tell places that are there.
pub(crate) fn read(language: Language, text: &str) -> FileFacts {
    let facts = extract(&Source {
        path: Name::from(format!("a.{}", language.short())),
        language,
        text,
    });
    let end = u32::try_from(text.len()).expect("a short text");
    for function in &facts.functions {
        let span = function.span;
        assert!(span.start <= span.end && span.end <= end, "{span:?}");
        assert!(span.line <= span.end_line, "{span:?}");
        if let Some(parent) = function.parent {
            assert!(usize::try_from(parent.0).is_ok_and(|at| at < facts.functions.len()));
        }
    }
    facts
}
