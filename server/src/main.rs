//! The binary `penstock`: parses the command line and dispatches.

fn main() {}
