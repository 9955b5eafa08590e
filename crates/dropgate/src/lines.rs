//! Which lines of two texts differ.

/// The most pairs of lines that are compared; of texts that need more, all lines between the
/// common beginning and end count as changed.
const MAX_PAIRS: usize = 4_000_000;

/// A line that only one of the texts has, by its place in that text from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// In the old text.
    Gone(usize),
    /// In the new text.
    Came(usize),
}

/// The edits from the old text to the new one, in order, as few as possible.
pub(crate) fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - same_end], &new[..new.len() - same_end]);
    let found = if old.len().saturating_mul(new.len()) > MAX_PAIRS {
        let gone = (0..old.len()).map(Edit::Gone);
        gone.chain((0..new.len()).map(Edit::Came)).collect()
    } else {
        compared(old, new)
    };
    let placed = found.into_iter().map(|edit| match edit {
        Edit::Gone(line) => Edit::Gone(line + start),
        Edit::Came(line) => Edit::Came(line + start),
    });
    placed.collect()
}

/// By the longest common subsequence of lines.
fn compared(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for (row, left) in old.iter().enumerate().rev() {
        for (column, right) in new.iter().enumerate().rev() {
            common[row * width + column] = if left == right {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let mut found = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < old.len() || column < new.len() {
        let goes = row < old.len()
            && (column == new.len()
                || common[(row + 1) * width + column] >= common[row * width + column + 1]);
        if row < old.len() && column < new.len() && old[row] == new[column] {
            row += 1;
            column += 1;
        } else if goes {
            found.push(Edit::Gone(row));
            row += 1;
        } else {
            found.push(Edit::Came(column));
            column += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(old: &str, new: &str) -> Vec<Edit> {
        let split = |text| str::lines(text).collect::<Vec<_>>();
        edits(&split(old), &split(new))
    }

    #[test]
    fn only_lines_that_differ_are_named() {
        use Edit::{Came, Gone};
        assert_eq!(of("a\nb\nc", "a\nx\nc\nd"), [Gone(1), Came(1), Came(3)]);
        assert_eq!(of("a\nb\nc", "b\nc\nd"), [Gone(0), Came(2)]);
        assert_eq!(of("a", "a"), []);
    }

    #[test]
    fn texts_beyond_the_bound_differ_as_a_whole() {
        let many = |mark: char| {
            (0..2_001)
                .map(|n| format!("{mark}{n}\n"))
                .collect::<String>()
        };
        let (old, new) = (many('a'), many('b'));
        assert_eq!(
            of(&format!("x\n{old}y"), &format!("x\n{new}y")).len(),
            4_002
        );
    }
}
