//! Which lines a comment speaks of.

use crate::facts::{Comment, Lines, Span};

/// Most lines of decorators between a comment and what they decorate.
const MAX_DECORATORS: usize = 20;

/// The lines of one file that hold code.
#[derive(Debug)]
pub(super) struct Code<'t> {
    lines: Vec<&'t str>,
    has_code: Vec<bool>,
}

impl<'t> Code<'t> {
    /// Marks the lines with anything but blanks outside comments.
    pub(super) fn of(text: &'t str, comments: &[Comment]) -> Self {
        let starts = Lines::of(text);
        let mut has_code = vec![false; starts.count() + 2];
        let mut stretches: Vec<Span> = comments.iter().map(|comment| comment.span).collect();
        stretches.sort_unstable();
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        stretches.push(starts.span(end, end));
        let mut from = 0;
        for comment in stretches {
            let between = text.get(index(from)..index(comment.start)).unwrap_or("");
            let first = starts.line(from);
            for (line, part) in (first..).zip(between.split('\n')) {
                if let (false, Some(mark)) = (part.trim().is_empty(), has_code.get_mut(index(line)))
                {
                    *mark = true;
                }
            }
            from = from.max(comment.end);
        }
        Self {
            lines: text.split('\n').collect(),
            has_code,
        }
    }

    /// The lines that a comment is about: its own where code stands on it, else the next with code;
    /// with decorators and attributes also what they decorate.
    pub(super) fn meant(&self, comment: Span) -> Vec<u32> {
        let mut meant = Vec::new();
        let mut at = if self.holds(comment.line) {
            Some(comment.line)
        } else {
            self.next(comment.end_line)
        };
        while let Some(line) = at.filter(|_| meant.len() < MAX_DECORATORS) {
            meant.push(line);
            let text = self.lines.get(index(line) - 1).map_or("", |it| it.trim());
            let decorates = text.starts_with('@') || text.starts_with("#[");
            at = if decorates { self.next(line + 1) } else { None };
        }
        meant
    }

    fn holds(&self, line: u32) -> bool {
        self.has_code.get(index(line)).copied().unwrap_or(false)
    }

    /// The first line with code from a line on.
    fn next(&self, from: u32) -> Option<u32> {
        let count = u32::try_from(self.has_code.len()).unwrap_or(u32::MAX);
        (from..count).find(|line| self.holds(*line))
    }
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Name;

    fn meant(text: &str, comment: &str) -> Vec<u32> {
        let lines = Lines::of(text);
        let comments: Vec<Comment> = text
            .match_indices(comment)
            .map(|(at, found)| {
                let start = u32::try_from(at).unwrap();
                let end = u32::try_from(at + found.len()).unwrap();
                Comment {
                    span: lines.span(start, end),
                    text: Name::from(found),
                }
            })
            .collect();
        Code::of(text, &comments).meant(comments[0].span)
    }

    #[test]
    fn a_comment_is_about_its_line_or_the_next() {
        assert_eq!(meant("a(); //x\nb();\n", "//x"), [1]);
        assert_eq!(meant("//x\n\n//x\nb();\n", "//x"), [4]);
        assert_eq!(meant("/*x*/ b();\nc();", "/*x*/"), [1]);
        assert_eq!(meant("/*x\n*/\nb();", "/*x\n*/"), [3]);
        assert_eq!(meant("/*x\n*/ b();", "/*x\n*/"), [2]);
        assert_eq!(meant("b();\n//x", "//x"), Vec::<u32>::new());
        assert_eq!(
            meant("#x\n@tool()\n@more\ndef f():\n  pass", "#x"),
            [2, 3, 4]
        );
    }
}
