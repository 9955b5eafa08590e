//! A lease of a secret store that is never revoked.

use crate::finding::Severity;
use crate::link::Project;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

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
    let revoking: Vec<u32> = project
        .sites
        .iter()
        .filter(|site| {
            (site.role == Some(Role::Revoke) || site.name().to_lowercase().contains("revoke"))
                && project.runs_at_stop(site)
        })
        .map(|site| site.at.file)
        .collect();
    for site in project
        .sites
        .iter()
        .filter(|site| site.role == Some(Role::Lease))
    {
        let dynamic = site.call.args.iter().any(|arg| {
            let mut found = false;
            crate::facts::walk::each(&arg.value, &mut |expr| {
                found |= expr.text().is_some_and(|text| text.contains("creds/"))
            });
            found
        }) || site.name().contains("cred");
        let revoked = revoking
            .iter()
            .any(|file| project.same_program(*file, site.at.file));
        if dynamic && !revoked {
            report.add(At { function: site.at, span: site.span }, "this leases credentials, and nothing revokes the lease when the server is asked to stop");
        }
    }
}
