//! Policies in files: what they see, what is refused at load, and what they decide.

use std::time::Duration;

use dropgate_gate::decision::{Authority, Decision, Principal, Reason};
use dropgate_policy::{
    CedarPolicies, Class, MAX_POLICIES, MAX_POLICY_TEXT, Mode, Policies, PolicyFile, Severity,
};
use serde_json::json;

use crate::stage::{Asked, DAY, cedar, file, load, page, tools};

/// The reason of a denial, none for a permit.
fn decided(text: &str, asked: &Asked) -> Option<Reason> {
    asked.of(&Policies::cedar(cedar(text)))
}

#[test]
fn the_built_in_policies() {
    let anything = Asked::call("anything", &json!({}));
    assert_eq!(anything.of(&Policies::local_owner()), None);
    assert_eq!(anything.of(&Policies::nobody()), Some(Reason::NoPolicy));
    assert_eq!(Policies::local_owner().authority(), Authority::LocalOwner);
}

#[test]
fn nothing_is_permitted_that_no_policy_permits() {
    let read = Asked::call("read_file", &json!({"path": "/srv/a"}));
    assert_eq!(decided("", &read), Some(Reason::NotPermitted));
    let other = r#"permit (principal, action == Action::"write_file", resource);"#;
    assert_eq!(decided(other, &read), Some(Reason::NotPermitted));
    assert_eq!(
        decided("permit (principal, action, resource);", &read),
        None
    );
}

#[test]
fn policies_see_what_they_are_told_they_see() {
    let conditions = [
        r#"principal == User::"local""#,
        r#"action == Action::"read_file""#,
        r#"action in Action::"tools/call""#,
        r#"resource == Tool::"read_file""#,
        r#"resource in Server::"files""#,
        "resource is Tool",
        r#"context.name == "read_file""#,
        r#"context.class == "write""#,
        "!context.read_only",
        r#"context.args.path like "/srv/*""#,
        "context.args has head && context.args.head == 10",
        r#"context.unseen == ["extra"]"#,
        "context.untrusted_annotations has readOnlyHint \
         && context.untrusted_annotations.readOnlyHint",
        "!(context.untrusted_annotations has destructiveHint)",
        "context.time.unix == 1700000000",
        r#"context.time.hour == 22 && context.time.minute == 13 && context.time.weekday == "tue""#,
    ];
    let asked = Asked::call(
        "read_file",
        &json!({"path": "/srv/a", "head": 10, "extra": [1, {}]}),
    );
    for condition in conditions {
        let permit = format!(
            r#"permit (principal, action == Action::"read_file", resource) when {{ {condition} }};"#
        );
        assert_eq!(decided(&permit, &asked), None, "{condition}");
        let unless = permit.replace("when", "unless");
        assert_eq!(
            decided(&unless, &asked),
            Some(Reason::NotPermitted),
            "{condition}"
        );
    }
}

#[test]
fn resources_and_prompts_are_asked_about_by_their_methods() {
    let text = r#"
        permit (principal, action == Action::"resources/read", resource)
        when { context.name like "file:///srv/*" && resource in Server::"files" };
        permit (principal, action == Action::"prompts/get", resource == Prompt::"review");
        permit (principal, action in Action::"tools/call", resource);
        permit (principal, action == Action::"methods/call", resource == Method::"tasks/get");
        permit (principal, action == Action::"methods/call", resource)
        when { context.name like "custom/*" && context.class == "write" && resource in Server::"files" };
    "#;
    let rows = [
        ("resources/read", "file:///srv/a", None),
        (
            "resources/read",
            "file:///etc/a",
            Some(Reason::NotPermitted),
        ),
        ("prompts/get", "review", None),
        ("prompts/get", "other", Some(Reason::NotPermitted)),
        ("tools/call", "ping", None),
        ("methods/call", "tasks/get", None),
        ("methods/call", "custom/run", None),
        ("methods/call", "tasks/cancel", Some(Reason::NotPermitted)),
    ];
    let policies = Policies::cedar(cedar(text));
    for (method, name, expected) in rows {
        let mut asked = Asked::call(name, &json!({}));
        asked.method = method;
        assert_eq!(asked.of(&policies), expected, "{method} {name}");
    }
}

/// Cedar itself skips a failing policy, so that the permit would stand.
#[test]
fn a_forbid_that_fails_denies() {
    let text = r#"
        permit (principal, action, resource);
        @id("few") forbid (principal, action == Action::"read_file", resource)
        when { context.args has head && context.args.head + 9223372036854775807 < 0 };
    "#;
    let policies = Policies::cedar(cedar(text));
    let with = |head: i64| Asked::call("read_file", &json!({"path": "/", "head": head}));
    assert_eq!(with(0).of(&policies), None);
    assert_eq!(with(1).of(&policies), Some(Reason::EvaluationError));
    let explanation = policies.explain(&with(1).question()).unwrap();
    assert_eq!(explanation.failed().len(), 1);
    assert_eq!(explanation.failed()[0].0, "few");
    let text = explanation.to_string();
    assert!(text.contains("failed, which denies: few: "), "{text}");
}

#[test]
fn a_shadow_covers_its_own_denials_alone() {
    let until = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let until = humantime::format_rfc3339_seconds(until);
    let text = format!(
        r#"
        permit (principal, action, resource);
        @shadow_until("{until}") @id("tried")
        forbid (principal, action == Action::"read_file", resource)
        when {{ context.args.path like "/tried*" }};
        @shadow_until("{until}")
        forbid (principal, action == Action::"read_file", resource)
        when {{ context.args has head && context.args.head + 9223372036854775807 < 0 }};
        @id("firm")
        forbid (principal, action == Action::"read_file", resource)
        when {{ context.args.path like "*firm" }};
    "#
    );
    let policies = Policies::cedar(cedar(&text));
    let rows = [
        (json!({"path": "/a"}), None),
        (json!({"path": "/tried"}), None),
        (
            json!({"path": "/tried/firm"}),
            Some(Reason::ForbiddenByPolicy),
        ),
        (
            json!({"path": "/tried", "head": 1}),
            Some(Reason::ForbiddenByPolicy),
        ),
        (
            json!({"path": "/a", "head": 1}),
            Some(Reason::EvaluationError),
        ),
    ];
    for (arguments, expected) in rows {
        let asked = Asked::call("read_file", &arguments);
        let mut late = Asked::call("read_file", &arguments);
        late.now.wall += std::time::Duration::from_secs(2 * 365 * 86_400 * 60);
        assert_eq!(asked.of(&policies), expected, "{arguments}");
        assert_eq!(
            late.of(&policies).is_some(),
            arguments != json!({"path": "/a"})
        );
    }
}

#[test]
fn decisions_name_their_policies() {
    let text = r#"
        @id("readers") permit (principal, action, resource);
        forbid (principal, action, resource) when { context.read_only };
    "#;
    let policies = Policies::cedar(cedar(text));
    let mut asked = Asked::call("ping", &json!({}));
    let dropgate_policy::Answer::Now(Decision::Allow(permit)) = policies.decide(&asked.question())
    else {
        panic!("denied")
    };
    assert_eq!(permit.policies().iter().collect::<Vec<_>>(), ["readers"]);
    let explanation = policies.explain(&asked.question()).unwrap();
    assert_eq!(explanation.permitted(), ["readers"]);
    asked.mode = Mode::ReadOnly;
    let dropgate_policy::Answer::Now(Decision::Deny(denial)) = policies.decide(&asked.question())
    else {
        panic!("allowed")
    };
    assert_eq!(denial.reason(), Reason::ForbiddenByPolicy);
    assert_eq!(denial.policies().iter().collect::<Vec<_>>(), ["p.cedar:3"]);
    let explanation = policies.explain(&asked.question()).unwrap();
    assert_eq!(explanation.forbade(), ["p.cedar:3"]);
    assert_eq!(
        explanation.to_string(),
        "tools/call ping for local\n  2 of 2 policies could apply\n  forbidden by p.cedar:3\n"
    );
}

#[test]
fn arguments_have_to_fit_the_servers_own_schema() {
    let policies = Policies::cedar(cedar("permit (principal, action, resource);"));
    let rows: [(&str, &[u8], Reason); 6] = [
        ("read_file", br#"{}"#, Reason::ArgumentsUnfit),
        ("read_file", br#"{"path":7}"#, Reason::ArgumentsUnfit),
        ("read_file", br#"[]"#, Reason::ArgumentsUnfit),
        (
            "read_file",
            br#"{"path":"/srv/a","path":"/etc/b"}"#,
            Reason::ArgumentsUnfit,
        ),
        ("read_file", br#"{"path":"#, Reason::ArgumentsUnfit),
        ("rm", br#"{}"#, Reason::UnknownTool),
    ];
    for (tool, arguments, reason) in rows {
        let mut asked = Asked::call(tool, &json!(null));
        asked.arguments = Some(arguments.to_vec());
        assert_eq!(
            asked.of(&policies),
            Some(reason),
            "{}",
            arguments.escape_ascii()
        );
    }
}

#[test]
fn arguments_over_a_mebibyte_are_denied_whole() {
    let policies = Policies::cedar(cedar("permit (principal, action, resource);"));
    let sized = |length: usize| {
        let empty = json!({"path": ""}).to_string().len();
        Asked::call("read_file", &json!({"path": "x".repeat(length - empty)}))
    };
    assert_eq!(sized(1024 * 1024).of(&policies), None);
    assert_eq!(
        sized(1024 * 1024 + 1).of(&policies),
        Some(Reason::ArgumentsTooLarge)
    );
}

#[test]
fn a_policy_that_can_not_be_right_is_refused_with_its_place() {
    let rows = [
        ("permit (principal, action);", 1, "not a Cedar policy"),
        (
            "\n\npermit (principal, action, resource) when { context.clas == \"read\" };",
            3,
            "clas",
        ),
        (
            "permit (principal, action, resource) when { context.class > 3 };",
            1,
            "not valid",
        ),
        (
            "permit (principal is Usr, action, resource);",
            1,
            "no entity type `Usr`",
        ),
        (
            "permit (principal, action, resource is Tol);",
            1,
            "no entity type `Tol`",
        ),
        (
            "permit (principal, action, resource) when { principal == Nobody::\"x\" };",
            1,
            "Nobody",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            1,
            "template",
        ),
        (
            "permit (principal, action == Action::\"a\", resource == Tool::\"b\");",
            1,
            "exclude each other",
        ),
        (
            "permit (principal, action == Action::\"tools/call\", resource);",
            1,
            "write `action in",
        ),
        ("@id(\"\") permit (principal, action, resource);", 1, "@id"),
        (
            "@id(\"a\") permit (principal, action, resource);\n\
             @id(\"a\") permit (principal, action, resource);",
            2,
            "stands twice",
        ),
    ];
    for (text, line, part) in rows {
        let complaints = load(text).unwrap_err();
        let first = complaints.iter().next().unwrap();
        assert_eq!(
            (first.line, first.severity),
            (line, Severity::Error),
            "{complaints}"
        );
        assert!(first.text.contains(part), "{complaints}");
        assert!(
            complaints
                .to_string()
                .starts_with(&format!("p.cedar:{line}: error: "))
        );
    }
}

#[test]
fn a_policy_that_is_wrong_for_a_tool_closes_that_tool_alone() {
    let text = r#"
        permit (principal, action, resource);
        forbid (principal, action == Action::"write_file", resource)
        when { context.args.file like "/etc/*" };
    "#;
    let mut cedar = load(text).unwrap();
    let complaints = cedar.learn(&page(&tools()));
    assert_eq!(complaints.len(), 1);
    assert_eq!(
        (complaints[0].line, complaints[0].severity),
        (3, Severity::Error)
    );
    assert!(
        complaints[0].text.contains("write_file"),
        "{}",
        complaints[0]
    );
    let policies = Policies::cedar(cedar);
    let write = Asked::call("write_file", &json!({"path": "/a", "content": ""}));
    assert_eq!(write.of(&policies), Some(Reason::PoliciesNotLoaded));
    assert_eq!(Asked::call("ping", &json!({})).of(&policies), None);
}

#[test]
fn nothing_is_called_before_it_is_listed() {
    let policies = Policies::cedar(load("permit (principal, action, resource);").unwrap());
    let ping = Asked::call("ping", &json!({}));
    assert_eq!(ping.of(&policies), Some(Reason::UnknownTool));
    // Definitions that were pinned in an earlier run are as good as a list.
    policies.learn_tools(&page(&tools()).tools);
    assert_eq!(ping.of(&policies), None);
    policies.learn(&page(&json!([{"name": "other"}])));
    assert_eq!(ping.of(&policies), Some(Reason::UnknownTool));
}

#[test]
fn names_of_tools_that_are_not_there_are_told_once() {
    let text = r#"
        forbid (principal, action == Action::"read_fil", resource);
        forbid (principal, action, resource) when { resource == Tool::"zzz" };
        forbid (principal, action == Action::"elsewhere", resource in Server::"other");
    "#;
    let mut cedar = load(text).unwrap();
    let complaints = cedar.learn(&page(&tools()));
    let texts: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "p.cedar:2: warning: the server lists no tool \"read_fil\"; did you mean \
             \"read_file\"?",
            "p.cedar:3: warning: the server lists no tool \"zzz\"",
        ]
    );
    assert_eq!(cedar.learn(&page(&tools())), []);
}

#[test]
fn a_tool_can_not_take_the_name_of_a_method() {
    let text = r#"permit (principal, action == Action::"resources/read", resource);"#;
    let mut cedar = load(text).unwrap();
    let complaints = cedar.learn(&page(&json!([{"name": "resources/read"}])));
    assert_eq!(complaints.len(), 1);
    let asked = Asked::call("resources/read", &json!({}));
    assert_eq!(
        asked.of(&Policies::cedar(cedar)),
        Some(Reason::PoliciesNotLoaded)
    );
}

#[test]
fn claims_of_the_server_are_marked_as_such() {
    let text = "permit (principal, action, resource) when { context.annotations.readOnlyHint };";
    assert!(load(text).is_err());
    let lie = r#"permit (principal, action, resource) when { context.class == "read" };"#;
    let mut asked = Asked::call("read_file", &json!({"path": "/"}));
    assert_eq!(decided(lie, &asked), Some(Reason::NotPermitted));
    asked.class = Class::Read;
    assert_eq!(decided(lie, &asked), None);
    asked.principal = Principal::named("mia").unwrap();
    let mia = r#"permit (principal == User::"mia", action, resource);"#;
    assert_eq!(decided(mia, &asked), None);
}

#[test]
fn text_and_number_of_policies_are_bounded() {
    let long = " ".repeat(MAX_POLICY_TEXT + 1);
    let complaints = load(&long).unwrap_err();
    assert!(
        complaints.to_string().contains("bytes long"),
        "{complaints}"
    );
    let many = "permit(principal,action,resource==Tool::\"a\");\n".repeat(MAX_POLICIES + 1);
    let complaints = CedarPolicies::load("files", &[file(&many)], DAY).unwrap_err();
    assert!(
        complaints.to_string().contains("10001 policies"),
        "{complaints}"
    );
}

#[test]
fn ids_differ_even_on_one_line() {
    let text = "permit (principal, action, resource); permit (principal, action, resource);";
    let files = ["a.cedar", "b.cedar"].map(|name| PolicyFile {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    let mut cedar = CedarPolicies::load("files", &files, Duration::ZERO).unwrap();
    cedar.learn(&page(&tools()));
    let asked = Asked::call("ping", &json!({}));
    let explanation = cedar.explain(&asked.question());
    assert_eq!(
        explanation.permitted(),
        ["a.cedar:1", "a.cedar:1#2", "b.cedar:1", "b.cedar:1#2"]
    );
}
