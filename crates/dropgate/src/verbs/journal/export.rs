//! `dropgate journal export`: records in forms that other programs read.

use std::process::ExitCode;

use dropgate_journal::Record;
use serde_json::{Value, json};

use super::Problem;
use super::show::{Chunks, each, member};
use crate::cli::{ExportArgs, ExportFormat};

pub(super) fn run(args: &ExportArgs) -> Result<ExitCode, Problem> {
    let mut out = Chunks::default();
    if args.format == ExportFormat::Csv {
        out.push(&COLUMNS.join(","));
    }
    each(&args.which, &args.filter, &mut |record, value, intent| {
        let ended = member(value, "kind") == "outcome";
        match args.format {
            ExportFormat::Jsonl => out.push(&record.line),
            ExportFormat::Csv if ended => out.push(&csv(value, intent)),
            ExportFormat::Ocsf if ended => out.push(&ocsf(record, value, intent).to_string()),
            ExportFormat::Csv | ExportFormat::Ocsf => {}
        }
    })?;
    out.flush();
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [&str; 12] = [
    "ts",
    "call",
    "server",
    "tool",
    "class",
    "principal",
    "outcome",
    "retry",
    "ms",
    "bytes",
    "trace_id",
    "clear",
];

/// A member of the outcome, or else of the intent.
fn either<'a>(value: &'a Value, intent: Option<&'a Value>, name: &str) -> &'a Value {
    value
        .get(name)
        .or_else(|| intent?.get(name))
        .unwrap_or(&Value::Null)
}

fn csv(value: &Value, intent: Option<&Value>) -> String {
    let cells = COLUMNS.map(|name| match either(value, intent, name) {
        Value::Null => String::new(),
        Value::String(text) => cell(text),
        other @ (Value::Bool(_) | Value::Number(_)) => other.to_string(),
        other @ (Value::Array(_) | Value::Object(_)) => cell(&other.to_string()),
    });
    cells.join(",")
}

/// A text as a cell that a spreadsheet takes for text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn ocsf(record: &Record, value: &Value, intent: Option<&Value>) -> Value {
    let outcome = member(value, "outcome");
    let (status_id, status) = if outcome == "completed" || outcome == "input_required" {
        (1, "Success")
    } else {
        (2, "Failure")
    };
    let of = |name: &str| either(value, intent, name).clone();
    json!({
        "category_uid": 6,
        "class_uid": 6003,
        "activity_id": 99,
        "activity_name": "tools/call",
        "type_uid": 600_399,
        "severity_id": 1,
        "time": record.at.0,
        "duration": of("ms"),
        "status_id": status_id,
        "status": status,
        "status_detail": outcome,
        "actor": { "user": { "name": of("principal") } },
        "api": {
            "operation": of("tool"),
            "request": { "uid": of("call") },
            "service": { "name": of("server") },
        },
        "metadata": {
            "version": "1.4.0",
            "uid": of("h"),
            "product": { "name": "dropgate", "vendor_name": "dropgate" },
        },
        "unmapped": {
            "class": of("class"),
            "retry": of("retry"),
            "bytes": of("bytes"),
            "trace_id": of("trace_id"),
            "clear": of("clear"),
            "chain": &*record.chain,
        },
    })
}
