//! Writing a file so that its readers see the old text or the new one, never half of either.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Puts a text in place of a file, with the file's permissions where there is one. Where a link
/// stands, the file that it leads to is the one.
///
/// # Errors
/// When it can't be written, or what is there is no regular file; then it is as it was.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let there = fs::symlink_metadata(path).is_ok();
    let path = &if there {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    if there && !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("what is there is no regular file"));
    }
    let Some(name) = path.file_name() else {
        return Err(io::Error::other("it is no name of a file"));
    };
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(draft);
    let written = write(&draft, path, text);
    if written.is_err() {
        // The draft may never have been there; what went wrong is told already.
        let _gone = fs::remove_file(&draft);
    }
    written
}

fn write(draft: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(draft)?;
    file.write_all(text.as_bytes())?;
    if let Ok(meta) = fs::metadata(path) {
        file.set_permissions(meta.permissions())?;
    }
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn permissions_stay_and_no_draft_is_left() {
        let folder = std::env::temp_dir().join(format!("dropgate-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.py");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
        replace(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
        assert!(replace(&folder.join("none/b"), "x").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_link_stays_and_what_is_no_file_is_refused() {
        let folder = std::env::temp_dir().join(format!("dropgate-links-{}", std::process::id()));
        fs::create_dir_all(folder.join("inner")).unwrap();
        let file = folder.join("inner/known.json");
        fs::write(&file, "old").unwrap();
        let link = folder.join("link");
        symlink(&file, &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let nowhere = folder.join("nowhere");
        symlink(folder.join("none"), &nowhere).unwrap();
        let socket = folder.join("socket");
        let _listening = UnixListener::bind(&socket).unwrap();
        for refused in [&nowhere, &socket, &folder.join("inner")] {
            replace(refused, "x").unwrap_err();
        }
        let kind = fs::symlink_metadata(&socket).unwrap().file_type();
        assert!(kind.is_socket());
        assert!(fs::symlink_metadata(&nowhere).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        fs::remove_dir_all(&folder).unwrap();
    }
}
