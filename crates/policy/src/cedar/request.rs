//! A question in Cedar's terms.

use cedar_policy::{Context, Request, RestrictedExpression};
use serde_json::Value;

use super::arguments::{self, Unfit};
use super::environment::Environment;
use super::vocabulary::{Family, USER, entity};
use crate::question::{Mode, Moment, Question};

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Why a question can't be put.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unaskable {
    #[error(transparent)]
    Arguments(#[from] Unfit),
    #[error("the question does not fit the schema: {0}")]
    Schema(String),
}

/// Puts the question. `arguments` are those of the question, parsed.
pub(super) fn put(
    question: &Question<'_>,
    arguments: Option<&Value>,
    environment: &Environment,
) -> Result<Request, Unaskable> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let read_only = RestrictedExpression::new_bool(question.mode == Mode::ReadOnly);
    let mut context = vec![
        ("name".to_owned(), text(question.subject.name())),
        ("class".to_owned(), text(question.class.name())),
        ("read_only".to_owned(), read_only),
        ("time".to_owned(), time(&question.now)?),
    ];
    if environment.family == Family::Tools {
        let seen = arguments::read(arguments, &environment.arguments)?;
        let unseen = RestrictedExpression::new_set(seen.unseen);
        let annotations = environment.annotations.clone();
        context.push(("args".to_owned(), seen.args));
        context.push(("unseen".to_owned(), unseen));
        context.push(("untrusted_annotations".to_owned(), annotations));
    }
    let unfit = |error: &dyn std::fmt::Display| Unaskable::Schema(error.to_string());
    let context = Context::from_pairs(context).map_err(|error| unfit(&error))?;
    let resource = environment.family.entity_type();
    let resource = entity(resource, question.subject.name()).ok_or_else(|| unfit(&"resource"))?;
    let principal = entity(USER, question.principal.name()).ok_or_else(|| unfit(&"principal"))?;
    Request::new(
        principal,
        environment.action.clone(),
        resource,
        context,
        Some(&environment.schema),
    )
    .map_err(|error| unfit(&error))
}

/// The wall's time in UTC.
fn time(now: &Moment) -> Result<RestrictedExpression, Unaskable> {
    let unix = now.unix_seconds();
    let of_day = unix.rem_euclid(86_400);
    // The first day of 1970 was a Thursday.
    let weekday = (unix.div_euclid(86_400) + 4).rem_euclid(7);
    let weekday = usize::try_from(weekday)
        .ok()
        .and_then(|day| WEEKDAYS.get(day));
    let long = RestrictedExpression::new_long;
    RestrictedExpression::new_record([
        ("unix".to_owned(), long(unix)),
        ("hour".to_owned(), long(of_day / 3600)),
        ("minute".to_owned(), long(of_day % 3600 / 60)),
        (
            "weekday".to_owned(),
            RestrictedExpression::new_string(weekday.copied().unwrap_or_default().to_owned()),
        ),
    ])
    .map_err(|error| Unaskable::Schema(error.to_string()))
}
