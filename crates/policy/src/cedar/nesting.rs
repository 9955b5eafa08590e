//! How deep a text of policies nests, known before it is parsed: the parser calls itself once a
//! level, and a stack that overflows ends the process.

/// The deepest nesting that is parsed. Policies that people write stay far below it.
pub(super) const MAX_NESTING: usize = 32;

/// The most operators of one policy, since each operand of a chain is a level as well.
pub(super) const MAX_OPERATORS: usize = 256;

/// Where a text first nests deeper than [`MAX_NESTING`], as an offset in bytes. Brackets count, and
/// within one policy each `if`; or where a policy first has more than [`MAX_OPERATORS`].
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = 0_usize;
    let mut within = 0_usize;
    let mut operators = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut length = 1;
        match byte {
            b'"' => length = string(rest),
            b'/' if rest.starts_with(b"//") => {
                length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            }
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b';' => (within, operators) = (0, 0),
            b'|' | b'&' if rest.get(1) == Some(&byte) => {
                operators += 1;
                length = 2;
            }
            b'.' | b'+' | b'-' | b'*' | b'!' => operators += 1,
            _ if is_word(byte) => {
                length = rest.iter().take_while(|&&byte| is_word(byte)).count();
                within += usize::from(rest.get(..length) == Some(b"if"));
            }
            _nothing_that_nests => {}
        }
        if open + within > MAX_NESTING || operators > MAX_OPERATORS {
            return Some(at);
        }
        at += length;
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the string literal that a text begins with; all of the text if it does not end.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if text.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(condition: &str) -> String {
        format!("permit(principal, action, resource) when {{ {condition} }};\n")
    }

    #[test]
    fn the_limit_is_on_the_levels_of_one_policy() {
        // The braces of `when` are the first level.
        let most = MAX_NESTING - 1;
        for (level, end) in [("(", ")"), ("[", "]"), ("if true then 1 else ", "")] {
            let nested =
                |levels: usize| policy(&(level.repeat(levels) + "x" + &end.repeat(levels)));
            assert_eq!(too_deep(&nested(most).repeat(100)), None, "{level}");
            assert!(too_deep(&nested(most + 1)).is_some(), "{level}");
        }
    }

    #[test]
    fn the_limit_is_on_the_operators_of_one_policy() {
        for operator in [" || true", " && true", ".a", " + 1", " - 1", " * 1"] {
            let chain = |length: usize| policy(&format!("x{}", operator.repeat(length)));
            assert_eq!(
                too_deep(&chain(MAX_OPERATORS).repeat(3)),
                None,
                "{operator}"
            );
            assert!(too_deep(&chain(MAX_OPERATORS + 1)).is_some(), "{operator}");
        }
    }

    #[test]
    fn strings_comments_and_comparisons_do_not_nest() {
        for flat in [
            "\"((((\"",
            "\"\\\"((((\"",
            "x != y && ",
            "// ((((if if\n",
            "differs ",
        ] {
            assert_eq!(too_deep(&policy(&flat.repeat(100))), None, "{flat}");
        }
        assert_eq!(too_deep("\"never ends \\"), None);
    }
}
