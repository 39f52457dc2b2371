//! What `postern device` says when it cannot do what it was asked.

use postern_testkit::{TestDaemon, TestSandbox};

use super::{device_command, refused, run};
use crate::{linked, postern};

#[tokio::test]
async fn without_a_daemon_it_says_how_to_start_one() -> anyhow::Result<()> {
    let url = "http://127.0.0.1:1";
    let mut list = postern().command(&["device", "list", "--url", url]);
    let key = format!("sk_live_{}", "0".repeat(48));
    list.env("POSTERN_API_KEY", key);
    let said = run(list).await?;
    assert_eq!(said.code, Some(3));
    assert!(
        said.err.contains(&format!("no daemon answers at {url}")),
        "{}",
        said.err
    );
    assert!(said.err.contains("`postern serve`"), "{}", said.err);
    Ok(())
}

#[tokio::test]
async fn a_key_is_asked_for_and_a_wrong_one_is_called_wrong() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let mut list = device_command(&daemon, &["list"]);
    list.env_remove("POSTERN_API_KEY");
    let said = run(list).await?;
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("set POSTERN_API_KEY"), "{}", said.err);

    let wrong = format!("sk_live_{}", "0".repeat(48));
    let mut list = device_command(&daemon, &["list"]);
    list.env("POSTERN_API_KEY", &wrong);
    let said = run(list).await?;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("set POSTERN_API_KEY"), "{}", said.err);
    assert!(!said.err.contains(&wrong), "{}", said.err);

    // A key in a file wins over the variable.
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), format!("{}\n", daemon.key()))?;
    let mut list = device_command(&daemon, &["list", "--api-key-file"]);
    list.arg(file.path()).env("POSTERN_API_KEY", &wrong);
    let said = run(list).await?;
    assert_eq!(said.code, Some(0), "{}", said.err);
    Ok(())
}

#[tokio::test]
async fn a_device_must_be_named_without_doubt() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let (first, second) = (daemon.create_device().await?, daemon.create_device().await?);
    let error = refused(&daemon, &["show", "test"], 1).await?;
    assert!(error.contains(&first) && error.contains(&second), "{error}");
    let error = refused(&daemon, &["show", "sales"], 1).await?;
    assert!(error.contains("no device is called \"sales\""), "{error}");
    let unknown = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D";
    let error = refused(&daemon, &["show", unknown], 1).await?;
    assert!(error.contains(unknown), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_script_must_say_that_it_means_to_remove() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let error = refused(&daemon, &["remove", "test"], 2).await?;
    assert!(error.contains("--yes"), "{error}");
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_api_is_said_in_its_words() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let error = refused(&daemon, &["add", &"x".repeat(101)], 1).await?;
    assert!(
        error.contains("name: must have at most 100 characters"),
        "{error}"
    );
    Ok(())
}
