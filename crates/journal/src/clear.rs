//! Arguments that may stand in the journal as they are.

use std::fmt;
use std::sync::Arc;

/// Which arguments are recorded in clear, up to 4 KiB a call.
#[derive(Clone, Default)]
pub struct Clear {
    paths: Vec<String>,
    look: Option<Look>,
}

type Look = Arc<dyn Fn(&str) -> Sight + Send + Sync>;

/// Whether a value may be recorded in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It may.
    Harmless,
    /// It is left out, as if its path had not been named.
    Secret,
}

impl Clear {
    /// The values at these paths (JSON pointers into the arguments).
    pub fn new(paths: impl Into<Vec<String>>) -> Self {
        Self {
            paths: paths.into(),
            look: None,
        }
    }

    /// But for those that `look` calls secret. It is given each as a member, `"PATH":VALUE`, by the
    /// thread that writes.
    #[must_use]
    pub fn unless(self, look: impl Fn(&str) -> Sight + Send + Sync + 'static) -> Self {
        Self {
            look: Some(Arc::new(look)),
            ..self
        }
    }

    /// Whether nothing is recorded in clear.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub(crate) fn names(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|one| one.as_bytes() == path)
    }

    pub(crate) fn sight(&self, member: &str) -> Sight {
        self.look
            .as_ref()
            .map_or(Sight::Harmless, |look| look(member))
    }
}

impl fmt::Debug for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clear").field(&self.paths).finish()
    }
}
