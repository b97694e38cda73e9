//! Which addresses a name may lead to. The check is made on the addresses that are then connected to,
//! so a name that changes its mind between check and connection gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub(super) struct Guard {
    may_be_private: bool,
}

impl Guard {
    pub(super) fn new(may_be_private: bool) -> Guard {
        Guard { may_be_private }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let may_be_private = self.may_be_private;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let is_allowed = |address: &&SocketAddr| allowed(address.ip(), may_be_private);
            let allowed: Vec<SocketAddr> = found.iter().filter(is_allowed).copied().collect();
            if allowed.is_empty() {
                let text = format!(
                    "`{host}` leads to a private or local address; set `private = true` for its endpoint if that is meant"
                );
                return Err(text.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A base URL that spells out an address has declared it, except where no service of a team can be.
pub(super) fn check_literal(url: &Url) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match literal {
        Some(address) if !allowed(address, true) => {
            Err(format!("`{host}` is a link-local or metadata address; no step may call it"))
        }
        _ => Ok(()),
    }
}

/// An address that carries an IPv4 one is judged by both: a translator on the way may unpack it.
fn allowed(address: IpAddr, may_be_private: bool) -> bool {
    let carried = match address {
        IpAddr::V6(v6) => carried_v4(v6).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    if [Some(address), carried].into_iter().flatten().any(is_never_allowed) {
        return false;
    }
    let is_mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    let is_local = match carried {
        Some(v4) if is_mapped => is_private(v4),
        // No service of a team is declared by such a name, so it counts as private whatever it carries.
        Some(_) => true,
        None => is_private(address),
    };
    may_be_private || !is_local
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 one.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0 | 1, .., high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

/// Link-local addresses, where clouds keep their metadata, those that clouds keep elsewhere, and what is no host at all.
fn is_never_allowed(address: IpAddr) -> bool {
    const METADATA: [Ipv4Addr; 3] = [
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(168, 63, 129, 16),   // Azure
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    const METADATA_V6: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    ];
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || METADATA.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || METADATA_V6.contains(&v6)
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            let is_special =
                v4.is_private() || v4.is_loopback() || v4.is_documentation() || (first, second, third) == (192, 0, 0);
            is_special || is_shared || is_benchmark || first == 0 || first >= 240
        }
        // `fec0::/10` are the site-local addresses of old.
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.segments()[0] & 0xffc0 == 0xfec0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, public: bool, private: bool) {
        let ip: IpAddr = address.parse().unwrap();
        assert_eq!((allowed(ip, false), allowed(ip, true)), (public, private), "{address}");
    }

    #[test]
    fn private_addresses_need_a_declaration_and_metadata_is_never_reached() {
        for address in ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"] {
            check(address, true, true);
        }
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::a00:1",
            "2002:a00:1::1",
            "::10.0.0.1",
            "fec0::1",
            "192.0.0.8",
            "198.18.0.1",
            "240.0.0.1",
        ] {
            check(address, false, true);
        }
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
            "::ffff:100.100.100.200",
            "::ffff:0.0.0.0",
            "168.63.129.16",
            "192.0.0.192",
            "fd20:ce::254",
            "ff02::1",
            "fe80::1",
            "100.100.100.200",
            "fd00:ec2::254",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            check(address, false, false);
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_needs_a_declaration() {
        let resolve = async |may_be_private| {
            let found = Guard::new(may_be_private).resolve("localhost".parse().unwrap()).await;
            found.map(|addresses| addresses.count()).map_err(|error| error.to_string())
        };
        assert!(resolve(false).await.unwrap_err().contains("leads to a private or local address"));
        assert!(resolve(true).await.unwrap() > 0);
    }
}
