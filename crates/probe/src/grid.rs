//! Which cells a probe has: every scenario with every ending, then the behaviour cases.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::client::Method;
use crate::ending::Ending;
use crate::options::{Call, Guarding, Options};
use crate::refusal::Why;
use crate::servers::{BEHAVIOURS, ENTRY, SCENARIOS, Scenario};
use crate::target::Target;

/// How old a call of the caller's own is when the ending strikes.
const LEAD_IN: Duration = Duration::from_millis(500);

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
    let wanted = |row: &&Row| options.scenarios.is_empty() || options.scenarios.contains(&row.name);
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
    if !target.is_wrapper() {
        return Ok(plain(
            &[before, &target.command].concat(),
            options.call.as_ref(),
        ));
    }
    let program = std::env::current_exe().map_err(Why::system("find the running program"))?;
    let row = |kind, scenario: &Scenario| {
        let server = scenario.server.command(program.as_os_str(), &[ENTRY], &[]);
        Row {
            name: scenario.name.to_owned(),
            kind,
            command: [before, &target.with_server(&server)].concat(),
            call: in_flight(scenario),
        }
    };
    let scenarios = SCENARIOS
        .iter()
        .map(|scenario| row(Kind::Scenario, scenario));
    let behaviours = BEHAVIOURS
        .iter()
        .map(|scenario| row(Kind::Behaviour, scenario));
    Ok(scenarios.chain(behaviours).collect())
}

fn in_flight(scenario: &Scenario) -> Option<InFlight> {
    let call = scenario.call?;
    // A wrapper may answer a ping by itself, but not a call to a tool that only the server has.
    let mut echo = Map::new();
    echo.insert("text".to_owned(), Value::from("behind the call"));
    Some(InFlight {
        call: Method::Call {
            tool: call.tool.to_owned(),
            arguments: serde_json::from_str(call.arguments).unwrap_or_default(),
        },
        behind: Method::Call {
            tool: "echo".to_owned(),
            arguments: echo,
        },
        lead_in: scenario.lead_in,
    })
}

fn plain(command: &[OsString], call: Option<&Call>) -> Vec<Row> {
    let row = |name: &str, call| Row {
        name: name.to_owned(),
        kind: Kind::Scenario,
        command: command.to_owned(),
        call,
    };
    let busy = call.map(|Call { tool, arguments }| InFlight {
        call: Method::Call {
            tool: tool.clone(),
            arguments: arguments.clone(),
        },
        behind: Method::Ping,
        lead_in: LEAD_IN,
    });
    let busy = busy.map(|call| row("busy", Some(call)));
    std::iter::once(row("idle", None)).chain(busy).collect()
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
        let wrapper = target(&["w", "{server}"]);
        let plain = target(&["s"]);
        let options = Options::default();
        assert_eq!(count(&wrapper, &options), 70 + BEHAVIOURS.len());
        assert_eq!(count(&plain, &options), 7);
        let call = Some(Call::parse("t", "{}").unwrap());
        assert_eq!(
            count(
                &plain,
                &Options {
                    call,
                    ..options.clone()
                }
            ),
            14
        );
        let http = Some("http://127.0.0.1:{port}/mcp".parse().unwrap());
        assert_eq!(
            count(
                &wrapper,
                &Options {
                    http,
                    ..options.clone()
                }
            ),
            40 + BEHAVIOURS.len()
        );
        let scenarios = vec!["slow".to_owned(), "die".to_owned()];
        let endings = vec![Ending::Host, Ending::Eof];
        assert_eq!(
            count(
                &wrapper,
                &Options {
                    scenarios,
                    endings,
                    ..options
                }
            ),
            3
        );
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
