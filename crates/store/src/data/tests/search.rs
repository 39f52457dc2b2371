//! Finding messages by their words: what matches, what else is asked of them, and what is deleted.

use postern_domain::Direction;
use postern_domain::port::Inbound;

use super::*;

impl Fixture {
    async fn index(&self) {
        while self.store.index_messages().await.expect("indexed") {}
    }

    /// Sends a text; answers the message.
    async fn say(&self, text: &str, now: i64) -> NewMessage {
        let body = text.to_owned();
        let message = NewMessage {
            content: Content::Text { body },
            ..self.message(1)
        };
        self.accept_this(&message, now).await;
        message
    }

    async fn hear(&self, stanza: &str, text: &str, now: i64) {
        let body = text.to_owned();
        let message = Inbound {
            content: Content::Text { body },
            ..receive::inbound(stanza, 1)
        };
        let received = self.store.receive(self.device, vec![message], at(now)).await;
        received.expect("received");
    }

    /// The stanza ids of what is found, in pages of two.
    async fn find(&self, query: &str) -> Vec<String> {
        self.list(&searched(query)).await
    }

    async fn alter(&self, sql: &'static str) -> usize {
        let run = move |tx: &rusqlite::Connection| Ok::<_, crate::StoreError>(tx.execute(sql, [])?);
        self.store.database.write(run).await.expect("executed")
    }
}

fn searched(query: &str) -> MessageFilter {
    MessageFilter {
        text: Some(query.parse().expect("words")),
        ..MessageFilter::default()
    }
}

#[tokio::test]
async fn all_words_match_and_the_last_one_by_its_beginning() {
    let fixture = Fixture::new().await;
    fixture.say("Your order A-17 has been shipped.", 10).await;
    fixture.hear("IN0", "When will my ORDER ship?", 20).await;
    fixture
        .say("Naïve café: Straße, Ελληνικά, हिन्दी, 日本語", 30)
        .await;
    fixture.say("write to ann@example.com, it's 12.50", 40).await;
    let picture = Inbound {
        content: Content::Unsupported {
            kind: "imageMessage".to_owned(),
        },
        ..receive::inbound("IN1", 1)
    };
    let received = fixture.store.receive(fixture.device, vec![picture], at(50)).await;
    received.expect("received");
    assert!(fixture.find("order").await.is_empty(), "not indexed yet");
    fixture.index().await;
    for (query, expected) in [
        ("order", vec!["IN0", "OUT0"]),
        ("ship order", vec!["IN0"]),
        ("order ship", vec!["IN0", "OUT0"]),
        ("oRDer SHIPPED", vec!["OUT0"]),
        ("ship shipped", vec![]),
        ("a-17", vec!["OUT0"]),
        ("17-a", vec![]),
        ("CAFE\u{301} naive", vec!["OUT1"]),
        ("caf", vec!["OUT1"]),
        ("ΕΛΛΗΝΙΚΆ ελλην", vec!["OUT1"]),
        ("हिन्दी", vec!["OUT1"]),
        ("日本", vec!["OUT1"]),
        ("ann@example.com", vec!["OUT2"]),
        ("example.com ann", vec!["OUT2"]),
        ("ann@com", vec![]),
        ("it's 12.5", vec!["OUT2"]),
        // Nothing has a meaning but the words.
        ("order OR café", vec![]),
        ("\"order", vec!["IN0", "OUT0"]),
        ("NOT order*", vec![]),
        ("words:order", vec![]),
        ("imageMessage", vec![]),
    ] {
        assert_eq!(fixture.find(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn every_other_filter_narrows_it_and_foreign_workspaces_find_nothing() {
    let fixture = Fixture::new().await;
    for now in [10, 20, 30, 40] {
        fixture.say("hello there", now).await;
    }
    fixture.hear("IN0", "hello you", 50).await;
    fixture.claim(3, 60).await;
    fixture.record(failed("OUT1"), 70).await;
    fixture.log_out(80).await;
    let named = NewMessage {
        client_reference: "order-1".parse().ok(),
        queue_if_disconnected: true,
        ..fixture.message(2)
    };
    fixture.accept_this(&named, 90).await;
    fixture.index().await;
    let hello = || searched("hello");
    for (filter, expected) in [
        (hello(), vec!["IN0", "OUT3", "OUT2", "OUT1", "OUT0"]),
        (
            MessageFilter {
                status: Some(MessageStatus::Failed),
                ..hello()
            },
            vec!["OUT1"],
        ),
        (
            MessageFilter {
                parked: true,
                ..hello()
            },
            vec!["OUT3", "OUT2", "OUT0"],
        ),
        (
            MessageFilter {
                direction: Some(Direction::Inbound),
                ..hello()
            },
            vec!["IN0"],
        ),
        (
            MessageFilter {
                from: Some(at(20)),
                until: Some(at(40)),
                device: Some(fixture.device),
                chat: Some(chat(1)),
                ..hello()
            },
            vec!["OUT2", "OUT1"],
        ),
        (
            MessageFilter {
                client_reference: "order-1".parse().ok(),
                ..searched("body")
            },
            vec!["OUT4"],
        ),
        (
            MessageFilter {
                device: Some(DeviceId::generate()),
                ..hello()
            },
            vec![],
        ),
    ] {
        assert_eq!(fixture.list(&filter).await, expected, "{filter:?}");
    }
    let foreign = WorkspaceId::generate();
    let page = fixture.store.messages(foreign, hello(), 9, None).await;
    let page = page.expect("a page");
    assert!(page.rows.is_empty() && page.next.is_none());
}

#[tokio::test]
async fn indexing_goes_on_where_it_stood_and_misses_nothing() {
    let mut fixture = Fixture::new().await;
    for number in 0..250 {
        fixture.say(&format!("word{number} common"), 10).await;
    }
    assert_eq!(fixture.store.index_messages().await, Ok(true));
    fixture.reopen().await;
    assert_eq!(fixture.find("word0").await, ["OUT0"]);
    fixture.index().await;
    assert_eq!(fixture.store.index_messages().await, Ok(false));
    assert_eq!(fixture.find("common").await.len(), 250);
    assert_eq!(fixture.find("word249").await, ["OUT249"]);
}

#[tokio::test]
async fn what_is_deleted_is_not_found_and_its_place_is_indexed_again() {
    let fixture = Fixture::new().await;
    for now in [10, 20, 30] {
        fixture.hear(&format!("IN{now}"), "good morning", now).await;
    }
    fixture.index().await;
    fixture
        .store
        .sweep(Swept::Messages, at(20), 0)
        .await
        .expect("swept");
    assert_eq!(fixture.find("morning").await, ["IN30", "IN20"]);

    // All of them go, and what comes then is given their places.
    fixture
        .store
        .sweep(Swept::Messages, at(100), 0)
        .await
        .expect("swept");
    assert_eq!(fixture.count("messages").await, 0);
    assert_eq!(fixture.count("search_shelves").await, 0);
    fixture.hear("IN40", "good evening", 40).await;
    fixture.index().await;
    assert!(fixture.find("morning").await.is_empty());
    assert_eq!(fixture.find("good").await, ["IN40"]);
}

#[tokio::test]
async fn a_purge_takes_the_words_along() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    let elsewhere = NewMessage {
        device: other,
        ..fixture.message(1)
    };
    fixture.say("secret body", 10).await;
    fixture.accept_this(&elsewhere, 20).await;
    fixture.say("secret body", 30).await;
    fixture.index().await;
    fixture.remove(fixture.device, true).await;
    fixture
        .store
        .forget_device(fixture.device, at(40))
        .await
        .expect("forgotten");
    assert!(fixture.find("secret").await.is_empty());
    assert_eq!(fixture.find("body").await, [elsewhere.stanza.as_str()]);
}

#[tokio::test]
async fn messages_far_apart_lie_on_different_shelves() {
    let fixture = Fixture::new().await;
    for (stanza, place) in [
        ("IN0", "UPDATE messages SET seq = 65535 WHERE stanza_id = 'IN0'"),
        ("IN1", "UPDATE messages SET seq = 65536 WHERE stanza_id = 'IN1'"),
        ("IN2", "UPDATE messages SET seq = 900000 WHERE stanza_id = 'IN2'"),
    ] {
        fixture.hear(stanza, "hello world", 10).await;
        assert_eq!(fixture.alter(place).await, 1);
    }
    fixture.hear("IN3", "hello world", 20).await;
    fixture.index().await;
    assert_eq!(fixture.count("search_shelves").await, 3);
    assert_eq!(fixture.find("hello wor").await, ["IN3", "IN2", "IN1", "IN0"]);
    // A shelf that nothing is left of is gone.
    fixture
        .store
        .sweep(Swept::Messages, at(20), 0)
        .await
        .expect("swept");
    assert_eq!(fixture.count("search_shelves").await, 1);
    assert_eq!(fixture.find("hello").await, ["IN3"]);
}

#[tokio::test]
async fn a_page_ends_after_a_while_and_says_where_to_go_on() {
    let fixture = Fixture::new().await;
    // More shelves than a page looks through, and what is looked for on the last of them.
    for number in 0..20 {
        let stanza = format!("IN{number}");
        fixture
            .hear(&stanza, if number == 0 { "needle" } else { "hay" }, 10)
            .await;
        fixture
            .alter("UPDATE messages SET seq = seq + 65536 WHERE seq = (SELECT max(seq) FROM messages)")
            .await;
        fixture.index().await;
    }
    let page = fixture
        .store
        .messages(fixture.workspace, searched("needle"), 9, None)
        .await;
    let page = page.expect("a page");
    assert!(page.rows.is_empty());
    let next = fixture
        .store
        .messages(fixture.workspace, searched("needle"), 9, page.next)
        .await;
    let next = next.expect("a page");
    assert_eq!(next.rows.len(), 1);
    assert_eq!(next.next, None);
}
