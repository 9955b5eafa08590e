//! A wait for something remote without a limit.

use crate::facts::{Expr, Language};
use crate::finding::{Blocked, Followed, Ground, Severity, Surface, Trusted};
use crate::link::{Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Child, Limit, Remote, Role};

use super::bounds::{Bound, bound};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "TIME-001",
    name: "unbounded-timeout",
    severity: Severity::Medium,
    axes: &[Axis::Reliability],
    cwe: &[400, 1088],
    summary: "A call waits for something remote without a limit.",
    why: "A remote end that accepts and never answers holds the call, and whatever the call holds, for ever: the caller waits, a pool slot is gone, and a shutdown that waits for calls does not end.",
    fix: "Give the call or its client a timeout, and tie it to the cancellation of the request.",
    fixtures: fixtures!("TIME-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let reach = project.handler_reach();
    let statements = super::statements::Statements::default();
    let configured = super::configured::Configured::default();
    for site in project.sites() {
        if project.surface(site.at.file) != Surface::Runtime {
            continue;
        }
        if let Some(Role::Client(Remote::Http, Limit::Option(names))) = site.role
            && super::escaped::without_limit(project, site, names)
        {
            let at = At {
                function: site.at,
                span: site.span,
            };
            report.add(
                at,
                Ground::Likely(Trusted::Library),
                "this client has no timeout, and is handed to a library that waits with it",
            );
            continue;
        }
        let (limit, what) = match site.role {
            Some(Role::Outbound(remote, limit)) => (limit, name(remote)),
            Some(Role::Client(_, limit)) => {
                client(project, site, limit, report);
                continue;
            }
            Some(Role::Spawn(Child::Blocking | Child::Awaited))
                if reach.contains(&site.at) || runs_in_server(project, site) =>
            {
                (Limit::Option(&["timeout", "signal"]), name(Remote::Child))
            }
            Some(_) | None => continue,
        };
        // A command of a context ends with it.
        let has_context = site
            .paths
            .iter()
            .any(|path| path.starts_with("os/exec.CommandContext"));
        let bound = bound(project, site, limit);
        if has_context
            || statements.are_bounded(project, site)
            || configured.bounds(project, site)
            || bound == Bound::Known
        {
            continue;
        }
        let used = At {
            function: site.at,
            span: site.span,
        };
        if bound == Bound::Unsure {
            let message = format!(
                "whether `{}` waits for {what} with a limit is not known: it may stand in options that come from elsewhere",
                called(site)
            );
            report.add(used, Ground::Unknown(Blocked::Options), message);
            continue;
        }
        // What is made in this project without a limit is blamed where it is made, once for all its calls.
        let makers = super::bounds::makers(project, site);
        if makers.iter().any(|maker| is_local(maker)) {
            continue;
        }
        // Of several clients that it may be, the one of the same file is the likely one.
        let near = makers.iter().find(|maker| maker.at.file == site.at.file);
        // A statement of Go takes its limit from the context of the call, others have one of their own: the pool has none to give.
        let by_context = limit == Limit::Nothing
            && matches!(site.role, Some(Role::Outbound(Remote::Database, _)))
            && project.language(site.at.file) == Language::Go;
        let by_itself = by_context || matches!(limit, Limit::Statement(_));
        if by_context && super::bounds::is_part(project, site) {
            continue;
        }
        if let Some(maker) = near.or(makers.first()).filter(|_| !by_itself) {
            let made = At {
                function: maker.at,
                span: maker.span,
            };
            let message = format!("what is made here waits for {what} without a limit");
            let several = makers.len() > 1;
            let ground = Ground::Proved(Followed::Call).unless(several.then_some(Trusted::Choice));
            report
                .add(made, ground, message)
                .via(project, used, "one of the calls that wait");
            continue;
        }
        // In Go and Rust the limit belongs to the client: one that comes from elsewhere may have it, and is blamed where it is made.
        let elsewhere = matches!(limit, Limit::Client(_))
            && matches!(
                project.language(site.at.file),
                Language::Go | Language::Rust
            );
        if elsewhere {
            continue;
        }
        let beside = !reach.contains(&site.at);
        let ground = Ground::Proved(Followed::Call).unless(beside.then_some(Trusted::Reach));
        report.add(
            used,
            ground,
            format!("`{}` waits for {what} without a limit", called(site)),
        );
    }
}

/// Whether a server that does not take its signals from a framework runs a call on its way.
fn runs_in_server(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.at.id.0 != 0
        && project
            .entries
            .iter()
            .any(|entry| entry.runs(site.at, site.span))
}

/// A client without a limit whose calls are not seen: it is handed to a library.
fn client<'a>(project: &Project<'a>, maker: &Site<'a>, limit: Limit, report: &mut Report<'_>) {
    let by_caller = matches!(limit, Limit::Option(names)
        if super::escaped::is_limited_by_caller(project, maker, names));
    if project.is_waited_on(maker)
        || by_caller
        || super::bounds::is_made_bounded(project, maker, limit)
        || is_fallback(project, maker)
    {
        return;
    }
    let at = At {
        function: maker.at,
        span: maker.span,
    };
    report
        .add(at, Ground::Likely(Trusted::Library), "this client is made without a limit of time, and whoever uses it waits as long as the other end is mute");
}

/// `builder.timeout(limit).build().unwrap_or_else(|_| Client::new())`: what is meant is the client with the limit.
fn is_fallback(project: &Project<'_>, maker: &Site<'_>) -> bool {
    let Some(function) = project.function(maker.at) else {
        return false;
    };
    let outer = function.parent.map(|id| maker.at.beside(id));
    outer.is_some_and(|outer| {
        project.sites_of(outer).any(|site| {
            matches!(site.name(), "unwrap_or_else" | "or_else")
                && site.span.holds(function.span)
                && site.paths.iter().any(|path| path.contains("timeout("))
        })
    })
}

/// Whether a pool is one over a file of this machine, by the name of its driver: `sql.Open("sqlite", path)`.
fn is_local(maker: &Site<'_>) -> bool {
    let driver = maker.call.arg(0).and_then(Expr::text);
    driver.is_some_and(|driver| matches!(&**driver, "sqlite" | "sqlite3" | "duckdb" | "libsql"))
}

fn name(remote: Remote) -> &'static str {
    match remote {
        Remote::Http => "an HTTP server",
        Remote::Database => "a database",
        Remote::Child => "a child process",
        Remote::Other => "a service",
    }
}

fn called(site: &Site<'_>) -> String {
    site.paths
        .first()
        .map_or_else(|| site.name().to_owned(), |path| path.replace("()", ""))
}
