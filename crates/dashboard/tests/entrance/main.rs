//! Getting in and staying in, as time passes: sessions, logins, the link for the first owner.

mod harness;

use std::net::Ipv4Addr;
use std::time::Duration;

use self::harness::{Entrance, HOME, NAME, PASSWORD};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_session_that_is_left_alone_ends() {
    let (entrance, cookie) = Entrance::with_owner().await;
    for _ in 0..3 {
        entrance.pass(12 * HOUR - MINUTE);
        assert_eq!(entrance.get("/", &cookie).await.status, 200, "it was in use");
    }
    entrance.pass(12 * HOUR);
    let gone = entrance.get("/devices", &cookie).await;
    assert_eq!(
        (gone.status.as_u16(), gone.location.as_str()),
        (303, "/login?next=%2Fdevices")
    );
    assert_eq!(
        entrance.get("/", &cookie).await.status,
        303,
        "and does not come back"
    );
}

#[tokio::test]
async fn a_page_that_is_only_open_does_not_keep_its_session() {
    let (entrance, cookie) = Entrance::with_owner().await;
    for _ in 1..12 {
        entrance.pass(HOUR);
        assert_eq!(entrance.opens("/devices/stream", &cookie).await, 200);
    }
    entrance.pass(HOUR);
    assert_eq!(entrance.get("/devices", &cookie).await.status, 303);
}

#[tokio::test]
async fn a_session_in_use_ends_after_its_longest_time() {
    let (entrance, cookie) = Entrance::with_owner().await;
    for hour in 1..7 * 24 {
        entrance.pass(HOUR);
        assert_eq!(entrance.get("/account", &cookie).await.status, 200, "hour {hour}");
    }
    entrance.pass(HOUR);
    assert_eq!(entrance.get("/account", &cookie).await.status, 303);
}

#[tokio::test]
async fn each_login_is_a_session_of_its_own_and_ends_the_one_before() {
    let (entrance, first) = Entrance::with_owner().await;
    let elsewhere = entrance.log_in(HOME, PASSWORD).await.cookie();
    let again = [("name", NAME), ("password", PASSWORD)];
    let second = entrance.post(HOME, "/login", &first, &again).await;
    assert_eq!(second.status, 303, "{second:?}");
    assert_ne!(
        second.cookie(),
        first,
        "nobody gets to choose what a session is known by"
    );
    for (cookie, status) in [(&second.cookie(), 200), (&elsewhere, 200), (&first, 303)] {
        assert_eq!(entrance.get("/", cookie).await.status, status);
    }
    let planted = format!("postern_session={}", "ab".repeat(32));
    let admitted = entrance.post(HOME, "/login", &planted, &again).await;
    assert_ne!(admitted.cookie(), planted);
    assert_eq!(entrance.get("/", &planted).await.status, 303);
}

#[tokio::test]
async fn a_wrong_password_changes_nothing_for_those_who_are_in() {
    let (entrance, cookie) = Entrance::with_owner().await;
    let wrong = [("name", NAME), ("password", "not this one")];
    let refused = entrance.post(HOME, "/login", &cookie, &wrong).await;
    assert_eq!((refused.status.as_u16(), refused.set_cookie.as_str()), (422, ""));
    assert_eq!(entrance.get("/", &cookie).await.status, 200);
}

#[tokio::test]
async fn whoever_guesses_waits_longer_each_time_and_the_owner_gets_in() {
    let (entrance, _) = Entrance::with_owner().await;
    let guesser = Ipv4Addr::new(198, 51, 100, 7);
    for _ in 0..5 {
        assert_eq!(entrance.log_in(guesser, "not this one").await.status, 422);
    }
    let blocked = entrance.log_in(guesser, PASSWORD).await;
    assert_eq!(blocked.status, 429, "even with the right one");
    assert!(blocked.set_cookie.is_empty() && blocked.body.contains("Too many wrong tries"));
    // Others guess from everywhere.
    for last in 0..12 {
        let elsewhere = Ipv4Addr::new(203, 0, 113, last);
        entrance.log_in(elsewhere, "not this one").await;
    }
    assert_eq!(
        entrance.log_in(HOME, PASSWORD).await.status,
        303,
        "the owner is not locked out"
    );

    entrance.pass(Duration::from_secs(1));
    assert_eq!(entrance.log_in(guesser, "not this one").await.status, 422);
    entrance.pass(Duration::from_secs(1));
    assert_eq!(
        entrance.log_in(guesser, PASSWORD).await.status,
        429,
        "twice as long"
    );
    entrance.pass(Duration::from_secs(1));
    assert_eq!(
        entrance.log_in(guesser, PASSWORD).await.status,
        303,
        "nobody is shut out for good"
    );
}

#[tokio::test]
async fn whoever_finds_an_open_browser_does_not_get_to_guess_the_password() {
    let (entrance, cookie) = Entrance::with_owner().await;
    let csrf = entrance.csrf(&cookie).await;
    let change = async |current: &str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("current", current),
            ("password", "another gate, one tower"),
        ];
        entrance
            .post(HOME, "/account/password", &cookie, &fields)
            .await
            .status
    };
    for _ in 0..5 {
        assert_eq!(change("not this one").await, 422);
    }
    assert_eq!(change(PASSWORD).await, 429, "even with the right one");
    entrance.pass(Duration::from_secs(1));
    assert_eq!(change(PASSWORD).await, 303);
    assert_eq!(
        entrance.log_in(HOME, PASSWORD).await.status,
        422,
        "the old one is good no more"
    );
}

#[tokio::test]
async fn the_link_for_the_first_owner_is_good_once_and_for_an_hour() {
    let entrance = Entrance::open();
    let late = entrance.token().await;
    entrance.pass(HOUR);
    assert_eq!(
        entrance.get(&format!("/setup?token={late}"), "").await.status,
        422
    );
    assert_eq!(entrance.set_up(&late, NAME).await.status, 422);

    let replaced = entrance.token().await;
    let token = entrance.token().await;
    assert_eq!(
        entrance.set_up(&replaced, NAME).await.status,
        422,
        "a later one was printed"
    );
    let (one, two) = tokio::join!(entrance.set_up(&token, "ada"), entrance.set_up(&token, "eve"));
    let cookies = [&one, &two].map(|answer| answer.cookie());
    let admitted: Vec<_> = cookies.iter().filter(|cookie| !cookie.is_empty()).collect();
    assert_eq!(admitted.len(), 1, "{one:?} {two:?}");
    let people = entrance.get("/people", admitted[0]).await.body;
    assert_eq!(
        people.matches("never logged in").count() + people.matches("last seen").count(),
        1
    );
    let third = entrance.set_up(&token, "eve").await;
    assert!(third.set_cookie.is_empty(), "{third:?}");
}
