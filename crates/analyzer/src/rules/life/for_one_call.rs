//! Children that one call waits for, and that nothing ends with the server.

use std::cell::OnceCell;

use crate::facts::{Expr, ExprKind, Language, Pattern, VarId, VariableKind, walk};
use crate::link::{FnRef, Programs, Project, Site};
use crate::rules::outbound::bounds::{is_bounded, of_role};
use crate::vocabulary::{Limit, Role};

use super::child_not_killed::is_let_go;
use super::in_flight;

/// Variables through which the command of a child is followed to the parameters that it is made of.
const MAX_VARIABLES: usize = 4;

/// What becomes of a child that a call waits for when the server is asked to stop.
pub(super) struct Stops<'p, 'a> {
    project: &'p Project<'a>,
    /// The programs in which SIGTERM is handled.
    handled: Programs,
    /// Those of them whose handler ends a child or waits for the calls, or leaves the process alone.
    waiting: OnceCell<Programs>,
}

impl<'p, 'a> Stops<'p, 'a> {
    pub(super) fn of(project: &'p Project<'a>) -> Self {
        let hooks = project.hooks.iter();
        let hooks = hooks.filter(|hook| hook.trigger.is_signal("SIGTERM"));
        Self {
            project,
            handled: project.programs_of(hooks.map(|hook| hook.at.file)),
            waiting: OnceCell::new(),
        }
    }

    /// Whether SIGTERM is handled where a child is started.
    pub(super) fn are_handled(&self, child: &Site<'_>) -> bool {
        self.project.is_of(child.at.file, &self.handled)
    }

    /// Whether a child that a call waits for goes on after a signal: in Go one that no context ends, in Python and TypeScript
    /// one that only the loop of events knows and the default action of SIGTERM forgets.
    pub(super) fn leave(&self, child: &Site<'a>) -> bool {
        let project = self.project;
        match project.language(child.at.file) {
            Language::Go => {
                let mut paths = child.paths.iter();
                !is_ended(project, child)
                    && paths.any(|path| {
                        path.contains("os/exec.Command()") || path.contains("os/exec.Cmd()")
                    })
                    && !is_bounded(project, child, of_role(child).unwrap_or(Limit::Nothing))
            }
            Language::Python => !self.are_handled(child) && is_awaited(project, child),
            Language::TypeScript => {
                !self.wait(child) && is_of_caller(project, child) && !is_let_go(project, child)
            }
            Language::Rust => false,
        }
    }

    /// Whether the end of the program does something about calls or children.
    fn wait(&self, child: &Site<'_>) -> bool {
        let waiting = || {
            let hooks = self.project.hooks.iter();
            let hooks = hooks.filter(|hook| hook.trigger.is_signal("SIGTERM"));
            let hooks = hooks.filter(|hook| {
                let reach = self.project.reach(&hook.functions);
                let has = |wanted: &dyn Fn(&Site<'_>) -> bool| {
                    let mut sites = reach.iter().flat_map(|at| self.project.sites_of(*at));
                    sites.any(wanted)
                };
                !has(&|site| site.role == Some(Role::Exit))
                    || has(&|site| kills(site))
                    || in_flight::waits_for_calls(self.project, &reach)
            });
            self.project.programs_of(hooks.map(|hook| hook.at.file))
        };
        let waiting = self.waiting.get_or_init(waiting);
        self.project.is_of(child.at.file, waiting)
    }
}

fn kills(site: &Site<'_>) -> bool {
    site.role == Some(Role::Kill)
        || matches!(
            site.name(),
            "kill" | "terminate" | "send_signal" | "Kill" | "Signal"
        )
}

/// Programs that end others and are done.
const KILLERS: &[&str] = &["kill", "pkill", "killall", "taskkill", "fuser"];

/// Whether a child is one that ends another.
pub(super) fn ends_another(child: &Site<'_>) -> bool {
    let command = child.call.arg(0);
    let text = command.and_then(|command| texts(command).first().copied());
    let program = text.and_then(|text| text.split_whitespace().next());
    program.is_some_and(|program| KILLERS.contains(&program.trim_end_matches(".exe")))
}

/// Whether its function, or a closure in it, kills something or ends it.
fn is_ended(project: &Project<'_>, child: &Site<'_>) -> bool {
    let inside = project.inside(child.at);
    inside.iter().any(|at| project.sites_of(*at).any(kills))
}

/// Whether the function waits for its end: for as long as it takes, or for as long as a command of the caller's may take. What
/// counts that time ends with the server.
fn is_awaited<'a>(project: &Project<'a>, child: &Site<'a>) -> bool {
    let is_of_child = child
        .paths
        .iter()
        .any(|path| path.contains("create_subprocess") || path.ends_with(".Popen"));
    let mut waits = project.sites_of(child.at).filter(|site| {
        matches!(site.name(), "communicate" | "wait") && site.span.start > child.span.start
    });
    let endless = |wait: &Site<'a>| {
        wait.call.option("timeout").is_none()
            && !is_bounded(project, wait, of_role(wait).unwrap_or(Limit::Nothing))
    };
    is_of_child
        && if is_of_caller(project, child) {
            waits.next().is_some()
        } else {
            !is_ended(project, child) && waits.any(endless)
        }
}

/// Arguments after which a shell or an interpreter is given what it runs.
const RUNS_NEXT: &[&str] = &["-c", "-lc", "-ic", "/c", "/C", "-Command", "-e"];

/// Whether what is run comes from whoever asked for it, as a whole or as the text for a shell: how long it takes is not the
/// author's to know. A program of the author's choice with an argument of the caller's has an end that the author knows.
fn is_of_caller<'a>(project: &Project<'a>, child: &Site<'a>) -> bool {
    let command = child.call.args.iter().filter(|arg| arg.name.is_none());
    let command: Vec<&Expr> = command.map(|arg| &arg.value).collect();
    let is_run = |text: &str| RUNS_NEXT.contains(&text);
    let has = |wanted: &dyn Fn(&str) -> bool| {
        let texts = command.iter().flat_map(|value| texts(value));
        texts.into_iter().any(wanted)
    };
    let open = |value: &&Expr| is_open(project, child.at, value, MAX_VARIABLES);
    let asks_version = has(&|text| matches!(text, "--version" | "-version" | "version"));
    let own_program = command.first().is_some_and(|program| !open(program));
    let quick = own_program && has(&|text| text == "git");
    !asks_version
        && !quick
        && (command.first().is_some_and(open)
            || command.get(1).is_some_and(open)
            || (has(&is_run) && command.last().is_some_and(open)))
}

/// The texts in a value.
fn texts(value: &Expr) -> Vec<&str> {
    let mut all = Vec::new();
    walk::each(value, &mut |inner| {
        all.extend(inner.text().map(|text| &**text))
    });
    all
}

/// Whether a variable is a parameter, or a part of one that is taken apart: `({ command }) => …`.
fn is_parameter(project: &Project<'_>, at: FnRef, id: VarId) -> bool {
    let Some(variable) = project.variable(at.variable(id)) else {
        return false;
    };
    let owner = project.function(at.beside(variable.owner));
    let mut params = owner.into_iter().flat_map(|owner| &owner.params);
    let binds = |leaf: &Pattern| leaf.variable() == Some(id);
    matches!(variable.kind, VariableKind::Parameter(_))
        || params.any(|param| param.pattern.leaves().into_iter().any(binds))
}

/// Whether a value is a parameter, or made of one from its beginning: of a list that begins with a text, what a shell is to run.
fn is_open<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr, left: usize) -> bool {
    let value = value.bare();
    let next = |inner: &'a Expr| is_open(project, at, inner, left);
    if let ExprKind::Var(id) = value.kind {
        let set = || {
            let mut sets = project.assigned(at.variable(id));
            sets.any(|(at, value)| is_open(project, at, value, left - 1))
        };
        is_parameter(project, at, id) || (left > 0 && set())
    } else if let ExprKind::Join(parts) = &value.kind {
        parts.first().is_some_and(next)
    } else if let ExprKind::List(items) = &value.kind {
        let run = items.iter().zip(items.iter().skip(1));
        let mut run = run.filter(|(before, _)| {
            let text = before.text();
            text.is_some_and(|text| RUNS_NEXT.contains(&&**text))
        });
        items.first().is_some_and(next) || run.any(|(_, item)| next(item))
    } else if let ExprKind::Call(call) = &value.kind {
        call.receiver().is_some_and(next) || call.arg(0).is_some_and(next)
    } else if let ExprKind::Member(inner, _) | ExprKind::Index(inner, _) | ExprKind::Spread(inner) =
        &value.kind
    {
        next(inner)
    } else if let ExprKind::Logic(_, one, other) | ExprKind::Choice(_, one, other) = &value.kind {
        next(one) || next(other)
    } else {
        false
    }
}
