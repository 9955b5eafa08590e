//! Where a piece of source stands.

/// A stretch of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte, from 0.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Line of the last byte, from 1.
    pub end_line: u32,
}

impl Span {
    /// Whether the other stretch lies inside this one.
    pub fn holds(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Stretches of one file, to ask whether any of them holds a place.
#[derive(Debug, Clone, Default)]
pub struct Cover {
    /// By their starts; behind each the last end of it and those before it.
    ends: Vec<(u32, u32)>,
}

impl Cover {
    /// Whether a stretch lies inside any of these.
    pub fn holds(&self, span: Span) -> bool {
        let before = self.ends.partition_point(|(start, _)| *start <= span.start);
        let last = before.checked_sub(1).and_then(|at| self.ends.get(at));
        last.is_some_and(|(_, end)| *end >= span.end)
    }
}

impl FromIterator<Span> for Cover {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut ends: Vec<(u32, u32)> = spans
            .into_iter()
            .map(|span| (span.start, span.end))
            .collect();
        ends.sort_unstable();
        let mut last = 0;
        for (_, end) in &mut ends {
            last = last.max(*end);
            *end = last;
        }
        Self { ends }
    }
}

/// Line starts of a text, to turn byte offsets into lines.
#[derive(Debug, Clone)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Scans the text once.
    pub fn of(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            memchr::memchr_iter(b'\n', text.as_bytes())
                .map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)),
        );
        Self { starts }
    }

    /// Line of a byte, from 1.
    pub fn line(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// The span between two byte offsets; `end` is the byte after the last.
    pub fn span(&self, start: u32, end: u32) -> Span {
        Span {
            start,
            end,
            line: self.line(start),
            end_line: self.line(end.saturating_sub(1).max(start)),
        }
    }

    /// The byte at a line (from 1) and a byte column (from 0), for parsers that give positions in this form.
    pub fn offset(&self, line: u32, column: u32) -> u32 {
        let at = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.starts.get(at).map_or(0, |start| start + column)
    }

    /// A line (from 1) of the text that was scanned, without its end.
    pub fn text<'t>(&self, text: &'t str, line: u32) -> Option<&'t str> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = usize::try_from(*self.starts.get(at)?).ok()?;
        text.get(start..)?.lines().next()
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }
}
