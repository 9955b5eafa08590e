//! Refuses source that nests deeper than a recursive parser can bear, before the parser sees it.
//!
//! The parser and every walk over its tree recurse once for each bracket, operator and prefix word that is still open. A scan without
//! recursion bounds that from above: every operator and word that can nest is a link until the expression or statement around it has
//! certainly ended. Where the scan can't tell what the parser would read, a regular expression or a division, it refuses.

mod markup;
mod texts;
mod words;

use crate::facts::Name;

use self::markup::Tag;
use self::words::{Word, word};

/// The most that may be open at once, which is less than half of what [`crate::extract::STACK_BYTES`] bears in an unoptimised build.
const MAX_OPEN: usize = 4_000;

/// The most `<` that may be open at once in one bracket: the parser tries each as a comparison and as a list of types.
const MAX_ANGLES: usize = 256;

/// What the scan finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    /// A parser may see it.
    Bearable,
    /// It nests too deep, or hides how deep it nests.
    TooDeep,
}

/// Checks the nesting of a file in one pass.
pub(super) fn check(path: &Name, text: &str) -> Nesting {
    let markup = match path.rsplit('.').next() {
        Some("ts" | "mts" | "cts") => Markup::Never,
        _ => Markup::Possible,
    };
    let mut scan = Scan::new(text.as_bytes(), markup);
    match scan.run() {
        Ok(()) => Nesting::Bearable,
        Err(TooDeep) => Nesting::TooDeep,
    }
}

#[derive(Debug)]
struct TooDeep;

/// Whether a file may hold elements between its expressions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Possible,
    Never,
}

/// What the scan is inside of.
enum Level {
    Code(Code),
    /// The text of a template.
    Template,
    /// An opening or closing tag.
    Tag(Tag),
    /// The text of an element.
    Children,
}

/// Code between brackets, or the file itself at the bottom.
#[derive(Default)]
struct Code {
    /// What is between a bracket and its end.
    bracket: Bracket,
    /// Links that end with their statement.
    statement: usize,
    /// Links that end with their expression.
    expression: usize,
    /// Open `<`.
    angles: usize,
    /// The links of the statement that ended last, which an `else` goes on with.
    ended: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    #[default]
    Plain,
    /// What follows `if`, `for`, `while` or `with`: after it a statement begins.
    Head,
    /// `${}` in a template.
    Substitution,
}

/// What the token before was, which decides what a `/` or `<` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The end of a value.
    Operand,
    /// What a value must follow.
    Operator,
    /// A `}`, after which either may follow, and a new statement may begin.
    Block,
    /// What may be either.
    Unsure,
    /// A `.`, after which every word is a name.
    Dot,
    /// A word such as `if`, whose bracket is a head.
    Head,
    /// A word that nests what follows it.
    Prefix,
    /// The end of a value, or a word that belongs to the value after it.
    Name,
    /// A `;`, after which a statement begins or an `else` goes on.
    End,
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    markup: Markup,
    levels: Vec<Level>,
    /// Links of all levels together.
    links: usize,
    before: Before,
    /// Whether the last operator was a `:`, with one word since.
    labels: Labels,
}

/// How much of a run of labels was seen, `a: b: c:`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    None,
    Colon,
    Named,
}

impl Labels {
    /// After a word.
    fn named(self) -> Self {
        match self {
            Self::Colon => Self::Named,
            Self::Named | Self::None => Self::None,
        }
    }
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8], markup: Markup) -> Self {
        Self {
            bytes,
            at: 0,
            markup,
            levels: vec![Level::Code(Code::default())],
            links: 0,
            before: Before::End,
            labels: Labels::None,
        }
    }

    fn run(&mut self) -> Result<(), TooDeep> {
        if self.rest().starts_with(b"#!") {
            self.skip_line();
        }
        while self.at < self.bytes.len() {
            match self.levels.last() {
                Some(Level::Template) => self.template(),
                Some(Level::Tag(_)) => self.tag()?,
                Some(Level::Children) => self.children()?,
                Some(Level::Code(_)) | None => self.code()?,
            }
            if self.levels.len() + self.links > MAX_OPEN {
                return Err(TooDeep);
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// One token of code.
    fn code(&mut self) -> Result<(), TooDeep> {
        let byte = self.peek(0);
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => self.at += 1,
            0xC2.. if self.blank() > 0 => self.at += self.blank(),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$' | b'\\' | b'0'..=b'9' | 0x80.. => self.word(),
            b'\'' | b'"' => {
                self.operand();
                self.string(byte);
            }
            b'`' => {
                self.link();
                self.levels.push(Level::Template);
                self.at += 1;
            }
            b'(' | b'[' | b'{' => self.open(byte),
            b')' | b']' | b'}' => self.close(byte),
            b';' => {
                self.end_statement();
                self.became(Before::End);
            }
            b',' => {
                self.end_expression();
                self.became(Before::Operator);
            }
            b'/' => self.slash()?,
            b'<' => self.angle()?,
            b'>' => {
                if let Some(code) = self.level() {
                    code.angles = code.angles.saturating_sub(1);
                }
                self.became(Before::Unsure);
            }
            b'.' => {
                self.link();
                let spread = self.rest().starts_with(b"...");
                self.at += if spread { 2 } else { 0 };
                self.became(if spread {
                    Before::Operator
                } else {
                    Before::Dot
                });
            }
            _ => self.operator(byte)?,
        }
        Ok(())
    }

    /// An operator of one or two bytes that matters, or one byte of a longer one.
    fn operator(&mut self, byte: u8) -> Result<(), TooDeep> {
        let next = self.peek(1);
        match (byte, next) {
            (b'=', b'>') => {
                self.link();
                self.at += 1;
                self.became(Before::Operator);
            }
            (b'+' | b'-', _) if next == byte => {
                // A script may end a comment of markup here, which a module may not.
                if self.rest().starts_with(b"-->") && self.begins_line() {
                    return Err(TooDeep);
                }
                self.link();
                // Behind a value it belongs to that, but for one that stands on a line of its own.
                let before = match self.before {
                    Before::Operand | Before::Name if !self.begins_line() => Before::Operand,
                    Before::Operator | Before::Prefix | Before::End => Before::Operator,
                    _ => Before::Unsure,
                };
                self.at += 1;
                self.became(before);
            }
            (b'!', _) if self.before == Before::Operand && next != b'=' => {
                self.link();
                self.became(Before::Unsure);
            }
            (b'?', b'.') => {
                self.link();
                self.at += 1;
                self.became(Before::Dot);
            }
            (b':', _) => {
                if self.labels == Labels::Named {
                    self.nest();
                } else {
                    self.link();
                }
                self.became(Before::Operator);
                self.labels = Labels::Colon;
            }
            (b'#', _) => self.became(Before::Dot),
            _ => {
                self.link();
                while matches!(self.peek(1), b'=' | b'&' | b'|' | b'*' | b'?') {
                    self.at += 1;
                }
                self.became(Before::Operator);
            }
        }
        Ok(())
    }

    fn word(&mut self) {
        let start = self.at;
        while is_name(self.peek(0)) && self.blank() == 0 {
            self.at += 1;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        let kind = match self.before {
            Before::Dot => Word::Operand,
            _ => word(text),
        };
        match kind {
            Word::Operand => self.operand(),
            Word::Infix => {
                self.link();
                self.turned(Before::Operator);
            }
            Word::Else => {
                self.go_on();
                self.turned(Before::Prefix);
            }
            Word::Head => {
                self.begin();
                self.nest();
                self.turned(Before::Head);
            }
            Word::Statement => {
                if self.before == Before::Unsure {
                    self.end_statement();
                }
                self.begin();
                self.nest();
                self.turned(Before::Prefix);
            }
            Word::Prefix => {
                self.begin();
                self.link();
                self.turned(Before::Prefix);
            }
            Word::Class => {
                if self.before == Before::Block {
                    self.end_statement();
                }
                self.link();
                self.turned(Before::Prefix);
            }
            Word::Either => {
                self.begin();
                self.link();
                // The brackets of `for await` are those of `for`.
                let head = self.before == Before::Head;
                self.turned(if head { Before::Head } else { Before::Unsure });
            }
            Word::Name => {
                self.begin();
                self.link();
                let labels = self.labels.named();
                self.turned(Before::Name);
                self.labels = labels;
            }
        }
    }

    /// Two values after one another: what the first belonged to has ended.
    fn begin(&mut self) {
        if matches!(self.before, Before::Operand | Before::Block) {
            self.end_statement();
        }
    }

    fn operand(&mut self) {
        self.begin();
        let labels = self.labels.named();
        self.turned(Before::Operand);
        self.labels = labels;
    }

    /// After a token of one byte.
    fn became(&mut self, before: Before) {
        self.at += 1;
        self.turned(before);
    }

    fn turned(&mut self, before: Before) {
        self.before = before;
        self.labels = Labels::None;
    }

    fn open(&mut self, byte: u8) {
        self.link();
        let bracket = if byte == b'(' && self.before == Before::Head {
            Bracket::Head
        } else {
            Bracket::Plain
        };
        self.enter(bracket);
        self.became(if byte == b'{' {
            Before::End
        } else {
            Before::Operator
        });
    }

    fn enter(&mut self, bracket: Bracket) {
        self.levels.push(Level::Code(Code {
            bracket,
            ..Code::default()
        }));
    }

    fn close(&mut self, byte: u8) {
        self.end_statement();
        let mut bracket = Bracket::Plain;
        if self.levels.len() > 1
            && let Some(Level::Code(code)) = self.levels.pop()
        {
            bracket = code.bracket;
        }
        self.became(match (byte, bracket) {
            (b')', Bracket::Head) => Before::Operator,
            (b'}', _) => Before::Block,
            _ => Before::Operand,
        });
    }

    /// A comparison, a list of types or an element.
    fn angle(&mut self) -> Result<(), TooDeep> {
        if self.rest().starts_with(b"<!--") {
            return Err(TooDeep);
        }
        if self.markup == Markup::Possible
            && !matches!(self.before, Before::Operand | Before::Name)
            && let Some(tag) = self.element()?
        {
            if matches!(self.before, Before::Block | Before::Unsure) {
                return Err(TooDeep);
            }
            self.link();
            self.levels.push(Level::Tag(tag));
            self.at += 1;
            return Ok(());
        }
        // No element begins in the middle of `<<`, a shift or two lists of types.
        let both = self.peek(1) == b'<';
        self.link();
        if let Some(code) = self.level() {
            code.angles += if both { 2 } else { 1 };
            if code.angles > MAX_ANGLES {
                return Err(TooDeep);
            }
        }
        self.at += usize::from(both);
        self.became(Before::Operator);
        Ok(())
    }

    fn level(&mut self) -> Option<&mut Code> {
        match self.levels.last_mut() {
            Some(Level::Code(code)) => Some(code),
            Some(Level::Template | Level::Tag(_) | Level::Children) | None => None,
        }
    }

    /// One more link that ends with its expression.
    fn link(&mut self) {
        if let Some(code) = self.level() {
            code.expression += 1;
            self.links += 1;
        }
    }

    /// One more link that ends with its statement.
    fn nest(&mut self) {
        if let Some(code) = self.level() {
            code.statement += 1;
            self.links += 1;
        }
    }

    fn end_expression(&mut self) {
        if let Some(code) = self.level()
            && code.angles == 0
        {
            let ended = std::mem::take(&mut code.expression);
            self.links -= ended;
        }
    }

    fn end_statement(&mut self) {
        if let Some(code) = self.level() {
            let ended = code.statement + code.expression;
            *code = Code {
                bracket: code.bracket,
                ended,
                ..Code::default()
            };
            self.links -= ended;
        }
    }

    /// An `else`: one level below the statement before it.
    fn go_on(&mut self) {
        let after = self.before == Before::End;
        if let Some(code) = self.level() {
            let back = if after { code.ended } else { 0 };
            code.statement += back + 1;
            self.links += back + 1;
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\\' | 0x80..)
}

#[cfg(test)]
mod tests;
