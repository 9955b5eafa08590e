//! Whatever a server sends, no secret leaves and nothing panics: `cargo +nightly fuzz run gate_sanitize`.

#![no_main]

#[path = "../../crates/gate/tests/sanitize/any_bytes_body.rs"]
mod any_bytes_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| any_bytes_body::clean_any(data));
