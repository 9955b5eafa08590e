//! What is collected by calls and written elsewhere, known by its flow: put into a list that outlives the call, taken out of it as a whole, and written.

use crate::facts::{Expr, ExprKind, FnId, Pattern, Span, StmtKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::rules::effects;
use crate::vocabulary::Role;

/// Functions in a row between the one that empties a list and what writes.
const MAX_CALLS: usize = 2;

/// The name of a field or of a variable of the file that an expression stands for, through locks and local names.
pub(super) fn kept_name(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<String> {
    let object = object(expr);
    if let ExprKind::Member(inner, name) = &object.kind {
        return matches!(inner.kind, ExprKind::This).then(|| name.to_string());
    }
    let ExprKind::Var(id) = object.kind else {
        return None;
    };
    let variable = at.variable(id);
    let declared = project.variable(variable)?;
    if declared.owner == FnId::MODULE {
        return (at.id != FnId::MODULE).then(|| declared.name.to_string());
    }
    // `let mut records = self.records.lock().unwrap()`
    let mut set = project.assigned(variable).filter(|(from, _)| *from == at);
    set.find_map(|(_, value)| {
        let inner = self::object(value);
        if let ExprKind::Member(owner, name) = &inner.kind {
            let locks = value.call().is_some();
            return (locks && matches!(owner.kind, ExprKind::This)).then(|| name.to_string());
        }
        None
    })
}

/// What methods are called on: `self.records` of `self.records.lock().unwrap()`.
fn object(expr: &Expr) -> &Expr {
    let mut object = expr.bare();
    while let Some(inner) = object.call().and_then(crate::facts::Call::receiver) {
        object = inner.bare();
    }
    object
}

/// Whether a function takes a list out as a whole: sets it to an empty one, clears it, or puts an empty one in its place.
pub(super) fn takes_all(project: &Project<'_>, at: FnRef, name: &str) -> bool {
    !taken(project, at, name).is_empty()
}

/// Where a function takes a list out as a whole.
fn taken(project: &Project<'_>, at: FnRef, name: &str) -> Vec<Span> {
    let Some(function) = project.function(at) else {
        return Vec::new();
    };
    let is_it = |expr: &Expr| kept_name(project, at, expr).as_deref() == Some(name);
    let mut all = Vec::new();
    walk::assignments(&function.body, &mut |stmt, target, value| {
        let sets = |target: &Pattern, value: &Expr| {
            project.target_name(at, target).as_deref() == Some(name) && is_empty(value)
        };
        // `batch, self.records = self.records, []`
        let found = if let (Pattern::List(targets), ExprKind::List(values)) = (target, &value.kind)
        {
            let mut pairs = targets.iter().zip(values);
            pairs.any(|(target, value)| sets(target, value))
        } else {
            sets(target, value)
        };
        if found {
            all.push(stmt.span);
        }
    });
    let sites = project.sites_of(at).filter(|site| {
        let of_receiver = matches!(site.name(), "splice" | "clear" | "drain" | "take")
            && site.call.receiver().is_some_and(is_it);
        let of_argument = matches!(site.name(), "take" | "replace" | "swap")
            && site.call.arg(0).is_some_and(is_it);
        of_receiver || of_argument
    });
    all.extend(sites.map(|site| site.span));
    all
}

/// `[]`, `nil`, Go's `list[:0]`.
pub(super) fn is_empty(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::List(items) if items.is_empty())
        || matches!(value.kind, ExprKind::Null | ExprKind::Opaque(_))
}

/// Whether a call puts a record into a list, and a handler is on the way to it.
pub(super) fn is_put_by_calls(project: &Project<'_>, site: &Site<'_>) -> bool {
    project.handler_reach().contains(&site.at) && is_record(site)
}

/// Whether a list is taken out as a whole and written, and not at once by whatever puts something in.
pub(super) fn are_written_later(
    project: &Project<'_>,
    puts: FnRef,
    name: &str,
    drains: &[FnRef],
) -> bool {
    let written = drains
        .iter()
        .any(|at| takes_all(project, *at, name) && writes(project, *at, MAX_CALLS));
    written
        && !drains
            .iter()
            .any(|at| is_emptied_at_once(project, puts, *at, name))
}

/// Not a function to be called later: a queue of work has callers that wait.
fn is_record(site: &Site<'_>) -> bool {
    let record = site.call.args.last();
    record.is_some_and(|arg| {
        let mut waits = false;
        walk::each(&arg.value, &mut |expr| {
            waits |= matches!(expr.kind, ExprKind::Function(_));
            if let ExprKind::Object(entries) = &expr.kind {
                let mut keys = entries.iter().filter_map(|entry| entry.key.as_deref());
                waits |= keys.any(|key| matches!(key, "resolve" | "reject"));
            }
        });
        !waits
    })
}

/// Whether a function writes to a file or another system, itself or by what it calls.
fn writes(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    let language = project.language(at.file);
    project.inside(at).iter().any(|inner| {
        project.sites_of(*inner).any(|site| {
            let mut targets = site.targets.iter();
            effects::changes(site)
                || effects::is_of_files(language, site)
                || matches!(site.role, Some(Role::Outbound(..)))
                || (left > 0 && targets.any(|target| writes(project, *target, left - 1)))
        })
    })
}

/// Whether what puts a record in, or what calls that, also empties the list on every way.
fn is_emptied_at_once(project: &Project<'_>, puts: FnRef, empties: FnRef, name: &str) -> bool {
    if puts == empties {
        let mut taken = taken(project, puts, name).into_iter();
        return taken.any(|place| !is_conditional(project, puts, place));
    }
    let callers = project.callers(empties).iter();
    let always: Vec<FnRef> = callers
        .filter_map(|id| project.site(*id))
        .filter(|site| !is_conditional(project, site.at, site.span))
        .map(|site| site.at)
        .collect();
    let above = project.callers(puts).iter();
    let above = above.filter_map(|id| project.site(*id)).map(|site| site.at);
    let mut around = above.chain(std::iter::once(puts));
    around.any(|at| always.contains(&at))
}

fn is_conditional(project: &Project<'_>, at: FnRef, place: Span) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::around(&function.body, place, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Match { .. });
        });
    }
    found
}
