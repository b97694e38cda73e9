//! Sessions and links, on each database.

use std::sync::Arc;

use super::*;
use crate::sessions::Session;

pub(super) async fn check(database: &Arc<Database>) {
    let at = |seconds: i64| Time(seconds * 1_000_000);
    database.begin_session("h1", "console:ines", at(10)).await.unwrap();
    database.begin_session("h2", "console:ines", at(20)).await.unwrap();
    database.begin_session("h3", "oidc:tom", at(30)).await.unwrap();
    database.session_seen("h1", at(15)).await.unwrap();
    let expected = Session { identity: "console:ines".to_owned(), begun: at(10), seen: at(15) };
    assert_eq!(database.session("h1").await.unwrap(), Some(expected));
    assert_eq!(database.session("none").await.unwrap(), None);
    assert!(database.begin_session("h1", "console:eve", at(40)).await.is_err(), "a hash names one session");

    database.forget_sessions(at(0), at(18), at(0)).await.unwrap();
    assert_eq!(database.session("h1").await.unwrap(), None, "idle");
    assert_eq!(database.end_sessions_of("console:ines").await.unwrap(), 1);
    assert_eq!(database.session("h2").await.unwrap(), None);
    assert!(database.session("h3").await.unwrap().is_some(), "somebody else's");
    database.end_session("h3").await.unwrap();
    assert_eq!(database.session("h3").await.unwrap(), None);

    database.add_link("l1", "console:ines", at(50)).await.unwrap();
    assert_eq!(database.take_link("l1", at(50)).await.unwrap(), None, "too old");
    let takers: Vec<_> = (0..16)
        .map(|_| {
            let database = Arc::clone(database);
            tokio::spawn(async move { database.take_link("l1", at(49)).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.unwrap().is_some());
    }
    assert_eq!(taken, 1, "a link signs in once, however many open it at the same time");
}
