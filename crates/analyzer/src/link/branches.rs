//! Branches of the functions above an entry that do not lead to it: sub-commands, help, other transports.

use std::collections::BTreeSet;

use crate::facts::{Block, CallForm, Span, Stmt, StmtKind, walk};
use crate::vocabulary::{Role, Wire};

use super::{FnRef, Project, transports};

/// A stretch of a function that does not run in a process that serves at the entry.
pub(super) type Aside = (FnRef, Span);

/// The stretches that a process which serves at `at` does not come through; `above` are the functions from which it can be reached.
pub(super) fn aside(
    project: &Project<'_>,
    at: FnRef,
    serving: Span,
    wire: Wire,
    (above, commands_of_go): (&BTreeSet<FnRef>, &[Command]),
) -> Vec<Aside> {
    let mut all = go_commands(commands_of_go, above);
    for function in above {
        let Some(code) = project.function(*function) else {
            continue;
        };
        let leads = leads(project, *function, above, (at, serving));
        if leads.is_empty() {
            continue;
        }
        all.extend(commands(project, *function, &leads));
        walk::stmts(&code.body, &mut |stmt| {
            let branches = branches(stmt);
            let led = |block: &Block| leads.iter().any(|lead| holds(block, *lead));
            if let Some(other) = transports::branch_of_another(project, *function, stmt, wire)
                && !led(other)
            {
                all.extend(extent(other).map(|span| (*function, span)));
            }
            if branches.iter().any(|block| led(block)) {
                // A branch that serves and then leaves never comes to what follows it.
                let through = branches.iter().filter(|block| led(block));
                let mut ends = through.map(|block| leaves(project, *function, block));
                if ends.all(|ends| ends) {
                    all.push((*function, rest(code.span, stmt.span)));
                }
                let others = branches.iter().filter(|block| !led(block));
                all.extend(others.filter_map(|block| Some((*function, extent(block)?))));
            } else if leads.iter().any(|lead| lead.start >= stmt.span.end) {
                let left = branches
                    .iter()
                    .filter(|block| leaves(project, *function, block));
                all.extend(left.filter_map(|block| Some((*function, extent(block)?))));
            }
        });
    }
    all
}

/// What stands in a function after a statement.
fn rest(function: Span, stmt: Span) -> Span {
    Span {
        start: stmt.end,
        end: function.end,
        line: stmt.end_line,
        end_line: function.end_line,
    }
}

/// A command of Go's `cobra` that is made in a function of its own.
pub(super) struct Command {
    at: FnRef,
    span: Span,
    /// What it runs.
    runs: Vec<FnRef>,
    /// Whether something of it runs before every command below it.
    is_before: bool,
}

/// Go: the commands of `cobra`.
pub(super) fn commands_of_go(project: &Project<'_>) -> Vec<Command> {
    project
        .sites()
        .filter(|site| site.call.form == CallForm::Literal && site.name() == "Command")
        .filter(|site| project.language(site.at.file) == crate::facts::Language::Go)
        .filter_map(|site| {
            let run = site
                .call
                .option("RunE")
                .or_else(|| site.call.option("Run"))?;
            Some(Command {
                at: site.at,
                span: site.span,
                runs: super::graph::handed(project, site.at, run),
                is_before: ["PersistentPreRun", "PersistentPreRunE"]
                    .iter()
                    .any(|name| does_something(project, site, name)),
            })
        })
        .collect()
}

/// Whether a command has such a function, and not one without a statement, which only stands in the place of another's.
fn does_something(project: &Project<'_>, command: &super::Site<'_>, name: &str) -> bool {
    command.call.option(name).is_some_and(|given| {
        let functions = super::graph::handed(project, command.at, given);
        let mut known = functions.iter().filter_map(|at| project.function(*at));
        functions.is_empty() || known.any(|function| !function.body.is_empty())
    })
}

/// Go: the commands that do not lead to an entry, beside one that does.
fn go_commands(commands: &[Command], above: &BTreeSet<FnRef>) -> Vec<Aside> {
    // What runs before any command below it runs for the one that serves too.
    let leads = |command: &&Command| {
        command.is_before || command.runs.iter().any(|function| above.contains(function))
    };
    if !commands.iter().any(|command| leads(&command)) {
        return Vec::new();
    }
    let others = commands.iter().filter(|command| !leads(command));
    others.map(|command| (command.at, command.span)).collect()
}

/// The places of a function from which the entry is reached.
fn leads(
    project: &Project<'_>,
    function: FnRef,
    above: &BTreeSet<FnRef>,
    (at, serving): (FnRef, Span),
) -> Vec<Span> {
    let mut all: Vec<Span> = project
        .sites_of(function)
        .filter(|site| {
            project
                .graph
                .runs_of(site.id)
                .iter()
                .any(|target| *target != function && above.contains(target))
        })
        .map(|site| site.span)
        .collect();
    all.extend(
        above
            .iter()
            .filter(|inner| inner.file == function.file)
            .filter_map(|inner| project.function(*inner))
            .filter(|inner| inner.parent == Some(function.id))
            .map(|inner| inner.span),
    );
    if at == function {
        all.push(serving);
    }
    all
}

/// Of several commands of one program (`&cobra.Command{…}`, `.action(…)`) those that do not lead to the entry.
fn commands<'p>(
    project: &'p Project<'_>,
    function: FnRef,
    leads: &'p [Span],
) -> impl Iterator<Item = Aside> + 'p {
    // A command by a literal leads where an entry is reached inside it, one by `action(f)` also where `f` reaches it.
    let all: Vec<(Span, bool)> = project
        .sites_of(function)
        .filter_map(|site| {
            let inside = |span: Span| leads.iter().any(|lead| span.holds(*lead));
            match site.call.form {
                CallForm::Literal if site.name() == "Command" => {
                    Some((site.span, inside(site.span)))
                }
                CallForm::Plain if site.name() == "action" => {
                    let given = site.call.arg(0).map_or(site.span, |arg| arg.span);
                    Some((given, inside(given) || leads.contains(&site.span)))
                }
                CallForm::Literal
                | CallForm::Plain
                | CallForm::New
                | CallForm::Macro
                | CallForm::Go => None,
            }
        })
        .collect();
    let any = all.iter().any(|(_, leads)| *leads);
    let others = all.into_iter().filter(move |(_, leads)| any && !leads);
    others.map(move |(command, _)| (function, command))
}

/// The blocks of which a statement takes one.
fn branches(stmt: &Stmt) -> Vec<&Block> {
    if let StmtKind::If { .. } | StmtKind::Match { .. } = &stmt.kind {
        walk::blocks(stmt)
    } else {
        Vec::new()
    }
}

/// The stretch of a block.
pub(super) fn extent(block: &Block) -> Option<Span> {
    let (first, last) = (block.first()?, block.last()?);
    Some(Span {
        start: first.span.start,
        end: last.span.end,
        line: first.span.line,
        end_line: last.span.end_line,
    })
}

fn holds(block: &Block, span: Span) -> bool {
    extent(block).is_some_and(|extent| extent.holds(span))
}

/// Whether a block ends the function or the program.
fn leaves(project: &Project<'_>, at: FnRef, block: &Block) -> bool {
    block.last().is_some_and(|last| {
        if let StmtKind::Expr(expr) = &last.kind {
            let site = project.site_at(at, expr);
            site.is_some_and(|site| matches!(site.role, Some(Role::Exit | Role::ExitUnwinding)))
        } else {
            matches!(last.kind, StmtKind::Return(_) | StmtKind::Throw(_))
        }
    })
}

/// The calls of functions that are made in such stretches and nowhere else in the same function.
pub(super) fn edges(project: &Project<'_>, aside: &[Aside]) -> BTreeSet<(FnRef, FnRef)> {
    let mut dead: BTreeSet<(FnRef, FnRef)> = BTreeSet::new();
    let mut live: BTreeSet<(FnRef, FnRef)> = BTreeSet::new();
    let functions: BTreeSet<FnRef> = aside.iter().map(|(at, _)| *at).collect();
    for at in functions {
        for site in project.sites_of(at) {
            // What is handed to a call stands aside with it, and alone: `program.action(other)`.
            let is_aside = aside.iter().any(|(function, span)| {
                *function == at
                    && (span.holds(site.span)
                        || site.call.args.iter().any(|arg| arg.value.span == *span))
            });
            let edges = project.graph.runs_of(site.id).iter().map(|to| (at, *to));
            if is_aside {
                dead.extend(edges);
            } else {
                live.extend(edges);
            }
        }
    }
    dead.difference(&live).copied().collect()
}
