//! The command line: the demo's whole way, help, clear refusals.

use postern_testkit::DEADLINE;

use crate::postern;

#[tokio::test]
async fn the_demo_goes_the_whole_way_and_exits_0() -> anyhow::Result<()> {
    for arguments in [&["demo", "--once"][..], &["demo", "--", "--once"]] {
        let output = tokio::time::timeout(DEADLINE, postern().command(arguments).output()).await??;
        let said = String::from_utf8(output.stdout)?;
        assert_eq!(
            output.status.code(),
            Some(0),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut rest = said.as_str();
        for step in ["█", "connected", "queued", "processing", "read", "received"] {
            let found = rest.find(step);
            assert!(found.is_some(), "no {step} in order in:\n{said}");
            rest = &rest[found.unwrap_or_default()..];
        }
    }
    Ok(())
}

#[tokio::test]
async fn help_teaches_and_mistakes_exit_2() -> anyhow::Result<()> {
    let help = postern().command(&["--help"]).output().await?;
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout)?;
    for command in ["serve", "device", "demo", "sandbox", "config"] {
        assert!(text.contains(command), "{command}");
    }
    assert_eq!(postern().command(&["fly"]).output().await?.status.code(), Some(2));

    let mut bad = postern().command(&["serve", "--listen", "127.0.0.1:0"]);
    let bad = bad.env("POSTERN_DATA__READERS", "0").output().await?;
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8(bad.stderr)?.contains("data.readers is 0, expected 1 to 64"));

    let folder = tempfile::tempdir()?;
    let mut bad = postern().command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let bad = bad
        .arg(folder.path())
        .env("POSTERN_BOOTSTRAP_API_KEY", "short")
        .output()
        .await?;
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8(bad.stderr)?.contains("POSTERN_BOOTSTRAP_API_KEY"));
    Ok(())
}

#[tokio::test]
async fn a_sandbox_build_refuses_the_real_service() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut serve = postern().command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let output = tokio::time::timeout(DEADLINE, serve.arg(folder.path()).output()).await??;
    assert_ne!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("sandbox"), "{said}");
    Ok(())
}
