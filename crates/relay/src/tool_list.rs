//! What a server says of its tools: learned by the policies, and held against what was pinned.

use std::io;
use std::time::Duration;

use dropgate_gate::pins::{Extent, PinStore, PinVerdict, Pins, Store, ToolPage};
use dropgate_journal as journal;
use dropgate_wire::{Line, edit};

use crate::log_line::shown;
use crate::relay::Relay;

/// How many tools of one list are told of by name, when they are not as they were pinned: a server
/// may list as many as it likes, and each time others.
const MAX_TOLD: usize = 32;

/// Keeps the pins of a server, which others read and change as well.
pub trait KeepsPins {
    /// Changes what is kept now, while nobody else does, and keeps that whole or not at all.
    ///
    /// # Errors
    /// It is as it was. `change` may have been called.
    fn update(&mut self, change: &mut dyn FnMut(&mut PinStore)) -> io::Result<()>;

    /// What is kept now, if that is not what was read or written last.
    ///
    /// # Errors
    /// It can't be read.
    fn news(&mut self) -> io::Result<Option<PinStore>>;
}

/// The pins of one server, and where they are kept.
pub struct PinnedTools {
    /// What was pinned and what is listed.
    pub pins: Pins,
    /// Where they are kept.
    pub keeper: Box<dyn KeepsPins>,
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
        self.listed.take(&page, cursor);
        self.look_for_probe(&page);
        self.judge_listed(self.now());
        for complaint in self.settings.policies.learn(&page) {
            self.log.line(&format!("policy: {complaint}"));
        }
        self.hold_against_pins(&page);
        self.own_tools_beside(&page);
    }

    /// Tells the mode what the listed tools do.
    pub(crate) fn judge_listed(&mut self, now: Duration) {
        let classes = self.listed.classes(&self.settings.tools);
        self.checks.tools(classes, now);
        self.heed_checks(now);
    }

    /// What the pins say of a call of `tool`. A denial is only given once what others accepted
    /// meanwhile is known: `dropgate trust` takes effect without a restart.
    pub(crate) fn judge_pin(&mut self, tool: &str) -> PinVerdict {
        let Some(PinnedTools { pins, keeper }) = &mut self.pinned else {
            return PinVerdict::Clear;
        };
        match pins.judge(tool) {
            PinVerdict::Clear => PinVerdict::Clear,
            PinVerdict::Deny(denial) => match keeper.news() {
                Ok(None) => PinVerdict::Deny(denial),
                Ok(Some(store)) => {
                    pins.replace_store(store);
                    pins.judge(tool)
                }
                Err(error) => {
                    self.log
                        .warn(&format!("can not read the pins of tools again: {error}"));
                    PinVerdict::Deny(denial)
                }
            },
        }
    }

    /// A probe of a tool that is not there fails for ever, so that is said at once.
    fn look_for_probe(&mut self, page: &ToolPage) {
        let Some(tool) = self.write_probe.tool() else {
            return;
        };
        if page.extent != Extent::More && !self.listed.holds(tool) {
            self.log.line(&format!(
                "read_only.probe_tool: the server lists no tool {tool:?}, so every probe of the \
                 write path will fail"
            ));
        }
    }

    fn hold_against_pins(&mut self, page: &ToolPage) {
        let Some(pinned) = &mut self.pinned else {
            return;
        };
        let PinnedTools { pins, keeper } = pinned;
        let seen = pins.observe(page);
        let mut sightings = seen.sightings;
        let kept = match seen.store {
            Store::Same => Ok(()),
            // What others accepted meanwhile counts, so the page is held against that.
            Store::Write => keeper.update(&mut |store| {
                pins.replace_store(store.clone());
                sightings.extend(pins.observe(page).sightings);
                store.clone_from(pins.store());
            }),
        };
        if let Err(error) = kept {
            self.log
                .warn(&format!("can not keep the pins of tools: {error}"));
        }
        let more = sightings.len().saturating_sub(MAX_TOLD);
        for sighting in sightings.into_iter().take(MAX_TOLD) {
            let text = format!("{} since it was pinned", sighting.standing.name());
            self.log
                .line(&format!("tool {}: {text}", shown(&sighting.name)));
            self.note_pin(sighting.name, &text);
        }
        if more > 0 {
            let text = format!("{more} more of one list are not as they were pinned");
            self.log.line(&format!("tools: {text}"));
            self.note_pin("tools/list".into(), &text);
        }
    }

    fn note_pin(&mut self, subject: Box<str>, text: &str) {
        self.recorder.note(journal::Note {
            topic: journal::Topic::ToolPin,
            call: None,
            subject,
            text: text.into(),
        });
    }
}
