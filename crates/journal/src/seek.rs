//! Finding calls by an argument of which the records hold a keyed hash only.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::canon::canonical;
use crate::folder::{Folder, FolderError};
use crate::keys::{Keys, LONGEST_PATH};
use crate::reading::Record;

/// Knows an argument's hashes.
pub struct Seeker {
    keys: Keys,
    path: String,
    /// The forms that the value may have had: as a text, and as a number or a word of JSON.
    forms: Vec<Vec<u8>>,
}

/// How long the making of a record may have begun before its time.
const MADE_BEFORE: Duration = Duration::from_secs(60);

impl Seeker {
    /// Looks for this value at this path (a JSON pointer) in the journal of a folder. Nothing if
    /// the journal has no key, as a copy has none.
    ///
    /// # Errors
    /// The folder or its key can't be read.
    pub fn new(dir: &Path, path: &str, value: &str) -> Result<Option<Self>, FolderError> {
        let Some(keys) = Keys::read(&Folder::open(dir)?)? else {
            return Ok(None);
        };
        let quoted = serde_json::Value::from(value).to_string();
        let is_scalar = !value.trim_start().starts_with(['"', '{', '[']);
        let texts = [Some(quoted.as_str()), is_scalar.then_some(value)];
        let forms = texts.into_iter().flatten().filter_map(|text| {
            let mut form = Vec::new();
            canonical(text.as_bytes(), &mut form, &mut |_, _| {}).ok()?;
            Some(form)
        });
        Ok(Some(Self {
            keys,
            path: path.to_owned(),
            forms: forms.collect(),
        }))
    }

    /// Whether a record is the intent of a call that had this argument.
    pub fn finds(&mut self, record: &Record) -> bool {
        let members: Members = serde_json::from_str(&record.line).unwrap_or_default();
        let end = self.path.floor_char_boundary(LONGEST_PATH);
        let hash = self
            .path
            .get(..end)
            .and_then(|path| members.fields.get(path));
        let Some(hash) = hash else { return false };
        // The hash is of the day on which the record was begun.
        [record.at, record.at.before(MADE_BEFORE)]
            .into_iter()
            .any(|at| {
                let day = self.keys.of_day(at);
                self.forms.iter().any(|form| {
                    let digest = day.field(self.path.as_bytes(), form);
                    let mut text = [0; 16];
                    crate::line::hash::hex(&digest, &mut text);
                    text == hash.as_bytes()
                })
            })
    }
}

#[derive(Default, Deserialize)]
struct Members {
    #[serde(default)]
    fields: HashMap<String, String>,
}
