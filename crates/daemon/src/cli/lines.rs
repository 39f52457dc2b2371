//! Whole command lines, as the tests of the commands try them.

use clap::Parser as _;

use super::Cli;

/// Every one is a mistake, and says so by its exit code.
pub(super) fn refused(lines: &[&str]) {
    for line in lines {
        let refused = Cli::try_parse_from(line.split_whitespace()).expect_err(line);
        assert_eq!(refused.exit_code(), 2, "{line}");
    }
}

/// Every one is understood.
pub(super) fn taken(lines: &[&str]) {
    for line in lines {
        Cli::try_parse_from(line.split_whitespace()).expect(line);
    }
}
