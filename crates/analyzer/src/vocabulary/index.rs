//! The tables by the first byte of their patterns: each path of a program is looked up, and several times.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Role, tables};
use crate::facts::Language;

/// The tables of each language, in the order of [`Language::ALL`].
static ALL: LazyLock<[Index; 4]> = LazyLock::new(|| Language::ALL.map(Index::made));

/// The tables of a language.
pub(super) fn of(language: Language) -> &'static Index {
    let [typescript, python, rust, go] = &*ALL;
    match language {
        Language::TypeScript => typescript,
        Language::Python => python,
        Language::Rust => rust,
        Language::Go => go,
    }
}

/// The rows of a language.
#[derive(Debug)]
pub(super) struct Index {
    /// In the order of the tables, with those that begin with `*`.
    by_first: BTreeMap<u8, Vec<Known>>,
    /// Those that begin with `*`.
    others: Vec<Known>,
}

/// A row, its pattern taken apart.
#[derive(Debug, Clone)]
struct Known {
    pattern: Pattern<'static>,
    role: Role,
    /// How many characters are no `*`.
    exact: usize,
}

impl Index {
    fn made(language: Language) -> Self {
        let rows = tables(language).into_iter().flatten();
        let known: Vec<Known> = rows
            .map(|row| Known {
                pattern: Pattern::of(row.0),
                role: row.1,
                exact: row.0.len() - row.0.matches('*').count(),
            })
            .collect();
        let firsts = known.iter().filter_map(|row| row.pattern.first_byte());
        let with = |first: Option<u8>| {
            let fit = known.iter().filter(|row| {
                let own = row.pattern.first_byte();
                own.is_none() || own == first
            });
            fit.cloned().collect::<Vec<_>>()
        };
        Self {
            by_first: firsts.map(|first| (first, with(Some(first)))).collect(),
            others: with(None),
        }
    }

    fn rows(&self, path: &str) -> &[Known] {
        let first = path.as_bytes().first();
        let rows = first.and_then(|first| self.by_first.get(first));
        rows.unwrap_or(&self.others)
    }

    /// What the most specific row that matches says.
    pub(super) fn role(&self, path: &str) -> Option<Role> {
        self.rows(path)
            .iter()
            .filter(|row| row.pattern.matches(path))
            .max_by_key(|row| row.exact)
            .map(|row| row.role)
    }

    /// Whether any row that matches says that the argument is given back.
    pub(super) fn is_same(&self, path: &str) -> bool {
        self.rows(path)
            .iter()
            .any(|row| row.role == Role::Same && row.pattern.matches(path))
    }
}

/// A pattern in which `*` stands for any text.
#[derive(Debug, Clone)]
pub(super) struct Pattern<'p> {
    /// What is before the first `*`.
    start: &'p str,
    /// What is between two of them.
    middle: Vec<&'p str>,
    /// What is behind the last; `None` where there is no `*`.
    end: Option<&'p str>,
}

impl<'p> Pattern<'p> {
    pub(super) fn of(text: &'p str) -> Self {
        let (start, end) = match (text.split_once('*'), text.rsplit_once('*')) {
            (Some((start, _)), Some((_, end))) => (start, Some(end)),
            (_, _) => (text, None),
        };
        let middle = text.split('*').skip(1);
        let count = text.matches('*').count().saturating_sub(1);
        Self {
            start,
            middle: middle.take(count).collect(),
            end,
        }
    }

    /// The byte that a text must begin with.
    fn first_byte(&self) -> Option<u8> {
        self.start.as_bytes().first().copied()
    }

    /// Whether it matches a whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(end) = self.end else {
            return text == self.start;
        };
        let Some(mut rest) = text.strip_prefix(self.start) else {
            return false;
        };
        // The end is compared first: it rules most texts out, and looking for what is between takes long.
        if !rest.ends_with(end) {
            return false;
        }
        for part in &self.middle {
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("fetch", "fetch", true),
            ("fetch", "fetcher", false),
            ("*.end", "pool.end", true),
            ("*.end", "end", false),
            ("pg.*.end", "pg.Pool().end", true),
            ("pg.*.end", "pg.end", false),
            ("pg.*.end", "pg..end", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abxb", true),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(
                Pattern::of(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn a_row_is_found_by_its_first_byte_or_without_one() {
        for language in Language::ALL {
            for row in tables(language).into_iter().flatten() {
                let path = row.0.replace('*', "x");
                let own = Pattern::of(row.0);
                assert!(own.matches(&path), "{path}");
                let found = of(language).role(&path);
                assert!(found.is_some(), "{path}");
                let rows = tables(language).into_iter().flatten();
                let best = rows
                    .filter(|other| Pattern::of(other.0).matches(&path))
                    .max_by_key(|other| other.0.len() - other.0.matches('*').count());
                assert_eq!(found, best.map(|row| row.1), "{path}");
            }
        }
    }
}
