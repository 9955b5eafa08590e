//! The trace of one call: taken from its request, and put into what the server gets of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use dropgate_wire::edit;

use super::traceparent::{Ids, SAMPLED, SpanId, Traceparent};
use super::tracestate;

/// The most that is looked at of a `baggage`, bytes; what is longer is left out.
const MAX_BAGGAGE: usize = 8192;

/// Whether the server is told of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagate {
    /// `params._meta` of its requests names the span of the call.
    #[default]
    Yes,
    /// Its requests are the bytes that came.
    No,
}

/// Where a request has what belongs to its trace.
#[derive(Debug, Default)]
struct Places {
    params: Option<Range<usize>>,
    meta: Option<Range<usize>>,
}

impl Places {
    /// Looks for them in a line that was scanned before.
    fn find(line: &[u8]) -> Self {
        let inside = |outer: &Range<usize>, name| {
            let [found] = edit::members(line.get(outer.clone())?, [name])?;
            found.map(|at| outer.start + at.start..outer.start + at.end)
        };
        let is_object = |at: &Range<usize>| line.get(at.start) == Some(&b'{');
        let params = inside(&(0..line.len()), "params").filter(is_object);
        Self {
            meta: params.as_ref().and_then(|params| inside(params, "_meta")),
            params,
        }
    }
}

/// What is kept of a call's trace until the call ends.
#[derive(Debug)]
pub(crate) struct Trace {
    /// The span of the request as the host made it.
    pub(crate) server: Traceparent,
    /// Of which the host's own is the parent, if it named one.
    pub(crate) parent: Option<SpanId>,
    /// The span of the request as the server got it.
    pub(crate) client: SpanId,
    pub(crate) state: Option<Box<str>>,
    /// When it was sent.
    pub(crate) sent: Option<Duration>,
    /// The prompt that it asks for.
    pub(crate) prompt: Option<Arc<str>>,
    places: Places,
    /// What of the host's baggage goes on; none if it had none.
    baggage: Option<String>,
}

impl Trace {
    /// Begins the trace of a request, or goes on with the one that it belongs to. `allowed` are the
    /// keys of baggage that may pass. None while there is nothing to name spans with.
    pub(crate) fn begin(line: &[u8], allowed: &[Box<str>], ids: &mut Ids) -> Option<Box<Self>> {
        let places = Places::find(line);
        let meta = places.meta.clone().and_then(|at| line.get(at));
        let [parent, state, baggage] = meta
            .and_then(|meta| {
                let names = ["traceparent", "tracestate", "baggage"];
                let found = edit::members(meta, names)?;
                Some(found.map(|at| text(meta.get(at?)?)))
            })
            .unwrap_or_default();
        let parent = parent.as_deref().and_then(Traceparent::parse);
        let span = ids.next()?;
        let server = match parent {
            Some(parent) => Traceparent { span, ..parent },
            None => Traceparent {
                trace: ids.next()?,
                span,
                flags: SAMPLED,
            },
        };
        Some(Box::new(Self {
            server,
            parent: parent.map(|parent| parent.span),
            client: ids.next()?,
            // Without its parent it says nothing.
            state: state
                .filter(|state| parent.is_some() && tracestate::is_valid(state))
                .map(String::into_boxed_str),
            sent: None,
            prompt: None,
            places,
            baggage: baggage.map(|list| kept(&list, allowed)),
        }))
    }

    /// Whether its spans are recorded: the host decides for traces of its own.
    pub(crate) fn is_sampled(&self) -> bool {
        self.server.flags & SAMPLED != 0
    }

    /// The request as the server is to get it; none if that is as it came.
    pub(crate) fn rewritten(&self, line: &[u8]) -> Option<Vec<u8>> {
        let params = self.places.params.as_ref()?;
        // Nobody records a span of ours between the host's and the server's.
        let span = match (self.parent, self.is_sampled()) {
            (Some(parent), false) => parent,
            (_, _) => self.client,
        };
        let context = Traceparent {
            span,
            ..self.server
        };
        let context = edit::quoted(&context.text());
        let change = match &self.places.meta {
            None => {
                let object = [br#"{"traceparent":"#, context.as_slice(), b"}"].concat();
                edit::prepend_member(line, params, "_meta", &object)
            }
            Some(at) => edit::Edit {
                at: at.clone(),
                bytes: self.meta(line.get(at.clone())?, &context)?,
            },
        };
        edit::edited(line, vec![change])
    }

    /// `_meta` with this context in place of the host's.
    fn meta(&self, object: &[u8], context: &[u8]) -> Option<Vec<u8>> {
        let mut object = match &self.state {
            Some(_) => object.to_vec(),
            None => edit::without_member(object, "tracestate")?,
        };
        match self.baggage.as_deref() {
            None | Some("") => object = edit::without_member(&object, "baggage")?,
            Some(kept) => object = edit::with_member(&object, "baggage", &edit::quoted(kept))?,
        }
        edit::with_member(&object, "traceparent", context)
    }
}

/// A JSON text.
fn text(json: &[u8]) -> Option<String> {
    serde_json::from_slice(json).ok()
}

/// The members of a baggage whose keys are allowed.
fn kept(list: &str, allowed: &[Box<str>]) -> String {
    if list.len() > MAX_BAGGAGE {
        return String::new();
    }
    let key = |member: &str| {
        member
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let members = list
        .split(',')
        .filter(|member| allowed.iter().any(|one| **one == *key(member)));
    members.map(str::trim).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// What becomes of a `params`, with the names of spans made equal.
    fn sent(params: &str, allowed: &[&str]) -> String {
        let line = format!(r#"{{"id":1,"method":"tools/call","params":{params}}}"#);
        let allowed: Vec<Box<str>> = allowed.iter().map(|key| (*key).into()).collect();
        let trace = Trace::begin(line.as_bytes(), &allowed, &mut Ids::new()).unwrap();
        let rewritten = trace.rewritten(line.as_bytes()).unwrap();
        let text = String::from_utf8(rewritten).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["id"], 1);
        let text = text.replace(&super::super::traceparent::digits(&trace.client), "SPAN");
        let text = text.replace(
            &super::super::traceparent::digits(&trace.server.trace),
            "TRACE",
        );
        text.strip_prefix(r#"{"id":1,"method":"tools/call","params":"#)
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap()
            .to_owned()
    }

    #[test]
    fn only_what_names_the_trace_changes() {
        let fresh = r#""traceparent":"00-TRACE-SPAN-01""#;
        let rows = [
            (r#"{}"#.to_owned(), format!(r#"{{"_meta":{{{fresh}}}}}"#)),
            (
                r#"{"name":"a", "arguments":{"n":1.10}}"#.to_owned(),
                format!(r#"{{"_meta":{{{fresh}}},"name":"a", "arguments":{{"n":1.10}}}}"#),
            ),
            (
                r#"{"_meta":{ "progressToken":7 },"name":"a"}"#.to_owned(),
                format!(r#"{{"_meta":{{{fresh}, "progressToken":7 }},"name":"a"}}"#),
            ),
            (
                r#"{"_meta":{"traceparent":"nonsense","tracestate":"a=b","x":1}}"#.to_owned(),
                format!(r#"{{"_meta":{{{fresh},"x":1}}}}"#),
            ),
            (
                r#"{"_meta":{"tracestate":"a=b"}}"#.to_owned(),
                format!(r#"{{"_meta":{{{fresh}}}}}"#),
            ),
            (
                format!(r#"{{"_meta":{{"tracestate":"a=\nb","traceparent":"{PARENT}"}}}}"#),
                format!(r#"{{"_meta":{{{fresh}}}}}"#),
            ),
            (
                format!(r#"{{"_meta":{{"tracestate":"a=b","traceparent":"{PARENT}"}}}}"#),
                format!(r#"{{"_meta":{{"tracestate":"a=b",{fresh}}}}}"#),
            ),
        ];
        for (params, expected) in rows {
            assert_eq!(sent(&params, &[]), expected, "{params}");
        }
    }

    #[test]
    fn a_trace_that_is_not_recorded_passes_as_it_came() {
        let params = format!(
            r#"{{"_meta":{{"traceparent":"{}"}}}}"#,
            PARENT.replace("-01", "-00")
        );
        let parent = params.replace("4bf92f3577b34da6a3ce929d0e0e4736", "TRACE");
        assert_eq!(sent(&params, &[]), parent);
    }

    #[test]
    fn baggage_passes_where_it_is_allowed() {
        let list = "tenant=a;p=1, user=b,tenants=c";
        let params = format!(r#"{{"_meta":{{"baggage":"{list}","x":1}}}}"#);
        let has = |kept: &str| {
            format!(r#"{{"_meta":{{"traceparent":"00-TRACE-SPAN-01","baggage":"{kept}","x":1}}}}"#)
        };
        assert_eq!(sent(&params, &["tenant"]), has("tenant=a;p=1"));
        assert_eq!(
            sent(&params, &["user", "tenant"]),
            has("tenant=a;p=1,user=b")
        );
        for allowed in [&[][..], &["other"]] {
            assert!(!sent(&params, allowed).contains("baggage"));
        }
        let long = format!(
            r#"{{"_meta":{{"baggage":"tenant={}"}}}}"#,
            "x".repeat(MAX_BAGGAGE)
        );
        assert!(!sent(&long, &["tenant"]).contains("baggage"));
    }
}
