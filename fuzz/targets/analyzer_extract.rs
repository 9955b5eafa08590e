//! Any text is read as a source, or not, without harm: `cargo +nightly fuzz run analyzer_extract`.

#![no_main]

#[path = "../../crates/analyzer/tests/odd/extract_body.rs"]
mod extract_body;

use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use dropgate_analyzer::extract::STACK_BYTES;
use dropgate_analyzer::facts::Language;

/// A text, and who waits for its end.
type Job = (Language, String, Sender<()>);

/// The one thread that reads: parsers need more stack than the fuzzer's own thread has.
fn reader() -> &'static Sender<Job> {
    static READER: OnceLock<Sender<Job>> = OnceLock::new();
    READER.get_or_init(|| {
        let (send, receive) = channel::<Job>();
        let read = move || {
            for (language, text, done) in receive {
                extract_body::read(language, &text);
                done.send(()).expect("the fuzzer waits");
            }
        };
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn(read).expect("a thread starts");
        send
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let language = match first % 4 {
        0 => Language::TypeScript,
        1 => Language::Python,
        2 => Language::Rust,
        _ => Language::Go,
    };
    let text = String::from_utf8_lossy(rest).into_owned();
    let (done, end) = channel();
    let job = (language, text, done);
    reader().send(job).expect("the reader is there");
    end.recv().expect("no source makes the reader panic");
});
