//! Any file in the place of a segment: `cargo +nightly fuzz run journal_recover`.

#![no_main]

#[path = "../../crates/journal/tests/journal/recover_body.rs"]
mod recover_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let folder = std::env::temp_dir().join(format!("dropgate-fuzz-{}", std::process::id()));
    recover_body::recover_any(&folder, data);
});
