//! How memory that is about to be filled is best mapped, and code that has run is given back.

use std::fs::File;
use std::io::Read as _;
use std::mem::MaybeUninit;

use crate::sys;

/// Asks for huge pages where nothing is written yet, so that texts of megabytes
/// cost fewer page faults and look-ups.
///
/// It is advice: where the kernel has none to spare, or is told to give none,
/// everything works as without. What the memory holds stays as it is. Worth it
/// for some megabytes that live on; a huge page may be filled with zeros whole
/// when its first byte is touched.
pub fn prefer_huge_pages(untouched: &mut [MaybeUninit<u8>]) {
    sys::memory::prefer_huge_pages(untouched);
}

/// The most of the list of mappings that is read, bytes. A process has some hundred lines of about
/// a hundred bytes.
const MAX_MAPS: u64 = 256 << 10;

/// Gives back the pages of code that were needed to start: what is needed from now on is mapped
/// again when it runs, from memory that all processes of this program share.
///
/// Worth it when the start is over, or a burst of work. It never fails: where the mappings can't be read, all
/// stays as it is.
pub fn give_back_code() {
    let mut maps = String::new();
    let read = File::open("/proc/self/maps")
        .and_then(|file| file.take(MAX_MAPS).read_to_string(&mut maps));
    if read.is_ok() {
        sys::memory::give_back_code(&maps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 8 << 20;

    /// The flags of the mapping that holds this address.
    fn mapping_flags(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("maps");
        let holds = |line: &str| {
            let (start, end) = line.split_once(' ')?.0.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some((number(start)?..number(end)?).contains(&address))
        };
        maps.lines()
            .skip_while(|line| holds(line) != Some(true))
            .find_map(|line| line.strip_prefix("VmFlags: "))
            .expect("a mapping")
            .to_owned()
    }

    /// KiB of code that are mapped.
    fn resident_code() -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("maps");
        let mut is_code = false;
        let mut kib = 0;
        for line in maps.lines() {
            if let Some(size) = line.strip_prefix("Rss:") {
                if is_code {
                    let number = size.trim().trim_end_matches(" kB");
                    kib += number.parse::<u64>().expect("a number");
                }
            } else if line
                .split_whitespace()
                .nth(1)
                .is_some_and(|word| word.len() == 4)
            {
                is_code = line.contains("r-xp") && line.contains(" /");
            }
        }
        kib
    }

    #[test]
    fn code_that_was_given_back_still_runs() {
        let before = resident_code();
        give_back_code();
        let after = resident_code();
        assert!(after < before, "{before} KiB before, {after} KiB after");
        assert_eq!("still here".replace("still", "again"), "again here");
    }

    #[test]
    fn the_advice_reaches_the_kernel_and_changes_nothing_else() {
        let mut memory: Vec<u8> = Vec::with_capacity(ROOM);
        memory.extend_from_slice(b"kept");
        prefer_huge_pages(memory.spare_capacity_mut());
        assert_eq!(memory, b"kept");
        memory.resize(ROOM, b'x');
        assert_eq!(&memory[..5], b"keptx");
        let middle = memory.as_ptr() as usize + ROOM / 2;
        let has_huge_pages = std::fs::exists("/sys/kernel/mm/transparent_hugepage").expect("looks");
        let advised = mapping_flags(middle)
            .split_whitespace()
            .any(|flag| flag == "hg");
        assert_eq!(advised, has_huge_pages);
    }

    #[test]
    fn memory_of_any_size_may_be_shown() {
        for size in [0, 1, 4095, 4097, 12_289] {
            let mut memory: Vec<u8> = Vec::with_capacity(size);
            prefer_huge_pages(memory.spare_capacity_mut());
            memory.resize(size, b'x');
            assert_eq!(memory.len(), size);
        }
    }
}
