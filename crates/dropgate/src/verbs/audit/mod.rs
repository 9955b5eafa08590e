//! `dropgate audit`: judges the source of a server without running it.

mod ask;
mod prefix;

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
    let settings = Settings {
        exclude: args.exclude.clone(),
        comments: if args.no_suppressions {
            Comments::Disregarded
        } else {
            Comments::Obeyed
        },
        ..Settings::default()
    };
    let analysis = match analyze(std::slice::from_ref(&args.path), &settings) {
        Ok(analysis) => analysis,
        Err(error) => {
            output::complain(&error.to_string());
            return ExitCode::from(NOT_ANALYSED);
        }
    };
    print(args, &analysis);
    let empty = if args.allow_empty {
        Empty::Allowed
    } else {
        Empty::Refused
    };
    match gate::judge(&analysis, &args.fail_on, empty) {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed(why) => {
            output::complain(&why);
            ExitCode::from(FAILED)
        }
        Verdict::Unknown(why) => {
            output::complain(&why);
            ExitCode::from(NOT_ANALYSED)
        }
    }
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
