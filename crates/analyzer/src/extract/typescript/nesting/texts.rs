//! What is text and no code: comments, strings, templates and regular expressions.

use super::{Before, Bracket, Scan, TooDeep};

/// Most bytes of a line that are looked at to tell a division from a regular expression.
const LONG_LINE: usize = 2_000;

impl Scan<'_> {
    /// A comment, a division or a regular expression.
    pub(super) fn slash(&mut self) -> Result<(), TooDeep> {
        match (self.peek(1), self.before) {
            (b'/', _) => self.skip_line(),
            (b'*', _) => self.skip_comment(),
            (_, Before::Operand | Before::Name) => {
                self.link();
                self.became(Before::Operator);
            }
            (_, Before::Block | Before::Unsure) => {
                if self.hides() {
                    return Err(TooDeep);
                }
                self.link();
                self.became(Before::Unsure);
            }
            _ => self.expression(),
        }
        Ok(())
    }

    /// Whether the line reads differently as a division and as a regular expression.
    fn hides(&self) -> bool {
        let rest = self.rest().get(1..).unwrap_or_default();
        let rest = rest.get(..rest.len().min(LONG_LINE)).unwrap_or_default();
        let ends = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let line = rest.get(..ends.unwrap_or(rest.len())).unwrap_or_default();
        if line.len() == LONG_LINE {
            return true;
        }
        line.contains(&b'/') && line.iter().any(|byte| b"'\"`()[]{}<*".contains(byte))
    }

    /// A regular expression with its flags.
    pub(super) fn expression(&mut self) {
        self.at += 1;
        let mut class = 0;
        loop {
            match self.peek(0) {
                b'\\' if !matches!(self.peek(1), b'\n' | b'\r') => self.at += 1,
                b'[' => class = 1,
                b']' => class = 0,
                b'/' if class == 0 => break,
                0 | b'\n' | b'\r' => break,
                0xE2 if self.separates() => break,
                _ => {}
            }
            if self.at >= self.bytes.len() {
                break;
            }
            self.at += 1;
        }
        self.at += 1;
        while self.peek(0).is_ascii_alphanumeric() {
            self.at += 1;
        }
        self.operand();
    }

    pub(super) fn template(&mut self) {
        match self.peek(0) {
            b'\\' => self.at += 2,
            b'`' => {
                self.levels.pop();
                self.at += 1;
                self.turned(Before::Operand);
            }
            b'$' if self.peek(1) == b'{' => {
                self.at += 2;
                self.enter(Bracket::Substitution);
                self.turned(Before::Operator);
            }
            _ => self.at += 1,
        }
    }

    /// A string, which ends with its line.
    pub(super) fn string(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => {
                    let both = self.peek(1) == b'\r' && self.peek(2) == b'\n';
                    self.at += if both { 2 } else { 1 };
                }
                byte if byte == quote => break,
                b'\n' | b'\r' => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
    }

    pub(super) fn skip_line(&mut self) {
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\n' | b'\r' => break,
                0xE2 if self.separates() => break,
                _ => self.at += 1,
            }
        }
    }

    pub(super) fn skip_comment(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() && !self.rest().starts_with(b"*/") {
            self.at += 1;
        }
        self.at += 2;
    }

    /// The bytes of a blank that is not of ASCII, if one is here.
    pub(super) fn blank(&self) -> usize {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (0xC2, 0x85 | 0xA0, _) => 2,
            (0xE1, 0x9A, 0x80)
            | (0xE2, 0x80, 0x80..=0x8B | 0xA8 | 0xA9 | 0xAF)
            | (0xE2, 0x81, 0x9F)
            | (0xE3, 0x80, 0x80)
            | (0xEF, 0xBB, 0xBF) => 3,
            _ => 0,
        }
    }

    /// Whether one of the two separators of lines that are no controls is here.
    fn separates(&self) -> bool {
        self.peek(1) == 0x80 && matches!(self.peek(2), 0xA8 | 0xA9)
    }

    pub(super) fn begins_line(&self) -> bool {
        let before = self.bytes.get(..self.at).unwrap_or_default();
        let last = before
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\t'));
        last.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'/' | 0x80..))
    }
}
