//! Calls of libraries that do something once more each time they are made.

use crate::facts::ExprKind;
use crate::link::{Project, Site, callee_name};
use crate::vocabulary::matches;

/// What is made where `create` is called on it, and costs money.
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

/// Methods that send a message, whatever the library.
const SENDING: &[&str] = &[
    "sendMail",
    "send_mail",
    "send_email",
    "sendEmail",
    "postMessage",
    "chat_postMessage",
];

/// Commands on another machine, and changes of releases with all their hooks.
const COMMANDS: &[&str] = &[
    "paramiko.*SSHClient().exec_command",
    "asyncssh.connect().run",
    "fabric*.Connection().run",
    "fabric*.Connection().sudo",
    "golang.org/x/crypto/ssh.*.NewSession().Run",
    "golang.org/x/crypto/ssh.*.NewSession().Output",
    "golang.org/x/crypto/ssh.*.NewSession().CombinedOutput",
    "golang.org/x/crypto/ssh.*.NewSession().Start",
    "helm.sh/helm/*/pkg/action.NewInstall().Run*",
    "helm.sh/helm/*/pkg/action.NewUpgrade().Run*",
    "helm.sh/helm/*/pkg/action.NewRollback().Run*",
];

/// `stripe.charges.create(…)`, `mailer.sendMail(…)`, `client.exec_command(command)`.
pub(super) fn does(project: &Project<'_>, site: &Site<'_>) -> bool {
    let of_money = site.name() == "create"
        && site
            .call
            .receiver()
            .is_some_and(|object| MADE.contains(&callee_name(object)));
    of_money
        || (SENDING.contains(&site.name()) && site.targets.is_empty())
        || (commands(site) && reads_on(project, site))
}

/// A call that only begins a command fails where nothing ran; who reads what it says waits for its end.
fn reads_on(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.name() != "exec_command"
        || project.sites_of(site.at).any(|other| {
            matches!(
                other.name(),
                "read" | "readlines" | "readline" | "recv" | "recv_exit_status"
            )
        })
}

/// A command that is written out was chosen by the author, who knows whether it may run twice.
fn commands(site: &Site<'_>) -> bool {
    let is_fixed = site
        .call
        .arg(0)
        .is_some_and(|command| matches!(command.kind, ExprKind::Str(_)));
    !is_fixed
        && site
            .paths
            .iter()
            .any(|path| COMMANDS.iter().any(|known| matches(known, path)))
}
