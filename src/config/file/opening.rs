//! Opening a file of a configuration: once, with all that is asked of it asked of what was opened.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::place::{Place, Text};
use crate::config::reading::Manner;
use crate::config::{Error, Errors, FileError, shown, trust};

/// All files of a configuration together, in bytes. What fills it up with virtual hosts of 64 addresses is shorter.
pub(super) const LONGEST: u64 = 8 << 20;

/// What a file holds.
pub(super) struct Opened {
    path: PathBuf,
    /// The file as a whole.
    pub(super) place: Place,
    pub(super) text: Zeroizing<String>,
    /// By everybody on this host, which matters if there is a password in it.
    pub(super) is_readable: bool,
}

impl Opened {
    /// Reads a file, of `left` bytes at most.
    pub(super) fn open(path: &Path, manner: &Manner<'_>, left: &mut u64) -> Result<Self, Errors> {
        let place = Place::whole(path);
        let wrong = |error: FileError| Errors::from(Error::File(error).at(Some(place.clone())));
        let unreadable = |source| wrong(FileError::Unreadable { source });
        // Opening a pipe waits for somebody to write.
        if !fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(wrong(FileError::NotAFile));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(wrong(FileError::NotAFile));
        }
        if metadata.len() > *left {
            return Err(wrong(FileError::TooBig { max: LONGEST }));
        }
        // One more than there is, to see that there is no more; and never moved, which would leave a copy behind.
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        let mut bytes = Zeroizing::new(vec![0; length + 1]);
        let mut filled = 0;
        while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
            match file.read(free).map_err(unreadable)? {
                0 => break,
                count => filled += count,
            }
        }
        let after = file.metadata().map_err(unreadable)?;
        let written = |metadata: &fs::Metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        if filled != length || written(&after) != written(&metadata) {
            return Err(wrong(FileError::Changing));
        }
        bytes.truncate(filled);
        *left -= metadata.len();
        if !manner.words_only {
            // What was opened may be another file than what is found there now.
            let open = trust::others_may_write(&metadata, manner.caller).then(|| path.to_owned());
            if let Some(place) = open.or_else(|| trust::changeable(path, manner.caller)) {
                return Err(wrong(FileError::Changeable { place: shown(place.as_os_str()) }));
            }
        }
        let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let bytes = Zeroizing::new(error.into_bytes());
            let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
            let here = Text::new(&before, &place).place(valid);
            Errors::from(Error::File(FileError::NotUtf8).at(Some(here)))
        })?;
        let is_readable = !manner.words_only && metadata.mode() & 0o004 != 0;
        Ok(Self { path: path.to_owned(), place, text: Zeroizing::new(text), is_readable })
    }

    /// One that is not there.
    pub(super) fn of_text(path: &Path, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            place: Place::whole(path),
            text: Zeroizing::new(text.to_owned()),
            is_readable: false,
        }
    }

    /// What names of files in it are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}
