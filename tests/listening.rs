//! `postern listen` as the author of a consumer uses it: the built command, a daemon, and a consumer on a socket.

use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::{CONTACT, linked, postern};

/// The command, running.
struct Listening {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

fn command(daemon: &TestDaemon, arguments: &[&str]) -> Command {
    let mut command = postern().command(&["listen"]);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command.env("POSTERN_URL", daemon.http().base());
    command.env("POSTERN_API_KEY", daemon.key());
    command
}

impl Listening {
    fn start(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = command(daemon, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        Ok(Self { _child: child, lines })
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let line = timeout(DEADLINE, self.lines.next_line())
            .await
            .context("it prints nothing")?;
        line?.context("it ended")
    }

    async fn json(&mut self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.line().await?)?)
    }
}

/// What a consumer was sent.
struct Posted {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Takes one request and answers it with a status.
async fn take(consumer: &TcpListener, status: &str) -> anyhow::Result<Posted> {
    let accepted = timeout(DEADLINE, consumer.accept())
        .await
        .context("nothing is posted")?;
    let mut socket = BufReader::new(accepted?.0);
    let mut line = String::new();
    socket.read_line(&mut line).await?;
    let path = line.split_whitespace().nth(1).context("a request")?.to_owned();
    let mut headers = HeaderMap::new();
    loop {
        line.clear();
        socket.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
    }
    let length: usize = headers["content-length"].to_str()?.parse()?;
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    socket.write_all(answer.as_bytes()).await?;
    Ok(Posted { path, headers, body })
}

#[tokio::test]
async fn events_are_posted_as_webhooks_are() -> anyhow::Result<()> {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (_network, daemon, device) = linked().await?;
    let message = daemon.send_text(&device, CONTACT, "before").await?;
    let consumer = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook?x=1", consumer.local_addr()?);
    let types = "message.accepted,message.failed";
    let arguments = [
        "--forward",
        &url,
        "--secret",
        SECRET,
        "--since",
        "1h",
        "--types",
        types,
    ];
    let mut listening = Listening::start(&daemon, &arguments)?;
    let posted = take(&consumer, "204 No Content").await?;
    assert_eq!(posted.path, "/hook?x=1");
    assert_eq!(posted.headers["content-type"], "application/json");
    Webhook::new(SECRET)?.verify(&posted.body, &posted.headers)?;
    let body: Value = serde_json::from_slice(&posted.body)?;
    assert_eq!(body["type"], "message.accepted");
    assert_eq!(body["data"]["messageId"], message.as_str());
    let id = posted.headers["webhook-id"].to_str()?.to_owned();
    let event = daemon.http().get(&format!("/v1/events/{id}")).await?.ok()?;
    assert_eq!(event["data"], body["data"]);
    let line = listening.line().await?;
    assert!(
        line.starts_with("message.accepted") && line.contains(" 204 ") && line.contains(&id),
        "{line}"
    );

    // What is refused is said, and what comes after it is posted all the same.
    for status in ["500 Internal Server Error", "200 OK"] {
        daemon.send_text(&device, CONTACT, "after").await?;
        take(&consumer, status).await?;
        let line = listening.line().await?;
        assert!(line.contains(&status[..3]), "{line}");
    }
    drop(consumer);
    daemon.send_text(&device, CONTACT, "nobody").await?;
    assert!(listening.line().await?.contains("not reached"));
    Ok(())
}

#[tokio::test]
async fn listening_goes_on_after_the_daemon_was_away() -> anyhow::Result<()> {
    let (_network, mut daemon, device) = linked().await?;
    // The command has to find it again at the same address.
    let address = daemon.http().base().trim_start_matches("http://").to_owned();
    let first = daemon.send_text(&device, CONTACT, "first").await?;
    let arguments = ["--print", "json", "--types", "message.accepted", "--since", "1h"];
    let mut listening = Listening::start(&daemon, &arguments)?;
    let heard = listening.json().await?;
    assert_eq!(heard["data"]["messageId"], first.as_str());
    assert!(
        heard["id"].as_str().is_some_and(|id| id.starts_with("evt_")),
        "{heard}"
    );
    daemon.kill().await?;
    let options = postern_testkit::DaemonOptions::default().listening(&address);
    // Somebody else's connection may have the port for a moment.
    let restarted = async { while daemon.restart_with(options.clone()).await.is_err() {} };
    timeout(DEADLINE, restarted).await?;
    daemon.device_becomes(&device, "connected").await?;
    let second = daemon.send_text(&device, CONTACT, "second").await?;
    assert_eq!(listening.json().await?["data"]["messageId"], second.as_str());

    // From now on, by default; and a line each.
    let mut listening = Listening::start(&daemon, &["--types", "message.accepted", "--device", &device])?;
    let line = loop {
        let sent = daemon.send_text(&device, CONTACT, "third").await?;
        let told = timeout(std::time::Duration::from_secs(1), listening.line()).await;
        if let Ok(line) = told {
            drop(sent);
            break line?;
        }
    };
    assert!(
        line.contains(" message.accepted ") && line.contains(" evt_"),
        "{line}"
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_refused_with_the_reason() -> anyhow::Result<()> {
    let (_network, daemon, _device) = linked().await?;
    for (arguments, code, why) in [
        (&["--device", "nobody"][..], 1, "no device is called"),
        (
            &["--since", "evt_01JDXW7C9H3E5R2T8Y6V4J0P1A"],
            1,
            "not in the log",
        ),
        (&["--types", "message.lost"], 2, "message.received"),
    ] {
        let output = timeout(DEADLINE, command(&daemon, arguments).output()).await??;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(why), "{said}");
    }
    Ok(())
}
