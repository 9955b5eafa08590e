//! Children that write where the server writes.

use crate::facts::{Expr, ExprKind, FnId, Language, Pattern, walk};
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
        Language::Rust => of_rust(project, site),
        Language::Go => of_go(project, site),
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

/// A command of Rust that nothing gives another stdout: `status` and `spawn` pass on that of the process. Where the command
/// was made elsewhere it may have been told.
fn of_rust(project: &Project<'_>, site: &Site<'_>) -> bool {
    let passes = matches!(site.name(), "status" | "spawn")
        && site
            .paths
            .iter()
            .any(|path| path.contains("process.Command.new()"));
    if !passes {
        return false;
    }
    let made_here = project.sites_of(site.at).any(|made| {
        let is_new = made.name() == "new"
            && made
                .paths
                .iter()
                .any(|path| path.ends_with("process.Command.new"));
        is_new && made.span.start <= site.span.end
    });
    let mut told = project
        .sites_of(site.at)
        .filter(|told| told.name() == "stdout");
    let is_told = told.any(|told| !is_passed_on(told));
    let handed_on = project.sites_of(site.at).any(|other| {
        // `configure(&mut command)` may tell it.
        let mut args = other.call.args.iter();
        let command = site.call.receiver().map(|on| &on.bare().kind);
        !other.targets.is_empty()
            && args.any(|arg| {
                matches!((&arg.value.bare().kind, command), (ExprKind::Var(a), Some(ExprKind::Var(b))) if a == b)
            })
    });
    made_here && !is_told && !handed_on
}

/// `.stdout(Stdio::inherit())`.
fn is_passed_on(told: &Site<'_>) -> bool {
    let stream = told.call.arg(0).and_then(Expr::call);
    stream.is_some_and(|stream| crate::link::callee_name(&stream.callee) == "inherit")
}

/// A command of Go whose `Stdout` is set to that of the process: `command.Stdout = os.Stdout`, `&exec.Cmd{Stdout: os.Stdout}`.
fn of_go(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(ExprKind::Var(command)) = site.call.receiver().map(|on| &on.bare().kind) else {
        return false;
    };
    let Some(function) = project
        .function(site.at)
        .filter(|_| site.at.id != FnId::MODULE)
    else {
        return false;
    };
    let is_stdout = |value: &Expr| {
        let mut found = false;
        walk::each(value, &mut |inner| {
            found |= matches!(&inner.kind, ExprKind::Member(of, name)
                if &**name == "Stdout" && project.last_name(site.at, of).as_deref() == Some("os"));
        });
        found
    };
    let mut last = false;
    walk::assignments(&function.body, &mut |stmt, target, value| {
        if stmt.span.start > site.span.start {
            return;
        }
        if let Pattern::Place(place) = target
            && let ExprKind::Member(of, name) = &place.kind
            && &**name == "Stdout"
            && matches!(of.bare().kind, ExprKind::Var(id) if id == *command)
        {
            last = is_stdout(value);
        }
        let is_made = target
            .leaves()
            .iter()
            .any(|leaf| leaf.variable() == Some(*command));
        if is_made {
            let stream = value.call().and_then(|made| made.option("Stdout"));
            last |= stream.is_some_and(is_stdout);
        }
    });
    last
}
