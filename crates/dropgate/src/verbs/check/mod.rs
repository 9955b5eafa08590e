//! `dropgate check`: says whether a configuration would be taken, and what it weakens.

mod explain;

use std::process::ExitCode;

use dropgate_gate::pins::PinStore;

use crate::cli::{CheckArgs, Print};
use crate::verbs::run::meaning;
use crate::verbs::run::plan_error::PlanError;
use crate::verbs::trust::store;
use crate::{config, exit, output};

/// Reads the file as a start would, and tells the verdict.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    match args.print {
        Some(Print::Schema) => {
            output::print(&config::reference::schema());
            return ExitCode::SUCCESS;
        }
        Some(Print::Reference) => {
            output::print(&config::reference::page());
            return ExitCode::SUCCESS;
        }
        None => {}
    }
    verdict(args).unwrap_or_else(|error| {
        output::complain(&error.to_string());
        ExitCode::from(exit::REFUSED)
    })
}

/// A server that nobody named: no policy is about it in particular.
const ANY: &str = "server";

fn verdict(args: &CheckArgs) -> Result<ExitCode, PlanError> {
    let config = config::configuration(Some(&args.file))?;
    let server = args.server.as_deref().unwrap_or(ANY);
    let judges = meaning::judges(&[], &config, server)?;
    let known = match &args.server {
        Some(server) => store::read(&store::file(&store::folder()?, server)?)?,
        None => PinStore::new(),
    };
    let known: Vec<_> = known.trusted().collect();
    for complaint in judges.policies.learn_tools(&known) {
        output::complain(&format!("policy: {complaint}"));
    }
    if let Some(tool) = &args.explain {
        return Ok(explain::call(&judges, tool, &args.arguments));
    }
    let mut verdict = format!("{}: would be taken", args.file.display());
    for key in config.weakenings() {
        verdict.push_str(&format!("\nweakened by {key}"));
    }
    output::print(&verdict);
    Ok(ExitCode::SUCCESS)
}
