//! Secrets by reference: `env:NAME` or `file:PATH`. They are read when they are used and printed never.

use std::path::Path;

/// Reads what a reference names.
///
/// # Errors
///
/// A sentence that names the reference, never the secret.
pub fn read(reference: &str) -> Result<String, String> {
    check(reference)?;
    if let Some(name) = reference.strip_prefix("env:") {
        return std::env::var(name)
            .map_err(|_| format!("`{reference}`: the variable is not set; set it and start again"));
    }
    let path = reference.strip_prefix("file:").unwrap_or_default();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("`{reference}`: cannot read the file: {error}"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Whether this is a reference at all; a secret written into the file itself is refused.
pub fn check(reference: &str) -> Result<(), String> {
    let name = reference.strip_prefix("env:").or_else(|| reference.strip_prefix("file:"));
    match name {
        Some(name) if !name.is_empty() => Ok(()),
        _ => Err("a secret must be a reference, `env:NAME` or `file:PATH`, not the secret itself".to_owned()),
    }
}

/// The way in for the crates that need secrets and may not read settings.
pub struct References;

impl runbooks::actions::Secrets for References {
    fn secret(&self, reference: &str) -> Result<String, String> {
        read(reference)
    }
}

/// Reads a key of 32 bytes from a file, making it on first use, readable by its owner only.
pub fn key_file(path: &Path) -> std::io::Result<[u8; 32]> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    loop {
        match std::fs::read(path) {
            Ok(bytes) => {
                let key: Result<[u8; 32], _> = bytes.try_into();
                return key.map_err(|_| {
                    std::io::Error::other(format!(
                        "`{}` is not a key of 32 bytes; restore it from a backup",
                        path.display()
                    ))
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Written aside and linked into place, so that two processes that start at once agree on one key.
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&rand::random::<[u8; 32]>())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
}
