//! The strict grammar of RFC 8259, one forward pass, no recursion.

use std::ops::Range;

use crate::keys::{Escaped, Keys};
use crate::limits::{Direction, Limits};
use crate::nesting::{Container, Nesting};
use crate::specials::Specials;

/// Why a line can't be read any further. Positions are byte offsets into the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Invalid(usize),
    NotUtf8(usize),
    TooDeep,
}

/// A string token: its inside starts at `start` and ends before `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: Escaped,
}

/// A line and how far it has been read.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
    specials: Specials,
    nesting: Nesting,
    keys: Keys,
    direction: Direction,
    duplicate: Option<usize>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(line: &'a [u8], limits: &Limits, direction: Direction) -> Self {
        Self {
            line,
            at: 0,
            specials: Specials::new(),
            nesting: Nesting::new(limits.max_depth),
            keys: Keys::default(),
            direction,
            duplicate: None,
        }
    }

    /// Believes that these bytes of the line hold no quote, no backslash, no control character and nothing outside
    /// ASCII, so that a string need not be searched there again.
    pub(crate) fn knowing(mut self, plain: Range<usize>) -> Self {
        self.specials.skip(plain);
        self
    }

    /// Uses room for keys that is there already, and empty.
    pub(crate) fn reusing(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// The room for keys, for a later line.
    pub(crate) fn into_keys(self) -> Keys {
        self.keys
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(crate) fn line(&self) -> &'a [u8] {
        self.line
    }

    /// How far the line has been read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Where the inside of the first duplicate key starts, if there was one.
    pub(crate) fn duplicate(&self) -> Option<usize> {
        self.duplicate
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        if let Some(..=b' ') = self.peek() {
            self.some_space();
        }
    }

    #[inline(never)]
    fn some_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Space up to the end of the line.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.line.len() {
            Ok(())
        } else {
            Err(Fault::Invalid(self.at))
        }
    }

    /// One value with everything inside it; returns its bytes.
    pub(crate) fn raw_value(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        self.value()?;
        Ok(self.line.get(start..self.at).unwrap_or_default())
    }

    /// The object that starts here. `member` is called after each key and has to read the value.
    pub(crate) fn object<F>(&mut self, mut member: F) -> Result<&'a [u8], Fault>
    where
        F: FnMut(&mut Self, Token) -> Result<(), Fault>,
    {
        let start = self.at;
        self.open(Container::Object)?;
        self.keys.open();
        self.space();
        if self.peek() != Some(b'}') {
            loop {
                let key = self.key()?;
                self.keys
                    .add(&self.line[key.start..key.end], key.escaped, key.start);
                member(self, key)?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(Fault::Invalid(self.at)),
                }
                self.space();
            }
        }
        self.close_watched();
        Ok(self.line.get(start..self.at).unwrap_or_default())
    }

    /// One value with everything inside it.
    fn value(&mut self) -> Result<(), Fault> {
        let outside = self.nesting.depth();
        loop {
            if self.value_start()? == Progress::Opened {
                continue;
            }
            loop {
                if self.nesting.depth() == outside {
                    return Ok(());
                }
                self.space();
                match (self.peek(), self.nesting.top()) {
                    (Some(b','), container) => {
                        self.at += 1;
                        self.space();
                        if container == Container::Object {
                            self.nested_key()?;
                        }
                        break;
                    }
                    (Some(b'}'), Container::Object) => self.close_object(),
                    (Some(b']'), Container::Array) => self.close_array(),
                    (_, Container::Object | Container::Array) => {
                        return Err(Fault::Invalid(self.at));
                    }
                }
            }
        }
    }

    /// A whole scalar or empty container, or the start of a container up to its first value.
    #[inline]
    fn value_start(&mut self) -> Result<Progress, Fault> {
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => {
                self.open(Container::Object)?;
                if self.direction == Direction::FromHost {
                    self.keys.open();
                }
                self.space();
                if self.peek() != Some(b'}') {
                    self.nested_key()?;
                    return Ok(Progress::Opened);
                }
                self.close_object();
            }
            Some(b'[') => {
                self.open(Container::Array)?;
                self.space();
                if self.peek() != Some(b']') {
                    return Ok(Progress::Opened);
                }
                self.close_array();
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(Fault::Invalid(self.at)),
        }
        Ok(Progress::Complete)
    }

    fn open(&mut self, container: Container) -> Result<(), Fault> {
        self.nesting
            .open(container)
            .map_err(|_full| Fault::TooDeep)?;
        self.at += 1;
        Ok(())
    }

    fn close_object(&mut self) {
        match self.direction {
            Direction::FromHost => self.close_watched(),
            Direction::FromServer => self.close_array(),
        }
    }

    fn close_watched(&mut self) {
        self.close_array();
        let second = self.keys.close(self.line);
        self.duplicate = self.duplicate.or(second);
    }

    fn close_array(&mut self) {
        self.nesting.close();
        self.at += 1;
    }

    #[inline]
    fn nested_key(&mut self) -> Result<(), Fault> {
        let key = self.key()?;
        if self.direction == Direction::FromHost {
            self.keys
                .add(&self.line[key.start..key.end], key.escaped, key.start);
        }
        Ok(())
    }

    /// A key, its colon and the space around it.
    #[inline(always)]
    fn key(&mut self) -> Result<Token, Fault> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Invalid(self.at));
        }
        let key = self.string()?;
        match self.line.get(self.at..self.at + 2) {
            // As nearly everybody writes it.
            Some(&[b':', next]) if next > b' ' => self.at += 1,
            Some(_) | None => self.colon()?,
        }
        Ok(key)
    }

    /// A colon and the space around it.
    fn colon(&mut self) -> Result<(), Fault> {
        self.space();
        if self.peek() != Some(b':') {
            return Err(Fault::Invalid(self.at));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// The string token whose opening quote is the next byte.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Token, Fault> {
        let start = self.at + 1;
        let end = self.specials.next(self.line, start);
        if self.line.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Token {
                start,
                end,
                escaped: Escaped::No,
            });
        }
        self.rest_of_string(start, end)
    }

    /// As [`string`](Self::string), from the first byte on that is neither plain text nor a quote.
    #[inline(never)]
    fn rest_of_string(&mut self, start: usize, mut at: usize) -> Result<Token, Fault> {
        let mut escaped = Escaped::No;
        loop {
            match self.line.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = Escaped::Yes;
                    at = self.after_escape(at)?;
                }
                Some(0x80..) => self.check_utf8(at)?,
                Some(_) | None => return Err(Fault::Invalid(at)),
            }
            at = self.specials.next(self.line, at);
        }
        self.at = at + 1;
        Ok(Token {
            start,
            end: at,
            escaped,
        })
    }

    fn after_escape(&self, at: usize) -> Result<usize, Fault> {
        match self.line.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                let digits = self.line.get(at + 2..).unwrap_or_default().iter().take(4);
                let hex = digits.take_while(|digit| digit.is_ascii_hexdigit()).count();
                if hex == 4 {
                    Ok(at + 6)
                } else {
                    Err(Fault::Invalid(at + 2 + hex))
                }
            }
            Some(_) | None => Err(Fault::Invalid(at + 1)),
        }
    }

    /// Checks the line from its first byte outside ASCII to its end, so that later strings need no check of their own.
    #[cold]
    fn check_utf8(&mut self, at: usize) -> Result<(), Fault> {
        self.specials.allow_utf8();
        match std::str::from_utf8(self.line.get(at..).unwrap_or_default()) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::NotUtf8(at + error.valid_up_to())),
        }
    }

    /// The number that starts here.
    pub(crate) fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(Fault::Invalid(start))
        }
    }

    #[inline]
    fn literal(&mut self, word: &[u8]) -> Result<(), Fault> {
        let rest = self.line.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        let same = rest
            .iter()
            .zip(word)
            .take_while(|(left, right)| left == right)
            .count();
        Err(Fault::Invalid(self.at + same))
    }
}

/// What the start of a value was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The value has ended.
    Complete,
    /// A container has opened, and its first value is next.
    Opened,
}
