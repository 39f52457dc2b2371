//! Compiles the protobuf schemas of what is stored, without protoc.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files =
        ["message", "event", "pacing", "analytics", "webhook"].map(|name| format!("postern/v1/{name}.proto"));
    let files = &files;
    for file in files {
        println!("cargo::rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(files, [&root])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
