//! Flags and the table `[audit]` become settings, once.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dropgate_analyzer::Settings;
use dropgate_analyzer::finding::{Severity, Surface};
use dropgate_analyzer::gate::{Empty, Gate};
use dropgate_analyzer::hints::{Hints, Names};
use dropgate_analyzer::rules;
use dropgate_analyzer::settings::Weight;
use dropgate_analyzer::suppress::Comments;
use dropgate_analyzer::user_rules::UserRules;
use dropgate_analyzer::vocabulary::Wire;

use super::ask;
use crate::cli::AuditArgs;
use crate::config::{self, Configured, audit};

/// The file that is read where no other is named: that of the folder where the user is, never that
/// of the source, which need not be the user's.
const FILE: &str = "dropgate.toml";

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) gates: Vec<Gate>,
    pub(super) empty: Empty,
    pub(super) baseline: Option<PathBuf>,
}

impl Plan {
    /// Reads the configuration and lays the flags over it.
    ///
    /// # Errors
    /// When the configuration, or a file that it names, is not right.
    pub(super) fn of(args: &AuditArgs) -> Result<Self, String> {
        let path = place(args);
        let Configured { file, folder, .. } = configured(args)?;
        let table = file.audit;
        let user_rules = rules_of(args, &table, &folder)?;
        let mut exclude = table.exclude;
        exclude.extend(args.exclude.iter().cloned());
        let mut settings = Settings {
            include: table.include,
            exclude,
            hints: Hints {
                entries: table.entry,
                wire: table.transport.map(wire),
                names: Names {
                    access: checked(table.names.access, "access", path)?,
                    audit: checked(table.names.audit, "audit", path)?,
                    credential: checked(table.names.credential, "credential", path)?,
                },
                trust: table.trust,
            },
            comments: if args.no_suppressions {
                Comments::Disregarded
            } else {
                Comments::Obeyed
            },
            surfaces: table
                .surface
                .into_iter()
                .map(|(glob, is)| (glob, surface(is)))
                .collect(),
            ..Settings::default()
        };
        for (name, is) in table.severity {
            let id = match rules::find(&name) {
                Some(rule) => rule.id.to_owned(),
                None if user_rules.ids().any(|id| id == name) => name,
                None => {
                    return Err(format!(
                        "{}: audit.severity: {}",
                        path.display(),
                        ask::unknown(&name)
                    ));
                }
            };
            settings.weights.insert(id, weight(is));
        }
        settings.user_rules = user_rules;
        let allowed = args.allow_empty || table.allow_empty == Some(true);
        Ok(Self {
            settings,
            gates: if args.fail_on.is_empty() {
                table.fail_on.into_iter().map(gate).collect()
            } else {
                args.fail_on.clone()
            },
            empty: if allowed {
                Empty::Allowed
            } else {
                Empty::Refused
            },
            baseline: args
                .baseline
                .clone()
                .or_else(|| table.baseline.map(|file| folder.join(file))),
        })
    }
}

/// The rules of the user's own.
///
/// # Errors
/// When the configuration, or a file of rules, is not right.
pub(super) fn user_rules(args: &AuditArgs) -> Result<UserRules, String> {
    let Configured { file, folder, .. } = configured(args)?;
    rules_of(args, &file.audit, &folder)
}

fn rules_of(args: &AuditArgs, table: &audit::Audit, folder: &Path) -> Result<UserRules, String> {
    let mut files: Vec<PathBuf> = table.rules.iter().map(|file| folder.join(file)).collect();
    files.extend(args.rules.iter().cloned());
    UserRules::read(&files).map_err(|error| error.to_string())
}

fn place(args: &AuditArgs) -> &Path {
    args.config.as_deref().unwrap_or(Path::new(FILE))
}

fn configured(args: &AuditArgs) -> Result<Configured, String> {
    let path = place(args);
    // A link that leads nowhere is no lack of a configuration: its gates would be left out unnoticed.
    let is_absent = path
        .symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if args.config.is_some() || !is_absent {
        config::configuration(Some(path)).map_err(|error| error.to_string())
    } else {
        Ok(Configured::default())
    }
}

/// Words that can be found in names.
///
/// # Errors
/// When there is none in one of them.
fn checked(words: Vec<String>, key: &str, path: &Path) -> Result<Vec<String>, String> {
    match words
        .iter()
        .find(|word| !word.contains(char::is_alphanumeric))
    {
        Some(word) => Err(format!(
            "{}: audit.names.{key}: `{word}` holds no word; write one with letters",
            path.display()
        )),
        None => Ok(words),
    }
}

fn wire(written: audit::Transport) -> Wire {
    match written {
        audit::Transport::Stdio => Wire::Stdio,
        audit::Transport::Http => Wire::Http,
    }
}

fn gate(written: audit::Gate) -> Gate {
    use dropgate_analyzer::score::Grade;
    match written {
        audit::Gate::High => Gate::Severity(Severity::High),
        audit::Gate::Medium => Gate::Severity(Severity::Medium),
        audit::Gate::Low => Gate::Severity(Severity::Low),
        audit::Gate::GradeA => Gate::Grade(Grade::A),
        audit::Gate::GradeB => Gate::Grade(Grade::B),
        audit::Gate::GradeC => Gate::Grade(Grade::C),
        audit::Gate::GradeD => Gate::Grade(Grade::D),
    }
}

fn weight(written: audit::Weight) -> Weight {
    match written {
        audit::Weight::Off => Weight::Off,
        audit::Weight::Info => Weight::Is(Severity::Info),
        audit::Weight::Low => Weight::Is(Severity::Low),
        audit::Weight::Medium => Weight::Is(Severity::Medium),
        audit::Weight::High => Weight::Is(Severity::High),
    }
}

fn surface(written: audit::Surface) -> Surface {
    match written {
        audit::Surface::Runtime => Surface::Runtime,
        audit::Surface::Install => Surface::Install,
        audit::Surface::Tests => Surface::Tests,
    }
}
