//! Replaces single values of a message and leaves every other byte as it was.
//!
//! Nothing here builds a tree of the message: members are found by one strict walk over their object, strings by one
//! pass over the bytes of a value that was scanned before.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use crate::limits::{Direction, Limits};
use crate::scanner::Scanner;
use crate::text;

/// New bytes for a range of a line; an empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where, as offsets into the line.
    pub at: Range<usize>,
    /// What stands there afterwards: JSON, written by the caller.
    pub bytes: Vec<u8>,
}

/// The values of the named members of an object, as ranges of `object`; the last one counts where a key is there twice.
/// Nothing comes back unless the bytes are exactly one object, with space around it at most.
pub fn members<const N: usize>(
    object: &[u8],
    names: [&str; N],
) -> Option<[Option<Range<usize>>; N]> {
    let mut found = [const { None }; N];
    walk_members(object, &names, |name, at| found[name] = Some(at))?;
    Some(found)
}

/// Where the values of these members of an object stand, as ranges of `object`, each time that one of them is there, and
/// which of `names` it is. Nothing is found unless the bytes are exactly one object, with space around it at most.
pub fn every_member(object: &[u8], names: &[&str]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    match walk_members(object, names, |name, at| found.push((name, at))) {
        Some(()) => found,
        None => Vec::new(),
    }
}

/// Tells of each member of an object that has one of these names: which name, and where its value stands.
fn walk_members(
    object: &[u8],
    names: &[&str],
    mut tell: impl FnMut(usize, Range<usize>),
) -> Option<()> {
    let mut scanner = scanner_of(object);
    if scanner.peek() != Some(b'{') {
        return None;
    }
    let walked = scanner.object(|scanner, key| {
        let inside = text::decoded(&scanner.line()[key.start..key.end]);
        let name = names.iter().position(|name| *inside == *name.as_bytes());
        let start = scanner.at();
        scanner.raw_value()?;
        if let Some(name) = name {
            tell(name, start..scanner.at());
        }
        Ok(())
    });
    walked.and_then(|_object| scanner.end()).ok()
}

/// Whether a text is exactly one JSON object or array, with space around it at most.
pub fn is_container(text: &[u8]) -> bool {
    let mut scanner = scanner_of(text);
    matches!(scanner.peek(), Some(b'{' | b'['))
        && scanner.raw_value().and_then(|_value| scanner.end()).is_ok()
}

/// A scanner at the first byte that is no space. Its text is part of a message that was bounded before.
fn scanner_of(text: &[u8]) -> Scanner<'_> {
    let limits = Limits {
        max_bytes: text.len(),
        ..Limits::default()
    };
    let mut scanner = Scanner::new(text, &limits, Direction::FromServer);
    scanner.space();
    scanner
}

/// The edit that adds a member at the front of the object at `at` of `line`. `value` is JSON.
///
/// The caller knows that an object stands there and that it has no member of that name.
pub fn prepend_member(line: &[u8], at: &Range<usize>, name: &str, value: &[u8]) -> Edit {
    let inside = line
        .get(at.start + 1..at.end.saturating_sub(1))
        .unwrap_or_default();
    let mut bytes = quoted(name);
    bytes.push(b':');
    bytes.extend_from_slice(value);
    if !inside.trim_ascii().is_empty() {
        bytes.push(b',');
    }
    Edit {
        at: at.start + 1..at.start + 1,
        bytes,
    }
}

/// The object with this member in the place of an older one, or else at its front. `value` is JSON. Nothing comes back
/// where no object stands.
pub fn with_member(object: &[u8], name: &str, value: &[u8]) -> Option<Vec<u8>> {
    let [found] = members(object, [name])?;
    let start = object.len() - object.trim_ascii_start().len();
    let change = match found {
        Some(at) => Edit {
            at,
            bytes: value.to_vec(),
        },
        None => prepend_member(object, &(start..object.trim_ascii_end().len()), name, value),
    };
    edited(object, vec![change])
}

/// The object without this member, whichever escapes its name is written with. Nothing comes back where no object stands.
pub fn without_member(object: &[u8], name: &str) -> Option<Vec<u8>> {
    let limits = Limits {
        max_bytes: object.len(),
        ..Limits::default()
    };
    let mut scanner = Scanner::new(object, &limits, Direction::FromServer);
    scanner.space();
    if scanner.peek() != Some(b'{') {
        return None;
    }
    // Where the last member ended that stays, and what goes: up to where the next one begins, if it is the first.
    let mut kept_to = None;
    let mut removed: Option<Range<usize>> = None;
    let walked = scanner.object(|scanner, key| {
        let quote = key.start.saturating_sub(1);
        if let Some(first) = removed.as_mut().filter(|_| kept_to.is_none()) {
            first.end = quote;
            kept_to = Some(quote);
        }
        let is_it = text::decoded(&scanner.line()[key.start..key.end]).as_ref() == name.as_bytes();
        scanner.raw_value()?;
        if is_it {
            removed = Some(kept_to.unwrap_or(quote)..scanner.at());
        } else {
            kept_to = Some(scanner.at());
        }
        Ok(())
    });
    walked.and_then(|_object| scanner.end()).ok()?;
    match removed {
        None => Some(object.to_vec()),
        Some(at) => edited(
            object,
            vec![Edit {
                at,
                bytes: Vec::new(),
            }],
        ),
    }
}

/// The edit that gives `_meta` of the object at `at` of `line` this member, in the place of an older one. `value` is
/// JSON. Nothing comes back where no object stands.
pub fn meta_member(line: &[u8], at: &Range<usize>, name: &str, value: &[u8]) -> Option<Edit> {
    let within = |outer: &Range<usize>, inner: Range<usize>| {
        outer.start + inner.start..outer.start + inner.end
    };
    let object = || [b"{", quoted(name).as_slice(), b":", value, b"}"].concat();
    let [found] = members(line.get(at.clone())?, ["_meta"])?;
    let Some(meta) = found.map(|found| within(at, found)) else {
        return Some(prepend_member(line, at, "_meta", &object()));
    };
    Some(match members(line.get(meta.clone())?, [name]) {
        Some([Some(old)]) => Edit {
            at: within(&meta, old),
            bytes: value.to_vec(),
        },
        Some([None]) => prepend_member(line, &meta, name, value),
        None => Edit {
            at: meta,
            bytes: object(),
        },
    })
}

/// The edit that adds a value at the end of the array at `at` of `line`. `value` is JSON.
pub fn append_item(line: &[u8], at: &Range<usize>, value: &[u8]) -> Edit {
    let inside = line
        .get(at.start + 1..at.end.saturating_sub(1))
        .unwrap_or_default();
    let mut bytes = Vec::with_capacity(value.len() + 1);
    if !inside.trim_ascii().is_empty() {
        bytes.push(b',');
    }
    bytes.extend_from_slice(value);
    let end = at.end.saturating_sub(1);
    Edit {
        at: end..end,
        bytes,
    }
}

/// A scalar that [`scalars`] has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A key, unescaped. Halves of surrogate pairs are U+FFFD here and in texts.
    Key(Cow<'a, str>),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// A number as it was written.
    Number(&'a str),
}

/// What becomes of a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays as it was written.
    Keep,
    /// It becomes a string with this text.
    Replace(String),
}

/// Why a walk over scalars came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The bytes are not JSON.
    NotJson,
    /// Whoever was shown the scalars wants no more of them.
    By(E),
}

/// Shows each key, string and number at `at` of `line`, in order, and adds the wanted changes to `edits`.
///
/// The range has to be one value that was scanned before. One pass, no recursion, nothing is kept per level.
///
/// # Errors
/// When the walk was stopped or the bytes are not JSON; the edits are incomplete then and must not be used.
pub fn scalars<'a, E>(
    line: &'a [u8],
    at: Range<usize>,
    edits: &mut Vec<Edit>,
    mut change: impl FnMut(Scalar<'a>) -> Result<Change, E>,
) -> Result<(), Stopped<E>> {
    let value = line.get(..at.end).ok_or(Stopped::NotJson)?;
    let mut position = at.start;
    while let Some(&byte) = value.get(position) {
        let (scalar, end) = match byte {
            b'"' => string_at(value, position).ok_or(Stopped::NotJson)?,
            b'-' | b'0'..=b'9' => number_at(value, position),
            _ => {
                position += 1;
                continue;
            }
        };
        match change(scalar).map_err(Stopped::By)? {
            Change::Keep => {}
            Change::Replace(text) => edits.push(Edit {
                at: position..end,
                bytes: quoted(&text),
            }),
        }
        position = end;
    }
    Ok(())
}

/// The line with the edits made, in the order of their places. Edits that overlap an earlier one, or lie outside of the
/// line, make no line: nothing comes back.
pub fn edited(line: &[u8], mut edits: Vec<Edit>) -> Option<Vec<u8>> {
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let added: usize = edits.iter().map(|edit| edit.bytes.len()).sum();
    let mut out = Vec::with_capacity(line.len() + added);
    let mut copied = 0;
    for edit in &edits {
        out.extend_from_slice(line.get(copied..edit.at.start)?);
        out.extend_from_slice(&edit.bytes);
        copied = edit.at.end;
    }
    out.extend_from_slice(line.get(copied..)?);
    Some(out)
}

/// A JSON string with this text.
pub fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn string_at(value: &[u8], quote: usize) -> Option<(Scalar<'_>, usize)> {
    let start = quote + 1;
    let mut at = start;
    let end = loop {
        let found = at + memchr2(b'"', b'\\', value.get(at..)?)?;
        if value[found] == b'"' {
            break found;
        }
        at = found + 2;
    };
    let text = match text::decoded(&value[start..end]) {
        Cow::Borrowed(plain) => String::from_utf8_lossy(plain),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
        }),
    };
    let rest = value.get(end + 1..).unwrap_or_default();
    let next = rest
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    let scalar = match next {
        Some(b':') => Scalar::Key(text),
        Some(_) | None => Scalar::Text(text),
    };
    Some((scalar, end + 1))
}

fn number_at(value: &[u8], start: usize) -> (Scalar<'_>, usize) {
    let rest = value.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|byte| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
        .unwrap_or(rest.len());
    let digits = std::str::from_utf8(&rest[..length]).unwrap_or_default();
    (Scalar::Number(digits), start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_goes_and_the_others_stay_as_they_were() {
        for (object, expected) in [
            ("{\"a\":1}", "{}"),
            (" { \"a\" : 1 } ", " {  } "),
            ("{\"a\":1,\"b\":2}", "{\"b\":2}"),
            ("{ \"a\":1 , \"b\":2}", "{ \"b\":2}"),
            (
                "{\"b\":2, \"a\":[1,{}] , \"c\":1.10}",
                "{\"b\":2 , \"c\":1.10}",
            ),
            ("{\"b\":2,\"\\u0061\":1}", "{\"b\":2}"),
            ("{\"b\":{\"a\":1}}", "{\"b\":{\"a\":1}}"),
            ("{}", "{}"),
        ] {
            let left = without_member(object.as_bytes(), "a").unwrap();
            assert_eq!(String::from_utf8(left).unwrap(), expected, "{object}");
        }
        for odd in ["", "[1]", "null", "{\"a\":1", "{} {}"] {
            assert!(without_member(odd.as_bytes(), "a").is_none(), "{odd}");
            assert!(with_member(odd.as_bytes(), "a", b"1").is_none(), "{odd}");
        }
    }

    #[test]
    fn a_member_gets_its_value_where_it_stands_or_at_the_front() {
        for (object, expected) in [
            (" { } ", " {\"a\":7 } "),
            ("{\"b\":1}", "{\"a\":7,\"b\":1}"),
            ("{\"b\":1, \"a\":{\"a\":1}}", "{\"b\":1, \"a\":7}"),
        ] {
            let whole = with_member(object.as_bytes(), "a", b"7").unwrap();
            assert_eq!(String::from_utf8(whole).unwrap(), expected, "{object}");
        }
    }

    fn upper(line: &[u8], at: Range<usize>) -> Result<String, Stopped<u8>> {
        let mut edits = Vec::new();
        scalars(line, at, &mut edits, |scalar| match scalar {
            Scalar::Key(_) => Ok(Change::Keep),
            Scalar::Text(text) => Ok(Change::Replace(text.to_uppercase())),
            Scalar::Number("-1.5e3") => Ok(Change::Replace("n".to_owned())),
            Scalar::Number("7") => Err(7),
            Scalar::Number(_) => Ok(Change::Keep),
        })?;
        Ok(String::from_utf8(edited(line, edits).unwrap()).unwrap())
    }

    #[test]
    fn members_are_found_however_they_are_written() {
        let object = br#" {"a":1, "\u0062" : {"a":2},"c":[3] } "#;
        let [a, b, d] = members(object, ["a", "b", "d"]).unwrap();
        assert_eq!(&object[a.unwrap()], b"1");
        assert_eq!(&object[b.unwrap()], br#"{"a":2}"#);
        assert_eq!(d, None);
        for no_object in ["[]", "1", "", "{", r#"{"a":1} x"#, r#"{"a"}"#] {
            assert_eq!(members(no_object.as_bytes(), ["a"]), None, "{no_object}");
        }
    }

    #[test]
    fn a_member_is_found_as_often_as_it_is_there() {
        let object = br#"{"a":1,"b":{"a":2},"\u0061":[3],"c":4}"#;
        let found: Vec<_> = every_member(object, &["c", "a"])
            .into_iter()
            .map(|(name, at)| (name, &object[at]))
            .collect();
        assert_eq!(found, [(1, &b"1"[..]), (1, b"[3]"), (0, b"4")]);
        for none in ["[]", "7", "", "{}", r#"{"b":"a"}"#] {
            assert!(every_member(none.as_bytes(), &["a"]).is_empty(), "{none}");
        }
    }

    #[test]
    fn only_whole_objects_and_arrays_are_containers() {
        for (text, is) in [
            (" {\"a\":[1]} ", true),
            ("[]", true),
            ("[1", false),
            ("{} {}", false),
            ("7", false),
            ("", false),
            ("[a]", false),
        ] {
            assert_eq!(is_container(text.as_bytes()), is, "{text}");
        }
    }

    #[test]
    fn only_the_wanted_scalars_change() {
        let line = br#"{"k":["a\u0062",-1.5e3,12, true,null],"x\"":"y"}"#;
        let text = upper(line, 0..line.len()).unwrap();
        assert_eq!(text, r#"{"k":["AB","n",12, true,null],"x\"":"Y"}"#);
        let part = upper(line, 5..16).unwrap();
        assert_eq!(part, r#"{"k":["AB",-1.5e3,12, true,null],"x\"":"y"}"#);
    }

    #[test]
    fn a_stopped_or_broken_walk_says_so() {
        assert_eq!(upper(br#"["a",7]"#, 0..7), Err(Stopped::By(7)));
        assert_eq!(upper(br#"["a"#, 0..3), Err(Stopped::NotJson));
        assert_eq!(upper(b"[]", 0..9), Err(Stopped::NotJson));
    }

    #[test]
    fn members_and_items_are_added_to_full_and_empty_containers() {
        for (line, expected) in [
            (r#"{}"#, r#"{"n":1}"#),
            (r#"{ "a":2}"#, r#"{"n":1, "a":2}"#),
        ] {
            let edit = prepend_member(line.as_bytes(), &(0..line.len()), "n", b"1");
            assert_eq!(
                edited(line.as_bytes(), vec![edit]).unwrap(),
                expected.as_bytes()
            );
        }
        for (line, expected) in [("[]", "[1]"), ("[2 ]", "[2 ,1]")] {
            let edit = append_item(line.as_bytes(), &(0..line.len()), b"1");
            assert_eq!(
                edited(line.as_bytes(), vec![edit]).unwrap(),
                expected.as_bytes()
            );
        }
    }

    #[test]
    fn a_member_of_meta_is_added_or_replaced() {
        for (line, expected) in [
            (r#"{"a":1}"#, r#"{"_meta":{"n":7},"a":1}"#),
            (r#"{"_meta":{}}"#, r#"{"_meta":{"n":7}}"#),
            (r#"{"_meta":{"b":2}}"#, r#"{"_meta":{"n":7,"b":2}}"#),
            (r#"{"_meta":{"n":2}}"#, r#"{"_meta":{"n":7}}"#),
            (r#"{"_meta":null}"#, r#"{"_meta":{"n":7}}"#),
        ] {
            let at = 0..line.len();
            let edit = meta_member(line.as_bytes(), &at, "n", b"7").unwrap();
            let edited = edited(line.as_bytes(), vec![edit]).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), expected);
        }
        assert_eq!(meta_member(b"[1]", &(0..3), "n", b"7"), None);
        assert_eq!(meta_member(b"{}", &(0..9), "n", b"7"), None);
    }

    #[test]
    fn edits_that_overlap_make_no_line() {
        let edit = |at: Range<usize>| Edit { at, bytes: vec![] };
        assert_eq!(edited(b"abc", vec![edit(0..2), edit(1..3)]), None);
        assert_eq!(edited(b"abc", vec![edit(2..9)]), None);
        assert_eq!(edited(b"abc", vec![edit(1..2)]).unwrap(), b"ac");
    }

    #[test]
    fn half_of_a_pair_is_a_replacement_character_and_a_quoted_text_is_json() {
        let mut seen = Vec::new();
        let walked = scalars(br#""a\ud83d""#, 0..9, &mut Vec::new(), |scalar| {
            seen.push(format!("{scalar:?}"));
            Ok::<_, ()>(Change::Keep)
        });
        assert_eq!(walked, Ok(()));
        assert!(seen[0].contains('\u{fffd}'), "{seen:?}");
        assert_eq!(quoted("a\"\n\u{1}"), br#""a\"\n\u0001""#);
    }
}
