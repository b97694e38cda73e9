//! The command line as people type it. Everything here is part of the contract: add, never rename.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Finds what broke, says what changed, proposes the fix, and runs nothing that you did not approve.
#[derive(Parser, Debug)]
#[command(name = "firstline", version, max_term_width = 100)]
#[command(after_help = "First time here? `firstline demo` shows everything on a simulated shop.\n\
    Your own logs: `firstline index /var/log/…` and then `firstline ask \"what is wrong?\"`.")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug, Clone)]
pub struct Global {
    /// The folder of the index and the journal; the config's `data`, else `./firstline-data`
    #[arg(long, global = true, env = "FIRSTLINE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The config file; else `DIR/firstline.toml` or `./firstline.toml`, when there is one
    #[arg(long, global = true, env = "FIRSTLINE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON document instead of text for people
    #[arg(long, global = true)]
    pub json: bool,
    /// Time zone for reading and printing times, like `Europe/Berlin`; this machine's when absent
    #[arg(long, global = true, env = "FIRSTLINE_ZONE", value_name = "ZONE")]
    pub zone: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// A living example: a simulated shop with a fault, the console, an approval, the recovery
    Demo(DemoArgs),
    /// Run everything that the config enables: sources, console, API
    Serve,
    /// Read log files, folders, `.gz`, `.zst` or `-`; safe to repeat and to interrupt
    Index(IndexArgs),
    /// Find records
    Search(SearchArgs),
    /// Ask a question about the logs
    Ask(AskArgs),
    /// A conversation in the terminal
    Chat,
    /// Steps that wait for a decision, or all of one incident
    Proposals {
        /// Only this incident, with what was decided
        incident: Option<String>,
    },
    /// Approve a proposed step and run it
    Approve {
        #[command(flatten)]
        decide: DecideArgs,
        /// In an emergency: have it started without the others; needs `--reason`, tells a second channel, is reviewed afterwards
        #[arg(long)]
        break_glass: bool,
    },
    /// Propose the step that takes another back; it needs an approval of its own
    Undo {
        /// The step
        id: String,
    },
    /// Say what you think of a broken glass, with `--reason`
    Review(DecideArgs),
    /// Reject a proposed step
    Reject(DecideArgs),
    /// Cancel a step that has not finished
    Cancel(DecideArgs),
    /// Say that a manual step was done, or how an unknown one ended
    Done {
        #[command(flatten)]
        decide: DecideArgs,
        /// It was tried and failed
        #[arg(long)]
        failed: bool,
    },
    /// Record and list what was changed
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// What the logs consist of
    Templates(TemplatesArgs),
    /// Runbooks: list, check, show, try
    #[command(subcommand)]
    Runbook(RunbookCommand),
    /// Who may do what, and why
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Incidents and their timelines
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Show a past answer again, computed anew from the journal
    Replay {
        /// The answer's id
        id: String,
    },
    /// Prove that the record was not altered
    #[command(subcommand)]
    Audit(AuditCommand),
    /// API tokens for programs: make, list, revoke
    #[command(subcommand)]
    Token(TokenCommand),
    /// Run incident cases and print the scores
    Eval(EvalArgs),
    /// Look at configuration, folders, disk and connections, and say what to mend
    Doctor,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run approved steps; `serve` starts one itself, this is for one of another user or on another machine
    Executor(ExecutorArgs),
    /// Confines one program of a step; started by the executor, with orders on a socket
    #[command(name = "__guard", hide = true)]
    Guard {
        #[arg(long)]
        start: bool,
    },
    /// Print a completion script for your shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The port of the console; a free one when 7171 is taken
    #[arg(long, value_name = "P")]
    pub port: Option<u16>,
    /// What breaks; see `--list-faults`
    #[arg(long, value_name = "NAME", default_value = "bad-deploy")]
    pub fault: String,
    /// List the faults and what fixes them
    #[arg(long)]
    pub list_faults: bool,
    /// The shop's day is the same for the same seed
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Do not open a browser
    #[arg(long)]
    pub no_browser: bool,
}

#[derive(Args, Debug)]
pub struct IndexArgs {
    /// Files, folders, `.gz`, `.zst`, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The service that wrote these logs, where lines do not say
    #[arg(long, value_name = "NAME", conflicts_with = "service_from")]
    pub service: Option<String>,
    /// A regular expression over the path; its first group is the service
    #[arg(long, value_name = "REGEX")]
    pub service_from: Option<String>,
    /// auto, json, logfmt, syslog, access, container or plain
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub format: String,
}

#[derive(Args, Debug, Clone, Default)]
pub struct TimesArgs {
    /// Start: RFC 3339, `HH:MM[:SS]` today, or `-90m`, `-1h`, `-2d`
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// End, in the same forms
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub to: Option<String>,
}

#[derive(Args, Debug)]
pub struct SearchArgs {
    /// `word` `"a phrase"` `prefix*` `-not` `AND` `OR` `( )` `service:` `level>=warn` `key:value` `last:15m` (before `--to`, or now); `'*'` for all
    #[arg(allow_hyphen_values = true)]
    pub query: String,
    #[command(flatten)]
    pub times: TimesArgs,
    /// At most this many records
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    #[arg(long, value_enum, default_value_t = OrderArg::Time)]
    pub order: OrderArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OrderArg {
    /// Newest first
    Time,
    /// Best match first
    Relevance,
}

#[derive(Args, Debug)]
pub struct AskArgs {
    /// In your own words: "why is checkout failing?"
    pub question: String,
    #[command(flatten)]
    pub times: TimesArgs,
    /// The moment it happened; the answer looks around it
    #[arg(long, value_name = "T", allow_hyphen_values = true, conflicts_with_all = ["from", "to"])]
    pub at: Option<String>,
    /// Compare with this time instead of one that Firstline chooses
    #[arg(long, value_name = "T", allow_hyphen_values = true, requires = "baseline_to")]
    pub baseline_from: Option<String>,
    #[arg(long, value_name = "T", allow_hyphen_values = true, requires = "baseline_from")]
    pub baseline_to: Option<String>,
    /// Only this service
    #[arg(long, value_name = "S")]
    pub service: Option<String>,
    /// Do not ask the language model, although one is configured
    #[arg(long)]
    pub no_model: bool,
}

#[derive(Args, Debug)]
pub struct ExecutorArgs {
    /// Take ids of steps from standard input and end with it, as `serve` wants it
    #[arg(long, hide = true)]
    pub from_stdin: bool,
}

#[derive(Args, Debug)]
pub struct DecideArgs {
    /// The step's or the proposal's id, as `ask` and `proposals` print it
    pub id: String,
    /// Why; kept in the record
    #[arg(long, value_name = "R")]
    pub reason: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum DeployCommand {
    /// Say that something was changed
    Record(RecordArgs),
    /// Read changes from a file, one JSON object a line
    Import { file: PathBuf },
    /// List changes
    List {
        #[command(flatten)]
        times: TimesArgs,
    },
}

#[derive(Args, Debug)]
pub struct RecordArgs {
    #[arg(long, value_name = "S")]
    pub service: String,
    #[arg(long, value_name = "V")]
    pub version: String,
    #[arg(long, value_name = "E")]
    pub env: Option<String>,
    /// When; now when absent
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub at: Option<String>,
    #[arg(long, value_name = "KIND", default_value = "deploy", value_parser = ["deploy", "config", "flag", "infra"])]
    pub kind: String,
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    #[arg(long, value_name = "U")]
    pub url: Option<String>,
    /// The version that ran before; a rollback goes there
    #[arg(long, value_name = "V")]
    pub previous: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

#[derive(Args, Debug)]
pub struct TemplatesArgs {
    #[arg(long, value_name = "S")]
    pub service: Option<String>,
    #[command(flatten)]
    pub times: TimesArgs,
}

#[derive(Subcommand, Debug)]
pub enum RunbookCommand {
    /// List the runbooks
    List,
    /// Check files or folders; all mistakes with line and column
    Check { paths: Vec<PathBuf> },
    /// Print one runbook with its steps
    Show { id: String },
    /// Show exactly what would run, without running it
    DryRun {
        id: String,
        /// A parameter's value
        #[arg(long = "param", value_name = "K=V")]
        params: Vec<String>,
    },
    /// Propose a runbook in an incident, with parameters of your own
    Propose {
        id: String,
        /// The incident or conversation; the newest open incident when absent
        #[arg(long, value_name = "ID")]
        incident: Option<String>,
        /// A parameter's value
        #[arg(long = "param", value_name = "K=V")]
        params: Vec<String>,
        /// The proposal that this takes the place of
        #[arg(long, value_name = "PROPOSAL")]
        instead_of: Option<String>,
    },
    /// Turn a wiki page, or a folder of them, into runbooks, and report what becomes of each line
    Import {
        file: PathBuf,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Write a runbook from what was done in an incident, for a person to edit
    Draft {
        /// The incident's id
        incident: String,
        #[command(flatten)]
        write: WriteArgs,
    },
}

#[derive(Args, Debug)]
pub struct WriteArgs {
    /// Where to write it; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long)]
    pub overwrite: bool,
}

#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Say why somebody may or may not do something
    Explain(ExplainArgs),
    /// Check policy files or folders, or those that the config names; all mistakes with line and column
    Check { paths: Vec<PathBuf> },
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Who: their id under `[people]`, or an account like `console:ines`
    #[arg(long = "as", value_name = "PERSON")]
    pub person: String,
    /// What: see, propose, approve, run or break_glass; or a kind of step, like http or command
    #[arg(long, value_name = "A")]
    pub action: String,
    /// On which service
    #[arg(long, value_name = "S")]
    pub service: String,
    /// In which environment; production when absent
    #[arg(long, value_name = "E")]
    pub env: Option<String>,
    /// At which risk; all three when absent
    #[arg(long, value_name = "R")]
    pub risk: Option<RiskArg>,
    /// Which runbook, for policies that speak of one
    #[arg(long, value_name = "ID")]
    pub runbook: Option<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum RiskArg {
    Low,
    Medium,
    High,
}

impl From<RiskArg> for evidence::answer::Risk {
    fn from(risk: RiskArg) -> Self {
        match risk {
            RiskArg::Low => Self::Low,
            RiskArg::Medium => Self::Medium,
            RiskArg::High => Self::High,
        }
    }
}

#[derive(Subcommand, Debug)]
pub enum IncidentCommand {
    /// All incidents, newest first
    List,
    /// One incident
    Show { id: String },
    /// What happened, in order
    Timeline { id: String },
    /// Close an incident
    Resolve {
        id: String,
        /// What it was, for the record
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
}

#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Check the chain of every stream, and that nothing is missing since an exported head
    Verify {
        /// A head that `audit head` printed earlier; on a machine without the keys, the keys in it are what is trusted
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
    /// Print every entry and what it decided, one JSON object a line
    Export {
        #[arg(long, value_name = "T", allow_hyphen_values = true)]
        since: Option<String>,
        /// Only this incident and the conversations that are part of it
        #[arg(long, value_name = "ID")]
        incident: Option<String>,
    },
    /// Print the signed heads of all streams, with the public keys; keep them elsewhere
    Head,
    /// Make what a person said, or an incident's content, unreadable for ever; who decided what stays, under a pseudonym
    Erase(EraseArgs),
    /// Give the keys that sign heads and wrap other keys a successor each
    RotateKeys,
}

#[derive(Args, Debug)]
pub struct EraseArgs {
    /// The id of a person; again for each other id that they go by, like `console:ines`
    #[arg(long, value_name = "ID", required_unless_present = "incident", conflicts_with = "incident")]
    pub person: Vec<String>,
    /// An incident, or a conversation that became none
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make a token and print it, once
    Create(TokenArgs),
    /// All tokens that work, without their secrets
    List,
    /// Take a token back; it stops working at once
    Revoke { name: String },
}

#[derive(Args, Debug)]
pub struct TokenArgs {
    /// What uses it: `ci`
    pub name: String,
    /// ask, search, deploys, alerts, logs, incidents, audit or metrics; several with commas
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub scopes: Vec<String>,
    /// A service that it sees; what `[grants]` say of `token:NAME` when absent
    #[arg(long = "service", value_name = "S")]
    pub services: Vec<String>,
    /// An environment that it sees; all of those services' when absent
    #[arg(long = "env", value_name = "E")]
    pub environments: Vec<String>,
    /// How long it works: `12h`, `90d`, or `never`
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub expires: String,
}

#[derive(Args, Debug)]
pub struct EvalArgs {
    /// A folder of cases
    pub dir: PathBuf,
    /// Only cases whose folder name contains this
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Report everything wrong at once
    Check,
    /// Print the settings in force, secrets hidden
    Show,
}
