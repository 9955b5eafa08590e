//! The text of docs/benchmarks.md, which is also what the terminal shows.

use std::fmt::Write as _;

use super::Results;
use super::calls::Load;
use super::figure::{Bar, Figure, Verdict};
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

/// The whole document.
pub(super) fn compose(machine: &Machine, wanted: &Wanted, results: &Results) -> String {
    let mut text = String::from("# Benchmarks\n\n");
    let _infallible = write!(
        text,
        "Made by `{}` on {} processors ({}), {} MiB of memory, Linux {}; load before: {}.\n\n{METHOD}",
        wanted.command,
        machine.processors,
        machine.model,
        machine.memory_mib,
        machine.kernel,
        machine.load_before
    );
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
    use super::super::figure::Spread;
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
}
