//! Opens a file as text, whatever it is packed in, and finds out how much of its content is already known.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use evidence::Time;

use super::lines::Lines;
use super::utf16::Utf16;
use super::{HEAD_BYTES, Position, TAIL_BYTES};

pub type Reader = Lines<Box<dyn BufRead + Send>>;

/// A file ready to be read on from where its content is not known yet.
pub struct Opened {
    pub lines: Reader,
    /// Which of the known positions this content continues.
    pub known: Option<usize>,
    /// Whether the file was cut in place since it was last read, so that bytes may have been missed.
    pub was_cut: bool,
    pub modified: Option<Time>,
    pub file_number: u64,
    /// Whether more text can come at its end; what is packed comes whole.
    pub may_grow: bool,
    /// Bytes on disk that are left to read; an estimate for packed files.
    pub bytes_left: u64,
}

pub enum Outcome {
    Opened(Box<Opened>),
    Empty,
    /// Not text; the word says what it is.
    Binary(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
    Utf16 { big_endian: bool },
}

/// Opens `path` and compares its content with `positions`.
pub fn open(path: &Path, positions: &[Position]) -> io::Result<Outcome> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() && meta.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut start = Vec::new();
    (&mut file).take(8 << 10).read_to_end(&mut start)?;
    if start.is_empty() {
        return Ok(Outcome::Empty);
    }
    let packing = packing_of(&start);
    if packing == Packing::None
        && let Some(kind) = binary_kind(&start)
    {
        return Ok(Outcome::Binary(kind));
    }
    let rewind = |mut file: &File| file.seek(SeekFrom::Start(0)).map(|_| ());
    let mut head = vec![0; HEAD_BYTES];
    rewind(&file)?;
    let mut unpacked = unpack(file.try_clone()?, packing)?;
    let (n, end) = read_full(&mut unpacked, &mut head);
    // A packed file that is cut off near its start still says what it holds until there.
    if n == 0 {
        end?;
    }
    head.truncate(n);
    if packing != Packing::None
        && let Some(kind) = binary_kind(&head)
    {
        return Ok(Outcome::Binary(kind));
    }
    let file_number = number_of(&meta);
    let same_name = path.to_string_lossy();
    let mut candidates: Vec<(usize, &Position)> =
        positions.iter().enumerate().filter(|(_, known)| known.head.length > 0 && known.head.begins(&head)).collect();
    candidates.sort_by_key(|(_, known)| (known.path != same_name, std::cmp::Reverse(known.offset)));
    let mut resumed = None;
    for (index, known) in candidates {
        rewind(&file)?;
        let mut reader = unpack(file.try_clone()?, packing)?;
        if let Some(tail) = skip_to(&mut reader, &file, packing, known)? {
            let head = head[..head.len().min(usize::try_from(known.offset).unwrap_or(usize::MAX))].to_vec();
            resumed = Some((Lines::new(reader, known.offset, head, tail), index, known.offset));
            break;
        }
    }
    let (lines, known, offset) = match resumed {
        Some((lines, index, offset)) => (lines, Some(index), offset),
        None => {
            rewind(&file)?;
            let reader = unpack(file.try_clone()?, packing)?;
            (Lines::new(reader, 0, Vec::new(), Vec::new()), None, 0)
        }
    };
    let is_same_file = |old: &Position| old.path == same_name && old.file_number == file_number && file_number != 0;
    let was_cut = known.is_none() && positions.iter().any(|old| is_same_file(old) && old.offset > 0);
    let may_grow = packing == Packing::None;
    let bytes_left = if packing == Packing::None { meta.len().saturating_sub(offset) } else { meta.len() };
    let since_1970 = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = since_1970.and_then(|since| i64::try_from(since.as_micros()).ok()).map(Time);
    Ok(Outcome::Opened(Box::new(Opened { lines, known, was_cut, modified, file_number, may_grow, bytes_left })))
}

/// Moves to the known offset and returns the bytes before it, or `None` when they are not what was read then.
fn skip_to(
    reader: &mut Box<dyn BufRead + Send>,
    mut file: &File,
    packing: Packing,
    known: &Position,
) -> io::Result<Option<Vec<u8>>> {
    let mut tail = vec![0; known.tail.length as usize];
    let before = known.offset.saturating_sub(tail.len() as u64);
    if packing == Packing::None {
        if file.metadata()?.len() < known.offset {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(before))?;
        *reader = unpack(file.try_clone()?, packing)?;
    } else {
        // A damaged archive is no copy of anything; reading it from the start will tell what is wrong.
        match io::copy(&mut reader.take(before), &mut io::sink()) {
            Ok(n) if n == before => {}
            _ => return Ok(None),
        }
    }
    let (n, _) = read_full(reader, &mut tail);
    let is_known = n == tail.len() && known.tail == super::Fingerprint::of(&tail);
    Ok(is_known.then_some(tail))
}

fn unpack(file: File, packing: Packing) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER: usize = 256 << 10;
    let file = BufReader::with_capacity(BUFFER, file);
    Ok(match packing {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(file))),
        Packing::Zstd => Box::new(BufReader::with_capacity(BUFFER, zstd::Decoder::with_buffer(file)?)),
        Packing::Utf16 { big_endian } => {
            let mut file = file;
            io::copy(&mut (&mut file).take(2), &mut io::sink())?;
            Box::new(BufReader::with_capacity(BUFFER, Utf16::new(file, big_endian)))
        }
    })
}

/// Reads standard input, or anything else that cannot be read twice, packed or not.
pub fn stream(mut input: impl Read + Send + 'static) -> io::Result<Result<Reader, &'static str>> {
    let mut start = vec![0; 8 << 10];
    let (n, end) = read_full(&mut input, &mut start[..4]);
    end?;
    start.truncate(n);
    let packing = packing_of(&start);
    let whole = BufReader::with_capacity(256 << 10, Cursor::new(start).chain(input));
    let mut reader: Box<dyn BufRead + Send> = match packing {
        Packing::Gzip => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(whole))),
        Packing::Zstd => Box::new(BufReader::new(zstd::Decoder::with_buffer(whole)?)),
        Packing::Utf16 { big_endian } => {
            let mut whole = whole;
            io::copy(&mut (&mut whole).take(2), &mut io::sink())?;
            Box::new(BufReader::new(Utf16::new(whole, big_endian)))
        }
        Packing::None => Box::new(whole),
    };
    if let Some(kind) = binary_kind(reader.fill_buf()?) {
        return Ok(Err(kind));
    }
    Ok(Ok(Lines::new(reader, 0, Vec::new(), Vec::new())))
}

fn packing_of(start: &[u8]) -> Packing {
    match start {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [0xff, 0xfe, ..] => Packing::Utf16 { big_endian: false },
        [0xfe, 0xff, ..] => Packing::Utf16 { big_endian: true },
        _ => Packing::None,
    }
}

/// Text may hold a stray NUL; a tenth of control characters, or a known beginning, is something else.
fn binary_kind(start: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\x7fELF", "a program"),
        (b"\x89PNG", "a picture"),
        (b"PK\x03\x04", "a zip archive"),
        (b"%PDF", "a PDF document"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"LPKSHHRH", "a systemd journal"),
    ];
    if let Some((_, kind)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(kind);
    }
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x0c | 0x08);
    let n_control = start.iter().filter(is_control).count();
    (n_control * 10 > start.len()).then_some("not text")
}

/// How many bytes came, and how that ended.
fn read_full(reader: &mut impl Read, out: &mut [u8]) -> (usize, io::Result<()>) {
    let mut n = 0;
    while n < out.len() {
        match reader.read(&mut out[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n, Err(error)),
        }
    }
    (n, Ok(()))
}

fn number_of(meta: &std::fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::ino(meta);
    #[cfg(not(unix))]
    0
}

const _: () = assert!(TAIL_BYTES <= HEAD_BYTES);
