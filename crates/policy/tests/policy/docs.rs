//! The worked example of docs/authorization.md, as it is written there.

use dropgate_policy::Policies;
use serde_json::Value;

use crate::stage::{Asked, load, page};

const PAGE: &str = include_str!("../../../../docs/authorization.md");

/// The tools of the server of the example: names, types and annotations.
const TOOLS: &str = include_str!("filesystem.json");

#[test]
fn the_example_decides_as_the_page_says() {
    let example = PAGE.split("```cedar\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let mut cedar = load(example).unwrap();
    let tools: Value = serde_json::from_str(TOOLS).unwrap();
    assert_eq!(cedar.learn(&page(&tools)), []);
    let policies = Policies::cedar(cedar);
    let rows = PAGE
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains("` | "));
    let mut played = 0;
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let call = cells[0].trim_start_matches("| `").trim_end_matches('`');
        let Some((tool, arguments)) = call.split_once(" {") else {
            continue;
        };
        let arguments = serde_json::from_str(&format!("{{{arguments}")).unwrap();
        let asked = Asked::call(tool, &arguments);
        let reason = asked.of(&policies).map_or("allowed".to_owned(), |reason| {
            format!("denied, `{}`", reason.name())
        });
        assert_eq!(reason, cells[1], "{row}");
        let explanation = policies.explain(&asked.question()).unwrap();
        let by = [explanation.permitted(), explanation.forbade()].concat();
        let told = cells[2].trim_matches(['`', ' ', '|']);
        assert_eq!(by.join(", "), told, "{row}");
        played += 1;
    }
    assert_eq!(played, 7);
}
