//! Which addresses are the public internet's, and which lead back to somebody's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that are not the public internet, by their first address and the length of their prefix. From IANA's registry of
/// special-purpose addresses, and one cloud's metadata that lies outside of all of them.
const PRIVATE_V4: [(Ipv4Addr, u32); 16] = [
    // This host.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carriers' translation.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure's host, which serves its metadata.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local, where most clouds serve their metadata.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays to 6to4, given up.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same within 2000::/3, outside of which nothing is public.
const PRIVATE_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments: Teredo, benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4: it carries an IPv4 address to wherever the next relay takes it.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => !PRIVATE_V4.iter().any(|(first, prefix)| {
            let mask = u32::MAX << (32 - prefix);
            address.to_bits() & mask == first.to_bits()
        }),
        IpAddr::V6(address) => {
            let global = address.segments()[0] & 0xe000 == 0x2000;
            global
                && !PRIVATE_V6.iter().any(|(first, prefix)| {
                    let mask = u128::MAX << (128 - prefix);
                    address.to_bits() & mask == first.to_bits()
                })
        }
    }
}

/// The IPv4 address that an IPv6 address stands for, where it does: mapped (::ffff:0:0/96), or translated by a NAT64
/// (64:ff9b::/96), through which networks without IPv4 reach everything that has nothing else.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
        }
        _ => address,
    }
}
