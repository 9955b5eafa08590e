//! The baseline: findings that are known.

use std::path::Path;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::baseline::Baseline;

use super::replace::replace;
use crate::output;
use crate::visible::visible;

/// Writes what an analysis found.
///
/// # Errors
/// When the file can't be written; then it is as it was.
pub(super) fn write(analysis: &Analysis, path: &Path) -> Result<(), String> {
    let baseline = Baseline::of(analysis);
    replace(path, &baseline.text())
        .map_err(|error| format!("can't write the baseline {}: {error}", path.display()))?;
    output::complain(&format!(
        "{} findings are in the baseline {}",
        baseline.len(),
        path.display()
    ));
    Ok(())
}

/// Takes known findings out of the open ones; what is to be said of those that are there no more.
///
/// # Errors
/// When the file can't be read or is no baseline.
pub(super) fn apply(analysis: &mut Analysis, path: &Path) -> Result<Option<String>, String> {
    let baseline = Baseline::read(path).map_err(|error| error.to_string())?;
    let gone = baseline.apply(analysis);
    Ok(gone.first().map(|first| {
        format!(
            "{} findings of the baseline are there no more, first {} in {}; \
             --write-baseline takes them out",
            gone.len(),
            visible(&first.rule),
            visible(&first.file)
        )
    }))
}
