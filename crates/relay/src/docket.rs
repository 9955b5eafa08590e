//! What the relay keeps of each call that is not finished, beside the call itself.

use std::rc::Rc;

use dropgate_gate::call::Slot;
use dropgate_gate::mode::Class;
use dropgate_journal::CallRef;
use dropgate_wire::IdKey;

use crate::call_id::CallId;
use crate::cleaning::Keeping;
use crate::telemetry::Trace;
use crate::tool_rules::Known;

/// What a request asks for, where that matters to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `tools/call`.
    Tool,
    /// Content of a resource.
    Resource,
    /// A prompt.
    Prompt,
    /// `initialize`, `server/discover`.
    Handshake,
    /// `tools/list`.
    ToolList,
    /// `subscriptions/listen`, to be told when the list of tools changes.
    ToolChanges,
    /// Any other request.
    Other,
}

/// What is kept of one call.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: CallId,
    pub(crate) asked: Asked,
    /// Under which reference the journal knows it.
    pub(crate) reference: Option<CallRef>,
    /// The tool's name or the method, and what holds for it.
    pub(crate) known: Rc<Known>,
    pub(crate) class: Class,
    pub(crate) progress_token: Option<IdKey>,
    /// From where on a list was asked for.
    pub(crate) cursor: Option<Box<str>>,
    /// How much of its result the record keeps.
    pub(crate) keeping: Keeping,
    /// Whether its intent stands in the journal.
    pub(crate) intended: Intended,
    /// The earlier call whose outcome it is answered with.
    pub(crate) repeats: Option<CallRef>,
    /// Its trace, where that is told to a collector.
    pub(crate) trace: Option<Box<Trace>>,
}

impl Item {
    /// Whether it asks to be told of changes, which ends with the connection and not before.
    pub(crate) fn is_subscription(&self) -> bool {
        match self.asked {
            Asked::ToolChanges => true,
            Asked::Other => &*self.known.name == "subscriptions/listen",
            Asked::Tool | Asked::Resource | Asked::Prompt | Asked::Handshake | Asked::ToolList => {
                false
            }
        }
    }
}

/// Whether the journal holds the intent of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intended {
    No,
    /// Perhaps: the call was let through without waiting for that, which is counted.
    Waived,
    Yes,
}

/// All items, each in the slot that its call names.
#[derive(Debug, Default)]
pub(crate) struct Docket {
    items: Vec<Option<Item>>,
    free: Vec<usize>,
}

impl Docket {
    /// Keeps an item, and says where.
    pub(crate) fn enter(&mut self, item: Item) -> Slot {
        let place = self.free.pop().unwrap_or_else(|| {
            self.items.push(None);
            self.items.len() - 1
        });
        if let Some(empty) = self.items.get_mut(place) {
            *empty = Some(item);
        }
        Slot(place)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Item> {
        self.items.get(slot.0)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Item> {
        self.items.get_mut(slot.0)?.as_mut()
    }

    /// Gives the slot back, and nobody is told anything of the item.
    pub(crate) fn forget(&mut self, slot: Slot) {
        if let Some(place) = self.items.get_mut(slot.0).filter(|place| place.is_some()) {
            *place = None;
            self.free.push(slot.0);
        }
    }

    /// Gives the slot back.
    pub(crate) fn strike(&mut self, slot: Slot) -> Option<Item> {
        let item = self.items.get_mut(slot.0)?.take()?;
        self.free.push(slot.0);
        Some(item)
    }
}
