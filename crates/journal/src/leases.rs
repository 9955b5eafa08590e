//! Leases that writers which are gone were granted and nobody has ended since.

use std::collections::BTreeMap;
use std::path::Path;

use memchr::memmem::Finder;

use crate::chain::{Chain, Liveness};
use crate::entry::Topic;
use crate::folder::{Folder, FolderError, system};
use crate::lines::{Lines, Next};
use crate::record::Fields;
use crate::segment::name;

/// A lease of which no record says that it was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseLeft {
    /// Its id: the subject of the notes about it.
    pub id: String,
    /// Who granted it: the text of the note that says so.
    pub granted_by: String,
}

/// The most leases that are found at a time; the next look finds the others.
const MOST: usize = 10_000;

/// Looks through all chains. Leases of writers that live are theirs, and are left out. Where there
/// is no journal there are none.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn leases_left(dir: &Path) -> Result<Vec<LeaseLeft>, FolderError> {
    let folder = match Folder::open(dir) {
        Ok(folder) => folder,
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let about_leases = Finder::new(b"\"topic\":\"lease_");
    let mut granted = BTreeMap::new();
    let mut revoked = Vec::new();
    for chain in Chain::all(&folder)? {
        let writer = chain.is_written()?;
        for number in chain.segments()? {
            let path = chain.folder.path().join(name(number));
            let Some(file) = chain.folder.read_if_there(&name(number))? else {
                continue;
            };
            let mut lines = Lines::new(file, 0);
            while let Next::Line(_, raw) = lines.next().map_err(|error| system(&path, error))? {
                if about_leases.find(raw).is_none() {
                    continue;
                }
                let fields = Fields::read(raw);
                let (Some(id), by) = (&fields.subject, &fields.text) else {
                    continue;
                };
                if fields.is_about(Topic::LeaseRevoked) {
                    revoked.push(id.to_string());
                } else if fields.is_about(Topic::LeaseGranted)
                    && writer == Liveness::Nobody
                    && granted.len() < MOST
                {
                    let by = by.as_deref().unwrap_or_default();
                    granted.insert(id.to_string(), by.to_owned());
                }
            }
        }
    }
    for id in revoked {
        granted.remove(&id);
    }
    let left = granted.into_iter();
    Ok(left
        .map(|(id, granted_by)| LeaseLeft { id, granted_by })
        .collect())
}
