//! Which step a command line could be: a declared program, a request to a declared endpoint, a change in Kubernetes.
//! Whatever is refused here stays a step for a person, who sees the command and why.

use serde_json::{Map, Value as Json, json};

use super::Known;
use crate::runbook::Block;

/// The step that does what the words of a command line do.
///
/// # Errors
///
/// Why it stays manual.
pub(super) fn offered(words: &[String], known: &Known<'_>) -> Result<Block, String> {
    let (program, arguments) = words.split_first().ok_or("there is no command in it")?;
    let (action, args, target) = match program.as_str() {
        "kubectl" => kubernetes(arguments)?,
        "curl" => http(arguments, known)?,
        program => command(program, arguments, known)?,
    };
    if !known.actions.names().contains(&action) {
        return Err(format!("no action `{action}` is built in; `{program}` is run by a person"));
    }
    let refused = known.actions.named(action).map(|named| named.check(&args).err().unwrap_or_default());
    let refused = refused.unwrap_or_default().into_iter().find(|mistake| !mistake.contains("{{"));
    if let Some(mistake) = refused {
        return Err(mistake);
    }
    Ok(block(action, args, target))
}

pub(super) fn block(action: &str, args: Json, target: Option<String>) -> Block {
    Block {
        id: None,
        action: action.to_owned(),
        args,
        target,
        risk: None,
        timeout: None,
        verify: None,
        undo: None,
        together: false,
    }
}

/// The name of an action, its arguments, and what it acts on.
type Offer = (&'static str, Json, Option<String>);

fn command(program: &str, arguments: &[String], known: &Known<'_>) -> Result<Offer, String> {
    let is_it = |(name, declared): &(&String, &crate::actions::Program)| {
        let base = declared.path.rsplit('/').next();
        *name == program || declared.path == program || base == Some(program)
    };
    let Some((name, _)) = known.settings.programs.iter().find(is_it) else {
        return Err(format!("`{program}` is not declared under `[actions.programs]`"));
    };
    Ok(("command", json!({ "program": name, "argv": arguments }), Some(name.clone())))
}

/// Flags of `curl` that change nothing here: it is quiet anyway, shows what came, and a status that means failure is one.
const HARMLESS: [&str; 14] = [
    "-s",
    "-S",
    "-f",
    "-sS",
    "-fsS",
    "-sf",
    "-sSf",
    "-fs",
    "-i",
    "-v",
    "--silent",
    "--show-error",
    "--fail",
    "--compressed",
];

fn http(arguments: &[String], known: &Known<'_>) -> Result<Offer, String> {
    let (mut method, mut data, mut url) = (None, None, None);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("`{word}` has no value"));
        match word.as_str() {
            "-X" | "--request" => method = Some(value()?),
            "-d" | "--data" | "--data-raw" | "--json" => data = Some(value()?),
            "-H" | "--header" => {
                let header = value()?.to_lowercase();
                let is_json = header.starts_with("content-type: application/json") || header.starts_with("accept:");
                if !is_json {
                    let name = header.split(':').next().unwrap_or_default();
                    return Err(format!("it sends the header `{name}`; declare it with the endpoint, by reference"));
                }
            }
            harmless if HARMLESS.contains(&harmless) => {}
            flag if flag.starts_with("-X") => method = Some(flag[2..].to_owned()),
            flag if flag.starts_with('-') => return Err(format!("`curl {flag}` has no counterpart in a step")),
            address if url.is_none() => url = Some(address.to_owned()),
            _ => return Err("it names several addresses".to_owned()),
        }
    }
    let url = url.ok_or("it names no address")?;
    let under = |base: &str| {
        let rest = url.strip_prefix(base.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| rest.to_owned())
    };
    let endpoints = known.settings.endpoints.iter();
    let found = endpoints.filter_map(|(name, endpoint)| Some((name, under(&endpoint.base_url)?)));
    // The longest address that it begins with is meant.
    let Some((endpoint, path)) = found.min_by_key(|(_, rest)| rest.len()) else {
        let host = url.split("://").last().and_then(|rest| rest.split(['/', '?']).next()).unwrap_or(&url);
        return Err(format!("no endpoint for `{host}` is declared under `[actions.endpoints]`"));
    };
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let method = method.unwrap_or_else(|| if data.is_some() { "POST" } else { "GET" }.to_owned());
    let mut args = json!({ "endpoint": endpoint, "method": method, "path": if path.is_empty() { "/" } else { path } });
    if !query.is_empty() {
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs: Map<String, Json> = pairs.map(|(key, value)| (key.to_owned(), Json::from(value))).collect();
        args["query"] = Json::Object(pairs);
    }
    if let Some(data) = data {
        let body: Result<Json, _> = serde_json::from_str(&data);
        args["body"] = body.map_err(|_| "its body is no JSON".to_owned())?;
    }
    Ok(("http", args, Some(endpoint.clone())))
}

fn kubernetes(arguments: &[String]) -> Result<Offer, String> {
    let mut args = Map::new();
    let mut words: Vec<&str> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let (flag, given) = word.split_once('=').map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)));
        let key = match flag {
            "-n" | "--namespace" => "namespace",
            "--context" | "--cluster" => "cluster",
            "--replicas" => "replicas",
            flag if flag.starts_with('-') => return Err(format!("`kubectl {flag}` has no counterpart in a step")),
            _ => {
                words.push(word);
                continue;
            }
        };
        let value = given.map(str::to_owned).or_else(|| rest.next().cloned());
        let value = value.ok_or_else(|| format!("`{flag}` has no value"))?;
        let number = value.parse::<u64>().ok().filter(|_| key == "replicas").map(Json::from);
        args.insert(key.to_owned(), number.unwrap_or(Json::from(value)));
    }
    let (verb, named) = match words[..] {
        ["rollout", "undo", ref named @ ..] => ("rollout_undo", named),
        ["rollout", "restart", ref named @ ..] => ("restart", named),
        ["scale", ref named @ ..] => ("scale", named),
        ["cordon", ref named @ ..] => ("cordon", named),
        ["delete", ref named @ ..] => ("delete_pod", named),
        _ => {
            let what = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            return Err(format!("`kubectl {what}` is none of the changes that a step can make"));
        }
    };
    let (kind, name) = match *named {
        [node] if verb == "cordon" => ("node", node),
        [one] => one.split_once('/').ok_or("it does not say what is changed")?,
        [kind, name] => (kind, name),
        _ => return Err("it changes none or several things at once".to_owned()),
    };
    let kind = match kind.to_lowercase().trim_end_matches('s') {
        "deployment" | "deploy" | "deployment.app" => "deployment",
        "statefulset" | "st" => "statefulset",
        "daemonset" | "d" => "daemonset",
        "pod" | "po" => "pod",
        "node" | "no" => "node",
        _ => return Err(format!("`{kind}` is nothing that a step can change")),
    };
    if (verb == "delete_pod") != (kind == "pod") {
        return Err(format!("`kubectl {}` of a {kind} is none of the changes that a step can make", words.join(" ")));
    }
    let fixed = [("verb", verb), ("kind", kind), ("name", name)];
    args.extend(fixed.map(|(key, value)| (key.to_owned(), Json::from(value))));
    Ok(("kubernetes", Json::Object(args), Some(name.to_owned())))
}
