//! What git keeps of a checkout, ignored or not: `.gitignore` speaks only of what is not kept.

use std::path::{Component, Path, PathBuf};

use crate::bounded;

/// Largest index that is read, in bytes.
const MAX_INDEX_BYTES: u64 = 64 * 1024 * 1024;

/// Longest path that is taken from an index, in bytes: no system opens longer ones.
const MAX_NAME: usize = 4096;

/// Bytes of all paths that are taken from an index: version 4 can say in a few bytes that a path
/// begins like the one before.
const MAX_NAMES_BYTES: usize = 256 * 1024 * 1024;

/// Folders above a path in which its repository is looked for.
const MAX_ABOVE: usize = 40;

/// Bytes of an entry in front of its flags: times, numbers, mode and size; then comes the name of the object.
const FIXED: usize = 40;

/// Bytes of an object's name.
const OBJECT: usize = 20;

/// The paths below a folder that its repository keeps, relative to the folder; none where there is no repository around it.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    files(folder).unwrap_or_default()
}

fn files(folder: &Path) -> Option<Vec<PathBuf>> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let top = folder
        .ancestors()
        .take(MAX_ABOVE)
        .find(|folder| folder.join(".git").exists())?;
    let inside = folder.strip_prefix(top).ok()?;
    let index = bounded::read(&repository(top)?.join("index"), MAX_INDEX_BYTES).ok()??;
    let paths = names(&index).into_iter();
    Some(
        paths
            .filter_map(|name| Some(Path::new(&name).strip_prefix(inside).ok()?.to_path_buf()))
            .filter(|path| is_below(path))
            .collect(),
    )
}

/// Whether a path leads downward only. An index can be written by anybody who packs an archive.
fn is_below(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// The folder of the repository of a checkout; that of a worktree stands in a file.
fn repository(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = String::from_utf8(bounded::read(&git, 4096).ok()??).ok()?;
    Some(top.join(text.strip_prefix("gitdir:")?.trim()))
}

/// The paths in an index of version 2, 3 or 4; of anything else those before the place that is not understood.
fn names(index: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let (Some(b"DIRC"), Some(version), Some(count)) =
        (index.get(..4), number(index, 4), number(index, 8))
    else {
        return all;
    };
    if !(2..=4).contains(&version) {
        return all;
    }
    let mut at = 12;
    let mut name: Vec<u8> = Vec::new();
    let mut bytes = 0;
    for _ in 0..count {
        let flags_at = at + FIXED + OBJECT;
        let Some(flags) = index.get(flags_at..flags_at + 2) else {
            break;
        };
        let is_extended = version >= 3 && flags.first().is_some_and(|byte| byte & 0x40 != 0);
        let mut from = flags_at + if is_extended { 4 } else { 2 };
        if version == 4 {
            let Some((cut, next)) = offset(index, from) else {
                break;
            };
            name.truncate(name.len().saturating_sub(cut));
            from = next;
        } else {
            name.clear();
        }
        let Some(rest) = index.get(from..) else { break };
        let Some(length) = rest.iter().position(|byte| *byte == 0) else {
            break;
        };
        name.extend(rest.iter().take(length));
        bytes += name.len();
        if name.len() > MAX_NAME || bytes > MAX_NAMES_BYTES {
            break;
        }
        all.extend(String::from_utf8(name.clone()));
        let end = from + length;
        // Older versions fill entries up with one to eight zeros.
        at = if version == 4 {
            end + 1
        } else {
            at + (end - at) / 8 * 8 + 8
        };
    }
    all
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(four))
}

/// How much of the name before is cut off, as a number of seven bits a byte, and where it ends.
fn offset(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value
            .checked_add(1)?
            .checked_mul(128)?
            .checked_add(usize::from(byte & 0x7f))?;
    }
    Some((value, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: u32, cut: u8, name: &str) -> Vec<u8> {
        let mut bytes = vec![0; FIXED + OBJECT + 2];
        if version == 4 {
            bytes.push(cut);
        }
        bytes.extend(name.bytes());
        bytes.push(0);
        while version < 4 && !bytes.len().is_multiple_of(8) {
            bytes.push(0);
        }
        bytes
    }

    fn index(version: u32, entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        bytes.extend(entries.concat());
        bytes
    }

    #[test]
    fn names_of_both_forms_are_read() {
        let old = index(2, &[entry(2, 0, "a.go"), entry(2, 0, "cmd/server/main.go")]);
        assert_eq!(names(&old), ["a.go", "cmd/server/main.go"]);
        let new = index(4, &[entry(4, 0, "cmd/a.go"), entry(4, 4, "main.go")]);
        assert_eq!(names(&new), ["cmd/a.go", "cmd/main.go"]);
    }

    #[test]
    fn a_path_that_no_system_opens_ends_the_list() {
        let long = "x".repeat(MAX_NAME);
        let full = index(4, &[entry(4, 0, &long), entry(4, 0, "y")]);
        assert_eq!(names(&full), [long]);
    }

    #[test]
    fn only_what_leads_downward_is_below() {
        assert!(is_below(Path::new("cmd/main.go")));
        for path in ["/etc/x.py", "../x.py", "a/../../x.py", "./x.py"] {
            assert!(!is_below(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_cut_or_strange_index_gives_what_is_before() {
        let mut cut = index(2, &[entry(2, 0, "a.go"), entry(2, 0, "b.go")]);
        cut.truncate(cut.len() - 12);
        assert_eq!(names(&cut), ["a.go"]);
        assert!(names(b"DIRC").is_empty());
        assert!(names(&index(9, &[entry(2, 0, "a.go")])).is_empty());
    }
}
