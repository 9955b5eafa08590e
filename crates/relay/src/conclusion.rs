//! The report of a run and the exit code that it calls for, once the loop is over.

use dropgate_gate::exit::{Ending, JournalEnd, ServerEnd, Status, TreeEnd, exit_code};
use dropgate_gate::shutdown::Trigger;
use dropgate_process::{Exit, Force};

use crate::relay::Relay;
use crate::report::Notes;
use crate::run::Ended;
use crate::tree_end::Signalled;

/// Ends the leases and the journal, and says what the run came to.
pub(crate) fn conclude(relay: &mut Relay) -> Ended {
    // Whoever kills this process meanwhile finds every outcome in the journal.
    relay.recorder.rouse();
    let leases = relay.end_secrets();
    let telemetry = relay.finish_telemetry();
    let now = relay.now();
    let (level, leader, strays) = (relay.tree.level(), relay.end.leader(), relay.stray_lines);
    let survivors = relay.end.survivors().to_vec();
    let journal = relay.seal_journal();
    relay.log.end_strays();
    let dropped = relay.log.dropped_lines();
    if dropped > 0 {
        relay
            .log
            .warn(&format!("{dropped} lines of this log did not fit"));
    }
    let (signalled, force) = (relay.end.signalled(), relay.end.force());
    let notes = match relay.shutdown.notes() {
        Some(notes) => notes.clone(),
        // The loop ends only by a shutdown; without one there is nothing to say.
        None => Notes::begin(Trigger::ServerExited, now),
    };
    let mut report = notes.report(level, leader, &survivors, strays, now);
    report.surplus_answers = relay.surplus.count();
    report.journal = journal;
    report.leases = leases;
    report.telemetry = telemetry;
    let ending = Ending {
        server: server_end(leader, notes.trigger, signalled),
        cancelled: usize::try_from(report.in_flight.cancelled).unwrap_or(usize::MAX),
        unknown: usize::try_from(report.in_flight.unknown).unwrap_or(usize::MAX),
        journal: match &report.journal {
            None => JournalEnd::NotKept,
            Some(journal) if journal.sealed => JournalEnd::Sealed,
            Some(_) => JournalEnd::NotSealed,
        },
        tree: if force == Force::Killed || report.leaked {
            TreeEnd::Killed
        } else {
            TreeEnd::Left
        },
    };
    Ended {
        exit_code: exit_code(&ending),
        report,
        kept: Ok(()),
    }
}

fn server_end(leader: Option<Exit>, trigger: Trigger, signalled: Signalled) -> ServerEnd {
    let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    let status = leader.map(|exit| match exit {
        Exit::Code(code) => Status::Code(small(code)),
        Exit::Signal(signal) => Status::Signal(small(signal)),
    });
    match (status, signalled) {
        (Some(status), Signalled::Never) if trigger == Trigger::ServerExited => {
            ServerEnd::ByItself(status)
        }
        (Some(status), Signalled::Never) => ServerEnd::AfterStdinClosed(status),
        (Some(_), Signalled::BeforeItsEnd) | (None, _) => ServerEnd::AfterSignal,
    }
}
