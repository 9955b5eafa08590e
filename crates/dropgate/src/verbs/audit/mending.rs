//! `--fix`: writes mended files.

use std::path::Path;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::fix;

use super::replace::replace;
use crate::bounded::{self, NotRead};
use crate::output;

/// Mends what can be mended, and says what; whether anything was.
///
/// # Errors
/// When a file can't be written, or is no longer what was read; it is as it was then.
pub(super) fn mend(analysis: &Analysis, path: &Path) -> Result<Outcome, String> {
    let mended = fix::mend(analysis);
    let base = if path.is_file() {
        path.parent().unwrap_or(Path::new(""))
    } else {
        path
    };
    let mut outcome = Outcome::Unchanged;
    for mended in &mended {
        let file = base.join(&*mended.file);
        let told = |what: String| format!("can't mend {}: {what}", file.display());
        let read = analysis
            .sources
            .iter()
            .find(|(path, _)| *path == mended.file)
            .map_or("", |(_, text)| text);
        // What has grown is not what was read, however much it has grown.
        let changed = match bounded::read(&file, read.len() as u64) {
            Ok(now) => read.is_empty() || now != read.as_bytes(),
            Err(NotRead::TooLarge(_)) => true,
            Err(NotRead::System(error)) => return Err(told(error.to_string())),
        };
        if changed {
            return Err(told(
                "it changed while it was analysed; run it again".to_owned(),
            ));
        }
        replace(&file, &mended.text).map_err(|error| told(error.to_string()))?;
        for (rule, line) in &mended.findings {
            output::complain(&format!("mended {rule} at {}:{line}", file.display()));
        }
        outcome = Outcome::Changed;
    }
    Ok(outcome)
}

/// Whether files were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// None.
    Unchanged,
    /// Some: what was found before is no longer so.
    Changed,
}
