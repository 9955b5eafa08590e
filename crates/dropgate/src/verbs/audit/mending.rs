//! `--fix`: writes mended files.

use std::path::Path;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::fix;

use super::replace::replace;
use crate::bounded::{self, NotRead};
use crate::output;
use crate::visible::visible;

/// Mends what can be mended, and says what; whether anything was.
///
/// # Errors
/// When no thread can be started, or a file can't be written, or is no longer what was read; it is as it was then.
pub(super) fn mend(analysis: &Analysis, path: &Path) -> Result<Outcome, String> {
    let mended = fix::mend(analysis).map_err(|error| error.to_string())?;
    let base = if path.is_file() {
        path.parent().unwrap_or(Path::new(""))
    } else {
        path
    };
    let mut outcome = Outcome::Unchanged;
    for mended in &mended {
        let file = base.join(&*mended.file);
        let shown = visible(&file.display().to_string());
        let told = |what: String| format!("can't mend {shown}: {what}");
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
            output::complain(&format!("mended {rule} at {shown}:{line}"));
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

#[cfg(test)]
mod tests {
    use dropgate_analyzer::analysis::analyze_texts;

    use super::*;

    const SOURCE: &str = "\
import { McpServer } from \"@modelcontextprotocol/sdk/server/mcp.js\";
import { StdioServerTransport } from \"@modelcontextprotocol/sdk/server/stdio.js\";

const server = new McpServer({ name: \"notes\", version: \"1.0.0\" });
await server.connect(new StdioServerTransport());
console.log(\"ready\");
";

    /// What became of a file that holds `now` when the source that was analysed is mended.
    fn mended(now: &str) -> (Result<Outcome, String>, String) {
        let name = format!("dropgate-mending-{}-{}", std::process::id(), now.len());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("server.ts");
        std::fs::write(&file, now).unwrap();
        let analysis = analyze_texts(vec![("server.ts".into(), SOURCE.to_owned())]).unwrap();
        let outcome = mend(&analysis, &folder);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        (outcome, text)
    }

    #[test]
    fn what_is_still_what_was_read_is_mended() {
        let (outcome, text) = mended(SOURCE);
        assert_eq!(outcome, Ok(Outcome::Changed));
        assert!(text.contains("console.error"), "{text}");
    }

    #[test]
    fn what_grew_shrank_or_changed_since_is_left_as_it_is() {
        let grown = format!("{SOURCE}\n");
        let shrunk = SOURCE.trim_end();
        let other = SOURCE.replace("ready", "steady");
        for present in [&grown, shrunk, &other, ""] {
            let (outcome, text) = mended(present);
            let why = outcome.unwrap_err();
            assert!(
                why.ends_with("it changed while it was analysed; run it again"),
                "{why}"
            );
            assert_eq!(text, present);
        }
    }
}
