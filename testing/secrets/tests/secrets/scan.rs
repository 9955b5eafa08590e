//! Looking for pieces of secrets in a process's memory.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A piece this long is no accident.
const WINDOW: usize = 12;

/// Every piece of some secrets, in the forms in which they are written.
pub(crate) struct Needles {
    windows: HashSet<[u8; WINDOW]>,
    /// By the first two bytes.
    filter: Vec<bool>,
}

impl Needles {
    pub(crate) fn of(secrets: &[&str]) -> Self {
        let mut needles = Self {
            windows: HashSet::new(),
            filter: vec![false; 1 << 16],
        };
        for secret in secrets {
            needles.add(secret.as_bytes());
            for skipped in 0..3 {
                let part = &secret.as_bytes()[skipped..];
                needles.add(STANDARD.encode(part).trim_end_matches('=').as_bytes());
                needles.add(URL_SAFE.encode(part).trim_end_matches('=').as_bytes());
            }
            let coded: String = secret
                .bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect();
            needles.add(coded.as_bytes());
        }
        needles
    }

    fn add(&mut self, text: &[u8]) {
        for window in text.windows(WINDOW) {
            self.filter[usize::from(u16::from_le_bytes([window[0], window[1]]))] = true;
            self.windows
                .insert(window.try_into().expect("of that length"));
        }
    }

    /// How many pieces there are in it.
    pub(crate) fn found_in(&self, text: &[u8]) -> usize {
        text.windows(WINDOW)
            .filter(|window| {
                self.filter[usize::from(u16::from_le_bytes([window[0], window[1]]))]
                    && self.windows.contains(*window)
            })
            .count()
    }

    fn first_in(&self, text: &[u8]) -> Option<usize> {
        text.windows(WINDOW)
            .position(|window| self.windows.contains(window))
    }

    /// Everything that `/proc/PID/mem` gives, with where a piece was found.
    pub(crate) fn found_in_memory(&self, pid: i32) -> Vec<String> {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it is there");
        let memory = File::open(format!("/proc/{pid}/mem")).expect("root reads memory");
        let mut found = Vec::new();
        let mut read = 0;
        for line in maps.lines().filter(|line| line.contains(" r")) {
            let (start, rest) = line.split_once('-').expect("a range");
            let (end, _) = rest.split_once(' ').expect("a range");
            let number = |text| u64::from_str_radix(text, 16).expect("a number");
            let (start, end) = (number(start), number(end));
            let mut bytes = vec![0; usize::try_from(end - start).expect("fits")];
            // Hidden pages and those of the kernel can't be read.
            if memory.read_exact_at(&mut bytes, start).is_err() {
                continue;
            }
            read += bytes.len();
            let pieces = self.found_in(&bytes);
            if pieces > 0
                && let Some(at) = self.first_in(&bytes)
            {
                let around = &bytes[at.saturating_sub(48)..bytes.len().min(at + 64)];
                let around = String::from_utf8_lossy(around).into_owned();
                found.push(format!("{pieces} pieces in {line}: {around:?}"));
            }
        }
        assert!(read > 1 << 20, "only {read} bytes could be read");
        found
    }

    /// The same in a core that a debugger takes.
    pub(crate) fn found_in_core(&self, pid: i32, folder: &std::path::Path) -> usize {
        let path = folder.join("core");
        let taken = Command::new("gcore")
            .arg("-o")
            .arg(&path)
            .arg(pid.to_string())
            .output()
            .expect("gcore runs");
        let core = std::fs::read(path.with_extension(pid.to_string()));
        let core = core.unwrap_or_else(|_| panic!("no core: {taken:?}"));
        assert!(core.len() > 1 << 20);
        self.found_in(&core)
    }
}

#[test]
fn pieces_are_found_in_this_process_and_in_another_form() {
    let secret = "a-secret-that-is-held-here";
    let needles = Needles::of(&[secret]);
    assert!(needles.found_in(format!("xx{}", &secret[3..17]).as_bytes()) > 0);
    assert!(needles.found_in(STANDARD.encode(format!("y{secret}z")).as_bytes()) > 0);
    assert_eq!(
        needles.found_in(b"nothing of that kind stands here at all"),
        0
    );
    if rustix::process::geteuid().is_root() {
        let own = i32::try_from(std::process::id()).expect("small");
        assert!(!needles.found_in_memory(own).is_empty());
    }
}
