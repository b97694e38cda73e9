#![doc = include_str!("../README.md")]

mod random;
mod stamp;

mod formats;
mod line;
mod services;

mod deploys;
mod faults;
mod trouble;

mod background;
mod fleet;
mod flows;
mod shop;
mod traffic;

mod actions;
mod admin;
mod case;
mod live;
mod state;

pub use actions::Action;
pub use admin::router;
pub use case::{Case, write_case};
pub use deploys::{Deploy, DeployKind};
pub use faults::{FAULTS, Fault, GuiltyChange, Leaves, Remedy, fault};
pub use line::{Level, Line};
pub use live::{Shared, run_live, share};
pub use services::{ENVIRONMENT, SERVICES, Service};
pub use shop::{Settings, Shop};
pub use state::{ServiceState, State};
pub use traffic::shape as traffic_at;

/// What can be wrong with a request to the shop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named thing does not exist here.
    #[error("{0}")]
    Unknown(String),
    /// The thing exists, but what was asked does not fit its present state.
    #[error("{0}")]
    Conflict(String),
    /// A value that can never be right.
    #[error("{0}")]
    Invalid(String),
    #[error("cannot write `{path}`: {source}; give a folder that can be written")]
    Write { path: String, source: std::io::Error },
}
