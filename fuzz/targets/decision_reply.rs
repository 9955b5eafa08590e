//! Any reply of a decision point permits by the one accepted shape alone:
//! `cargo +nightly fuzz run decision_reply`.

#![no_main]

#[path = "../../crates/gate/tests/reply/reply_body.rs"]
mod reply_body;

libfuzzer_sys::fuzz_target!(|body: &[u8]| reply_body::judge_any(body));
