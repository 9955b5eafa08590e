//! Source that is written to take long: no rule looks at more of it than its length asks for, counted, not timed.

#[path = "../../../tests/hostile/sources.rs"]
mod sources;

use self::sources::{KINDS, Kind};
use super::*;

/// Of the size at which a kind takes long; what is counted at this share and at twice as much says how it grows.
const SHARE: usize = 40;

/// What twice the source may take in hundredths of the work.
const AT_MOST: u64 = 225;

/// What grows with the square and is ended by [`budget::MOST`]: the kind, the language, the rule.
const ENDED: &[(&str, Language, &str)] = &[("hooks for the end", Language::Go, "LIFE-002")];

/// Of these, what also stops at once when it is ended.
const STOPPED: &[(&str, Language, &str)] = &[("hooks for the end", Language::Go, "LIFE-002")];

/// Work that is too little to tell how it grows.
const LITTLE: u64 = 10_000;

/// Part of the names of kinds that are looked at in full size instead, with what each rule spends.
const WHOLE: &str = "DROPGATE_HOSTILE";

/// The rules, and the joining before them, with what each spends on a source.
fn spent(kind: &Kind, language: Language, size: usize) -> Vec<(&'static str, u64)> {
    let path = Name::from(sources::path(language));
    let text = sources::source(kind, language, size);
    counting(|| work(&[], vec![(path, text)]))
}

fn each_kind(language: Language) {
    let mut grown = Vec::new();
    let wanted = std::env::var(WHOLE).ok();
    let kinds = KINDS.iter().filter(|kind| {
        wanted
            .as_ref()
            .is_none_or(|part| kind.name.contains(part.as_str()))
    });
    for kind in kinds {
        let size = kind.size / if wanted.is_some() { 2 } else { SHARE };
        let one = spent(kind, language, size);
        let two = spent(kind, language, 2 * size);
        if wanted.is_some() {
            let most = two.iter().max_by_key(|(_, work)| *work);
            let of = |id: &str| two.iter().find(|(name, _)| *name == id).copied();
            let told = (most, of("ERR-001"), of("ERR-002"), of("ERR-004"));
            eprintln!("{} {} {}: {told:?}", language.short(), kind.name, 2 * size);
        }
        for ((name, one), (_, two)) in one.iter().zip(&two) {
            let is_ended = ENDED.contains(&(kind.name, language, name));
            if !is_ended && *two > LITTLE && two * 100 > one * AT_MOST {
                grown.push(format!("{}, {size}: {name} {one}, then {two}", kind.name));
            }
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}

#[test]
fn work_on_typescript_grows_with_its_length() {
    each_kind(Language::TypeScript);
}

#[test]
fn work_on_python_grows_with_its_length() {
    each_kind(Language::Python);
}

#[test]
fn work_on_rust_grows_with_its_length() {
    each_kind(Language::Rust);
}

#[test]
fn work_on_go_grows_with_its_length() {
    each_kind(Language::Go);
}

#[test]
fn work_that_is_ended_goes_on_no_longer_than_the_source() {
    const MOST: u64 = 200;
    for (name, language, id) in STOPPED {
        let kind = KINDS.iter().find(|kind| kind.name == *name).unwrap();
        let past = |size: usize| {
            let path = Name::from(sources::path(*language));
            let text = sources::source(kind, *language, size);
            counting(|| {
                let files = [extract::extract(&Source {
                    path,
                    language: *language,
                    text: &text,
                })];
                let project = Project::of(&files, &[]);
                let rule = RULES.iter().find(|rule| rule.id == *id).unwrap();
                budget::past(1, MOST, || {
                    let texts = [text.clone()];
                    (rule.check)(&project, &mut Report::new(rule, &project, &texts));
                })
            })
        };
        let size = kind.size / SHARE;
        let (one, two) = (past(size), past(2 * size));
        assert!(one > 0, "{name} {id}: nothing was ended");
        assert!(
            two * 100 <= one * AT_MOST + LITTLE,
            "{name} {id}: after its end {one} more, then {two}"
        );
    }
}
