//! Clients that send a failed request again by themselves, whatever its method.

use crate::facts::{Expr, ExprKind, Language, walk};
use crate::link::{Programs, Project, Site};

/// What a program has of such clients, each by the programs that it is of.
pub(super) struct Repeating {
    axios: Programs,
    requests: Programs,
    resty: Programs,
    retryablehttp: Programs,
    reqwest: Programs,
}

impl Repeating {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let files = |is: &dyn Fn(&Site<'_>) -> bool| {
            let sites = project.sites().filter(|site| is(site));
            project.programs_of(sites.map(|site| site.at.file))
        };
        let starts =
            |site: &Site<'_>, known: &str| site.paths.iter().any(|path| path.starts_with(known));
        Self {
            axios: files(&|site| starts(site, "axios-retry") && takes_all(project, site)),
            requests: files(&|site| starts(site, "urllib3") && allows_all(project, site)),
            // Later versions repeat only what is safe to repeat.
            resty: files(&|site| {
                site.name() == "SetRetryCount"
                    && starts(site, "github.com/go-resty/resty/v2")
                    && !is_nought(site.call.arg(0))
            }),
            retryablehttp: files(&|site| {
                site.name() == "NewClient" && starts(site, "github.com/hashicorp/go-retryablehttp")
            }),
            reqwest: files(&|site| {
                site.name() == "new_with_policy"
                    && site
                        .paths
                        .iter()
                        .any(|path| path.contains("RetryTransientMiddleware"))
            }),
        }
    }

    /// Whether the client that sends a request repeats it when it fails.
    pub(super) fn repeats<'a>(&self, project: &Project<'a>, site: &Site<'a>) -> bool {
        let file = site.at.file;
        let of = |known: &str| site.paths.iter().any(|path| path.starts_with(known));
        match project.language(file) {
            Language::TypeScript => {
                (of("axios") && project.is_of(file, &self.axios))
                    || (of("got") && methods_in(site.call.option("retry"), "methods"))
            }
            Language::Python => of("requests") && project.is_of(file, &self.requests),
            Language::Go => {
                (of("github.com/go-resty/resty/v2") && project.is_of(file, &self.resty))
                    || (of("github.com/hashicorp/go-retryablehttp")
                        && project.is_of(file, &self.retryablehttp))
            }
            Language::Rust => of("reqwest_middleware") && project.is_of(file, &self.reqwest),
        }
    }
}

/// `axiosRetry(client, { retryCondition })` with a condition of its own that asks for neither the method nor a safe one.
fn takes_all<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(condition) = site.call.option("retryCondition") else {
        return false;
    };
    let mut named = project.names_in(site.at, condition);
    for function in project.values(site.at, condition) {
        let function = function
            .function()
            .and_then(|at| Some((at, project.function(at)?)));
        if let Some((at, function)) = function {
            walk::exprs(&function.body, &mut |expr| {
                if let ExprKind::Member(..) | ExprKind::Var(_) | ExprKind::Global(_) = expr.kind {
                    named.extend(project.last_name(at, expr));
                }
            });
        }
    }
    !named.iter().any(|name| {
        let name = name.to_lowercase();
        name.contains("idempoten") || name.contains("safe") || name == "method"
    })
}

/// `Retry(allowed_methods=None)`, `Retry(allowed_methods=["POST"])`; without it only what is safe is repeated.
fn allows_all<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let told = ["allowed_methods", "method_whitelist"];
    let told = told.iter().find_map(|name| site.call.option(name));
    let Some(told) = told.filter(|_| site.name() == "Retry") else {
        return false;
    };
    let posts = |expr: &Expr| {
        let mut found = matches!(expr.kind, ExprKind::Null | ExprKind::Bool(false));
        walk::each(expr, &mut |inner| found |= is_post(inner));
        found
    };
    let values = project.values(site.at, told).into_iter();
    posts(told)
        || values
            .filter_map(|value| Some(value.literal()?.1))
            .any(posts)
}

/// Whether options hold a list of methods with POST in it.
fn methods_in(options: Option<&Expr>, name: &str) -> bool {
    let mut found = false;
    if let Some(methods) = options.and_then(|options| options.entry(name)) {
        walk::each(methods, &mut |inner| found |= is_post(inner));
    }
    found
}

fn is_post(expr: &Expr) -> bool {
    expr.text()
        .is_some_and(|text| text.eq_ignore_ascii_case("post"))
}

fn is_nought(expr: Option<&Expr>) -> bool {
    expr.is_some_and(|expr| matches!(expr.kind, ExprKind::Number(number) if number < 1.0))
}
