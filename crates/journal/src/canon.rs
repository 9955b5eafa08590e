//! Arguments in the form of RFC 8785, so that equal ones are equal bytes, and
//! their scalars one by one.
//!
//! In one thing the form is stricter: a number that a double can't hold exactly
//! keeps its digits, so that two different ids never look the same.

use std::borrow::Cow;

/// The deepest nesting that is brought into form.
const DEPTH: usize = 128;

/// The text is no JSON, or nested too deep, and is taken as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoForm;

/// Brings JSON into its form. `scalar` is told each scalar with its path (a JSON pointer).
pub(crate) fn canonical(
    json: &[u8],
    out: &mut Vec<u8>,
    scalar: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), NoForm> {
    let mut reader = Reader { json, at: 0 };
    let mut path = Vec::new();
    reader.value(out, &mut path, scalar, 0)?;
    reader.blanks();
    if reader.at == json.len() {
        Ok(())
    } else {
        Err(NoForm)
    }
}

struct Reader<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(
        &mut self,
        out: &mut Vec<u8>,
        path: &mut Vec<u8>,
        scalar: &mut dyn FnMut(&[u8], &[u8]),
        depth: usize,
    ) -> Result<(), NoForm> {
        if depth > DEPTH {
            return Err(NoForm);
        }
        self.blanks();
        let from = out.len();
        match self.peek().ok_or(NoForm)? {
            b'{' => return self.object(out, path, scalar, depth),
            b'[' => return self.array(out, path, scalar, depth),
            b'"' => {
                let text = self.string()?;
                string(out, &text);
            }
            b't' => self.word(b"true", out)?,
            b'f' => self.word(b"false", out)?,
            b'n' => self.word(b"null", out)?,
            _digit_or_minus => self.number(out)?,
        }
        scalar(path, out.get(from..).unwrap_or_default());
        Ok(())
    }

    fn array(
        &mut self,
        out: &mut Vec<u8>,
        path: &mut Vec<u8>,
        scalar: &mut dyn FnMut(&[u8], &[u8]),
        depth: usize,
    ) -> Result<(), NoForm> {
        out.push(b'[');
        let outside = path.len();
        let mut index = 0;
        self.items(b']', |reader| {
            if index > 0 {
                out.push(b',');
            }
            path.push(b'/');
            crate::line::text::number(path, index);
            reader.value(out, path, scalar, depth + 1)?;
            path.truncate(outside);
            index += 1;
            Ok(())
        })?;
        out.push(b']');
        Ok(())
    }

    /// Takes what stands between commas, from the bracket that opens to the one that closes.
    fn items(
        &mut self,
        close: u8,
        mut take_one: impl FnMut(&mut Self) -> Result<(), NoForm>,
    ) -> Result<(), NoForm> {
        self.at += 1;
        if self.take(close) {
            return Ok(());
        }
        loop {
            take_one(self)?;
            if self.take(close) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(NoForm);
            }
        }
    }

    fn object(
        &mut self,
        out: &mut Vec<u8>,
        path: &mut Vec<u8>,
        scalar: &mut dyn FnMut(&[u8], &[u8]),
        depth: usize,
    ) -> Result<(), NoForm> {
        // Members are first found, so that they can be taken in the order of their names.
        let mut members: Vec<(Cow<'a, [u8]>, usize)> = Vec::new();
        self.items(b'}', |reader| {
            reader.blanks();
            let name = reader.string()?;
            if !reader.take(b':') {
                return Err(NoForm);
            }
            reader.blanks();
            members.push((name, reader.at));
            reader.skip(depth + 1)
        })?;
        let end = self.at;
        let in_order = members
            .iter()
            .zip(members.iter().skip(1))
            .all(|((one, _), (next, _))| one.is_ascii() && next.is_ascii() && one <= next);
        if !in_order {
            members.sort_by_cached_key(|(name, _)| units(name));
        }
        out.push(b'{');
        let outside = path.len();
        for (place, (name, at)) in members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            string(out, name);
            out.push(b':');
            path.push(b'/');
            for byte in name.iter() {
                match byte {
                    b'~' => path.extend_from_slice(b"~0"),
                    b'/' => path.extend_from_slice(b"~1"),
                    other => path.push(*other),
                }
            }
            self.at = *at;
            self.value(out, path, scalar, depth + 1)?;
            path.truncate(outside);
        }
        out.push(b'}');
        self.at = end;
        Ok(())
    }

    /// Goes past one value, whose inside is checked when it is taken.
    fn skip(&mut self, depth: usize) -> Result<(), NoForm> {
        let mut open = 0_usize;
        loop {
            self.blanks();
            match self.peek().ok_or(NoForm)? {
                b'"' => {
                    self.raw_string()?;
                }
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                    if open + depth > DEPTH + 1 {
                        return Err(NoForm);
                    }
                    continue;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1).ok_or(NoForm)?;
                    self.at += 1;
                }
                b',' | b':' if open > 0 => {
                    self.at += 1;
                    continue;
                }
                b',' | b':' => return Err(NoForm),
                _scalar => {
                    while self.peek().is_some_and(|byte| {
                        !matches!(
                            byte,
                            b',' | b':' | b']' | b'}' | b'"' | b' ' | b'\t' | b'\n' | b'\r'
                        )
                    }) {
                        self.at += 1;
                    }
                }
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Result<(), NoForm> {
        if !self
            .json
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            return Err(NoForm);
        }
        self.at += word.len();
        out.extend_from_slice(word);
        Ok(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<(), NoForm> {
        let from = self.at;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
        ) {
            self.at += 1;
        }
        let text = self.json.get(from..self.at).unwrap_or_default();
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        let plain = text
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'-');
        let text = std::str::from_utf8(text).map_err(|_| NoForm)?;
        // Only what JSON allows as a number is one here.
        let value: f64 = serde_json::from_str(text).map_err(|_| NoForm)?;
        if (plain && text != "-0") || digits > 17 || !value.is_finite() {
            out.extend_from_slice(text.as_bytes());
        } else {
            ecma(out, value);
        }
        Ok(())
    }

    /// The inside of a string, without its quotes.
    fn raw_string(&mut self) -> Result<&'a [u8], NoForm> {
        if self.peek() != Some(b'"') {
            return Err(NoForm);
        }
        let from = self.at + 1;
        let mut at = from;
        loop {
            let rest = self.json.get(at..).ok_or(NoForm)?;
            at += memchr::memchr2(b'"', b'\\', rest).ok_or(NoForm)?;
            if self.json.get(at) == Some(&b'"') {
                break;
            }
            at += 2;
        }
        self.at = at + 1;
        Ok(self.json.get(from..at).unwrap_or_default())
    }

    /// A string with its escapes resolved; half a surrogate pair stays an escape.
    fn string(&mut self) -> Result<Cow<'a, [u8]>, NoForm> {
        let raw = self.raw_string()?;
        if memchr::memchr(b'\\', raw).is_none() {
            return Ok(Cow::Borrowed(raw));
        }
        let mut out = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((byte, after)) = rest.split_first() {
            if *byte != b'\\' {
                out.push(*byte);
                rest = after;
                continue;
            }
            let (escape, after) = after.split_first().ok_or(NoForm)?;
            rest = after;
            match escape {
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'"' | b'\\' | b'/' => out.push(*escape),
                b'u' => rest = unicode(rest, &mut out)?,
                _other => return Err(NoForm),
            }
        }
        Ok(Cow::Owned(out))
    }
}

/// Resolves what follows `\u`, and gives what follows that.
fn unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], NoForm> {
    let (first, after) = unit(rest)?;
    let pair = || {
        let (second, after) = unit(after.strip_prefix(b"\\u")?).ok()?;
        let both = char::decode_utf16([first, second]).next()?.ok()?;
        Some((both, after))
    };
    let (found, after) = match char::from_u32(u32::from(first)) {
        Some(one) => (Some(one), after),
        None => pair().map_or((None, after), |(both, after)| (Some(both), after)),
    };
    match found {
        Some(found) => out.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes()),
        // No UTF-8 text holds 0xff, so nothing else comes out like this.
        None => {
            out.push(0xff);
            out.extend_from_slice(&first.to_be_bytes());
        }
    }
    Ok(after)
}

fn unit(text: &[u8]) -> Result<(u16, &[u8]), NoForm> {
    let (digits, after) = text.split_at_checked(4).ok_or(NoForm)?;
    let digits = std::str::from_utf8(digits).map_err(|_| NoForm)?;
    if digits.starts_with('+') {
        return Err(NoForm);
    }
    let unit = u16::from_str_radix(digits, 16).map_err(|_| NoForm)?;
    Ok((unit, after))
}

/// The order of RFC 8785: by UTF-16 units.
fn units(name: &[u8]) -> Vec<u16> {
    String::from_utf8_lossy(name).encode_utf16().collect()
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    match std::str::from_utf8(text) {
        Ok(text) => crate::line::text::string(out, text),
        Err(_) => {
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
        }
    }
}

/// A double as ECMAScript writes it.
fn ecma(out: &mut Vec<u8>, value: f64) {
    if value == 0.0 {
        out.push(b'0');
        return;
    }
    // `{:e}` gives the shortest digits that read back as the same double.
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let at = usize::try_from(point.clamp(0, count)).unwrap_or_default();
    let (before, after) = digits.split_at(at);
    let text = if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if (1..=21).contains(&point) && point >= count {
        format!("{sign}{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        format!("{sign}{before}.{after}")
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let plus = if exponent > 0 { "+" } else { "" };
        format!("{sign}{first}{dot}{rest}e{plus}{exponent}")
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: &str) -> Result<String, NoForm> {
        let mut out = Vec::new();
        canonical(json.as_bytes(), &mut out, &mut |_, _| {})?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn equal_values_have_one_form() {
        for (json, want) in [
            (
                r#" { "b" : 1 , "a" : [ true , null ] } "#,
                r#"{"a":[true,null],"b":1}"#,
            ),
            (
                r#"{"€":1,"\r":2,"😀":3,"1":4,"ö":5,"":6}"#,
                "{\"\":6,\"\\r\":2,\"1\":4,\"ö\":5,\"€\":1,\"😀\":3}",
            ),
            ("1.0", "1"),
            ("1e2", "100"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("333333333.3333333", "333333333.3333333"),
            ("1E30", "1e+30"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("1e21", "1e+21"),
            ("1.5e20", "150000000000000000000"),
            (r#""\u20ac\/\u000f""#, "\"€/\\u000f\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
            ("9007199254740993", "9007199254740993"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            assert_eq!(form(json).as_deref(), Ok(want), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_form() {
        for wrong in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "+1",
            "1.",
            "tru",
            "\"\\x\"",
            "\"",
            "1 2",
            "{\"a\":}",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "{\"a\":[}",
            "nul",
            "-",
        ] {
            assert_eq!(form(wrong), Err(NoForm), "{wrong}");
        }
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(form(&deep(DEPTH)).is_ok());
        assert!(form(&deep(DEPTH + 2)).is_err());
        assert!(form(&("{\"a\":".repeat(100_000) + "1")).is_err());
    }

    #[test]
    fn scalars_come_with_their_paths() {
        let mut seen = Vec::new();
        let json = br#"{"b":{"c/d":"x"},"a":[1,true]}"#;
        canonical(json, &mut Vec::new(), &mut |path, value| {
            seen.push(format!(
                "{}={}",
                String::from_utf8_lossy(path),
                String::from_utf8_lossy(value)
            ));
        })
        .expect("JSON");
        assert_eq!(seen, ["/a/0=1", "/a/1=true", "/b/c~1d=\"x\""]);
    }
}
