//! A call that changes something is repeated on failure, though the first try may have worked.

use crate::facts::{Expr, ExprKind, walk};
use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::outbound::by_client::Repeating;
use crate::rules::outbound::repeated::Repeated;
use crate::rules::outbound::{methods, once};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{self, Kind, Remote, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "RETRY-001",
    name: "retry-without-idempotency",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[837],
    summary: "A call that changes something is repeated without a key that makes repeating safe.",
    why: "A timeout does not say whether the call took effect. Repeating it then charges, sends or inserts twice. A key per logical call lets the other end recognise the repetition.",
    fix: "Send an idempotency key that stays the same over all tries, or repeat only what was certainly not executed.",
    fixtures: fixtures!("RETRY-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let repeated = Repeated::of(project);
    let clients = Repeating::of(project);
    for site in project.sites() {
        if project.surface(site.at.file) != Surface::Runtime
            || !(changes(project, site) || inserts_into_given(project, site, &repeated))
            || has_key(project, site)
        {
            continue;
        }
        let here = At {
            function: site.at,
            span: site.span,
        };
        let by_itself = || clients.repeats(project, site).then_some(here);
        let Some(place) = repeated.place(project, site).or_else(by_itself) else {
            continue;
        };
        let is_given = place.function != here.function || place.span != here.span;
        let message = if is_given {
            "this is done again when it fails, and leads to a write without an idempotency key: a try that timed out may have worked"
        } else {
            "this is repeated on failure and has no idempotency key: a try that timed out may have worked"
        };
        let finding = report.add(place, Ground::Likely(Trusted::Purpose), message);
        if is_given {
            finding.via(project, here, "this is repeated");
        }
    }
}

/// `client.post(…)`, `fetch(url, {method: "POST"})`, in a function that is not named for reading.
fn changes<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    if once::does(project, site) {
        return true;
    }
    if !matches!(site.role, Some(Role::Outbound(..))) {
        return false;
    }
    let by_name = matches!(site.name(), "post" | "Post" | "sendmail" | "send_message");
    (by_name || methods::posts(project, site) || inserts(project, site))
        && !methods::reads(project, site.at)
        && !methods::asks(project, site)
}

/// What a statement says where it adds nothing to rows that are there.
const SAFE: &[&str] = &[
    "ON CONFLICT",
    "ON DUPLICATE KEY",
    "INSERT IGNORE",
    "INSERT OR IGNORE",
    "INSERT OR REPLACE",
    "NOT EXISTS",
];

/// A statement to a database that adds rows and says nothing of those that are there, or may: whoever calls says what it is.
fn inserts<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    matches!(site.role, Some(Role::Outbound(Remote::Database, _))) && adds_rows(project, site)
}

/// The same on a pool that a function of the author's gives to a closure.
fn inserts_into_given<'a>(project: &Project<'a>, site: &Site<'a>, repeated: &Repeated) -> bool {
    let asks = matches!(
        site.name(),
        "query" | "execute" | "batch" | "run" | "exec" | "executemany"
    );
    let given = || repeated.given_to(project, site);
    let is_pool = |(at, value): (FnRef, &'a Expr)| {
        let paths = project.paths(at, value);
        let mut made = paths.iter().filter_map(|path| path.strip_suffix("()"));
        made.any(|made| {
            vocabulary::role(project.language(at.file), made) == Some(Role::Open(Kind::Pool))
        })
    };
    asks && site.role.is_none() && given().is_some_and(is_pool) && adds_rows(project, site)
}

fn adds_rows<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let texts: Vec<String> = site
        .call
        .args
        .iter()
        .map(|arg| statement(project, site, &arg.value))
        .collect();
    let adds = |text: &String| {
        text.trim_start().starts_with("INSERT") && !SAFE.iter().any(|safe| text.contains(safe))
    };
    texts.iter().any(adds)
        || (texts.first().is_some_and(String::is_empty) && is_given(project, site))
}

/// The texts of an argument, in capitals.
fn statement<'a>(project: &Project<'a>, site: &Site<'a>, arg: &'a Expr) -> String {
    let mut text = String::new();
    let values = project.values(site.at, arg);
    let literals = values.iter().filter_map(|value| Some(value.literal()?.1));
    for literal in literals.chain(std::iter::once(arg)) {
        walk::each(literal, &mut |inner| {
            text.extend(inner.text().map(|text| text.to_uppercase()));
        });
    }
    text
}

/// Whether the statement is a value, and what it gives is not read as rows.
fn is_given(project: &Project<'_>, site: &Site<'_>) -> bool {
    let first = site.call.arg(0);
    let is_value = first.is_some_and(|arg| matches!(arg.bare().kind, ExprKind::Var(_)));
    let reads = |other: &Site<'_>| {
        matches!(
            other.name(),
            "fetchall" | "fetchone" | "fetchmany" | "fetch_all" | "fetch_one"
        )
    };
    is_value && !reads(site) && !project.sites_of(site.at).any(reads)
}

/// Whether an argument or the function speaks of a key.
fn has_key(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::exprs(&function.body, &mut |expr| {
        let text = if let ExprKind::Str(text) = &expr.kind {
            Some(text)
        } else if let ExprKind::Member(_, name) = &expr.kind {
            Some(name)
        } else {
            None
        };
        found |= text.is_some_and(|text| text.to_lowercase().contains("idempoten"));
        if let ExprKind::Object(entries) = &expr.kind {
            found |= entries.iter().any(|entry| {
                entry
                    .key
                    .as_ref()
                    .is_some_and(|key| key.to_lowercase().contains("idempoten"))
            });
        }
        if let ExprKind::Call(call) = &expr.kind {
            found |= call.args.iter().any(|arg| {
                arg.name
                    .as_ref()
                    .is_some_and(|name| name.to_lowercase().contains("idempoten"))
            });
        }
    });
    found
}
