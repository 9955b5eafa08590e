//! Programs of the workspace that measure in themselves, and say by round what they saw.

use std::process::Command;
use std::time::Duration;

use super::figure::Spread;
use crate::failure::{Doing, Failure};
use crate::step::Step;
use crate::workspace;

/// A cold release build of what is measured, on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds with `--no-run` or `build`, then runs, and reads the list in brackets behind each of the labels.
pub(super) fn rounds<const N: usize>(
    build: &[&str],
    run: &[&str],
    labels: [&str; N],
) -> Result<[Spread; N], Failure> {
    let mut builds = workspace::cargo();
    builds.args(build);
    Step::new(
        format!("build for {}", labels.join("; ")),
        BUILD_LIMIT,
        builds,
    )
    .run()?;
    let mut runs: Command = workspace::cargo();
    runs.args(run);
    let output = runs
        .output()
        .doing(format_args!("running cargo {}", run.join(" ")))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if !output.status.success() {
        return Err(Failure::failed(format!(
            "cargo {}: {}\n{text}",
            run.join(" "),
            output.status
        )));
    }
    let mut spreads = [Spread::exact(0.0); N];
    for (label, spread) in labels.into_iter().zip(&mut spreads) {
        *spread = read(&text, label).ok_or_else(|| {
            Failure::failed(format!(
                "cargo {}: it does not tell `{label}`",
                run.join(" ")
            ))
        })?;
    }
    Ok(spreads)
}

fn read(text: &str, label: &str) -> Option<Spread> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let list = line.trim_start_matches(':').trim();
    let values: Vec<f64> = serde_json::from_str(list).ok()?;
    (!values.is_empty()).then(|| Spread::of(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_behind_the_label_is_read() {
        let text = "other: [9]\nby round: [1.0, 3.0, 2.5]\n";
        assert_eq!(read(text, "by round").unwrap().median, 2.5);
        for wrong in ["by round: []", "by round: 3", "round: [1.0]", ""] {
            assert!(read(wrong, "by round").is_none(), "{wrong}");
        }
    }
}
