//! `dropgate audit`: judges the source of a server without running it.

mod ask;
mod known;
mod prefix;
mod replace;

use std::process::ExitCode;

use dropgate_analyzer::gate::{self, Empty, Verdict};
use dropgate_analyzer::output::{badge, github, json, sarif, text};
use dropgate_analyzer::suppress::Comments;
use dropgate_analyzer::{Analysis, Settings, analyze};

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
    let settings = Settings {
        exclude: args.exclude.clone(),
        comments: if args.no_suppressions {
            Comments::Disregarded
        } else {
            Comments::Obeyed
        },
        ..Settings::default()
    };
    let mut analysis =
        analyze(std::slice::from_ref(&args.path), &settings).map_err(|error| error.to_string())?;
    let empty = if args.allow_empty {
        Empty::Allowed
    } else {
        Empty::Refused
    };
    if let Some(baseline) = &args.baseline {
        if args.write_baseline {
            known::write(&analysis, baseline)?;
            return Ok(gate::judge(&analysis, &[], empty));
        }
        known::apply(&mut analysis, baseline)?;
    }
    print(args, &analysis);
    Ok(gate::judge(&analysis, &args.fail_on, empty))
}

fn print(args: &AuditArgs, analysis: &Analysis) {
    let prefix = prefix::of(&args.path);
    match args.format {
        AuditFormat::Text => output::print(&text::render(analysis, &prefix, colors())),
        AuditFormat::Json => output::print_json(&json::Page::of(analysis)),
        AuditFormat::Sarif => output::print_json(&sarif::log(analysis, &prefix)),
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
