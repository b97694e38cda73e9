//! The strings at which a secret can begin, in one automaton for the whole process.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::names::{NAMES, Name};
use super::providers::{PROVIDERS, Provider};

#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Provider(&'static Provider),
    Jwt,
    Pem,
    Scheme,
    At,
    Bearer,
    Basic,
    Authorization,
    Cookie,
    Webhook,
    Password,
    CurlUser,
    Name(&'static Name),
}

struct Anchors {
    automaton: AhoCorasick,
    meanings: Vec<Anchor>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let fixed = [
        ("eyJ", Anchor::Jwt),
        ("-----BEGIN ", Anchor::Pem),
        ("://", Anchor::Scheme),
        ("@", Anchor::At),
        ("bearer", Anchor::Bearer),
        ("basic", Anchor::Basic),
        ("authorization", Anchor::Authorization),
        ("cookie", Anchor::Cookie),
        ("hooks.slack.com/services/", Anchor::Webhook),
        ("/api/webhooks/", Anchor::Webhook),
        ("sshpass -p ", Anchor::Password),
        (" -u ", Anchor::CurlUser),
        (" --user ", Anchor::CurlUser),
    ];
    let providers = PROVIDERS.iter().map(|provider| (provider.prefix, Anchor::Provider(provider)));
    let names = NAMES.iter().map(|name| (name.word, Anchor::Name(name)));
    let (words, meanings): (Vec<&str>, Vec<Anchor>) = fixed.into_iter().chain(providers).chain(names).unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .expect("a few hundred short words make a small automaton");
    Anchors { automaton, meanings }
});

/// Every anchor with the bytes where it starts and ends, overlapping ones too.
pub(super) fn anchors_in(bytes: &[u8]) -> impl Iterator<Item = (Anchor, usize, usize)> + '_ {
    let anchors = &*ANCHORS;
    anchors
        .automaton
        .find_overlapping_iter(bytes)
        .map(|found| (anchors.meanings[found.pattern().as_usize()], found.start(), found.end()))
}
