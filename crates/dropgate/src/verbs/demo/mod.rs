//! `dropgate demo`: the same rude server twice, bare and guarded, with a call
//! in flight, and whoever owns it killed with SIGKILL.

mod conversation;
mod record;
mod run;

use std::process::ExitCode;

use self::run::{Account, Setting};
use crate::{exit, output};

const WHAT_IT_IS: &str = "\
A server that ignores the end of its input and SIGTERM and has a daemon of its
own is started twice: by a host directly, and by a host through dropgate. With
a call in flight its owner is killed with SIGKILL.

";

/// Runs both and prints what was seen.
pub(crate) fn run() -> ExitCode {
    output::print(WHAT_IT_IS);
    let mut guarded_left = None;
    for setting in [Setting::Bare, Setting::Guarded, Setting::GuardedHostKilled] {
        match run::play(setting) {
            Ok(account) => {
                if setting != Setting::Bare {
                    *guarded_left.get_or_insert(0) += account.survivors.len();
                }
                output::print(&text(setting, &account));
            }
            Err(why) => {
                output::complain(&format!("the demonstration can not run here: {why}"));
                return ExitCode::from(exit::INTERNAL);
            }
        }
    }
    output::print("Everything that the demonstration started is gone now.\n");
    // A guarded run that leaks is a failure of this program.
    if guarded_left == Some(0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::INTERNAL)
    }
}

fn text(setting: Setting, account: &Account) -> String {
    let mut text = format!("{}\n  killed     {}\n", setting.title(), account.killed);
    match account.survivors.as_slice() {
        [] => text.push_str(&format!(
            "  survivors  0, none left after {:.0} ms\n",
            account.watched.as_secs_f64() * 1000.0
        )),
        survivors => {
            text.push_str(&format!(
                "  survivors  {}, still there after {:.1} s\n",
                survivors.len(),
                account.watched.as_secs_f64()
            ));
            for survivor in survivors {
                text.push_str(&format!(
                    "             pid {} {}\n",
                    survivor.pid, survivor.command
                ));
            }
        }
    }
    text.push_str(&format!("  caller     {}\n", account.caller));
    if let Some(journal) = &account.journal {
        text.push_str(&format!("  journal    {journal}\n"));
    }
    if let Some(report) = &account.report {
        text.push_str(&format!("  stderr     {report}\n"));
    }
    text.push('\n');
    text
}
