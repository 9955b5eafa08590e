//! Children that write where the server writes.

use crate::facts::{Expr, ExprKind, Language};
use crate::link::{Project, Site};
use crate::vocabulary::Role;

/// Whether a call starts a child that gets the stdout of the process.
pub(super) fn stdout(project: &Project<'_>, site: &Site<'_>) -> bool {
    if !matches!(site.role, Some(Role::Spawn(_))) {
        return false;
    }
    match project.language(site.at.file) {
        Language::TypeScript => site.call.option("stdio").is_some_and(is_inherited),
        Language::Python => by_default(site),
        Language::Rust | Language::Go => false,
    }
}

/// `"inherit"`, or that, `1` or `process.stdout` in the second place.
fn is_inherited(stdio: &Expr) -> bool {
    let says = |expr: &Expr| expr.text().is_some_and(|text| &**text == "inherit");
    let ExprKind::List(streams) = &stdio.kind else {
        return says(stdio);
    };
    streams.get(1).is_some_and(|out| {
        let is_stdout = matches!(&out.kind, ExprKind::Member(_, name) if &**name == "stdout");
        let is_one =
            matches!(out.kind, ExprKind::Number(number) if number.to_bits() == 1f64.to_bits());
        says(out) || is_stdout || is_one
    })
}

/// Python's children inherit what no argument says otherwise of.
fn by_default(site: &Site<'_>) -> bool {
    let inherits = matches!(
        site.name(),
        "run"
            | "call"
            | "check_call"
            | "Popen"
            | "create_subprocess_exec"
            | "create_subprocess_shell"
    ) && site.paths.iter().any(|path| path.contains("subprocess"));
    let told = site.call.args.iter().any(|arg| {
        matches!(arg.name.as_deref(), Some("stdout" | "capture_output"))
            || (arg.name.is_none()
                && matches!(arg.value.kind, ExprKind::Spread(_))
                && !is_list(arg))
    });
    (inherits && !told) || site.paths.iter().any(|path| &**path == "os.system")
}

/// `*command` of `create_subprocess_exec(*command)` is the command; `**options` may say anything.
fn is_list(arg: &crate::facts::Arg) -> bool {
    let ExprKind::Spread(inner) = &arg.value.kind else {
        return false;
    };
    matches!(inner.kind, ExprKind::List(_))
}
