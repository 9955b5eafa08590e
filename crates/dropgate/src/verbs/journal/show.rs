//! `dropgate journal show`, and the choice of records.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;

use dropgate_journal::{Record, Seeker, records};
use serde_json::Value;

use super::Problem;
use super::place::journals;
use crate::cli::{Filter, Format, ShowArgs, Which};
use crate::output;
use crate::visible::visible;

/// The most calls whose intent is remembered until their outcome comes.
const MOST_CALLS: usize = 65_536;
/// How much is printed at once.
const CHUNK: usize = 64 * 1024;

pub(super) fn run(args: &ShowArgs) -> Result<ExitCode, Problem> {
    let mut out = Chunks::default();
    each(
        &args.which,
        &args.filter,
        &mut |record, value, intent| match args.format {
            Format::Json => out.push(&record.line),
            Format::Text => out.push(&text(record, value, intent)),
        },
    )?;
    out.flush();
    Ok(ExitCode::SUCCESS)
}

/// What is done with a record: it, its members, and those of the intent that it belongs to.
pub(super) type Visit<'a> = dyn FnMut(&Record, &Value, Option<&Value>) + 'a;

/// Visits the records that a filter lets through, oldest first.
pub(super) fn each(which: &Which, filter: &Filter, visit: &mut Visit<'_>) -> Result<(), Problem> {
    for journal in journals(which)? {
        let mut intents: HashMap<String, Value> = HashMap::new();
        let mut seeker = seeker(&journal, filter)?;
        let mut sought = HashSet::new();
        for record in records(&journal)? {
            let record = record?;
            let Ok(value) = serde_json::from_str::<Value>(&record.line) else {
                continue;
            };
            let call = member(&value, "call").to_owned();
            if member(&value, "kind") == "intent" && intents.len() < MOST_CALLS {
                intents.insert(call.clone(), value.clone());
            }
            if let Some(seeker) = &mut seeker {
                if sought.len() < MOST_CALLS && seeker.finds(&record) {
                    sought.insert(call.clone());
                }
                if !sought.contains(&call) {
                    continue;
                }
            }
            let intent = intents.get(&call);
            if passes(filter, &record, &value, intent) {
                visit(&record, &value, intent);
            }
            if member(&value, "kind") == "outcome" {
                intents.remove(&call);
            }
        }
    }
    Ok(())
}

/// What looks for calls by an argument, if a filter asks for that.
fn seeker(journal: &Path, filter: &Filter) -> Result<Option<Seeker>, Problem> {
    let Some((path, value)) = &filter.argument else {
        return Ok(None);
    };
    let seeker = Seeker::new(journal, path, value)?;
    let lacking = || Problem::NoKey(journal.display().to_string());
    seeker.map(Some).ok_or_else(lacking)
}

fn passes(filter: &Filter, record: &Record, value: &Value, intent: Option<&Value>) -> bool {
    let tool = [value]
        .into_iter()
        .chain(intent)
        .map(|value| member(value, "tool"))
        .find(|tool| !tool.is_empty());
    filter.since.is_none_or(|since| record.at >= since)
        && filter
            .tool
            .as_deref()
            .is_none_or(|wanted| tool == Some(wanted))
        && filter
            .outcome
            .is_none_or(|wanted| member(value, "outcome") == wanted.word())
}

/// A member that is text, or nothing.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn text(record: &Record, value: &Value, intent: Option<&Value>) -> String {
    let kind = member(value, "kind");
    let mut line = format!("{}  {kind:<11}", record.at);
    let tool = Some(member(value, "tool"))
        .filter(|tool| !tool.is_empty())
        .or_else(|| intent.map(|intent| member(intent, "tool")))
        .unwrap_or_default();
    let mut add = |word: &str| {
        if !word.is_empty() {
            line.push(' ');
            line.push_str(&visible(word));
        }
    };
    add(member(value, "call"));
    add(tool);
    for name in [
        "class",
        "outcome",
        "would_be",
        "retry",
        "principal",
        "topic",
        "subject",
        "text",
        "containment",
    ] {
        add(member(value, name));
    }
    if let Some(ms) = value.get("ms").and_then(Value::as_u64) {
        add(&format!("{ms} ms"));
    }
    if let Some(clear) = value.get("clear") {
        add(&clear.to_string());
    }
    if let Some(calls) = value.get("calls").and_then(Value::as_array) {
        add(&format!("{} calls", calls.len()));
    }
    line
}

/// Lines that are printed many at a time.
#[derive(Default)]
pub(super) struct Chunks(String);

impl Chunks {
    pub(super) fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
        if self.0.len() >= CHUNK {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        if !self.0.is_empty() {
            output::print(&self.0);
            self.0.clear();
        }
    }
}
