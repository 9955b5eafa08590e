//! `--baseline` and `--write-baseline`.

use crate::place::{BAD, Place, rules};

#[test]
fn what_is_known_passes_and_what_is_new_does_not() {
    let place = Place::with("src/server.ts", BAD);
    assert_eq!(place.audit(&["--fail-on", "low"]).code(), 1);
    let written = place.audit(&["--baseline", "known.json", "--write-baseline"]);
    assert_eq!((written.code(), written.stdout().as_str()), (0, ""));
    assert!(written.stderr().contains("findings are in the baseline"));
    assert!(place.read("known.json").starts_with("{\"version\":1,"));

    place.write("src/server.ts", format!("\n\n// Moved.\n{BAD}"));
    let known = place.audit(&["--baseline", "known.json", "--fail-on", "low"]);
    assert_eq!(known.code(), 0, "{}{}", known.stdout(), known.stderr());
    assert!(known.stdout().contains("more are known to the baseline"));

    place.write(
        "src/server.ts",
        format!("{BAD}\nprocess.on('SIGINT', () => process.exit(3));\n"),
    );
    let page = place.json(&["--baseline", "known.json"]);
    assert_eq!(rules(&page), ["LIFE-002"], "{page}");
    assert_eq!(page["suppressed"][0]["suppression"]["kind"], "baseline");
    assert_eq!(
        place
            .audit(&["--baseline", "known.json", "--fail-on", "high"])
            .code(),
        1
    );

    place.write("src/server.ts", "export {};\n");
    let mended = place.audit(&["--baseline", "known.json", "--allow-empty"]);
    assert!(
        mended.stderr().contains("there no more"),
        "{}",
        mended.stderr()
    );
}

#[test]
fn mistakes_are_named() {
    let place = Place::with("src/server.ts", BAD);
    place.write("known.json", "{}");
    let wrong = place.audit(&["--baseline", "known.json"]);
    assert_eq!(wrong.code(), 2);
    assert!(wrong.stderr().contains("known.json is no baseline"));
    assert_eq!(place.audit(&["--baseline", "none.json"]).code(), 2);
    let nameless = place.audit(&["--write-baseline"]);
    assert_eq!(nameless.code(), 64);
    assert_eq!(nameless.stdout(), "");
    assert!(nameless.stderr().contains("name it with --baseline"));
    place.write("dropgate.toml", "[audit]\nbaseline = \"listed.json\"\n");
    assert_eq!(place.audit(&["--write-baseline"]).code(), 0);
    assert!(place.read("listed.json").starts_with('{'));
    let nowhere = place.audit(&["--baseline", "no/where.json", "--write-baseline"]);
    assert_eq!(nowhere.code(), 2);
    assert!(nowhere.stderr().contains("can't write the baseline"));
}
