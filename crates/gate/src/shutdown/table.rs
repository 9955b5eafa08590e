//! The table as text, for the documentation and for the test that shows every change of it.

use super::{Effect, Event, Phase, step};

/// The whole table as Markdown: one row for each phase and each set of events that do the same
/// there. An event that changes nothing is in a row that leads back to its phase.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| in | on | go to | do |\n|---|---|---|---|\n");
    for phase in Phase::ALL {
        for row in rows(phase) {
            text.push_str(&row.text(phase));
        }
    }
    text
}

struct Row {
    events: Vec<Event>,
    next: Phase,
    effects: &'static [Effect],
}

fn rows(phase: Phase) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for event in Event::ALL {
        let (next, effects) = step(phase, event);
        let same = |row: &&mut Row| row.next == next && row.effects == effects;
        match rows.iter_mut().find(same) {
            Some(row) => row.events.push(event),
            None => rows.push(Row {
                events: vec![event],
                next,
                effects,
            }),
        }
    }
    rows.sort_by_key(|row| row.next);
    rows
}

impl Row {
    fn text(&self, phase: Phase) -> String {
        let events: Vec<_> = self.events.iter().map(|event| event.name()).collect();
        let effects: Vec<_> = self.effects.iter().map(|effect| effect.name()).collect();
        format!(
            "| {} | {} | {} | {} |\n",
            phase.name(),
            events.join(", "),
            if self.next == phase {
                "stay"
            } else {
                self.next.name()
            },
            if effects.is_empty() {
                "nothing".to_owned()
            } else {
                effects.join(", ")
            },
        )
    }
}
