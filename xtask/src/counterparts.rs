//! Installs the real counterparts that the tests run against: pinned, repeatable, each step bounded.
//!
//! testing/counterparts/README.md says what is installed, where, and how a test starts it.

mod debian;
mod environment;
mod linters;
mod npm;
mod python;
mod start;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{Doing, Failure};
use crate::workspace;

pub(crate) use linters::linters;

/// The longest that one registry may take to deliver its part.
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Installs what is missing or was made from other lists, and proves that each server starts.
///
/// # Errors
/// A counterpart can't be had: the text says which and what to do.
pub(crate) fn install() -> Result<(), Failure> {
    let place = Place::open()?;
    let _lock = place.lock()?;
    debian::install()?;
    let mut fresh = false;
    for part in PARTS {
        let made_from = (part.made_from)(&place)?;
        let stamp = place.dir.join(format!("{}.stamp", part.name));
        if std::fs::read_to_string(&stamp).is_ok_and(|old| old == made_from) {
            eprintln!("== counterparts from {}: already installed", part.name);
            continue;
        }
        remove(&stamp)?;
        (part.install)(&place)?;
        place.check_starts_again()?;
        write(&stamp, &made_from)?;
        fresh = true;
    }
    environment::write_file(&place)?;
    if fresh || !place.starts_proven() {
        start::check_all(&place)?;
        write(
            &place.proof(),
            "every server of servers.json answered initialize\n",
        )?;
    }
    Ok(())
}

/// Whether a complete installation from the present lists is there, with the Debian programs that it needs; `Err` says what is missing.
pub(crate) fn present() -> Result<(), Failure> {
    debian::present()?;
    let place = Place::open()?;
    for part in PARTS {
        let made_from = (part.made_from)(&place)?;
        let stamp = place.dir.join(format!("{}.stamp", part.name));
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(made_from.as_str()) {
            return Err(Failure::failed(format!(
                "{} does not hold the {} packages of testing/counterparts",
                place.dir.display(),
                part.name
            )));
        }
    }
    if place.starts_proven() {
        Ok(())
    } else {
        Err(Failure::failed(
            "the installed servers have not been started yet",
        ))
    }
}

/// One registry's share.
struct Part {
    name: &'static str,
    /// The text of everything that the result depends on; the stamp holds the text that the present installation was made from.
    made_from: fn(&Place) -> Result<String, Failure>,
    install: fn(&Place) -> Result<(), Failure>,
}

const PARTS: &[Part] = &[
    Part {
        name: "npm",
        made_from: npm::made_from,
        install: npm::install,
    },
    Part {
        name: "python",
        made_from: python::made_from,
        install: python::install,
    },
];

/// The two folders: the pinned lists, and what is made from them.
struct Place {
    lists: PathBuf,
    dir: PathBuf,
}

impl Place {
    fn open() -> Result<Place, Failure> {
        let place = Place {
            lists: workspace::root().join("testing/counterparts"),
            dir: workspace::counterparts(),
        };
        std::fs::create_dir_all(place.dir.join("bin"))
            .doing(format_args!("making {}", place.dir.display()))?;
        Ok(place)
    }

    /// Two installations at once would destroy each other.
    fn lock(&self) -> Result<File, Failure> {
        let path = self.dir.join("lock");
        let file = File::create(&path).doing(format_args!("making {}", path.display()))?;
        file.lock()
            .doing(format_args!("locking {}", path.display()))?;
        Ok(file)
    }

    /// Makes `bin/NAME` a link to a program inside the folder.
    fn link(&self, name: &str, target: &str) -> Result<(), Failure> {
        let link = self.dir.join("bin").join(name);
        remove(&link)?;
        std::os::unix::fs::symlink(Path::new("..").join(target), &link)
            .doing(format_args!("linking {}", link.display()))
    }

    fn proof(&self) -> PathBuf {
        self.dir.join("started.stamp")
    }

    fn starts_proven(&self) -> bool {
        self.proof().exists()
    }

    fn check_starts_again(&self) -> Result<(), Failure> {
        remove(&self.proof())
    }
}

/// Removes a file, link or folder; one that is not there is what was wanted.
fn remove(path: &Path) -> Result<(), Failure> {
    let result = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(format_args!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).doing(format_args!("writing {}", path.display()))
}
