//! Texts of others, shown so that nothing in them is obeyed or hidden.

/// The text without anything that a terminal obeys or a reader can't see: control characters,
/// marks of direction, characters of no width and tags are written as escapes.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if is_hidden(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_or_hidden_is_escaped_and_the_rest_stays() {
        assert_eq!(visible("a\nb\u{202e}\u{9b}"), "a\\u{a}b\\u{202e}\\u{9b}");
        assert_eq!(visible("Größe 寸 🙂"), "Größe 寸 🙂");
    }
}
