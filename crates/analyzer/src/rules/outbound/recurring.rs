//! What is done again because its function calls itself when it failed: `catch { return send(body, left - 1); }`.

use crate::facts::{Block, Expr, StmtKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::words;

use super::repeated::failures;
use super::turns::is_refusal;

/// Callers of a function among which it is looked for itself.
const MAX_CALLERS: usize = 64;

/// Words of tests for answers by which the other end says that it did nothing.
const REFUSED: &[&str] = &[
    "unauthorized",
    "unauthorised",
    "unauthenticated",
    "authentication",
    "auth",
    "token",
    "expired",
    "forbidden",
    "rate",
    "ratelimit",
    "ratelimited",
    "throttled",
    "throttling",
];

/// Whether the function of a call calls itself where the call failed, and not only where it was refused.
pub(super) fn is_repeated(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some((function, _)) = project
        .outward(site.at)
        .find(|(_, function)| !function.name.is_empty())
    else {
        return false;
    };
    let callers = project.callers(function).iter().take(MAX_CALLERS);
    let own: Vec<&Site<'_>> = callers
        .filter_map(|id| project.site(*id))
        .filter(|again| again.at == site.at)
        .collect();
    !own.is_empty()
        && failures(project, site).any(|failure| {
            own.iter().any(|again| {
                failure.body.iter().any(|stmt| stmt.span.holds(again.span))
                    && !is_refused(project, site.at, failure.body, again)
            })
        })
}

/// Whether a place in a region of failure is reached only after a refusal: `if (isUnauthorized(error)) …`.
fn is_refused<'a>(project: &Project<'a>, at: FnRef, region: &'a Block, again: &Site<'a>) -> bool {
    let mut refused = false;
    walk::around(region, again.span, &mut |stmt| {
        if let StmtKind::If { test, then, .. } = &stmt.kind
            && then.iter().any(|inner| inner.span.holds(again.span))
        {
            refused |= is_refusal(test) || speaks_of_refusal(project, at, test);
        }
    });
    refused
}

fn speaks_of_refusal<'a>(project: &Project<'a>, at: FnRef, test: &'a Expr) -> bool {
    let mut said = project.names_in(at, test);
    walk::each(test, &mut |inner| {
        said.extend(inner.text().map(ToString::to_string));
    });
    said.iter().any(|said| {
        let mut words = words::words(said).into_iter();
        words.any(|word| {
            REFUSED.contains(&word.as_str()) || matches!(word.as_str(), "401" | "403" | "429")
        })
    })
}
