//! The keys that weaken a guarantee: told at every start.

use super::written::{BreakerOrder, Config};

/// What weakens a guarantee, as it stands in the file.
pub(crate) fn weakenings(config: &Config) -> Vec<String> {
    let set = [
        (
            "tools.danger_trust_annotations",
            config.tools.all.danger_trust_annotations,
        ),
        ("journal.danger_off", config.journal.danger_off),
    ];
    let keys = set.into_iter().filter(|(_, value)| *value == Some(true));
    let orders = std::iter::once(("breaker.server".to_owned(), config.breaker.server)).chain(
        config.breaker.tools.iter().map(|(tool, order)| {
            (
                format!("breaker.tools.{}", tool.escape_debug()),
                Some(*order),
            )
        }),
    );
    let orders =
        orders.filter_map(|(name, order)| Some(format!("{name} = {:?}", lets_through(order?)?)));
    keys.map(|(name, _)| name.to_owned())
        .chain(orders)
        .collect()
}

/// The order's word, if it lets calls through that a breaker would stop.
fn lets_through(order: BreakerOrder) -> Option<&'static str> {
    match order {
        BreakerOrder::Auto | BreakerOrder::Open => None,
        BreakerOrder::Closed => Some("closed"),
        BreakerOrder::Off => Some("off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn every_key_that_says_danger_is_known_here() {
        let schema = crate::config::reference::schema();
        let named = schema.matches("\"danger_").count();
        let text = "[tools]\ndanger_trust_annotations = true\n[journal]\ndanger_off = true\n";
        let config = parse(text, std::path::Path::new("a.toml")).unwrap();
        assert_eq!(weakenings(&config).len(), named);
        assert!(weakenings(&Config::default()).is_empty());
    }

    #[test]
    fn an_order_that_lets_calls_through_is_told_and_one_that_stops_them_is_not() {
        let text = "[breaker]\nserver = \"off\"\n[breaker.tools]\na = \"closed\"\nb = \"open\"\nc = \"auto\"\n";
        let config = parse(text, std::path::Path::new("a.toml")).unwrap();
        let told = ["breaker.server = \"off\"", "breaker.tools.a = \"closed\""];
        assert_eq!(weakenings(&config), told);
    }
}
