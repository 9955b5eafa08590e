//! `--diff-base`: findings on lines that changed since a commit.
//!
//! Of git only what reads objects is asked, so that no filter, hook, monitor or remote of the
//! repository is ever started; the lines are compared here.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::MAX_TOTAL_BYTES;
use dropgate_process::{Done, Errand};

use super::renames::{MAX_GONE, ending, renamed};
use crate::lines::{Edit, edits};

/// How long git may take for one question.
const WITHIN: Duration = Duration::from_secs(60);

/// The most that git may write for one answer, bytes: all that an analysis reads, and some for names.
const MOST: usize = MAX_TOTAL_BYTES as usize + (16 << 20);

/// The longest answer that is one line, bytes.
const LINE: usize = 64 << 10;

/// Leaves out findings on lines that are as they were where `base` and the work of now parted; what is to be said of that.
///
/// # Errors
/// When `path` is in no repository, or `base` is no commit of it.
pub(super) fn keep(
    analysis: &mut Analysis,
    path: &Path,
    base: &str,
) -> Result<Option<String>, String> {
    let folder = if path.is_file() {
        path.parent().filter(|it| !it.as_os_str().is_empty())
    } else {
        Some(path)
    };
    let git = Git {
        folder: folder.unwrap_or(Path::new(".")),
    };
    let tip = git.line(
        &["rev-parse", "--verify", "--end-of-options", &commit(base)],
        base,
    )?;
    let parted = git.line(&["merge-base", &tip, "HEAD"], base)?;
    let prefix = git.line(&["rev-parse", "--show-prefix"], base)?;
    let files: BTreeSet<&str> = analysis.findings.iter().map(|it| &*it.file).collect();
    let mut before = git.texts(&parted, &prefix, &files, base)?;
    let new: Vec<(&str, &str)> = analysis
        .sources
        .iter()
        .map(|(path, text)| (&**path, text.as_str()))
        .filter(|(path, _)| files.contains(path) && !before.contains_key(*path))
        .collect();
    if !new.is_empty() {
        let gone = git.gone(&parted, &prefix, &new, base)?;
        let old = renamed(&new, &gone).into_iter();
        before.extend(old.map(|(path, text)| (path.to_owned(), text)));
    }
    let mut changed: HashMap<String, Changed> = HashMap::new();
    for (path, text) in &analysis.sources {
        if files.contains(&**path) {
            let changed_lines = before
                .get(&**path)
                .map_or(Changed::Whole, |old| Changed::of(old, text));
            changed.insert(path.to_string(), changed_lines);
        }
    }
    let count = analysis.findings.len();
    analysis.findings.retain(|finding| {
        changed
            .get(&*finding.file)
            .is_none_or(|lines| lines.touch(finding.line, finding.end_line))
    });
    let left_out = count - analysis.findings.len();
    Ok((left_out > 0).then(|| {
        format!("{left_out} findings are on lines that did not change since {base}, and left out")
    }))
}

fn commit(base: &str) -> String {
    format!("{base}^{{commit}}")
}

/// Lines of a file that are not as they were, from 1.
enum Changed {
    /// All: the file is new, and no other under a new name.
    Whole,
    Lines(HashSet<u32>),
}

impl Changed {
    fn of(old: &str, new: &str) -> Self {
        let old: Vec<&str> = old.lines().collect();
        let new: Vec<&str> = new.lines().collect();
        let came = edits(&old, &new).into_iter().filter_map(|edit| match edit {
            Edit::Gone(_) => None,
            Edit::Came(line) => u32::try_from(line + 1).ok(),
        });
        Self::Lines(came.collect())
    }

    fn touch(&self, first: u32, last: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Lines(lines) => (first..=last.max(first)).any(|line| lines.contains(&line)),
        }
    }
}

/// The repository around a folder.
struct Git<'a> {
    folder: &'a Path,
}

impl Git<'_> {
    /// The one line of an answer.
    fn line(&self, args: &[&str], base: &str) -> Result<String, String> {
        let done = self.ask(args, Vec::new(), LINE)?;
        if !done.status.success() {
            let why = match done.complaint.lines().next() {
                // Its words for a name that it does not know.
                Some("fatal: Needed a single revision") => {
                    "no commit here has this name".to_owned()
                }
                Some(line) => line.to_owned(),
                None => "it has no commit in common with HEAD".to_owned(),
            };
            return Err(format!(
                "--diff-base {base}: {why}; name a commit, branch or tag of the repository, and fetch its history"
            ));
        }
        let text = String::from_utf8_lossy(&done.output);
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// What files had in a commit, by their path in the analysis; those that it does not have are left out.
    fn texts(
        &self,
        commit: &str,
        prefix: &str,
        files: &BTreeSet<&str>,
        base: &str,
    ) -> Result<HashMap<String, String>, String> {
        // A line is a question; a name with a line end counts as new.
        let files: Vec<&str> = files
            .iter()
            .filter(|file| !file.contains('\n'))
            .copied()
            .collect();
        let mut questions = String::new();
        for file in &files {
            questions.push_str(&format!("{commit}:{prefix}{file}\n"));
        }
        let done = self.ask(&["cat-file", "--batch"], questions.into_bytes(), MOST)?;
        let mut rest = done.output.as_slice();
        let mut texts = HashMap::new();
        for file in files {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                return Err(format!(
                    "--diff-base {base}: git said nothing of {file}: {}",
                    done.complaint
                ));
            };
            let header = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = rest.get(end + 1..).unwrap_or_default();
            let Some((kind, size)) = object(&header) else {
                continue;
            };
            let content = rest.get(..size).unwrap_or_default();
            rest = rest.get(size + 1..).unwrap_or_default();
            if kind == "blob" {
                let text = String::from_utf8_lossy(content).into_owned();
                texts.insert(file.to_owned(), text);
            }
        }
        Ok(texts)
    }

    /// The texts of files that a commit has and the folder has no more, of those that one of the new
    /// files could have been.
    fn gone(
        &self,
        commit: &str,
        prefix: &str,
        new: &[(&str, &str)],
        base: &str,
    ) -> Result<HashMap<String, String>, String> {
        let done = self.ask(
            &["ls-tree", "-r", "-z", "--name-only", commit],
            Vec::new(),
            MOST,
        )?;
        let endings: HashSet<&str> = new.iter().map(|(path, _)| ending(path)).collect();
        let listed = String::from_utf8_lossy(&done.output).into_owned();
        let gone: BTreeSet<&str> = listed
            .split_terminator('\0')
            .filter(|name| endings.contains(ending(name)))
            .filter(|name| self.folder.join(name).symlink_metadata().is_err())
            .take(MAX_GONE)
            .collect();
        self.texts(commit, prefix, &gone, base)
    }

    fn ask(&self, args: &[&str], input: Vec<u8>, most: usize) -> Result<Done, String> {
        Errand::new("git", WITHIN, most)
            .args(["-c", "core.fsmonitor=false", "-c", "protocol.allow=never"])
            .args(args)
            .folder(self.folder)
            .variable("GIT_NO_LAZY_FETCH", "1")
            .variable("GIT_OPTIONAL_LOCKS", "0")
            .variable("GIT_TERMINAL_PROMPT", "0")
            .variable("LC_ALL", "C")
            .input(input)
            .run()
            .map_err(|error| format!("can't ask git what changed: {error}"))
    }
}

/// Kind and size of an object, by the line before its content; `None` where there is none.
fn object(header: &str) -> Option<(&str, usize)> {
    let mut words = header.rsplitn(3, ' ');
    let size = words.next()?.parse().ok()?;
    let kind = words.next()?;
    words.next()?;
    Some((kind, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_from_refusals() {
        assert_eq!(object("0a1b blob 12"), Some(("blob", 12)));
        assert_eq!(object("0a1b:a 12 missing"), None);
    }

    #[test]
    fn a_finding_is_kept_where_any_of_its_lines_came() {
        let changed = Changed::of("a\nb\nc\n", "a\r\nx\r\nc\r\n");
        assert!(changed.touch(1, 2) && changed.touch(2, 2));
        assert!(!changed.touch(1, 1) && !changed.touch(3, 9));
        assert!(Changed::Whole.touch(7, 7));
    }
}
