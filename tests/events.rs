//! A reader of the event stream misses nothing and gets nothing twice, whatever happens to the daemon or to other readers.

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox, text};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{CONTACT, OWNER, linked};

/// A reader of server-sent events.
pub(crate) struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    /// Opens a stream after an event, or from now on.
    pub(crate) async fn open(daemon: &TestDaemon, query: &str, last: Option<&str>) -> anyhow::Result<Self> {
        let path = format!("/v1/events/stream{query}");
        let mut request = daemon.http().request(Method::GET, &path);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await?.error_for_status()?;
        Ok(Self {
            response,
            text: String::new(),
        })
    }

    /// The next event: its id and its data; nothing when the stream ends or breaks.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<(String, Value)>> {
        loop {
            while let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| piece.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    return Ok(Some((id.to_owned(), serde_json::from_str(data)?)));
                }
            }
            let chunk = timeout(DEADLINE, self.response.chunk())
                .await
                .context("nothing comes")?;
            match chunk {
                Ok(Some(bytes)) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(None) | Err(_) => return Ok(None),
            }
        }
    }

    /// Reads until an event is of this type; answers its data.
    pub(crate) async fn until(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            let (_, body) = self.next().await?.context("the stream ended")?;
            if body["type"] == kind {
                return Ok(body["data"].clone());
            }
        }
    }
}

/// The ids of all events, oldest first.
async fn all_ids(daemon: &TestDaemon) -> anyhow::Result<Vec<String>> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/events?order=oldest&limit=200{cursor}");
        let page = daemon.http().get(&path).await?.ok()?;
        let rows = page["data"].as_array().context("rows")?;
        ids.extend(
            rows.iter()
                .filter_map(|row| row["id"].as_str())
                .map(str::to_owned),
        );
        let Some(next) = page["nextCursor"].as_str() else {
            return Ok(ids);
        };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn a_reader_goes_on_after_a_kill_without_gap_or_repetition() -> anyhow::Result<()> {
    let (_network, mut daemon, device) = linked().await?;
    let mut reader = Reader::open(&daemon, "?from=2020-01-01T00:00:00Z", None).await?;
    let mut got: Vec<String> = Vec::new();
    for round in 0..4 {
        let mut last = String::new();
        for number in 0..25 {
            last = daemon
                .send_text(&device, CONTACT, &format!("{round} {number}"))
                .await?;
        }
        if round == 3 {
            daemon.message_reaches(&last, "read").await?;
            break;
        }
        // Some of it is read, and some is on its way when the daemon dies.
        for _ in 0..20 {
            got.push(reader.next().await?.context("an event")?.0);
        }
        daemon.kill().await?;
        while let Some((id, _)) = reader.next().await? {
            got.push(id);
        }
        daemon.restart().await?;
        daemon.device_becomes(&device, "connected").await?;
        reader = Reader::open(&daemon, "", got.last().map(String::as_str)).await?;
    }
    let all = all_ids(&daemon).await?;
    while got.len() < all.len() {
        got.push(reader.next().await?.context("an event")?.0);
    }
    assert_eq!(got, all);
    Ok(())
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_up_nobody_and_misses_nothing() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let mut asleep = Vec::new();
    for _ in 0..20 {
        let address = daemon.http().base().trim_start_matches("http://").to_owned();
        let mut socket = TcpStream::connect(&address).await?;
        let request = format!(
            "GET /v1/events/stream?from=2020-01-01T00:00:00Z HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            daemon.key()
        );
        socket.write_all(request.as_bytes()).await?;
        asleep.push(socket);
    }
    let mut awake = Reader::open(&daemon, "?type=message.accepted", None).await?;
    // Every event of a message carries its metadata: more in all than lies between a daemon and who does not read.
    let long = json!({ "long": "x".repeat(4_000) });
    for number in 0..300 {
        let mut message = text(&device, CONTACT, &number.to_string());
        message["metadata"] = long.clone();
        let sent = daemon.http().post("/v1/messages", &message).await?.ok()?;
        assert_eq!(awake.until("message.accepted").await?["messageId"], sent["id"]);
    }
    let mut late = Reader::open(&daemon, "?from=2020-01-01T00:00:00Z", None).await?;
    for _ in 0..300 {
        assert_eq!(late.until("message.accepted").await?["metadata"], long);
    }
    drop(asleep);
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_cleanly_when_the_daemon_stops() -> anyhow::Result<()> {
    let (_network, mut daemon, _device) = linked().await?;
    let mut reader = Reader::open(&daemon, "?type=quota.warning", None).await?;
    let (ended, exit) = tokio::join!(reader.next(), daemon.terminate());
    assert!(ended?.is_none());
    assert_eq!(exit?, Some(0));
    Ok(())
}

/// What a contact sends, as it is told of.
async fn told(
    network: &TestSandbox,
    reader: &mut Reader,
    from: &str,
    message: Value,
) -> anyhow::Result<(String, Value)> {
    let written = network
        .http()
        .post(&format!("/contacts/{from}/messages"), &message)
        .await?
        .ok()?;
    let stanza = written["stanzaId"].as_str().context("no id")?.to_owned();
    Ok((stanza, reader.until("message.received").await?))
}

#[tokio::test]
async fn whatever_a_contact_sends_is_told_of() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let mut reader = Reader::open(&daemon, "?type=message.received", None).await?;
    let (first, text) = told(
        &network,
        &mut reader,
        CONTACT,
        json!({ "to": OWNER, "text": "hello" }),
    )
    .await?;
    assert_eq!(text["from"], CONTACT);
    assert_eq!(text["chat"], CONTACT);
    assert!(
        text["fromLid"].as_str().is_some_and(|lid| lid.ends_with("@lid")),
        "{text}"
    );
    assert!(
        text["pushName"].is_string() && text["sentAt"].is_string(),
        "{text}"
    );
    assert_eq!(
        (&text["group"], &text["participant"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&text["type"], &text["text"]["body"]),
        (&json!("text"), &json!("hello"))
    );
    assert_eq!(
        (&text["quotedMessageId"], &text["deviceId"]),
        (&Value::Null, &json!(device))
    );
    let path = format!("/v1/messages/{}", text["messageId"].as_str().unwrap_or_default());
    assert_eq!(daemon.http().get(&path).await?.ok()?["stanzaId"], first);

    // Answers, to what is known here and to what is not.
    let answer = json!({ "to": OWNER, "text": "and?", "quoted": first });
    let (_, answer) = told(&network, &mut reader, CONTACT, answer).await?;
    assert_eq!(answer["quotedMessageId"], text["messageId"]);
    assert_eq!(answer["text"]["body"], "and?");
    let answer = json!({ "to": OWNER, "text": "well", "quoted": "3EB0FF" });
    let (_, answer) = told(&network, &mut reader, CONTACT, answer).await?;
    assert_eq!(answer["quotedMessageId"], "3EB0FF");

    for (kind, name) in [
        ("image", "imageMessage"),
        ("sticker", "stickerMessage"),
        ("poll", "pollCreationMessage"),
        ("location", "locationMessage"),
        ("unknown", "unknown"),
    ] {
        let (_, other) = told(
            &network,
            &mut reader,
            CONTACT,
            json!({ "to": OWNER, "type": kind }),
        )
        .await?;
        assert_eq!(
            (&other["type"], &other["text"]),
            (&json!("unsupported"), &Value::Null),
            "{kind}"
        );
        assert_eq!(other["unsupported"]["kind"], name);
    }

    let group = network.create_group("Lunch", &[OWNER, CONTACT]).await?;
    let (_, noon) = told(
        &network,
        &mut reader,
        CONTACT,
        json!({ "to": group, "text": "noon" }),
    )
    .await?;
    assert_eq!((&noon["chat"], &noon["group"]), (&json!(group), &json!(group)));
    assert_eq!(
        (&noon["from"], &noon["participant"]),
        (&json!(CONTACT), &json!(CONTACT))
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_told_of_and_then_what_it_says() -> anyhow::Result<()> {
    let (network, daemon, _device) = linked().await?;
    let mut reader = Reader::open(&daemon, "?type=message.received", None).await?;
    for text in ["to a stranger", "to a friend"] {
        let message = json!({ "to": OWNER, "text": text, "undecryptable": true });
        let (_, unread) = told(&network, &mut reader, CONTACT, message).await?;
        assert_eq!(
            (&unread["type"], &unread["text"]),
            (&json!("undecryptable"), &Value::Null)
        );
        assert_eq!(unread["from"], CONTACT);
        let read = reader.until("message.received").await?;
        assert_eq!(read["messageId"], unread["messageId"]);
        assert_eq!(
            (&read["type"], &read["text"]["body"]),
            (&json!("text"), &json!(text))
        );
        let path = format!("/v1/messages/{}", read["messageId"].as_str().unwrap_or_default());
        let message = daemon.http().get(&path).await?.ok()?;
        assert_eq!(
            (&message["type"], &message["text"]["body"]),
            (&json!("text"), &json!(text))
        );
    }
    Ok(())
}
