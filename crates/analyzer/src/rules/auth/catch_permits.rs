//! A failed check of access that permits.

use crate::facts::{Compare, Expr, ExprKind, Language, Logic, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{Failure, FailureKind, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, words};

use super::unanswered::Missing;
use super::{
    noticed, own_refusal, patterns, permit, preset, replaced, unanswered, unfiltered, unread_list,
};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-001",
    name: "catch-returns-permit",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[636, 280, 755],
    summary: "When the check of access itself fails, access is permitted.",
    why: "Whoever can make the check fail (a timeout, a malformed policy, a service that is down) is let in. A policy like `robots.txt` or a filter of data is such a check too.",
    fix: "Deny on everything but an affirmative answer: return false, or let the failure reach the caller.",
    fixtures: fixtures!("AUTH-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let Some(authority) = deciding(project, failure) else {
            continue;
        };
        let explicit = permit::permitting(project, authority, failure.body);
        let caught = At {
            function: failure.at,
            span: failure.span,
        };
        for stmt in &explicit {
            let place = At {
                function: failure.at,
                span: stmt.span,
            };
            report
                .add(
                    place,
                    permit::ground(project, authority),
                    "when the check itself fails, this permits",
                )
                .via(project, caught, "the failure is caught here");
        }
        if explicit.is_empty()
            && failure.kind == FailureKind::Catch
            && falls_through(project, failure, authority)
        {
            report.add(
                caught,
                permit::ground(project, authority),
                "when the check itself fails, the function goes on to its permit",
            );
        } else if explicit.is_empty()
            && failure.kind == FailureKind::Catch
            && ends_without_refusal(project, failure)
        {
            report.add(
                caught,
                permit::ground(project, authority),
                "when the check itself fails, the function ends without a refusal",
            );
        }
    }
    let mute = "a check that gives no answer is taken as a permit";
    unanswered::look(project, Missing::Check, mute, report);
    preset::look(project, report);
    replaced::look(project, report);
    noticed::look(project, report);
    lists(project, report);
    unread_list::look(project, report);
    skipped(project, report);
    patterns::look(project, report);
    own_refusal::look(project, report);
    unfiltered::look(project, report);
}

/// Words of names of functions that give what is forbidden.
pub(super) const DENY_LISTS: &[&str] = &[
    "denylist",
    "blocklist",
    "blacklist",
    "denied",
    "blocked",
    "forbidden",
    "banned",
    "violations",
    "revoked",
    "disallowed",
];

/// A list of what is forbidden that is empty where it could not be read.
fn lists(project: &Project<'_>, report: &mut Report<'_>) {
    for failure in &project.failures {
        let gives_list = project.function(failure.at).is_some_and(|function| {
            words::words(&function.name)
                .iter()
                .any(|word| DENY_LISTS.contains(&word.as_str()))
        });
        if !gives_list || permit::is_authority(project, failure.at) {
            continue;
        }
        walk::stmts(failure.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) | StmtKind::Value(value) = &stmt.kind
                && is_empty(value)
            {
                let place = At {
                    function: failure.at,
                    span: stmt.span,
                };
                report.add(
                    place,
                    Ground::Likely(Trusted::Name),
                    "when the list of what is forbidden can't be read, nothing is forbidden",
                );
            }
        });
    }
}

/// `[]`, `new Set()`, `set()`, `Vec::new()`.
pub(super) fn is_empty(value: &Expr) -> bool {
    if let ExprKind::List(items) = &value.kind {
        return items.is_empty();
    }
    value.call().is_some_and(|call| {
        let name = crate::link::callee(&call.callee);
        let makes = matches!(name, "Set" | "set" | "frozenset" | "list" | "Array")
            || (name == "new" && is_collection(&call.callee));
        makes && call.args.is_empty()
    })
}

/// `Vec::new`, `HashSet::new`, `BTreeSet::new`.
fn is_collection(callee: &Expr) -> bool {
    if let ExprKind::Member(object, _) = &callee.kind {
        matches!(
            crate::link::callee(object),
            "Vec" | "HashSet" | "BTreeSet" | "HashMap" | "BTreeMap"
        )
    } else {
        false
    }
}

/// Go: `if matched, err := match(pattern); err == nil && matched { refuse }`: a pattern that fails refuses nothing.
fn skipped(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        if project.language(at.file) != Language::Go || !permit::is_authority(project, at) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::If {
                test,
                then,
                otherwise,
            } = &stmt.kind
            else {
                return;
            };
            let ExprKind::Logic(Logic::And, left, right) = &test.kind else {
                return;
            };
            let without_error = [left, right].into_iter().any(|side| {
                matches!(&side.kind, ExprKind::Compare(Compare::Equal, one, other)
                    if matches!(other.kind, ExprKind::Null)
                        && project.last_name(at, one).is_some_and(|name| name.to_lowercase().ends_with("err")))
            });
            let refuses = then.iter().any(|inner| {
                if let StmtKind::Return(Some(value)) = &inner.kind {
                    matches!(value.kind, ExprKind::Bool(false))
                        || value.call().is_some_and(|call| {
                            matches!(crate::link::callee(&call.callee), "Errorf" | "New")
                        })
                } else {
                    false
                }
            });
            if without_error && refuses && otherwise.is_empty() {
                let place = At {
                    function: at,
                    span: stmt.span,
                };
                report.add(
                    place,
                    permit::ground(project, at),
                    "when the check itself fails, nothing is refused and the function goes on",
                );
            }
        });
    }
}

/// The function that decides, if the failure is its own: for a closure also the check that it is attached to.
fn deciding(project: &Project<'_>, failure: &Failure<'_>) -> Option<crate::link::FnRef> {
    if let Some(authority) = permit::authority_around(project, failure.at) {
        return Some(authority);
    }
    let asks = || {
        let mut sites = project.sites_within(failure.at, failure.guarded);
        sites.any(|site| {
            project.hints.is_authority(site.name())
                || site
                    .targets
                    .iter()
                    .any(|target| project.gate(*target).is_some())
        })
    };
    if let Some(middleware) = permit::middleware_around(project, failure.at).filter(|_| asks()) {
        return Some(middleware);
    }
    let attached = failure.kind == FailureKind::Closure
        && project.sites_in(failure.at.file).iter().any(|site| {
            failure.guarded.holds(site.span) && project.hints.is_authority(site.name())
        });
    attached.then_some(failure.at)
}

/// The region does nothing but log, and the function ends in a permit.
fn falls_through(
    project: &Project<'_>,
    failure: &Failure<'_>,
    authority: crate::link::FnRef,
) -> bool {
    let Some(function) = project.function(failure.at) else {
        return false;
    };
    let mut leaves = false;
    walk::stmts(failure.body, &mut |stmt| {
        leaves |= matches!(
            stmt.kind,
            StmtKind::Return(_)
                | StmtKind::Throw(_)
                | StmtKind::Assign { .. }
                | StmtKind::Continue
                | StmtKind::Break
        );
    });
    let ends = function.body.last().is_some_and(|last| {
        last.span.start >= failure.span.end && matches!(&last.kind, StmtKind::Return(Some(value)) if permit::permits(project, authority, value))
    });
    !leaves && ends
}

/// A function that refuses by throwing, and whose region of failure throws nothing and is followed by nothing that does.
fn ends_without_refusal(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let Some(function) = project.function(failure.at) else {
        return false;
    };
    let (mut throws, mut answers, mut later) = (false, false, false);
    walk::stmts(&function.body, &mut |stmt| {
        let in_region = failure.span.holds(stmt.span);
        if let StmtKind::Throw(_) = stmt.kind {
            throws |= !in_region;
            later |= stmt.span.start >= failure.span.end;
        } else if let StmtKind::Return(Some(value)) = &stmt.kind {
            answers |= !matches!(value.kind, ExprKind::Null);
        }
    });
    let mut goes_on = true;
    let mut leaves = false;
    walk::stmts(failure.body, &mut |stmt| {
        goes_on &= !matches!(stmt.kind, StmtKind::Throw(_) | StmtKind::Assign { .. });
        leaves |= matches!(stmt.kind, StmtKind::Return(_));
    });
    let ends = project
        .sites_within(failure.at, failure.span)
        .any(|site| matches!(site.role, Some(Role::Exit | Role::ExitUnwinding)));
    throws
        && !answers
        && goes_on
        && !ends
        && (leaves || !later)
        && project.refuses_access(failure.at, &function.body)
}
