//! What cells come to, and how a grid of them is printed.

use std::fmt::Write as _;
use std::time::Duration;

/// One cell, played.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its name: user, containment, row, column.
    pub name: String,
    /// What is wrong with it; empty if nothing is.
    pub problems: Vec<String>,
    /// From the ending until no process was left.
    pub took: Option<Duration>,
    /// How long that might take.
    pub within: Option<Duration>,
}

impl Cell {
    /// One that went wrong before it could be judged.
    #[must_use]
    pub fn failed(name: String, problem: String) -> Self {
        Self {
            name,
            problems: vec![problem],
            took: None,
            within: None,
        }
    }

    /// One that ended.
    #[must_use]
    pub fn judged(name: String, took: Duration, within: Duration, problems: Vec<String>) -> Self {
        Self {
            name,
            problems,
            took: Some(took),
            within: Some(within),
        }
    }

    /// Whether it is as the model says.
    #[must_use]
    pub fn state(&self) -> State {
        if !self.problems.is_empty() {
            return State::Wrong;
        }
        match (self.took, self.within) {
            (Some(took), Some(within)) if took > within => State::Late,
            (Some(_) | None, _) => State::Right,
        }
    }
}

/// The judgement of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As the model says.
    Right,
    /// Right but for the time, which a busy machine may have taken.
    Late,
    /// Not as the model says.
    Wrong,
}

/// Rows and columns of cells.
#[derive(Debug)]
pub struct Grid<'a> {
    /// What stands above it.
    pub title: String,
    /// Names of the columns.
    pub columns: Vec<&'a str>,
    /// Names of the rows, with their cells in the order of the columns; `None` was not played.
    pub rows: Vec<(&'a str, Vec<Option<&'a Cell>>)>,
}

impl Grid<'_> {
    /// Whether nothing of it was played.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|(_, cells)| cells);
        cells.all(Option::is_none)
    }

    /// The grid as text: seconds until nothing was left, `LATE`, `FAIL`, or a dot for what was not
    /// played.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{:>14}", self.title, "");
        for column in &self.columns {
            let _infallible = write!(text, "{column:>9}");
        }
        text.push('\n');
        for (row, cells) in &self.rows {
            let _infallible = write!(text, "{row:>14}");
            for cell in cells {
                let entry = match cell.map(|cell| (cell.state(), cell.took)) {
                    None => ".".to_owned(),
                    Some((State::Right, Some(took))) => format!("{:.2}", took.as_secs_f64()),
                    Some((State::Right, None)) => "ok".to_owned(),
                    Some((State::Late, _)) => "LATE".to_owned(),
                    Some((State::Wrong, _)) => "FAIL".to_owned(),
                };
                let _infallible = write!(text, "{entry:>9}");
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_shows_times_and_failures() {
        let second = Duration::from_secs(1);
        let right = Cell::judged("r".into(), second / 4, second, vec![]);
        let late = Cell::judged("l".into(), second * 2, second, vec![]);
        let wrong = Cell::failed("w".into(), "survivors".into());
        let grid = Grid {
            title: "root/guard".into(),
            columns: vec!["a", "b", "c", "d"],
            rows: vec![("row", vec![Some(&right), Some(&late), Some(&wrong), None])],
        };
        let text = grid.text();
        let row: Vec<_> = text.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(row, ["row", "0.25", "LATE", "FAIL", "."]);
    }
}
