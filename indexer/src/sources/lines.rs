//! Splits bytes into lines of bounded length and remembers the fingerprints of where it stands.

use std::io::{self, BufRead};

use super::{Fingerprint, HEAD_BYTES, TAIL_BYTES};

/// A longer line is kept cut at a character boundary and counted.
pub const LONGEST_LINE: usize = 1 << 20;

/// One line without its end.
#[derive(Debug)]
pub struct Line<'b> {
    /// Of its first byte.
    pub offset: u64,
    /// Lossy where the bytes are not UTF-8.
    pub text: std::borrow::Cow<'b, str>,
    pub truncated: bool,
    /// Whether a line end was seen; `false` only for the last line.
    pub ended: bool,
}

pub struct Lines<R> {
    reader: R,
    offset: u64,
    /// Everything taken from the reader, an unfinished line included.
    read: u64,
    line: Vec<u8>,
    /// Bytes of an unfinished line that were read and not handed out.
    unfinished: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads on from `offset`; `head` and `tail` are the bytes that stood before it.
    pub fn new(reader: R, offset: u64, head: Vec<u8>, tail: Vec<u8>) -> Lines<R> {
        Lines { reader, offset, read: offset, line: Vec::new(), unfinished: 0, head, tail }
    }

    /// Behind the last line that was handed out.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Of the first bytes, as far as they lie before `offset`.
    pub fn head(&self, offset: u64) -> Fingerprint {
        let length = usize::try_from(offset).map_or(self.head.len(), |offset| offset.min(self.head.len()));
        Fingerprint::of(&self.head[..length])
    }

    /// Of the bytes before `offset`, when they are among the last kilobyte or so that were read.
    pub fn tail(&self, offset: u64) -> Option<Fingerprint> {
        let back = usize::try_from(self.read.checked_sub(offset)?).ok()?;
        let kept = self.tail.len().checked_sub(back)?;
        Some(Fingerprint::of(&self.tail[kept.saturating_sub(TAIL_BYTES)..kept]))
    }

    /// Whether the end was reached amid a line.
    pub fn is_amid_line(&self) -> bool {
        self.unfinished > 0
    }

    /// `None` at the end. With `only_whole`, an unfinished last line waits until its end comes, or for [`Lines::rest`].
    pub fn next(&mut self, only_whole: bool) -> io::Result<Option<Line<'_>>> {
        let mut length = std::mem::take(&mut self.unfinished);
        if length == 0 {
            self.line.clear();
        }
        let mut ended = false;
        while !ended {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let found = memchr::memchr(b'\n', available);
            let n = found.map_or(available.len(), |at| at + 1);
            let room = (LONGEST_LINE + 4).saturating_sub(self.line.len());
            self.line.extend_from_slice(&available[..n.min(room)]);
            keep_last(&mut self.tail, &available[n.saturating_sub(KEPT)..n]);
            self.read += n as u64;
            length += n as u64;
            ended = found.is_some();
            self.reader.consume(n);
        }
        if length > 0 && only_whole && !ended {
            self.unfinished = length;
        }
        if length == 0 || self.unfinished > 0 {
            return Ok(None);
        }
        Ok(Some(self.hand_out(length, ended)))
    }

    /// The unfinished line as far as it was read, without reading on.
    pub fn rest(&mut self) -> Option<Line<'_>> {
        let length = std::mem::take(&mut self.unfinished);
        (length > 0).then(|| self.hand_out(length, false))
    }

    fn hand_out(&mut self, length: u64, ended: bool) -> Line<'_> {
        let offset = self.offset;
        self.offset += length;
        if self.head.len() < HEAD_BYTES && self.head.len() as u64 == offset {
            let room = HEAD_BYTES - self.head.len();
            self.head.extend_from_slice(&self.line[..self.line.len().min(room)]);
        }
        let truncated = self.line.len() > LONGEST_LINE;
        let bytes = match truncated {
            true => &self.line[..LONGEST_LINE],
            false => {
                let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
                line.strip_suffix(b"\r").unwrap_or(line)
            }
        };
        let bytes = if truncated { at_character(bytes) } else { bytes };
        Line { offset, text: String::from_utf8_lossy(bytes), truncated, ended }
    }
}

/// Enough for the fingerprint of a position before an open entry and an unfinished line, each as long as it may be.
const KEPT: usize = 2 * LONGEST_LINE + TAIL_BYTES;

fn keep_last(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    if tail.len() > 2 * KEPT {
        tail.drain(..tail.len() - KEPT);
    }
}

/// Cuts off the beginning of a character that does not fit.
fn at_character(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    match std::str::from_utf8(&bytes[start..]) {
        Err(error) if error.error_len().is_none() => &bytes[..start],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_at_a_character_and_the_next_one_is_whole() {
        let text = format!("{}\nnext\r\nlast", "ü".repeat(LONGEST_LINE));
        let mut lines = Lines::new(text.as_bytes(), 0, Vec::new(), Vec::new());
        let first = lines.next(false).unwrap().unwrap();
        assert!(first.truncated && first.text.len() == LONGEST_LINE && first.text.ends_with('ü'));
        let next = lines.next(true).unwrap().unwrap();
        assert_eq!((&*next.text, next.offset), ("next", 2 * LONGEST_LINE as u64 + 1));
        assert!(lines.next(true).unwrap().is_none());
    }

    #[test]
    fn an_unfinished_line_goes_on_when_its_rest_comes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = file.reopen().unwrap();
        let mut lines = Lines::new(io::BufReader::new(file.reopen().unwrap()), 0, Vec::new(), Vec::new());
        for part in ["whole\nha", "lf a", " line\nlast"] {
            io::Write::write_all(&mut writer, part.as_bytes()).unwrap();
            while let Some(line) = lines.next(true).unwrap() {
                assert!(matches!((line.offset, &*line.text), (0, "whole") | (6, "half a line")), "{line:?}");
            }
            assert!(lines.is_amid_line());
        }
        let last = lines.rest().unwrap();
        assert_eq!((last.offset, &*last.text, last.ended), (18, "last", false));
        assert!(!lines.is_amid_line() && lines.rest().is_none());
        assert_eq!(lines.offset(), 22);
    }

    #[test]
    fn the_tail_is_what_stands_before_the_offset() {
        let text = (0..5_000).map(|n| format!("line {n}\n")).collect::<String>();
        let mut lines = Lines::new(text.as_bytes(), 0, Vec::new(), Vec::new());
        while lines.next(false).unwrap().is_some() {}
        let end = text.len();
        for back in [0, 10, 500, 40_000] {
            let expected = Fingerprint::of(&text.as_bytes()[end - back - TAIL_BYTES..end - back]);
            assert_eq!(lines.tail((end - back) as u64), Some(expected));
        }
        assert!(lines.head(u64::MAX).begins(text.as_bytes()));
    }
}
