//! The header of a line of free text: what its logger wrote before the message.
//!
//! A header is a run of items (time, level, process, thread, name) with marks (`-`, `|`, `:`) between them, in any
//! order. Times and levels are sure; numbers, names and brackets belong to the header only when one of these follows.
//! After the level only what is clearly a thread or process still does, so the logger's name stays with its message.

use std::ops::Range;

use evidence::Severity;

use super::level::{Spelling, level_word};

mod items;

use items::{Group, is_code, is_name, is_thread, word_end};

/// More items, or more bytes of them, are no header.
const MAX_ITEMS: usize = 16;
const MAX_BYTES: usize = 320;

/// What stands before the message; `end` is `0` when nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Header<'t> {
    pub(super) end: usize,
    pub(super) severity: Option<Severity>,
    pub(super) names: Names<'t>,
}

/// Who wrote the line, as far as its header says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Names<'t> {
    pub(super) pid: Option<&'t str>,
    pub(super) thread: Option<&'t str>,
    pub(super) logger: Option<&'t str>,
}

/// Reads the header of the first line of `text`, in which `time` stands, if it has one.
pub(super) fn header_of(text: &str, time: Option<Range<usize>>) -> Header<'_> {
    let end_of_line = memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
    let (line, _) = super::cut_at_char(&text[..end_of_line], MAX_BYTES);
    let mut walk = Walk { line, time, at: 0, n_open: 0, header: Header::default(), unsure: Unsure::default() };
    for _ in 0..MAX_ITEMS {
        if walk.item().is_none() {
            break;
        }
    }
    walk.finish(text)
}

struct Walk<'t> {
    line: &'t str,
    time: Option<Range<usize>>,
    at: usize,
    /// Brackets around several items: `[2024-01-02T15:04:05Z INFO app] message`.
    n_open: u32,
    header: Header<'t>,
    unsure: Unsure<'t>,
}

/// Items since the last sure one.
#[derive(Default)]
struct Unsure<'t> {
    names: Names<'t>,
    n_items: u32,
    n_numbers: u32,
    /// Ordinary words, which are more likely the message than a name.
    n_words: u32,
}

impl<'t> Walk<'t> {
    /// Takes one item; `None` where the message begins.
    fn item(&mut self) -> Option<()> {
        self.marks();
        let next = *self.line.as_bytes().get(self.at)?;
        if self.time.as_ref().is_some_and(|time| time.start == self.at) {
            return self.leading_time();
        }
        match next {
            b'[' | b'(' | b'<' => self.group(),
            _ => self.word(),
        }
    }

    fn has_passed_time(&self) -> bool {
        self.time.as_ref().is_some_and(|time| time.end <= self.at)
    }

    fn time_is_ahead(&self) -> bool {
        self.time.as_ref().is_some_and(|time| time.start >= self.at)
    }

    fn leading_time(&mut self) -> Option<()> {
        let time = self.time.clone()?;
        let letter = self.line.get(time.start..time.start + 1).filter(|letter| *letter >= "A");
        let glog = letter.filter(|_| self.line.as_bytes().get(time.start + 1).is_some_and(u8::is_ascii_digit));
        self.at = time.end;
        if let Some(severity) = glog.and_then(Severity::parse) {
            self.header.severity = Some(severity);
        }
        // Words before a time can be the message: `backup of 2024-01-02 10:00:00 failed`. Only a level makes them names.
        if self.unsure.n_items == 0 || self.header.severity.is_some() {
            self.sure();
        }
        let tid = self.line[self.at..].trim_start();
        let digits = tid.bytes().take_while(u8::is_ascii_digit).count();
        if glog.is_some() && (1..=10).contains(&digits) && tid[digits..].starts_with(' ') {
            self.header.names.thread = Some(&tid[..digits]);
            self.at = self.line.len() - tid.len() + digits;
            self.sure();
        }
        Some(())
    }

    /// `[error]`, `[core:error]`, `[main]`, `[pid 7:tid 8]`, `[2024-01-02 15:04:05]`, `[   12.345678]`.
    fn group(&mut self) -> Option<()> {
        let Group { inside, end } = Group::at(self.line, self.at)?;
        if self.time.as_ref().is_some_and(|time| (self.at..end).contains(&time.start)) {
            self.n_open += 1;
            self.at += 1;
            return Some(());
        }
        let (logger, last) = inside.rsplit_once(':').map_or((None, inside), |(logger, last)| (Some(logger), last));
        let is_word = last.bytes().all(|byte| byte.is_ascii_alphabetic()) && inside.len() <= 40;
        let level = level_word(last, Spelling::Bracketed).filter(|_| is_word && self.may_take_level());
        self.at = end;
        if let Some(severity) = level {
            self.unsure.names.logger = self.unsure.names.logger.or(logger);
            return self.level(severity);
        }
        let names = &mut self.unsure.names;
        if items::is_uptime(inside) {
            self.sure();
            return Some(());
        }
        if !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()) {
            names.pid = names.pid.or(Some(inside));
        } else if is_thread(inside) {
            names.thread = names.thread.or(Some(inside));
        } else if self.header.severity.is_none() {
            names.logger = names.logger.or(Some(inside).filter(|inside| is_name(inside)));
        } else {
            return None;
        }
        self.unsure.n_items += 1;
        if self.header.severity.is_some() {
            self.sure();
        }
        Some(())
    }

    fn word(&mut self) -> Option<()> {
        let start = self.at;
        let end = word_end(self.line, start, self.n_open > 0);
        let word = &self.line[start..end];
        let n_letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (letters, follows) = (&word[..n_letters], word.as_bytes().get(n_letters));
        if let Some(severity) = self.level_at(letters, follows.copied()) {
            self.at = start + n_letters + usize::from(matches!(follows, Some(b':' | b',')));
            return self.level(severity);
        }
        self.at = end;
        match self.header.severity {
            None => self.name_before_level(word),
            Some(_) => self.name_after_level(word),
        }
    }

    fn level_at(&self, letters: &str, follows: Option<u8>) -> Option<Severity> {
        let after = &self.line[self.at + letters.len()..];
        if !matches!(follows, None | Some(b':' | b',' | b'[')) {
            return None;
        }
        if let Some(known) = self.header.severity {
            // Ruby's logger says it twice: `E, [2024-01-02T15:04:05.123456 #7] ERROR -- : message`.
            return level_word(letters, Spelling::Capitals).filter(|severity| *severity == known && self.n_open == 0);
        }
        if letters.len() == 1 {
            let is_first = self.at == 0 && follows == Some(b',') && after.starts_with(", [");
            let after = after.trim_start();
            let n_capitals = after.bytes().take_while(u8::is_ascii_uppercase).count();
            // `10:00:00 E no paper`, but not `10:00:00 I am here`.
            let is_alone = "EWID".contains(letters)
                && self.unsure.n_words == 0
                && !["am ", "have ", "will ", "was ", "can", "do ", "did "].iter().any(|verb| after.starts_with(verb));
            let is_announced = self.has_passed_time() && (self.unsure.n_numbers >= 2 || n_capitals >= 3 || is_alone);
            return Severity::parse(letters).filter(|_| ("A"..="Z").contains(&letters) && (is_first || is_announced));
        }
        let is_delimited = follows == Some(b':')
            || after.starts_with("  ")
            || after.starts_with(['\t', '|'])
            || after.starts_with(" - ")
            || after.starts_with(" | ");
        let spelling = match follows {
            Some(b':') if self.at == 0 => Spelling::First,
            Some(b':') => Spelling::BeforeColon,
            _ if is_delimited && self.at > 0 => Spelling::Delimited,
            _ => Spelling::Capitals,
        };
        level_word(letters, spelling).filter(|_| self.may_take_level())
    }

    /// Names before a level need a time, or they are the message: `unexpected ERROR`.
    fn may_take_level(&self) -> bool {
        self.header.severity.is_none() && (self.has_passed_time() || self.unsure.n_words == 0)
    }

    fn level(&mut self, severity: Severity) -> Option<()> {
        self.header.severity = Some(severity);
        self.sure();
        Some(())
    }

    fn name_before_level(&mut self, word: &'t str) -> Option<()> {
        let bare = word.trim_end_matches([':', ',']);
        let names = &mut self.unsure.names;
        self.unsure.n_items += 1;
        if bare.len() <= 10 && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            self.unsure.n_numbers += 1;
            let place = if names.pid.is_none() { &mut names.pid } else { &mut names.thread };
            *place = place.or(Some(bare));
        } else if let Some((name, pid)) = items::name_and_pid(bare) {
            names.logger = names.logger.or(Some(name));
            names.pid = Some(pid);
        } else if let Some(severity) = items::redis_sign(bare).filter(|_| self.time.is_some() && names.pid.is_some()) {
            return self.level(severity);
        } else if let Some(pid) = items::redis_process(bare) {
            names.pid = Some(pid);
        } else if is_code(bare) {
            names.logger = names.logger.or(Some(bare).filter(|bare| is_name(bare)));
        } else {
            self.unsure.n_words += 1;
            let is_likely_a_name = is_name(bare) && self.unsure.n_words <= 2 && items::is_no_wording(bare);
            names.logger = names.logger.or(Some(bare));
            return is_likely_a_name.then_some(());
        }
        Some(())
    }

    /// `7#8:` of nginx, `7 ---` of Spring, `#7]` of Ruby, `app]` of env_logger; or a time that is still ahead.
    fn name_after_level(&mut self, word: &'t str) -> Option<()> {
        let rest = &self.line[self.at..];
        let number = word.strip_prefix('#').unwrap_or(word);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let nginx = word.strip_suffix(':').and_then(|word| word.split_once('#'));
        let names = &mut self.unsure.names;
        if let Some((pid, tid)) = nginx.filter(|(pid, tid)| [pid, tid].iter().all(|id| id.parse::<u32>().is_ok())) {
            (names.pid, names.thread) = (Some(pid), Some(tid));
        } else if is_number && (rest.starts_with(" ---") || self.n_open > 0 && rest.starts_with(']')) {
            names.pid = Some(number);
        } else if self.n_open > 0 && rest.starts_with(']') && is_name(word) {
            names.logger = Some(word);
        } else if self.time_is_ahead() && is_code(word) {
            self.unsure.n_items += 1;
            return Some(());
        } else {
            return None;
        }
        self.sure();
        Some(())
    }

    /// Everything up to here is the header.
    fn sure(&mut self) {
        let Unsure { names, .. } = std::mem::take(&mut self.unsure);
        let known = &mut self.header.names;
        known.pid = known.pid.or(names.pid);
        known.thread = known.thread.or(names.thread);
        known.logger = known.logger.or(names.logger);
        self.header.end = self.at;
    }

    fn marks(&mut self) {
        let bytes = self.line.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            let n_dashes = bytes[self.at..].iter().take(4).take_while(|byte| **byte == b'-').count();
            let follows = bytes.get(self.at + n_dashes.max(1)).copied().unwrap_or(b' ');
            match byte {
                b' ' | b'\t' | b'|' => {}
                b']' | b')' | b'>' if self.n_open > 0 => self.n_open -= 1,
                b'-' if n_dashes <= 3 && matches!(follows, b' ' | b'\t') => self.at += n_dashes - 1,
                b':' | b',' | b';' if self.at > 0 && matches!(follows, b' ' | b'\t' | b'[') => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    /// The marks behind the last item belong to the header; a line of nothing else is its own message.
    fn finish(mut self, text: &'t str) -> Header<'t> {
        if self.header.end == 0 {
            return Header::default();
        }
        self.at = self.header.end;
        self.n_open = self.n_open.max(u32::from(self.line[self.at..].starts_with([']', ')'])));
        self.marks();
        self.header.end = self.at;
        if text[self.at..].trim().is_empty() {
            self.header.end = 0;
        }
        self.header
    }
}

#[cfg(test)]
mod tests;
