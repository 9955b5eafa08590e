//! SARIF 2.1.0, as code hosts and editors take it.

use serde_json::{Value, json};

use crate::analysis::{Analysis, Unanalysable};
use crate::finding::{Finding, Related, Severity};
use crate::rules::{Axis, RULES, Rule};
use crate::suppress::{Suppressed, Suppression};

/// The log of an analysis; `prefix` is the path from the repository to the analysed folder, with a slash at its end or empty.
pub fn log(analysis: &Analysis, prefix: &str) -> Value {
    let rules: Vec<Value> = RULES.iter().map(|rule| descriptor(rule)).collect();
    let open = analysis.findings.iter().map(|finding| {
        let mut result = result(finding, prefix);
        // Where one result tells of suppressions, all have to.
        if !analysis.suppressed.is_empty() {
            result["suppressions"] = json!([]);
        }
        result
    });
    let accepted = analysis
        .suppressed
        .iter()
        .map(|suppressed| accepted(suppressed, prefix));
    let results: Vec<Value> = open.chain(accepted).collect();
    let notifications: Vec<Value> = analysis
        .unanalysable
        .iter()
        .map(|file| notification(file, prefix))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dropgate audit",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": { "id": "dropgate-audit/" },
            "invocations": [{
                "executionSuccessful": analysis.unanalysable.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": { "score": analysis.score, "analysed": analysis.analysed },
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    let mut tags: Vec<String> = rule
        .cwe
        .iter()
        .map(|id| format!("external/cwe/cwe-{id:03}"))
        .collect();
    tags.extend(rule.axes.iter().map(|axis| tag(*axis).to_owned()));
    tags.sort();
    let mut markdown = format!(
        "{}\n\n{}\n\n**Fix:** {}\n",
        rule.summary, rule.why, rule.fix
    );
    if let Some(fixture) = rule.fixtures.first() {
        let language = fixture.language.short();
        for (heading, code) in [
            ("Has the fault", fixture.bad),
            ("Does it well", fixture.good),
        ] {
            let code = code.trim_end();
            markdown.push_str(&format!("\n{heading}:\n\n```{language}\n{code}\n```\n"));
        }
    }
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.why },
        "help": { "text": format!("{}\n\nFix: {}", rule.why, rule.fix), "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": tags,
            "precision": "high",
            "security-severity": weight(rule.severity),
        },
    })
}

fn result(finding: &Finding, prefix: &str) -> Value {
    let end = finding.end_line.max(finding.line);
    let mut place = json!({
        "physicalLocation": {
            "artifactLocation": artifact(prefix, &finding.file),
            "region": { "startLine": finding.line, "endLine": end },
        },
    });
    if !finding.symbol.is_empty() {
        place["logicalLocations"] =
            json!([{ "fullyQualifiedName": finding.symbol, "kind": "function" }]);
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}\n{}", finding.message, finding.fix) },
        "locations": [place],
        "partialFingerprints": {
            "dropgate/v1": finding.fingerprint,
            "primaryLocationLineHash": format!("{}:1", finding.fingerprint),
        },
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "surface": finding.surface,
            "blockedBy": finding.blocked_by,
            "probe": finding.probe,
        },
    });
    if let Some(index) = RULES.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    if !finding.related.is_empty() {
        let mut steps: Vec<Value> = finding
            .related
            .iter()
            .map(|step| flow_step(step, prefix))
            .collect();
        steps.push(flow_step(
            &Related {
                file: finding.file.clone(),
                line: finding.line,
                message: finding.message.clone(),
            },
            prefix,
        ));
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

fn accepted(suppressed: &Suppressed, prefix: &str) -> Value {
    let mut result = result(&suppressed.finding, prefix);
    result["suppressions"] = match &suppressed.suppression {
        Suppression::Inline { line, reason } => json!([{
            "kind": "inSource",
            "status": "accepted",
            "justification": reason,
            "location": { "physicalLocation": {
                "artifactLocation": artifact(prefix, &suppressed.finding.file),
                "region": { "startLine": line },
            }},
        }]),
        Suppression::Baseline => json!([{
            "kind": "external",
            "status": "accepted",
            "justification": "known to the baseline",
        }]),
        Suppression::Refuted { because } => json!([{
            "kind": "external",
            "status": "accepted",
            "justification": format!("refuted by a run: {because}"),
        }]),
    };
    result
}

fn flow_step(step: &Related, prefix: &str) -> Value {
    json!({ "location": {
        "physicalLocation": {
            "artifactLocation": artifact(prefix, &step.file),
            "region": { "startLine": step.line.max(1) },
        },
        "message": { "text": step.message },
    }})
}

fn notification(file: &Unanalysable, prefix: &str) -> Value {
    json!({
        "level": "error",
        "message": { "text": format!("not analysed: {}", file.why) },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact(prefix, &file.file) } }],
    })
}

fn artifact(prefix: &str, file: &str) -> Value {
    let path = uri(&format!("{prefix}{file}"));
    if path.starts_with('/') {
        json!({ "uri": format!("file://{path}") })
    } else {
        json!({ "uri": path, "uriBaseId": "%SRCROOT%" })
    }
}

/// A path as a URI reference: what has a meaning in one is written by its number.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// By which GitHub sorts: from 7 high, from 4 medium.
fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

fn tag(axis: Axis) -> &'static str {
    match axis {
        Axis::Security | Axis::Credentials => "security",
        Axis::Reliability => "reliability",
        Axis::Documentation => "documentation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/c%d:é.ts"), "a%20b/c%25d%3A%C3%A9.ts");
        assert_eq!(artifact("/srv/", "a.ts")["uri"], "file:///srv/a.ts");
        assert_eq!(artifact("pkg/", "a.ts")["uriBaseId"], "%SRCROOT%");
    }
}
