//! A badge, as the endpoint of shields.io takes it.

use serde::Serialize;

use crate::analysis::Analysis;
use crate::score::Grade;

/// The badge's text and colour.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Badge {
    schema_version: u8,
    label: &'static str,
    message: String,
    color: &'static str,
}

impl Badge {
    /// The badge of an analysis; grey where there is no grade.
    pub fn of(analysis: &Analysis) -> Self {
        let (message, color) = match &analysis.score {
            Some(score) => (
                format!("{} {}", score.grade, score.score),
                color(score.grade),
            ),
            None => ("no grade".to_owned(), "lightgrey"),
        };
        Self {
            schema_version: 1,
            label: "dropgate audit",
            message,
            color,
        }
    }
}

fn color(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "brightgreen",
        Grade::B => "green",
        Grade::C => "yellow",
        Grade::D => "orange",
        Grade::F => "red",
    }
}
