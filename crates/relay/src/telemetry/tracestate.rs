//! What vendors keep in a trace context, as the W3C limits it in `tracestate`.

/// The most of it that is kept, bytes.
const MAX_STATE: usize = 512;
/// The most members that it may have.
const MAX_MEMBERS: usize = 32;
/// The most bytes of a member's key, and of its value.
const MAX_PART: usize = 256;

/// Whether a text is a `tracestate` that may go on. One that is not says nothing that a collector
/// or a server could rely on.
pub(crate) fn is_valid(text: &str) -> bool {
    let mut members = 0;
    text.len() <= MAX_STATE
        && text.split(',').all(|member| {
            let member = member.trim_matches([' ', '\t']);
            members += usize::from(!member.is_empty());
            members <= MAX_MEMBERS && (member.is_empty() || is_member(member))
        })
        && members > 0
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let in_key =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let in_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    let begins = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.as_bytes().first().is_some_and(begins)
        && key.len() <= MAX_PART
        && key.bytes().all(in_key)
        && (1..=MAX_PART).contains(&value.len())
        && value.bytes().all(in_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_limits_allow_is_valid() {
        let members = |count: usize| vec!["a=b"; count].join(",");
        let long = |length: usize| format!("a={}", "b".repeat(length));
        let rows = [
            ("a=b".to_owned(), true),
            ("rojo=00f067aa0ba902b7, t61rcWkgMzE@x=1".to_owned(), false),
            (
                "rojo=00f067aa0ba902b7,\t1t@x_-*/=1 ~!,,b=\"".to_owned(),
                true,
            ),
            (String::new(), false),
            (", ,".to_owned(), false),
            ("a".to_owned(), false),
            ("a=".to_owned(), false),
            ("=b".to_owned(), false),
            ("_a=b".to_owned(), false),
            ("a=b=c".to_owned(), false),
            ("a=b\nforged".to_owned(), false),
            ("a=\u{1b}[31m".to_owned(), false),
            ("a=\u{7f}".to_owned(), false),
            ("a=é".to_owned(), false),
            (members(MAX_MEMBERS), true),
            (members(MAX_MEMBERS + 1), false),
            (long(MAX_PART), true),
            (long(MAX_PART + 1), false),
            (format!("{0},{0}", long(253)), true),
            (format!("{0},{0}", long(254)), false),
        ];
        for (text, valid) in rows {
            assert_eq!(is_valid(&text), valid, "{text:?}");
        }
    }
}
