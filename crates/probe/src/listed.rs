//! Which tools a server says that it has.

use serde_json::Value;

/// The names that an answer to `tools/list` holds; `None` where there may be more, or where it is no list.
pub(crate) fn tools(answer: &str) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let result = answer.get("result")?;
    if result.get("nextCursor").is_some_and(|next| !next.is_null()) {
        return None;
    }
    let tools = result.get("tools")?.as_array()?.iter();
    tools
        .map(|tool| tool.get("name")?.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_list_tells_what_is_not_there() {
        let whole = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a"},{"name":"b"}]}}"#;
        assert_eq!(tools(whole), Some(vec!["a".to_owned(), "b".to_owned()]));
        for text in [
            "",
            r#"{"id":2,"error":{"code":-32601,"message":"no"}}"#,
            r#"{"id":2,"result":{"tools":[{"name":"a"}],"nextCursor":"2"}}"#,
            r#"{"id":2,"result":{"tools":[{}]}}"#,
        ] {
            assert_eq!(tools(text), None, "{text}");
        }
    }
}
