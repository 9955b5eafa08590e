//! How an analysis is written: for people, programs, code hosts and pages. The same analysis always gives the same bytes.

pub mod badge;
pub mod explain;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use std::borrow::Cow;

/// A text of the source without what moves a terminal's cursor or hides text: such characters become `�`.
fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(hidden) {
        Cow::Owned(text.replace(hidden, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same on one line: a name or a message can't begin a line of its own, which some readers of
/// a log obey.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace('\n', " ")
}
