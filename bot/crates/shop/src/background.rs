//! What services say without being asked: pods that come and go, chores, and the answers to an operator's actions.

mod chores;
mod operations;
mod pods;

pub(crate) use chores::{chore, schedule};
pub(crate) use operations::{certificate_loaded, disk_cleared, flag_seen, pool_resized, queue_released, scaled};
pub(crate) use pods::{kill_leaking, replace_pod};
