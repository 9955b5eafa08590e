//! The tools: how each is started, and how its findings are read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Doing, Failure};
use crate::workspace;

/// A program that reports what it finds as JSON.
pub(super) struct Tool {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    /// Where its output is kept.
    output: PathBuf,
    /// Reads one finding after the other out of its output: rule, file, line.
    read: fn(&str) -> Vec<Report>,
    /// Reported for the rule that is asked about alone.
    pub(super) is_own: bool,
}

/// One finding.
#[derive(Debug, PartialEq)]
pub(super) struct Report {
    pub(super) rule: String,
    pub(super) file: String,
    pub(super) line: u64,
}

/// One run.
#[derive(serde::Deserialize)]
pub(super) struct Turn {
    #[serde(rename = "wall")]
    pub(super) wall_s: f64,
    #[serde(rename = "cpu")]
    pub(super) cpu_s: f64,
    /// Of the largest process.
    pub(super) mib: f64,
}

/// dropgate first, then the others with every rule that they have.
pub(super) fn all(linters: &Path, scratch: &Path) -> Vec<Tool> {
    let words = |line: &str| line.split_whitespace().map(OsString::from).collect();
    let with = |line: &str, flag: &str, path: PathBuf| {
        let mut all: Vec<OsString> = words(line);
        all.extend([flag.into(), path.into_os_string()]);
        all
    };
    let tool = |name, arguments, read| Tool {
        name,
        program: linters.join("bin").join(name),
        arguments,
        output: scratch.join(format!("{name}.json")),
        read,
        is_own: false,
    };
    let rules = linters.join("rules/mcp_audit/semgrep-rules");
    let patterns = workspace::root().join("testing/counterparts/ast-grep.yml");
    vec![
        Tool {
            program: workspace::target_dir().join("release/dropgate"),
            is_own: true,
            ..tool(
                "dropgate",
                words("audit --format json --allow-empty"),
                |text| {
                    let all = parsed(text);
                    let reports = items(&all["findings"]);
                    reports
                        .map(|it| report(&it["rule"], &it["file"], &it["line"]))
                        .collect()
                },
            )
        },
        tool(
            "oxlint",
            words("-W all -W nursery --promise-plugin --node-plugin --import-plugin -f json"),
            |text| {
                let all = parsed(text);
                let reports = items(&all["diagnostics"]);
                let line = |it: &Value| it["labels"][0]["span"]["line"].clone();
                reports
                    .map(|it| report(&it["code"], &it["filename"], &line(it)))
                    .collect()
            },
        ),
        tool(
            "ruff",
            words("check --isolated --preview --no-cache --select ALL --output-format json"),
            |text| {
                let all = parsed(text);
                let line = |it: &Value| it["location"]["row"].clone();
                items(&all)
                    .map(|it| report(&it["code"], &it["filename"], &line(it)))
                    .collect()
            },
        ),
        tool(
            "semgrep",
            with(
                "scan --metrics off --disable-version-check --no-git-ignore --quiet --json",
                "--config",
                rules,
            ),
            |text| {
                let all = parsed(text);
                let reports = items(&all["results"]);
                let found =
                    reports.map(|it| report(&it["check_id"], &it["path"], &it["start"]["line"]));
                // The name of a rule begins with the folder that it lies in.
                let short = |it: Report| Report {
                    rule: it.rule.rsplit('.').next().unwrap_or_default().to_owned(),
                    ..it
                };
                found.map(short).collect()
            },
        ),
        tool(
            "ast-grep",
            with("scan --json=stream", "--rule", patterns),
            |text| {
                let reports = text.lines().map(parsed);
                let found = reports
                    .map(|it| report(&it["ruleId"], &it["file"], &it["range"]["start"]["line"]));
                // It counts lines from 0.
                found
                    .map(|it| Report {
                        line: it.line + 1,
                        ..it
                    })
                    .collect()
            },
        ),
    ]
}

impl Tool {
    /// Name and version.
    pub(super) fn title(&self) -> Result<String, Failure> {
        let output = Command::new(&self.program)
            .arg("--version")
            .output()
            .doing(format_args!("starting {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().last().unwrap_or_default();
        Ok(format!("{} {version}", self.name))
    }

    /// Runs it over a folder or file once.
    pub(super) fn turn(&self, path: &Path) -> Result<Turn, Failure> {
        let measure = workspace::root().join("testing/counterparts/measure.py");
        let output = Command::new("python3")
            .arg(measure)
            .arg(&self.output)
            .arg(&self.program)
            .args(&self.arguments)
            .arg(path)
            .output()
            .doing("starting python3")?;
        serde_json::from_slice(&output.stdout).doing(format_args!("measuring {}", self.name))
    }

    /// What it finds in a folder or file.
    pub(super) fn reports(&self, path: &Path) -> Result<Vec<Report>, Failure> {
        self.turn(path)?;
        Ok((self.read)(&workspace::read(&self.output)?))
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn report(rule: &Value, file: &Value, line: &Value) -> Report {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Report {
        rule: text(rule),
        file: text(file),
        line: line.as_u64().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_each_tool_is_read() {
        let rows = [
            (
                "dropgate",
                r#"{"findings":[{"rule":"R","file":"f","line":3}]}"#,
            ),
            (
                "oxlint",
                r#"{"diagnostics":[{"code":"R","filename":"f","labels":[{"span":{"line":3}}]}]}"#,
            ),
            (
                "ruff",
                r#"[{"code":"R","filename":"f","location":{"row":3}}]"#,
            ),
            (
                "semgrep",
                r#"{"results":[{"check_id":"a.b.R","path":"f","start":{"line":3}}]}"#,
            ),
            (
                "ast-grep",
                "{\"ruleId\":\"R\",\"file\":\"f\",\"range\":{\"start\":{\"line\":2}}}\n",
            ),
        ];
        let tools = all(Path::new("/linters"), Path::new("/scratch"));
        for (tool, (name, text)) in tools.iter().zip(rows) {
            let expected = Report {
                rule: "R".to_owned(),
                file: "f".to_owned(),
                line: 3,
            };
            assert_eq!((tool.name, (tool.read)(text)), (name, vec![expected]));
            assert_eq!(
                (tool.read)("no JSON")
                    .iter()
                    .filter(|it| !it.file.is_empty())
                    .count(),
                0
            );
        }
    }
}
