//! The `postern` binary: parses, runs, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    postern::main(std::env::args_os(), std::env::vars())
}
