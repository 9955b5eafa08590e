//! The journal's folder: opened so that nobody else's files are followed, read or written.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, RawMode, openat};
use rustix::io::Errno;

/// A folder of ours.
pub(crate) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// Something in or about the folder is not as the journal left it.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A call to the system failed.
    #[error("{path}: {source}")]
    System {
        /// Where.
        path: PathBuf,
        /// How.
        source: io::Error,
    },
    /// Not ours, or not what it should be.
    #[error("{path}: {why}")]
    Refused {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: &'static str,
    },
}

/// How the files are opened: no links are followed, and a pipe in a file's place does not block.
const SAFELY: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 65_536;

impl Folder {
    /// Makes the folder, and those above it, where they are missing, and opens it.
    pub(crate) fn make(path: &Path) -> Result<Self, FolderError> {
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            check_above(above)?;
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| system(path, source))?;
        Self::open(path)
    }

    /// Makes the folder where only it is missing, and opens it.
    pub(crate) fn make_one(path: &Path) -> Result<Self, FolderError> {
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above {
            check_above(above)?;
        }
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {
                let above = above.map(File::open).and_then(Result::ok);
                // Where it may be entered and not read there is no other way to its name's safety.
                above.map_or(Ok(()), |above| above.sync_all())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let why = "the folder above it is not there; make it, or mount its disk";
                return Err(refused(path, why));
            }
            Err(error) => Err(error),
        }
        .map_err(|source| system(path, source))?;
        Self::open(path)
    }

    /// Which disk it is on.
    pub(crate) fn disk(&self) -> Result<u64, FolderError> {
        let stat = rustix::fs::fstat(&self.handle);
        Ok(stat
            .map_err(|errno| system(&self.path, errno.into()))?
            .st_dev)
    }

    /// Opens a folder that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let handle = rustix::fs::open(path, OFlags::DIRECTORY | SAFELY, Mode::empty())
            .map_err(|errno| refuse_links(path, errno))?;
        Self::checked(handle, path.to_owned())
    }

    /// A folder in this one.
    pub(crate) fn inner(&self, name: &str) -> Result<Self, FolderError> {
        let path = self.path.join(name);
        let handle = openat(
            &self.handle,
            name,
            OFlags::DIRECTORY | SAFELY,
            Mode::empty(),
        )
        .map_err(|errno| refuse_links(&path, errno))?;
        Self::checked(handle, path)
    }

    /// A folder in this one, made if it is missing.
    pub(crate) fn make_inner(&self, name: &str) -> Result<Self, FolderError> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => self.inner(name),
            Err(errno) => Err(system(&self.path.join(name), errno.into())),
        }
    }

    fn checked(handle: OwnedFd, path: PathBuf) -> Result<Self, FolderError> {
        let stat = rustix::fs::fstat(&handle).map_err(|errno| system(&path, errno.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused(
                &path,
                "the folder belongs to another user; choose one of your own",
            ));
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(refused(
                &path,
                "others can enter the folder; `chmod 700` it, after a look at what it holds",
            ));
        }
        Ok(Self { handle, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file that must be there, for reading.
    pub(crate) fn read(&self, name: &str) -> Result<File, FolderError> {
        self.file(name, OFlags::RDONLY)
    }

    /// A file for reading, if it is there: others may remove it at any time.
    pub(crate) fn read_if_there(&self, name: &str) -> Result<Option<File>, FolderError> {
        match self.read(name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A file that must be there, for reading and writing.
    pub(crate) fn write(&self, name: &str) -> Result<File, FolderError> {
        self.file(name, OFlags::RDWR)
    }

    /// A file for reading and writing, made if it is missing.
    pub(crate) fn write_or_create(&self, name: &str) -> Result<File, FolderError> {
        self.file(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// A file that must not be there yet.
    pub(crate) fn create(&self, name: &str) -> Result<File, FolderError> {
        self.file(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn file(&self, name: &str, flags: OFlags) -> Result<File, FolderError> {
        let path = self.path.join(name);
        let handle = openat(&self.handle, name, flags | SAFELY, FILE_MODE)
            .map_err(|errno| refuse_links(&path, errno))?;
        let stat = rustix::fs::fstat(&handle).map_err(|errno| system(&path, errno.into()))?;
        if kind(stat.st_mode) != FileType::RegularFile {
            return Err(refused(
                &path,
                "something that is no file stands in its place; move it away",
            ));
        }
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused(
                &path,
                "the file belongs to another user; move it away",
            ));
        }
        Ok(File::from(handle))
    }

    /// The whole of a small file, or nothing if it is missing.
    pub(crate) fn small(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, FolderError> {
        let file = match self.read(name) {
            Ok(file) => file,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|source| system(&self.path.join(name), source))?;
        if bytes.len() > most {
            return Err(refused(
                &self.path.join(name),
                "the file is larger than any that the journal writes; move it away",
            ));
        }
        Ok(Some(bytes))
    }

    /// The names in this folder, in order. What is not text is not ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, FolderError> {
        self.names_up_to(MOST_ENTRIES)
    }

    /// The same where there may be more of them, or fewer.
    pub(crate) fn names_up_to(&self, most: usize) -> Result<Vec<String>, FolderError> {
        let mut names = Vec::new();
        let entries =
            Dir::read_from(&self.handle).map_err(|errno| system(&self.path, errno.into()))?;
        for entry in entries {
            let entry = entry.map_err(|errno| system(&self.path, errno.into()))?;
            if names.len() >= most {
                return Err(refused(
                    &self.path,
                    "the folder holds more files than the journal makes; move strangers away",
                ));
            }
            let name = OsString::from(entry.file_name().to_string_lossy().into_owned());
            if let Ok(name) = name.into_string()
                && name != "."
                && name != ".."
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Removes a file; one that is gone already is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<(), FolderError> {
        match rustix::fs::unlinkat(&self.handle, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(system(&self.path.join(name), errno.into())),
        }
    }

    /// Gives a file another name, in place of what had that name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), FolderError> {
        rustix::fs::renameat(&self.handle, from, &self.handle, to)
            .map_err(|errno| system(&self.path.join(from), errno.into()))
    }

    /// Gives a file a second name, unless that name is taken.
    pub(crate) fn link(&self, from: &str, to: &str) -> Result<(), FolderError> {
        rustix::fs::linkat(
            &self.handle,
            from,
            &self.handle,
            to,
            rustix::fs::AtFlags::empty(),
        )
        .map_err(|errno| system(&self.path.join(to), errno.into()))
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync(&self) -> Result<(), FolderError> {
        rustix::fs::fsync(&self.handle).map_err(|errno| system(&self.path, errno.into()))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl FolderError {
    /// Whether the file is not there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the name is taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }

    /// As an error of the system, for those who retry.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::System { source, .. } => source,
            Self::Refused { path, why } => io::Error::other(format!("{}: {why}", path.display())),
        }
    }
}

pub(crate) fn system(path: &Path, source: io::Error) -> FolderError {
    FolderError::System {
        path: path.to_owned(),
        source,
    }
}

/// Whether there is no room on the disk, or no more of it for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

pub(crate) fn refused(path: &Path, why: &'static str) -> FolderError {
    FolderError::Refused {
        path: path.to_owned(),
        why,
    }
}

/// The folder that holds the journals: whoever can put another one in its place, or another
/// journal into it, decides what is recorded where.
fn check_above(path: &Path) -> Result<(), FolderError> {
    let about = match std::fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(system(path, source)),
    };
    let ours = about.uid() == rustix::process::geteuid().as_raw();
    let others_write = about.mode() & 0o022 != 0;
    // As in /tmp: others can add to it, and can't touch what is ours.
    let sticky = about.mode() & 0o1000 != 0;
    let why = if about.is_symlink() {
        "the folder of the journals, or of copies, is a symbolic link; set journal.dir, or journal.copy.dir, to where it leads"
    } else if !about.is_dir() {
        "something that is no folder stands in its place; move it away, or set journal.dir, or journal.copy.dir, to a folder"
    } else if !ours && about.uid() != 0 {
        "the folder of the journals, or of copies, belongs to another user; set journal.dir, or journal.copy.dir, to one of your own"
    } else if others_write && !sticky {
        "others can write to the folder of the journals, or of copies; `chmod 700` it, after a look at what it holds"
    } else {
        return Ok(());
    };
    Err(refused(path, why))
}

fn refuse_links(path: &Path, errno: Errno) -> FolderError {
    // Of a link in the place of a folder the system says either.
    let link = std::fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    if errno == Errno::LOOP || (errno == Errno::NOTDIR && link) {
        return refused(
            path,
            "a symbolic link stands in its place; move it away, or name the folder that it leads to",
        );
    }
    if errno == Errno::NOTDIR {
        return refused(
            path,
            "something that is no folder stands in its place; move it away",
        );
    }
    if errno == Errno::NXIO {
        return refused(
            path,
            "something that is no file stands in its place; move it away",
        );
    }
    system(path, errno.into())
}

fn kind(mode: RawMode) -> FileType {
    FileType::from_raw_mode(mode)
}
