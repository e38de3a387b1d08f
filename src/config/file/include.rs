//! Which other files a file includes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::config::{Error, FileError, shown};
use crate::sorting::sort_by;

/// The files that a pattern means, in the order of their names. A name without `*` and `?` means itself, there or not.
pub(super) fn files(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let malformed = || Error::File(FileError::Pattern { pattern: shown(pattern.as_ref()) });
    let (within, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if name.is_empty() || is_pattern(within) {
        return Err(malformed());
    }
    let whole = folder.join(pattern);
    if !is_pattern(name) {
        return Ok(vec![whole]);
    }
    let within = whole.parent().unwrap_or(folder);
    let unreadable = |source| Error::File(FileError::Unreadable { source });
    let entries = match fs::read_dir(within) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(unreadable)?.file_name();
        if fits(name.as_bytes(), file.as_bytes()) {
            files.push(within.join(file));
        }
    }
    sort_by(&mut files, Ord::cmp);
    Ok(files)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a name fits, as shells have it: what begins with a dot is meant only by who says the dot.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // Where the last star was, and as much of the name as it has eaten: only the last one ever has to eat more.
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((place, eaten)) => {
                    star = Some((place, eaten + 1));
                    (at, from) = (place + 1, eaten + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns_as_in_a_shell() {
        for (pattern, name, fitting) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", false),
            ("*.toml", ".a.toml", false),
            (".*", ".a.toml", true),
            ("*.toml", "a.toml.bak", false),
            ("?.toml", "a.toml", true),
            ("?.toml", "ab.toml", false),
            ("*", "anything", true),
            ("a*b*c", "aXbXbYc", true),
            ("a*b*c", "aXbXbY", false),
            ("**", "x", true),
            ("*a", "bbbba", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), fitting, "{pattern} {name}");
        }
        // No name makes it take long.
        assert!(!fits("*a".repeat(50).as_bytes(), "a".repeat(200).replace("a", "ab").as_bytes()));
    }
}
