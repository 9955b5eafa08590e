//! Departures that more than one server makes.

use dropgate_probe::servers::protocol::{Manners, Turn};

/// The notification with which a client ends the handshake.
pub(crate) const INITIALIZED: &str = "notifications/initialized";

/// Exits by itself with `code` once it is initialized.
pub(crate) struct Deserter {
    pub(crate) code: u8,
}

impl Manners for Deserter {
    fn notified(&mut self, method: &str) -> Turn {
        if method == INITIALIZED {
            return Turn::Leave(self.code);
        }
        Turn::Usual
    }
}
