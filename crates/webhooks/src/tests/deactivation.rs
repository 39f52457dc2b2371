//! Nothing leaves a workspace that is deactivated or on a plan without webhooks, and what happened meanwhile arrives when it is
//! activated or has them.

use postern_domain::session::Signal;
use postern_domain::{Account, ApiKeyId, PhoneNumber, Plan, Scopes};
use postern_store::{NewApiKey, WorkspaceChange};

use super::*;

/// What stops deliveries.
#[derive(Clone, Copy)]
enum Halt {
    Deactivated,
    PlanWithoutWebhooks,
}

/// An endpoint of another workspace, which is active all the time.
struct Stranger {
    workspace: WorkspaceId,
    device: DeviceId,
}

impl Fixture {
    async fn switch(&self, halt: Halt, on: bool) {
        let plan = Plan {
            webhooks: on,
            ..Plan::UNLIMITED
        };
        let change = match halt {
            Halt::Deactivated => WorkspaceChange {
                deactivate: Some((!on).then(|| "unpaid".to_owned())),
                ..WorkspaceChange::default()
            },
            Halt::PlanWithoutWebhooks => WorkspaceChange {
                plan: Some((format!("webhooks {on}"), plan)),
                ..WorkspaceChange::default()
            },
        };
        let changed = self.store.change_workspace(self.workspace, change, now()).await;
        changed.expect("changed").expect("a workspace");
        self.wakes.webhooks.ring();
    }

    async fn stranger(&self) -> Stranger {
        let (workspace, device) = (WorkspaceId::generate(), DeviceId::generate());
        let key = NewApiKey {
            id: ApiKeyId::generate(),
            workspace,
            name: String::new(),
            hash: [7; 32],
            prefix: String::new(),
            last_four: String::new(),
            scopes: Scopes::default(),
            networks: Vec::new(),
            expires_at: None,
        };
        let plan = ("unlimited".to_owned(), Plan::UNLIMITED);
        let made = self.store.create_workspace(String::new(), plan, key, now());
        made.await.expect("a workspace");
        let created = self.store.create_device(workspace, device, String::new(), now());
        created.await.expect("a device");
        self.link(device, "15557654321").await;
        let url = self.sink.url("/stranger");
        self.endpoint_with(&url, |new| new.workspace = workspace).await;
        Stranger { workspace, device }
    }

    async fn link(&self, device: DeviceId, phone: &str) {
        let account = Account {
            phone: PhoneNumber::from_digits(phone).expect("a number"),
            lid: None,
            companion: 3,
            push_name: None,
            platform: None,
        };
        let linked = self.store.link_account(device, account, now());
        linked.await.expect("linked");
    }

    /// Makes two events of a linked device, which nobody has to accept.
    async fn flap(&self, device: DeviceId) {
        for signal in [Signal::Connected, Signal::ConnectionLost] {
            self.store.signal(device, signal, now()).await.expect("signalled");
        }
    }

    /// Makes events of the stranger, and waits until it has them.
    async fn stranger_hears(&self, stranger: &Stranger) {
        self.flap(stranger.device).await;
        let events = self.store.events_after(0, 1_000_000).await.expect("events");
        let last = events
            .into_iter()
            .rfind(|event| event.workspace == stranger.workspace);
        let last = last.expect("an event").id.to_string();
        until("the stranger has its events", || async {
            self.ids("/stranger").contains(&last)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_deactivated_workspace_gets_nothing_after_a_restart_and_misses_nothing() {
    nothing_after_a_restart(Halt::Deactivated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_on_a_plan_without_webhooks_gets_nothing_after_a_restart_and_misses_nothing() {
    nothing_after_a_restart(Halt::PlanWithoutWebhooks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_left_alone_from_the_deactivation_of_its_workspace_on() {
    left_alone_from_then_on(Halt::Deactivated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_left_alone_from_a_plan_without_webhooks_on() {
    left_alone_from_then_on(Halt::PlanWithoutWebhooks).await;
}

async fn nothing_after_a_restart(halt: Halt) {
    let mut fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    let stranger = fixture.stranger().await;
    fixture.stop().await;
    fixture.happen(fixture.device, 5).await;
    fixture.switch(halt, false).await;
    fixture.start();
    for _ in 0..10 {
        fixture.stranger_hears(&stranger).await;
    }
    assert!(fixture.got("/hook").is_empty());
    fixture.switch(halt, true).await;
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 5);
}

async fn left_alone_from_then_on(halt: Halt) {
    let fixture = Fixture::new(hasty()).await;
    fixture.link(fixture.device, "15551234567").await;
    let endpoint = fixture.endpoint("/hook").await;
    let stranger = fixture.stranger().await;
    fixture.happen(fixture.device, 3).await;
    fixture.settled(endpoint).await;
    let before = fixture.events().await.len();
    fixture.switch(halt, false).await;
    // Several times, because it may be under way while the workspace is switched off.
    until("nothing leaves any more", || async {
        let count = fixture.got("/hook").len();
        fixture.flap(fixture.device).await;
        for _ in 0..3 {
            fixture.stranger_hears(&stranger).await;
        }
        fixture.got("/hook").len() == count
    })
    .await;
    fixture.switch(halt, true).await;
    fixture.settled(endpoint).await;
    let events = fixture.store.events_after(0, 1_000_000).await.expect("events");
    let meanwhile = events.iter().skip(before);
    let meanwhile = meanwhile.filter(|event| event.workspace == fixture.workspace);
    assert!(meanwhile.clone().count() >= 2);
    let got = fixture.ids("/hook");
    for event in meanwhile {
        assert!(got.contains(&event.id.to_string()), "missed");
    }
}
