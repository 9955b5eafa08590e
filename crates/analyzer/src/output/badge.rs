//! A badge: as the endpoint of shields.io takes it, and drawn.

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

/// Width of a letter of the badge's type, in pixels. A number that is a little too large does no harm.
const LETTER: usize = 7;

/// The badge as an image that needs nothing else.
pub fn svg(analysis: &Analysis) -> String {
    let Badge {
        label,
        message,
        color,
        ..
    } = Badge::of(analysis);
    let (left, right) = ((label.len() + 2) * LETTER, (message.len() + 2) * LETTER);
    let whole = left + right;
    let (label_at, message_at) = (left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{label}: {message}\">\
         <title>{label}: {message}</title>\
         <rect width=\"{left}\" height=\"20\" fill=\"#555\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{label_at}\" y=\"14\">{label}</text><text x=\"{message_at}\" y=\"14\">{message}</text></g></svg>\n",
        drawn(color)
    )
}

/// What shields.io draws for the names of its colours.
fn drawn(color: &str) -> &'static str {
    match color {
        "brightgreen" => "#4c1",
        "green" => "#97ca00",
        "yellow" => "#dfb317",
        "orange" => "#fe7d37",
        "red" => "#e05d44",
        _grey => "#9f9f9f",
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
