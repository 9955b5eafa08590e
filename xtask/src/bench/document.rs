//! The text of docs/benchmarks.md, which is also what the terminal shows.

use std::fmt::Write as _;

use super::Results;
use super::audit::Audit;
use super::calls::Load;
use super::figure::{Bar, Figure, Spread, Verdict};
use super::machine::Machine;
use super::wanted::Wanted;

const METHOD: &str = "\
The server is a minimal echo server, the host a load generator that keeps so many calls in flight and writes each call \
in a write of its own, as the hosts' SDKs do; the server answers all calls that one read brings in one write. \
*direct* is the two without anything between them, *splice* a relay that moves pages with splice(2) and looks at no \
byte (the limit of any stdio relay; its own pipes hold 1 MiB and the host's are left alone, and in *splice 256 KiB* all \
four hold 256 KiB), *typed rmcp* a proxy on the Rust SDK, *mcp-proxy* (PyPI) and *supergateway* (npm) \
wrappers that serve HTTP, called by a minimal HTTP client with one connection for each call in flight.

All routes of a table are open at once and take turns, round by round, so that whatever else the machine does meets all \
of them alike. A figure compares the routes within each round and is the median of the rounds; in brackets stand the \
values between which the middle half of the rounds lies. A bar is missed, and the command fails, when the median and \
three quarters of the rounds miss it; when only the median does, the figure is marked as within noise.

Bars on calls are judged with host, relay and server on one processor: what is measured then is work. Calls per second \
are those per second of processor time there, and the time of a large answer is processor time, since what other \
programs take of that processor is no relay's doing. On any processor, waking another one that sleeps takes longer than \
the relay's work on many machines, and whether it happens is chance; those rows are for comparison.
";

const AUDIT: &str = "## The analyser beside other tools";

const AUDIT_METHOD: &str = "\
All tools take turns on one tree of packages as their registries give them, with all rules that they have: semgrep those of \
mcp-audit-scanner for MCP servers, ast-grep, which brings none, five patterns; oxlint reads the first of the languages only, ruff \
the second, semgrep and ast-grep what they have rules for. Memory is that of the largest process. A tool that took more than 20 s had one turn. The tree: ";

const AUDIT_FAULTS: &str = "\
What tells the code that has a fault from the code that has it not, in TypeScript and Python: the rules that report a marked line of \
the bad code of dropgate's rule and nothing in its good code and near misses. That a rule is about the fault is not said by this; \
the README says which are.
";

/// The whole document.
pub(super) fn compose(machine: &Machine, wanted: &Wanted, results: &Results) -> String {
    let mut text = String::from("# Benchmarks\n\n");
    let _infallible = write!(text, "Made by {}.\n\n{METHOD}", made(machine, wanted));
    if !results.figures.is_empty() {
        text.push_str("\n## Figures and bars\n\n");
        text.push_str(&figures(&results.figures));
    }
    if !results.loads.is_empty() {
        text.push_str("\n## Every route under every load\n\nMedians of the turns. Relay CPU is the processor time of all processes between host and server, for each call; all CPU is that of host and server as well.\n");
    }
    for load in &results.loads {
        text.push_str(&table_of(load));
    }
    if let Some(audit) = &results.audit {
        let _infallible = write!(text, "\n{AUDIT}\n\n{}", beside(audit));
    }
    text
}

/// The document as it was, with the section on the analyser made anew.
pub(super) fn renewed(old: &str, machine: &Machine, wanted: &Wanted, results: &Results) -> String {
    let (before, rest) = old.split_once(AUDIT).unwrap_or((old, ""));
    let after = rest.find("\n## ").and_then(|at| rest.get(at..));
    let mut text = format!("{}\n\n{AUDIT}\n\n", before.trim_end());
    let _infallible = write!(text, "Made by {}.\n\n", made(machine, wanted));
    text.extend(results.audit.iter().map(beside));
    text.push_str(after.unwrap_or_default());
    text
}

fn made(machine: &Machine, wanted: &Wanted) -> String {
    format!(
        "`{}` on {} processors ({}), {} MiB of memory, Linux {}; load before: {}",
        wanted.command,
        machine.processors,
        machine.model,
        machine.memory_mib,
        machine.kernel,
        machine.load_before
    )
}

/// The analyser and other tools: time and memory, then what they find.
fn beside(audit: &Audit) -> String {
    let spread = |spread: &Spread| {
        format!(
            "{} [{} {}]",
            number(spread.median),
            number(spread.low),
            number(spread.high)
        )
    };
    let mut rows = vec![["tool", "time s", "processor s", "memory MiB"].map(str::to_owned)];
    rows.extend(audit.rows.iter().map(|row| {
        [
            row.tool.clone(),
            spread(&row.wall_s),
            spread(&row.cpu_s),
            spread(&row.mib),
        ]
    }));
    let mut text = format!(
        "{}\n{}{}.\n\n{}\n{AUDIT_FAULTS}\n",
        figures(&audit.figures),
        AUDIT_METHOD,
        audit.tree,
        table(&rows)
    );
    let tools = audit.rows.iter().map(|row| row.tool.as_str());
    let head: Vec<&str> = ["fault"].into_iter().chain(tools).collect();
    let _infallible = writeln!(text, "| {} |", head.join(" | "));
    let _infallible = writeln!(text, "|{}", "---|".repeat(head.len()));
    for fault in &audit.faults {
        let _infallible = write!(text, "| {} |", fault.rule);
        for rules in &fault.by {
            let rules: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
            let _infallible = write!(text, " {} |", rules.join(", "));
        }
        text.push('\n');
    }
    text
}

fn figures(figures: &[Figure]) -> String {
    let mut rows = vec![["what", "measured", "bar", "verdict"].map(str::to_owned)];
    rows.extend(figures.iter().map(|figure| {
        [
            figure.what.clone(),
            measured(figure),
            bar(figure),
            verdict(figure).to_owned(),
        ]
    }));
    table(&rows)
}

fn measured(figure: &Figure) -> String {
    let spread = figure.measured;
    let middle = format!("{} {}", number(spread.median), figure.unit);
    let middle = middle.trim_end();
    if spread.low == spread.high {
        return middle.to_owned();
    }
    format!("{middle} [{} {}]", number(spread.low), number(spread.high))
}

fn bar(figure: &Figure) -> String {
    match figure.bar {
        Bar::AtMost(most) => format!("<= {} {}", number(most), figure.unit)
            .trim_end()
            .to_owned(),
        Bar::AtLeast(least) => format!(">= {} {}", number(least), figure.unit)
            .trim_end()
            .to_owned(),
        Bar::None => String::new(),
    }
}

fn verdict(figure: &Figure) -> &'static str {
    match figure.verdict() {
        Verdict::Met => "pass",
        Verdict::WithinNoise => "pass, within noise",
        Verdict::Missed => "**fail**",
        Verdict::NoBar => "",
    }
}

fn table_of(load: &Load) -> String {
    let mut rows = vec![
        [
            "route",
            "p50 us",
            "p99 us",
            "calls/s",
            "relay CPU us",
            "all CPU us",
        ]
        .map(str::to_owned),
    ];
    rows.extend(load.rows.iter().map(|row| {
        [
            row.route.clone(),
            number(row.p50_us),
            number(row.p99_us),
            number(row.calls_per_second),
            number(row.relay_cpu_us),
            number(row.chain_cpu_us),
        ]
    }));
    format!("\n### {}\n\n{}", load.what, table(&rows))
}

/// Three significant digits, thousands separated.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", whole),
    };
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return format!("{sign}{grouped}");
    }
    format!("{sign}{grouped}.{fraction}")
}

/// A Markdown table whose columns line up; the first row is its head.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _infallible = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if place == 0 {
            for width in widths {
                let _infallible = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::audit::{Fault, Row};
    use super::*;

    #[test]
    fn numbers_are_short() {
        let rows = [
            (0.0, "0"),
            (0.527, "0.53"),
            (5.94, "5.94"),
            (59.44, "59.4"),
            (-12.0, "-12"),
            (99.96, "100"),
            (1234567.8, "1,234,568"),
        ];
        for (value, expected) in rows {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_figure_becomes_a_row_with_its_verdict() {
        let figure = Figure {
            what: "a".to_owned(),
            measured: Spread {
                median: 3.0,
                low: 2.0,
                high: 4.0,
            },
            unit: "us",
            bar: Bar::AtMost(1.0),
        };
        let text = figures(&[figure]);
        assert!(
            text.contains("| a    | 3 us [2 4] | <= 1 us | **fail** |"),
            "{text}"
        );
    }

    #[test]
    fn one_section_is_made_anew_and_the_others_stay() {
        let wanted = Wanted::parse(&["--only".to_owned(), "audit".to_owned()]).unwrap();
        let spread = Spread::exact(2.0);
        let results = Results {
            audit: Some(Audit {
                tree: "1 file".to_owned(),
                figures: Vec::new(),
                rows: vec![Row {
                    tool: "a 1.0".to_owned(),
                    wall_s: spread,
                    cpu_s: spread,
                    mib: spread,
                }],
                faults: vec![Fault {
                    rule: "LIFE-001",
                    by: vec![["R".to_owned()].into()],
                }],
            }),
            ..Results::default()
        };
        let old = format!("# Benchmarks\n\nrest\n\n{AUDIT}\n\nold\n\n## Last\n\nend\n");
        let once = renewed(&old, &Machine::look(), &wanted, &results);
        assert!(
            once.starts_with("# Benchmarks\n\nrest\n") && once.ends_with("\n\n## Last\n\nend\n")
        );
        assert!(
            !once.contains("old") && once.contains("| LIFE-001 | `R` |"),
            "{once}"
        );
        let first = renewed(
            "# Benchmarks\n\nrest\n",
            &Machine::look(),
            &wanted,
            &results,
        );
        assert!(first.contains("rest\n\n## The analyser"), "{first}");
    }
}
