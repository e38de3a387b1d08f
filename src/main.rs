//! Exit codes.
fn main() {}
