//! A question as AuthZEN 1.0 writes it.

use dropgate_gate::decision::{PointAnswer, PointFailure};
use dropgate_gate::pins::ToolDefinition;
use dropgate_gate::strict_json;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::MAX_ARGUMENTS;
use crate::question::{Mode, Question, Subject};

#[derive(Serialize)]
struct Evaluation<'a> {
    subject: Named<'a>,
    action: Action<'a>,
    resource: Resource<'a>,
    context: Surroundings<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
struct Action<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Resource<'a> {
    #[serde(flatten)]
    named: Named<'a>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    server: &'a str,
}

#[derive(Serialize)]
struct Surroundings<'a> {
    class: &'a str,
    read_only: bool,
    unix_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted_annotations: Option<&'a Value>,
}

/// The body of the request, with the arguments as they came, or why there is none.
pub(super) fn body(
    question: &Question<'_>,
    tool: Option<&ToolDefinition>,
    server: &str,
) -> Result<Vec<u8>, PointAnswer> {
    let given = question.arguments.unwrap_or_default();
    if given.len() > MAX_ARGUMENTS {
        return Err(PointAnswer::failed(PointFailure::ArgumentsTooLarge));
    }
    let unfit = |error: &dyn std::fmt::Display| {
        PointAnswer::failed(PointFailure::Internal)
            .because(format_args!("the question can't be written: {error}"))
    };
    // Readers differ in which of two equal keys they take, so such arguments are not asked about.
    let _plain = question.arguments.map(strict_json::read);
    if let Some(Err(error)) = &_plain {
        return Err(unfit(error));
    }
    let arguments = question.arguments.map(serde_json::from_slice::<&RawValue>);
    let arguments = arguments.transpose().map_err(|error| unfit(&error))?;
    let (kind, action) = match question.subject {
        Subject::Tool(_) => ("tool", question.subject.method()),
        Subject::Resource(_) => ("resource", question.subject.method()),
        Subject::Prompt(_) => ("prompt", question.subject.method()),
        Subject::Method(method) => ("method", method),
    };
    let evaluation = Evaluation {
        subject: Named {
            kind: "user",
            id: question.principal.name(),
        },
        action: Action { name: action },
        resource: Resource {
            named: Named {
                kind,
                id: question.subject.name(),
            },
            properties: Properties { server },
        },
        context: Surroundings {
            class: question.class.name(),
            read_only: question.mode == Mode::ReadOnly,
            unix_time: question.now.unix_seconds(),
            arguments,
            untrusted_annotations: tool.and_then(ToolDefinition::annotations),
        },
    };
    serde_json::to_vec(&evaluation).map_err(|error| unfit(&error))
}
