//! `--fix`: files are mended once, whole, and nothing outside is touched.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::place::Place;

const NOISY: &str = include_str!("../../../analyzer/tests/fixtures/ts/IO-001/bad.ts");

#[test]
fn files_are_mended_once() {
    let place = Place::with("src/server.ts", NOISY);
    let file = place.folder().join("src/server.ts");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let ran = place.audit(&["--fix"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(
        ran.stderr().contains("mended IO-001 at ./src/server.ts:8"),
        "{}",
        ran.stderr()
    );
    assert!(!ran.stdout().contains("IO-001"), "{}", ran.stdout());
    let mended = place.read("src/server.ts");
    assert_eq!(
        mended,
        NOISY
            .replace("console.log", "console.error")
            .replace("console.info", "console.error")
    );
    let meta = std::fs::metadata(&file).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o640);

    let again = place.audit(&["--fix"]);
    assert!(!again.stderr().contains("mended"), "{}", again.stderr());
    assert_eq!(
        std::fs::metadata(&file).unwrap().ino(),
        meta.ino(),
        "it was written again"
    );
    assert_eq!(
        place
            .audit(&["--fix", "--write-baseline", "--baseline", "b"])
            .code(),
        64
    );
}

/// A handler of SIGINT alone, with a timer that keeps the process alive after the end of its input:
/// only when the handler takes SIGTERM is there something that the end of stdin can call.
const TWO_AT_ONCE: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

const server = new McpServer({ name: "notes", version: "1.0.0" });
setInterval(() => {}, 60_000);

async function shutdown() {
  await server.close();
  process.exit(0);
}
process.on("SIGINT", shutdown);

await server.connect(new StdioServerTransport());
console.log("ready");
"#;

#[test]
fn what_one_mend_brings_out_is_mended_with_it() {
    let place = Place::with("server.ts", TWO_AT_ONCE);
    let ran = place.audit(&["--fix"]);
    for rule in ["LIFE-003", "LIFE-004", "IO-001"] {
        let told = format!("mended {rule} at");
        assert!(ran.stderr().contains(&told), "{rule}: {}", ran.stderr());
    }
    let mended = place.read("server.ts");
    let again = place.audit(&["--fix"]);
    assert!(!again.stderr().contains("mended"), "{}", again.stderr());
    assert_eq!(place.read("server.ts"), mended);
}

#[test]
fn what_is_accepted_known_or_linked_stays() {
    let outside = Place::with("server.ts", NOISY);
    let accepted = format!("// dropgate-ignore-file IO-001: a tool for terminals\n{NOISY}");
    let place = Place::with("src/server.ts", &accepted);
    symlink(
        outside.folder().join("server.ts"),
        place.folder().join("src/link.ts"),
    )
    .unwrap();
    symlink(outside.folder(), place.folder().join("src/folder")).unwrap();
    place.audit(&["--fix"]);
    assert_eq!(place.read("src/server.ts"), accepted);
    assert_eq!(outside.read("server.ts"), NOISY);

    place.write("src/server.ts", NOISY);
    place.audit(&["--baseline", "known.json", "--write-baseline"]);
    place.audit(&["--fix", "--baseline", "known.json"]);
    assert_eq!(place.read("src/server.ts"), NOISY);
}
