//! Ten scenarios by seven endings, at every level, as root and as an ordinary user.

use std::process::ExitCode;

use dropgate_testing_world::checks::{begin, say};
use dropgate_testing_world::rows::{Ending, SCENARIOS, Scenario};
use dropgate_testing_world::{Cell, Column, Grid, endings};

/// At full share only `auto` is played whole; of the other levels one cell in this many.
const SHARE: u64 = 3;
const QUICK: u64 = 12;

fn main() -> ExitCode {
    let (mut checks, place) = match begin() {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let columns = place.columns();
    let rows: Vec<Row> = SCENARIOS
        .iter()
        .flat_map(|scenario| Ending::ALL.map(|ending| (scenario, ending)))
        .collect();
    let name = |(scenario, ending): &Row| format!("{}/{}", scenario.name, ending.name());
    let items = checks.chosen(&columns, &rows, name, (SHARE, QUICK));
    let cells = checks.play(&items, |(column, (scenario, ending))| {
        endings::play(&place, *column, scenario, *ending)
    });
    for column in columns {
        let grid = grid(column, &items, &cells);
        if !grid.is_empty() {
            say(&grid.text());
        }
    }
    checks.conclude()
}

/// What ends how.
type Row = (&'static Scenario, Ending);

fn grid<'a>(column: Column, items: &[(Column, Row)], cells: &'a [Cell]) -> Grid<'a> {
    let find = |scenario: &Scenario, ending: Ending| {
        let place = items.iter().position(|(one, (row, at))| {
            *one == column && row.name == scenario.name && *at == ending
        })?;
        cells.get(place)
    };
    Grid {
        title: format!("seconds until nothing was left: {column}"),
        columns: Ending::ALL.map(Ending::name).to_vec(),
        rows: SCENARIOS
            .iter()
            .map(|row| (row.name, Ending::ALL.map(|at| find(row, at)).to_vec()))
            .collect(),
    }
}
