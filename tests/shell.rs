//! What operators and scripts do from a shell: operators of the dashboard, messages, usage, health, manuals, exit codes.

use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox, eventually};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::dashboard::visitor::Visitor;
use crate::{CONTACT, linked, postern};

/// What a command said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(mut command: Command, input: &str) -> anyhow::Result<Said> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("its input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let ended = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
    let output = ended.context("it does not end")??;
    Ok(Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

async fn asked(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<Said> {
    let mut command = postern().command(arguments);
    command
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key());
    run(command, "").await
}

/// `postern operator …` on the data folder of a daemon.
async fn operator(daemon: &TestDaemon, arguments: &[&str], input: &str) -> anyhow::Result<Said> {
    let mut command = postern().command(&["operator"]);
    command.args(arguments).arg("--data-dir").arg(daemon.data_dir());
    run(command, input).await
}

/// Whether somebody gets in with this password.
async fn logs_in(daemon: &TestDaemon, name: &str, password: &str) -> anyhow::Result<bool> {
    let visitor = Visitor::of(daemon.http().base())?;
    let answer = visitor
        .post("/login", &[("name", name), ("password", password)])
        .await?;
    Ok(answer.status == 303)
}

#[tokio::test]
async fn an_owner_who_is_locked_out_gets_in_again_from_the_shell() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let mut daemon = TestDaemon::start(&postern(), &network).await?;
    // While the daemon runs, and without any key.
    let viewer = operator(&daemon, &["add", "bob"], "").await?;
    assert_eq!(viewer.code, Some(1), "nobody could manage people");
    assert!(viewer.err.contains("--role owner"), "{}", viewer.err);
    let added = operator(&daemon, &["add", "Ada", "--role", "owner"], "").await?;
    assert_eq!(added.code, Some(0), "{}", added.err);
    let first = added.out.trim_end().to_owned();
    assert!(logs_in(&daemon, "ada", &first).await?);
    assert!(!logs_in(&daemon, "ada", "something else").await?);

    let anew = operator(&daemon, &["password", "ada", "--stdin"], "a few words of mine\n").await?;
    assert_eq!((anew.code, anew.out.as_str()), (Some(0), ""), "{}", anew.err);
    assert!(!logs_in(&daemon, "ada", &first).await?);
    assert!(logs_in(&daemon, "ada", "a few words of mine").await?);

    for (arguments, input, said) in [
        (&["add", "ada"][..], "", "the name is taken"),
        (&["role", "ada", "viewer"], "", "the last owner has to stay one"),
        (&["remove", "ada"], "", "the last owner has to stay one"),
        (&["password", "bob"], "", "there is no operator bob"),
        (
            &["password", "ada", "--stdin"],
            "short",
            "must have 10 to 200 characters",
        ),
    ] {
        let refused = operator(&daemon, arguments, input).await?;
        assert_eq!(refused.code, Some(1), "{arguments:?}");
        assert!(refused.err.contains(said), "{arguments:?}: {}", refused.err);
    }
    assert!(logs_in(&daemon, "ada", "a few words of mine").await?);

    // And while none runs.
    assert_eq!(daemon.terminate().await?, Some(0));
    let added = operator(&daemon, &["add", "bob"], "").await?;
    assert_eq!(added.code, Some(0), "{}", added.err);
    let moved = operator(&daemon, &["role", "bob", "operator"], "").await?;
    assert_eq!((moved.code, moved.out.as_str()), (Some(0), "bob is operator\n"));
    let listed = operator(&daemon, &["list", "--json"], "").await?;
    let rows: Vec<Value> = listed
        .out
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let who: Vec<_> = rows.iter().map(|row| (&row["name"], &row["role"])).collect();
    assert_eq!(who.len(), 2);
    assert_eq!((who[0].0, who[0].1), (&Value::from("ada"), &Value::from("owner")));
    assert_eq!(
        (who[1].0, who[1].1),
        (&Value::from("bob"), &Value::from("operator"))
    );
    let table = operator(&daemon, &["list"], "").await?;
    assert!(table.out.starts_with("NAME  ROLE"), "{}", table.out);

    // The key of the webhooks' secrets is none of its business: it may be configured elsewhere.
    let key = daemon.data_dir().join("secrets.key");
    std::fs::remove_file(&key)?;
    assert_eq!(operator(&daemon, &["list"], "").await?.code, Some(0));
    assert!(!key.exists());

    daemon.restart().await?;
    assert!(logs_in(&daemon, "bob", added.out.trim_end()).await?);
    Ok(())
}

#[tokio::test]
async fn operators_of_nothing_are_refused_and_nothing_is_made() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = postern().command(&["operator", "list", "--data-dir"]);
    command.arg(folder.path());
    let refused = run(command, "").await?;
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.err.contains("postern.db"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn messages_are_listed_shown_canceled_and_retried() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let read = daemon.send_text(&device, CONTACT, "the first").await?;
    daemon.message_reaches(&read, "read").await?;
    let listed = asked(&daemon, &["messages", "list", "--status", "read"]).await?;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(listed.out.contains(&read) && !listed.out.contains("the first"));
    let shown = asked(&daemon, &["messages", "show", &read]).await?;
    assert!(
        shown.out.contains("queued") && shown.out.contains("read"),
        "{}",
        shown.out
    );
    let shown = asked(&daemon, &["messages", "show", &read, "--json"]).await?;
    let message: Value = serde_json::from_str(&shown.out)?;
    assert_eq!(message["text"]["body"], "the first");

    let created = serde_json::from_str::<Value>(&shown.out)?["createdAt"].clone();
    let created = chrono::DateTime::parse_from_rfc3339(created.as_str().context("a time")?)?;
    let tomorrow = (created + chrono::TimeDelta::days(1)).to_rfc3339();
    let later = daemon
        .http()
        .post(
            "/v1/messages",
            &serde_json::json!({ "deviceId": device, "to": CONTACT, "type": "text",
                "text": { "body": "later" }, "sendAt": tomorrow }),
        )
        .await?
        .ok()?;
    let later = later["id"].as_str().context("an id")?;
    let canceled = asked(&daemon, &["messages", "cancel", later, "--json"]).await?;
    let message: Value = serde_json::from_str(&canceled.out)?;
    assert_eq!(
        (canceled.code, &message["status"]),
        (Some(0), &Value::from("canceled"))
    );
    // What is over stays over, and is said in the words of the API.
    let refused = asked(&daemon, &["messages", "cancel", &read]).await?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains(&format!("{read} was left alone")),
        "{}",
        refused.err
    );
    let refused = asked(&daemon, &["messages", "retry", &read]).await?;
    assert_eq!(refused.code, Some(1));

    let pages = asked(&daemon, &["messages", "list", "--limit", "1", "--json"]).await?;
    assert_eq!(pages.out.lines().count(), 1, "{}", pages.out);
    let used = asked(&daemon, &["usage", "--json"]).await?;
    let used: Value = serde_json::from_str(&used.out)?;
    assert_eq!(used["messages"]["used"], 2);
    let used = asked(&daemon, &["usage"]).await?;
    assert!(used.out.contains("no limit"), "{}", used.out);
    for list in [&["keys", "list", "--json"][..], &["workspace", "list", "--json"]] {
        let listed = asked(&daemon, list).await?;
        let row: Value = serde_json::from_str(listed.out.lines().next().context("a line")?)?;
        assert!(row["id"].is_string(), "{row}");
    }
    Ok(())
}

#[tokio::test]
async fn health_says_ready_not_ready_and_nobody_there_by_its_exit_code() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let options = postern_testkit::DaemonOptions::default().set("SERVER__DRAIN", "300");
    let mut daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let ready = asked(&daemon, &["health"]).await?;
    assert_eq!(
        (ready.code, ready.out.as_str()),
        (Some(0), "ok\n"),
        "{}",
        ready.err
    );

    let process = daemon.pid().context("it runs")?.to_string();
    let told = Command::new("kill").args(["-TERM", &process]).status().await?;
    assert!(told.success());
    let stopping = eventually("it is not ready", || async {
        let said = asked(&daemon, &["health"]).await?;
        Ok((said.code != Some(0)).then_some(said))
    })
    .await?;
    assert_eq!(stopping.code, Some(1));
    assert!(stopping.err.contains("STOPPING"), "{}", stopping.err);
    assert_eq!(asked(&daemon, &["health", "--live"]).await?.code, Some(0));

    assert_eq!(daemon.terminate().await?, Some(0));
    let gone = asked(&daemon, &["health"]).await?;
    assert_eq!(gone.code, Some(3), "{}", gone.err);
    assert_eq!(asked(&daemon, &["messages", "list"]).await?.code, Some(3));
    Ok(())
}

#[tokio::test]
async fn manuals_completions_and_exit_codes_are_there() -> anyhow::Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(postern().command(&["completions", shell]), "").await?;
        assert_eq!(said.code, Some(0), "{shell}");
        assert!(
            said.out.contains("postern") && said.out.contains("webhooks"),
            "{shell}"
        );
    }
    let page = run(postern().command(&["man"]), "").await?;
    assert!(page.out.contains(".TH postern 1"), "{}", page.out);
    let folder = tempfile::tempdir()?;
    let mut command = postern().command(&["man", "--dir"]);
    command.arg(folder.path());
    assert_eq!(run(command, "").await?.code, Some(0));
    for page in ["postern.1", "postern-serve.1", "postern-operator-password.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
    for command in [&["help", "exit-codes"][..], &["exit-codes"]] {
        let said = run(postern().command(command), "").await?;
        assert_eq!(said.code, Some(0));
        for code in ["0 ", "1 ", "2 ", "3 "] {
            assert!(
                said.out.lines().any(|line| line.starts_with(code)),
                "{}",
                said.out
            );
        }
    }
    assert_eq!(
        run(postern().command(&["completions", "tcsh"]), "").await?.code,
        Some(2)
    );
    Ok(())
}
