//! What a text is with the marked parts cut out: the one way in which the tests of the markers look.

use super::budget::{Budget, Fault, Time};
use super::span::{Redactions, Spans};

/// Marks with the given marker, without a limit on time, and cuts.
pub(super) fn cut_by(
    mark: impl FnOnce(&[u8], &mut Spans, &mut Budget<'_>) -> Result<(), Fault>,
    text: &str,
) -> String {
    let mut spans = Spans::default();
    let mut budget = Budget::new(&|| Time::Left);
    mark(text.as_bytes(), &mut spans, &mut budget).unwrap();
    String::from_utf8(spans.cut(text.as_bytes(), &mut Redactions::default())).unwrap()
}
