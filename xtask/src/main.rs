//! Developer tasks: test, ci, tidy, bench, soak, docs.

fn main() {}
