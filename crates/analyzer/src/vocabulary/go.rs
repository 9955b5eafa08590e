//! Names of Go libraries.

use super::Row;

/// The reviewed rows.
pub const ROWS: &[Row] = &[];
