//! What one line is by itself.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::sanitize::bytes::{find_in, has_word, run};

/// What one line is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Empty,
    /// A frame of any language, complete.
    Frame,
    /// A line between or around frames that says nothing of the error.
    Note,
    /// A Python frame or header: source lines follow.
    Python,
    /// A message with the header of a Python trace behind it, from so many bytes on.
    PythonTail(usize),
    /// The header of a list of files.
    Required,
    /// `- /path`: in such a list.
    Item,
    /// Nothing but a file and a line number.
    Located,
    /// The header of a goroutine.
    Goroutine,
    /// The header of a numbered trace.
    Backtrace,
    /// `thread '…' panicked at FILE:LINE:COLUMN:`; the message is in the next line.
    Panic,
    /// `N: something`: a frame in a numbered trace, else text.
    Numbered,
    /// `pkg.f(…)`: a frame in a goroutine, else text.
    Call,
    /// `^^^^`: under a source line.
    Caret,
    /// A head of a frame with a message behind it, of so many bytes.
    Head(usize),
    /// A message with a place behind it, from so many bytes on.
    Tail(usize),
    /// `LINE 1: SELECT …`: a database's echo of a statement.
    Statement,
    Other,
}

/// The longest line that can be a frame.
const MAX_FRAME: usize = 4096;

pub(super) fn is_indent(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'|' | b'+' | b'>')
}

/// What a line without its indentation is.
pub(super) fn read(content: &[u8]) -> Line {
    let Some(&first) = content.first() else {
        return Line::Empty;
    };
    if content.len() > MAX_FRAME {
        return Line::Other;
    }
    let content = content.strip_prefix(b"\\t").unwrap_or(content);
    let known = match first {
        b'a' | b'A' => at_frame(content),
        b'F' => python_frame(content),
        b'T' => header(
            content,
            &[b"Traceback (most recent call last"],
            Line::Python,
        ),
        b'#' => numbered_hash(content),
        b'0'..=b'9' => numbered(content),
        b'^' | b'~' => caret(content),
        b'.' => dots(content),
        b'-' => note(content).or_else(|| item(content)),
        b'R' => header(content, &[b"Require stack:"], Line::Required),
        b'(' => elixir(content),
        b't' | b'n' | b'D' | b'c' | b's' | b'S' | b'N' | b'[' | b'g' | b'f' | b'L' | b'W' => {
            by_word(content)
        }
        _ => None,
    };
    known
        .or_else(|| python_tail(content))
        .or_else(|| at_end(content))
        .or_else(|| ruby(content))
        .or_else(|| call(content))
        .unwrap_or(Line::Other)
}

/// Whether the line is but the name of a function: the line above a place in traces of Go's and others'.
pub(super) fn is_name(text: &[u8], at: &Range<usize>) -> bool {
    let content = text.get(at.clone()).unwrap_or_default().trim_ascii();
    let dotted = content.contains(&b'.') || content.windows(2).any(|pair| pair == b"::");
    let name_end = run(content, 0, 512, |byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b'/' | b':' | b'*' | b'(' | b')' | b'-' | b'$' | b'<' | b'>'
            )
    });
    dotted && name_end == content.len() && !content.ends_with(b":")
}

/// Whether the line begins like the message of an error: `Name: …`.
pub(super) fn is_message(content: &[u8]) -> bool {
    let name = run(content, 0, 80, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')
    });
    name > 0 && content[name..].starts_with(b": ") && content[0].is_ascii_uppercase()
}

/// `at f (file:1:2)`, `at file:1:2`, `at a.b.C.m(C.java:1)`, `at N.C.M(String s) in C.cs:line 1`, `at …/rustc/…:1:2`.
fn at_frame(content: &[u8]) -> Option<Line> {
    let rest = content
        .strip_prefix(b"at ")
        .or_else(|| content.strip_prefix(b"At "))?;
    is_frame_place(unquoted(rest)).then_some(Line::Frame)
}

/// Without what a program put behind a trace that it quoted.
fn unquoted(content: &[u8]) -> &[u8] {
    let kept =
        content.iter().rev().take(4).position(|byte| {
            !matches!(byte, b'\'' | b'"' | b'`' | b',' | b';' | b'{' | b'}' | b' ')
        });
    kept.map_or(content, |tail| &content[..content.len() - tail])
}

/// Whether what follows `at ` is the place of a frame.
pub(super) fn is_frame_place(rest: &[u8]) -> bool {
    if rest.ends_with(b")") && is_called(rest) {
        return true;
    }
    let bare = rest.trim_ascii_end();
    let is_java_tail = bare.ends_with(b"]") && find_in(bare, 0..bare.len(), b".java:").is_some();
    is_java_tail
        || ends_with_place(bare)
        || find_in(bare, 0..bare.len(), b") in ").is_some()
        || bare.starts_with(b"<anonymous>")
        || bare.ends_with(b":line") && bare.contains(&b'/')
}

/// `f (file:1:2)`, `C.m(C.java:1)`, `C.m(Type name)`, `f (<anonymous>)`.
fn is_called(rest: &[u8]) -> bool {
    let Some(open) = rest.iter().position(|&byte| byte == b'(') else {
        return false;
    };
    let inside = rest.get(open + 1..rest.len() - 1).unwrap_or_default();
    let names_place = ends_with_place(inside)
        || matches!(
            inside,
            b"<anonymous>" | b"native" | b"Native Method" | b"Unknown Source" | b"native code"
        )
        || inside.starts_with(b"eval at ")
        || inside.starts_with(b"index ")
        || inside.ends_with(b".java")
        || inside.ends_with(b".kt")
        || inside.ends_with(b".scala");
    if names_place {
        return true;
    }
    // Without a place only a qualified name directly before its arguments tells a frame from a sentence.
    let name = &rest[..open];
    let name = name.strip_prefix(b"async ").unwrap_or(name);
    let qualified = name.iter().filter(|&&byte| byte == b'.').count() >= 1;
    qualified
        && name.iter().all(|&byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'.' | b'_'
                        | b'$'
                        | b'`'
                        | b'<'
                        | b'>'
                        | b'['
                        | b']'
                        | b'/'
                        | b'+'
                        | b','
                        | b'@'
                        | b'-'
                )
        })
}

/// Whether the text ends with `file:1` or `file:1:2`.
fn ends_with_place(text: &[u8]) -> bool {
    let Some(rest) = without_number(text) else {
        return false;
    };
    let file = without_number(rest).unwrap_or(rest);
    let has_name = file
        .iter()
        .any(|byte| matches!(byte, b'.' | b'/' | b'\\' | b'>'))
        || file.starts_with(b"node:");
    !file.is_empty() && has_name && !file.contains(&b'"')
}

/// Without `:12` at the end.
fn without_number(text: &[u8]) -> Option<&[u8]> {
    let digits = text
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let rest = text.get(..text.len() - digits)?;
    (1..=9)
        .contains(&digits)
        .then(|| rest.strip_suffix(b":"))
        .flatten()
}

fn python_frame(content: &[u8]) -> Option<Line> {
    let rest = content.strip_prefix(b"File ")?;
    let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
    (rest.starts_with(b"\"") && find_in(rest, 0..rest.len(), b", line ").is_some())
        .then_some(Line::Python)
}

fn python_tail(content: &[u8]) -> Option<Line> {
    const HEADER: &[u8] = b"Traceback (most recent call last):";
    content
        .ends_with(HEADER)
        .then(|| Line::PythonTail(content.len() - HEADER.len()))
}

fn item(content: &[u8]) -> Option<Line> {
    let rest = content.strip_prefix(b"- ")?;
    let is_path = rest.starts_with(b"/") || rest.get(1..3) == Some(b":\\");
    is_path.then_some(Line::Item)
}

fn header(content: &[u8], words: &[&[u8]], line: Line) -> Option<Line> {
    words
        .iter()
        .any(|word| content.starts_with(word))
        .then_some(line)
}

/// `#0 file(1): f()`, `#1 {main}`, `#0  0x… in f`.
fn numbered_hash(content: &[u8]) -> Option<Line> {
    let digits = run(content, 1, 6, |byte| byte.is_ascii_digit());
    let rest = content.get(digits..)?.trim_ascii_start();
    let is_php = rest.starts_with(b"{main}")
        || rest.starts_with(b"[internal function]")
        || find_in(rest, 0..rest.len(), b"): ").is_some();
    let is_native = rest.starts_with(b"0x") || ends_with_place(rest) || rest.ends_with(b")");
    (digits > 1 && (is_php || is_native)).then_some(Line::Frame)
}

/// `12: name`, and the source lines that some tools show.
fn numbered(content: &[u8]) -> Option<Line> {
    let digits = run(content, 0, 6, |byte| byte.is_ascii_digit());
    content
        .get(digits..)?
        .starts_with(b": ")
        .then_some(Line::Numbered)
}

fn caret(content: &[u8]) -> Option<Line> {
    let is_caret = content
        .iter()
        .all(|byte| matches!(byte, b'^' | b'~' | b' '));
    is_caret.then_some(Line::Caret)
}

/// `... 12 more`, `... 3 common frames omitted`.
fn dots(content: &[u8]) -> Option<Line> {
    let rest = content.strip_prefix(b"... ")?;
    let digits = run(rest, 0, 9, |byte| byte.is_ascii_digit());
    (digits > 0 && rest.get(digits..)?.starts_with(b" ")).then_some(Line::Note)
}

fn note(content: &[u8]) -> Option<Line> {
    let is_note = has_word(content, 0, b"--- End of ")
        || has_word(content, 0, b"-----------")
            && content
                .iter()
                .all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9' | b' '));
    let group = run(content, 0, 64, |byte| {
        matches!(byte, b'-' | b'+' | b' ' | b'0'..=b'9')
    });
    (is_note || group == content.len() && group > 6).then_some(Line::Note)
}

/// `(app 1.2.3) lib/file.ex:12: Module.function/2`.
fn elixir(content: &[u8]) -> Option<Line> {
    let close = find_in(content, 0..content.len().min(128), b") ")?;
    let rest = content.get(close + 2..)?;
    let place = find_in(rest, 0..rest.len(), b".ex").is_some()
        || find_in(rest, 0..rest.len(), b".erl:").is_some();
    place.then_some(Line::Frame)
}

/// Headers and notes that begin with a word.
fn by_word(content: &[u8]) -> Option<Line> {
    const BACKTRACES: &[&[u8]] = &[b"stack backtrace:", b"Stack backtrace:", b"Backtrace:"];
    const NOTES: &[&[u8]] = &[
        b"note: run with `RUST_BACKTRACE",
        b"note: Some details are omitted, run with `RUST_BACKTRACE",
        b"During handling of the above exception",
        b"The above exception was the direct cause",
        b"[Previous line repeated",
        b"[signal SIG",
        b"Stack trace:",
        b"stack trace:",
        b"Stacktrace:",
        b"stacktrace:",
        b"Stack:",
        b"Node.js v",
        b"node:internal/",
        b"created by ",
        b"exit status 2",
    ];
    if let Some(line) = header(content, BACKTRACES, Line::Backtrace) {
        return Some(line);
    }
    if header(content, NOTES, Line::Note).is_some() {
        return Some(Line::Note);
    }
    if content.starts_with(b"goroutine ") && content.ends_with(b":") {
        return Some(Line::Goroutine);
    }
    if content.starts_with(b"thread ") || content.starts_with(b"The application panicked") {
        return panic(content);
    }
    if content.starts_with(b"thrown in ") {
        return Some(Line::Note);
    }
    if let Some(rest) = content.strip_prefix(b"from ") {
        return is_ruby_place(rest).then_some(Line::Frame);
    }
    if content.starts_with(b"LINE ") {
        let digits = run(content, 5, 6, |byte| byte.is_ascii_digit());
        return content
            .get(digits..)?
            .starts_with(b": ")
            .then_some(Line::Statement);
    }
    None
}

/// `thread 'main' panicked at src/a.rs:1:2:` and `thread 'main' panicked at 'message', src/a.rs:1:2`.
fn panic(content: &[u8]) -> Option<Line> {
    let at = find_in(content, 0..content.len().min(256), b"panicked at ")? + 12;
    let rest = content.get(at..)?;
    let place = rest.strip_suffix(b":").unwrap_or(rest);
    if rest.starts_with(b"'") {
        let comma = rest.iter().rposition(|&byte| byte == b',')?;
        let place = rest.get(comma + 1..)?.trim_ascii();
        return ends_with_place(place).then_some(Line::Tail(at + comma));
    }
    ends_with_place(place).then_some(Line::Panic)
}

/// `/path/file.rb:3:in 'method'`, with a message behind it or not, and a Node file alone in its line.
fn ruby(content: &[u8]) -> Option<Line> {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b":in "));
    let mark = MARK.find(content)?;
    without_number(&content[..mark])?;
    let rest = content.get(mark + 4..)?;
    let quote = rest.iter().skip(1).position(|byte| matches!(byte, b'\''))? + 2;
    let after = rest.get(quote..)?;
    if after.is_empty() {
        return Some(Line::Frame);
    }
    after
        .starts_with(b": ")
        .then_some(Line::Head(mark + 4 + quote + 2))
}

fn is_ruby_place(rest: &[u8]) -> bool {
    find_in(rest, 0..rest.len(), b":in ")
        .is_some_and(|mark| without_number(&rest[..mark]).is_some())
        || ends_with_place(rest)
}

/// A file and a line number, and nothing else but an offset: `/path/file.go:12 +0x1d`.
fn at_end(content: &[u8]) -> Option<Line> {
    let content = unquoted(content);
    let place = content
        .iter()
        .position(|&byte| byte == b' ')
        .filter(|&space| content[space..].starts_with(b" +0x"))
        .map_or(content, |space| &content[..space]);
    let is_path = place.iter().any(|byte| matches!(byte, b'/' | b'\\'));
    let is_address =
        find_in(place, 0..place.len(), b"://").is_some() && !place.starts_with(b"file://");
    (is_path && !is_address && !place.contains(&b' ') && ends_with_place(place))
        .then_some(Line::Located)
}

/// `main.run(0x1, …)`.
fn call(content: &[u8]) -> Option<Line> {
    let open = content.iter().position(|&byte| byte == b'(')?;
    let name = &content[..open];
    let is_name = !name.is_empty() && name.contains(&b'.') && !name.contains(&b' ');
    (is_name && content.ends_with(b")")).then_some(Line::Call)
}
