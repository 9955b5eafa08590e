//! Which file of a commit a new file was: what is only renamed has not changed.

use std::collections::{BTreeSet, HashMap};

/// Most files that went away and are looked through; of more, those that come first by name.
pub(super) const MAX_GONE: usize = 200;

/// The share of its lines that a renamed file keeps at least, in percent: as much as git asks for.
const KEPT: usize = 50;

/// For each new file the text that it had under another name, where one of the files that went away
/// is like enough. Each of those is taken once.
pub(super) fn renamed<'a>(
    new: &[(&'a str, &'a str)],
    gone: &HashMap<String, String>,
) -> HashMap<&'a str, String> {
    let mut left: BTreeSet<&str> = gone.keys().map(String::as_str).collect();
    let mut found = HashMap::new();
    for (path, text) in new {
        let lines = Lines::of(text);
        let best = left
            .iter()
            .filter(|old| ending(old) == ending(path))
            .filter_map(|old| Some((lines.kept(gone.get(*old)?), *old)))
            .filter(|(kept, _)| *kept >= KEPT)
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(a.1)));
        if let Some((_, old)) = best {
            left.remove(old);
            if let Some(old) = gone.get(old) {
                found.insert(*path, old.clone());
            }
        }
    }
    found
}

/// What the name of a file ends with, from its last dot.
pub(super) fn ending(path: &str) -> &str {
    path.rfind('.').map_or("", |dot| &path[dot..])
}

/// How often each line stands in a text.
struct Lines<'a> {
    times: HashMap<&'a str, usize>,
    count: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut times = HashMap::new();
        for line in text.lines() {
            *times.entry(line).or_insert(0) += 1;
        }
        Self {
            times,
            count: text.lines().count(),
        }
    }

    /// How many lines both texts have, in percent of the longer one; 0 where that is not possible
    /// to be enough.
    fn kept(&self, old: &str) -> usize {
        let count = old.lines().count();
        let most = count.max(self.count);
        if most == 0 || count.min(self.count) * 100 < most * KEPT {
            return 0;
        }
        let mut left = self.times.clone();
        let both = old
            .lines()
            .filter(|line| {
                left.get_mut(line).is_some_and(|times| {
                    let there = *times > 0;
                    *times = times.saturating_sub(1);
                    there
                })
            })
            .count();
        both * 100 / most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(files: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn a_file_is_the_one_that_it_has_most_lines_of() {
        let old = gone(&[
            ("a.ts", "1\n2\n3\n4"),
            ("b.ts", "1\n2\nx\ny"),
            ("c.py", "1\n2\n3\n4"),
        ]);
        let found = renamed(&[("new.ts", "1\n2\n3\n5")], &old);
        assert_eq!(found["new.ts"], "1\n2\n3\n4");
    }

    #[test]
    fn half_of_the_lines_is_enough_and_less_is_not() {
        let old = gone(&[("a.ts", "1\n2\n3\n4")]);
        for (text, is_it) in [
            ("1\n2\nx\ny", true),
            ("1\nx\ny\nz", false),
            ("", false),
            ("1\n1\n1\n1", false),
        ] {
            assert_eq!(
                renamed(&[("b.ts", text)], &old).len(),
                usize::from(is_it),
                "{text:?}"
            );
        }
        assert!(renamed(&[("b.ts", "")], &gone(&[("a.ts", "")])).is_empty());
    }

    #[test]
    fn one_file_is_not_two_others() {
        let old = gone(&[("a.ts", "1\n2")]);
        let found = renamed(&[("b.ts", "1\n2"), ("c.ts", "1\n2")], &old);
        assert_eq!(found.keys().collect::<Vec<_>>(), [&"b.ts"]);
    }
}
