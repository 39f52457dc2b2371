//! Hostile and friendly targets, as URLs and as what names lead to.

mod names;

use super::*;

fn guard(allowed: &[&str]) -> Guard {
    let allowed = allowed.iter().map(|entry| entry.parse().expect("an entry"));
    Guard::new(allowed.collect(), true)
}

/// URLs that a fresh install must refuse, even where plain http is allowed.
const HOSTILE: &[&str] = &[
    // Loopback, in every notation that a browser reads.
    "http://127.0.0.1/",
    "http://127.0.0.1:8480/v1/webhooks",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://127.0.0.1./",
    "http://127%2e0%2e0%2e1/",
    "http://%31%32%37.0.0.1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000::0001]:80/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://any.localhost/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    // Unspecified: most systems connect it to themselves.
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::]/",
    "http://[::ffff:0.0.0.0]/",
    // Private.
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://0x0a000001/",
    "http://167772161/",
    "http://012.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.257/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:c0a8:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    // The metadata of clouds.
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://169.254.170.2/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://[fd00:ec2::254]/",
    // Link-local and site-local.
    "http://169.254.0.1/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    // Carriers' translation, benchmarks, documentation, relays.
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    // Multicast, reserved, broadcast.
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://[ff02::1]/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    // Other ways of putting an IPv4 address into one of IPv6.
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
];

#[test]
fn private_targets_are_refused_in_every_notation() {
    assert!(HOSTILE.len() >= 60);
    for url in HOSTILE {
        assert_eq!(guard(&[]).check(url), Err(TargetError::Blocked), "{url}");
    }
}

#[test]
fn public_targets_pass() {
    for url in [
        "https://example.com/hook",
        "https://example.com:8443/hook?x=1",
        "http://example.com./",
        "https://1.1.1.1/",
        "https://9.255.255.255/",
        "https://11.0.0.0/",
        "https://100.63.255.255/",
        "https://100.128.0.0/",
        "https://126.255.255.255/",
        "https://128.0.0.1/",
        "https://172.15.255.255/",
        "https://172.32.0.0/",
        "https://192.167.255.255/",
        "https://192.169.0.0/",
        "https://198.17.255.255/",
        "https://198.20.0.0/",
        "https://223.255.255.255/",
        "https://[2606:4700:4700::1111]/",
        "https://[2a00:1450:4001::200e]/",
        "https://[2001:4860:4860::8888]/",
        "https://[::ffff:1.1.1.1]/",
        "https://[64:ff9b::1.1.1.1]/",
        "https://bücher.example/",
        "https://localhost.example.com/",
    ] {
        assert!(guard(&[]).check(url).is_ok(), "{url}");
    }
}

#[test]
fn what_is_no_plain_web_address_is_refused() {
    for (url, expected) in [
        ("", TargetError::Malformed),
        ("example.com/hook", TargetError::Malformed),
        ("/hook", TargetError::Malformed),
        ("https://", TargetError::Malformed),
        ("http://[fe80::1%25eth0]/", TargetError::Malformed),
        ("http://127.0.0.256/", TargetError::Malformed),
        ("http://0x100000000/", TargetError::Malformed),
        ("https://a b.example/", TargetError::Malformed),
        ("ftp://example.com/", TargetError::Scheme),
        ("file:///etc/passwd", TargetError::Scheme),
        ("gopher://127.0.0.1:6379/_INFO", TargetError::Scheme),
        ("unix:/var/run/docker.sock", TargetError::Scheme),
        ("ws://example.com/", TargetError::Scheme),
        ("javascript:alert(1)", TargetError::Scheme),
        ("https://user@example.com/", TargetError::Credentials),
        ("https://:secret@example.com/", TargetError::Credentials),
        ("https://example.com:80@127.0.0.1/", TargetError::Credentials),
    ] {
        assert_eq!(guard(&[]).check(url), Err(expected), "{url}");
    }
    let strict = Guard::new(Vec::new(), false);
    assert_eq!(strict.check("http://example.com/"), Err(TargetError::Scheme));
    assert!(strict.check("https://example.com/").is_ok());
}

#[test]
fn what_the_configuration_allows_passes_and_nothing_beside_it() {
    let guard = guard(&["10.1.0.0/16", "127.0.0.1", "fd00::/8", "Hooks.Internal"]);
    for url in [
        "http://10.1.2.3/",
        "http://0x0a010203/",
        "http://[::ffff:10.1.2.3]/",
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[fd00::1]/",
        "http://hooks.internal/",
        "http://HOOKS.internal./",
    ] {
        assert!(guard.check(url).is_ok(), "{url}");
    }
    for url in [
        "http://10.2.0.1/",
        "http://127.0.0.2/",
        "http://[fc00::1]/",
        "http://[::1]/",
        "http://[::ffff:10.2.0.1]/",
        "http://169.254.169.254/",
    ] {
        assert_eq!(guard.check(url), Err(TargetError::Blocked), "{url}");
    }
}

#[test]
fn entries_of_the_list_are_networks_addresses_or_names() {
    for entry in [
        "10.0.0.0/8",
        "10.1.2.3/8",
        "::1",
        "127.0.0.1",
        "hooks.internal",
        "my_service",
        "a.b.c.",
    ] {
        assert!(entry.parse::<Allowed>().is_ok(), "{entry}");
    }
    for entry in [
        "",
        "10.0.0.0/33",
        "*.internal",
        "http://a",
        "a:80",
        "a/b",
        "a b",
        "[::1]",
        ".",
    ] {
        assert!(entry.parse::<Allowed>().is_err(), "{entry}");
    }
}
