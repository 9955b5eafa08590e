//! What the user knows of a source and it does not say itself.

use crate::vocabulary::{self, Wire, words};

/// Everything that may be told; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Files that start the server, relative to the root; where others serve is no server of this source. None: all that serve.
    pub entries: Vec<String>,
    /// The transport that it is started with, where the source has several.
    pub wire: Option<Wire>,
    /// Words in names, beside those that are known.
    pub names: Names,
    /// Packages whose code is taken to do well what could not be read, `*` for any end.
    pub trust: Vec<String>,
}

/// Words in names: `grant` is in `grantRead`, `grant_read` and `GRANT`.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Of functions that decide on access.
    pub access: Vec<String>,
    /// Of what collects audit records.
    pub audit: Vec<String>,
    /// Of variables that hold a credential.
    pub credential: Vec<String>,
}

impl Hints {
    /// Whether a function by this name decides on access.
    pub fn is_authority(&self, name: &str) -> bool {
        words::is_authority(name) || has_any(name, &self.names.access)
    }

    /// Whether a variable by this name holds a credential.
    pub fn is_secret(&self, name: &str) -> bool {
        words::is_secret(name) || has_any(name, &self.names.credential)
    }

    /// Whether something by this name collects audit records.
    pub fn is_audit(&self, name: &str) -> bool {
        has_any(name, &self.names.audit)
    }

    /// Whether a package is trusted.
    pub(crate) fn trusts(&self, package: &str) -> bool {
        self.trust
            .iter()
            .any(|pattern| vocabulary::matches(pattern, package))
    }
}

/// Whether the words of any of these stand in a name, in their order.
fn has_any(name: &str, wanted: &[String]) -> bool {
    let name = words::words(name);
    wanted.iter().any(|wanted| {
        let wanted = words::words(wanted);
        !wanted.is_empty() && name.windows(wanted.len()).any(|part| part == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_order() {
        let wanted = ["gateKeeper".to_owned(), String::new()];
        assert!(has_any("ask_gate_keeper", &wanted));
        assert!(has_any("GateKeeper", &wanted));
        assert!(!has_any("keeperOfGate", &wanted));
        assert!(!has_any("gatekeepers", &wanted));
        assert!(!has_any("", &wanted));
    }

    #[test]
    fn a_star_trusts_all_of_a_scope() {
        let hints = Hints {
            trust: vec!["@ours/*".to_owned()],
            ..Hints::default()
        };
        assert!(hints.trusts("@ours/exit"));
        assert!(!hints.trusts("@theirs/exit"));
    }
}
