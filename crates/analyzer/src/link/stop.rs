//! The shutdown set: what runs once the process is asked to stop.

use std::collections::{BTreeSet, HashMap, HashSet};

use rayon::prelude::*;

use crate::facts::{Expr, ExprKind, Language, Mode, Pattern, Span, StmtKind, walk};
use crate::vocabulary::{Role, Wire};

use super::shutdown::{Form, Trigger};
use super::{Entry, Fate, FnRef, Guard, Hook, Programs, Project, Site, SiteId};

/// Callers of a function that waits for a signal which are followed upwards.
const MAX_CALLERS: usize = 4;

/// Names of methods that close, flush or end what they are called on.
const CLOSING: &[&str] = &[
    "close",
    "end",
    "destroy",
    "dispose",
    "disconnect",
    "quit",
    "$disconnect",
    "drain",
    "aclose",
    "shutdown",
    "terminate",
    "stop",
    "Close",
    "Shutdown",
    "Stop",
    "release",
    "closeAll",
    "close_all",
    "closeall",
    "cleanup",
    "wait_closed",
    "Disconnect",
    "clear",
    "abort",
    "cancel",
    "kill",
    "Kill",
    "killpg",
    "treeKill",
    "forceFlush",
    "flush",
    "force_flush",
    "forceShutdown",
    "close_pool",
    "destroyAll",
    "clearInterval",
    "unref",
    "removeAllListeners",
    "free",
    "exit",
];

/// What runs at a stop.
#[derive(Debug, Default)]
pub(super) struct Stop {
    functions: BTreeSet<FnRef>,
    /// Code of these functions from this byte on.
    after: HashMap<FnRef, u32>,
    /// The programs that a signal unwinds.
    unwound: Programs,
}

impl Stop {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut roots = Vec::new();
        let mut after = HashMap::new();
        let mut seen = HashSet::new();
        let mut unwinds = false;
        for hook in &project.hooks {
            let stops = hook.trigger.asks_to_stop();
            if stops && hook.form == Form::Callback {
                roots.extend(&hook.functions);
                unwinds = true;
            }
            if stops && hook.form == Form::Wait {
                unwinds = true;
                let from = hook.span.end;
                waits(project, hook.at, from, MAX_CALLERS, (&mut seen, &mut after));
            }
        }
        for site in waited(project) {
            let from = site.span.end;
            waits(project, site.at, from, MAX_CALLERS, (&mut seen, &mut after));
        }
        let mut stop = Self {
            functions: project.reach(&roots),
            after,
            unwound: unwound(project),
        };
        let later: Vec<FnRef> = project
            .sites()
            .filter(|site| stop.runs_after(site))
            .flat_map(|site| {
                let mut all = site.targets.clone();
                for arg in &site.call.args {
                    all.extend(super::graph::handed(project, site.at, &arg.value));
                }
                all
            })
            .collect();
        stop.functions.extend(project.reach(&later));
        if unwinds {
            // A signal that becomes an exception or an orderly exit runs what is registered for the exit.
            let exits: Vec<FnRef> = project
                .hooks
                .iter()
                .filter(|hook| !hook.trigger.asks_to_stop())
                .flat_map(|hook| hook.functions.iter().copied())
                .collect();
            stop.functions.extend(project.reach(&exits));
        }
        let cleanups = cleanups(project, &stop.unwound);
        stop.functions.extend(project.reach(&cleanups));
        stop
    }

    fn runs_after(&self, site: &Site<'_>) -> bool {
        let from = self.after.get(&site.at);
        from.is_some_and(|from| site.span.start >= *from)
    }
}

/// Python: the calls that wait for an event which a handler of a signal sets: `loop.add_signal_handler(SIGTERM, stopping.set)`,
/// and `await stopping.wait()` where the server runs.
fn waited<'p, 'a>(project: &'p Project<'a>) -> Vec<&'p Site<'a>> {
    let mut events: BTreeSet<(u32, String)> = BTreeSet::new();
    for hook in &project.hooks {
        let is_ours = hook.trigger.asks_to_stop()
            && hook.form == Form::Callback
            && project.language(hook.at.file) == Language::Python;
        if !is_ours {
            continue;
        }
        let cluster = project.cluster_of(hook.at.file);
        let mut keep = |name: Option<String>| events.extend(name.map(|name| (cluster, name)));
        if let Some(ExprKind::Member(event, name)) = hook.foreign.map(|value| &value.kind)
            && &**name == "set"
        {
            keep(project.last_name(hook.at, event));
        }
        for at in &hook.functions {
            let sets = project.sites_of(*at).filter(|site| site.name() == "set");
            sets.for_each(|site| keep(project.receiver_name(site)));
        }
    }
    if events.is_empty() {
        return Vec::new();
    }
    let is_waited = |site: &&Site<'_>| {
        site.name() == "wait"
            && project
                .receiver_name(site)
                .is_some_and(|name| events.contains(&(project.cluster_of(site.at.file), name)))
    };
    project.sites().filter(is_waited).collect()
}

/// The programs that a signal unwinds.
fn unwound(project: &Project<'_>) -> Programs {
    let hooks = project.hooks.iter();
    let hooks = hooks.filter(|hook| hook.stops());
    // What serves and handles signals comes back then.
    let comes_back = |entry: &&Entry| (entry.guard, entry.wire) == (Guard::Framework, Wire::Stdio);
    let entries = project.entries.iter().filter(comes_back);
    let files = hooks.map(|hook| hook.at.file);
    project.programs_of(files.chain(entries.map(|entry| entry.at.file)))
}

/// The functions called by a `finally` or a `defer` of a program where a signal unwinds.
fn cleanups(project: &Project<'_>, unwound: &Programs) -> Vec<FnRef> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        if project.language(at.file) == Language::TypeScript {
            continue;
        }
        let mut spans: Vec<Span> = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Try { finally, .. } = &stmt.kind {
                spans.extend(finally.iter().map(|inner| inner.span));
            } else if let StmtKind::Defer(expr) = &stmt.kind {
                spans.push(expr.span);
            }
        });
        if spans.is_empty() || !project.is_of(at.file, unwound) {
            continue;
        }
        let inside = project
            .sites_of(at)
            .filter(|site| spans.iter().any(|span| span.holds(site.span)));
        all.extend(inside.flat_map(|site| site.targets.iter().copied()));
    }
    all
}

/// The calls that close, flush or end something at a stop.
pub(super) fn closing(project: &Project<'_>) -> Vec<SiteId> {
    let all = project.sites.par_iter();
    all.filter(|site| Project::is_closing(site) && project.runs_at_stop(site))
        .map(|site| site.id)
        .collect()
}

fn waits(
    project: &Project<'_>,
    at: FnRef,
    from: u32,
    depth: usize,
    (seen, after): (&mut HashSet<(FnRef, u32)>, &mut HashMap<FnRef, u32>),
) {
    if !seen.insert((at, from)) {
        return;
    }
    let first = after.entry(at).or_insert(from);
    *first = from.min(*first);
    if depth == 0 {
        return;
    }
    // A closure or task that waits is part of the function around it.
    if let Some(parent) = project.function(at).and_then(|function| function.parent)
        && let Some(function) = project.function(at)
        && at.id.0 != 0
    {
        let parent = at.beside(parent);
        waits(
            project,
            parent,
            function.span.start,
            depth - 1,
            (seen, after),
        );
    }
    for id in project.callers(at).iter().take(8) {
        if let Some(site) = project.site(*id) {
            waits(project, site.at, site.span.start, depth - 1, (seen, after));
        }
    }
}

impl<'a> Project<'a> {
    /// The functions that run once the process is asked to stop.
    pub fn stopping(&self) -> &BTreeSet<FnRef> {
        &self.stop.functions
    }

    /// Whether a call runs at a stop.
    pub fn runs_at_stop(&self, site: &Site<'_>) -> bool {
        self.stop.functions.contains(&site.at)
            || self.stop.runs_after(site)
            || (self.language(site.at.file) != Language::TypeScript && self.in_cleanup(site))
    }

    /// Whether a call stands in a `finally`, a `defer`, or the closing of a `with`, in a program where a signal unwinds.
    fn in_cleanup(&self, site: &Site<'_>) -> bool {
        self.is_of(site.at.file, &self.stop.unwound) && self.is_cleanup(site)
    }

    /// Whether a call stands in a `finally` or a `defer`.
    pub fn is_cleanup(&self, site: &Site<'_>) -> bool {
        let Some(function) = self.function(site.at) else {
            return false;
        };
        let mut found = false;
        walk::around(&function.body, site.span, &mut |stmt| {
            found |= if let StmtKind::Try { finally, .. } = &stmt.kind {
                finally.iter().any(|inner| inner.span.holds(site.span))
            } else if let StmtKind::Defer(expr) = &stmt.kind {
                expr.span.holds(site.span)
            } else {
                false
            };
        });
        found
    }

    /// Whether a call closes, flushes or ends something, by its name.
    pub fn is_closing(site: &Site<'_>) -> bool {
        let exits = matches!(site.role, Some(Role::Exit | Role::ExitUnwinding));
        (Self::closes(site.name()) && !exits) || matches!(site.role, Some(Role::Kill))
    }

    /// Whether a method by this name closes, flushes or ends what it is called on.
    pub fn closes(name: &str) -> bool {
        CLOSING.contains(&name)
    }

    /// What is handed over as it is to run at a stop: `loop.add_signal_handler(SIGTERM, pool.close)`, and where a signal
    /// becomes an exception or an orderly exit also `atexit.register(pool.close)`.
    pub(super) fn handed_at_stop(&self) -> impl Iterator<Item = &Hook<'a>> {
        self.hooks.iter().filter(|hook| {
            hook.form == Form::Callback
                && (hook.trigger.asks_to_stop()
                    || (hook.trigger == Trigger::Exit
                        && self.is_of(hook.at.file, &self.stop.unwound)))
        })
    }

    /// The names that hold what a call gave.
    pub(super) fn holders(&self, opened: &Site<'_>) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(function) = self.function(opened.at) {
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Assign {
                    target,
                    value: Some(value),
                } = &stmt.kind
                    && value.span.holds(opened.span)
                {
                    all.extend(
                        target
                            .leaves()
                            .into_iter()
                            .filter_map(|leaf| self.target_name(opened.at, leaf)),
                    );
                }
            });
            // `State(session=Session())` holds it under the name of the argument.
            for site in self.sites_holding(opened.at, opened.span) {
                let mut args = site.call.args.iter();
                let holding = args.find(|arg| arg.value.span.holds(opened.span));
                let name = holding.and_then(|arg| arg.name.as_ref());
                all.extend(name.map(ToString::to_string));
            }
            // Who asks the function for it has it under a name like that of the function.
            if self.returns(opened, &all) {
                all.push(function.name.to_string());
            }
        }
        if let Some(file) = self.file(opened.at.file) {
            for class in &file.classes {
                for field in &class.fields {
                    if field
                        .value
                        .as_ref()
                        .is_some_and(|value| value.span.holds(opened.span))
                    {
                        all.push(field.name.to_string());
                    }
                }
            }
        }
        all.retain(|name| name.len() > 2);
        all
    }

    /// Whether the function that a call stands in gives back what the call gave.
    pub fn gives_back(&self, opened: &Site<'_>) -> bool {
        self.returns(opened, &self.holders(opened))
    }

    /// Whether the function of a call gives back its value, by itself or under any of some names.
    fn returns(&self, opened: &Site<'_>, names: &[String]) -> bool {
        let mut found = opened.fate == Fate::Returned;
        if let Some(function) = self.function(opened.at) {
            found |= function.mode == Mode::Generator;
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind {
                    let own = self.own_name(opened.at, value.bare());
                    found |= own.is_some_and(|own| names.iter().any(|name| name == own));
                }
            });
        }
        found
    }

    /// The name of a variable.
    pub fn name_of(&self, variable: super::VarRef) -> Option<String> {
        Some(self.variable(variable)?.name.to_string())
    }

    /// Whether an expression is a variable, member or global of a name.
    pub fn is_named(&self, at: FnRef, expr: &Expr, name: &str) -> bool {
        self.own_name(at, expr) == Some(name)
    }

    /// The name of a variable, member or global.
    pub fn own_name(&self, at: FnRef, expr: &'a Expr) -> Option<&'a str> {
        if let ExprKind::Var(id) = &expr.kind {
            Some(&self.variable(at.variable(*id))?.name)
        } else if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.kind {
            Some(name)
        } else {
            None
        }
    }

    /// The last name of what an assignment sets, unless it takes apart what it is given.
    pub fn target_name(&self, at: FnRef, target: &Pattern) -> Option<String> {
        if let Pattern::Place(place) = target {
            return self.last_name(at, place);
        }
        self.name_of(at.variable(target.variable()?))
    }

    /// The last name of what a method is called on.
    pub fn receiver_name(&self, site: &Site<'_>) -> Option<String> {
        self.last_name(site.at, site.call.receiver()?)
    }

    /// The last name of a variable or member.
    pub fn last_name(&self, at: FnRef, expr: &Expr) -> Option<String> {
        if let ExprKind::Var(id) = &expr.bare().kind {
            self.name_of(at.variable(*id))
        } else if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.bare().kind {
            Some(name.to_string())
        } else if let ExprKind::Index(object, _) = &expr.bare().kind {
            self.last_name(at, object)
        } else if let ExprKind::Call(call) = &expr.bare().kind {
            self.last_name(at, call.receiver()?)
        } else {
            None
        }
    }

    /// All names in an expression: variables, members, globals.
    pub fn names_in(&self, at: FnRef, expr: &'a Expr) -> Vec<String> {
        let mut all = Vec::new();
        walk::each(expr, &mut |inner| {
            if let ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Global(_) = &inner.kind {
                all.extend(self.last_name(at, inner));
            }
        });
        all
    }

    /// Whether a function, or one around it, is called later by a timer.
    pub fn is_timer(&self, at: FnRef) -> bool {
        self.timers.contains(&at)
    }
}

/// Functions handed to a timer, with those written inside them.
pub(super) fn timers(project: &Project<'_>) -> BTreeSet<FnRef> {
    let mut all = BTreeSet::new();
    for site in project.sites() {
        if site.role == Some(Role::Later) {
            for arg in &site.call.args {
                for function in super::graph::handed(project, site.at, &arg.value) {
                    all.extend(project.inside(function));
                }
            }
        }
    }
    all
}
