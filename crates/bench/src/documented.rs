//! The command lines on the pages are ones that this program takes.

use clap::Parser as _;

use crate::Cli;

const PAGES: [&str; 2] = [
    include_str!("../../../README.md"),
    include_str!("../../../docs/performance.md"),
];
const PROGRAM: &str = "target/release/postern-bench";

#[test]
fn every_command_line_on_the_pages_is_understood() {
    let written = PAGES.iter().flat_map(|page| page.split(['`', '\n']));
    let lines: Vec<_> = written.filter(|text| text.starts_with(PROGRAM)).collect();
    assert!(lines.len() > 6, "{lines:?}");
    for line in lines {
        let typed = line.split('#').next().unwrap_or_default();
        let read = Cli::try_parse_from(typed.split_whitespace());
        assert!(read.is_ok(), "{line}: {read:?}");
    }
    assert!(Cli::try_parse_from([PROGRAM, "tables", "--lines", "1"]).is_err());
}

#[test]
fn the_alias_of_the_pages_runs_this_program_and_leaves_the_rest_to_it() {
    let aliases = include_str!("../../../.cargo/config.toml");
    assert!(PAGES[0].contains("\ncargo bench-postern\n"));
    let alias = format!(
        "bench-postern = \"run --release -p {} --\"",
        env!("CARGO_PKG_NAME")
    );
    assert!(aliases.lines().any(|line| line == alias), "{aliases}");
}
