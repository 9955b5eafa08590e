//! Ten scenarios by seven endings, at every level, as root and as an ordinary user.

use std::process::ExitCode;

use dropgate_testing_world::checks::{begin, say};
use dropgate_testing_world::rows::{Ending, SCENARIOS, Scenario};
use dropgate_testing_world::{Cell, Chance, Column, Grid, endings};

/// At full share only `auto` is played whole; of the other levels one cell in this many.
const SHARE: u64 = 3;
const QUICK: u64 = 12;

fn main() -> ExitCode {
    let (mut checks, place) = match begin() {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let columns = place.columns();
    let mut items: Vec<(Column, &Scenario, Ending)> = Vec::new();
    for &column in &columns {
        for scenario in SCENARIOS {
            for ending in Ending::ALL {
                let name = format!("{column}/{}/{}", scenario.name, ending.name());
                let share = if column.level().is_none() { 1 } else { SHARE };
                if checks.plays(&name, share, QUICK) == Chance::Taken {
                    items.push((column, scenario, ending));
                }
            }
        }
    }
    let cells = checks.play(&items, |(column, scenario, ending)| {
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

fn grid<'a>(column: Column, items: &[(Column, &Scenario, Ending)], cells: &'a [Cell]) -> Grid<'a> {
    let find = |scenario: &Scenario, ending: Ending| {
        let place = items.iter().position(|(one, row, at)| {
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
