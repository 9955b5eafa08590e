//! A host on rmcp's client.
//!
//! It speaks the same few lines with a test as the scripts beside
//! `testing/real/clients`: the plan is its first argument, `ready` and
//! `in flight` are what it says, `close` and `exit` are what it is told.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::{ConfigureCommandExt as _, TokioChildProcess};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

type Client = RunningService<RoleClient, ()>;

/// What to start and what to call.
#[derive(Deserialize)]
struct Plan {
    command: Vec<String>,
    cwd: String,
    env: BTreeMap<String, String>,
    /// Calls that are awaited, one after the other.
    calls: Vec<Call>,
    /// A call that is begun and left in flight.
    in_flight: Option<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    arguments: JsonObject,
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = std::env::args().nth(1).ok_or("the plan is missing")?;
    let plan: Plan = serde_json::from_str(&plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(play(plan))
}

async fn play(plan: Plan) -> Result<(), Box<dyn Error>> {
    let (program, arguments) = plan.command.split_first().ok_or("the command is empty")?;
    let command = Command::new(program).configure(|command| {
        command
            .args(arguments)
            .current_dir(&plan.cwd)
            .envs(&plan.env);
    });
    let mut client = ().serve(TokioChildProcess::new(command)?).await?;
    let tools = client.list_all_tools().await?.len();
    for call in plan.calls {
        client.call_tool(params(call)).await?;
    }
    say(&format!("ready {tools}"))?;
    if let Some(call) = plan.in_flight {
        let peer = client.peer().clone();
        tokio::spawn(async move { peer.call_tool(params(call)).await });
        say("in flight")?;
    }
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        match order.as_str() {
            "close" => close(&mut client).await?,
            "exit" => break,
            other => return Err(format!("unknown order {other:?}").into()),
        }
    }
    Ok(())
}

fn params(call: Call) -> CallToolRequestParams {
    CallToolRequestParams::new(call.name).with_arguments(call.arguments)
}

async fn close(client: &mut Client) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    client.close().await?;
    say(&format!("closed {}", began.elapsed().as_millis()))?;
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
