//! Operators, their sessions, and that what they do is written down with it.

use postern_domain::{OperatorId, OperatorName, Role};

use super::*;

fn operator(fixture: &Fixture, name: &str, role: Role) -> NewOperator {
    NewOperator {
        id: OperatorId::generate(),
        workspace: fixture.workspace,
        name: name.parse::<OperatorName>().expect("a name"),
        role,
        password: format!("hash of {name}"),
    }
}

fn act(fixture: &Fixture, actor: &NewOperator, action: &'static str, target: &str, at: Timestamp) -> Act {
    Act {
        workspace: fixture.workspace,
        at,
        actor: Actor::Operator {
            id: actor.id,
            name: actor.name.to_string(),
        },
        action,
        target: target.to_owned(),
        details: String::new(),
    }
}

#[tokio::test]
async fn somebody_is_first_once_and_an_owner_stays() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert!(!store.has_operators().await.expect("read"));
    let (ada, otto) = (
        operator(&fixture, "ada", Role::Owner),
        operator(&fixture, "otto", Role::Operator),
    );
    store
        .add_first_operator(ada.clone(), at(1))
        .await
        .expect("the first");
    let second = store.add_first_operator(otto.clone(), at(2)).await;
    assert!(matches!(second, Err(OperatorError::NotTheFirst)));
    store.add_operator(otto.clone(), at(2)).await.expect("added");
    let namesake = store
        .add_operator(operator(&fixture, "OTTO", Role::Viewer), at(3))
        .await;
    assert!(matches!(namesake, Err(OperatorError::NameTaken)));

    let workspace = fixture.workspace;
    for role in [Role::Operator, Role::Viewer] {
        let refused = store.set_operator_role(workspace, ada.id, role).await;
        assert!(matches!(refused, Err(OperatorError::LastOwner)));
    }
    let refused = store.remove_operator(workspace, ada.id).await;
    assert!(matches!(refused, Err(OperatorError::LastOwner)));
    let listed = store.operators(workspace).await.expect("read");
    let roles: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.role)).collect();
    assert_eq!(
        roles,
        [("ada", Role::Owner), ("otto", Role::Operator)],
        "refusals change nothing"
    );

    let elsewhere = WorkspaceId::generate();
    let stranger = store.set_operator_role(elsewhere, otto.id, Role::Owner).await;
    assert!(
        matches!(stranger, Err(OperatorError::Unknown)),
        "of another workspace"
    );
    store
        .set_operator_role(workspace, otto.id, Role::Owner)
        .await
        .expect("changed");
    store
        .remove_operator(workspace, ada.id)
        .await
        .expect("another owner is there");
}

#[tokio::test]
async fn a_session_ends_with_its_operator_a_new_password_and_age() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let ada = operator(&fixture, "ada", Role::Owner);
    let otto = operator(&fixture, "otto", Role::Viewer);
    store.add_first_operator(ada.clone(), at(1)).await.expect("added");
    store.add_operator(otto.clone(), at(1)).await.expect("added");
    for (operator, hash, now) in [
        (ada.id, [1; 32], 10),
        (ada.id, [2; 32], 20),
        (otto.id, [3; 32], 30),
    ] {
        store
            .begin_session(operator, hash, at(0), at(now))
            .await
            .expect("begun");
    }
    let session = store
        .operator_session([2; 32])
        .await
        .expect("read")
        .expect("there");
    assert_eq!((session.operator.name.as_str(), session.seen_at), ("ada", at(20)));
    store.touch_session([2; 32], at(25)).await.expect("touched");
    let session = store
        .operator_session([2; 32])
        .await
        .expect("read")
        .expect("there");
    assert_eq!((session.created_at, session.seen_at), (at(20), at(25)));
    assert_eq!(session.operator.last_seen_at, Some(at(25)));

    let workspace = fixture.workspace;
    let changed = store.set_operator_password(workspace, ada.id, "new".to_owned(), Some([2; 32]));
    changed.await.expect("changed");
    let known = store.operator_by_name(ada.name.clone()).await.expect("read");
    assert_eq!(known.map(|(_, password)| password), Some("new".to_owned()));
    assert_eq!(store.operator_session([1; 32]).await, Ok(None));
    assert!(store.operator_session([2; 32]).await.expect("read").is_some());
    store.remove_operator(workspace, otto.id).await.expect("removed");
    assert_eq!(store.operator_session([3; 32]).await, Ok(None));
    store
        .begin_session(ada.id, [4; 32], at(21), at(40))
        .await
        .expect("begun");
    assert_eq!(store.operator_session([2; 32]).await, Ok(None), "begun before 21");
    store.end_session([4; 32]).await.expect("ended");
    assert_eq!(store.operator_session([4; 32]).await, Ok(None));
}

#[tokio::test]
async fn an_act_and_its_row_are_one() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let ada = operator(&fixture, "ada", Role::Owner);
    let first = act(&fixture, &ada, "operator.set_up", "", at(1));
    store
        .acting(first)
        .add_first_operator(ada.clone(), at(1))
        .await
        .expect("added");
    let refused = act(&fixture, &ada, "operator.remove", "", at(2));
    let refused = store
        .acting(refused)
        .remove_operator(fixture.workspace, ada.id)
        .await;
    assert!(refused.is_err());
    let twice = act(&fixture, &ada, "message.send", "msg_1", at(3));
    let (message, key) = (
        fixture.message(1),
        IdempotencyKey {
            endpoint: "form",
            key: "k".to_owned(),
            fingerprint: [1; 32],
            http_status: 202,
            body: Vec::new(),
        },
    );
    for _ in 0..2 {
        let sending = store.acting(twice.clone());
        let accepted = sending.accept(message.clone(), Some(key.clone()), at(3));
        accepted.await.expect("accepted");
        // Whatever others do between the two.
        let other = act(&fixture, &ada, "device.rename", "dev_1", at(3));
        store.note(other).await.expect("noted");
    }
    for number in 4..8 {
        let paused = act(&fixture, &ada, "device.pause", "dev_1", at(number));
        store.note(paused).await.expect("noted");
    }
    // What is written otherwise is nobody's act.
    store.end_session([9; 32]).await.expect("ended");

    let (page, next) = store.audit(fixture.workspace, 4, None).await.expect("read");
    assert_eq!(
        page.iter().map(|entry| entry.at).collect::<Vec<_>>(),
        [7, 6, 5, 4].map(at)
    );
    let (rest, end) = store.audit(fixture.workspace, 4, next).await.expect("read");
    let actions: Vec<_> = rest.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "device.rename",
            "device.rename",
            "message.send",
            "operator.set_up"
        ]
    );
    assert_eq!(end, None);
    let (others, _) = store.audit(WorkspaceId::generate(), 4, None).await.expect("read");
    assert_eq!(others, []);
}

#[tokio::test]
async fn traffic_and_queues_are_counted() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let since = at(0);
    let before = store.traffic(fixture.workspace, since).await.expect("read");
    assert_eq!(before, Traffic::default());
    for index in 0..3 {
        fixture.accept(index, 10).await;
    }
    let traffic = store.traffic(fixture.workspace, since).await.expect("read");
    assert_eq!(
        (traffic.outbound, traffic.sent, traffic.inbound, traffic.more),
        (3, 0, 0, false)
    );
    assert_eq!(
        store.traffic(fixture.workspace, at(11)).await.expect("read"),
        Traffic::default()
    );
    let queue = store.queue(fixture.device).await.expect("read");
    assert_eq!((queue.ready, queue.in_flight), (3, 0));
}
