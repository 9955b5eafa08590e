//! A call that changes something is repeated on failure, though the first try may have worked.

use crate::facts::{Expr, ExprKind, Language, LoopKind, Span, Stmt, StmtKind, walk};
use crate::finding::{Confidence, Severity, Surface};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{self, Role, words};

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
    for site in project.sites() {
        if project.surface(site.at.file) != Surface::Runtime
            || !changes(project, site)
            || has_key(project, site)
        {
            continue;
        }
        let repeated =
            is_decorated(project, site.at) || is_looped(project, site) || is_wrapped(project, site);
        if repeated {
            report
                .add(
                    At { function: site.at, span: site.span },
                    "this is repeated on failure and has no idempotency key: a try that timed out may have worked",
                )
                .sure(Confidence::Likely);
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
    let by_option = site
        .call
        .option("method")
        .or_else(|| {
            site.call
                .arg(0)
                .filter(|_| matches!(site.name(), "request" | "Request"))
        })
        .and_then(Expr::text)
        .is_some_and(|method| method.eq_ignore_ascii_case("post"));
    let reads = project.function(site.at).is_some_and(|function| {
        words::words(&function.name)
            .iter()
            .any(|word| READING.contains(&word.as_str()))
    });
    (by_name || by_builder || by_request || by_option || inserts(project, site)) && !reads
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

/// A statement to a database that adds rows and says nothing of those that are there.
fn inserts<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let is_database = matches!(
        site.role,
        Some(Role::Outbound(crate::vocabulary::Remote::Database, _))
    );
    is_database
        && site.call.args.iter().any(|arg| {
            let mut text = String::new();
            let values = project.values(site.at, &arg.value);
            let literals = values.iter().filter_map(|value| Some(value.literal()?.1));
            for literal in literals.chain(std::iter::once(&arg.value)) {
                walk::each(literal, &mut |inner| {
                    text.extend(inner.text().map(|text| text.to_uppercase()));
                });
            }
            text.trim_start().starts_with("INSERT")
                && ![
                    "ON CONFLICT",
                    "ON DUPLICATE KEY",
                    "INSERT IGNORE",
                    "INSERT OR IGNORE",
                    "INSERT OR REPLACE",
                    "NOT EXISTS",
                ]
                .iter()
                .any(|safe| text.contains(safe))
        })
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

fn is_decorated(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let outer = project.decorated_in(at);
    function.decorators.iter().any(|decorator| {
        let callee = decorator.call().map_or(decorator, |call| &call.callee);
        let language = project.language(at.file);
        project
            .paths(outer, callee)
            .iter()
            .any(|path| vocabulary::role(language, path) == Some(Role::Retry))
    })
}

/// Whether the function is handed to a library that repeats it.
fn is_wrapped(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let Some(parent) = function.parent else {
        return false;
    };
    let outer = site.at.beside(parent);
    project
        .sites_of(outer)
        .any(|other| other.role == Some(Role::Retry) && other.span.holds(function.span))
}

/// `for attempt in range(3): try: post(…) except: …`, unless the failure leaves the loop.
fn is_looped(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            kind,
            item,
            over,
            body,
        } = &stmt.kind
            && stmt.span.holds(site.span)
        {
            let mut names = Vec::new();
            if let Some(item) = item {
                names.extend(project.target_name(site.at, item));
            }
            if let Some(over) = over {
                names.extend(project.names_in(site.at, over));
            }
            let counts = names.iter().any(|name| {
                words::words(name).iter().any(|word| {
                    matches!(
                        word.as_str(),
                        "attempt" | "attempts" | "retry" | "retries" | "tries"
                    )
                })
            });
            let again = match project.language(site.at.file) {
                Language::TypeScript | Language::Python => {
                    (counts || *kind == LoopKind::Forever)
                        && body.iter().any(|stmt| goes_on(stmt, site.span))
                }
                Language::Go | Language::Rust => counts && goes_round(project, site, stmt.span),
            };
            found |= again;
        }
    });
    found
}

/// A `try` around the place whose every failure goes on with the loop.
fn goes_on(stmt: &Stmt, span: Span) -> bool {
    let mut found = false;
    let mut open = vec![stmt];
    while let Some(stmt) = open.pop() {
        if let StmtKind::Try { body, catches, .. } = &stmt.kind
            && body.iter().any(|inner| inner.span.holds(span))
        {
            found |= catches.iter().any(|catch| {
                !catch.body.iter().any(|stmt| {
                    matches!(
                        stmt.kind,
                        StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break
                    )
                })
            });
        }
        for block in walk::blocks(stmt) {
            open.extend(block);
        }
    }
    found
}

/// Go and Rust: a failure of the call that is looked at inside the loop and does not leave it.
fn goes_round(project: &Project<'_>, site: &Site<'_>, around: Span) -> bool {
    let inside: Vec<_> = project
        .failures
        .iter()
        .filter(|failure| failure.at == site.at && around.holds(failure.span))
        .collect();
    let leaves = inside.iter().any(|failure| {
        failure.body.iter().any(|stmt| {
            matches!(
                stmt.kind,
                StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break
            )
        })
    });
    !leaves && !is_propagated(project, site) && !is_given_back(project, site)
}

/// `return call().await` leaves the loop with whatever came.
fn is_given_back(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found |= value.bare().span == site.span;
            }
        });
    }
    found
}

/// `call().await?` gives the failure to the caller.
fn is_propagated(project: &Project<'_>, site: &Site<'_>) -> bool {
    let mut found = false;
    if let Some(function) = project.function(site.at) {
        walk::exprs(&function.body, &mut |expr| {
            found |= matches!(expr.kind, ExprKind::Propagate(_)) && expr.span.holds(site.span);
        });
    }
    found
}
