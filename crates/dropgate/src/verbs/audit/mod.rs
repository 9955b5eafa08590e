//! `dropgate audit`: judges the source of a server without running it.

mod ask;
mod changes;
mod known;
mod mending;
mod patience;
mod plan;
mod prefix;
mod probing;
mod renames;
mod replace;

use std::process::ExitCode;

use dropgate_analyzer::gate::{self, Verdict};
use dropgate_analyzer::output::{badge, github, gitlab, html, json, junit, sarif, text};
use dropgate_analyzer::{Analysis, analyze};

use self::ask::Asked;
use self::mending::Outcome;
use self::patience::with_patience;
use self::plan::Plan;
use crate::cli::{AuditArgs, AuditFormat};
use crate::{exit, output};

/// A gate was reached.
const FAILED: u8 = 1;
/// Nothing can be said of the source.
const NOT_ANALYSED: u8 = 2;
/// The most times that what was mended is looked at for more to mend; each kind of mend brings out
/// at most one other.
const MENDS: usize = 8;

/// Analyses, prints, and tells by the code whether a gate was reached.
pub(crate) fn run(args: &AuditArgs) -> ExitCode {
    let judged = match ask::answer(args) {
        Ok(Asked::Answered) => return ExitCode::SUCCESS,
        Ok(Asked::Nothing) => judged(args),
        Err(stop) => Err(stop),
    };
    let (why, code) = match judged {
        Ok(Verdict::Passed) => return ExitCode::SUCCESS,
        Ok(Verdict::Failed(why)) => (why, FAILED),
        Ok(Verdict::Unknown(why)) | Err(Stop::NotAnalysed(why)) => (why, NOT_ANALYSED),
        Err(Stop::Usage(why)) => (why, exit::USAGE),
    };
    output::complain(&why);
    ExitCode::from(code)
}

/// Why there is no verdict.
#[derive(Debug)]
enum Stop {
    /// The command line asks for what can't be.
    Usage(String),
    /// There is nothing to judge.
    NotAnalysed(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::NotAnalysed(why)
    }
}

/// The verdict, after everything is printed; an error says why there is nothing to judge.
fn judged(args: &AuditArgs) -> Result<Verdict, Stop> {
    let plan = Plan::of(args)?;
    if args.write_baseline && plan.baseline.is_none() {
        let why =
            "--write-baseline needs a file: name it with --baseline, or as `baseline` of [audit]";
        return Err(Stop::Usage(why.to_owned()));
    }
    let mut looked = look(args, &plan)?;
    if args.write_baseline
        && let Some(baseline) = &plan.baseline
    {
        known::write(&looked.analysis, baseline)?;
        return Ok(gate::judge(&looked.analysis, &[], plan.empty));
    }
    if args.fix {
        // One mend can bring out what another one is for: a handler that takes SIGTERM can take the
        // end of stdin too.
        for _ in 0..MENDS {
            match mending::mend(&looked.analysis, &args.path)? {
                Outcome::Unchanged => break,
                Outcome::Changed => looked = look(args, &plan)?,
            }
        }
    }
    for note in &looked.notes {
        output::complain(note);
    }
    let analysis = looked.analysis;
    print(args, &analysis);
    Ok(gate::judge(&analysis, &plan.gates, plan.empty))
}

/// What is open in the source as it is now.
struct Looked {
    analysis: Analysis,
    /// What is said of it beside the findings.
    notes: Vec<String>,
}

fn look(args: &AuditArgs, plan: &Plan) -> Result<Looked, Stop> {
    let paths = std::slice::from_ref(&args.path);
    let mut analysis =
        with_patience(|| analyze(paths, &plan.settings)).map_err(|error| error.to_string())?;
    let mut notes = Vec::new();
    if args.probe {
        notes.push(probing::settle(&mut analysis, args)?);
    }
    if let Some(baseline) = &plan.baseline
        && !args.write_baseline
    {
        notes.extend(known::apply(&mut analysis, baseline)?);
    }
    if let Some(base) = &args.diff_base {
        notes.extend(changes::keep(&mut analysis, &args.path, base)?);
    }
    Ok(Looked { analysis, notes })
}

fn print(args: &AuditArgs, analysis: &Analysis) {
    let prefix = prefix::of(&args.path);
    match args.format {
        AuditFormat::Text => output::print(&text::render(analysis, &prefix, colors())),
        AuditFormat::Json => output::print_json(&json::Page::of(analysis)),
        AuditFormat::Sarif => output::print_json(&sarif::log(analysis, &prefix)),
        AuditFormat::Html => output::print(&html::render(analysis, &prefix)),
        AuditFormat::Github => output::print(&github::render(analysis, &prefix)),
        AuditFormat::Gitlab => output::print_json(&gitlab::issues(analysis, &prefix)),
        AuditFormat::Junit => output::print(&junit::render(analysis, &prefix)),
        AuditFormat::Badge => output::print_json(&badge::Badge::of(analysis)),
        AuditFormat::BadgeSvg => output::print(&badge::svg(analysis)),
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
