//! The command line: one definition, from which help, man page and completions
//! come, and what is meant by it.

#[cfg(feature = "audit")]
mod audit;
mod flags;
mod journal;
pub(crate) mod values;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

#[cfg(feature = "audit")]
pub(crate) use self::audit::{AuditArgs, AuditFormat};
use self::flags::Flags;
pub(crate) use self::flags::{
    CheckArgs, CompletionsArgs, DoctorArgs, Format, Print, ProbeArgs, Profile, ReapArgs, RunArgs,
    ShutdownArgs, TrustArgs, Verb,
};
pub(crate) use self::journal::{
    ExportArgs, ExportFormat, Filter, JournalArgs, JournalVerb, OutcomeArgs, ShowArgs, VerifyArgs,
    Which,
};
pub(crate) use self::values::ToolOnShutdown;
use crate::visible::visible;

/// What the command line asks for.
pub(crate) enum Parsed {
    Verb(Verb),
    /// Help or version, to be printed.
    Help(String),
}

/// Reads this process's arguments.
///
/// # Errors
/// One line that says what is wrong and what to do.
pub(crate) fn parse() -> Result<Parsed, String> {
    match Flags::try_parse() {
        Ok(flags) => Ok(Parsed::Verb(flags.verb)),
        Err(error) => {
            let kind = error.kind();
            if kind == ErrorKind::DisplayHelp || kind == ErrorKind::DisplayVersion {
                Ok(Parsed::Help(error.to_string()))
            } else if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                Err(format!("no verb given; {}", where_help_is()))
            } else {
                Err(format!("{}; {}", one_line(&error), where_help_is()))
            }
        }
    }
}

/// The whole definition, for the man page and completions.
pub(crate) fn definition() -> clap::Command {
    Flags::command()
}

/// Whether the server's command is missing, or something that looks like it stands elsewhere.
fn concerns_the_command(error: &clap::Error) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(one)) => !one.starts_with('-'),
        Some(ContextValue::Strings(missing)) => {
            missing.iter().any(|one| one.starts_with("<COMMAND>"))
        }
        Some(_) | None => false,
    }
}

fn one_line(error: &clap::Error) -> String {
    let mut text = error.to_string();
    for (_, value) in error.context() {
        // What was given can have lines of its own.
        if let ContextValue::String(given) = value
            && given.contains(char::is_control)
        {
            text = text.replace(given, &visible(given));
        }
    }
    let first = text.lines().next().unwrap_or_default();
    let mut line = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    if line.ends_with(':') {
        // The arguments that are missing follow, one a line.
        let missing: Vec<&str> = text
            .lines()
            .skip(1)
            .map_while(|rest| rest.strip_prefix("  "))
            .map(str::trim)
            .collect();
        line = format!("{line} {}", missing.join(" "));
    }
    if text.contains("-- <COMMAND>") && concerns_the_command(error) {
        return format!("{line}; write the server's command after `--`");
    }
    if let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue)
        && !valid.is_empty()
    {
        line = format!("{line} (use {})", valid.join(", "));
    }
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| match error.get(kind) {
            Some(ContextValue::String(one)) => Some(one.clone()),
            Some(ContextValue::Strings(some)) => some.first().cloned(),
            Some(_) | None => None,
        });
    if let Some(suggested) = suggested {
        line = format!("{line}; did you mean {suggested}?");
    }
    line
}

/// The help of the verb that the arguments name, as far as they name one.
fn where_help_is() -> String {
    let mut command = Flags::command();
    let mut words = "dropgate".to_owned();
    for argument in std::env::args_os().skip(1) {
        let Some(verb) = argument
            .to_str()
            .and_then(|name| command.find_subcommand(name))
        else {
            break;
        };
        words = format!("{words} {}", verb.get_name());
        command = verb.clone();
    }
    format!("try `{words} --help`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(arguments: &[&str]) -> String {
        let arguments = std::iter::once(&"dropgate").chain(arguments);
        match Flags::try_parse_from(arguments) {
            Ok(_) => panic!("accepted"),
            Err(error) => one_line(&error),
        }
    }

    #[test]
    fn whoever_forgets_the_dashes_is_told_of_them() {
        let after = "write the server's command after `--`";
        for arguments in [
            &["run"][..],
            &["run", "--"],
            &["run", "npx", "-y", "some-server"],
            &["run", "--drain", "2s", "npx"],
            &["probe"],
            &["probe", "python", "server.py"],
        ] {
            let line = complaint(arguments);
            assert!(line.ends_with(after), "{arguments:?}: {line}");
        }
        let nothing = complaint(&["audit", ""]);
        assert!(nothing.ends_with("none was supplied"), "{nothing}");
        for arguments in [
            &["run", "--nope", "--", "npx"][..],
            &["run", "--containment", "docker", "--", "npx"],
            &["run", "--drain", "5", "--", "npx"],
            &["reap", "all"],
        ] {
            let line = complaint(arguments);
            assert!(!line.contains(after), "{arguments:?}: {line}");
        }
    }
}
