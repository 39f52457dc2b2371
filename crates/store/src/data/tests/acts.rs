//! What is done with keys is written down with it, once, and forgotten after a while.

use postern_domain::{ApiKeyId, OperatorId, Scopes};

use super::*;
use crate::StoreError;

impl Fixture {
    async fn key(&self) -> ApiKeyId {
        let key = NewApiKey {
            id: ApiKeyId::generate(),
            workspace: self.workspace,
            name: "worker".to_owned(),
            hash: [7; 32],
            prefix: "sk_live_".to_owned(),
            last_four: "wxyz".to_owned(),
            scopes: Scopes::all(),
            networks: Vec::new(),
            expires_at: None,
        };
        let id = key.id;
        assert_eq!(self.store.add_api_key(key, at(0)).await, Ok(true));
        id
    }

    fn act(&self, actor: Actor, action: &'static str, now: i64) -> Act {
        Act {
            workspace: self.workspace,
            at: at(now),
            actor,
            action,
            target: self.device.to_string(),
            details: String::new(),
        }
    }

    async fn acts(&self) -> Vec<AuditEntry> {
        let page = self.store.audit(self.workspace, 10_000, None).await;
        page.expect("read").0
    }
}

#[tokio::test]
async fn a_key_is_named_as_it_was_when_it_acted() {
    let fixture = Fixture::new().await;
    let (store, workspace, id) = (&fixture.store, fixture.workspace, fixture.key().await);
    let noted = store.note(fixture.act(Actor::ApiKey(id), "device.pause", 1));
    noted.await.expect("noted");
    let change = ApiKeyChange {
        name: Some("renamed".to_owned()),
        ..ApiKeyChange::default()
    };
    let act = fixture.act(Actor::ApiKey(id), "key.change", 2);
    let store = store.acting(act);
    let changed = store.change_api_key(workspace, id, Scopes::all(), change, at(2));
    changed.await.expect("changed");
    let named = |name: &str| Author::ApiKey {
        id,
        name: name.to_owned(),
        last_four: "wxyz".to_owned(),
    };
    let authors: Vec<_> = fixture
        .acts()
        .await
        .into_iter()
        .map(|entry| entry.author)
        .collect();
    assert_eq!(authors, [named("renamed"), named("worker")]);
}

#[tokio::test]
async fn what_nobody_did_is_not_done() {
    let fixture = Fixture::new().await;
    let nobody = Actor::ApiKey(ApiKeyId::generate());
    let store = fixture.store.acting(fixture.act(nobody, "device.pause", 1));
    let paused = store.request(fixture.workspace, fixture.device, DeviceRequest::Pause);
    assert!(matches!(
        paused.await,
        Err(RequestError::Store(StoreError::Invalid { .. }))
    ));
    let device = fixture.store.device(fixture.workspace, fixture.device).await;
    let device = device.expect("read").expect("a device");
    assert_eq!(device.intent, postern_domain::Intent::Linked);
    assert_eq!(fixture.acts().await, []);
}

#[tokio::test]
async fn an_act_of_many_steps_is_one_whoever_acts_between_them() {
    let fixture = Fixture::new().await;
    let key = Actor::ApiKey(fixture.key().await);
    for _ in 0..1_200 {
        fixture.accept(1, 10).await;
    }
    fixture.log_out(20).await;
    fixture
        .store
        .park_rest(fixture.device, at(20))
        .await
        .expect("parked");
    let cancel = fixture
        .store
        .acting(fixture.act(key.clone(), "device.cancel_parked", 30));
    let canceled = cancel.cancel_parked(fixture.workspace, fixture.device, at(30));
    let others = async {
        for _ in 0..20 {
            let noted = fixture.store.note(fixture.act(key.clone(), "device.pause", 30));
            noted.await.expect("noted");
        }
    };
    let (canceled, ()) = futures_util::future::join(canceled, others).await;
    assert_eq!(canceled.expect("canceled"), 1_200);
    let mut actions: Vec<_> = fixture
        .acts()
        .await
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    actions.retain(|action| action != "device.pause");
    assert_eq!(actions, ["device.cancel_parked"]);
}

#[tokio::test]
async fn what_programs_did_is_forgotten_and_what_people_did_stays() {
    let fixture = Fixture::new().await;
    let key = Actor::ApiKey(fixture.key().await);
    let ada = Actor::Operator {
        id: OperatorId::generate(),
        name: "ada".to_owned(),
    };
    for now in 1..=600 {
        let actors = [
            (key.clone(), "device.pause"),
            (Actor::Administration, "workspace.change"),
        ];
        for (actor, action) in actors {
            let noted = fixture.store.note(fixture.act(actor, action, now));
            noted.await.expect("noted");
        }
    }
    for (actor, now) in [(ada.clone(), 5), (Actor::Shell, 6), (key.clone(), 1_000)] {
        let noted = fixture.store.note(fixture.act(actor, "device.resume", now));
        noted.await.expect("noted");
    }
    assert_eq!(fixture.sweep(Swept::Acts, 1_000).await, 3);
    let left = fixture.acts().await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|entry| entry.action == "device.resume"));
}
