//! The keys that weaken a guarantee: told at every start.

use super::written::Config;

/// The names of the weakening keys that are set, as they stand in the file.
pub(crate) fn weakenings(config: &Config) -> Vec<&'static str> {
    let set = [
        (
            "tools.danger_trust_annotations",
            config.tools.all.danger_trust_annotations,
        ),
        ("journal.danger_off", config.journal.danger_off),
    ];
    set.into_iter()
        .filter(|(_, value)| *value == Some(true))
        .map(|(name, _)| name)
        .collect()
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
}
