//! What the lowering must give, and that no text makes it panic.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use proptest::prelude::*;

use super::extract;
use crate::extract::{STACK_BYTES, Source};
use crate::facts::{
    CallForm, Expr, ExprKind, FileFacts, ImportItem, Language, Logic, Mode, Name, Pattern, Reading,
    StmtKind, VariableKind, Why, walk,
};

fn read(text: &str) -> FileFacts {
    extract(&Source {
        path: Name::from("server/main.py"),
        language: Language::Python,
        text,
    })
}

/// Runs with the stack that extraction is promised.
fn with_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run)
            .expect("a thread starts")
            .join()
            .expect("nothing panics")
    })
}

fn module_exprs(facts: &FileFacts) -> Vec<&Expr> {
    let mut all = Vec::new();
    walk::exprs(&facts.functions[0].body, &mut |expr| all.push(expr));
    all
}

#[test]
fn imports_keep_their_source_and_bind_names() {
    let facts = read(
        "import os.path\nimport numpy as np\nfrom . import tools\nfrom ..a.b import c as d\nfrom x import *\n",
    );
    let imports: Vec<(&str, &ImportItem)> = facts
        .imports
        .iter()
        .map(|import| (&*import.source, &import.item))
        .collect();
    let named = |name: &str| ImportItem::Named(Name::from(name));
    assert_eq!(
        imports,
        [
            ("os", &ImportItem::Module),
            ("os.path", &ImportItem::All),
            ("numpy", &ImportItem::Module),
            (".", &named("tools")),
            ("..a.b", &named("c")),
            ("x", &ImportItem::All),
        ]
    );
    let bound: Vec<&str> = facts
        .variables
        .iter()
        .filter(|variable| matches!(variable.kind, VariableKind::Import(_)))
        .map(|variable| &*variable.name)
        .collect();
    assert_eq!(bound, ["os", "np", "tools", "d"]);
}

#[test]
fn names_mean_what_python_says() {
    let facts = read(
        "x = 1\ndef f(a):\n    global x\n    x = a\n    y = [x for x in a]\n    def g():\n        nonlocal y\n        y = x\n    print(z)\n",
    );
    let names: Vec<(&str, u32)> = facts
        .variables
        .iter()
        .map(|variable| (&*variable.name, variable.owner.0))
        .collect();
    // The module's `x` and `f`, the parameter, `y` and `g` of `f`, and the comprehension's own `x`.
    assert_eq!(
        names,
        [("x", 0), ("f", 0), ("a", 1), ("y", 1), ("g", 1), ("x", 1)]
    );
    let outer = &facts.functions[1];
    let StmtKind::Assign {
        target: Pattern::Var(set),
        ..
    } = &outer.body[0].kind
    else {
        unreachable!("an assignment: {:?}", outer.body[0]);
    };
    assert_eq!(facts.variables[0].name, Name::from("x"));
    assert_eq!(set.0, 0, "`global x` is the variable of the file");
    let mut globals = Vec::new();
    walk::exprs(&outer.body, &mut |expr| {
        if let ExprKind::Global(name) = &expr.kind {
            globals.push(name.to_string());
        }
    });
    assert_eq!(globals, ["print", "z"]);
}

#[test]
fn methods_have_a_receiver_and_classes_their_fields() {
    let facts = read(
        "class A(B[int]):\n    limit: int = 3\n    def __init__(self, c: 'Client | None' = None):\n        self.c = c\n    @staticmethod\n    def s(x): return x\n    async def m(self):\n        f = lambda: self.c\n",
    );
    let class = &facts.classes[0];
    assert_eq!(&*class.name, "A");
    assert!(matches!(&class.bases[0].kind, ExprKind::Global(name) if &**name == "B"));
    assert_eq!(&*class.fields[0].name, "limit");
    let methods: Vec<&str> = class.methods.iter().map(|method| &*method.name).collect();
    assert_eq!(methods, ["__init__", "s", "m"]);
    let init = &facts.functions[1];
    assert_eq!(init.params.len(), 1);
    assert!(
        matches!(&init.params[0].ty, Some(ty) if matches!(&ty.kind, ExprKind::Global(name) if &**name == "Client"))
    );
    assert!(
        matches!(&init.body[0].kind, StmtKind::Assign { target: Pattern::Place(place), .. }
        if matches!(&place.kind, ExprKind::Member(object, _) if matches!(object.kind, ExprKind::This)))
    );
    assert_eq!(facts.functions[2].params.len(), 1);
    assert_eq!(facts.functions[3].mode, Mode::Async);
    let lambda = &facts.functions[4];
    assert_eq!(&*lambda.name, "f");
    assert!(matches!(&lambda.body[0].kind, StmtKind::Return(Some(value))
        if matches!(&value.kind, ExprKind::Member(object, _) if matches!(object.kind, ExprKind::This))));
}

#[test]
fn texts_are_taken_apart_and_known_calls_have_forms() {
    let facts = read(
        "f'a{e}b'\n'x %s' % e\n'x' + e + 'y'\n'{}'.format(e)\n', '.join(e)\nf'plain'\ngetattr(e, 'msg', None)\nsuper()\nnot e\nwith suppress(OSError):\n    go()\n",
    );
    let roots: Vec<&ExprKind> = facts.functions[0]
        .body
        .iter()
        .filter_map(|stmt| {
            if let StmtKind::Expr(expr) = &stmt.kind {
                Some(&expr.kind)
            } else {
                None
            }
        })
        .collect();
    for kind in &roots[..5] {
        assert!(matches!(kind, ExprKind::Join(_)), "{kind:?}");
    }
    assert!(matches!(roots[5], ExprKind::Str(text) if &**text == "plain"));
    assert!(
        matches!(roots[6], ExprKind::Logic(Logic::Or, member, _) if matches!(&member.kind, ExprKind::Member(_, name) if &**name == "msg"))
    );
    assert!(matches!(roots[7], ExprKind::Super));
    assert!(matches!(roots[8], ExprKind::Not(_)));
    let last = facts.functions[0].body.last().expect("a statement");
    assert!(
        matches!(&last.kind, StmtKind::Try { catches, .. } if catches[0].types.len() == 1 && catches[0].body.is_empty())
    );
}

#[test]
fn failures_and_scopes_keep_their_parts() {
    let facts = read(
        "try:\n    a()\nexcept (X, Y) as e:\n    b(e)\nexcept:\n    raise\nelse:\n    c()\nfinally:\n    d()\nasync def f():\n    async with p() as q, r():\n        yield q\n",
    );
    let StmtKind::Try {
        body,
        catches,
        finally,
    } = &facts.functions[0].body[0].kind
    else {
        unreachable!("a try");
    };
    assert_eq!((body.len(), catches.len(), finally.len()), (2, 2, 1));
    assert_eq!(catches[0].types.len(), 2);
    assert!(matches!(catches[0].binding, Some(Pattern::Var(_))));
    assert!(catches[1].types.is_empty());
    assert!(matches!(catches[1].body[0].kind, StmtKind::Throw(None)));
    let StmtKind::With { resources, .. } = &facts.functions[1].body[0].kind else {
        unreachable!("a with");
    };
    assert_eq!(resources.len(), 2);
    assert!(matches!(resources[0].value.kind, ExprKind::Await(_)));
}

#[test]
fn a_program_is_known_and_its_guard_is_a_function() {
    let facts = read("def main(): pass\nif __name__ == '__main__':\n    main()\n");
    assert!(facts.is_program);
    assert!(facts.functions[0].body.is_empty());
    assert_eq!(&*facts.functions[2].name, "__main__");
    assert!(!read("def main(): pass\n").is_program);
}

#[test]
fn a_long_chain_of_elif_does_not_nest() {
    let mut text = String::from("if x == 0:\n    a()\n");
    for place in 1..500 {
        text.push_str(&format!("elif x == {place}:\n    b({place})\n"));
    }
    let facts = with_stack(|| read(&text));
    let calls = module_exprs(&facts)
        .into_iter()
        .filter(|expr| matches!(&expr.kind, ExprKind::Call(call) if call.form == CallForm::Plain))
        .count();
    assert_eq!(calls, 500);
}

#[test]
fn what_is_no_python_says_so_with_its_line() {
    let facts = read("x = 1\ndef (:\n");
    assert!(
        matches!(facts.reading, Reading::Not(Why::Syntax(2, _))),
        "{:?}",
        facts.reading
    );
    let deep = format!("x = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        with_stack(|| read(&deep)).reading,
        Reading::Not(Why::TooDeep)
    );
    assert_eq!(read("\u{feff}x = 1\n").reading, Reading::Whole);
    assert_eq!(read("").reading, Reading::Whole);
}

/// Pieces of Python that meet in odd orders.
const PIECES: &[&str] = &[
    "def f(a, *, b=1, **k):",
    "async def g():",
    "class A(B):",
    "\n",
    "\n    ",
    "\n        ",
    "if x:",
    "elif y:",
    "else:",
    "try:",
    "except (A, B) as e:",
    "except* E:",
    "finally:",
    "with a as b, c:",
    "async with a:",
    "for i in x:",
    "while 1:",
    "match x:",
    "case [1, *r]:",
    "case {'a': b, **c}:",
    "case A(b=c) | None:",
    "return",
    "yield x",
    "await y",
    "raise X(e) from e",
    "lambda a, *b: a",
    "[x for x in y if z]",
    "{**a, 'b': c}",
    "f'{a!r:>{w}}'",
    "'%s' % x",
    "\"\"\"",
    "'",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":=",
    "=",
    "+=",
    ",",
    ".",
    ":",
    "import a.b as c",
    "from .. import *",
    "from . import (x, y)",
    "global x",
    "nonlocal y",
    "del x",
    "@a.b(c)",
    "x",
    "y.z",
    "f()",
    "1",
    "-",
    "not ",
    "*",
    "**",
    "if __name__ == '__main__':",
    "super().__init__()",
    "#c",
    "\\\n",
    "é",
    "\u{0}",
    "type X = int",
    "getattr(a, 'b')",
    "suppress(E)",
    "'{}'.format(x)",
    "\t",
    ";",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_order_of_pieces_panics(places in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = places.iter().map(|place| PIECES[*place]).collect();
        with_stack(|| read(&text));
    }

    #[test]
    fn no_cut_or_changed_source_panics(
        cut in 0usize..4_000, at in 0usize..4_000, byte in any::<u8>(), length in 0usize..40
    ) {
        let mut bytes = include_bytes!("../../../tests/fixtures/py/LIFE-001/good.py").repeat(2);
        bytes.extend_from_slice(include_bytes!("../../../tests/fixtures/py/ERR-002/bad.py"));
        bytes.truncate(cut.max(1));
        let at = at % bytes.len();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, [byte]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let facts = with_stack(|| read(&text));
        // Every place lies inside the text.
        for function in &facts.functions {
            prop_assert!(function.span.end as usize <= text.len());
        }
    }
}
