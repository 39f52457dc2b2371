//! A short torture in every test run: what is accepted is neither lost nor doubled, whenever the daemon is killed.

use std::process::Command;

#[test]
fn what_is_accepted_survives_any_kill() {
    let output = Command::new(env!("CARGO_BIN_EXE_postern-bench"))
        .args(["torture", "--rounds", "3", "--seconds-per-round", "8"])
        .args(["--connections", "12", "--devices", "2"])
        .output()
        .expect("the benchmark runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
