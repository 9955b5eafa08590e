//! Servers that try to get away, by what befalls their owners, at every level, as root and as an
//! ordinary user.

use std::process::{Child, ExitCode, Stdio};

use dropgate_testing_world::checks::{begin, say};
use dropgate_testing_world::rows::{ATTACKS, Attack, Event, REGICIDE};
use dropgate_testing_world::{
    Cell, Checked, Column, Grid, Place, Says as _, User, as_user, attacks,
};

const SHARE: u64 = 3;
const QUICK: u64 = 12;

fn main() -> ExitCode {
    let (mut checks, place) = match begin() {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let mut decoys = match decoys(&place) {
        Ok(decoys) => decoys,
        Err(problem) => {
            say(&format!("can't begin: {problem}"));
            return ExitCode::FAILURE;
        }
    };
    let columns = place.columns();
    let name = |(attack, event): &Row| format!("{}/{}", attack.name, event.name());
    let items = checks.chosen(&columns, &rows(), name, (SHARE, QUICK));
    let cells = checks.play(&items, |(column, (attack, event))| {
        attacks::play(&place, *column, attack, *event)
    });
    for column in columns {
        let grid = grid(column, &items, &cells);
        if !grid.is_empty() {
            say(&grid.text());
        }
    }
    checks.check("decoys_of_the_same_user_and_name_live", || {
        all_live(&mut decoys)
    });
    drop(decoys);
    checks.conclude()
}

/// What is done by whom.
type Row = (&'static Attack, Event);

fn rows() -> Vec<Row> {
    let events = Event::ANYWHERE.into_iter().chain([Event::BothKilled]);
    let mut rows: Vec<_> = ATTACKS
        .iter()
        .flat_map(|attack| events.clone().map(move |event| (attack, event)))
        .collect();
    rows.push((&REGICIDE, Event::Regicide));
    rows
}

/// Processes of each user that look like a server and like dropgate, and that nobody may touch.
fn decoys(place: &Place) -> Checked<Vec<Decoy>> {
    let mut decoys = Vec::new();
    for user in User::all() {
        let dir = place.folder(user)?;
        for (program, args) in [
            (place.servers(), vec!["ignterm".to_owned()]),
            (
                place.dropgate(),
                [
                    "run",
                    "--",
                    &place.servers().display().to_string(),
                    "ignterm",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
        ] {
            let child = as_user(&program, user, &dir)
                .args(args)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .says("start a decoy")?;
            decoys.push(Decoy {
                child,
                name: format!("{user} {}", program.display()),
            });
        }
    }
    Ok(decoys)
}

struct Decoy {
    child: Child,
    name: String,
}

impl Drop for Decoy {
    fn drop(&mut self) {
        // dropgate ends with its stdin and takes its server along; the bare one must be killed.
        drop(self.child.stdin.take());
        if self.name.ends_with("servers") {
            let _ended_already = self.child.kill();
        }
        let _reaped_already = self.child.wait();
    }
}

fn all_live(decoys: &mut [Decoy]) -> Checked {
    for Decoy { child, name } in decoys {
        if let Some(status) = child.try_wait().says("wait")? {
            return Err(format!("the decoy {name} ended: {status}"));
        }
    }
    Ok(())
}

fn grid<'a>(column: Column, items: &[(Column, Row)], cells: &'a [Cell]) -> Grid<'a> {
    let events = Event::ANYWHERE.into_iter().chain(Event::BEYOND);
    let find = |attack: &Attack, event: Event| {
        let place = items.iter().position(|(one, (row, at))| {
            *one == column && row.name == attack.name && *at == event
        })?;
        cells.get(place)
    };
    Grid {
        title: format!("seconds until nothing was left: {column}"),
        columns: events.clone().map(Event::name).collect(),
        rows: ATTACKS
            .iter()
            .chain([&REGICIDE])
            .map(|row| (row.name, events.clone().map(|at| find(row, at)).collect()))
            .collect(),
    }
}
