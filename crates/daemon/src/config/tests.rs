//! Where settings come from, which one wins, and what is said about mistakes.

use super::*;

fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, environment, Overrides::default()).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_valid() {
    let config = load(&[]).expect("valid");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8480");
    assert_eq!(config.whatsapp.fixed_version(), None);
}

#[test]
fn the_environment_wins_over_defaults_and_flags_over_both() {
    let environment = [
        ("POSTERN_SERVER__LISTEN", "127.0.0.1:1"),
        ("POSTERN_DATA__READERS", "7"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let flags = Overrides::default().with("server.listen", Some("127.0.0.1:2"));
    let config = Config::load(None, environment, flags).expect("valid");
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.data.readers, 7);
}

#[test]
fn lists_are_told_by_commas_and_a_sandbox_allows_loopback() {
    let config = load(&[
        ("POSTERN_WEBHOOKS__ALLOW", "10.0.0.0/8,hooks.internal"),
        ("POSTERN_WEBHOOKS__NAMESERVERS", "192.0.2.53:53"),
        ("POSTERN_WEBHOOKS__RETRY_SECONDS", "1,2"),
    ]);
    let mut config = config.expect("valid");
    let deliveries = config.webhook_deliveries();
    assert_eq!((deliveries.allow.len(), deliveries.name_servers.len()), (2, 1));
    assert_eq!(
        deliveries.retries,
        postern_webhooks::Schedule::of_seconds(&[1, 2])
    );
    assert!(!deliveries.allow_http);
    config.sandbox.enabled = true;
    let deliveries = config.webhook_deliveries();
    assert!(deliveries.allow_http && deliveries.allow.len() == 4);
}

#[test]
fn a_list_of_one_number_needs_no_comma() {
    let config = load(&[("POSTERN_WEBHOOKS__RETRY_SECONDS", "5")]).expect("valid");
    assert_eq!(config.webhooks.retry_seconds, [5]);
}

#[test]
fn the_default_schedule_is_that_of_the_deliveries() {
    let config = load(&[]).expect("valid");
    assert_eq!(
        config.webhook_deliveries().retries,
        postern_webhooks::Schedule::default()
    );
}

#[test]
fn variables_of_commands_are_not_keys() {
    load(&[
        ("POSTERN_API_KEY", "x"),
        ("POSTERN_BOOTSTRAP_API_KEY", "y"),
        ("HOME", "/"),
    ])
    .expect("valid");
}

#[test]
fn mistakes_name_the_key() {
    let cases = [
        ("POSTERN_SERVER__LISTEN", "nowhere", "server.listen"),
        ("POSTERN_SERVER__LISTN", "127.0.0.1:1", "listn"),
        (
            "POSTERN_DATA__READERS",
            "0",
            "data.readers is 0, expected 1 to 64",
        ),
        ("POSTERN_DATA__READERS", "many", "data.readers"),
        ("POSTERN_WHATSAPP__VERSION", "two", "whatsapp.version"),
        ("POSTERN_WHATSAPP__URL", "http://example.com", "whatsapp.url"),
        ("POSTERN_WHATSAPP__DEVICE_NAME", "", "whatsapp.device_name"),
        ("POSTERN_SANDBOX__LISTEN", "0.0.0.0:1", "sandbox.listen"),
        (
            "POSTERN_SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8, me",
            "proxies is \"me\"",
        ),
        ("POSTERN_PLANS__FREE__DEVICES", "some", "plans.free.devices"),
        ("POSTERN_PLANS__MINE__DEVICES", "1", "missing"),
        (
            "POSTERN_REGISTRATION__PLAN",
            "none",
            "registration.plan is \"none\"",
        ),
        ("POSTERN_LOG__FORMAT", "xml", "log.format"),
        (
            "POSTERN_LOG__LEVEL",
            "postern=loud",
            "log.level is \"postern=loud\"",
        ),
        (
            "POSTERN_SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8, nowhere",
            "server.trusted_proxies",
        ),
        ("POSTERN_DASHBOARD__STREAMS", "0", "dashboard.streams"),
        (
            "POSTERN_MESSAGES__BATCH_MAX",
            "5001",
            "messages.batch_max is 5001, expected 1 to 5000",
        ),
        (
            "POSTERN_WEBHOOKS__ALLOW",
            "10.0.0.0/8,*.example",
            "webhooks.allow",
        ),
        ("POSTERN_WEBHOOKS__NAMESERVERS", "nowhere", "webhooks.nameservers"),
        (
            "POSTERN_WEBHOOKS__RETRY_SECONDS",
            "5,604801",
            "webhooks.retry_seconds is 604801",
        ),
        (
            "POSTERN_WEBHOOKS__TIMEOUT",
            "0",
            "webhooks.timeout is 0, expected 1 to 15",
        ),
    ];
    for (name, value, expected) in cases {
        let error = load(&[(name, value)]).expect_err(name);
        assert!(error.contains(expected), "{name}={value}: {error}");
    }
}

#[test]
fn every_default_is_commented() {
    let mut commented = false;
    for line in DEFAULTS.lines() {
        let line = line.trim();
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(commented, "no comment above: {line}");
        }
        commented = line.starts_with('#');
    }
}
