//! Messages of any shape, as text: valid, and odd in every way that the grammar allows.

use crate::dice::{Chance, Dice};

/// How deep values are nested.
const DEPTH: u8 = 4;

/// The most members of an object or an array.
const MEMBERS: u64 = 4;

/// What may stand between two tokens of a line.
const SPACES: &[&str] = &["", "", "", " ", "\t", "  ", "\r"];

/// Pieces of strings: plain, of two to four bytes, and escaped.
const PIECES: &[&str] = &[
    "a",
    "Zz 0",
    "é",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "e\u{301}",
    "😀",
    "👩\u{200d}💻",
    r"\n",
    r#"\""#,
    r"\\",
    r"\/",
    r"\b\f\r\t",
    r"\u0000",
    r"\u0041",
    r"\uD83D\ude00",
];

/// Numbers that a typed reader would change.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1.10",
    "1e0",
    "1E+400",
    "1e-400",
    "9007199254740993",
    "18446744073709551616",
    "-123456789012345678901234567890",
    "0.123456789012345678901234567890",
    "3.0e+05",
];

/// A request with this number in its id; `params` is always an object and is given apart.
pub fn request(dice: &mut Dice, number: u64) -> Request {
    let id = match dice.below(5) {
        0 => format!("{number}"),
        1 => format!("-{number}"),
        2 => format!("\"{}-{number}\"", inside(dice)),
        3 => format!("123456789012345678901234567890{number:04}"),
        _ => format!("\"\\u0069d-{number}\""),
    };
    let params = object(dice, DEPTH, &[]);
    let method = format!("\"world/{}\"", inside(dice));
    let own = [
        ("\"jsonrpc\"", "\"2.0\""),
        ("\"id\"", &id),
        ("\"method\"", &method),
        ("\"params\"", &params),
    ];
    let line = object(dice, DEPTH, &own);
    Request { line, id, params }
}

/// A request, and its parts as they are written in it.
#[derive(Clone, Debug)]
pub struct Request {
    /// All of it, without a line end.
    pub line: String,
    /// The value of `id`.
    pub id: String,
    /// The value of `params`.
    pub params: String,
}

/// A notification.
pub fn notification(dice: &mut Dice) -> String {
    let (params, method) = (object(dice, DEPTH, &[]), format!("\"{}\"", inside(dice)));
    let own = [
        ("\"method\"", method.as_str()),
        ("\"params\"", &params),
        ("\"jsonrpc\"", "\"2.0\""),
    ];
    object(dice, DEPTH, &own)
}

/// An answer to a request that nobody made.
pub fn answer(dice: &mut Dice, number: u64) -> String {
    let (id, value) = (format!("\"unasked-{number}\""), object(dice, DEPTH, &[]));
    let own = [
        ("\"result\"", value.as_str()),
        ("\"jsonrpc\"", "\"2.0\""),
        ("\"id\"", &id),
    ];
    object(dice, DEPTH, &own)
}

fn space(dice: &mut Dice) -> &'static str {
    dice.pick(SPACES).copied().unwrap_or_default()
}

/// The inside of a string.
fn inside(dice: &mut Dice) -> String {
    (0..dice.below(5))
        .filter_map(|_| dice.pick(PIECES).copied())
        .collect()
}

fn value(dice: &mut Dice, depth: u8) -> String {
    match dice.below(if depth == 0 { 5 } else { 7 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => "false".to_owned(),
        3 => dice.pick(NUMBERS).copied().unwrap_or("0").to_owned(),
        4 => format!("\"{}\"", inside(dice)),
        5 => array(dice, depth - 1),
        _ => object(dice, depth - 1, &[]),
    }
}

fn array(dice: &mut Dice, depth: u8) -> String {
    let values: Vec<String> = (0..dice.below(MEMBERS))
        .map(|_| format!("{}{}{}", space(dice), value(dice, depth), space(dice)))
        .collect();
    format!("[{}]", values.join(","))
}

/// An object with these members, in their order, and others between them. Keys differ in what
/// follows their last `#`.
fn object(dice: &mut Dice, depth: u8, own: &[(&str, &str)]) -> String {
    let mut members = Vec::new();
    for (key, text) in own {
        if dice.one_in(3) == Chance::Taken {
            members.push(member(dice, depth, members.len()));
        }
        let spaces = [space(dice), space(dice), space(dice)];
        let [before, middle, after] = spaces;
        members.push(format!("{before}{key}{middle}:{after}{text}"));
    }
    for _ in 0..dice.below(MEMBERS) {
        members.push(member(dice, depth, members.len()));
    }
    format!(
        "{}{{{}{}}}{}",
        space(dice),
        members.join(","),
        space(dice),
        space(dice)
    )
}

fn member(dice: &mut Dice, depth: u8, number: usize) -> String {
    let value = value(dice, depth.saturating_sub(1));
    format!("{}\"{}#{number}\":{value}", space(dice), inside(dice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_shape_is_one_line_of_json() {
        let mut dice = Dice::new(1);
        for number in 0..1_000 {
            let request = request(&mut dice, number);
            for line in [
                &request.line,
                &notification(&mut dice),
                &answer(&mut dice, 1),
            ] {
                assert!(!line.contains('\n'), "{line}");
                let arbitrary: Result<Box<serde_json::value::RawValue>, _> =
                    serde_json::from_str(line);
                assert!(arbitrary.is_ok(), "{line}");
            }
            assert!(request.line.contains(&request.params));
            assert!(serde_json::from_str::<Value>(&request.id).is_ok() || request.id.len() > 20);
        }
    }
}
