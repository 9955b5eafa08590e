//! Something other than the protocol is written to stdout.

use std::collections::BTreeSet;

use crate::budget::{self, Left};
use crate::facts::{Expr, ExprKind, Language, Pattern, Stmt, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity, Surface, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::outbound::around::is_within;
use crate::rules::outbound::chosen::Chosen;
use crate::rules::outbound::{loggers, other_branch, stdout_loggers};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, Wire};

/// Callers of a function that are looked at to tell whether it only runs where the program leaves.
const MAX_CALLERS: usize = 64;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "IO-001",
    name: "stdout-pollution",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[1286],
    summary: "A server over stdio writes other things than messages to stdout.",
    why: "Over stdio, stdout belongs to the protocol. A line that is no message is dropped by some hosts, ends the connection of others, and can cut a message in two.",
    fix: "Write to stderr: `console.error`, `print(..., file=sys.stderr)`, `eprintln!`, or a logger that goes there.",
    fixtures: fixtures!("IO-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let mut running: BTreeSet<FnRef> = BTreeSet::new();
    for entry in project
        .entries
        .iter()
        .filter(|entry| entry.wire == Wire::Stdio)
    {
        running.extend(&entry.process);
        for hook in project.hooks_of(entry) {
            running.extend(project.reach(&hook.functions));
        }
    }
    // What a program starts in its place with its own streams is the server.
    let launches = running.is_empty();
    if launches {
        running.extend(launchers(project));
    }
    if running.is_empty() {
        return;
    }
    let keeps = keeps_stdout(project);
    let is_kept = |at: FnRef| keeps && project.language(at.file) == Language::Python;
    let serving = project.handler_reach();
    running.extend(serving);
    let replaced = replaced(project, &running);
    let filtered = replaces_write(project);
    let by_hand = project
        .entries
        .iter()
        .any(|entry| project.speaks_by_hand(entry));
    for at in stdout_loggers::imports(project) {
        let file = at.function.file;
        if running.contains(&at.function)
            && !is_kept(at.function)
            && project.surface(file) == Surface::Runtime
        {
            report
                .add(at, Ground::Likely(Trusted::Library), "what is imported here says on stdout what it loaded, which belongs to the protocol");
        }
    }
    let chosen = Chosen::of(project);
    for site in project.sites() {
        let child = !launches && super::inherited::stdout(project, site);
        let writes = site.role == Some(Role::Stdout) || loggers::is_told_stdout(project, site);
        if (!writes && !child)
            || !running.contains(&site.at)
            || is_kept(site.at)
            || project.surface(site.at.file) != Surface::Runtime
            || goes_elsewhere(project, site)
            || replaced.contains(site.name())
            || is_protocol(project, site)
            || (by_hand && loggers::is_message(project, site))
            || loggers::has_writer(project, site)
            || in_other_program(project, site, &running)
            // What is put in its place before serving stands there during calls; what runs at the start may come before.
            || (filtered && project.is_handler(site.at))
        {
            continue;
        }
        let in_call = serving.contains(&site.at);
        let on_the_way_out = leaves_after(project, site)
            || only_when_leaving(project, site.at, 3)
            || ends_program(project, site.at);
        if !in_call && on_the_way_out {
            continue;
        }
        let entries = || {
            project
                .entries
                .iter()
                .filter(|entry| entry.wire == Wire::Stdio)
        };
        let is_aside = entries().all(|entry| !entry.runs(site.at, site.span))
            && entries().any(|entry| entry.process.contains(&site.at));
        // What may also be a logger of the author's is none of stdout's.
        if is_aside
            || !site.targets.is_empty()
            || other_branch::holds(project, site)
            || other_branch::is_asked_for(project, site)
            || chosen.holds(project, site)
        {
            continue;
        }
        let beside = !in_call || child;
        let ground = Ground::Proved(Followed::Call).unless(beside.then_some(Trusted::Reach));
        report.add(
            At {
                function: site.at,
                span: site.span,
            }, ground,
            if child {
                format!("the child of `{}` gets the stdout of the server, which belongs to the protocol", site.name())
            } else {
                format!("`{}` writes to stdout, which belongs to the protocol", site.name())
            },
        );
    }
}

/// Whether the program puts a function of its own in the place of `process.stdout.write`, which all of the console goes through.
fn replaces_write(project: &Project<'_>) -> bool {
    project.functions().any(|(at, function)| {
        let mut found = false;
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Place(place),
                ..
            } = &stmt.kind
                && let ExprKind::Member(object, name) = &place.kind
            {
                found |= &**name == "write"
                    && project.last_name(at, object).as_deref() == Some("stdout")
                    && project.surface(at.file) == Surface::Runtime;
            }
        });
        found
    })
}

/// The methods of the console that what runs while serving sets to functions of its own: `console.log = console.error`.
fn replaced(project: &Project<'_>, running: &BTreeSet<FnRef>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (at, function) in project.functions() {
        if !running.contains(&at) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Place(place),
                ..
            } = &stmt.kind
                && let ExprKind::Member(object, name) = &place.kind
                && project.last_name(at, object).as_deref() == Some("console")
            {
                all.insert(name.to_string());
            }
        });
    }
    all
}

/// A message of the protocol, written by hand: an object with the member `jsonrpc`.
fn is_protocol<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let mut found = false;
    for arg in &site.call.args {
        walk::each(&arg.value, &mut |inner| {
            found |= inner.entry("jsonrpc").is_some();
            if let ExprKind::Var(_) = inner.kind {
                let values = project.values(site.at, inner);
                found |= values.iter().any(|value| {
                    let literal = value.literal();
                    literal.is_some_and(|(_, literal)| literal.entry("jsonrpc").is_some())
                });
            }
        });
    }
    found
}

/// Inside the guarded body of a Python file that is not the program which serves.
fn in_other_program(project: &Project<'_>, site: &Site<'_>, running: &BTreeSet<FnRef>) -> bool {
    let Some(file) = project.file(site.at.file) else {
        return false;
    };
    file.language == Language::Python
        && budget::spend_on_places(file.functions.len()) == Left::Some
        && file.functions.iter().zip(0u32..).any(|(function, id)| {
            let guard = FnRef {
                file: site.at.file,
                id: crate::facts::FnId(id),
            };
            &*function.name == "__main__"
                && function.span.holds(site.span)
                && !running.contains(&guard)
        })
}

/// Whether a function, or one around it, ends the program as its last act: `--list-tools`, a sub-command.
fn ends_program(project: &Project<'_>, at: FnRef) -> bool {
    project.outward(at).take(4).any(|(here, function)| {
        let last = function.body.last().map(|stmt| &stmt.kind);
        matches!(last, Some(StmtKind::Expr(expr)) if leaves(project, here, expr))
            && here.id != crate::facts::FnId::MODULE
            && !project.stopping().contains(&here)
    })
}

/// The functions of a program that starts a server with its own streams: its stdout is the server's.
fn launchers(project: &Project<'_>) -> BTreeSet<FnRef> {
    let mut all = BTreeSet::new();
    if !project
        .manifests
        .iter()
        .any(|manifest| manifest.name.contains("mcp"))
    {
        return all;
    }
    for site in project.sites() {
        let inherits = site
            .call
            .option("stdio")
            .and_then(Expr::text)
            .is_some_and(|text| &**text == "inherit");
        let is_program = project
            .file(site.at.file)
            .is_some_and(|file| file.is_program);
        if matches!(site.role, Some(Role::Spawn(_))) && inherits && is_program {
            all.extend(
                project
                    .functions()
                    .map(|(at, _)| at)
                    .filter(|at| at.file == site.at.file),
            );
        }
    }
    all
}

/// The SDK of Python in its second version takes stdout away from everything else while it serves.
fn keeps_stdout(project: &Project<'_>) -> bool {
    project.sites().any(|site| {
        site.role == Some(Role::Server)
            && project.language(site.at.file) == Language::Python
            && site.paths.iter().any(|path| path.ends_with("MCPServer"))
    }) || project
        .manifests
        .iter()
        .flat_map(|manifest| &manifest.dependencies)
        .any(|(name, version)| &**name == "mcp" && asks_for_second(version))
}

/// Whether a requirement takes the second version and no earlier one: `>=2.0,<3`, `^2.1`, `==2.*`.
fn asks_for_second(requirement: &str) -> bool {
    requirement.split([',', ';']).any(|clause| {
        let clause = clause.trim_start_matches(|letter| !"=<>~^!".contains(letter));
        let from = ["==", ">=", "~=", "^", ">"]
            .iter()
            .find_map(|operator| clause.strip_prefix(operator));
        let major = from.and_then(|version| version.trim().split('.').next());
        major.and_then(|major| major.parse::<u32>().ok()) == Some(2)
    })
}

/// `print(…, file=sys.stderr)`, `click.echo(…, err=True)`, `Console(stderr=True).print(…)`, `os.Stderr`.
fn goes_elsewhere<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    if project.language(site.at.file) != Language::Python {
        return false;
    }
    let named = |name: &str| {
        site.call
            .args
            .iter()
            .find(|arg| arg.name.as_deref() == Some(name))
    };
    if let Some(file) = named("file") {
        return !project
            .paths(site.at, &file.value)
            .iter()
            .any(|path| path.starts_with("sys.stdout"));
    }
    if let Some(err) = named("err") {
        return matches!(err.value.kind, ExprKind::Bool(true));
    }
    let spread = site
        .call
        .args
        .iter()
        .any(|arg| arg.name.is_none() && matches!(arg.value.kind, ExprKind::Spread(_)));
    spread || is_of_console(project, site) || is_redirected(project, site)
}

/// Whether a call is made on a console that was told where to write.
fn is_of_console(project: &Project<'_>, site: &Site<'_>) -> bool {
    let of_console = site.paths.iter().any(|path| path.contains("Console()"));
    of_console
        && project.sites_beside(site.at.file).any(|maker| {
            let mut args = maker.call.args.iter();
            maker.name() == "Console"
                && args.any(|arg| matches!(arg.name.as_deref(), Some("stderr" | "file")))
        })
}

/// `with redirect_stdout(…):` around a call.
fn is_redirected<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    is_within(project, site, |opened| {
        opened.call().is_some_and(|call| {
            project
                .last_name(site.at, &call.callee)
                .is_some_and(|name| name.starts_with("redirect"))
        })
    })
}

/// Whether the block that writes leaves the program before it serves: `--version`, usage, a failed start.
fn leaves_after<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut around: Vec<&Stmt> = Vec::new();
    let blocks = walk::enclosing(&function.body, site.span, &mut around);
    let exits = |stmt: &Stmt| {
        if let StmtKind::Return(value) = &stmt.kind {
            // Who called goes on with a text, or with nothing, unless that is the way to the serving.
            !matches!(
                value.as_ref().map(|value| &value.kind),
                None | Some(ExprKind::Str(_))
            ) || serves(project, site.at)
        } else if let StmtKind::Throw(_) = &stmt.kind {
            true
        } else if let StmtKind::Expr(expr) = &stmt.kind {
            leaves(project, site.at, expr)
        } else {
            false
        }
    };
    // Only in a branch: the end of the whole function is no early leave.
    blocks.len() > 1
        && blocks.last().is_some_and(|block| {
            block
                .iter()
                .any(|stmt| stmt.span.start > site.span.start && exits(stmt))
        })
}

/// Whether a function only runs where the program leaves without serving: `sys.exit(setup())`, `setup(); return`.
fn only_when_leaving(project: &Project<'_>, at: FnRef, levels: usize) -> bool {
    let callers = project.callers(at);
    levels > 0
        && callers.len() <= MAX_CALLERS
        && !callers.is_empty()
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(|site| {
                let inside_exit = project.sites_around(site).any(|outer| {
                    matches!(outer.role, Some(Role::Exit | Role::ExitUnwinding))
                        && outer.span != site.span
                });
                inside_exit
                    || leaves_after(project, site)
                    || (is_given_back(project, site) && !serves(project, at))
                    || only_when_leaving(project, site.at, levels - 1)
            })
}

/// Whether a call is what a branch gives back: a subcommand that is no way of serving.
fn is_given_back(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut around = Vec::new();
    let blocks = walk::enclosing(&function.body, site.span, &mut around);
    blocks.len() > 1
        && around
            .last()
            .is_some_and(|stmt| matches!(stmt.kind, StmtKind::Return(_)))
}

/// Whether a function leads to a place that serves over stdio.
fn serves(project: &Project<'_>, at: FnRef) -> bool {
    let reached = project.reach(&[at]);
    project
        .entries
        .iter()
        .any(|entry| entry.wire == Wire::Stdio && reached.contains(&entry.at))
}

fn leaves<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    project.site_at(at, expr).is_some_and(|site| {
        matches!(site.role, Some(Role::Exit | Role::ExitUnwinding))
            || (matches!(site.name(), "panic" | "Fatal" | "Fatalf" | "Fatalln")
                && project.language(at.file) == Language::Go)
    })
}

#[cfg(test)]
mod tests {
    use super::asks_for_second;

    #[test]
    fn a_version_is_compared_as_a_number() {
        for second in [">=2.0", "==2.*", "~= 2.1", "^2", "[cli]>=2.0,<3"] {
            assert!(asks_for_second(second), "{second}");
        }
        for other in [">=20", ">=1.2", "==1.2.2", "<2", "!=2.0", "^0.2", ""] {
            assert!(!asks_for_second(other), "{other}");
        }
    }
}
