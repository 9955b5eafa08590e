//! Errors whose texts are the author's own words: nothing of a driver, client or system is in them.

use std::collections::HashMap;

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{Failure, FailureKind, FnRef, Project};

/// How far calls are followed for the origin of an error.
const MAX_CALLS: usize = 4;

/// What the variables of one function of Go are set to, to ask for each error that is checked in it.
#[derive(Default)]
pub(super) struct Origins<'a> {
    of: Option<FnRef>,
    /// Values by the end of the statement that sets them.
    set: HashMap<VarId, Vec<(u32, &'a Expr)>>,
}

impl<'a> Origins<'a> {
    /// Whether what failed is a function of the project whose errors are all made of its own texts.
    pub(super) fn are_own(&mut self, project: &Project<'a>, failure: &Failure<'a>) -> bool {
        if project.language(failure.at.file) != Language::Go || failure.kind != FailureKind::Checked
        {
            return false;
        }
        if self.of != Some(failure.at) {
            self.read(project, failure.at);
        }
        let set = failure.errors.first().and_then(|error| self.set.get(error));
        let set = set.map_or(&[][..], Vec::as_slice);
        let before = set.partition_point(|(end, _)| *end <= failure.span.start);
        let last = before.checked_sub(1).and_then(|last| set.get(last));
        last.is_some_and(|(_, value)| gives_own(project, failure.at, value, MAX_CALLS))
    }

    fn read(&mut self, project: &Project<'a>, at: FnRef) {
        self.of = Some(at);
        self.set.clear();
        let Some(function) = project.function(at) else {
            return;
        };
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            {
                for id in set(target) {
                    let all = self.set.entry(id).or_default();
                    all.push((stmt.span.end, value));
                }
            }
        });
        for set in self.set.values_mut() {
            set.sort_by_key(|(end, _)| *end);
        }
    }
}

/// The variables that are set as a whole, alone or in a list.
fn set(target: &Pattern) -> Vec<VarId> {
    if let Pattern::Var(one) = target {
        vec![*one]
    } else if let Pattern::List(parts) = target {
        parts.iter().flat_map(set).collect()
    } else {
        Vec::new()
    }
}

/// Whether the error that an expression gives is made of own texts.
fn gives_own(project: &Project<'_>, at: FnRef, value: &Expr, left: usize) -> bool {
    if matches!(value.kind, ExprKind::Null) {
        return true;
    }
    if let ExprKind::Var(id) = value.kind {
        let variable = at.variable(id);
        let values: Vec<_> = project.assigned(variable).collect();
        return left > 0
            && !values.is_empty()
            && values
                .into_iter()
                .all(|(at, value)| gives_own(project, at, value, left - 1));
    }
    let Some(site) = project.site_at(at, value) else {
        return false;
    };
    if matches!(site.name(), "Errorf" | "New" | "NewError") && site.targets.is_empty() {
        let mut args = site.call.args.iter();
        return args.all(|arg| {
            !holds_error(project, at, &arg.value)
                || (left > 0 && gives_own(project, at, &arg.value, left - 1))
        });
    }
    if is_about_arguments(site) {
        return true;
    }
    left > 0
        && !site.targets.is_empty()
        && site
            .targets
            .iter()
            .all(|target| only_own(project, *target, left - 1))
}

/// Readers of arguments and numbers: their text says what the caller wrote.
fn is_about_arguments(site: &crate::link::Site<'_>) -> bool {
    matches!(site.name(), "BindArguments")
        || (site.targets.is_empty() && site.name().starts_with("Require"))
        || site
            .paths
            .iter()
            .any(|path| path.starts_with("strconv.") || path.starts_with("time.Parse"))
}

/// Whether every error that a function gives back is made of own texts.
fn only_own(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut own = true;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            let error = if let ExprKind::List(parts) = &value.kind {
                parts.last()
            } else {
                Some(value)
            };
            own &= error.is_some_and(|error| gives_own(project, at, error, left));
        }
    });
    own
}

/// Whether an expression holds an error: a variable named like one, or its text.
fn holds_error(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |inner| {
        if let ExprKind::Var(_) = inner.kind {
            let name = project.last_name(at, inner).unwrap_or_default();
            found |= name.to_lowercase().ends_with("err") || name.to_lowercase().ends_with("error");
        }
        if let ExprKind::Call(call) = &inner.kind
            && let ExprKind::Member(_, name) = &call.callee.kind
        {
            found |= &**name == "Error";
        }
    });
    found
}
