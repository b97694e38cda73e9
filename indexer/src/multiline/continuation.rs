//! Which lines belong to the one before: frames, causes, tracebacks, panics, indented text.

/// What kind of block the open entry is in, as far as its lines have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Plain,
    /// After `Traceback (most recent call last):`; ends with the line that names the exception.
    PythonTraceback,
    /// After the exception's name; only a chained traceback may follow.
    PythonEnded,
    /// After `panic:` or `goroutine 1 [running]:`.
    Go,
    /// A private key, which only redaction of the whole block can hide.
    Key,
}

impl Block {
    pub(super) fn starting_with(text: &str) -> Block {
        Block::Plain.after(text)
    }

    pub(super) fn went_on_with(&mut self, line: &str) {
        *self = self.after(line);
    }

    fn after(self, line: &str) -> Block {
        if line.contains("Traceback (most recent call last):") {
            Block::PythonTraceback
        } else if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") && !line.contains("-----END ") {
            Block::Key
        } else if line.starts_with("-----END ") {
            Block::Plain
        } else if is_go_header(line) || line.contains("panic: ") || line.contains("fatal error: ") {
            Block::Go
        } else if self == Block::PythonTraceback && is_python_exception(line) {
            Block::PythonEnded
        } else {
            self
        }
    }
}

/// Whether `line` goes on with an entry that is in `block`.
pub(super) fn continues(block: &Block, line: &str) -> bool {
    if line.starts_with([' ', '\t']) {
        return true;
    }
    let is_common = ["Caused by: ", "... ", "Suppressed: ", "at ", "--- End of ", "---> ", "Wrapped by: "]
        .iter()
        .any(|start| line.starts_with(start))
        || is_exception_head(line);
    match block {
        _ if is_common => true,
        Block::Plain => line.starts_with("Traceback (most recent call last):") || is_go_header(line),
        Block::Key => is_key_body(line),
        Block::PythonTraceback => line.is_empty() || is_python_exception(line),
        Block::PythonEnded => {
            line.is_empty()
                || line.starts_with("Traceback (most recent call last):")
                || line.starts_with("During handling of the above exception")
                || line.starts_with("The above exception was the direct cause")
        }
        Block::Go => {
            line.is_empty()
                || is_go_header(line)
                || line.starts_with("[signal ")
                || line.starts_with("created by ")
                || line.starts_with("exit status ")
                || is_go_call(line)
        }
    }
}

fn is_key_body(line: &str) -> bool {
    line.starts_with("-----END ")
        || line.is_empty()
        || line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        || line.split_once(": ").is_some_and(|(name, _)| matches!(name, "Proc-Type" | "DEK-Info"))
}

fn is_go_header(line: &str) -> bool {
    line.starts_with("goroutine ") && line.ends_with(":")
}

/// `main.(*Server).handle(0xc000010250, {0x1, 0x2})`.
fn is_go_call(line: &str) -> bool {
    line.ends_with(')') && line.contains('.') && line.find('(').is_some_and(|open| !line[..open].contains(' '))
}

/// `ValueError: bad input`, `requests.exceptions.Timeout`, `KeyboardInterrupt`.
fn is_python_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or(line);
    is_dotted_name(name)
        && name.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// `java.lang.IllegalStateException: message` on a line of its own, as log4j prints it under its message.
fn is_exception_head(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or(line);
    name.contains('.') && is_dotted_name(name) && (name.ends_with("Exception") || name.ends_with("Error"))
}

fn is_dotted_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && name.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        })
}
