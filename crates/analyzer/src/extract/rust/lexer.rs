//! Comments of a Rust text, and how deep its expressions can be, without a parse.

use crate::facts::{Comment, Lines, Name};

/// Most tokens that one expression may have, counted over all brackets it stands in:
/// what a parser that recurses over prefixes and chains can be made to recurse to.
const MAX_RUN: usize = 20_000;

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Comment,
    Word,
    Literal,
    Punct(u8),
}

/// All comments, without their marks.
pub(super) fn comments(text: &str, lines: &Lines) -> Vec<Comment> {
    let mut all = Vec::new();
    Pieces::of(text).for_each(|(piece, start, end)| {
        if piece == Piece::Comment {
            let span = lines.span(offset(start), offset(end));
            let marks = |c: char| c == '/' || c == '!' || c == '*' || c.is_whitespace();
            let inner = text.get(start..end).unwrap_or("").trim_matches(marks);
            all.push(Comment {
                span,
                text: Name::from(inner),
            });
        }
    });
    all
}

/// Whether an expression is too long to be parsed without risk to the stack.
pub(super) fn has_long_run(text: &str) -> bool {
    let mut open = vec![0_usize];
    let mut run = 0_usize;
    let mut after_brace = false;
    for (piece, start, end) in Pieces::of(text) {
        let ends = match piece {
            Piece::Comment => continue,
            Piece::Word => after_brace && text.get(start..end) != Some("else"),
            Piece::Literal => after_brace,
            Piece::Punct(byte) => matches!(byte, b';' | b',') || (after_brace && byte == b'#'),
        };
        let top = open.last_mut();
        if let (true, Some(top)) = (ends, top) {
            run -= *top;
            *top = 0;
        }
        if let Some(top) = open.last_mut() {
            *top += 1;
            run += 1;
        }
        match piece {
            Piece::Punct(b'(' | b'[' | b'{') => open.push(0),
            Piece::Punct(b')' | b']' | b'}') if open.len() > 1 => {
                run -= open.pop().unwrap_or(0);
            }
            Piece::Punct(_) | Piece::Comment | Piece::Word | Piece::Literal => {}
        }
        after_brace = piece == Piece::Punct(b'}');
        if run > MAX_RUN {
            return true;
        }
    }
    false
}

struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Moves behind the next occurrence of `stop`, or to the end.
    fn past(&mut self, stop: &[u8]) {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        self.at += memchr::memmem::find(rest, stop).map_or(rest.len(), |found| found + stop.len());
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == quote {
                return;
            }
        }
    }

    /// At `r`, `br` or `cr` with this many bytes before the hashes: a raw string, if it is one.
    fn raw(&mut self, prefix: usize) -> bool {
        let hashes = (prefix..).take_while(|at| self.peek(*at) == b'#').count();
        if self.peek(prefix + hashes) != b'"' {
            return false;
        }
        self.at += prefix + hashes + 1;
        let mut stop = vec![b'"'];
        stop.extend(std::iter::repeat_n(b'#', hashes));
        self.past(&stop);
        true
    }

    /// At a quote: a character, or a lifetime.
    fn tick(&mut self) -> Piece {
        if self.peek(1) == b'\\' {
            self.quoted(b'\'');
            return Piece::Literal;
        }
        let width = width_of(self.peek(1));
        if self.peek(1 + width) == b'\'' {
            self.at += width + 2;
            return Piece::Literal;
        }
        self.at += 1;
        self.word();
        Piece::Word
    }

    fn word(&mut self) {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (Piece, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        while self.peek(0).is_ascii_whitespace() {
            self.at += 1;
        }
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let piece = match (first, self.peek(1)) {
            (b'/', b'/') => {
                self.past(b"\n");
                Piece::Comment
            }
            (b'/', b'*') => {
                self.block_comment();
                Piece::Comment
            }
            (b'"', _) => {
                self.quoted(b'"');
                Piece::Literal
            }
            (b'b' | b'c', b'"') => {
                self.at += 1;
                self.quoted(b'"');
                Piece::Literal
            }
            (b'b', b'\'') => {
                self.at += 1;
                self.tick()
            }
            (b'r', b'"' | b'#') if self.raw(1) => Piece::Literal,
            (b'b' | b'c', b'r') if self.raw(2) => Piece::Literal,
            (b'\'', _) => self.tick(),
            (byte, _) if is_word(byte) => {
                self.word();
                Piece::Word
            }
            (byte, _) => {
                self.at += 1;
                Piece::Punct(byte)
            }
        };
        self.at = self.at.min(self.bytes.len());
        Some((piece, start, self.at))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Bytes of the character that begins with this one.
fn width_of(byte: u8) -> usize {
    match byte {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        comments(source, &Lines::of(source))
            .iter()
            .map(|comment| comment.text.to_string())
            .collect()
    }

    #[test]
    fn finds_comments_and_nothing_in_strings() {
        let source = "// one\nlet a = \"// no\"; /* two /* nested */ */ let b = '\"'; // three\nlet r = r#\"/* no \"quote\" */\"#; fn f<'a>(x: &'a str) {} /// four\n";
        assert_eq!(texts(source), ["one", "two /* nested", "three", "four"]);
    }

    #[test]
    fn counts_the_tokens_of_one_expression() {
        let long = format!("fn f() {{ let x = {}1; }}", "1 + ".repeat(MAX_RUN));
        assert!(has_long_run(&long));
        let prefixes = format!("fn f() {{ let x = {}1; }}", "!".repeat(MAX_RUN + 1));
        assert!(has_long_run(&prefixes));
        let chain = format!(
            "fn f() {{ if a {{}} {} }}",
            "else if a {} ".repeat(MAX_RUN / 4)
        );
        assert!(has_long_run(&chain));
        let many = "fn f() { let x = a.b(1, 2); if x { y() } else { z() } }\n".repeat(MAX_RUN);
        assert!(!has_long_run(&many));
    }

    #[test]
    fn an_unclosed_literal_ends_with_the_text() {
        for source in ["\"abc", "r#\"abc", "/* abc", "'", "b'", "\"\\"] {
            assert!(!has_long_run(source));
            let _ = texts(source);
        }
    }
}
