use super::*;
use crate::facts::{ExprKind, ImportItem, Language, Reading, StmtKind, walk};

fn facts(text: &str) -> FileFacts {
    let facts = extract(&Source {
        path: Name::from("src/main.rs"),
        language: Language::Rust,
        text,
    });
    assert_eq!(facts.reading, Reading::Whole);
    facts
}

/// Every callee of a file, in the order of its functions.
fn callees(facts: &FileFacts) -> Vec<String> {
    let mut all = Vec::new();
    for function in &facts.functions {
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Call(call) = &expr.kind {
                all.push(path(facts, &call.callee));
            }
        });
    }
    all
}

fn path(facts: &FileFacts, expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Member(object, name) => format!("{}.{name}", path(facts, object)),
        ExprKind::Global(name) => name.to_string(),
        ExprKind::Var(VarId(id)) => facts.variables[*id as usize].name.to_string(),
        ExprKind::This => "self".to_owned(),
        ExprKind::Call(call) => format!("{}()", path(facts, &call.callee)),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_arms_of_select_wait_for_their_futures() {
    let facts = facts(
        "use tokio::signal;\n#[tokio::main] async fn main() { tokio::select! { biased; _ = signal::ctrl_c() => {}, Some(x) = rx.recv(), if ready() => stop(x), else => return, } }",
    );
    assert_eq!(
        callees(&facts),
        ["signal.ctrl_c", "rx.recv", "ready", "stop"]
    );
    let main = &facts.functions[1];
    let StmtKind::Select(arms) = &main.body[0].kind else {
        panic!("{:?}", main.body);
    };
    assert_eq!(arms.len(), 3);
    let awaited = |at: usize| {
        arms[at]
            .test
            .as_ref()
            .is_some_and(|test| matches!(test.kind, ExprKind::Await(_)))
    };
    assert!(awaited(0) && awaited(1));
    assert!(matches!(arms[2].body[0].kind, StmtKind::Return(None)));
    assert!(facts.is_program);
}

#[test]
fn imports_are_bound_to_what_they_name() {
    let facts = facts("use a::b::{self, c as d, e::*};\nuse x;\nfn f() { d(); b::g(); x::y(); }");
    let items: Vec<_> = facts
        .imports
        .iter()
        .map(|import| (&*import.source, import.item.clone()))
        .collect();
    assert_eq!(
        items,
        [
            ("a", ImportItem::Named(Name::from("b"))),
            ("a::b", ImportItem::Named(Name::from("c"))),
            ("a::b::e", ImportItem::All),
            ("x", ImportItem::Module),
        ]
    );
    assert_eq!(callees(&facts), ["d", "b.g", "x.y"]);
}

#[test]
fn a_module_is_not_hidden_by_a_variable_of_its_name() {
    let facts = facts("use tokio::signal; fn f() { let signal = 1; signal::ctrl_c(); g(signal); }");
    let mut heads = Vec::new();
    walk::exprs(&facts.functions[1].body, &mut |expr| {
        if let ExprKind::Var(id) = expr.kind {
            heads.push(facts.variables[id.0 as usize].kind);
        }
    });
    assert!(matches!(heads[0], crate::facts::VariableKind::Import(_)));
    assert!(matches!(heads[1], crate::facts::VariableKind::Constant));
}

#[test]
fn code_for_other_systems_is_left_out() {
    let facts = facts(
        "fn f() { #[cfg(unix)] let t = a(); #[cfg(not(unix))] let t = b(); #[cfg(windows)] { c(); } g(t); }\n#[cfg(windows)] fn h() { d(); }",
    );
    assert_eq!(callees(&facts), ["a", "g"]);
}

#[test]
fn macros_keep_their_calls() {
    let facts = facts(
        r#"fn f() { tracing::info!(a = %x(), ?y, "at {} {z:?}", w()); odd!(a => b(), { c() }); let j = json!({"k": [d(), null], "isError": true}); matches!(e(), Ok(_) if g()); bail!("no {}", h()); }"#,
    );
    let found = callees(&facts);
    for name in ["tracing.info", "x", "w", "b", "c", "d", "e", "g", "h"] {
        assert!(
            found.iter().any(|callee| callee == name),
            "{name} {found:?}"
        );
    }
}

#[test]
fn values_at_the_end_leave_the_function() {
    let facts = facts(
        "fn f(x: R) -> bool { match x { Ok(v) => v, Err(_) => if a() { true } else { b() } } }",
    );
    let mut returns = 0;
    walk::stmts(&facts.functions[1].body, &mut |stmt| {
        returns += usize::from(matches!(stmt.kind, StmtKind::Return(Some(_))));
    });
    assert_eq!(returns, 3);
}

#[test]
fn tests_are_left_out() {
    let facts = facts(
        "#[cfg(test)] mod tests { fn h() {} } #[tokio::test] async fn t() {} #[cfg(not(test))] fn f() {}",
    );
    let names: Vec<&str> = facts
        .functions
        .iter()
        .map(|function| &*function.name)
        .collect();
    assert_eq!(names, ["", "f"]);
}

#[test]
fn offsets_stay_behind_a_shebang() {
    let text = "\u{feff}#!/usr/bin/env run\nfn f() { g(\"é\"); h(); }";
    let facts = facts(text);
    let stmt = &facts.functions[1].body[1];
    let (start, end) = (stmt.span.start as usize, stmt.span.end as usize);
    assert_eq!(&text[start..end], "h()");
    assert_eq!(stmt.span.line, 2);
}

#[test]
fn nesting_at_the_limit_is_refused_or_cut() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("!", ""),
        ("|| ", ""),
        ("f(", ")"),
        ("match x { _ => ", "}"),
    ] {
        for depth in [100_usize, 390, 5_000, 100_000] {
            let text = format!(
                "fn f() {{ {}x{} }}",
                open.repeat(depth),
                close.repeat(depth)
            );
            std::thread::Builder::new()
                .stack_size(crate::extract::STACK_BYTES)
                .spawn({
                    let text = text.clone();
                    move || {
                        drop(crate::extract::extract(&Source {
                            path: Name::from("a.rs"),
                            language: Language::Rust,
                            text: &text,
                        }))
                    }
                })
                .expect("a thread")
                .join()
                .expect("no panic");
        }
    }
}
