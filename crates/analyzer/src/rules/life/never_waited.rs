//! Go and Rust: a channel, stream or flag that SIGTERM goes to, and that nothing looks at.

use std::collections::{HashMap, HashSet};

use crate::budget::{self, Left};
use crate::facts::{Cover, Expr, ExprKind, Language, Pattern, Span, StmtKind, VarId, walk};
use crate::finding::{Followed, Ground};
use crate::link::{Entry, FnRef, Form, Guard, Hook, Project, Site};
use crate::rules::{At, Report};

use super::processes::Processes;

/// Registrations that are waited for, and uses of what the signal goes to, that are looked at for ways of serving without a wait.
const MAX_HEARD: usize = 16;
const MAX_USES: usize = 64;

/// The default action of the signal is gone once it is asked for: what it goes to must be waited for.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut used: HashMap<u32, HashMap<VarId, Vec<Use>>> = HashMap::new();
    let (mut silent, mut heard, mut deaf) = (Vec::new(), Vec::new(), Vec::new());
    for hook in &project.hooks {
        let language = project.language(hook.at.file);
        let waits = hook.form == Form::Wait && hook.trigger.is_signal("SIGTERM");
        if !waits || !matches!(language, Language::Go | Language::Rust) {
            continue;
        }
        let Some(site) = hook.site.and_then(|id| project.site(id)) else {
            continue;
        };
        let Some(receiver) = receiver(project, hook, site) else {
            continue;
        };
        let file = site.at.file;
        let uses = used.entry(file).or_insert_with(|| uses(project, file));
        let uses = receiver.variable().and_then(|id| uses.get(&id));
        let uses = uses.into_iter().flatten();
        // Anything but the registration, its undoing and a clone for it.
        let mut uses = uses.filter(|one| !site.span.holds(one.1)).peekable();
        if uses.peek().is_none() {
            silent.push(hook);
            continue;
        }
        if heard.len() < MAX_HEARD {
            let uses: Vec<Use> = uses.take(MAX_USES + 1).copied().collect();
            deaf.extend(passed_by(project, hook, &uses).map(|entry| (entry, hook)));
        }
        heard.push(hook);
    }
    for (entry, hook) in deaf {
        // Where there are too many to look at, one of them may be waited for.
        budget::on(entry.at.file);
        let by_other = |other: &&Hook<'_>| {
            budget::spend_on_places(entry.aside.len()) == Left::Nothing
                || (other.at, other.span) != (hook.at, hook.span)
                    && entry.runs(other.at, other.span)
        };
        if heard.iter().any(by_other) {
            continue;
        }
        let place = At {
            function: entry.at,
            span: entry.span,
        };
        let registered = At {
            function: hook.at,
            span: hook.span,
        };
        report
            .add(
                place,
                Ground::Proved(Followed::Value),
                "SIGTERM is caught before this serves, and only another way of serving waits for it: this one can't be ended by SIGTERM",
            )
            .via(project, registered, "the signal is registered here");
    }
    let processes = Processes::of(project, silent.iter().chain(&heard).copied());
    let ended = ended(project, &processes, &heard);
    for hook in silent {
        let mut places = processes.with(project, hook).peekable();
        let ends = places.peek().is_some() && places.all(|place| ended.contains(&place));
        if !ends {
            let place = At {
                function: hook.at,
                span: hook.span,
            };
            report.add(
                place,
                Ground::Proved(Followed::Value),
                "SIGTERM is caught here, and nothing waits for it: the process can't be ended by SIGTERM",
            );
        }
    }
}

/// The places that serve in whose process the signal is waited for as well, by the author or by what serves.
fn ended(project: &Project<'_>, processes: &Processes, heard: &[&Hook<'_>]) -> HashSet<usize> {
    let entries = project.entries.iter().enumerate();
    let guarded = entries.filter(|(_, entry)| entry.guard == Guard::Framework);
    let heard = heard.iter().flat_map(|hook| processes.with(project, hook));
    guarded.map(|(place, _)| place).chain(heard).collect()
}

/// Where a variable is used.
type Use = (FnRef, Span);

/// What serves after a registration and comes through none of the uses of what the signal goes to, as these stand in other
/// branches of the function that registers it.
fn passed_by<'p>(
    project: &'p Project<'_>,
    hook: &Hook<'_>,
    uses: &[Use],
) -> impl Iterator<Item = &'p Entry> {
    project.entries.iter().filter(move |entry| {
        let aside = |(at, span): &Use| !entry.runs(*at, *span);
        entry.at == hook.at
            && entry.guard == Guard::Author
            && entry.span.start > hook.span.end
            && entry.runs(hook.at, hook.span)
            && uses.len() <= MAX_USES
            && uses.iter().all(aside)
            && uses.iter().any(|one| one.0 == hook.at)
    })
}

/// What the signal goes to.
enum Receiver {
    /// A variable.
    Held(VarId),
    /// Nothing: `_, stop := signal.NotifyContext(…)`.
    Thrown,
}

impl Receiver {
    fn variable(&self) -> Option<VarId> {
        match self {
            Self::Held(id) => Some(*id),
            Self::Thrown => None,
        }
    }

    /// Of what a call gives, the first of several.
    fn of(target: &Pattern) -> Option<Self> {
        if let Pattern::List(parts) = target {
            let first = parts.first()?;
            if matches!(first, Pattern::Any) {
                return Some(Self::Thrown);
            }
            return first.variable().map(Self::Held);
        }
        target.variable().map(Self::Held)
    }
}

/// The variable that the signal goes to: the channel of `Notify`, the flag of `register`, what the call gives.
fn receiver(project: &Project<'_>, hook: &Hook<'_>, site: &Site<'_>) -> Option<Receiver> {
    let given = match site.name() {
        "Notify" => site.call.arg(0),
        "register" | "register_usize" | "register_conditional_default" => site.call.arg(1),
        _ => None,
    };
    if let Some(given) = given {
        return root(given).map(Receiver::Held);
    }
    let function = project.function(hook.at)?;
    let mut found = None;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target,
            value: Some(value),
        } = &stmt.kind
            && value.span.holds(site.span)
        {
            found = Receiver::of(target);
        }
    });
    found
}

/// The variable under `Arc::clone(&flag)` and `flag.clone()`.
fn root(expr: &Expr) -> Option<VarId> {
    let mut found = None;
    walk::each(expr, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind {
            found = Some(id);
        }
    });
    found
}

/// Where the variables of a file are used, but for undoing a registration.
fn uses(project: &Project<'_>, file: u32) -> HashMap<VarId, Vec<Use>> {
    let mut all: HashMap<VarId, Vec<Use>> = HashMap::new();
    for (at, function) in project.functions_in(file) {
        let undone = project.sites_of(at).filter(|other| other.name() == "Stop");
        let undone: Cover = undone.map(|other| other.span).collect();
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Var(id) = expr.kind
                && !undone.holds(expr.span)
            {
                all.entry(id).or_default().push((at, expr.span));
            }
        });
    }
    all
}
