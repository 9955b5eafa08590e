//! Which rules of each tool tell the bad code of a fault from its good code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::tools::{Report, Tool};
use crate::failure::{Doing, Failure};
use crate::workspace;

/// The faults of the README's table, by the rule of dropgate that is about them.
const FAULTS: &[&str] = &[
    "LIFE-001", "LIFE-002", "LIFE-004", "AUD-001", "RES-001", "CRED-001", "CRED-002", "AUTH-001",
    "AUTH-003", "ERR-001", "ERR-002", "CB-001", "TIME-001", "AGG-001", "DEG-001",
];

/// Languages that all of the tools but one read.
const LANGUAGES: &[&str] = &["ts", "py"];

/// What a marked line of bad code holds.
const MARK: &str = "FINDING";

/// A fault.
pub(in crate::bench) struct Fault {
    /// The rule of dropgate.
    pub(in crate::bench) rule: &'static str,
    /// Rules of each tool, in the order of the tools.
    pub(in crate::bench) by: Vec<BTreeSet<String>>,
}

/// Runs each tool over the fixtures of the faults, which are copied to where no tool takes them for tests.
pub(super) fn find(tools: &[Tool], scratch: &Path) -> Result<Vec<Fault>, Failure> {
    let place = scratch.join("fixtures");
    for language in LANGUAGES {
        for rule in FAULTS {
            for file in files(&from(language, rule)) {
                let to = place.join(language).join(rule);
                std::fs::create_dir_all(&to).doing(format_args!("making {}", to.display()))?;
                let name = file.file_name().unwrap_or_default();
                let text = unmarked(&workspace::read(&file)?);
                std::fs::write(to.join(name), text)
                    .doing(format_args!("copying {}", file.display()))?;
            }
        }
    }
    let mut reports: Vec<Vec<Report>> = Vec::new();
    for tool in tools {
        eprintln!("== {} on the fixtures", tool.name);
        let all = if tool.is_own {
            one_by_one(tool, &place)?
        } else {
            tool.reports(&place)?
        };
        reports.push(all);
    }
    let faults = FAULTS.iter().map(|rule| Fault {
        rule,
        by: reports
            .iter()
            .map(|reports| telling(reports, &place, &fixtures(), rule))
            .collect(),
    });
    Ok(faults.collect())
}

/// dropgate takes all files of a folder for one program, and each fixture is a program of its own.
fn one_by_one(tool: &Tool, place: &Path) -> Result<Vec<Report>, Failure> {
    let mut all = Vec::new();
    for language in LANGUAGES {
        for rule in FAULTS {
            for file in files(&place.join(language).join(rule)) {
                let found = tool.reports(&file)?.into_iter();
                let about = found.filter(|report| report.rule == *rule);
                all.extend(about.map(|report| Report {
                    file: file.display().to_string(),
                    ..report
                }));
            }
        }
    }
    Ok(all)
}

/// The rules that report a marked line of the bad code of a fault, and nothing in the good code and the near misses of that language.
fn telling(reports: &[Report], place: &Path, marked: &Path, fault: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for language in LANGUAGES {
        let folder = place.join(language).join(fault);
        let inside = |report: &&Report| Path::new(&report.file).parent() == Some(&folder);
        let mut right = BTreeSet::new();
        let mut wrong = BTreeSet::new();
        for report in reports.iter().filter(inside) {
            let path = Path::new(&report.file);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with("bad") {
                wrong.insert(report.rule.clone());
            } else if is_marked(&marked.join(language).join(fault).join(&*name), report.line) {
                right.insert(report.rule.clone());
            }
        }
        all.extend(right.difference(&wrong).cloned());
    }
    all
}

fn is_marked(path: &Path, line: u64) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = usize::try_from(line).unwrap_or_default().checked_sub(1);
    line.and_then(|line| text.lines().nth(line))
        .is_some_and(|line| line.contains(MARK))
}

/// The text without the comments that mark it: linters complain of comments too.
fn unmarked(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let Some((code, _)) = line.split_once(MARK) else {
            return line;
        };
        code.trim_end().trim_end_matches(['/', '#']).trim_end()
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn fixtures() -> PathBuf {
    workspace::root().join("crates/analyzer/tests/fixtures")
}

fn from(language: &str, rule: &str) -> PathBuf {
    fixtures().join(language).join(rule)
}

/// The files of a folder; none of one that is not there, as not every fault has code in every language.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_reports_good_code_too_tells_nothing() {
        let scratch = std::env::temp_dir().join(format!("dropgate-faults-{}", std::process::id()));
        let folder = scratch.join("ts/LIFE-001");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("bad.ts"), "one\ntwo // FINDING\n").unwrap();
        let report = |rule: &str, file: &str, line| Report {
            rule: rule.to_owned(),
            file: folder.join(file).display().to_string(),
            line,
        };
        let reports = [
            report("right", "bad.ts", 2),
            report("elsewhere", "bad.ts", 1),
            report("everywhere", "bad.ts", 2),
            report("everywhere", "good.ts", 1),
        ];
        let told = telling(&reports, &scratch, &scratch, "LIFE-001");
        std::fs::remove_dir_all(&scratch).unwrap();
        assert_eq!(told, BTreeSet::from(["right".to_owned()]));
    }

    #[test]
    fn marks_are_taken_off_and_lines_stay() {
        let text = "a(); // FINDING\n\nb()  # FINDING\nc();\n";
        assert_eq!(unmarked(text), "a();\n\nb()\nc();\n");
    }

    #[test]
    fn every_fault_has_fixtures() {
        for rule in FAULTS {
            let all = LANGUAGES
                .iter()
                .flat_map(|language| files(&from(language, rule)));
            assert!(all.count() > 0, "{rule}");
        }
    }
}
