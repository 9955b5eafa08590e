//! What is open around a call: `with redirect_stdout(…):`, `async with asyncio.timeout(5):`.

use crate::facts::{Expr, StmtKind, walk};
use crate::link::{Project, Site};

/// Whether a `with` around the call opens something of this kind.
pub(super) fn is_within<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    is_such: impl Fn(&'a Expr) -> bool,
) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::around(&function.body, site.span, &mut |stmt| {
        if let StmtKind::With { resources, .. } = &stmt.kind {
            found |= resources.iter().any(|resource| is_such(&resource.value));
        }
    });
    found
}
