//! A host that waits for a server which is not there is told why.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use dropgate_wire::{Limits, reply};

use crate::downstream::stdio::{Ask, Downstream, FromHost};
use crate::endpoint::Moved;
use crate::lane::{Outflow, Regard};
use crate::tool_rules::ToolRules;

/// How long a host may take to send its first request before a failed start is
/// told by the exit code alone.
pub(crate) const FIRST_REQUEST_WITHIN: Duration = Duration::from_millis(500);
/// The same where only requests count that are there already: so long it may take to see them.
const WHAT_IS_THERE_WITHIN: Duration = Duration::from_millis(50);

/// Which request is told that there is no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The host's first, if it comes soon.
    TheFirst,
    /// One that the host has sent already.
    IfThere,
}

/// Answers a request of the host's with a reason, where there is nothing to start. Comes to an end
/// soon, whether or not there is one. Somebody at a terminal is not waited for.
pub fn refuse(limits: Limits, text: &str, which: Refused) {
    let within = match which {
        Refused::TheFirst if !io::stdin().is_terminal() => FIRST_REQUEST_WITHIN,
        Refused::TheFirst | Refused::IfThere => WHAT_IS_THERE_WITHIN,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        runtime.block_on(async {
            if let Ok(downstream) = Downstream::open(limits) {
                tell(downstream, limits, text, within).await;
            }
        });
    }
}

/// Answers the request that a host sends first, so that it shows why there is
/// no server instead of a closed pipe.
pub(crate) async fn tell(mut downstream: Downstream, limits: Limits, text: &str, within: Duration) {
    const INTERNAL_ERROR: i64 = -32603;
    let tools = ToolRules::default();
    let until = tokio::time::Instant::now() + within;
    loop {
        let readable = std::future::poll_fn(|cx| downstream.intake.poll_readable(cx));
        if tokio::time::timeout_at(until, readable).await.is_err() {
            return;
        }
        let moved = downstream.intake.read(Regard::Readiness);
        while let Some(line) = downstream.intake.next_line() {
            let judged = downstream.judge(&line, &limits, &tools);
            if let FromHost::Call(Ask { id, .. }) = judged {
                downstream
                    .outlet
                    .say(&reply::error(Some(id.raw()), INTERNAL_ERROR, text, None));
                while downstream.outlet.flush_own() == Outflow::Waiting {
                    let writable = std::future::poll_fn(|cx| downstream.outlet.poll_writable(cx));
                    if tokio::time::timeout_at(until, writable).await.is_err() {
                        return;
                    }
                }
                return;
            }
        }
        if moved == Moved::Closed {
            return;
        }
    }
}
