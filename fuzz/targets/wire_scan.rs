//! Any line gets the verdict that independent readers give it: `cargo +nightly fuzz run wire_scan`.

#![no_main]

#[path = "../../crates/wire/tests/wire/scan_body.rs"]
mod scan_body;

libfuzzer_sys::fuzz_target!(|line: &[u8]| scan_body::scan_any(line));
