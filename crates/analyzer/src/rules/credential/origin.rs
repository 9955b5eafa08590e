//! Where a value that is kept under the name of a credential was read: through functions, arguments and fields.

use crate::facts::{Expr, ExprKind, Language, StmtKind, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::{self, Role};

use super::source;

/// Functions through which a value is followed here; the paths of a value follow it further.
const MAX_CALLS: usize = 3;

/// Where a value comes from, in words for a message; nothing where that is not known.
pub(super) fn of<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Option<String> {
    if let Some(name) = source::secret(project, at, value) {
        return Some(format!("`{name}`"));
    }
    let language = project.language(at.file);
    let paths = project.paths(at, value);
    paths
        .iter()
        .find_map(|path| of_path(language, path))
        .or_else(|| given_back(project, at, value, MAX_CALLS))
        .or_else(|| made_once(project, at, value))
}

fn of_path(language: Language, path: &str) -> Option<String> {
    for start in ["process.env.", "os.environ."] {
        let name = path.strip_prefix(start);
        if let Some(name) = name.filter(|name| !name.contains(['.', '('])) {
            return Some(format!("`{name}`"));
        }
    }
    let places = path.match_indices("()").map(|(place, _)| place);
    places.take(MAX_LINKS).find_map(|place| {
        let (base, rest) = path.split_at(place);
        let role = vocabulary::role(language, base);
        let origin = if role == Some(Role::Environment) {
            "the environment"
        } else if role == Some(Role::Lease) {
            "a secret store"
        } else if vocabulary::functions::reads_file(base) {
            "a file"
        } else {
            return None;
        };
        keeps(rest).then(|| String::from(origin))
    })
}

/// Calls in a chain that are looked at.
const MAX_LINKS: usize = 6;

/// `.trim()`, `.strip()`, `.map_err()`: the text in another form at most.
fn keeps(rest: &str) -> bool {
    let known = [
        "trim",
        "strip",
        "toString",
        "to_string",
        "map_err",
        "context",
        "with_context",
        "ok",
        "unwrap_or",
        "unwrap_or_else",
        "unwrap_or_default",
        "read",
        "decode",
        "rstrip",
        "trim_end",
        "trimEnd",
        "filter",
    ];
    rest.split("()")
        .map(|part| part.trim_start_matches('.'))
        .all(|part| part.is_empty() || known.contains(&part))
}

/// What a function of the project gives back: `const key = apiKey()`.
fn given_back<'a>(
    project: &Project<'a>,
    at: FnRef,
    value: &'a Expr,
    left: usize,
) -> Option<String> {
    let site = project.site_at(at, value).filter(|_| left > 0)?;
    site.targets
        .iter()
        .find_map(|target| returned(project, *target, left))
}

fn returned(project: &Project<'_>, at: FnRef, left: usize) -> Option<String> {
    let function = project.function(at)?;
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind
            && found.is_none()
            && !matches!(value.kind, ExprKind::Object(_) | ExprKind::List(_))
        {
            let paths = project.paths(at, value);
            let language = project.language(at.file);
            found = source::secret(project, at, value)
                .map(|name| format!("`{name}`"))
                .or_else(|| paths.iter().find_map(|path| of_path(language, path)))
                .or_else(|| given_back(project, at, value, left - 1));
        }
    });
    found
}

/// Rust: `LazyLock::new(|| env::var("KEY"))`; Go: `sync.OnceValue(func() string { … })`.
fn made_once(project: &Project<'_>, at: FnRef, value: &Expr) -> Option<String> {
    let call = value.call()?;
    let name = crate::link::callee_name(&call.callee);
    let makes = matches!(name, "new" | "OnceValue" | "OnceValues");
    by_closure(project, at, call.arg(0).filter(|_| makes)?)
}

/// What a closure gives.
pub(super) fn by_closure(project: &Project<'_>, at: FnRef, given: &Expr) -> Option<String> {
    if let ExprKind::Function(id) = given.kind {
        returned(project, at.beside(id), MAX_CALLS)
    } else {
        None
    }
}
