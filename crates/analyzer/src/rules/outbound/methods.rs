//! By which method a request is sent: as it says itself, as its options say, or as the callers of the function say.

use crate::facts::{Expr, ExprKind, VariableKind, walk};
use crate::link::{FnRef, Project, Site, Value, callee_name};
use crate::vocabulary::words;

use super::handed;

/// Words of names that read, whatever the method.
const READING: &[&str] = &[
    "get",
    "search",
    "query",
    "list",
    "fetch",
    "read",
    "find",
    "lookup",
    "token",
    "login",
    "auth",
    "graphql",
    "embed",
    "embeddings",
    "completion",
    "completions",
    "complete",
    "chat",
    "download",
    "refresh",
    "connect",
    "handshake",
    "ping",
    "probe",
    "health",
];

/// Variables through which a request is followed back to the parameter that it came by.
const MAX_LINKS: usize = 6;

/// Whether a function is named for reading; a closure is read by the name of the function around it.
pub(super) fn reads(project: &Project<'_>, at: FnRef) -> bool {
    let named = project
        .outward(at)
        .find(|(_, function)| !function.name.is_empty());
    named.is_some_and(|(_, function)| is_reading(&function.name))
}

/// Whether the address that a call sends to is written out, and is one that is only asked: `${base}/graphql`.
pub(super) fn asks(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(address) = site.call.arg(0) else {
        return false;
    };
    let mut last = None;
    walk::each(address, &mut |inner| {
        last = inner.text().cloned().or(last.take());
    });
    let name = project.last_name(site.at, address).unwrap_or_default();
    let end = last.as_deref().and_then(|text| text.rsplit('/').next());
    end.is_some_and(is_reading) || name.to_lowercase().contains("graphql")
}

fn is_reading(name: &str) -> bool {
    let words = words::words(name);
    words.iter().any(|word| READING.contains(&word.as_str()))
}

/// Whether the method of a request is POST, or may be: one that is not known, sent with a body.
pub(super) fn posts<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    // A builder of Rust sends what an earlier call named.
    if site.name() == "send" && site.paths.iter().any(|path| path.contains(".post()")) {
        return true;
    }
    if matches!(site.name(), "execute" | "send") && by_builder(project, site) {
        return true;
    }
    let first = site
        .call
        .arg(0)
        .filter(|_| matches!(site.name(), "request" | "Request"));
    let first = first.filter(|first| !matches!(first.kind, ExprKind::Object(_)));
    if let Some(method) = site.call.option("method").or(first) {
        let bodies = ["json", "data", "body", "content"];
        let with_body = bodies.iter().any(|name| site.call.option(name).is_some());
        return match method_of(project, site.at, method) {
            Method::Post => true,
            Method::Other => false,
            Method::Unknown => with_body,
        };
    }
    // `client.Do(request)` of Go sends what was made before.
    let by_made = site.name() == "Do"
        && made_before(project, site).iter().any(|made| {
            let place = usize::from(made.name() == "NewRequestWithContext");
            let method = made.call.arg(place);
            method.is_some_and(|method| method_of(project, made.at, method) == Method::Post)
        });
    by_made || by_options(project, site)
}

/// Rust: `request.send()` and `client.execute(request)` send what a builder was told before, here or by who gave it.
fn by_builder<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let posts = |expr: &'a Expr| {
        let paths = project.paths(site.at, expr);
        paths.iter().any(|path| path.contains(".post()"))
    };
    let of_builder = |site: &Site<'_>| site.paths.iter().any(|path| path.contains(".request()"));
    let told = || {
        of_builder(site)
            && project.sites_of(site.at).any(|told| {
                matches!(told.name(), "json" | "body" | "form" | "multipart") && of_builder(told)
            })
    };
    site.call.args.iter().any(|arg| posts(&arg.value))
        || (site.name() == "send" && (told() || is_given(project, site)))
}

/// Whether what `send` is called on came by a parameter for which a caller, not named for reading, gives a POST.
fn is_given<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let mut at = site.at;
    let mut open = site.call.receiver().and_then(root);
    for _ in 0..MAX_LINKS {
        let Some(variable) = open.map(|id| at.variable(id)) else {
            return false;
        };
        let declared = project.variable(variable);
        if let Some(declared) = declared
            && let VariableKind::Parameter(place) = declared.kind
        {
            let function = at.beside(declared.owner);
            let given = handed::arguments(project, function, place, &declared.name);
            return given.into_iter().any(|(caller, value)| {
                value.is_some_and(|value| is_post(project, caller, value))
                    && !reads(project, caller)
            });
        }
        let Some((here, value)) = project.assigned(variable).next() else {
            return false;
        };
        (at, open) = (here, root(value));
    }
    false
}

/// Whether a call of `post` stands in an expression, or in what its variable was set to.
fn is_post<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> bool {
    let named = |expr: &'a Expr| {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            let call = inner
                .call()
                .filter(|_| matches!(inner.kind, ExprKind::Call(_)));
            found |= call.is_some_and(|call| callee_name(&call.callee) == "post");
        });
        found
    };
    let ExprKind::Var(id) = value.bare().kind else {
        return named(value);
    };
    let sets = project.assigned(at.variable(id)).take(MAX_LINKS);
    sets.into_iter().any(|(_, value)| named(value))
}

/// The variable that a chain of members and calls begins with.
fn root(expr: &Expr) -> Option<crate::facts::VarId> {
    let mut expr = expr;
    loop {
        let kind = &expr.bare().kind;
        if let ExprKind::Member(object, _) = kind {
            expr = object;
        } else if let ExprKind::Call(call) = kind {
            expr = &call.callee;
        } else if let ExprKind::Var(id) = kind {
            return Some(*id);
        } else {
            return None;
        }
    }
}

/// Whether options that are not written out where they are used say POST: `fetch(url, {...options, signal})`.
fn by_options<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let mut posts = false;
    for arg in &site.call.args {
        if let ExprKind::Object(entries) = &arg.value.kind {
            for entry in entries {
                if let ExprKind::Spread(inner) = &entry.value.kind {
                    posts |= options(project, site.at, inner);
                }
            }
        } else if let ExprKind::Var(_) = &arg.value.kind {
            posts |= options(project, site.at, &arg.value);
        }
    }
    posts
}

/// Whether an object of options says POST, here or at a caller that is not named for reading and hands it.
fn options<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    let says = |at: FnRef, object: &'a Expr| {
        let method = object.entry("method");
        method.is_some_and(|method| method_of(project, at, method) == Method::Post)
    };
    let handed = || {
        let ExprKind::Var(id) = expr.kind else {
            return false;
        };
        let Some(declared) = project.variable(at.variable(id)) else {
            return false;
        };
        let VariableKind::Parameter(place) = declared.kind else {
            return false;
        };
        let function = at.beside(declared.owner);
        let given = handed::arguments(project, function, place, &declared.name);
        given.into_iter().any(|(caller, value)| {
            value.is_some_and(|value| says(caller, value)) && !reads(project, caller)
        })
    };
    let here = project.values(at, expr).into_iter().any(|value| {
        matches!(value, Value::Literal(inside, literal)
            if says(inside, literal) && !reads(project, inside))
    });
    here || handed()
}

/// The calls that made the request which is the first argument.
fn made_before<'p, 'a>(project: &'p Project<'a>, site: &Site<'a>) -> Vec<&'p Site<'a>> {
    let Some(ExprKind::Var(id)) = site.call.arg(0).map(|arg| &arg.bare().kind) else {
        return Vec::new();
    };
    project
        .assigned(site.at.variable(*id))
        .filter_map(|(at, value)| project.site_at(at, value))
        .filter(|made| made.name().starts_with("NewRequest"))
        .collect()
}

/// What is known of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// POST, at least from one caller.
    Post,
    /// Known, and another.
    Other,
    /// Nothing.
    Unknown,
}

fn method_of<'a>(project: &Project<'a>, at: FnRef, method: &'a Expr) -> Method {
    let mut known = Method::Unknown;
    for value in project.values(at, method) {
        let name = if let Some((_, literal)) = value.literal() {
            literal.text().map(ToString::to_string)
        } else {
            value
                .path()
                .and_then(|path| path.rsplit('.').next().map(ToString::to_string))
        };
        let name = name.unwrap_or_default().to_lowercase();
        match name.trim_start_matches("method") {
            "post" => return Method::Post,
            "get" | "head" | "put" | "delete" | "options" | "patch" => known = Method::Other,
            _ => {}
        }
    }
    known
}
