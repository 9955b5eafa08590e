//! What is sent as the answer to an HTTP request: whoever sent the request reads it, a host or anybody who reaches the port.

use crate::facts::{CallForm, Expr, ExprKind, Language, Stmt, StmtKind, walk};
use crate::link::{Failure, FnRef, Project};

/// Names of parameters that take the answer, in Express, Node, Fastify and their like.
const RESPONSES: &[&str] = &["res", "resp", "response", "reply", "_res"];

/// Their methods that send.
const SENDS: &[&str] = &["json", "jsonp", "send", "end", "write", "render"];

/// Names of parameters that hold the request and make the answer, in Hono and Koa.
const BOTH: &[&str] = &["c", "ctx", "context"];

/// Their methods that make one.
const MAKES: &[&str] = &["json", "text", "html", "body"];

/// Beginnings of the paths of what makes answers in Python.
const FRAMEWORKS: &[&str] = &[
    "fastapi.",
    "starlette.",
    "aiohttp.web",
    "flask.",
    "quart.",
    "sanic.",
    "django.http",
    "litestar.",
];

/// The expressions that a statement sends.
pub(super) fn sent<'a>(project: &Project<'a>, at: FnRef, stmt: &'a Stmt) -> Vec<&'a Expr> {
    let mut all = Vec::new();
    let language = project.language(at.file);
    walk::own_exprs(stmt, &mut |expr| match language {
        Language::TypeScript => typescript(project, at, expr, &mut all),
        Language::Python => python(project, at, expr, &mut all),
        Language::Rust => rust(project, at, expr, &mut all),
        Language::Go => go(project, at, expr, &mut all),
    });
    match language {
        Language::TypeScript => all.extend(body(project, at, stmt)),
        Language::Python => all.extend(routed(project, at, stmt)),
        Language::Rust | Language::Go => {}
    }
    all
}

/// Whether a region sends an answer, or hands what takes it to a function of the project.
pub(super) fn answers(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let mut found = false;
    walk::stmts(failure.body, &mut |stmt| {
        found = found
            || !sent(project, failure.at, stmt).is_empty()
            || hands_on(project, failure.at, stmt);
    });
    found
}

/// Whether a statement hands what takes the answer to a function of the project.
fn hands_on(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> bool {
    let mut found = false;
    walk::own_exprs(stmt, &mut |expr| {
        if let ExprKind::Call(call) = &expr.kind {
            let mut args = call.args.iter();
            found = found
                || (args.any(|arg| takes(project, at, &arg.value))
                    && project
                        .site_at(at, expr)
                        .is_some_and(|site| !site.targets.is_empty()));
        }
    });
    found
}

/// Whether an expression is what takes the answer.
fn takes(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    match project.language(at.file) {
        Language::TypeScript => is_named(project, at, expr, RESPONSES),
        Language::Go => is_typed(project, at, expr),
        Language::Python | Language::Rust => false,
    }
}

/// `res.status(500).json(…)`, `c.json(…)`, `new Response(…)`, `Response.json(…)`.
fn typescript<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr, all: &mut Vec<&'a Expr>) {
    let ExprKind::Call(call) = &expr.kind else {
        return;
    };
    let args = call.args.iter().map(|arg| &arg.value);
    let is_web = |expr: &Expr| {
        matches!(&expr.kind, ExprKind::Global(name) if &**name == "Response")
            || project.last_name(at, expr).as_deref() == Some("NextResponse")
    };
    if call.form == CallForm::New && is_web(&call.callee) {
        all.extend(args.take(1));
        return;
    }
    let ExprKind::Member(object, method) = &call.callee.kind else {
        return;
    };
    let from = root(object);
    let sends = (SENDS.contains(&&**method) && is_named(project, at, from, RESPONSES))
        || (MAKES.contains(&&**method) && is_named(project, at, from, BOTH))
        || (&**method == "json" && is_web(from));
    if sends {
        all.extend(args);
    }
}

/// Koa: `ctx.body = …`.
fn body<'a>(project: &Project<'a>, at: FnRef, stmt: &'a Stmt) -> Option<&'a Expr> {
    if let StmtKind::Assign {
        target: crate::facts::Pattern::Place(place),
        value,
    } = &stmt.kind
        && let ExprKind::Member(object, name) = &place.kind
        && &**name == "body"
        && (is_named(project, at, object, BOTH) || is_named(project, at, object, RESPONSES))
    {
        return value.as_ref();
    }
    None
}

/// `HTTPException(detail=…)`, `JSONResponse(…)`, `web.json_response(…)`, `jsonify(…)`, `self.wfile.write(…)`.
fn python<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr, all: &mut Vec<&'a Expr>) {
    let ExprKind::Call(call) = &expr.kind else {
        return;
    };
    let name = crate::link::callee_name(&call.callee);
    let of_server = match name {
        "write" => matches!(&call.callee.kind, ExprKind::Member(object, _)
            if matches!(&object.kind, ExprKind::Member(_, name) if &**name == "wfile")),
        "send_error" => matches!(&call.callee.kind, ExprKind::Member(object, _)
            if matches!(object.kind, ExprKind::This)),
        _other => false,
    };
    let makes = || {
        let paths = project.paths(at, &call.callee);
        paths.iter().any(|path| {
            let last = path.rsplit('.').next().unwrap_or_default().to_lowercase();
            let made = last.ends_with("response") || last == "jsonify" || last == "httpexception";
            made && FRAMEWORKS.iter().any(|start| path.starts_with(start))
        })
    };
    if of_server || makes() {
        all.extend(call.args.iter().map(|arg| &arg.value));
    }
}

/// Python: what a function gives back that is registered for a path.
fn routed<'a>(project: &Project<'a>, at: FnRef, stmt: &'a Stmt) -> Option<&'a Expr> {
    const VERBS: &[&str] = &[
        "get",
        "post",
        "put",
        "delete",
        "patch",
        "route",
        "api_route",
    ];
    let StmtKind::Return(Some(value)) = &stmt.kind else {
        return None;
    };
    let outer = project.decorated_in(at);
    let mut decorators = project.function(at)?.decorators.iter();
    let is_routed = decorators.any(|decorator| {
        let callee = decorator.call().map_or(decorator, |call| &call.callee);
        let paths = project.paths(outer, callee);
        paths.iter().any(|path| {
            let last = path.rsplit('.').next().unwrap_or_default();
            VERBS.contains(&last) && FRAMEWORKS.iter().any(|start| path.starts_with(start))
        })
    });
    is_routed.then_some(value)
}

/// `(StatusCode::BAD_GATEWAY, text)`, `HttpResponse::BadGateway().body(text)`.
fn rust<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr, all: &mut Vec<&'a Expr>) {
    let is = |expr: &Expr, name: &str| project.last_name(at, expr).as_deref() == Some(name);
    if let ExprKind::List(parts) = &expr.kind
        && let [first, rest @ ..] = parts.as_slice()
        && let ExprKind::Member(of, _) = &first.kind
        && is(of, "StatusCode")
    {
        all.extend(rest);
    }
    if let ExprKind::Call(call) = &expr.kind
        && let ExprKind::Member(object, method) = &call.callee.kind
        && matches!(&**method, "body" | "json")
        && is(root(object), "HttpResponse")
    {
        all.extend(call.args.iter().map(|arg| &arg.value));
    }
}

/// `http.Error(w, text, code)`, `fmt.Fprintf(w, …)`, `w.Write(…)`, `json.NewEncoder(w).Encode(…)`, `c.JSON(code, …)`.
fn go<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr, all: &mut Vec<&'a Expr>) {
    let ExprKind::Call(call) = &expr.kind else {
        return;
    };
    let ExprKind::Member(object, method) = &call.callee.kind else {
        return;
    };
    let mut args = call.args.iter().map(|arg| &arg.value);
    let is_sent = match &**method {
        "Error" | "Fprint" | "Fprintf" | "Fprintln" | "WriteString" => {
            let is_first = call
                .arg(0)
                .is_some_and(|first| is_typed(project, at, first));
            args.next();
            is_first
        }
        "Write" => is_typed(project, at, object),
        "Encode" => object
            .call()
            .and_then(|encoder| encoder.arg(0))
            .is_some_and(|writer| is_typed(project, at, writer)),
        "JSON" | "String" | "IndentedJSON" | "PureJSON" | "AbortWithStatusJSON" | "SendString" => {
            is_of_framework(project, at, root(object))
        }
        _other => false,
    };
    if is_sent {
        all.extend(args);
    }
}

/// Go: whether an expression is a variable of the type that takes the answer.
fn is_typed(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let variable = project.variable(at.variable(id));
    let ty = variable.and_then(|variable| variable.ty.as_ref());
    ty.is_some_and(|ty| crate::link::callee_name(ty) == "ResponseWriter")
}

/// Go: whether an expression is a variable of a type by which frameworks answer: `*gin.Context`, `echo.Context`, `*fiber.Ctx`.
fn is_of_framework(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let variable = project.variable(at.variable(id));
    let ty = variable.and_then(|variable| variable.ty.as_ref());
    ty.is_some_and(|ty| {
        matches!(&ty.kind, ExprKind::Member(package, name)
            if matches!(crate::link::callee_name(package), "gin" | "echo" | "fiber")
                || (&**name == "Ctx" && project.last_name(at, package).as_deref() == Some("fiber")))
    })
}

/// Whether an expression is a parameter with one of some names.
fn is_named(project: &Project<'_>, at: FnRef, expr: &Expr, names: &[&str]) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    project.variable(at.variable(id)).is_some_and(|variable| {
        names.contains(&&*variable.name)
            && matches!(variable.kind, crate::facts::VariableKind::Parameter(_))
    })
}

/// What a chain of calls and members begins with.
fn root(expr: &Expr) -> &Expr {
    let mut at = expr.bare();
    loop {
        if let ExprKind::Member(object, _) = &at.kind {
            at = object.bare();
        } else if let ExprKind::Call(call) = &at.kind {
            at = call.callee.bare();
        } else {
            return at;
        }
    }
}
