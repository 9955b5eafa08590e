//! `dropgate doctor`: what this machine allows, and whether the time suffices.

mod advice;
mod budget;
mod levels;

use std::process::ExitCode;

use serde::Serialize;

use self::budget::Budget;
use self::levels::LevelState;
use crate::cli::{DoctorArgs, Format};
use crate::output;

#[derive(Serialize)]
struct Findings {
    auto: Option<&'static str>,
    strict: Option<&'static str>,
    levels: Vec<LevelState>,
    policy: &'static str,
    budget: Budget,
}

/// Tries every level by starting a program at it, and prints what came of it.
pub(crate) fn run(args: &DoctorArgs) -> ExitCode {
    let levels = levels::try_all();
    let findings = Findings {
        auto: levels::chosen(&levels, dropgate_process::Containment::Auto),
        strict: levels::chosen(&levels, dropgate_process::Containment::Strict),
        levels,
        policy: "local-owner: whoever starts dropgate may call every tool",
        budget: Budget::of(args),
    };
    match args.format {
        Format::Json => output::print_json(&findings),
        Format::Text => output::print(&text(&findings)),
    }
    ExitCode::SUCCESS
}

fn text(findings: &Findings) -> String {
    let named = |level: Option<&'static str>| level.unwrap_or("none").to_owned();
    let mut text = format!(
        "containment  auto = {}, strict = {}\n",
        named(findings.auto),
        named(findings.strict)
    );
    for level in &findings.levels {
        match &level.lacks {
            None => text.push_str(&format!("  {:<7} works\n", level.level)),
            Some(why) => {
                text.push_str(&format!("  {:<7} can not be had: {why}\n", level.level));
                for advice in &level.how_to_get_it {
                    text.push_str(&format!("          to get it: {advice}\n"));
                }
            }
        }
    }
    text.push_str(&format!("policy       {}\n", findings.policy));
    text.push_str("journal      none: this version keeps no record of calls\n");
    text.push_str(&findings.budget.text());
    text
}
