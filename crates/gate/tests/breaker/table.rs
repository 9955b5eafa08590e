//! The limits of the table of breakers.

use dropgate_gate::breaker::{
    Admission, Cause, Command, Ended, MAX_NAME, MAX_TOOLS, Phase, Probing, Scope,
};

use crate::stage::{BAD, WRITE, breakers, call, ms, open, pass, record};

#[test]
fn made_up_names_can_not_make_an_open_breaker_forget() {
    let mut breakers = breakers(Probing::Callers);
    let half_open = open(&mut breakers, "query", ms(0));
    for number in 0..3 * MAX_TOOLS {
        call(
            &mut breakers,
            &format!("made up {number}"),
            Ended::Completed,
            ms(1),
        );
    }
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    assert_eq!(breakers.tool("query"), Phase::Open);
    assert_eq!(breakers.next_due(), Some(half_open));
}

#[test]
fn the_table_makes_room_even_if_every_breaker_is_open() {
    let mut breakers = breakers(Probing::Callers);
    let mut held = None;
    for number in 0..MAX_TOOLS {
        let tool = format!("tool {number}");
        if number == 0 {
            held = Some(pass(&mut breakers, &tool, ms(0)));
        }
        open(&mut breakers, &tool, ms(0));
    }
    let (admission, changes) = breakers.admit(Some("one more"), &WRITE, ms(1));
    assert!(matches!(admission, Admission::Closed(_)));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].scope, Scope::Tool("tool 0".into()));
    assert_eq!(changes[0].transition.cause, Cause::Forgotten);
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    // The result of the forgotten tool is not taken for that of the one in its place.
    for _ in 0..4 {
        call(&mut breakers, "one more", BAD, ms(1));
    }
    record(&mut breakers, held.unwrap(), BAD, ms(1));
    assert_eq!(breakers.tool("one more"), Phase::Closed);
}

#[test]
fn if_an_operator_holds_all_places_a_new_tool_has_the_upstreams_breaker_alone() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..MAX_TOOLS {
        let scope = Scope::Tool(format!("tool {number}").into());
        breakers.command(&scope, Command::Disable, ms(0));
    }
    for _ in 0..10 {
        call(&mut breakers, "one more", BAD, ms(1));
    }
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    assert_eq!(breakers.tool("one more"), Phase::Closed);
}

#[test]
fn a_name_over_the_limit_has_the_upstreams_breaker_alone() {
    let mut breakers = breakers(Probing::Callers);
    call(&mut breakers, &"x".repeat(MAX_NAME + 1), BAD, ms(0));
    assert_eq!(breakers.tools().count(), 0);
    call(&mut breakers, &"x".repeat(MAX_NAME), BAD, ms(0));
    assert_eq!(breakers.tools().count(), 1);
}
