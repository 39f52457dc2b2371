//! What the pages show in other languages is what they say it is: settings that are accepted, JSON, YAML, command lines.

use std::fs;
use std::process::Stdio;

use anyhow::Context as _;
use clap::Parser as _;
use postern::cli::Cli;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::blocks::blocks;
use super::{all, text};
use crate::postern;

/// The blocks of a language on all pages, each with the name of its page.
fn written_in(language: &str) -> anyhow::Result<Vec<(String, String)>> {
    marked(language, "")
}

/// Those that are marked so.
fn marked(language: &str, mark: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for page in all()? {
        let text = text(&page)?;
        let blocks = blocks(&text)
            .into_iter()
            .filter(|block| (block.language, block.mark) == (language, mark));
        found.extend(blocks.map(|block| (page.clone(), block.code.to_owned())));
    }
    anyhow::ensure!(!found.is_empty(), "no page has {language}");
    Ok(found)
}

/// Exit code and complaint of a command that reads settings and then finds no data.
async fn read_settings(file: &str) -> anyhow::Result<(Option<i32>, String)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("postern.toml");
    fs::write(&path, file)?;
    let mut command = postern().command(&["check", "--config"]);
    let output = command
        .arg(&path)
        .arg("--data-dir")
        .arg(folder.path())
        .output()
        .await?;
    Ok((output.status.code(), String::from_utf8(output.stderr)?))
}

#[tokio::test]
async fn settings_on_pages_are_accepted() -> anyhow::Result<()> {
    for (page, settings) in written_in("toml")? {
        let (code, complaint) = read_settings(&settings).await?;
        // 2 would be for the settings.
        assert_eq!(code, Some(1), "{page}: {settings}\n{complaint}");
        assert!(complaint.contains("postern.db"), "{page}: {complaint}");
    }
    for wrong in [
        "[server]\nlisten_on = \"127.0.0.1:1\"",
        "[metrics]\nlisten = 3",
        "[nothing]\na = 1",
    ] {
        let (code, complaint) = read_settings(wrong).await?;
        assert_eq!(code, Some(2), "{wrong}: {complaint}");
    }
    Ok(())
}

#[test]
fn json_on_pages_is_json() -> anyhow::Result<()> {
    for (page, code) in written_in("json")? {
        let read = serde_json::from_str::<Value>(&code);
        read.with_context(|| format!("{page}: {code}"))?;
    }
    Ok(())
}

/// Those that no shell of a test runs.
#[tokio::test]
async fn command_lines_of_examples_are_understood() -> anyhow::Result<()> {
    for (page, code) in [written_in("console")?, marked("sh", "elsewhere")?].concat() {
        for line in code.lines().map(|line| line.trim_start_matches("$ ")) {
            let line = line.split(" | ").next().unwrap_or_default();
            if !line.starts_with("postern ") {
                continue;
            }
            // A shell knows what a word is.
            let split = format!("printf '%s\\n' {line}");
            let words = Command::new("bash").args(["-c", &split]).output().await?.stdout;
            let words = String::from_utf8(words)?;
            if let Err(refusal) = Cli::try_parse_from(words.lines()) {
                anyhow::bail!("{page}: {line}: {refusal}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn yaml_on_pages_and_beside_them_is_yaml() -> anyhow::Result<()> {
    let mut files = written_in("yaml")?;
    for file in ["deploy/prometheus/alerts.yml", "deploy/prometheus/prometheus.yml"] {
        files.push((file.to_owned(), text(file)?));
    }
    for (page, code) in files {
        let Some(read) = yaml(&code).await.context(page)? else {
            return Ok(());
        };
        assert!(read.is_object(), "{code}");
    }
    Ok(())
}

/// What a YAML text holds; `None` where nothing can read it.
pub(super) async fn yaml(text: &str) -> anyhow::Result<Option<Value>> {
    const READ: &str = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let mut can = Command::new("python3");
    can.args(["-c", "import yaml"]).stderr(Stdio::null());
    if !can.status().await?.success() {
        println!(
            "SKIPPED: Python has no yaml here, so that of the pages is not read (tests/run installs it)"
        );
        return Ok(None);
    }
    let mut python = Command::new("python3");
    python
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = python.spawn()?;
    let mut input = child.stdin.take().context("its input")?;
    input.write_all(text.as_bytes()).await?;
    drop(input);
    let output = child.wait_with_output().await?;
    anyhow::ensure!(output.status.success(), "this is no YAML: {text}");
    let mut documents: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    Ok(documents.pop())
}
