//! Builds the app from configuration and the data folder: the only place that opens both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use evidence::{Redactor, Time};
use indexer::{Store, TantivyStore};
use jiff::tz::TimeZone;
use runbooks::actions::Actions;
use runbooks::policy::Policies;
use runbooks::{Catalog, People, Rules};
use tokio::sync::OnceCell;

use crate::app::{App, Parts};
use crate::cli::Global;
use crate::config::{Config, Mistake, Unusable};
use crate::driver::execute::Hand;
use crate::driver::verify::FreshCounts;
use crate::grants::Grants;
use crate::named::some_of;
use crate::secrets;

/// What every command starts from.
#[derive(Clone, Debug)]
pub struct Setup {
    pub config: Config,
    /// Where the config was read, when there is one.
    pub config_path: Option<PathBuf>,
    pub data: PathBuf,
    pub zone: TimeZone,
    pub json: bool,
    /// Whether the data folder was named on the command line.
    is_data_given: bool,
    /// The database, once it was opened, and the journal in it.
    opened: Arc<OnceCell<Arc<database::Database>>>,
    journal: Arc<OnceCell<Arc<database::Sealed>>>,
}

pub fn now() -> Time {
    Time::from_timestamp(jiff::Timestamp::now())
}

impl Setup {
    /// Finds and reads the config.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with every mistake; a message for a zone that does not exist.
    pub fn new(global: &Global) -> Result<Setup> {
        let in_data = global.data.as_ref().map(|data| data.join("firstline.toml"));
        let candidates = [in_data, Some(PathBuf::from("firstline.toml"))];
        let config_path = match &global.config {
            Some(path) => Some(path.clone()),
            None => candidates.into_iter().flatten().find(|path| path.is_file()),
        };
        let config = config_path.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
        let zone = match &global.zone {
            Some(name) => TimeZone::get(name)
                .with_context(|| format!("`{name}` is no time zone; write one like `Europe/Berlin` or `UTC`"))?,
            None => config.time_zone(),
        };
        let data = global.data.clone().unwrap_or_else(|| config.data.clone());
        Ok(Setup {
            config,
            config_path,
            data,
            zone,
            json: global.json,
            is_data_given: global.data.is_some(),
            opened: Arc::default(),
            journal: Arc::default(),
        })
    }

    /// The writer of the index; one process at a time has it.
    pub fn writer(&self) -> Result<indexer::Writer> {
        self.make_data_folder()?;
        Ok(indexer::Writer::open(&self.index_folder())?)
    }

    pub fn index_folder(&self) -> PathBuf {
        self.data.join("index")
    }

    pub fn key(&self, name: &str) -> Result<[u8; 32]> {
        let path = self.data.join("keys").join(name);
        secrets::key_file(&path).with_context(|| format!("cannot use the key `{}`", path.display()))
    }

    pub fn redactor(&self) -> Result<Redactor> {
        Ok(Redactor::new(self.key("redaction.key")?))
    }

    pub fn database_url(&self) -> String {
        let file = || format!("sqlite:{}", self.data.join("firstline.db").display());
        self.config.database.url.clone().unwrap_or_else(file)
    }

    /// Makes the data folder, for its owner only: logs hold what not everybody may read.
    pub fn make_data_folder(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data);
        made.with_context(|| {
            format!("cannot create the data folder `{}`; choose another with `--data`", self.data.display())
        })
    }

    /// The journal, created on first use and shared afterwards. What is personal in it is sealed.
    pub async fn journal(&self) -> Result<Arc<database::Sealed>> {
        let open = || async {
            let database = self.database().await?;
            let own = || self.data.join("keys").join("journal.json");
            let path = self.config.database.keys.clone().unwrap_or_else(own);
            let masters = database::MasterKeys::open_or_create(&path, now())?;
            Ok(Arc::new(database::Sealed::open(database, masters, now()).await?))
        };
        self.journal.get_or_try_init(open).await.map(Arc::clone)
    }

    /// The journal as it is stored: to verify it takes no key.
    pub async fn database(&self) -> Result<Arc<database::Database>> {
        /// SQLite opens nothing with less.
        const NEEDED: u64 = 1 << 20;
        let open = || async {
            self.make_data_folder()?;
            if let Some(free) =
                free_bytes(&self.data).filter(|free| *free < NEEDED && self.config.database.url.is_none())
            {
                anyhow::bail!(
                    "no space left for the journal in `{}` ({free} bytes free); free some, then run this again: what is asked and decided is recorded first",
                    self.data.display()
                );
            }
            Ok(Arc::new(database::Database::open(&self.database_url()).await?))
        };
        self.opened.get_or_try_init(open).await.map(Arc::clone)
    }

    /// Closes the journal, so that its file is whole without its write-ahead log and can be copied.
    pub async fn close(&self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if let Some(journal) = self.opened.get() {
            // What was appended is safe either way; a connection that hangs must not keep the program from ending.
            let _ = tokio::time::timeout(PATIENCE, journal.close()).await;
        }
    }

    /// The index, for reading; a folder without one is an error only when it is searched.
    pub fn reader(&self) -> Result<Arc<dyn Store>> {
        match TantivyStore::open(&self.index_folder()) {
            Ok(store) => Ok(Arc::new(store)),
            Err(indexer::Error::NoIndex(_)) => Ok(Arc::new(crate::no_index::NoIndex::new(self.data.clone()))),
            Err(error) => Err(error.into()),
        }
    }

    /// The shipped runbooks and one's own, and the mistakes of those left out.
    pub fn runbooks(&self) -> (Catalog, Vec<runbooks::Mistake>) {
        let mut catalog = Catalog::shipped();
        let mistakes = self.config.runbooks.paths.iter().flat_map(|folder| catalog.add_folder(folder)).collect();
        (catalog, mistakes)
    }

    /// All runbooks.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with every mistake in them.
    pub fn catalog(&self) -> Result<Catalog> {
        self.catalog_unless(Vec::new())
    }

    /// All runbooks, once everything that a start needs is there: they have no mistake, and secrets can be read.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with all that is missing or wrong.
    pub fn ready(&self) -> Result<Catalog> {
        let mistakes = self.config_path.as_ref().map_or_else(Vec::new, |path| self.config.missing_secrets(path));
        self.catalog_unless(mistakes)
    }

    fn catalog_unless(&self, mistakes: Vec<Mistake>) -> Result<Catalog> {
        let (catalog, in_runbooks) = self.runbooks();
        let in_policies = self.policies().err().unwrap_or_default();
        if mistakes.is_empty() && in_runbooks.is_empty() && in_policies.is_empty() {
            return Ok(catalog);
        }
        let path = self.config_path.clone().unwrap_or_default();
        Err(Unusable { path, mistakes, in_runbooks, in_policies }.into())
    }

    /// The policies that the config names; `None` when it names none.
    fn policies(&self) -> Result<Option<Policies>, Vec<runbooks::Mistake>> {
        match &self.config.approval.policies[..] {
            [] => Ok(None),
            paths => crate::policies::read(paths).map(Some),
        }
    }

    /// The rules in force.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with every mistake in the policies.
    pub fn rules(&self) -> Result<Rules> {
        let policies = self.policies().map_err(|in_policies| {
            let path = self.config_path.clone().unwrap_or_default();
            Unusable { path, mistakes: Vec::new(), in_runbooks: Vec::new(), in_policies }
        })?;
        Ok(self.rules_with(policies))
    }

    /// The rules, permitting nothing when the policies have mistakes: answers must not wait until somebody mended them.
    fn usable_rules(&self) -> Rules {
        let policies = self.policies().unwrap_or_else(|mistakes| {
            let (n, program) = (mistakes.len(), self.program());
            tracing::warn!(
                "nobody may approve anything: {n} mistakes in the policies, which `{program} policy check` shows"
            );
            Some(Policies::default())
        });
        self.rules_with(policies)
    }

    fn rules_with(&self, policies: Option<Policies>) -> Rules {
        Rules::with(self.config.approval.clone(), People::new(self.config.people.clone()), policies)
    }

    /// The runbooks that can be used; says which files are left out, since one with a mistake must not take the others away.
    pub fn usable_runbooks(&self) -> Catalog {
        let (catalog, mistakes) = self.runbooks();
        let files: BTreeSet<&str> = mistakes.iter().map(|mistake| mistake.file.as_str()).collect();
        if !files.is_empty() {
            let are = if files.len() == 1 { "is" } else { "are" };
            let (named, program) = (some_of(files), self.program());
            tracing::warn!("{named} {are} left out, for mistakes that `{program} runbook check` shows");
        }
        catalog
    }

    /// The whole app over a store.
    pub async fn app(&self, store: Arc<dyn Store>, rules: Rules, catalog: Catalog) -> Result<Arc<App>> {
        let model = crate::driver::tell::Model::from_settings(&self.config.llm)?;
        self.app_of(store, rules, catalog, model, self.hand()?).await
    }

    /// The app as an executor uses it: the journal, the rules and the actions of its own config, and the index to wait for what
    /// logs must show, if it may read one.
    pub async fn executing_app(&self) -> Result<Arc<App>> {
        let none = || Arc::new(crate::no_index::NoIndex::new(self.data.clone())) as Arc<dyn Store>;
        let store = self.reader().unwrap_or_else(|_| none());
        self.app_of(store, self.usable_rules(), Catalog::shipped(), None, Hand::External).await
    }

    async fn app_of(
        &self,
        store: Arc<dyn Store>,
        rules: Rules,
        catalog: Catalog,
        model: Option<crate::driver::tell::Model>,
        executor: Hand,
    ) -> Result<Arc<App>> {
        let counting = Arc::new(FreshCounts { store: Arc::clone(&store), clock: now });
        let parts = Parts {
            store,
            journal: self.journal().await?,
            heads: crate::commands::audit::keys(self)?.public(),
            catalog,
            actions: Actions::new(&self.config.actions, Arc::new(secrets::References)).with_counting(counting),
            inventory: self.config.inventory.clone(),
            aliases: self.config.aliases.clone(),
            grants: Grants::new(self.config.grants.clone(), rules.people()),
            rules,
            redactor: self.redactor()?,
            model,
            executor,
            zone: self.zone.clone(),
            clock: now,
        };
        Ok(App::new(parts).await?)
    }

    /// Our own executor, which finds the same data and config; it starts when it is first needed.
    fn hand(&self) -> Result<Hand> {
        if self.config.executor == crate::config::Executor::External {
            return Ok(Hand::External);
        }
        let mut args = vec!["--data".into(), self.data.clone().into_os_string()];
        if let Some(config) = &self.config_path {
            args.extend(["--config".into(), config.clone().into_os_string()]);
        }
        Ok(Hand::own(args, self.secrets_of_actions()?))
    }

    /// The variables that `[actions]` refers to, and those by which a PostgreSQL client finds its password.
    fn secrets_of_actions(&self) -> Result<Vec<String>> {
        let actions = serde_json::to_value(&self.config.actions)?;
        let mut names = BTreeSet::new();
        references_in(&actions, &mut names);
        names.extend(self.config.actions.programs.values().flat_map(|program| program.env.iter().cloned()));
        if self.config.database.url.is_some() {
            let of_client = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
            names.extend(of_client.filter(|name| name.starts_with("PG")));
        }
        Ok(names.into_iter().collect())
    }

    /// The app as one-off commands use it: reading the index, deciding by the configured rules.
    pub async fn reading_app(&self) -> Result<Arc<App>> {
        self.app(self.reader()?, self.usable_rules(), self.usable_runbooks()).await
    }

    /// How the program is called so that it finds this data.
    fn program(&self) -> String {
        let flag = |name: &str, path: &Path| format!(" --{name} {}", path.display());
        let config = self
            .config_path
            .as_ref()
            .filter(|path| **path != self.data.join("firstline.toml") && **path != Path::new("firstline.toml"));
        let data = Some(&self.data).filter(|data| **data != self.config.data || self.is_data_given);
        let config = config.map(|path| flag("config", path)).unwrap_or_default();
        format!("firstline{config}{}", data.map(|path| flag("data", path)).unwrap_or_default())
    }

    pub fn style(&self) -> chat::TerminalStyle {
        use std::io::IsTerminal as _;
        let is_terminal = std::io::stdout().is_terminal();
        let wanted =
            is_terminal && std::env::var_os("NO_COLOR").is_none() && std::env::var("TERM").as_deref() != Ok("dumb");
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(width);
        chat::TerminalStyle {
            width: width.min(140),
            colour: wanted,
            zone: self.zone.clone(),
            now: now(),
            console: None,
            program: self.program(),
        }
    }
}

/// The names in every `env:NAME`, wherever it stands.
fn references_in(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => names.extend(text.strip_prefix("env:").map(str::to_owned)),
        serde_json::Value::Array(items) => items.iter().for_each(|item| references_in(item, names)),
        serde_json::Value::Object(map) => map.values().for_each(|item| references_in(item, names)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// The free bytes of the file system that `path` is on, or will be.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let stat = nix::sys::statvfs::statvfs(existing).ok()?;
    Some(stat.blocks_available() * stat.fragment_size())
}
