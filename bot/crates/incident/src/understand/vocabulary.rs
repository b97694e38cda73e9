//! Ordinary words: what never names a service by accident, and what is not worth searching for.

use super::tokens::{Role, Token};

/// Words of questions that say nothing about which lines are meant.
const FUNCTION_WORDS: &str = "a about after again ago all also am an and any anybody anyone anything are as at be been \
    before being both but by can cannot can't could did didn't do does doesn't doing don't during each either else ever \
    every everybody everyone everything for from get gets getting give go goes going got had has have having he hello help \
    her here hey hi him his how i if in into is isn't it its just kind let like look looking looks many may me might more \
    most much must my need no nobody none nor not nothing now of off often ok okay on once one only or other our out over \
    own please put really same say says see seem seems seen shall she should show since so some somebody someone something \
    still such tell than thank thanks that the their them then there these they thing things this those though through time \
    times to today together tomorrow too two under until up upon us use used using very want was wasn't way we well went were \
    weren't what what's whats when where which while who whom whose why will with within without won't would yes yesterday \
    yet you your wat wie was warum wer welche welcher ist sind der die das ein eine im in mit seit und nicht quoi que qui \
    pourquoi est sont le la les des dans depuis avec qué por quién cuántas cuántos está están el los las del en con";

/// Words of the trade that people put where a service could stand.
const TRADE_WORDS: &str = "alert alerts api apis app application apps backend bad behaviour box broken bug bugs build cache caches \
    cause caused causes causing change changed changes check client clients cloud cluster clusters code config connection \
    connections container containers count cpu crash crashed crashes crashing customer customers data database databases db \
    deploy deployed deployment deployments deploys disk down endpoint endpoints env environment error errors event events \
    exception exceptions fail failed failing fails failure failures fatal fault faults feature find fine firewall fix fixed flag \
    frontend going happen happened happening happens hardware health healthy host hosts incident incidents instance instances \
    internet issue issues job jobs kernel key latency line lines link list load log login logins logout logs machine memory \
    message messages metric metrics migration model monitoring network new node nodes number occurred off office old ops outage \
    page pages part password patch people percent performance place platform pod pods policy port prod problem problems process \
    processes prod production project queue queues rate recent release released releases reply report request requests resource \
    resources response result results retries retry right rollback root rollout route routes running save script secret security \
    server servers service services session sessions shop site slow slower spike spikes stack staging started state status step \
    stop stopped storage store stuff suddenly summary support surge system systems table team test tests thread threads timeout \
    timeouts timing token tokens total trace traces traffic trouble update updates upgrade uptime usage user users value version \
    versions view warning warnings weather web website wifi window work working works worse wrong yesterday zone \
    back better broke charts chart world house mouse water paper money phone order orders cart card cards male mall mail email \
    emails gate gates search auth author billing account accounts world week hour minute seconds minutes hours days day night \
    morning normal usual okay slowly failing quick quickly";

pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.split_whitespace().any(|known| known == word)
}

/// Whether an ordinary question may hold this word without meaning a service.
pub(super) fn is_ordinary(word: &str) -> bool {
    let listed = |word: &str| is_function_word(word) || TRADE_WORDS.split_whitespace().any(|known| known == word);
    listed(word) || word.strip_suffix('s').is_some_and(listed) || word.bytes().any(|b| b.is_ascii_digit())
}

/// What to look for in lines: quoted phrases first, then words that found no other meaning.
pub(super) fn search_words(tokens: &[Token]) -> Vec<String> {
    const AT_MOST: usize = 12;
    const ASKING: &str = "show list find display print give search grep look count often many much number wrong happened happening \
        changed change changes fixed better failing fails fail failed broke break broken down slow problem problems issue issues why cause \
        root service services system error errors warning warnings line lines log logs message messages us me going deploy deploys \
        deployed deployment deployments incident resolved recovered over healthy solved affected working zeig zeige passiert falsch \
        fehler changes occurred occur happen happens see seen normal still everything anything quick please production prod \
        level fatal matching containing come comes coming came appear appears appeared occurs occurring latest recent newest last there ignore what's";
    let mut words: Vec<String> = tokens.iter().filter(|t| t.role == Role::Quoted).map(|t| t.raw.clone()).collect();
    for token in tokens.iter().filter(|t| t.role == Role::Free) {
        let word = token.lower.as_str();
        let says_nothing = word.chars().count() < 2
            || is_function_word(word)
            || ASKING.split_whitespace().any(|known| known == word)
            || !word.chars().any(char::is_alphanumeric);
        if !says_nothing && !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(status(word).map_or_else(|| token.raw.clone(), str::to_owned));
        }
    }
    words.truncate(AT_MOST);
    words
}

/// The status of HTTP that a word counts answers by: `502` of "502s", `5xx` of "5xxs".
pub(super) fn status(word: &str) -> Option<&str> {
    let number = word.strip_suffix('s').unwrap_or(word);
    let (class, rest) = number.split_at_checked(1)?;
    let is_status = matches!(class, "1" | "2" | "3" | "4" | "5")
        && (rest == "xx" || (rest.len() == 2 && rest.bytes().all(|b| b.is_ascii_digit())));
    is_status.then_some(number)
}

/// Whether a word is a status that says that something failed: `404`, "502s", `5xx`.
pub(super) fn is_failure(word: &str) -> bool {
    status(word).is_some_and(|status| status.starts_with(['4', '5']))
}

/// The first digit of a class of statuses: `5` of `5xx`.
pub(super) fn status_class(word: &str) -> Option<&str> {
    status(word)?.strip_suffix("xx")
}
