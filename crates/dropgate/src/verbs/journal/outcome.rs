//! `dropgate journal outcome`: what became of a call.

use std::process::ExitCode;

use dropgate_journal::{Account, look_up};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Problem;
use super::place::journals;
use crate::cli::{Format, OutcomeArgs};
use crate::output;

#[derive(Serialize)]
struct Report {
    call: String,
    outcome: &'static str,
    retry: Option<&'static str>,
    chain: String,
    kept: bool,
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
            records: account
                .records
                .into_iter()
                .filter_map(|line| RawValue::from_string(line).ok())
                .collect(),
        };
        match args.format {
            Format::Json => output::print_json(&report),
            Format::Text => output::print(&text(&report)),
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
            output::complain("nothing was kept of this call's answer, or it was erased");
            ExitCode::from(NOT_FOUND)
        }
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("{}: {}", report.call, report.outcome);
    if let Some(retry) = report.retry {
        text.push_str(&format!(", retry {retry}"));
    }
    text.push_str(&format!(" ({})\n", report.chain));
    for record in &report.records {
        text.push_str(&format!("  {}\n", record.get()));
    }
    if report.kept {
        text.push_str("  --original prints what was kept of the answer\n");
    }
    text
}
