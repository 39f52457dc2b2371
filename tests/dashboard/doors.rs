//! Getting in, and being kept out: the set-up link, logins, cookies, forms of other pages, headers.

use postern_dashboard::{Need, ROUTES};
use postern_testkit::{DaemonOptions, TestDaemon, TestSandbox};

use super::visitor::{Visitor, see};
use super::{OWNER_NAME, PASSWORD, printed_link, with_owner, with_owner_and};
use crate::postern;

#[tokio::test]
async fn the_first_start_prints_a_link_that_is_good_once() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let mut daemon = TestDaemon::start(&postern(), &network).await?;
    let first = printed_link(&daemon).await?;
    daemon.terminate().await?;
    daemon.restart().await?;
    let link = printed_link(&daemon).await?;
    assert!(
        link.contains("/setup?token="),
        "printed again while nobody used it: {link}"
    );

    let mut owner = Visitor::of(&link)?;
    let stale = first
        .split_once("/setup")
        .map(|(_, query)| format!("/setup{query}"))
        .unwrap_or_default();
    assert_eq!(
        owner.get(&stale).await?.status,
        422,
        "a link of a process that is gone"
    );
    assert_eq!(owner.get("/").await?.location(), "/login");
    assert!(
        owner
            .get("/login")
            .await?
            .body
            .contains("Nobody has set this up yet")
    );

    let token = link.split_once("token=").map_or("", |(_, token)| token);
    let weak = [("token", token), ("name", "a"), ("password", "short")];
    let refused = owner.post("/setup", &weak).await?;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("name-error") && refused.body.contains("password-error"));

    owner.set_up(&link, OWNER_NAME, PASSWORD).await?;
    assert!(
        owner
            .get("/")
            .await?
            .body
            .contains("Link your first WhatsApp account")
    );
    let second = [("token", token), ("name", "eve"), ("password", PASSWORD)];
    assert_eq!(
        owner.another().post("/setup", &second).await?.status,
        422,
        "it was used"
    );

    daemon.terminate().await?;
    daemon.restart().await?;
    let later = printed_link(&daemon).await?;
    assert!(!later.contains("setup"), "{later}");
    assert!(!daemon.log().iter().any(|line| line.contains(PASSWORD)));
    Ok(())
}

#[tokio::test]
async fn a_session_ends_with_the_logout_everywhere_it_is_known() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    let mut second = owner.another();
    second.log_in("  ADA ", PASSWORD).await?;
    assert_eq!(second.get("/devices").await?.status, 200);
    let out = second.post("/logout", &[]).await?;
    assert_eq!((out.status.as_u16(), out.location()), (303, "/login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    let gone = second.get("/devices?x=1").await?;
    assert_eq!(
        (gone.status.as_u16(), gone.location()),
        (303, "/login?next=%2Fdevices%3Fx%3D1")
    );
    assert_eq!(owner.get("/devices").await?.status, 200, "other sessions go on");

    let new = [("current", PASSWORD), ("password", "another gate, one tower")];
    second.log_in(OWNER_NAME, PASSWORD).await?;
    assert_eq!(second.post("/account/password", &new).await?.status, 303);
    assert_eq!(
        second.get("/").await?.status,
        200,
        "the one that changed it stays"
    );
    assert_eq!(owner.get("/").await?.status, 303, "the others are logged out");
    assert!(owner.another().log_in(OWNER_NAME, PASSWORD).await.is_err());
    Ok(())
}

#[tokio::test]
async fn forms_of_other_pages_and_sessions_are_refused() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let device = daemon.create_device().await?;
    let path = format!("/devices/{device}/rename");
    let name = [("name", "stolen")];
    let elsewhere = owner.form(&path, &name).header("origin", "http://evil.example");
    assert_eq!(see(elsewhere).await?.status, 403);
    let null = owner.form(&path, &name).header("origin", "null");
    assert_eq!(see(null).await?.status, 403);
    assert_eq!(
        see(owner.form(&path, &name)).await?.status,
        403,
        "without a word of where it comes from"
    );

    let mut other = owner.another();
    other.log_in(OWNER_NAME, PASSWORD).await?;
    for csrf in ["", "0", other.csrf.as_str()] {
        let forged = owner.post(&path, &[("csrf", csrf), ("name", "stolen")]).await?;
        assert_eq!(forged.status, 403, "{csrf}");
    }
    let login = owner
        .another()
        .form("/login", &[("name", OWNER_NAME), ("password", PASSWORD)]);
    assert_eq!(
        see(login.header("origin", "http://evil.example")).await?.status,
        403
    );
    assert!(!owner.get("/devices").await?.body.contains("stolen"));
    assert_eq!(
        owner.post(&path, &name).await?.status,
        303,
        "its own form is taken"
    );
    assert!(owner.get("/devices").await?.body.contains("stolen"));
    Ok(())
}

#[tokio::test]
async fn every_form_must_come_from_a_page_of_its_session() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let mut other = owner.another();
    other.log_in(OWNER_NAME, PASSWORD).await?;
    let device = daemon.create_device().await?;
    let before = owner.get("/activity").await?.body;
    let forms = ROUTES.iter().filter(|route| route.method == "POST");
    for route in forms {
        let path = route.path.replace("{id}", &device);
        for origin in [
            "http://evil.example",
            "http://127.0.0.1:1",
            "null",
            "not an address",
        ] {
            let elsewhere = owner.form(&path, &[]).header("origin", origin);
            assert_eq!(see(elsewhere).await?.status, 403, "{path} from {origin}");
        }
        let cross = owner.form(&path, &[]).header("sec-fetch-site", "cross-site");
        assert_eq!(see(cross).await?.status, 403, "{path} from another site");
        if route.need == Need::Nobody {
            continue;
        }
        for csrf in ["", "0", other.csrf.as_str()] {
            let forged = owner.post(&path, &[("csrf", csrf)]).await?;
            assert_eq!(forged.status, 403, "{path} with the token {csrf:?}");
        }
    }
    let after = owner.get("/activity").await?.body;
    assert_eq!(before, after, "nothing was done");
    Ok(())
}

#[tokio::test]
async fn cookies_and_headers_keep_others_out() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
    let (_network, _daemon, owner) = with_owner_and(options).await?;
    let form = [("name", OWNER_NAME), ("password", PASSWORD)];
    let plain = owner.another().post("/login", &form).await?;
    let cookie = plain.header("set-cookie");
    for part in ["postern_session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");

    let behind = owner.another().form("/login", &form);
    let origin = owner.base.replace("http:", "https:");
    let behind = see(behind
        .header("x-forwarded-proto", "https")
        .header("origin", origin))
    .await?;
    let cookie = behind.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-postern_session=") && cookie.contains("Secure"),
        "{cookie}"
    );

    for path in [
        "/",
        "/login",
        "/devices",
        "/nowhere/at/all",
        "/devices/dev_x",
        "/assets/dashboard.css",
    ] {
        let page = owner.get(path).await?;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            !page.body.contains("<script>") && !page.body.contains(" style="),
            "{path}"
        );
        let kept = page.header("cache-control");
        assert_eq!(
            kept.contains("immutable"),
            path.starts_with("/assets/"),
            "{path}: {kept}"
        );
        assert_eq!(
            kept == "no-store",
            !path.starts_with("/assets/"),
            "{path}: {kept}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_the_owner_has_not() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
    let (_network, _daemon, owner) = with_owner_and(options).await?;
    let guesser = owner.another();
    let guess = |password: &'static str| {
        let form = guesser.form("/login", &[("name", OWNER_NAME), ("password", password)]);
        form.header("origin", guesser.base.clone())
            .header("x-forwarded-for", "192.0.2.66")
    };
    for _ in 0..5 {
        let wrong = see(guess("not this one")).await?;
        assert_eq!(wrong.status, 422);
        assert!(wrong.body.contains("Name or password is wrong"));
    }
    // Each try doubles the wait, so that one of these falls into it however slow the machine is.
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let wrong = see(guess("not this one")).await?;
        statuses.push(wrong.status.as_u16());
        if wrong.status == 429 {
            assert!(!wrong.header("retry-after").is_empty());
            break;
        }
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    owner.another().log_in(OWNER_NAME, PASSWORD).await?;
    Ok(())
}
