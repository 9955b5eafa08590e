//! Policies that are replaced, and what stays in force when that fails.

use std::time::{Duration, SystemTime};

use dropgate_gate::decision::Reason;
use dropgate_policy::Policies;
use serde_json::json;

use crate::stage::{Asked, DAY, cedar, file};

const PERMIT: &str = "permit (principal, action, resource);";
const FORBID: &str = "forbid (principal, action, resource);";

fn at(seconds: u64) -> Asked {
    let mut asked = Asked::call("ping", &json!({}));
    asked.now.monotonic = Duration::from_secs(seconds);
    asked
}

#[test]
fn a_new_set_is_in_force_at_once() {
    let policies = Policies::cedar(cedar(PERMIT));
    assert_eq!(at(0).of(&policies), None);
    policies.replace(&[file(FORBID)], Duration::ZERO).unwrap();
    assert_eq!(at(0).of(&policies), Some(Reason::ForbiddenByPolicy));
    policies.replace(&[file(PERMIT)], Duration::ZERO).unwrap();
    assert_eq!(at(0).of(&policies), None);
}

#[test]
fn a_bad_set_leaves_the_old_one_for_a_day_from_the_first_failure() {
    let day = DAY.as_secs();
    let bad_for_a_tool = r#"
        permit (principal, action == Action::"read_file", resource)
        when { context.args.nothing == "" };
    "#;
    for bad in [
        "permit (",
        "permit (principal is Usr, action, resource);",
        bad_for_a_tool,
    ] {
        let policies = Policies::cedar(cedar(PERMIT));
        // Without a failure no set grows old.
        assert_eq!(at(10 * day).of(&policies), None);
        let first = Duration::from_secs(100);
        assert!(policies.replace(&[file(bad)], first).is_err());
        let later = Duration::from_secs(100 + day / 2);
        assert!(policies.replace(&[file(bad)], later).is_err());
        policies.replacing_failed(later);
        assert_eq!(at(100 + day).of(&policies), None);
        assert_eq!(at(101 + day).of(&policies), Some(Reason::PoliciesStale));
        policies.replace(&[file(PERMIT)], later).unwrap();
        assert_eq!(at(10 * day).of(&policies), None);
    }
}

#[test]
fn the_age_of_policies_does_not_go_by_the_wall() {
    let policies = Policies::cedar(cedar(PERMIT));
    policies.replacing_failed(Duration::ZERO);
    let mut stale = at(DAY.as_secs() + 1);
    for years in [0, 10, 100] {
        stale.now.wall = SystemTime::UNIX_EPOCH + DAY * 365 * years;
        assert_eq!(stale.of(&policies), Some(Reason::PoliciesStale));
        let mut fresh = at(0);
        fresh.now.wall = stale.now.wall;
        assert_eq!(fresh.of(&policies), None);
    }
    let mut before_1970 = at(0);
    before_1970.now.wall = SystemTime::UNIX_EPOCH - DAY;
    assert_eq!(before_1970.of(&policies), None);
}
