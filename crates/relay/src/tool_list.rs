//! What a server says of its tools: learned by the policies, and held against what was pinned.

use std::path::PathBuf;

use dropgate_gate::pins::{PinStore, Pins, Store, ToolPage};
use dropgate_journal as journal;
use dropgate_wire::{Line, edit};

use crate::relay::Relay;

/// Keeps a store of pins, whole or not at all.
pub type WritePins = Box<dyn Fn(&PinStore) -> std::io::Result<()>>;

/// The pins of one server, and where they are kept.
pub struct PinnedTools {
    /// What was pinned and what is listed.
    pub pins: Pins,
    /// Writes the store, so that it is whole or as it was.
    pub write: WritePins,
    /// Where it is, for messages.
    pub path: PathBuf,
}

impl Relay {
    /// The server answered `tools/list`.
    pub(crate) fn learn_tools(&mut self, line: &Line, cursor: Option<&str>) {
        let Line::Whole(span, _) = line else { return };
        let bytes = self.upstream.intake.lines.bytes(span.clone());
        let Some([Some(at)]) = edit::members(bytes, ["result"]) else {
            return;
        };
        let result = bytes.get(at).unwrap_or_default();
        let page = match ToolPage::read(result, cursor, dropgate_policy::sha256) {
            Ok(page) => page,
            Err(odd) => {
                self.log.line(&format!("the server's list of tools: {odd}"));
                return;
            }
        };
        for complaint in self.settings.policies.learn(&page) {
            self.log.line(&format!("policy: {complaint}"));
        }
        self.hold_against_pins(&page);
    }

    fn hold_against_pins(&mut self, page: &ToolPage) {
        let Some(pinned) = &mut self.pinned else {
            return;
        };
        let seen = pinned.pins.observe(page);
        let written = match seen.store {
            Store::Same => Ok(()),
            Store::Write => (pinned.write)(pinned.pins.store()),
        };
        if let Err(error) = written {
            let path = pinned.path.display();
            self.log.line(&format!(
                "can not keep the pins of tools in {path}: {error}"
            ));
        }
        for sighting in seen.sightings {
            let text = format!("{} since it was pinned", sighting.standing.name());
            self.log.line(&format!("tool {}: {text}", sighting.name));
            self.recorder.note(journal::Note {
                topic: journal::Topic::ToolPin,
                call: None,
                subject: sighting.name,
                text: text.into(),
            });
        }
    }
}
