//! A call that changes something is repeated on failure, though the first try may have worked.

use crate::facts::{Expr, ExprKind, walk};
use crate::finding::{Confidence, Severity, Surface};
use crate::link::{FnRef, Project, Site};
use crate::rules::outbound::repeated::Repeated;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{self, Kind, Remote, Role, words};

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

/// Words of names that read, whatever the method.
const READING: &[&str] = &[
    "get",
    "search",
    "query",
    "list",
    "fetch",
    "read",
    "find",
    "lookup",
    "token",
    "login",
    "auth",
    "graphql",
    "embed",
    "embeddings",
    "completion",
    "complete",
    "chat",
    "download",
    "refresh",
];

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let repeated = Repeated::of(project);
    for site in project.sites() {
        if project.surface(site.at.file) != Surface::Runtime
            || !(changes(project, site) || inserts_into_given(project, site, &repeated))
            || has_key(project, site)
        {
            continue;
        }
        let Some(place) = repeated.place(project, site) else {
            continue;
        };
        let here = At {
            function: site.at,
            span: site.span,
        };
        let is_given = place.function != here.function || place.span != here.span;
        let message = if is_given {
            "what is given to this function is called again when it fails, and a write without an idempotency key is given to it: a try that timed out may have worked"
        } else {
            "this is repeated on failure and has no idempotency key: a try that timed out may have worked"
        };
        let finding = report.add(place, message).sure(Confidence::Likely);
        if is_given {
            finding.via(project, here, "this is repeated");
        }
    }
}

/// `client.post(…)`, `fetch(url, {method: "POST"})`, in a function that is not named for reading.
fn changes<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    if makes_one(site) {
        return true;
    }
    if !matches!(site.role, Some(Role::Outbound(..))) {
        return false;
    }
    let by_name = matches!(site.name(), "post" | "Post" | "sendmail" | "send_message");
    // A builder of Rust sends what an earlier call named.
    let by_builder =
        site.name() == "send" && site.paths.iter().any(|path| path.contains(".post()"));
    // `client.execute(request)` sends what a builder made before, here or in the functions that call this one.
    let by_request = matches!(site.name(), "execute" | "send")
        && site.call.args.iter().any(|arg| {
            project
                .paths(site.at, &arg.value)
                .iter()
                .any(|path| path.contains(".post()"))
        });
    let by_option = posts(project, site);
    // A closure is read by the name of the function around it.
    let named = project
        .outward(site.at)
        .find(|(_, function)| !function.name.is_empty());
    let reads = named.is_some_and(|(_, function)| {
        words::words(&function.name)
            .iter()
            .any(|word| READING.contains(&word.as_str()))
    });
    (by_name || by_builder || by_request || by_option || inserts(project, site)) && !reads
}

/// Whether the method of a request that names it is POST, or may be: one that is not known, sent with a body.
fn posts<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let first = site
        .call
        .arg(0)
        .filter(|_| matches!(site.name(), "request" | "Request"));
    if let Some(method) = site.call.option("method").or(first) {
        let bodies = ["json", "data", "body", "content"];
        let with_body = bodies.iter().any(|name| site.call.option(name).is_some());
        return match method_of(project, site, method) {
            Method::Post => true,
            Method::Other => false,
            Method::Unknown => with_body,
        };
    }
    // `client.Do(request)` of Go sends what was made before.
    let by_made = site.name() == "Do"
        && made_before(project, site).iter().any(|made| {
            let place = usize::from(made.name() == "NewRequestWithContext");
            let method = made.call.arg(place);
            method.is_some_and(|method| method_of(project, made, method) == Method::Post)
        });
    // `request.send()` of Rust sends what its builder was told.
    let of_builder = |site: &Site<'_>| site.paths.iter().any(|path| path.contains(".request()"));
    let by_builder = site.name() == "send"
        && of_builder(site)
        && project.sites_of(site.at).any(|told| {
            matches!(told.name(), "json" | "body" | "form" | "multipart") && of_builder(told)
        });
    by_made || by_builder
}

/// The calls that made the request which is the first argument.
fn made_before<'p, 'a>(project: &'p Project<'a>, site: &Site<'a>) -> Vec<&'p Site<'a>> {
    let Some(ExprKind::Var(id)) = site.call.arg(0).map(|arg| &arg.bare().kind) else {
        return Vec::new();
    };
    project
        .assigned(site.at.variable(*id))
        .filter_map(|(at, value)| project.site_at(at, value))
        .filter(|made| made.name().starts_with("NewRequest"))
        .collect()
}

/// What is known of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// POST, at least from one caller.
    Post,
    /// Known, and another.
    Other,
    /// Nothing.
    Unknown,
}

fn method_of<'a>(project: &Project<'a>, site: &Site<'a>, method: &'a Expr) -> Method {
    let mut known = Method::Unknown;
    for value in project.values(site.at, method) {
        let name = if let Some((_, literal)) = value.literal() {
            literal.text().map(ToString::to_string)
        } else {
            value
                .path()
                .and_then(|path| path.rsplit('.').next().map(ToString::to_string))
        };
        let name = name.unwrap_or_default().to_lowercase();
        match name.trim_start_matches("method") {
            "post" => return Method::Post,
            "get" | "head" | "put" | "delete" | "options" | "patch" => known = Method::Other,
            _ => {}
        }
    }
    known
}

/// `stripe.charges.create(…)`, `mailer.sendMail(…)`: calls of libraries that make or send one more each time.
fn makes_one(site: &Site<'_>) -> bool {
    const MADE: &[&str] = &[
        "charges",
        "paymentIntents",
        "payments",
        "payouts",
        "transfers",
        "refunds",
        "invoices",
        "Charge",
        "PaymentIntent",
        "Payout",
        "Transfer",
        "Refund",
    ];
    let of_money = site.name() == "create"
        && site
            .call
            .receiver()
            .is_some_and(|object| MADE.contains(&crate::link::callee_name(object)));
    of_money
        || matches!(
            site.name(),
            "sendMail" | "send_mail" | "send_email" | "sendEmail"
        )
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
