//! How memory that is about to be filled is best mapped.

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
