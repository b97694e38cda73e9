//! The shop in real time: the same state that made the history lives on, a few times a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::line::Line;
use crate::shop::Shop;

/// One shop for its runner and its admin API.
pub type Shared = Arc<Mutex<Shop>>;

pub fn share(shop: Shop) -> Shared {
    Arc::new(Mutex::new(shop))
}

const TICK: Duration = Duration::from_millis(250);

/// Steps the shop to `now()` (microseconds) four times a second and hands the lines to `sink`, until cancelled.
///
/// `sink` is called without the lock held and not for an empty tick.
pub async fn run_live(
    shop: Shared,
    mut sink: impl FnMut(Vec<Line>) + Send,
    now: impl Fn() -> i64 + Send,
    cancel: CancellationToken,
) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let lines = lock(&shop).step(now());
        if !lines.is_empty() {
            sink(lines);
        }
    }
}

/// A panic elsewhere does not stop the shop: its state is never left half changed.
pub(crate) fn lock(shop: &Shared) -> std::sync::MutexGuard<'_, Shop> {
    shop.lock().unwrap_or_else(PoisonError::into_inner)
}
