//! The smallest MCP server over stdio: reads as much as there is, answers all of it in one write.

#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use dropgate_testing_bench::message::append_answer;
use memchr::memchr;

/// One read brings at most what a pipe of the largest unprivileged size holds.
const CHUNK: usize = 1 << 20;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dropgate-bench-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = std::fs::File::from(rustix::io::dup(rustix::stdio::stdout())?);
    let mut pending = Vec::new();
    let mut answers = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = chunk.get(..length).unwrap_or_default();
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if pending.is_empty() {
                append_answer(&mut answers, line);
            } else {
                pending.extend_from_slice(line);
                append_answer(&mut answers, &pending);
                pending.clear();
            }
        }
        pending.extend_from_slice(rest);
        output.write_all(&answers)?;
        answers.clear();
    }
}
