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

fn allowed(address: IpAddr, may_be_private: bool) -> bool {
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    !is_never_allowed(address) && (may_be_private || !is_private(address))
}

/// Link-local addresses, where clouds keep their metadata, and what is no host at all.
fn is_never_allowed(address: IpAddr) -> bool {
    const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4 == ALIBABA_METADATA
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == AWS_METADATA,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            v4.is_private() || v4.is_loopback() || is_shared || is_benchmark || first == 0 || first >= 240
        }
        IpAddr::V6(v6) => {
            // An address that carries an IPv4 one inside (NAT64, 6to4) is as private as that one may be.
            let carries_v4 = matches!(v6.segments(), [0x64, 0xff9b, ..] | [0x2002, ..]);
            v6.is_loopback() || v6.is_unique_local() || carries_v4
        }
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
        for address in ["93.184.216.34", "2606:4700::1111"] {
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
        ] {
            check(address, false, true);
        }
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "100.100.100.200",
            "fd00:ec2::254",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            check(address, false, false);
        }
    }
}
