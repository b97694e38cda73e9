//! The running program: store, journal, runbooks, model and settings, built once and shared by console, terminal and jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use evidence::{Change, Grant, Redactor, Time};
use incident::journal::{self, Entry, Journal, NewEntry};
use incident::{Effect, Event, Happened, Incident};
use indexer::Store;
use jiff::tz::TimeZone;
use runbooks::Rules;
use tokio::sync::broadcast;

use crate::state::{CHANGES, ChangeEvent, INCIDENTS, State, Touched};

/// What a person is told when something is refused: a sentence, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    pub message: String,
    pub next: Option<String>,
    pub kind: RefusedKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedKind {
    /// The person can mend it by asking differently.
    Mistake,
    NotFound,
    /// The person may not.
    Forbidden,
    /// Somebody else was faster, or the state no longer allows it.
    Conflict,
    /// Not now: something else has to end first.
    Busy,
    /// A part of us does not work now.
    Unavailable,
}

impl Refused {
    pub fn new(kind: RefusedKind, message: impl Into<String>) -> Refused {
        Refused { message: message.into(), next: None, kind }
    }

    pub fn mistake(message: impl Into<String>) -> Refused {
        Refused::new(RefusedKind::Mistake, message)
    }

    pub fn not_found(message: impl Into<String>) -> Refused {
        Refused::new(RefusedKind::NotFound, message)
    }

    pub fn next(mut self, next: impl Into<String>) -> Refused {
        self.next = Some(next.into());
        self
    }

    /// The sentence and what to do.
    pub fn in_full(&self) -> String {
        self.next.as_ref().map_or_else(|| self.message.clone(), |next| format!("{}; {next}", self.message))
    }
}

impl From<journal::Error> for Refused {
    fn from(error: journal::Error) -> Refused {
        Refused::new(RefusedKind::Unavailable, error.to_string())
    }
}

impl From<indexer::Error> for Refused {
    fn from(error: indexer::Error) -> Refused {
        let kind = match &error {
            indexer::Error::NoRecord(_) => RefusedKind::NotFound,
            error if error.is_user_mistake() => RefusedKind::Mistake,
            _ => RefusedKind::Unavailable,
        };
        Refused::new(kind, error.to_string())
    }
}

/// Something that open pages and terminals want to hear of.
#[derive(Clone, Debug)]
pub enum Update {
    Touched(Touched),
    /// A running step printed this.
    Output {
        step: String,
        chunk: String,
    },
    /// How the watch over a finished step stands.
    Verifying {
        step: String,
        text: String,
    },
}

/// Everything that is chosen once, at start.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub journal: Arc<dyn Journal>,
    /// What the journal's signed heads are verified with.
    pub heads: database::PublicKeys,
    pub catalog: runbooks::Catalog,
    pub actions: runbooks::actions::Actions,
    /// What configuration says may be acted on.
    pub inventory: runbooks::Inventory,
    /// Other names that people use for a service.
    pub aliases: BTreeMap<String, Vec<String>>,
    /// The rules at the start; [`App::rules`] has those of now.
    pub rules: Rules,
    /// Who may see what.
    pub grants: crate::grants::Grants,
    pub redactor: Redactor,
    pub model: Option<crate::driver::tell::Model>,
    /// Who runs what is approved.
    pub executor: crate::driver::execute::Hand,
    pub zone: TimeZone,
    pub clock: fn() -> Time,
}

pub struct App {
    pub parts: Parts,
    rules: RwLock<Arc<Rules>>,
    state: RwLock<State>,
    /// Held while entries are taken in, so that each is taken in once and in order.
    reading: tokio::sync::Mutex<()>,
    updates: broadcast::Sender<Update>,
    pub(crate) under_way: crate::driver::UnderWay,
}

impl App {
    /// Reads the whole journal.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn new(parts: Parts) -> Result<Arc<App>, Refused> {
        let app = Arc::new(App {
            rules: RwLock::new(Arc::new(parts.rules.clone())),
            parts,
            state: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            updates: broadcast::Sender::new(1_024),
            under_way: crate::driver::UnderWay::default(),
        });
        // What was erased before is not readable now; what will be is read again without it.
        let end = app.parts.journal.end().await?;
        app.state.write().unwrap_or_else(std::sync::PoisonError::into_inner).erased_up_to = end;
        app.sync().await?;
        Ok(app)
    }

    pub fn now(&self) -> Time {
        (self.parts.clock)()
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    pub(crate) fn announce(&self, update: Update) {
        // Nobody listening is no error.
        let _ = self.updates.send(update);
    }

    /// Looks at the state as of the last [`App::sync`].
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes in what this and other processes wrote since the last time.
    pub async fn sync(&self) -> Result<(), Refused> {
        const PAGE: usize = 500;
        let _reading = self.reading.lock().await;
        loop {
            let position = self.with_state(|state| state.position);
            let entries = self.parts.journal.since(position, PAGE).await?;
            let touched: Vec<Touched> = {
                let mut state = self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                entries.iter().map(|entry| state.take(entry)).collect()
            };
            if touched.contains(&Touched::Erased) {
                self.read_again().await?;
                continue;
            }
            for touched in touched {
                self.announce(match touched {
                    Touched::Output { step, chunk } => Update::Output { step, chunk },
                    touched => Update::Touched(touched),
                });
            }
            if entries.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Reads the journal from its beginning, without what was erased, and then forgets what was known before.
    async fn read_again(&self) -> Result<(), Refused> {
        let erased_up_to = self.with_state(|state| state.position);
        let mut fresh = State::erased_up_to(erased_up_to);
        while fresh.position < erased_up_to {
            for entry in self.parts.journal.since(fresh.position, 500).await? {
                // Stops where this began: what came since may erase more.
                if entry.position <= erased_up_to {
                    fresh.take(&entry);
                }
            }
        }
        *self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Writes what `decide` decides, deciding anew whenever somebody else was faster, and returns what is to be done next.
    ///
    /// This is the one place where races between people, processes and replicas end. What a claim or an end means for locks is
    /// written in the same transaction.
    pub async fn record<E>(
        &self,
        incident: &str,
        actor: &str,
        decide: impl Fn(&Incident) -> Result<Vec<Event>, E>,
    ) -> Result<Vec<Effect>, E>
    where
        E: From<Refused>,
    {
        loop {
            self.sync().await?;
            let mut local = self.incident(incident).unwrap_or_else(|| Incident::new(incident));
            let events = decide(&local)?;
            if events.is_empty() {
                return Ok(Vec::new());
            }
            let most = self.rules().settings().max_running;
            let beside = self.with_state(|state| state.locks.entries_beside(&local, &events, actor, most));
            let beside = beside.map_err(|busy| Refused::new(RefusedKind::Busy, busy.to_string()))?;
            let entries: Vec<NewEntry> = (local.seq + 1..)
                .zip(&events)
                .map(|(seq, event)| {
                    let text = serde_json::to_string(event).expect("events are plain data");
                    NewEntry::new(format!("{INCIDENTS}{incident}"), seq, actor, text)
                })
                .chain(beside)
                .collect();
            match self.parts.journal.append(&entries, self.now()).await {
                Ok(written) => {
                    let happened =
                        |(event, entry): (Event, &Entry)| Happened { at: entry.at, actor: entry.actor.clone(), event };
                    let effects =
                        events.into_iter().zip(&written).flat_map(|pair| local.apply(happened(pair))).collect();
                    self.sync().await?;
                    return Ok(effects);
                }
                Err(error) if error.is_conflict() => continue,
                Err(error) => return Err(Refused::from(error).into()),
            }
        }
    }

    /// Appends to a stream of which nothing is decided: whoever comes first is first.
    pub async fn append(&self, stream: &str, actor: &str, event: &impl serde::Serialize) -> Result<(), Refused> {
        let text = serde_json::to_string(event).expect("events are plain data");
        loop {
            let seq = self.parts.journal.latest(stream).await?.map_or(0, |last| last.seq);
            match self.parts.journal.append(&[NewEntry::new(stream, seq + 1, actor, &text)], self.now()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The rules as they are now.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts other rules in force, for everything that is decided from now on.
    pub fn change_rules(&self, rules: Rules) {
        if *self.rules() != rules {
            tracing::info!(version = rules.version(), "people, approval settings or policies were changed");
            *self.rules.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(rules);
        }
    }

    /// What may be acted on: configuration, and whatever was ever recorded as deployed.
    pub fn inventory(&self) -> runbooks::Inventory {
        self.inventory_seen(&Grant::everything())
    }

    /// What of it somebody may see.
    pub fn inventory_seen(&self, grant: &Grant) -> runbooks::Inventory {
        let mut inventory = crate::sight::narrowed(self.parts.inventory.clone(), grant);
        self.with_state(|state| state.changes_seen(grant).iter().for_each(|change| inventory.learn(change)));
        inventory
    }

    pub fn incident(&self, id: &str) -> Option<Incident> {
        self.with_state(|state| state.incidents.get(id).cloned())
    }

    /// An incident or conversation; one that may not be seen is not there.
    pub fn incident_seen(&self, grant: &Grant, id: &str) -> Option<Incident> {
        self.incident(id).filter(|incident| crate::sight::may_see_incident(grant, incident))
    }

    /// Records a change; recording the same one again adds nothing. Returns whether it was new.
    pub async fn record_change(&self, change: Change, actor: &str) -> Result<bool, Refused> {
        loop {
            self.sync().await?;
            let (known, seq) = self.with_state(|state| (state.changes.contains(&change), state.changes_seq));
            if known {
                return Ok(false);
            }
            let event = ChangeEvent::Recorded { change: change.clone() };
            let text = serde_json::to_string(&event).expect("changes are plain data");
            match self.parts.journal.append(&[NewEntry::new(CHANGES, seq + 1, actor, text)], self.now()).await {
                Ok(_) => {
                    self.sync().await?;
                    return Ok(true);
                }
                Err(error) if error.is_conflict() => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs a call to what a grant shows of the store off the async threads.
    pub(crate) async fn with_granted<T: Send + 'static>(
        &self,
        grant: &Grant,
        call: impl FnOnce(&dyn Store) -> indexer::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let grant = grant.clone();
        self.with_store(move |store| call(store.granted(&grant).as_ref())).await
    }

    /// Runs a call to the whole store off the async threads: for what no person or program reads.
    pub(crate) async fn with_store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> indexer::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let store = Arc::clone(&self.parts.store);
        let joined = tokio::task::spawn_blocking(move || call(store.as_ref())).await;
        joined
            .map_err(|error| Refused::new(RefusedKind::Unavailable, format!("the search stopped: {error}")))?
            .map_err(Refused::from)
    }
}
