use super::{MAX_OPEN, Nesting, check};
use crate::facts::Name;

fn of(path: &str, text: &str) -> Nesting {
    check(&Name::from(path), text)
}

/// What nests without brackets, each of the language's own ways.
const NESTING: &[&str] = &[
    "!\n",
    "~",
    "- ",
    "+\n",
    "typeof ",
    "void ",
    "delete ",
    "new\n",
    "await ",
    "yield ",
    "a**\n",
    "a<\n",
    "a<<\n",
    "a=",
    "a??=",
    "a=>\n",
    "async a =>",
    "a?b:\n",
    "a?",
    "a-\n",
    "a.",
    "a?.",
    "a!.",
    "``",
    "a as b as ",
    "if(a)\n",
    "if(a);else ",
    "if(a){}else ",
    "if(a)b;else ",
    "while(a)",
    "for(;;)",
    "for await(a of b)",
    "do ",
    "a:",
    "class extends ",
    "class extends @a() ",
    "`${",
    "<a>{",
    "<a b=",
    "<a>",
    "keyof ",
    "a extends b?c:",
    "new()=>",
    "readonly ",
    "(a?",
    "f<a,",
];

#[test]
fn every_way_to_nest_is_seen() {
    let mut passed = Vec::new();
    for path in ["a.ts", "a.js", "a.tsx"] {
        for part in NESTING {
            let is_markup = part.starts_with('<');
            if is_markup && path == "a.ts" {
                continue;
            }
            let text = format!("x = {}", part.repeat(MAX_OPEN + 1));
            if of(path, &text) != Nesting::TooDeep {
                passed.push((path, part));
            }
        }
    }
    assert!(passed.is_empty(), "{passed:?}");
}

#[test]
fn the_limit_is_the_last_that_passes() {
    let text = |count: usize| format!("{}a", "!".repeat(count));
    assert_eq!(of("a.ts", &text(MAX_OPEN - 1)), Nesting::Bearable);
    assert_eq!(of("a.ts", &text(MAX_OPEN)), Nesting::TooDeep);
}

#[test]
fn what_only_looks_like_an_end_ends_nothing() {
    for between in [
        "';'",
        "/;/",
        "/[/;]/",
        "`;`",
        "`${a}; `",
        "/*;*/a",
        "a//;\n",
        "a.if",
        "\"\\\";\"",
        "a//\u{2028}\n",
    ] {
        let text = format!("x = {}", format!("{between} ** ").repeat(MAX_OPEN));
        assert_eq!(of("a.js", &text), Nesting::TooDeep, "{between}");
    }
    let hidden = [
        "<p>`</p>;",
        "<p>'</p>;\n",
        "x = <p a=\"\\\">`</p>;",
        "x = {}\n/`/;",
        "x = /`/;",
        "if (a) /`/;",
        "// \u{2028}x = /`/;",
        "'\\\r\n`';",
        "\u{a0}if\u{a0}(a) /`/;",
    ];
    for before in hidden {
        let text = format!("{before}\n{}", "!".repeat(2 * MAX_OPEN));
        assert_eq!(of("a.js", &text), Nesting::TooDeep, "{before}");
    }
}

#[test]
fn a_shift_is_no_element() {
    let text = "port = (bytes[0] << 8) | bytes[1];\nsocket.on('close', () => {});\nmask <<= 1;\n";
    for path in ["a.js", "a.tsx"] {
        assert_eq!(of(path, &text.repeat(500)), Nesting::Bearable, "{path}");
    }
}

#[test]
fn what_is_counted_up_and_compared_is_no_element() {
    let text = "while (attempt++ < most) {}\nif (list[i]-- < least) {}\n";
    for path in ["a.js", "a.tsx"] {
        assert_eq!(of(path, &text.repeat(500)), Nesting::Bearable, "{path}");
    }
}

#[test]
fn long_source_is_not_deep() {
    for line in [
        "const a = !b && c - -d\n",
        "foo(!a)\n",
        "if (a) b(); else if (c) d()\nelse e()\n",
        "a = b ? c : d;\n",
        "x => y;\n",
        "function f() { return a < b }\n",
        "export class A<T> extends B<T> {}\n",
        "case 'a': return b / c;\n",
        "let x: Map<string, Array<number>> = new Map()\n",
        "import { a } from 'b'\n",
        "type A = { b: string } | undefined;\n",
        "await a.b(`c ${d}`)\n",
        "it('is', async () => { for (const a of b) await c });\n",
    ] {
        let text = line.repeat(MAX_OPEN * 2);
        assert_eq!(of("a.ts", &text), Nesting::Bearable, "{line}");
    }
    for part in [
        "a: !b, ",
        "b: function () { return 1 }, ",
        "'a/b': <p>don't / {a}/{b}`</p>,\n",
        "type: a < b, ",
    ] {
        let text = format!("x = {{{}}}", part.repeat(MAX_OPEN * 2));
        let told = of("a.jsx", &text);
        let expected = if part.contains(" < ") {
            Nesting::TooDeep
        } else {
            Nesting::Bearable
        };
        assert_eq!(told, expected, "{part}");
    }
}
