//! The findings as text for people.

use std::fmt::Write as _;

use crate::ending::Ending;
use crate::findings::{CallState, Cell, Findings};

/// Survivors that are named; the rest is counted.
const MAX_NAMED: usize = 20;

/// Characters of a survivor's command line.
const MAX_LINE: usize = 100;

/// The findings as a table: a line per scenario, a column per ending, then the behaviour cases, who
/// survived, and the number of cells that leaked.
#[must_use]
pub fn table(findings: &Findings) -> String {
    let mut text = String::new();
    let how = if findings.guarded {
        "guarded"
    } else {
        "direct"
    };
    let bound = findings.bound.as_secs_f64();
    let _infallible = writeln!(text, "{} ({how}, {bound} s to leave)\n", findings.server);
    let (behaviours, struck): (Vec<&Cell>, Vec<&Cell>) = findings
        .cells
        .iter()
        .partition(|cell| cell.ending == Ending::None);
    if !struck.is_empty() {
        text.push_str(&aligned(&grid(&struck)));
        text.push_str(LEGEND);
    }
    if !behaviours.is_empty() {
        text.push_str(&aligned(&behaviour_rows(&behaviours)));
        text.push('\n');
    }
    text.push_str(&survivors(&struck));
    let summary = findings.summary;
    let _infallible = writeln!(text, "{} of {} cells leaked", summary.leaked, summary.cells);
    text
}

const LEGEND: &str = "
ok T      no process left T seconds after the ending
LEAK N    N processes alive when the time to leave was over
result, error, eof, nothing    what the caller of the call in flight got; * it had its answer before the ending

";

fn grid(cells: &[&Cell]) -> Vec<Vec<String>> {
    let endings: Vec<Ending> = Ending::ALL
        .into_iter()
        .filter(|ending| cells.iter().any(|cell| cell.ending == *ending))
        .collect();
    let mut head = vec!["scenario".to_owned()];
    head.extend(endings.iter().map(Ending::to_string));
    let mut rows = vec![head];
    for group in cells.chunk_by(|one, next| one.scenario == next.scenario) {
        let mut row: Vec<String> = group
            .iter()
            .take(1)
            .map(|cell| cell.scenario.clone())
            .collect();
        for ending in &endings {
            let cell = group.iter().find(|cell| cell.ending == *ending);
            row.push(cell.map_or_else(String::new, |cell| verdict(cell)));
        }
        rows.push(row);
    }
    rows
}

fn verdict(cell: &Cell) -> String {
    let left = match cell.zero_after_s {
        Some(seconds) => format!("ok {seconds:.2}s"),
        None if cell.leaked => format!("LEAK {}", cell.survivors.len()),
        None => "ok late".to_owned(),
    };
    match cell.call {
        CallState::Idle => left,
        CallState::InFlight => format!("{left} {}", cell.caller.name()),
        CallState::Answered => format!("{left} {}*", cell.caller.name()),
    }
}

fn behaviour_rows(cells: &[&Cell]) -> Vec<Vec<String>> {
    let head = [
        "behaviour",
        "caller",
        "exit",
        "stray stdout lines",
        "leaked error text",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(cells.iter().map(|cell| {
        vec![
            cell.scenario.clone(),
            cell.caller.name().to_owned(),
            cell.exit_code
                .map_or_else(|| "-".to_owned(), |code| code.to_string()),
            cell.impure_stdout_lines.to_string(),
            if cell.leaked_text.is_empty() {
                "-".to_owned()
            } else {
                cell.leaked_text.join(" | ")
            },
        ]
    }));
    rows
}

fn survivors(cells: &[&Cell]) -> String {
    let mut text = String::new();
    let all: Vec<String> = cells
        .iter()
        .flat_map(|cell| {
            cell.survivors.iter().map(move |one| {
                let line: String = one
                    .argv
                    .join(" ")
                    .chars()
                    .filter(|char| !char.is_control())
                    .take(MAX_LINE)
                    .collect();
                format!("  {} {}: {} {line}\n", cell.scenario, cell.ending, one.pid)
            })
        })
        .collect();
    if all.is_empty() {
        return text;
    }
    text.push_str("survivors (ended by now):\n");
    text.extend(all.iter().take(MAX_NAMED).map(String::as_str));
    if all.len() > MAX_NAMED {
        let _infallible = writeln!(
            text,
            "  and {} more; --format json names all",
            all.len() - MAX_NAMED
        );
    }
    text.push('\n');
    text
}

/// Rows as lines of columns, each as wide as its widest entry.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let entries = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            entries(column)
                .map(|entry| entry.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (entry, width) in row.iter().zip(&widths) {
            let _infallible = write!(line, "{entry:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::findings::{Caller, Guarded, Survivor};

    fn cell(scenario: &str, ending: Ending, survivors: usize, call: CallState) -> Cell {
        let survivor = |pid| Survivor {
            pid,
            argv: vec!["sleep".to_owned(), "9\u{7}".to_owned()],
        };
        let survivors: Vec<Survivor> = (1..).map(survivor).take(survivors).collect();
        Cell {
            scenario: scenario.to_owned(),
            ending,
            leaked: !survivors.is_empty(),
            zero_after_s: survivors.is_empty().then_some(0.0213),
            survivors,
            caller: Caller::Result,
            exit_code: Some(0),
            impure_stdout_lines: 4,
            leaked_text: vec!["/srv".to_owned(), "key".to_owned()],
            call,
        }
    }

    fn text(cells: Vec<Cell>) -> String {
        let bound = Duration::from_secs(15);
        table(&Findings::new("s x".to_owned(), Guarded::Yes, bound, cells))
    }

    #[test]
    fn columns_are_the_endings_that_were_used() {
        let text = text(vec![
            cell("plain", Ending::Term, 0, CallState::Idle),
            cell("plain", Ending::Host, 2, CallState::Idle),
            cell("slow", Ending::Term, 1, CallState::InFlight),
            cell("slow", Ending::Host, 0, CallState::Answered),
            cell("fail", Ending::None, 0, CallState::InFlight),
        ]);
        let start = "\
s x (guarded, 15 s to leave)

scenario  term           host
plain     ok 0.02s       LEAK 2
slow      LEAK 1 result  ok 0.02s result*

ok T ";
        let end = "
behaviour  caller  exit  stray stdout lines  leaked error text
fail       result  0     4                   /srv | key

survivors (ended by now):
  plain host: 1 sleep 9
  plain host: 2 sleep 9
  slow term: 1 sleep 9

2 of 4 cells leaked
";
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
    }

    #[test]
    fn survivors_are_named_up_to_the_limit() {
        for (survivors, more) in [(MAX_NAMED, None), (MAX_NAMED + 1, Some("and 1 more"))] {
            let text = text(vec![cell("s", Ending::Term, survivors, CallState::Idle)]);
            assert_eq!(text.matches("sleep 9").count(), MAX_NAMED);
            assert!(more.map_or(!text.contains("more"), |more| text.contains(more)));
        }
    }
}
