//! One pass over the bytes of a message: separators, static words and parameters, told apart by byte class.
//! A word with a digit is a parameter unless the digit belongs to a name (`jk2_init`) or a place in code (`Impl#37`).

use memchr::{memchr, memmem};

/// Bytes of a message that make its template; the rest is a parameter.
const MAX_LINE: usize = 4_096;
/// Lines of a trace, after the first, that tell it from other traces: those that name an exception.
const MAX_MORE_LINES: usize = 2;
const MAX_MORE_BYTES: usize = 200;
const SEARCHED_LINES: usize = 200;

/// Takes what the scan finds, in order.
pub(super) trait Sink {
    fn word(&mut self, word: &[u8]);
    fn separator(&mut self, byte: u8);
    fn parameter(&mut self);
    /// A piece of a path, which is one word with parameters inside.
    fn part(&mut self, part: &[u8], is_parameter: bool);
    fn end_of_path(&mut self) {}
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Token {
    Separator(char),
    Word(Box<str>),
    Parameter,
}

pub(super) fn tokens_of(text: &str) -> Vec<Token> {
    let mut collected = Collect::default();
    scan(text, &mut collected);
    collected.tokens
}

#[derive(Default)]
struct Collect {
    tokens: Vec<Token>,
    path: String,
}

impl Sink for Collect {
    fn word(&mut self, word: &[u8]) {
        self.tokens.push(Token::Word(String::from_utf8_lossy(word).into()));
    }

    fn separator(&mut self, byte: u8) {
        self.tokens.push(Token::Separator(byte as char));
    }

    fn parameter(&mut self) {
        self.tokens.push(Token::Parameter);
    }

    fn part(&mut self, part: &[u8], is_parameter: bool) {
        let shown = if is_parameter { "<*>".into() } else { String::from_utf8_lossy(part) };
        self.path.push_str(&shown);
    }

    fn end_of_path(&mut self) {
        let path = std::mem::take(&mut self.path);
        self.tokens.push(if path == "<*>" { Token::Parameter } else { Token::Word(path.into()) });
    }
}

/// What a byte is to the scan.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    Letter,
    Digit,
    Space,
    Separator,
    Colon,
    Dot,
    Slash,
    /// Part of a word: `-`, `_`, `@`, bytes of other alphabets, …
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b' ' | b'\t' | b'\r' | b'\n' | 0..=8 | 11 | 12 | 14..=31 => Class::Space,
            b',' | b';' | b'=' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'"' | b'\'' | b'|' | b'&'
            | b'!' | b'?' | b'`' => Class::Separator,
            b':' => Class::Colon,
            b'.' => Class::Dot,
            b'/' => Class::Slash,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[byte as usize]
}

pub(super) fn scan(text: &str, sink: &mut impl Sink) {
    let bytes = text.as_bytes();
    let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
    scan_line(&bytes[..end], MAX_LINE, sink);
    if end == bytes.len() {
        return;
    }
    let mut n_lines = 0;
    for line in bytes[end + 1..].split(|byte| *byte == b'\n').take(SEARCHED_LINES) {
        let names_exception = line.first().is_some_and(u8::is_ascii_alphabetic)
            && !line.starts_with(b"at ")
            && (memmem::find(line, b"Exception").is_some() || memmem::find(line, b"Error").is_some());
        if names_exception && n_lines < MAX_MORE_LINES {
            n_lines += 1;
            sink.separator(b' ');
            scan_line(line, MAX_MORE_BYTES, sink);
        }
    }
    sink.separator(b' ');
    sink.parameter();
}

fn scan_line(line: &[u8], max: usize, sink: &mut impl Sink) {
    let bytes = &line[..line.len().min(max)];
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match class(byte) {
            Class::Space => {
                at += 1;
                while at < bytes.len() && class(bytes[at]) == Class::Space {
                    at += 1;
                }
                if at < bytes.len() {
                    sink.separator(b' ');
                }
            }
            Class::Separator if byte == b'<' && bytes[at..].starts_with(b"<*>") => {
                sink.parameter();
                at += 3;
            }
            Class::Separator | Class::Colon => {
                sink.separator(byte);
                at += 1;
            }
            Class::Other if byte == 0xe2 && bytes[at..].starts_with("⟨redacted:".as_bytes()) => {
                let len = bytes[at..].iter().take(64).position(|byte| *byte == 0xa9).map_or(1, |last| last + 1);
                sink.parameter();
                at += len;
            }
            _ => at = scan_atom(bytes, at, sink),
        }
    }
    if line.len() > max {
        sink.parameter();
    }
}

/// Takes the word that starts at `start` and returns where it ends.
fn scan_atom(bytes: &[u8], start: usize, sink: &mut impl Sink) -> usize {
    let mut at = start;
    let mut n_digits = 0;
    let mut n_letters = 0;
    let mut has_slash = false;
    let mut has_dot = false;
    let mut has_colon = false;
    while at < bytes.len() {
        match class(bytes[at]) {
            Class::Letter => n_letters += 1,
            Class::Digit => n_digits += 1,
            Class::Slash if at == start || has_colon => return scan_path(bytes, start, sink),
            Class::Slash => has_slash = true,
            Class::Dot => has_dot = true,
            Class::Colon => {
                let next = bytes.get(at + 1).copied().unwrap_or(b' ');
                let is_url = next == b'/' && bytes.get(at + 2) == Some(&b'/');
                let is_inside = is_url
                    || (next.is_ascii_digit() && (n_digits > 0 || has_dot))
                    || (n_digits > 0 && n_letters <= n_digits * 3 && next.is_ascii_hexdigit() && !has_dot);
                if !is_inside {
                    break;
                }
                has_colon = true;
            }
            Class::Space | Class::Separator => break,
            Class::Other => {}
        }
        at += 1;
    }
    // A full stop at the end closes the sentence.
    let mut end = at;
    while end > start + 1 && bytes[end - 1] == b'.' {
        end -= 1;
    }
    let atom = &bytes[start..end];
    if has_slash && n_letters > 0 {
        parts_of_path(atom, sink);
        sink.end_of_path();
    } else if is_date_word(bytes, start, end) {
        sink.parameter();
    } else if n_digits == 0 || is_name_with_digits(atom, n_digits, n_letters) || is_code_place(atom) {
        sink.word(atom);
    } else {
        sink.parameter();
    }
    for _ in end..at {
        sink.separator(b'.');
    }
    at
}

/// A path or URL: up to the next blank, quote or closing bracket; its query is a parameter.
fn scan_path(bytes: &[u8], start: usize, sink: &mut impl Sink) -> usize {
    let stops =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b')' | b']' | b'}' | b'>' | b',' | b';' | b'|' | b'`');
    let end = bytes[start..].iter().position(stops).map_or(bytes.len(), |len| start + len);
    let mut path_end = end;
    while path_end > start + 1 && matches!(bytes[path_end - 1], b'.' | b':') {
        path_end -= 1;
    }
    let query = memchr(b'?', &bytes[start..path_end]).map_or(path_end, |len| start + len);
    parts_of_path(&bytes[start..query], sink);
    if query < path_end {
        sink.part(b"?", false);
        sink.part(b"", true);
    }
    sink.end_of_path();
    for byte in &bytes[path_end..end] {
        sink.separator(*byte);
    }
    end
}

fn parts_of_path(path: &[u8], sink: &mut impl Sink) {
    let mut rest = path;
    loop {
        let len = memchr(b'/', rest).unwrap_or(rest.len());
        let part = &rest[..len];
        let n_digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
        let n_letters = part.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let is_version = part.len() <= 3 && matches!(part.first(), Some(b'v' | b'V')) && n_letters == 1;
        let is_parameter =
            n_digits > 0 && !is_version && !is_name_with_digits(part, n_digits, n_letters) && !is_code_place(part);
        match name_before_port(part) {
            Some(name) => {
                sink.part(&part[..=name], false);
                sink.part(&part[name + 1..], true);
            }
            None => sink.part(part, is_parameter),
        }
        if len == rest.len() {
            break;
        }
        sink.part(b"/", false);
        rest = &rest[len + 1..];
    }
}

/// How long the name of `orders:8080` is: hosts are few, and lines are told by them.
fn name_before_port(part: &[u8]) -> Option<usize> {
    let colon = memchr(b':', part)?;
    let (name, port) = (&part[..colon], &part[colon + 1..]);
    let n_digits = name.iter().filter(|byte| byte.is_ascii_digit()).count();
    let n_letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_name = n_letters > 0 && (n_digits == 0 || is_name_with_digits(name, n_digits, n_letters));
    let is_port = (2..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    (is_name && is_port).then_some(colon)
}

/// `jk2_init`, `ts-travel2-service`: one short run of digits inside of a longer name.
fn is_name_with_digits(atom: &[u8], n_digits: usize, n_letters: usize) -> bool {
    if n_digits > 2 || n_letters < 3 {
        return false;
    }
    let Some(first) = atom.iter().position(u8::is_ascii_digit) else { return false };
    let run_is_whole = atom[first..].iter().take_while(|byte| byte.is_ascii_digit()).count() == n_digits;
    let is_inside = first > 0 && first + n_digits < atom.len() && atom[first - 1].is_ascii_alphabetic();
    run_is_whole && is_inside && atom.iter().any(|byte| matches!(byte, b'g'..=b'z' | b'G'..=b'Z'))
}

/// `Fri` and `Jun` in `Fri Jun 17 07:07:00`: a day or month that a month or a number follows.
fn is_date_word(bytes: &[u8], start: usize, end: usize) -> bool {
    const NAMES: [&[u8; 3]; 19] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec", b"Mon", b"Tue",
        b"Wed", b"Thu", b"Fri", b"Sat", b"Sun",
    ];
    if end - start != 3 || !bytes[start].is_ascii_uppercase() || !NAMES.iter().any(|name| bytes[start..end] == **name) {
        return false;
    }
    let gap = bytes[end..].iter().take(3).take_while(|byte| matches!(byte, b' ' | b',')).count();
    let follows = &bytes[end + gap..];
    (1..=2).contains(&gap)
        && (follows.first().is_some_and(u8::is_ascii_digit)
            || NAMES[..12].iter().any(|month| follows.starts_with(*month)))
}

/// `c.s.ContactsServiceImpl#37`, `file.go:123`, `Foo.java:12`: they name the statement that wrote the line.
pub(super) fn is_code_place(atom: &[u8]) -> bool {
    let Some(mark) = atom.iter().rposition(|byte| matches!(byte, b'#' | b':')) else { return false };
    let (name, number) = (&atom[..mark], &atom[mark + 1..]);
    let is_number = (1..=5).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let is_name = name.first().is_some_and(|byte| byte.is_ascii_alphabetic())
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'-'));
    if !is_number || !is_name {
        return false;
    }
    let extension = name.iter().rposition(|byte| *byte == b'.').map(|dot| &name[dot + 1..]);
    atom[mark] == b'#' && extension.is_some_and(|class| class.first().is_some_and(u8::is_ascii_uppercase))
        || extension.is_some_and(is_source_extension)
}

fn is_source_extension(extension: &[u8]) -> bool {
    const EXTENSIONS: [&[u8]; 22] = [
        b"go", b"java", b"kt", b"scala", b"py", b"rb", b"rs", b"c", b"cc", b"cpp", b"cxx", b"h", b"hpp", b"cs", b"js",
        b"mjs", b"ts", b"tsx", b"php", b"swift", b"ex", b"erl",
    ];
    EXTENSIONS.contains(&extension)
}
