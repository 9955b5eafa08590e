//! The demonstration is the first thing that a newcomer runs, so what it shows has to hold.

use std::process::Command;

#[test]
fn the_demonstration_shows_the_leak_the_guard_and_the_record() {
    let output = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg("demo")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let parts: Vec<&str> = text.split("\n\n").collect();
    let part = |title: &str| {
        *parts
            .iter()
            .find(|part| part.starts_with(title))
            .unwrap_or_else(|| panic!("no part {title:?} in\n{text}"))
    };
    let bare = part("without dropgate: the host is killed");
    assert!(bare.contains("survivors  2, still there"), "{bare}");
    assert!(!bare.contains("journal"), "{bare}");
    for title in [
        "with dropgate: dropgate itself is killed",
        "with dropgate: the host is killed",
    ] {
        let guarded = part(title);
        assert!(guarded.contains("survivors  0, none left"), "{guarded}");
        let record = "journal    whole, sealed; what became of the call: unknown";
        assert!(guarded.contains(record), "{guarded}");
    }
}
