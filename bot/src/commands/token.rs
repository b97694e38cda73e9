//! `firstline token create|list|revoke`. A token is shown once; what is kept, in the journal, is its hash.

use std::collections::BTreeSet;

use anyhow::Result;
use evidence::Time;
use incident::journal::NewEntry;
use jiff::SignedDuration;
use serde_json::json;

use super::ask::actor;
use super::{Usage, print, print_json};
use crate::app::{App, Refused, RefusedKind};
use crate::cli::{TokenArgs, TokenCommand};
use crate::session::{secret, token_hash};
use crate::setup::Setup;
use crate::tokens::{Scope, TOKENS, Token, TokenEvent};

pub async fn run(setup: &Setup, command: &TokenCommand) -> Result<()> {
    let app = setup.reading_app().await?;
    match command {
        TokenCommand::Create(args) => create(setup, &app, args).await,
        TokenCommand::List => list(setup, &app),
        TokenCommand::Revoke { name } => revoke(setup, &app, name).await,
    }
}

async fn create(setup: &Setup, app: &App, args: &TokenArgs) -> Result<()> {
    let name = args.name.trim();
    if name.is_empty() || name.len() > 100 || name.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':') {
        return Err(Usage(format!("`{}` must be 1 to 100 characters without spaces and `:`", args.name)).into());
    }
    if setup.config.tokens.contains_key(name) {
        return Err(Usage(format!("the config has a token `{name}` already; choose another name")).into());
    }
    let scopes: Result<BTreeSet<Scope>, String> = args.scopes.iter().map(|scope| scope.trim().parse()).collect();
    let given = secret();
    let token = Token {
        name: name.to_owned(),
        hash: token_hash(&given),
        scopes: scopes.map_err(Usage)?,
        services: args.services.iter().cloned().collect(),
        environments: args.environments.iter().cloned().collect(),
        expires: expires(&args.expires, app.now()).map_err(Usage)?,
    };
    decide(app, |app| {
        let now = app.now();
        let is_taken = app.with_state(|state| state.tokens.get(name).is_some_and(|known| known.is_valid(now)));
        if is_taken {
            let text = format!("there is a token `{name}` already");
            let next = format!("`firstline token revoke {name}` first, or choose another name");
            return Err(Refused::new(RefusedKind::Conflict, text).next(next));
        }
        Ok(TokenEvent::Created(token.clone()))
    })
    .await?;
    if setup.json {
        return print_json(&json!({ "name": name, "token": given, "scopes": token.scopes, "expires": token.expires }));
    }
    let until = token.expires.map_or_else(|| "until it is revoked".to_owned(), |expires| format!("until {expires}"));
    print(&format!("{given}\n\nShown this once. `{name}` works {until}; send it as `Authorization: Bearer TOKEN`."))
}

fn list(setup: &Setup, app: &App) -> Result<()> {
    let mut tokens: Vec<Token> = app.with_state(|state| state.tokens.iter().cloned().collect());
    let now = app.now();
    tokens.retain(|token| token.is_valid(now));
    let in_config = setup.config.tokens.iter();
    if setup.json {
        let made = tokens.iter().map(|token| {
            json!({ "name": token.name, "scopes": token.scopes, "services": token.services,
                    "environments": token.environments, "expires": token.expires, "in": "journal" })
        });
        let declared = in_config.map(|(name, table)| json!({ "name": name, "scopes": table.scopes, "in": "config" }));
        return print_json(&json!({ "tokens": made.chain(declared).collect::<Vec<_>>() }));
    }
    let scopes = |scopes: &BTreeSet<Scope>| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let made = tokens.iter().map(|token| {
        let until = token.expires.map_or_else(String::new, |expires| format!(", until {expires}"));
        let sees: Vec<&str> = token.services.iter().chain(&token.environments).map(String::as_str).collect();
        let sees = if sees.is_empty() { String::new() } else { format!(", sees {}", sees.join(" ")) };
        format!("{}: {}{sees}{until}", token.name, scopes(&token.scopes))
    });
    let declared = in_config.map(|(name, table)| format!("{name}: {}, in the config", scopes(&table.scopes)));
    let lines: Vec<String> = made.chain(declared).collect();
    if lines.is_empty() {
        return print("No tokens. Make one with `firstline token create NAME --scope SCOPE`.");
    }
    print(&chat::inert_lines(&lines.join("\n")))
}

async fn revoke(setup: &Setup, app: &App, name: &str) -> Result<()> {
    if setup.config.tokens.contains_key(name) {
        return Err(Usage(format!("`{name}` stands in the config; take it out of `[tokens]` there")).into());
    }
    decide(app, |app| {
        if app.with_state(|state| state.tokens.get(name).is_none()) {
            return Err(Refused::not_found(format!("no token `{name}`")).next("`firstline token list` shows them"));
        }
        Ok(TokenEvent::Revoked { name: name.to_owned() })
    })
    .await?;
    if setup.json { print_json(&json!({ "revoked": name })) } else { print(&format!("revoked: {name}")) }
}

/// Writes what `event` decides, deciding anew whenever somebody else was faster.
async fn decide(app: &App, event: impl Fn(&App) -> Result<TokenEvent, Refused>) -> Result<(), Refused> {
    loop {
        app.sync().await?;
        let text = serde_json::to_string(&event(app)?).expect("events are plain data");
        let seq = app.with_state(|state| state.tokens.seq);
        let entry = NewEntry::new(TOKENS, seq + 1, actor(app), text);
        match app.parts.journal.append(&[entry], app.now()).await {
            Ok(_) => return app.sync().await,
            Err(error) if error.is_conflict() => continue,
            Err(error) => return Err(error.into()),
        }
    }
}

/// `90d`, `12h`, `never`.
fn expires(text: &str, now: Time) -> Result<Option<Time>, String> {
    if text == "never" {
        return Ok(None);
    }
    let wrong = || format!("`--expires {text}`: write hours or days, like `12h` or `90d`, or `never`");
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let hours = match unit {
        "h" => number,
        "d" => number.saturating_mul(24),
        _ => return Err(wrong()),
    };
    if !(1..=24 * 3_660).contains(&hours) {
        return Err(wrong());
    }
    Ok(Some(now.plus(SignedDuration::from_hours(hours))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_when_it_says() {
        let hour = 3_600_000_000;
        for (text, expected) in
            [("12h", Some(Some(Time(12 * hour)))), ("90d", Some(Some(Time(90 * 24 * hour)))), ("never", Some(None))]
        {
            assert_eq!(expires(text, Time(0)).ok(), expected, "{text}");
        }
        for text in ["", "d", "-1d", "0h", "90", "9ö", "999999999999d", "1w"] {
            assert!(expires(text, Time(0)).is_err(), "{text}");
        }
    }
}
