//! `dropgate journal outcome`: what became of a call.

use std::process::ExitCode;

use dropgate_journal::{Account, Kept, look_up};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Problem;
use super::place::journals;
use crate::cli::{Format, OutcomeArgs};
use crate::output;
use crate::visible::visible;

#[derive(Serialize)]
struct Report {
    call: String,
    outcome: &'static str,
    retry: Option<&'static str>,
    chain: String,
    kept: bool,
    /// What became of its answer: `kept`, `too_large`, `dropped`, `erased` or `none`.
    answer: &'static str,
    records: Vec<Box<RawValue>>,
}

/// The call is in no journal, or nothing of it was kept.
const NOT_FOUND: u8 = 1;

pub(super) fn run(args: &OutcomeArgs) -> Result<ExitCode, Problem> {
    for journal in journals(&args.which)? {
        let Some(account) = look_up(&journal, args.reference)? else {
            continue;
        };
        if args.original {
            return Ok(original(&account));
        }
        let report = Report {
            call: account.call.to_string(),
            outcome: account.word(),
            retry: account.ended.map(|(_, retry)| retry.word()),
            chain: account.chain.clone(),
            kept: account.kept.is_some(),
            answer: account.answer.word(),
            records: account
                .records
                .into_iter()
                .filter_map(|line| RawValue::from_string(line).ok())
                .collect(),
        };
        match args.format {
            Format::Json => output::print_json(&report),
            Format::Text => output::print(&text(&report, account.answer)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    output::complain(&format!(
        "{} is in no journal; it may be older than what is kept",
        args.reference
    ));
    Ok(ExitCode::from(NOT_FOUND))
}

fn original(account: &Account) -> ExitCode {
    match &account.kept {
        Some(kept) => {
            output::print(&String::from_utf8_lossy(kept));
            ExitCode::SUCCESS
        }
        None => {
            output::complain(match account.answer {
                Kept::Nothing | Kept::There => "nothing of this call's answer was to be kept",
                Kept::TooLarge => "the answer was not kept: it is larger than 256 KiB",
                Kept::Dropped => "the answer was not kept: the disk did not take it",
                Kept::Erased => "the answer was kept, and was erased or changed since",
            });
            ExitCode::from(NOT_FOUND)
        }
    }
}

fn text(report: &Report, answer: Kept) -> String {
    let mut text = format!("{}: {}", report.call, report.outcome);
    if let Some(retry) = report.retry {
        text.push_str(&format!(", retry {retry}"));
    }
    text.push_str(&format!(" ({})\n", report.chain));
    for record in &report.records {
        text.push_str(&format!("  {}\n", visible(record.get())));
    }
    match answer {
        Kept::Nothing => {}
        Kept::There => text.push_str("  --original prints what was kept of the answer\n"),
        Kept::TooLarge => text.push_str("  the answer was not kept: it is larger than 256 KiB\n"),
        Kept::Dropped => text.push_str("  the answer was not kept: the disk did not take it\n"),
        Kept::Erased => text.push_str("  the answer was kept, and was erased or changed since\n"),
    }
    text
}
