//! A lease of a secret store that is never revoked.

use crate::facts::{Expr, walk};
use crate::finding::{Severity, Trusted};
use crate::link::{Project, Site};
use crate::rules::ground;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Remote, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CRED-002",
    name: "vault-lease-not-revoked",
    severity: Severity::High,
    axes: &[Axis::Credentials],
    cwe: &[613, 404],
    summary: "Dynamic credentials are leased and not revoked at a stop.",
    why: "The account that the lease made stays until its time is over, for whoever found it, and counts against the limit of accounts.",
    fix: "Revoke the lease in the shutdown, before the client is closed, best effort and bounded.",
    fixtures: fixtures!("CRED-002": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let revoking = project
        .sites()
        .filter(|site| {
            let by_path =
                site.call.args.iter().any(|arg| {
                    says(&arg.value, "leases/revoke") || says(&arg.value, "revoke-self")
                });
            (site.role == Some(Role::Revoke)
                || site.name().to_lowercase().contains("revoke")
                || by_path)
                && project.runs_at_stop(site)
        })
        .map(|site| site.at.file);
    let revoking = project.programs_of(revoking);
    for site in project
        .sites()
        .filter(|site| site.role == Some(Role::Lease) || is_request(site))
    {
        let by_path = site.call.args.iter().any(|arg| {
            let values = project.values(site.at, &arg.value);
            says(&arg.value, "creds/")
                || values
                    .iter()
                    .filter_map(crate::link::Value::literal)
                    .any(|(_, literal)| says(literal, "creds/"))
        });
        let dynamic = by_path || (site.name().contains("cred") && !is_request(site));
        let revoked = project.is_of(site.at.file, &revoking);
        if dynamic && !revoked {
            let place = At {
                function: site.at,
                span: site.span,
            };
            let named = (!by_path).then_some(Trusted::Name);
            let ground = ground::of_stop(project, site.at.file).unless(named);
            let finding = report.add(
                place, ground,
                "this leases credentials, and nothing revokes the lease when the server is asked to stop",
            );
            if let Some(import) = project.unread_closing(site) {
                finding.blocked(import);
            }
        }
    }
}

/// Whether a text with this in it stands in an expression.
fn says(value: &Expr, part: &str) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| {
        found |= expr.text().is_some_and(|text| text.contains(part))
    });
    found
}

/// A request to the API of Vault or OpenBao, made by hand.
fn is_request(site: &Site<'_>) -> bool {
    matches!(site.role, Some(Role::Outbound(Remote::Http, _)))
        && site.call.args.iter().any(|arg| says(&arg.value, "/v1/"))
}
