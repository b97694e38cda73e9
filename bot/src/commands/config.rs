//! `firstline config check|show`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{print, print_json};
use crate::cli::{ConfigCommand, Global};
use crate::config::{Config, Unusable};
use crate::setup::Setup;

pub fn run(global: &Global, command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Check => {
            let checked = check(global);
            if global.json {
                let unusable = checked.as_ref().err().and_then(|error| error.downcast_ref::<Unusable>());
                let mistakes = unusable.map_or_else(Vec::new, |unusable| {
                    let in_file = unusable.mistakes.iter().map(ToString::to_string);
                    in_file
                        .chain(unusable.in_runbooks.iter().chain(&unusable.in_policies).map(ToString::to_string))
                        .collect()
                });
                let path = checked
                    .as_ref()
                    .map_or_else(|_| unusable.map(|unusable| unusable.path.clone()), |setup| setup.config_path.clone());
                print_json(&serde_json::json!({ "path": path, "mistakes": mistakes }))?;
                return checked.map(drop);
            }
            let setup = checked?;
            print(&match &setup.config_path {
                Some(path) => format!("`{}` is good: {}", path.display(), enabled(&setup.config)),
                None => "no config file; the defaults are good".to_owned(),
            })
        }
        ConfigCommand::Show => {
            let setup = Setup::new(global)?;
            let mut shown = setup.config;
            shown.data = setup.data;
            hide(&mut shown);
            if global.json {
                return print_json(&shown);
            }
            let from = setup.config_path.unwrap_or_else(|| PathBuf::from("(no file, defaults)"));
            let text = toml::to_string_pretty(&shown).context("cannot write the settings as TOML")?;
            print(&format!("# {}\n{text}", from.display()))
        }
    }
}

/// Reads the config, and looks whether all that it names is there and good.
fn check(global: &Global) -> Result<Setup> {
    let setup = Setup::new(global)?;
    setup.ready()?;
    Ok(setup)
}

fn enabled(config: &Config) -> String {
    let model =
        config.llm.base_url.as_ref().map_or_else(|| "no model".to_owned(), |_| format!("model `{}`", config.llm.model));
    let n = config.sources.len();
    format!("{n} source{}, {model}, console on {}", if n == 1 { "" } else { "s" }, config.listen)
}

/// References stay, passwords in database addresses and token digests go.
fn hide(config: &mut Config) {
    for token in config.tokens.values_mut() {
        token.hash = "[secret]".to_owned();
    }
    if let Some(url) = &mut config.database.url
        && let Ok(mut parsed) = reqwest::Url::parse(url)
        && parsed.password().is_some()
    {
        let _ = parsed.set_password(Some("secret"));
        *url = parsed.to_string().replacen(":secret@", ":[secret]@", 1);
    }
}
