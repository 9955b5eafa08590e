//! What an operator says to the breakers and the mode, by way of the configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use dropgate_gate::breaker::{Command, Scope};

use crate::relay::Relay;

/// What an operator wants, whatever the facts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Whether only reading is possible.
    pub read_only: Switch,
    /// To the breaker of the server.
    pub server: Order,
    /// To the breakers of tools, by name; [`Order::Auto`] to the others. At most
    /// [`dropgate_gate::breaker::MAX_TOOLS`], with names of [`dropgate_gate::breaker::MAX_NAME`]
    /// bytes at most: others would not be heeded.
    pub tools: BTreeMap<Box<str>, Order>,
}

/// Whether only reading is possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// The facts decide.
    #[default]
    Auto,
    /// It is.
    On,
}

/// What a breaker is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Work by itself.
    #[default]
    Auto,
    /// Reject every call.
    Open,
    /// Admit every call for so long, and work by itself after that.
    Closed(Duration),
    /// Admit every call.
    Off,
}

impl Order {
    fn command(self, now: Duration) -> Command {
        match self {
            Self::Auto => Command::Auto,
            Self::Open => Command::ForceOpen,
            Self::Closed(lasts) => Command::ForceClosed {
                until: now.saturating_add(lasts),
            },
            Self::Off => Command::Disable,
        }
    }
}

impl Relay {
    /// Does what the operator wants now and did not want before.
    pub(crate) fn obey(&mut self, orders: Orders, now: Duration) {
        let before = std::mem::replace(&mut self.settings.orders, orders);
        let orders = &self.settings.orders;
        if orders.read_only != before.read_only {
            match orders.read_only {
                Switch::Auto => self.checks.leave_to_the_facts(now),
                Switch::On => self.checks.only_read(now),
            }
        }
        if orders.server != before.server {
            let command = orders.server.command(now);
            self.checks.command(&Scope::Upstream, command, now);
        }
        // Those that are withdrawn make room for new ones.
        for name in before.tools.keys() {
            if !orders.tools.contains_key(name) {
                let scope = Scope::Tool(name.clone());
                self.checks.command(&scope, Command::Auto, now);
            }
        }
        for (name, order) in &orders.tools {
            if before.tools.get(name) != Some(order) {
                let scope = Scope::Tool(name.clone());
                self.checks.command(&scope, order.command(now), now);
            }
        }
        self.heed_checks(now);
    }
}
