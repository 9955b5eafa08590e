//! Refuses source that nests deeper than recursion over its tree can bear, before a tree is built.
//!
//! The parser grows its own stack, but every walk over the tree and the tree's own drop are recursive.
//! A scan without recursion bounds the depth of the tree from above: each open bracket is a level, and
//! so is each operator or prefix word since the last separator inside that bracket.

/// The deepest expression that is analysed.
pub(super) const MAX_DEPTH: usize = 1_000;
/// The deepest indentation, which is the interpreter's own limit.
pub(super) const MAX_INDENT: usize = 100;

/// Why a source is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooDeep {
    /// Expressions nest more than [`MAX_DEPTH`] levels; the line is one-based.
    Expression { line: usize },
    /// Blocks nest more than [`MAX_INDENT`] levels; the line is one-based.
    Indent { line: usize },
}

impl std::fmt::Display for TooDeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expression { line } => {
                write!(
                    f,
                    "expressions nest more than {MAX_DEPTH} levels at line {line}"
                )
            }
            Self::Indent { line } => {
                write!(
                    f,
                    "blocks nest more than {MAX_INDENT} levels at line {line}"
                )
            }
        }
    }
}

/// Checks the nesting of `source` in one pass.
pub(super) fn check(source: &str) -> Result<(), TooDeep> {
    Scan::new(source.as_bytes()).run()
}

/// What the scan is inside of.
enum Level {
    /// Code between brackets, or the file itself at the bottom; holds the links since the last separator.
    Code(usize),
    /// Text of an f-string: its quote, and whether it is tripled.
    Text { quote: u8, triple: Triple },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Triple {
    Yes,
    No,
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    levels: Vec<Level>,
    /// Links of every level together, kept so that the sum is never recomputed.
    links: usize,
    indents: Vec<usize>,
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
            levels: vec![Level::Code(0)],
            links: 0,
            indents: Vec::new(),
        }
    }

    fn run(mut self) -> Result<(), TooDeep> {
        self.indent()?;
        while self.at < self.bytes.len() {
            match self.levels.last() {
                Some(Level::Text { quote, triple }) => {
                    let (quote, triple) = (*quote, *triple);
                    self.text(quote, triple);
                }
                Some(Level::Code(_)) | None => self.code()?,
            }
            if self.levels.len() + self.links > MAX_DEPTH {
                return Err(TooDeep::Expression { line: self.line });
            }
        }
        Ok(())
    }

    /// One step through code.
    fn code(&mut self) -> Result<(), TooDeep> {
        let byte = self.bytes[self.at];
        match byte {
            b'#' => self.skip_comment(),
            b'\'' | b'"' => self.string(self.at),
            b'(' | b'[' | b'{' => {
                self.link();
                self.levels.push(Level::Code(0));
                self.at += 1;
            }
            b')' | b']' | b'}' => {
                self.close();
                self.at += 1;
            }
            b',' | b';' => {
                self.separate();
                self.at += 1;
            }
            b'\n' => {
                self.at += 1;
                self.line += 1;
                if self.levels.len() == 1 {
                    self.separate();
                    self.indent()?;
                }
            }
            b'\\' => {
                if self.bytes.get(self.at + 1) == Some(&b'\n') {
                    self.line += 1;
                }
                self.at += 2;
            }
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^' | b'~' | b'.' | b'<'
            | b'>' => {
                self.link();
                self.at += 1;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | 0x80.. => self.word(),
            _ => self.at += 1,
        }
        Ok(())
    }

    /// A word: a string prefix, a word that nests, or a name.
    fn word(&mut self) {
        let start = self.at;
        while self
            .bytes
            .get(self.at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)
        {
            self.at += 1;
        }
        if matches!(self.bytes.get(self.at), Some(b'\'' | b'"')) && self.at - start <= 2 {
            self.string(start);
            return;
        }
        if matches!(
            &self.bytes[start..self.at],
            b"not"
                | b"await"
                | b"lambda"
                | b"if"
                | b"else"
                | b"for"
                | b"yield"
                | b"and"
                | b"or"
                | b"async"
                | b"in"
                | b"is"
        ) {
            self.link();
        }
    }

    /// A string whose prefix starts at `start` and whose quote is at `self.at`.
    fn string(&mut self, start: usize) {
        let quote = self.bytes[self.at];
        let triple = if self.bytes[self.at..].starts_with(&[quote; 3]) {
            Triple::Yes
        } else {
            Triple::No
        };
        let formatted = self.bytes[start..self.at]
            .iter()
            .any(|b| matches!(b, b'f' | b'F' | b't' | b'T'));
        self.at += if triple == Triple::Yes { 3 } else { 1 };
        if formatted {
            self.levels.push(Level::Text { quote, triple });
        } else {
            while self.at < self.bytes.len() && !self.ends(quote, triple) {
                self.step();
            }
        }
    }

    /// One step through the text of an f-string.
    fn text(&mut self, quote: u8, triple: Triple) {
        if self.ends(quote, triple) {
            self.levels.pop();
        } else if self.bytes[self.at..].starts_with(b"{{") {
            self.at += 2;
        } else if self.bytes[self.at] == b'{' {
            self.at += 1;
            self.levels.push(Level::Code(0));
        } else {
            self.step();
        }
    }

    /// Passes the closing quote if it is here; an unfinished one-line string ends with its line.
    fn ends(&mut self, quote: u8, triple: Triple) -> bool {
        let rest = &self.bytes[self.at..];
        match triple {
            Triple::Yes if rest.starts_with(&[quote; 3]) => self.at += 3,
            Triple::No if rest.first() == Some(&quote) => self.at += 1,
            Triple::No if rest.first() == Some(&b'\n') => {}
            Triple::Yes | Triple::No => return false,
        }
        true
    }

    /// One byte of string text, or an escaped one with its backslash.
    fn step(&mut self) {
        let escaped = self.bytes[self.at] == b'\\';
        for _ in 0..if escaped { 2 } else { 1 } {
            if self.bytes.get(self.at) == Some(&b'\n') {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| *b != b'\n') {
            self.at += 1;
        }
    }

    fn link(&mut self) {
        if let Some(Level::Code(links)) = self.levels.last_mut() {
            *links += 1;
            self.links += 1;
        }
    }

    fn separate(&mut self) {
        if let Some(Level::Code(links)) = self.levels.last_mut() {
            self.links -= *links;
            *links = 0;
        }
    }

    fn close(&mut self) {
        if self.levels.len() > 1 {
            self.separate();
            self.levels.pop();
        }
    }

    /// Takes the indentation of the line that starts here, unless the line is empty.
    fn indent(&mut self) -> Result<(), TooDeep> {
        let mut width = 0;
        while let Some(b' ' | b'\t' | 0x0c) = self.bytes.get(self.at) {
            width += 1;
            self.at += 1;
        }
        if matches!(self.bytes.get(self.at), None | Some(b'\n' | b'\r' | b'#')) {
            return Ok(());
        }
        while self.indents.last().is_some_and(|last| *last >= width) {
            self.indents.pop();
        }
        self.indents.push(width);
        if self.indents.len() > MAX_INDENT {
            return Err(TooDeep::Indent { line: self.line });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_at_the_limit_passes_and_one_past_it_does_not() {
        // A bracket is one level and one link of the level around it.
        let at = MAX_DEPTH / 2 - 1;
        let source = |n: usize| format!("x = {}1{}\n", "(".repeat(n), ")".repeat(n));
        assert_eq!(check(&source(at)), Ok(()));
        assert_eq!(check(&source(at + 1)), Err(TooDeep::Expression { line: 1 }));
    }

    #[test]
    fn every_way_to_nest_is_seen() {
        let n = 100_000;
        for source in [
            "[".repeat(n),
            "not ".repeat(n),
            "-".repeat(n),
            format!("x{}", ".y".repeat(n)),
            format!("x{}", "()".repeat(n)),
            format!("x{}", "+1".repeat(n)),
            "lambda:".repeat(n),
            "1 if 1 else ".repeat(n),
            format!("f'{{{}", "(".repeat(n)),
            "f'{".repeat(n),
            "await ".repeat(n),
        ] {
            assert!(check(&source).is_err(), "{}", &source[..20]);
        }
        let blocks: String = (0..200)
            .map(|i| format!("{}if x:\n", " ".repeat(i)))
            .collect();
        assert_eq!(
            check(&blocks),
            Err(TooDeep::Indent {
                line: MAX_INDENT + 1
            })
        );
    }

    #[test]
    fn wide_source_is_not_deep() {
        let n = 50_000;
        for source in [
            format!("x = [{}]\n", "f(1 + 2), ".repeat(n)),
            "x.y(z)\n".repeat(n),
            format!("x = f'''{}'''\n", "{{ a: (b }} {c.d}".repeat(n)),
            format!("x = '''{}'''\n", "((((".repeat(n)),
            format!("# {}\n", "((((".repeat(n)),
        ] {
            assert_eq!(check(&source), Ok(()), "{}", &source[..20]);
        }
    }
}
