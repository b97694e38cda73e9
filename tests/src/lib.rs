#![doc = include_str!("../README.md")]

pub mod browser;

pub mod executor;
pub mod issuer;

pub mod place;

pub mod server;

pub mod story;

pub mod tenants;

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("`tests` stands in the workspace").to_owned()
}

/// The `firstline` program, built beside this test binary.
///
/// # Panics
///
/// When it is not there: `cargo test --workspace` and `tests/run` build it.
pub fn firstline() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let target = test.parent().and_then(Path::parent).expect("tests run from `target/PROFILE/deps`");
    let program = target.join("firstline");
    assert!(program.exists(), "`{}` is not built; run `cargo build --workspace` first", program.display());
    program
}

/// Whether a missing tool is a failure: `tests/run` installs everything and says so.
pub fn everything_is_installed() -> bool {
    std::env::var_os("FIRSTLINE_TEST_ALL").is_some()
}
