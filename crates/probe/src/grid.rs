//! Which cells a probe has: every scenario with every ending, then the behaviour cases.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::client::Method;
use crate::ending::Ending;
use crate::options::{Call, Guarding, Options};
use crate::refusal::Why;
use crate::servers::{BEHAVIOURS, ENTRY, SCENARIOS, Scenario, Shape};
use crate::target::Target;

/// How old a call of the caller's own is when the ending strikes.
const LEAD_IN: Duration = Duration::from_millis(500);

/// Lines that are no request, after which a server must go on as before. The batch asks for no
/// answer, since revisions differ on whether there is one.
const BAD_LINES: &[(&str, &str)] = &[
    ("bad_json", r#"{"jsonrpc":"2.0","id":9,"method":"#),
    (
        "batch",
        r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#,
    ),
    ("bad_frame", r#"{"hello":"there"}"#),
];

/// One cell that is to be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) scenario: String,
    pub(crate) ending: Ending,
    /// The whole command, with what is put before it.
    pub(crate) command: Vec<OsString>,
    pub(crate) call: Option<InFlight>,
}

/// A call and the request behind it, whose answer shows that the call was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InFlight {
    /// What is sent before the call.
    pub(crate) noise: Option<&'static str>,
    pub(crate) call: Method,
    pub(crate) behind: Method,
    pub(crate) lead_in: Duration,
}

/// All cells, in the order of reports.
pub(crate) fn cells(target: &Target, options: &Options) -> Result<Vec<Case>, Why> {
    if target.command.is_empty() {
        return Err(Why::NoCommand);
    }
    let rows = rows(target, options)?;
    if let Some(name) = options
        .scenarios
        .iter()
        .find(|name| !rows.iter().any(|row| row.name == **name))
    {
        let known: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        return Err(Why::NoSuchScenario {
            name: name.clone(),
            known: known.join(", "),
        });
    }
    let endings = endings(options)?;
    let unnamed = |kind| match kind {
        Kind::Scenario => options.scenarios.is_empty(),
        Kind::Behaviour => options.scenarios.is_empty() && options.endings.is_empty(),
    };
    let wanted = |row: &&Row| options.scenarios.contains(&row.name) || unnamed(row.kind);
    let mut cells = Vec::new();
    for row in rows.iter().filter(wanted) {
        let endings = match row.kind {
            Kind::Scenario => endings.as_slice(),
            Kind::Behaviour => &[Ending::None],
        };
        cells.extend(endings.iter().map(|ending| row.case(*ending)));
    }
    Ok(cells)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scenario,
    Behaviour,
}

struct Row {
    name: String,
    kind: Kind,
    command: Vec<OsString>,
    call: Option<InFlight>,
}

impl Row {
    fn case(&self, ending: Ending) -> Case {
        Case {
            scenario: self.name.clone(),
            ending,
            command: self.command.clone(),
            call: self.call.clone(),
        }
    }
}

fn rows(target: &Target, options: &Options) -> Result<Vec<Row>, Why> {
    let before: &[OsString] = match &options.guarding {
        Guarding::Direct => &[],
        Guarding::Guarded(before) => before,
    };
    let mut rows = if target.is_wrapper() {
        let program = std::env::current_exe().map_err(Why::system("find the running program"))?;
        wrapped(target, before, &program)
    } else {
        let command = [before, &target.command].concat();
        plain(&command, options.call.as_ref())
    };
    if options.http.is_some() {
        // An HTTP body that is no message concerns nobody but its sender.
        rows.retain(|row| row.call.as_ref().is_none_or(|call| call.noise.is_none()));
    }
    Ok(rows)
}

/// The rows of a wrapper: each built-in server in its place.
fn wrapped(target: &Target, before: &[OsString], program: &Path) -> Vec<Row> {
    let command = |shape: Shape| {
        let server = shape.command(program.as_os_str(), &[ENTRY], &[]);
        [before, &target.with_server(&server)].concat()
    };
    let row = |kind, scenario: &Scenario| Row {
        name: scenario.name.to_owned(),
        kind,
        command: command(scenario.server),
        call: in_flight(scenario),
    };
    let scenarios = SCENARIOS
        .iter()
        .map(|scenario| row(Kind::Scenario, scenario));
    let behaviours = BEHAVIOURS
        .iter()
        .map(|scenario| row(Kind::Behaviour, scenario));
    let after_noise = after_noise(&command(Shape::Direct("plain")), &echo());
    scenarios.chain(behaviours).chain(after_noise).collect()
}

/// The rows of a server that is probed as it is.
fn plain(command: &[OsString], call: Option<&Call>) -> Vec<Row> {
    let row = |name: &str, call| Row {
        name: name.to_owned(),
        kind: Kind::Scenario,
        command: command.to_owned(),
        call,
    };
    let busy = call.map(|Call { tool, arguments }| InFlight {
        noise: None,
        call: Method::Call {
            tool: tool.clone(),
            arguments: arguments.clone(),
        },
        behind: Method::Ping,
        lead_in: LEAD_IN,
    });
    let busy = busy.map(|call| row("busy", Some(call)));
    std::iter::once(row("idle", None))
        .chain(busy)
        .chain(after_noise(command, &Method::Ping))
        .collect()
}

fn after_noise(command: &[OsString], call: &Method) -> Vec<Row> {
    let row = |(name, line): &(&str, &'static str)| Row {
        name: (*name).to_owned(),
        kind: Kind::Behaviour,
        command: command.to_owned(),
        call: Some(InFlight {
            noise: Some(line),
            call: call.clone(),
            behind: Method::Ping,
            lead_in: Duration::ZERO,
        }),
    };
    BAD_LINES.iter().map(row).collect()
}

fn in_flight(scenario: &Scenario) -> Option<InFlight> {
    let call = scenario.call?;
    Some(InFlight {
        noise: None,
        call: Method::Call {
            tool: call.tool.to_owned(),
            arguments: serde_json::from_str(call.arguments).unwrap_or_default(),
        },
        behind: echo(),
        lead_in: scenario.lead_in,
    })
}

/// A wrapper may answer a ping by itself, but not a call to a tool that only the server has.
fn echo() -> Method {
    let mut arguments = Map::new();
    arguments.insert("text".to_owned(), Value::from("still there"));
    Method::Call {
        tool: "echo".to_owned(),
        arguments,
    }
}

fn endings(options: &Options) -> Result<Vec<Ending>, Why> {
    let usable = |ending: &Ending| options.http.is_none() || ending.is_for_http();
    let known: Vec<Ending> = Ending::ALL.into_iter().filter(usable).collect();
    if options.endings.is_empty() {
        return Ok(known);
    }
    let chosen: Vec<Ending> = known
        .iter()
        .copied()
        .filter(|ending| options.endings.contains(ending))
        .collect();
    if chosen.is_empty() {
        let known: Vec<&str> = known.into_iter().map(Ending::name).collect();
        return Err(Why::NoSuchEnding {
            known: known.join(", "),
        });
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(command: &[&str]) -> Target {
        Target {
            command: command.iter().map(OsString::from).collect(),
        }
    }

    fn count(target: &Target, options: &Options) -> usize {
        cells(target, options).unwrap().len()
    }

    #[test]
    fn the_number_of_cells_follows_from_target_and_options() {
        let (wrapper, plain) = (target(&["w", "{server}"]), target(&["s"]));
        let (behaviours, noise) = (BEHAVIOURS.len(), BAD_LINES.len());
        let mut options = Options::default();
        assert_eq!(count(&wrapper, &options), 70 + behaviours + noise);
        assert_eq!(count(&plain, &options), 7 + noise);
        options.call = Some(Call::parse("t", "{}").unwrap());
        assert_eq!(count(&plain, &options), 14 + noise);
        options.http = Some("http://127.0.0.1:{port}/mcp".parse().unwrap());
        assert_eq!(count(&wrapper, &options), 40 + behaviours);
        options.endings = vec![Ending::Host, Ending::Eof, Ending::Kill];
        assert_eq!(count(&wrapper, &options), 20);
        options.scenarios = vec!["slow".to_owned(), "die".to_owned()];
        assert_eq!(count(&wrapper, &options), 3);
    }

    #[test]
    fn a_selection_without_cells_is_refused_with_the_names_that_there_are() {
        let options = Options {
            scenarios: vec!["busy".to_owned()],
            ..Options::default()
        };
        let error = cells(&target(&["s"]), &options).unwrap_err().to_string();
        assert!(
            error.contains("\"busy\"") && error.contains("idle"),
            "{error}"
        );
        let http = Some("http://127.0.0.1:{port}/mcp".parse().unwrap());
        let options = Options {
            http,
            endings: vec![Ending::Eof],
            ..Options::default()
        };
        let error = cells(&target(&["s"]), &options).unwrap_err().to_string();
        assert!(error.contains("term, int, kill, host"), "{error}");
        assert!(matches!(
            cells(&target(&[]), &Options::default()),
            Err(Why::NoCommand)
        ));
    }

    #[test]
    fn what_guards_comes_before_the_command() {
        let guarding = Guarding::Guarded(vec!["dropgate".into(), "run".into(), "--".into()]);
        let cells = cells(
            &target(&["s", "x"]),
            &Options {
                guarding,
                ..Options::default()
            },
        )
        .unwrap();
        assert_eq!(cells[0].command, ["dropgate", "run", "--", "s", "x"]);
    }
}
