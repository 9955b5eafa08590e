//! What is to be removed from a text, and the text without it.

use std::ops::Range;

/// Kinds of text that don't leave. Where two overlap, the earlier one names what is left in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A credential: an exact value, or what looks like one.
    Secret,
    /// Frames of a stack trace and the source lines shown with them.
    Stack,
    /// A database statement or its parameters.
    Sql,
    /// A value that a database quotes from a row.
    Value,
    /// A host inside a network, or a host with its port.
    Address,
    /// The version of a library or runtime, or a link that carries one.
    Version,
    /// The folders in front of the last component of an absolute path.
    Path,
}

impl Kind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Secret,
        Self::Stack,
        Self::Sql,
        Self::Value,
        Self::Address,
        Self::Version,
        Self::Path,
    ];

    /// The name used in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Stack => "stack",
            Self::Sql => "sql",
            Self::Value => "value",
            Self::Address => "address",
            Self::Version => "version",
            Self::Path => "path",
        }
    }

    /// What stands in its place.
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::Secret => "[secret removed]",
            Self::Stack => "[stack removed]",
            Self::Sql => "[sql removed]",
            Self::Value => "[value removed]",
            Self::Address => "[address removed]",
            Self::Version => "[version removed]",
            Self::Path => "",
        }
    }
}

/// How often each kind was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redactions {
    counts: [u32; Kind::ALL.len()],
}

impl Redactions {
    /// How often this kind was removed.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u32 {
        self.counts[kind as usize]
    }

    /// How many pieces were removed.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// The kinds that were removed, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u32)> + '_ {
        Kind::ALL
            .into_iter()
            .map(|kind| (kind, self.of(kind)))
            .filter(|&(_, count)| count > 0)
    }

    pub(super) fn add(&mut self, kind: Kind) {
        let count = &mut self.counts[kind as usize];
        *count = count.saturating_add(1);
    }
}

/// Pieces of one text, in any order.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pieces: Vec<(Range<usize>, Kind)>,
}

impl Spans {
    pub(super) fn add(&mut self, at: Range<usize>, kind: Kind) {
        if at.start < at.end {
            self.pieces.push((at, kind));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// All pieces, in any order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Range<usize>, Kind)> + '_ {
        self.pieces.iter().map(|(at, kind)| (at.clone(), *kind))
    }

    /// Takes the pieces of another.
    pub(super) fn take(&mut self, mut other: Self) {
        self.pieces.append(&mut other.pieces);
    }

    /// The pieces of each kind that there is.
    pub(super) fn by_kind(&self) -> impl Iterator<Item = (Kind, Vec<Range<usize>>)> {
        Kind::ALL.into_iter().filter_map(|kind| {
            let of_kind = self.pieces.iter().filter(|(_, other)| *other == kind);
            let ranges: Vec<Range<usize>> = of_kind.map(|(at, _)| at.clone()).collect();
            (!ranges.is_empty()).then_some((kind, ranges))
        })
    }

    /// The text without the pieces. Overlapping pieces count as one. Cuts inside of a character move outward.
    pub(super) fn cut(mut self, text: &[u8], redactions: &mut Redactions) -> Vec<u8> {
        for (at, _) in &mut self.pieces {
            at.start = boundary_down(text, at.start.min(text.len()));
            at.end = boundary_up(text, at.end.min(text.len()));
        }
        self.pieces
            .sort_unstable_by_key(|(at, kind)| (at.start, at.end, *kind));
        let mut out = Vec::with_capacity(text.len());
        let mut copied = 0;
        let mut pieces = self.pieces.into_iter().peekable();
        while let Some((mut at, mut kind)) = pieces.next() {
            while let Some((next, next_kind)) = pieces.next_if(|(next, _)| next.start < at.end) {
                at.end = at.end.max(next.end);
                kind = kind.min(next_kind);
            }
            out.extend_from_slice(text.get(copied..at.start).unwrap_or_default());
            out.extend_from_slice(kind.token().as_bytes());
            redactions.add(kind);
            copied = at.end;
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        out
    }
}

fn is_inside_character(text: &[u8], at: usize) -> bool {
    matches!(text.get(at), Some(0x80..=0xbf))
}

fn boundary_down(text: &[u8], mut at: usize) -> usize {
    let floor = at.saturating_sub(3);
    while at > floor && is_inside_character(text, at) {
        at -= 1;
    }
    at
}

fn boundary_up(text: &[u8], mut at: usize) -> usize {
    let ceiling = at + 3;
    while at < ceiling && is_inside_character(text, at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, pieces: &[(Range<usize>, Kind)]) -> (String, Redactions) {
        let mut spans = Spans::default();
        for (at, kind) in pieces {
            spans.add(at.clone(), *kind);
        }
        let mut redactions = Redactions::default();
        let out = spans.cut(text.as_bytes(), &mut redactions);
        (String::from_utf8(out).unwrap(), redactions)
    }

    #[test]
    fn overlapping_pieces_are_one_and_the_gravest_names_it() {
        let (out, counts) = cut(
            "0123456789",
            &[(4..6, Kind::Secret), (1..5, Kind::Path), (8..9, Kind::Sql)],
        );
        assert_eq!(out, "0[secret removed]67[sql removed]9");
        assert_eq!(counts.total(), 2);
        assert_eq!(
            counts.iter().collect::<Vec<_>>(),
            [(Kind::Secret, 1), (Kind::Sql, 1)]
        );
    }

    #[test]
    fn touching_pieces_stay_apart_and_empty_ones_are_none() {
        let (out, _) = cut(
            "abcd",
            &[(1..2, Kind::Path), (2..3, Kind::Value), (3..3, Kind::Sql)],
        );
        assert_eq!(out, "a[value removed]d");
    }

    #[test]
    fn a_cut_inside_of_a_character_takes_all_of_it() {
        let (out, _) = cut("a水b", &[(2..3, Kind::Path)]);
        assert_eq!(out, "ab");
        assert_eq!(cut("ab", &[(1..99, Kind::Path)]).0, "a");
    }

    #[test]
    fn names_are_the_documented_ones() {
        let names = Kind::ALL.map(Kind::name);
        assert_eq!(
            names,
            [
                "secret", "stack", "sql", "value", "address", "version", "path"
            ]
        );
    }
}
