//! Comments.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::Ranged;

use crate::facts::{Comment, Lines, Name};

/// Every comment of the file.
pub(super) fn all(tokens: &Tokens, text: &str, lines: &Lines) -> Vec<Comment> {
    tokens
        .iter()
        .filter(|token| token.kind() == TokenKind::Comment)
        .map(|token| {
            let (start, end) = (token.start().to_u32(), token.end().to_u32());
            Comment {
                span: lines.span(start, end),
                text: Name::from(text[token.range()].trim_start_matches('#').trim()),
            }
        })
        .collect()
}
