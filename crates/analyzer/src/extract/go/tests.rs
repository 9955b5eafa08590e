#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it expects"
)]

use super::*;
use crate::facts::{
    CallForm, ExprKind, ImportItem, Language, LoopKind, Pattern, Reading, StmtKind, VarId, walk,
};

fn facts(text: &str) -> FileFacts {
    let facts = extract(&Source {
        path: Name::from("main.go"),
        language: Language::Go,
        text,
    });
    assert_eq!(facts.reading, Reading::Whole);
    facts
}

fn path(facts: &FileFacts, expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Member(object, name) => format!("{}.{name}", path(facts, object)),
        ExprKind::Global(name) => name.to_string(),
        ExprKind::Var(VarId(id)) => facts.variables[*id as usize].name.to_string(),
        ExprKind::This => "this".to_owned(),
        ExprKind::Call(call) => format!("{}()", path(facts, &call.callee)),
        other => format!("{other:?}"),
    }
}

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

#[test]
fn receivers_are_this_and_packages_are_imports() {
    let facts = facts(
        "package main\nimport (\n\t\"os/signal\"\n\tmcp \"github.com/mark3labs/mcp-go/server\"\n)\ntype S struct { c *http.Client; mcp.Base }\nfunc (s *S) Run(ctx context.Context) error { signal.Notify(s.ch); return mcp.ServeStdio(s.m) }\nfunc main() {}",
    );
    assert_eq!(callees(&facts), ["signal.Notify", "mcp.ServeStdio"]);
    assert_eq!(
        &*facts.imports[1].source,
        "github.com/mark3labs/mcp-go/server"
    );
    assert_eq!(facts.imports[1].item, ImportItem::Module);
    let class = &facts.classes[0];
    assert_eq!(&*class.methods[0].name, "Run");
    assert_eq!(&*class.fields[0].name, "c");
    assert_eq!(class.bases.len(), 1);
    let run = &facts.functions[class.methods[0].function.0 as usize];
    assert_eq!(run.params.len(), 1);
    assert!(facts.is_program);
}

#[test]
fn channel_operations_are_awaits_and_sends() {
    let facts = facts(
        "package p\nfunc f() { go func() { errC <- run() }(); select { case sig := <-c: use(sig); case <-ctx.Done(): default: } \n for range c {} }",
    );
    let f = facts
        .functions
        .iter()
        .find(|function| &*function.name == "f")
        .expect("f");
    let StmtKind::Expr(start) = &f.body[0].kind else {
        panic!("{:?}", f.body[0]);
    };
    assert_eq!(start.call().map(|call| call.form), Some(CallForm::Go));
    let StmtKind::Select(arms) = &f.body[1].kind else {
        panic!("{:?}", f.body[1]);
    };
    assert!(matches!(arms[0].pattern, Pattern::Var(_)));
    assert!(arms.iter().take(2).all(|arm| {
        arm.test
            .as_ref()
            .is_some_and(|test| matches!(test.kind, ExprKind::Await(_)))
    }));
    assert!(arms[2].test.is_none());
    assert!(matches!(
        f.body[2].kind,
        StmtKind::Loop {
            kind: LoopKind::Each,
            item: None,
            ..
        }
    ));
    assert!(callees(&facts).iter().any(|callee| callee == "errC.send"));
}

#[test]
fn literals_keep_their_fields() {
    let facts = facts(
        "package p\nimport \"net/http\"\nvar c = &http.Client{Timeout: 5 * time.Second}\nvar m = map[string]any{\"a\": f(), g(): 1}\nvar l = []T{{X: h()}, T{}}\nvar ch = make(chan os.Signal, 1)",
    );
    let body = &facts.functions[0].body;
    let value = |at: usize| match &body[at].kind {
        StmtKind::Assign {
            value: Some(value), ..
        } => value,
        other => panic!("{other:?}"),
    };
    let client = value(0).call().expect("a literal");
    assert_eq!(client.form, CallForm::Literal);
    assert!(client.option("Timeout").is_some());
    assert!(value(1).entry("a").is_some());
    let ExprKind::List(items) = &value(2).kind else {
        panic!();
    };
    assert!(
        items[0]
            .call()
            .is_some_and(|call| call.option("X").is_some())
    );
    let make = value(3).call().expect("make");
    assert!(matches!(&make.args[0].value.kind, ExprKind::Global(name) if &**name == "chan"));
    assert_eq!(make.args.len(), 2);
}

#[test]
fn formats_are_taken_apart() {
    let facts = facts(
        "package p\nimport \"fmt\"\nfunc f(err error) string { return fmt.Sprintf(\"a %s %d%% %+v\", err, 1, err) }",
    );
    let StmtKind::Return(Some(value)) = &facts.functions[1].body[0].kind else {
        panic!();
    };
    let ExprKind::Join(parts) = &value.kind else {
        panic!("{value:?}");
    };
    assert!(matches!(parts[1].kind, ExprKind::Var(_)));
    assert!(parts.last().is_some_and(|last| last.call().is_some()));
}

#[test]
fn an_initialiser_stands_before_its_condition() {
    let facts = facts(
        "package p\nfunc f() (n int, err error) { if x, err := g(); err != nil { return } else if y := h(x); y { _ = y }\n switch { case a(), b(): c(); default: d() }\n switch v := e().(type) { case nil: case *T, U: use(v) }\n return 1, nil }",
    );
    assert_eq!(callees(&facts), ["g", "h", "a", "b", "c", "d", "e", "use"]);
    let StmtKind::Block(inner) = &facts.functions[1].body[0].kind else {
        panic!();
    };
    assert!(matches!(
        inner[0].kind,
        StmtKind::Assign {
            target: Pattern::List(_),
            ..
        }
    ));
    let StmtKind::If { then, .. } = &inner[1].kind else {
        panic!();
    };
    assert!(
        matches!(&then[0].kind, StmtKind::Return(Some(value)) if matches!(value.kind, ExprKind::List(_)))
    );
}

#[test]
fn errors_say_their_line() {
    let facts = extract(&Source {
        path: Name::from("main.go"),
        language: Language::Go,
        text: "package p\n\nfunc f() { x := }\n",
    });
    assert!(
        matches!(facts.reading, Reading::Not(crate::facts::Why::Syntax(3, _))),
        "{:?}",
        facts.reading
    );
}

#[test]
fn nesting_at_the_limit_is_refused_or_cut() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("!", ""),
        ("func() {", "}()"),
        ("f(", ")"),
        ("<-", ""),
        ("[]", ""),
        ("if x {} else ", "{}"),
    ] {
        for depth in [100_usize, 390, 5_000, 100_000] {
            let text = format!(
                "package p\nfunc f() {{ {}x{} }}",
                open.repeat(depth),
                close.repeat(depth)
            );
            std::thread::Builder::new()
                .stack_size(crate::extract::STACK_BYTES)
                .spawn(move || {
                    drop(crate::extract::extract(&Source {
                        path: Name::from("a.go"),
                        language: Language::Go,
                        text: &text,
                    }));
                })
                .expect("a thread")
                .join()
                .expect("no panic");
        }
    }
}
