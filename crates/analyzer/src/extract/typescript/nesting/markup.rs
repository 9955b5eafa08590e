//! Elements between expressions: what is text in them, and what is code.

use super::{Before, Level, Scan, TooDeep, is_name};

/// A tag that is being read.
pub(super) struct Tag {
    kind: Kind,
    /// Open `<` of its types.
    angles: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Opening,
    Closing,
}

impl Tag {
    fn of(kind: Kind) -> Self {
        Self { kind, angles: 0 }
    }
}

impl Scan<'_> {
    /// The tag that begins with the `<` here, if the parser would read one and not the types of a function.
    pub(super) fn element(&self) -> Result<Option<Tag>, TooDeep> {
        let after = |mut at: usize| {
            while self.peek(at).is_ascii_whitespace() {
                at += 1;
            }
            at
        };
        let begin = after(1);
        let first = self.peek(begin);
        if first != b'>' && first != b'/' && !is_name(first) {
            return Ok(None);
        }
        let mut at = begin;
        while is_name(self.peek(at)) {
            at += 1;
        }
        let word = self.bytes.get(self.at + begin..self.at + at);
        let next = after(at);
        let rest = self.bytes.get(self.at + next..).unwrap_or_default();
        let extends = rest.strip_prefix(b"extends").is_some_and(|rest| {
            let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
            next.is_some_and(|byte| !matches!(byte, b'=' | b'>' | b'/'))
                && rest.first().is_some_and(u8::is_ascii_whitespace)
        });
        let is_generic = (first != b'>' && matches!(rest.first(), Some(b',' | b'=')))
            || extends
            || (word == Some(b"const") && rest.first().is_some_and(|byte| is_name(*byte)));
        // The types of a function whose type this is, or an element whose text begins with a bracket.
        let either = first != b'>' && rest.first() == Some(&b'>') && {
            let after = rest.get(1..).unwrap_or_default();
            after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'(')
        };
        // Comments between the two hide which it is.
        let hidden = rest.starts_with(b"/*") || rest.starts_with(b"//");
        if either || hidden {
            return Err(TooDeep);
        }
        Ok((!is_generic).then_some(Tag::of(Kind::Opening)))
    }

    /// One step through a tag.
    pub(super) fn tag(&mut self) -> Result<(), TooDeep> {
        let Some(Level::Tag(tag)) = self.levels.last() else {
            return Ok(());
        };
        let (kind, angles) = (tag.kind, tag.angles);
        match (self.peek(0), self.peek(1)) {
            (b'"' | b'\'' | b'`', _) if angles > 0 => return Err(TooDeep),
            (quote @ (b'"' | b'\''), _) => {
                let text = self.rest().get(1..).unwrap_or_default();
                let ends = text.iter().position(|byte| *byte == quote);
                self.at += ends.map_or(text.len(), |at| at + 1);
                self.at += 1;
            }
            (b'{', _) => self.open(b'{'),
            (b'/', b'/') => self.skip_line(),
            (b'/', b'*') => self.skip_comment(),
            (b'/', _) if kind == Kind::Opening && angles == 0 && self.closes() => {
                self.levels.pop();
                self.turned(Before::Operand);
            }
            (b'=', b'>') => return Err(TooDeep),
            (b'=', _) => {
                self.at += 1;
                while self.peek(0).is_ascii_whitespace() {
                    self.at += 1;
                }
                if self.peek(0) == b'<' {
                    self.at += 1;
                    self.levels.push(Level::Tag(Tag::of(Kind::Opening)));
                }
            }
            (b'<', _) => self.types(angles + 1),
            (b'>', _) if angles > 0 => self.types(angles - 1),
            (b'>', _) => {
                self.at += 1;
                self.levels.pop();
                match kind {
                    Kind::Opening => self.levels.push(Level::Children),
                    Kind::Closing => {
                        self.levels.pop();
                        self.turned(Before::Operand);
                    }
                }
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    fn types(&mut self, angles: usize) {
        self.at += 1;
        if let Some(Level::Tag(tag)) = self.levels.last_mut() {
            tag.angles = angles;
        }
    }

    /// Passes the end of an element without children.
    fn closes(&mut self) -> bool {
        let mut at = 1;
        while self.peek(at).is_ascii_whitespace() {
            at += 1;
        }
        let is_end = self.peek(at) == b'>';
        self.at += if is_end { at + 1 } else { 0 };
        is_end
    }

    /// One step through the text of an element.
    pub(super) fn children(&mut self) -> Result<(), TooDeep> {
        match self.peek(0) {
            b'{' => self.open(b'{'),
            b'<' => {
                self.at += 1;
                while self.peek(0).is_ascii_whitespace() {
                    self.at += 1;
                }
                let kind = match (self.peek(0), self.peek(1)) {
                    (b'/', b'/' | b'*') => return Err(TooDeep),
                    (b'/', _) => {
                        self.at += 1;
                        Kind::Closing
                    }
                    _ => Kind::Opening,
                };
                self.levels.push(Level::Tag(Tag::of(kind)));
            }
            _ => self.at += 1,
        }
        Ok(())
    }
}
