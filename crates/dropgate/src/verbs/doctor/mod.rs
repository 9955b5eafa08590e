//! `dropgate doctor`: what this machine allows, and whether the time suffices.

mod advice;
mod budget;
mod levels;
mod record;

use std::process::ExitCode;

use serde::Serialize;

use self::budget::Budget;
use self::levels::LevelState;
use self::record::Record;
use crate::cli::{DoctorArgs, Format};
use crate::verbs::run::meaning;
use crate::verbs::run::name::server_name;
use crate::verbs::run::plan_error::PlanError;
use crate::{config, exit, output};

/// Policies may be about one server by name; which one a run is for does not change who decides.
const ANY_SERVER: &str = "doctor";

#[derive(Serialize)]
struct Findings {
    auto: Option<&'static str>,
    strict: Option<&'static str>,
    levels: Vec<LevelState>,
    policy: &'static str,
    /// What a run of the given command is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    journal: Record,
    budget: Budget,
}

/// Tries every level by starting a program at it, and prints what came of it.
pub(crate) fn run(args: &DoctorArgs) -> ExitCode {
    match examine(args) {
        Ok(findings) => {
            match args.format {
                Format::Json => output::print_json(&findings),
                Format::Text => output::print(&text(&findings)),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(exit::REFUSED)
        }
    }
}

fn examine(args: &DoctorArgs) -> Result<Findings, PlanError> {
    let config = config::configuration(args.config.as_deref())?;
    let server = (!args.command.is_empty()).then(|| server_name(&args.command));
    let judges = meaning::judges(&[], &config, server.as_deref().unwrap_or(ANY_SERVER))?;
    let levels = levels::try_all();
    Ok(Findings {
        auto: levels::chosen(&levels, dropgate_process::Containment::Auto),
        strict: levels::chosen(&levels, dropgate_process::Containment::Strict),
        levels,
        policy: judges.policies.authority().name(),
        server,
        journal: Record::planned(&config),
        budget: Budget::of(args, &config.file.shutdown),
    })
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
    text.push_str(&findings.journal.text());
    if let Some(server) = &findings.server {
        text.push_str(&format!("server       {server}\n"));
    }
    text.push_str(&findings.budget.text());
    text
}
