//! `dropgate audit`: judges the source of a server without running it.

mod ask;
mod changes;
mod known;
mod plan;
mod prefix;
mod replace;

use std::process::ExitCode;

use dropgate_analyzer::gate::{self, Verdict};
use dropgate_analyzer::output::{badge, github, html, json, sarif, text};
use dropgate_analyzer::{Analysis, analyze};

use self::plan::Plan;
use crate::cli::{AuditArgs, AuditFormat};
use crate::output;

/// A gate was reached.
const FAILED: u8 = 1;
/// Nothing can be said of the source.
const NOT_ANALYSED: u8 = 2;

/// Analyses, prints, and tells by the code whether a gate was reached.
pub(crate) fn run(args: &AuditArgs) -> ExitCode {
    if let Some(answered) = ask::answer(args) {
        return answered;
    }
    match judged(args) {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed(why)) => {
            output::complain(&why);
            ExitCode::from(FAILED)
        }
        Ok(Verdict::Unknown(why)) | Err(why) => {
            output::complain(&why);
            ExitCode::from(NOT_ANALYSED)
        }
    }
}

/// The verdict, after everything is printed; an error says why there is nothing to judge.
fn judged(args: &AuditArgs) -> Result<Verdict, String> {
    let plan = Plan::of(args)?;
    let mut analysis = analyze(std::slice::from_ref(&args.path), &plan.settings)
        .map_err(|error| error.to_string())?;
    match &plan.baseline {
        Some(baseline) if args.write_baseline => {
            known::write(&analysis, baseline)?;
            return Ok(gate::judge(&analysis, &[], plan.empty));
        }
        Some(baseline) => known::apply(&mut analysis, baseline)?,
        None if args.write_baseline => {
            return Err("--write-baseline needs a file: name it with --baseline".to_owned());
        }
        None => {}
    }
    if let Some(base) = &args.diff_base {
        changes::keep(&mut analysis, &args.path, base)?;
    }
    print(args, &analysis);
    Ok(gate::judge(&analysis, &plan.gates, plan.empty))
}

fn print(args: &AuditArgs, analysis: &Analysis) {
    let prefix = prefix::of(&args.path);
    match args.format {
        AuditFormat::Text => output::print(&text::render(analysis, &prefix, colors())),
        AuditFormat::Json => output::print_json(&json::Page::of(analysis)),
        AuditFormat::Sarif => output::print_json(&sarif::log(analysis, &prefix)),
        AuditFormat::Html => output::print(&html::render(analysis, &prefix)),
        AuditFormat::Github => output::print(&github::render(analysis, &prefix)),
        AuditFormat::Badge => output::print_json(&badge::Badge::of(analysis)),
    }
}

/// Colours on a terminal, unless the user wants none.
fn colors() -> text::Colors {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if output::goes_to_terminal() && !unwanted {
        text::Colors::Ansi
    } else {
        text::Colors::Plain
    }
}
