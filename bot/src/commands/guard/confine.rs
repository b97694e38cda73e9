//! Which files, connections and processes a program may reach: landlock rules, which hold for it and for all that it starts.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};
use runbooks::actions::command::orders::{Orders, Sandbox};

/// What programs are made of: code, libraries, certificates, and how names are looked up. Nothing else is there to be read.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/dev/random",
    "/dev/urandom",
];
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full"];

/// The rules for files as the kernel's first versions know them; without these it is no sandbox.
const LEAST: ABI = ABI::V3;
/// What is asked for where the kernel knows it.
const MOST: ABI = ABI::V5;

/// Rules that are ready to hold.
pub(super) struct Rules {
    rules: Result<RulesetCreated, String>,
    sandbox: Sandbox,
    network: bool,
}

/// Looks up everything that the rules name, with the rights that we still have.
pub(super) fn rules(orders: &Orders, folder: &Path) -> Result<Rules, String> {
    for path in orders.read.iter().chain(&orders.write) {
        if let Err(error) = std::fs::symlink_metadata(path) {
            return Err(format!("`{path}`, which its settings let it reach: {error}"));
        }
    }
    let rules = build(orders, folder).map_err(|error| error.to_string());
    Ok(Rules { rules, sandbox: orders.sandbox, network: orders.network })
}

fn build(orders: &Orders, folder: &Path) -> Result<RulesetCreated, landlock::RulesetError> {
    let run = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    // What it can write it cannot execute.
    let change: BitFlags<AccessFs> = AccessFs::from_all(MOST) & !BitFlags::from(AccessFs::Execute);
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(MOST))?
        .scope(Scope::Signal)?
        .scope(Scope::AbstractUnixSocket)?;
    if !orders.network {
        ruleset = ruleset
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessNet::from_all(ABI::V4))?
            .set_compatibility(CompatLevel::BestEffort);
    }
    ruleset
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, run))?
        .add_rules(path_beneath_rules([&orders.program], run))?
        .add_rules(path_beneath_rules(&orders.read, run))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(&orders.write, change))?
        .add_rules(path_beneath_rules([folder], change))
}

impl Rules {
    /// Makes them hold from here on. Returns in words what holds.
    pub(super) fn enforce(self) -> Result<String, String> {
        nix::sys::prctl::set_no_new_privs().map_err(|error| format!("it could gain rights: {error}"))?;
        let enforced = self.rules.and_then(|rules| rules.restrict_self().map_err(|error| error.to_string()));
        match (enforced.map(|status| status.ruleset), self.sandbox) {
            (Ok(RulesetStatus::FullyEnforced), _) => Ok("confined".to_owned()),
            (Ok(RulesetStatus::PartiallyEnforced), _) => {
                Ok("confined as to files; this kernel is too old for more".to_owned())
            }
            (_, Sandbox::BestEffort) if self.network => Ok("not confined, this kernel has no landlock".to_owned()),
            (Ok(RulesetStatus::NotEnforced) | Err(_), _) => Err(
                "this kernel cannot confine it (landlock, Linux 6.2 or later; 6.7 to take the network away); allow that with `sandbox = \"best_effort\"` under `[actions]`"
                    .to_owned(),
            ),
        }
    }
}
