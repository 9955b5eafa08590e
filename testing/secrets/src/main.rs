//! What stands around `dropgate run` in these tests. `host COMMAND…` starts the command with its own
//! streams and waits for it. `serve` is an MCP server that tells its credentials to whoever asks.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde_json::{Value, json};

/// The longest message that the server reads, bytes.
const LONGEST: u64 = 1 << 20;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["host", program, rest @ ..] => {
            let status = Command::new(program).args(rest).spawn()?.wait()?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(ExitCode::from(code.unwrap_or(u8::MAX)))
        }
        ["serve"] => serve(),
        _unknown => Err("use `host COMMAND…` or `serve`".into()),
    }
}

fn serve() -> Result<ExitCode, Box<dyn Error>> {
    let mut input = io::stdin().lock();
    loop {
        let mut line = String::new();
        if input.by_ref().take(LONGEST).read_line(&mut line)? == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        let message: Value = serde_json::from_str(&line)?;
        let Some(id) = message.get("id") else {
            continue;
        };
        let mut answer = answer(&message)?;
        answer["jsonrpc"] = json!("2.0");
        answer["id"] = id.clone();
        writeln!(io::stdout().lock(), "{answer}")?;
    }
}

fn answer(message: &Value) -> Result<Value, Box<dyn Error>> {
    let initialize = json!({"result": {
        "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
        "serverInfo": {"name": "telltale", "version": "1"},
    }});
    if message["method"] != "tools/call" {
        return Ok(initialize);
    }
    let arguments = &message["params"]["arguments"];
    let text = match arguments["variable"].as_str() {
        Some(name) => credential(name)?,
        None => String::new(),
    };
    let content = json!([{"type": "text", "text": format!("it is {text}.")}]);
    Ok(match message["params"]["name"].as_str() {
        Some("tell") => json!({"result": {"content": content}}),
        Some("fail") => json!({"result": {"content": content, "isError": true}}),
        Some("refuse") => json!({"error": {"code": -32602, "message": format!("bad {text}")}}),
        Some("log") => {
            writeln!(io::stderr(), "connecting with {text}")?;
            json!({"result": {"content": []}})
        }
        Some("keep") => {
            std::fs::write(arguments["path"].as_str().ok_or("no path")?, text)?;
            json!({"result": {"content": []}})
        }
        // A call that takes its time: the shutdown that comes meanwhile is what is tested.
        Some("work") => {
            std::thread::park_timeout(Duration::from_millis(400));
            json!({"result": {"content": []}})
        }
        Some(_) | None => json!({"error": {"code": -32602, "message": "no such tool"}}),
    })
}

/// A credential by each of the ways in which dropgate gives it.
fn credential(name: &str) -> Result<String, Box<dyn Error>> {
    if let Ok(value) = std::env::var(name) {
        return Ok(value);
    }
    if let Ok(number) = std::env::var(format!("{name}_FD")) {
        return Ok(std::fs::read_to_string(format!("/proc/self/fd/{number}"))?);
    }
    let folder = std::env::var("CREDENTIALS_DIRECTORY")?;
    Ok(std::fs::read_to_string(
        std::path::Path::new(&folder).join(name),
    )?)
}
