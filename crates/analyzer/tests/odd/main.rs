//! Sources that are cut, changed or made of random tokens are read without a panic, within the stack that readers have.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]
mod extract_body;

use std::path::Path;

use dropgate_analyzer::extract::STACK_BYTES;
use dropgate_analyzer::facts::{Language, Reading};
use proptest::prelude::*;

use self::extract_body::read;

/// What has its tests here; those of Python stand beside its extractor, whose parts they look into.
const LANGUAGES: [Language; 3] = [Language::TypeScript, Language::Go, Language::Rust];

/// Runs on a stack as large as that of a thread that reads.
fn on_reader(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work)
        .expect("a thread starts")
        .join()
        .expect("no source makes a reader panic");
}

/// All fixtures of a language.
fn sources(language: Language) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(language.short());
    let mut all = Vec::new();
    for rule in std::fs::read_dir(root).expect("fixtures are there") {
        let folder = rule.expect("a folder").path();
        for file in std::fs::read_dir(folder).expect("a folder of fixtures") {
            let path = file.expect("a file").path();
            all.push(std::fs::read_to_string(path).expect("a readable file"));
        }
    }
    all.sort();
    all
}

#[test]
fn whole_fixtures_are_read_and_cut_ones_do_no_harm() {
    for language in LANGUAGES {
        on_reader(move || {
            for text in sources(language) {
                assert_eq!(read(language, &text).reading, Reading::Whole);
                let cuts = text.char_indices().map(|(at, _)| at).step_by(37);
                for at in cuts {
                    read(language, &text[..at]);
                    read(language, &text[at..]);
                }
            }
        });
    }
}

const WORDS: &[&str] = &[
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<-",
    "=>",
    "::",
    ":=",
    "=",
    "&",
    "*",
    "!",
    "|",
    "||",
    ",",
    ";",
    ".",
    "..",
    "?",
    "#",
    "'a",
    "\"{x:?}\"",
    "`",
    "fn",
    "func",
    "let",
    "if",
    "else",
    "match",
    "select",
    "switch",
    "case",
    "default",
    "go",
    "defer",
    "async",
    "await",
    "move",
    "impl",
    "for",
    "range",
    "chan",
    "struct",
    "type",
    "return",
    "break",
    "loop",
    "use",
    "mod",
    "tokio::select!",
    "json!",
    "vec!",
    "format!",
    "bail!",
    "x",
    "y",
    "T",
    "1",
    "0x1f",
    "\n",
    "package p\n",
    "/*",
    "//",
    "é",
    "`${",
    "}`",
    "/",
    "/a/u",
    "=> {",
    "?.",
    "??",
    "...",
    "<T",
    "</T>",
    "@d",
    "class",
    "extends",
    "static {",
    "#p",
    "get",
    "yield",
    "function*",
    "function",
    "enum",
    "namespace",
    "declare",
    "import",
    "export default",
    "from",
    "as",
    "satisfies",
    "try {",
    "catch",
    "finally",
    "new",
    "this",
    "super",
    "using",
    "\u{61}",
    "<!--",
    "-->",
    "\u{2028}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_tokens_do_no_harm(words in prop::collection::vec(prop::sample::select(WORDS), 0..160)) {
        let text = words.join(" ");
        let inside = [
            (Language::Rust, format!("fn f() {{ {text} }}")),
            (Language::Rust, format!("fn f() {{ tokio::select! {{ {text} }} }}")),
            (Language::Go, format!("package p\nfunc f() {{ {text} }}")),
            (Language::TypeScript, format!("async function* f(x) {{ {text} }}")),
            (Language::TypeScript, format!("class C {{ {text} }}")),
            (Language::TypeScript, text.clone()),
            (Language::Rust, text.clone()),
            (Language::Go, text),
        ];
        on_reader(move || {
            for (language, text) in inside {
                read(language, &text);
            }
        });
    }

    #[test]
    fn changed_fixtures_do_no_harm(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        word in prop::sample::select(WORDS),
    ) {
        on_reader(move || {
            for language in LANGUAGES {
                let all = sources(language);
                let mut text = which.get(&all).clone();
                let mut place = at.index(text.len());
                while !text.is_char_boundary(place) {
                    place -= 1;
                }
                text.insert_str(place, word);
                read(language, &text);
            }
        });
    }
}
