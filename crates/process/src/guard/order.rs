//! The wrapper's first packet: what to start, how to hold it, whom to watch.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

use super::launch::Server;
use crate::hardening::CoreLimit;
use crate::level::Level;
use crate::mark::Mark;

/// The most bytes of arguments and paths; the kernel's own limit for an exec is
/// of this size.
const MAX_ORDER: u64 = 8 << 20;

/// A decoded first packet.
pub(crate) struct Order {
    pub(crate) server: Server,
    pub(crate) levels: Vec<Level>,
    pub(crate) mark: Mark,
    /// Pidfds of the wrapper and, if it is to be watched, of the host.
    pub(crate) wrapper: OwnedFd,
    pub(crate) host: Option<OwnedFd>,
    pub(crate) ledger: Option<PathBuf>,
    /// Arguments of the program that follows the guard if the wrapper dies; none, no program.
    pub(crate) closer: Vec<OsString>,
    /// The standard input of that program.
    pub(crate) legacy: Option<OwnedFd>,
}

/// Descriptors that not every order has.
pub(crate) struct Extras<'a> {
    pub(crate) host: Option<BorrowedFd<'a>>,
    pub(crate) endowment: Option<BorrowedFd<'a>>,
    pub(crate) legacy: Option<BorrowedFd<'a>>,
}

const HOST: char = 'h';
const ENDOWMENT: char = 'e';
const LEGACY: char = 'l';

impl<'a> Extras<'a> {
    fn all(&self) -> impl Iterator<Item = (char, BorrowedFd<'a>)> {
        let all = [
            (HOST, self.host),
            (ENDOWMENT, self.endowment),
            (LEGACY, self.legacy),
        ];
        all.into_iter()
            .filter_map(|(letter, descriptor)| Some((letter, descriptor?)))
    }
}

/// The texts of an order, in a memory file since arguments may be long.
pub(crate) fn write_texts(
    ledger: Option<&Path>,
    closer: &[OsString],
    argv: &[OsString],
) -> std::io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("order", MemfdFlags::CLOEXEC)?);
    file.write_all(ledger.map_or(&[][..], |path| path.as_os_str().as_bytes()))?;
    for arg in closer.iter().chain(argv) {
        file.write_all(&[0])?;
        file.write_all(arg.as_bytes())?;
    }
    file.rewind()?;
    Ok(file.into())
}

/// The packet's text. `streams` are the server's stdin, stdout and stderr.
pub(crate) fn encode(
    levels: &[Level],
    mark: &Mark,
    closer: &[OsString],
    extras: &Extras<'_>,
) -> String {
    let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
    let letters: String = extras.all().map(|(letter, _)| letter).collect();
    format!(
        "start {} {} {} {} {} +{letters}",
        names.join(","),
        mark.cookie,
        mark.limit,
        closer.len(),
        CoreLimit::of_servers().encode(),
    )
}

/// The packet's descriptors, in the order that `decode` expects.
pub(crate) fn descriptors<'a>(
    streams: [&'a OwnedFd; 3],
    texts: &'a OwnedFd,
    wrapper: &'a OwnedFd,
    extras: &Extras<'a>,
) -> Vec<BorrowedFd<'a>> {
    streams
        .into_iter()
        .chain([texts, wrapper])
        .map(AsFd::as_fd)
        .chain(extras.all().map(|(_, descriptor)| descriptor))
        .collect()
}

impl Order {
    pub(crate) fn decode(text: &str, descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut words = text.strip_prefix("start ")?.split(' ');
        let levels = words.next()?;
        let mark = Mark {
            cookie: words.next()?.to_owned(),
            limit: words.next()?.parse().ok()?,
        };
        let closing_words: usize = words.next()?.parse().ok()?;
        let core = CoreLimit::decode(words.next()?)?;
        let letters = words.next()?.strip_prefix('+')?;
        let mut descriptors = descriptors.into_iter();
        let (stdin, stdout, stderr) = (
            descriptors.next()?,
            descriptors.next()?,
            descriptors.next()?,
        );
        let (texts, wrapper) = (descriptors.next()?, descriptors.next()?);
        let (mut host, mut endowment, mut legacy) = (None, None, None);
        for letter in letters.chars() {
            let place = match letter {
                HOST => &mut host,
                ENDOWMENT => &mut endowment,
                LEGACY => &mut legacy,
                _unknown => return None,
            };
            *place = Some(descriptors.next()?);
        }
        let Texts {
            ledger,
            closer,
            argv,
        } = Texts::read(texts, closing_words)?;
        Some(Self {
            server: Server {
                argv,
                stdin,
                stdout,
                stderr,
                endowment,
                core,
            },
            // An empty list is no error: then no level is good enough.
            levels: levels
                .split(',')
                .filter_map(|name| name.parse().ok())
                .collect(),
            mark,
            wrapper,
            host,
            closer,
            legacy,
            ledger,
        })
    }
}

/// What [`write_texts`] wrote.
struct Texts {
    ledger: Option<PathBuf>,
    closer: Vec<OsString>,
    argv: Vec<CString>,
}

impl Texts {
    fn read(file: OwnedFd, closing_words: usize) -> Option<Self> {
        let mut all = Vec::new();
        File::from(file)
            .take(MAX_ORDER)
            .read_to_end(&mut all)
            .ok()?;
        let mut parts = all.split(|byte| *byte == 0);
        let ledger = parts.next().filter(|path| !path.is_empty());
        let closer = parts
            .by_ref()
            .take(closing_words)
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect();
        let argv = parts.map(CString::new).collect::<Result<_, _>>().ok()?;
        Some(Self {
            ledger: ledger.map(|path| PathBuf::from(OsString::from_vec(path.to_vec()))),
            closer,
            argv,
        })
    }
}
