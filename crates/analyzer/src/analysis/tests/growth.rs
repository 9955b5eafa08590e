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
const ENDED: &[(&str, Language, &str)] = &[
    ("hooks for the end", Language::Go, "LIFE-002"),
    ("servers", Language::TypeScript, "LIFE-004"),
    ("hooks for the end", Language::TypeScript, "LIFE-016"),
    ("hooks for the end", Language::Python, "LIFE-016"),
];

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
