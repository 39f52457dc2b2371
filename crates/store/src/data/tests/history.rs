//! Lists of messages: newest first, in pages, filtered, and never of another workspace.

use postern_domain::Direction;

use super::*;

impl Fixture {
    /// The whole list, read in pages of two.
    pub(super) async fn list(&self, filter: &MessageFilter) -> Vec<String> {
        let mut stanzas = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .store
                .messages(self.workspace, filter.clone(), 2, start)
                .await
                .expect("a page");
            assert!(page.rows.len() <= 2);
            stanzas.extend(page.rows.iter().map(|row| row.stanza.to_string()));
            start = page.next;
            if start.is_none() {
                return stanzas;
            }
        }
    }
}

#[tokio::test]
async fn filters_narrow_the_list_and_pages_lose_nothing() {
    let fixture = Fixture::new().await;
    for (to, now) in [(1, 10), (2, 20), (1, 30), (2, 40), (1, 50)] {
        fixture.accept(to, now).await;
    }
    fixture
        .store
        .receive(fixture.device, vec![receive::inbound("IN0", 1)], at(60))
        .await
        .expect("received");
    fixture.claim(2, 70).await;
    fixture.record(failed("OUT1"), 80).await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    let elsewhere = NewMessage {
        device: other,
        ..fixture.message(1)
    };
    fixture.accept_this(&elsewhere, 90).await;
    for number in [6, 7] {
        let named = NewMessage {
            client_reference: "order-1".parse().ok(),
            ..fixture.message(number)
        };
        fixture
            .accept_this(&named, 90 + 10 * i64::try_from(number).expect("small"))
            .await;
    }

    let all = MessageFilter::default;
    let expectations = [
        (
            all(),
            vec![
                "OUT7", "OUT6", "OUT5", "IN0", "OUT4", "OUT3", "OUT2", "OUT1", "OUT0",
            ],
        ),
        (
            MessageFilter {
                device: Some(other),
                ..all()
            },
            vec!["OUT5"],
        ),
        (
            MessageFilter {
                status: Some(MessageStatus::Failed),
                ..all()
            },
            vec!["OUT1"],
        ),
        (
            MessageFilter {
                device: Some(fixture.device),
                status: Some(MessageStatus::Queued),
                ..all()
            },
            vec!["OUT7", "OUT6", "OUT4", "OUT3", "OUT2"],
        ),
        (
            MessageFilter {
                client_reference: "order-1".parse().ok(),
                ..all()
            },
            vec!["OUT7", "OUT6"],
        ),
        (
            MessageFilter {
                client_reference: "order-1".parse().ok(),
                chat: Some(chat(6)),
                ..all()
            },
            vec!["OUT6"],
        ),
        (
            MessageFilter {
                direction: Some(Direction::Inbound),
                ..all()
            },
            vec!["IN0"],
        ),
        (
            MessageFilter {
                chat: Some(chat(2)),
                ..all()
            },
            vec!["OUT3", "OUT1"],
        ),
        (
            MessageFilter {
                from: Some(at(20)),
                until: Some(at(50)),
                ..all()
            },
            vec!["OUT3", "OUT2", "OUT1"],
        ),
    ];
    for (filter, expected) in expectations {
        assert_eq!(fixture.list(&filter).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_foreign_workspace_sees_nothing() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    let foreign = WorkspaceId::generate();
    assert!(
        fixture
            .store
            .message(foreign, message.id)
            .await
            .expect("an answer")
            .is_none()
    );
    for device in [None, Some(fixture.device)] {
        let filter = MessageFilter {
            device,
            ..MessageFilter::default()
        };
        let page = fixture
            .store
            .messages(foreign, filter, 9, None)
            .await
            .expect("a page");
        assert!(page.rows.is_empty() && page.next.is_none());
    }
}

#[tokio::test]
async fn times_far_apart_are_found_without_reading_what_lies_between() {
    let fixture = Fixture::new().await;
    const DAY: i64 = 24 * 3_600_000;
    for day in 1..=30 {
        fixture.accept(1, day * DAY).await;
    }
    let filter = MessageFilter {
        from: Some(at(9 * DAY)),
        until: Some(at(11 * DAY)),
        ..MessageFilter::default()
    };
    assert_eq!(fixture.list(&filter).await, ["OUT9", "OUT8"]);
    let empty = MessageFilter {
        from: Some(at(40 * DAY)),
        ..MessageFilter::default()
    };
    assert!(fixture.list(&empty).await.is_empty());
}

#[tokio::test]
async fn a_time_is_looked_for_where_there_is_nothing_yet() {
    let fixture = Fixture::new().await;
    for (from, until) in [(Some(at(5)), None), (None, Some(at(5)))] {
        let filter = MessageFilter {
            from,
            until,
            ..MessageFilter::default()
        };
        let page = fixture.store.messages(fixture.workspace, filter, 5, None).await;
        assert_eq!(page.map(|page| page.rows.len()), Ok(0));
    }
}
