//! What changed between two texts, by line, in characters that can't fool a terminal or its reader.

use crate::lines::{Edit, edits};
use crate::visible::visible;

/// The most lines of either text that are compared; longer ones are shown one after the other.
const MAX_COMPARED: usize = 500;

/// The most lines that are shown.
const MAX_SHOWN: usize = 200;

/// The longest line that is shown, in characters.
const MAX_WIDTH: usize = 2000;

/// The lines of both texts: `- ` before those that went, `+ ` before those that came. Lines that
/// stayed are left out.
pub(super) fn lines(old: &str, new: &str) -> Vec<String> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let mut shown: Vec<String> = if old.len() > MAX_COMPARED || new.len() > MAX_COMPARED {
        let gone = old.iter().map(|line| marked('-', line));
        gone.chain(new.iter().map(|line| marked('+', line)))
            .collect()
    } else {
        let edits = edits(&old, &new).into_iter();
        edits
            .map(|edit| match edit {
                Edit::Gone(line) => marked('-', old[line]),
                Edit::Came(line) => marked('+', new[line]),
            })
            .collect()
    };
    if shown.len() > MAX_SHOWN {
        let more = shown.len() - MAX_SHOWN;
        shown.truncate(MAX_SHOWN);
        shown.push(format!("  ... and {more} more lines"));
    }
    shown
}

fn marked(mark: char, line: &str) -> String {
    let mut text = format!("{mark} ");
    let visible = visible(line);
    text.extend(visible.chars().take(MAX_WIDTH));
    if visible.chars().nth(MAX_WIDTH).is_some() {
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_came() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert_eq!(lines("", "a"), ["+ a"]);
        assert_eq!(lines("a", ""), ["- a"]);
        assert_eq!(lines("same", "same"), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_hidden_and_nothing_is_obeyed() {
        let tricky = "\u{1b}[2Jread\u{202e}\u{200b}\u{e0041}\u{7}";
        assert_eq!(
            lines("", tricky),
            ["+ \\u{1b}[2Jread\\u{202e}\\u{200b}\\u{e0041}\\u{7}"]
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let many: String = (0..2000).map(|n| format!("{n}\n")).collect();
        assert_eq!(lines("", &many).len(), MAX_SHOWN + 1);
        let wide = "x".repeat(MAX_WIDTH + 1);
        assert_eq!(
            lines("", &wide),
            [format!("+ {} ...", "x".repeat(MAX_WIDTH))]
        );
    }
}
