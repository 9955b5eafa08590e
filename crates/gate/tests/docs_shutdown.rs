//! The step table in the documentation is the one that the code obeys.

use dropgate_gate::shutdown::table;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/shutdown.md");
const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->";

#[test]
fn the_documented_table_is_the_one_in_force() {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (documented, after) = rest.split_once(END).unwrap();
    let now = table();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() && documented != now {
        std::fs::write(DOCUMENT, format!("{before}{BEGIN}{now}{END}{after}")).unwrap();
        return;
    }
    assert!(
        documented == now,
        "docs/shutdown.md is stale; run this test with UPDATE_SNAPSHOTS=1, then read what it says around the table.\n{now}"
    );
}
