//! Any stream, in any pieces, splits like a plain split: `cargo +nightly fuzz run wire_lines`.

#![no_main]

#[path = "../../crates/wire/tests/wire/lines_body.rs"]
mod lines_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| lines_body::frame_any(data));
