//! Decodes UTF-16 that announced itself with a byte order mark, as some Windows services write.

use std::io::{self, Read};

pub(super) struct Utf16<R> {
    inner: R,
    big_endian: bool,
    /// An odd byte, or the first half of a pair, left from the last read.
    left: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    /// `inner` stands behind the mark.
    pub(super) fn new(inner: R, big_endian: bool) -> Utf16<R> {
        Utf16 { inner, big_endian, left: Vec::new(), ready: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.ready.clear();
        let mut chunk = [0; 16 << 10];
        let n = self.inner.read(&mut chunk)?;
        let is_end = n == 0;
        self.left.extend_from_slice(&chunk[..n]);
        let unit = |pair: &[u8]| match self.big_endian {
            true => u16::from_be_bytes([pair[0], pair[1]]),
            false => u16::from_le_bytes([pair[0], pair[1]]),
        };
        let mut units: Vec<u16> = self.left.chunks_exact(2).map(unit).collect();
        let is_half = units.last().is_some_and(|last| (0xd800..0xdc00).contains(last));
        if is_half && !is_end {
            units.pop();
        }
        self.left.drain(..units.len() * 2);
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.ready = text.into_bytes();
        if self.ready.is_empty() && !is_end { self.fill() } else { Ok(()) }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.fill()?;
        }
        let n = out.len().min(self.ready.len() - self.at);
        out[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_any_cut() {
        let text = "größer 🦀 end\n".repeat(3_000);
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut decoded = String::new();
        Utf16::new(&bytes[..], false).read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, text);
    }
}
