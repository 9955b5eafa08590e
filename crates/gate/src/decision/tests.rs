use super::*;

fn allowed(required: Authority, answers: Answers) -> PolicyIds {
    match decide(required, &Principal::local(), answers) {
        Decision::Allow(permit) => {
            assert_eq!(permit.authority(), required);
            permit.policies().clone()
        }
        Decision::Deny(denial) => panic!("denied: {denial:?}"),
    }
}

fn denied(required: Authority, answers: Answers) -> Reason {
    match decide(required, &Principal::local(), answers) {
        Decision::Allow(permit) => panic!("allowed: {permit:?}"),
        Decision::Deny(denial) => denial.reason(),
    }
}

fn permitting() -> PolicyAnswer {
    PolicyAnswer::evaluated(PolicyVerdict::Permitted, 0, PolicyIds::of(["readers"]))
}

fn agreeing() -> PointAnswer {
    PointAnswer::from_reply(200, br#"{"decision":true}"#)
}

fn both(policies: Option<PolicyAnswer>, decision_point: Option<PointAnswer>) -> Answers {
    Answers {
        policies,
        decision_point,
    }
}

#[test]
fn the_built_in_policies_need_no_answer_and_take_none() {
    assert!(allowed(Authority::LocalOwner, Answers::none()).is_empty());
    for answers in [Answers::none(), both(Some(permitting()), Some(agreeing()))] {
        assert_eq!(denied(Authority::Nobody, answers), Reason::NoPolicy);
    }
}

#[test]
fn every_configured_source_has_to_agree() {
    use Authority::{DecisionPoint, Policies, PoliciesAndDecisionPoint};
    let ids = PolicyIds::of(["readers"]);
    assert_eq!(allowed(Policies, both(Some(permitting()), None)), ids);
    assert!(allowed(DecisionPoint, both(None, Some(agreeing()))).is_empty());
    let all = both(Some(permitting()), Some(agreeing()));
    assert_eq!(allowed(PoliciesAndDecisionPoint, all), ids);

    // The other source's yes is worth nothing, and neither is silence.
    let rows = [
        (Policies, both(None, Some(agreeing()))),
        (DecisionPoint, both(Some(permitting()), None)),
        (PoliciesAndDecisionPoint, both(Some(permitting()), None)),
        (PoliciesAndDecisionPoint, both(None, Some(agreeing()))),
        (PoliciesAndDecisionPoint, Answers::none()),
    ];
    for (required, answers) in rows {
        assert_eq!(denied(required, answers), Reason::Internal);
    }
}

#[test]
fn a_local_no_comes_before_a_remote_one() {
    let answers = both(
        Some(PolicyAnswer::evaluated(
            PolicyVerdict::Forbidden,
            0,
            PolicyIds::of(["no-etc"]),
        )),
        Some(PointAnswer::failed(PointFailure::TimedOut)),
    );
    assert_eq!(
        denied(Authority::PoliciesAndDecisionPoint, answers),
        Reason::ForbiddenByPolicy
    );
}

#[test]
fn any_evaluation_error_denies() {
    let named = || PolicyIds::of(["p"]);
    let rows = [
        (
            PolicyVerdict::Permitted,
            1,
            named(),
            Reason::EvaluationError,
        ),
        (
            PolicyVerdict::Permitted,
            9,
            named(),
            Reason::EvaluationError,
        ),
        (PolicyVerdict::Silent, 1, named(), Reason::EvaluationError),
        (PolicyVerdict::Silent, 0, named(), Reason::NotPermitted),
        (
            PolicyVerdict::Forbidden,
            1,
            named(),
            Reason::ForbiddenByPolicy,
        ),
        (
            PolicyVerdict::Permitted,
            0,
            PolicyIds::none(),
            Reason::Internal,
        ),
    ];
    for (verdict, errors, ids, reason) in rows {
        let answer = PolicyAnswer::evaluated(verdict, errors, ids);
        assert_eq!(answer.standing(), Standing::Denied);
        assert_eq!(
            denied(Authority::Policies, both(Some(answer), None)),
            reason
        );
    }
    assert_eq!(permitting().standing(), Standing::Open);
}

#[test]
fn every_failure_denies_under_its_own_name() {
    let policies = [
        (PolicyFailure::NotLoaded, Reason::PoliciesNotLoaded),
        (PolicyFailure::Stale, Reason::PoliciesStale),
        (PolicyFailure::UnknownTool, Reason::UnknownTool),
        (PolicyFailure::ArgumentsUnfit, Reason::ArgumentsUnfit),
        (PolicyFailure::ArgumentsTooLarge, Reason::ArgumentsTooLarge),
        (PolicyFailure::Internal, Reason::Internal),
    ];
    for (failure, reason) in policies {
        let answer = both(Some(PolicyAnswer::failed(failure)), Some(agreeing()));
        assert_eq!(denied(Authority::PoliciesAndDecisionPoint, answer), reason);
    }
    let points = [
        (PointFailure::Unreachable, Reason::DecisionPointUnreachable),
        (PointFailure::TimedOut, Reason::DecisionPointTimedOut),
        (PointFailure::TooLong, Reason::DecisionPointOdd),
        (PointFailure::Resting, Reason::DecisionPointResting),
        (PointFailure::Busy, Reason::DecisionPointBusy),
        (PointFailure::ArgumentsTooLarge, Reason::ArgumentsTooLarge),
        (PointFailure::Internal, Reason::Internal),
    ];
    for (failure, reason) in points {
        let answer = both(Some(permitting()), Some(PointAnswer::failed(failure)));
        assert_eq!(denied(Authority::PoliciesAndDecisionPoint, answer), reason);
    }
}

#[test]
fn only_a_literal_true_permits() {
    let yes: [&[u8]; 4] = [
        br#"{"decision":true}"#,
        b" {\n\"decision\" : true } ",
        br#"{"context":{"id":"7","decision":false},"decision":true}"#,
        br#"{"d\u0065cision":true}"#,
    ];
    for body in yes {
        let answer = both(None, Some(PointAnswer::from_reply(200, body)));
        assert!(allowed(Authority::DecisionPoint, answer).is_empty());
    }
    let odd: [&[u8]; 24] = [
        b"",
        b"true",
        b"null",
        b"1",
        b"[]",
        b"{}",
        br#""true""#,
        br#"[{"decision":true}]"#,
        br#"{"decision":"true"}"#,
        br#"{"decision":1}"#,
        br#"{"decision":null}"#,
        br#"{"decision":{}}"#,
        br#"{"decision":[true]}"#,
        br#"{"decision":True}"#,
        br#"{"decision":TRUE}"#,
        br#"{"Decision":true}"#,
        br#"{"decision":true,"decision":true}"#,
        br#"{"decision":false,"decision":true}"#,
        br#"{"decision":true,"context":null}"#,
        br#"{"decision":true,"context":{"a":1,"a":2}}"#,
        br#"{"decision":true}{"decision":true}"#,
        br#"{"decision":true"#,
        b"\xef\xbb\xbf{\"decision\":true}",
        b"{\"decision\":true,\"x\":\"\xff\"}",
    ];
    for body in odd {
        let answer = both(None, Some(PointAnswer::from_reply(200, body)));
        let reason = denied(Authority::DecisionPoint, answer);
        assert_eq!(reason, Reason::DecisionPointOdd, "{}", body.escape_ascii());
    }
    let no = PointAnswer::from_reply(200, br#"{"decision":false}"#);
    assert_eq!(
        denied(Authority::DecisionPoint, both(None, Some(no))),
        Reason::RefusedByDecisionPoint
    );
}

#[test]
fn no_status_but_200_permits() {
    for status in (0..200).chain(201..=u16::MAX) {
        let answer = PointAnswer::from_reply(status, br#"{"decision":true}"#);
        let reason = denied(Authority::DecisionPoint, both(None, Some(answer)));
        assert_eq!(reason, Reason::DecisionPointOdd);
    }
}

#[test]
fn a_reply_is_read_up_to_its_limit() {
    let padded = |length: usize| {
        let mut body = br#"{"decision":true}"#.to_vec();
        body.resize(length, b' ');
        both(None, Some(PointAnswer::from_reply(200, &body)))
    };
    assert!(allowed(Authority::DecisionPoint, padded(MAX_REPLY)).is_empty());
    assert_eq!(
        denied(Authority::DecisionPoint, padded(MAX_REPLY + 1)),
        Reason::DecisionPointOdd
    );
}

#[test]
fn reasons_have_names_of_their_own() {
    let mut names = Reason::ALL.map(Reason::name).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
}

#[test]
fn what_is_kept_of_a_denial_is_bounded() {
    let long = "ä".repeat(1000);
    let denial = Denial::new(Reason::Internal)
        .by(PolicyIds::of(vec![long.as_str(); 40]))
        .because(&long);
    assert_eq!(denial.detail().unwrap().len(), MAX_DETAIL);
    assert_eq!(denial.policies().len(), MAX_POLICIES);
    assert!(denial.policies().iter().all(|id| id.len() == MAX_POLICY_ID));
}

#[test]
fn a_principal_has_a_name() {
    assert_eq!(Principal::named(""), Err(Unnamed::Empty));
    assert_eq!(Principal::named("a\nb"), Err(Unnamed::Control));
    assert_eq!(
        Principal::named(&"x".repeat(MAX_PRINCIPAL + 1)),
        Err(Unnamed::TooLong)
    );
    assert_eq!(Principal::named("mia").unwrap().name(), "mia");
    assert_eq!(Principal::local().name(), "local");
}
