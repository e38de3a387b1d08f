//! Whether a hook can be run, found out without running it.
//!
//! The same questions are asked at start, when there is time to mend it, and again when one could not be run, because
//! the system has one word for many reasons: a program that is "not found" may be there and begin with the name of
//! another that is not.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Caller, Error, shown};

/// As much of a file as the kernels look at for the program that runs it (BINPRM_BUF_SIZE of Linux; the others look at
/// less).
const BEGINNING: usize = 256;

/// Whether `caller` can run the file that `option` names.
///
/// # Errors
/// Why not.
pub fn examine(option: &'static str, script: &Path, caller: &Caller) -> Result<(), Error> {
    let path = || shown(script.as_os_str());
    let metadata = fs::metadata(script).map_err(|source| match closed_folder(script, caller) {
        Some(folder) if source.kind() == ErrorKind::PermissionDenied => {
            Error::HookFolder { option, path: path(), folder: shown(folder.as_os_str()), user: caller.user }
        }
        _ => Error::HookMissing { option, path: path(), source },
    })?;
    if !metadata.is_file() {
        return Err(Error::HookNotAFile { option, path: path() });
    }
    if metadata.mode() & 0o111 == 0 {
        return Err(Error::HookNotExecutable { option, path: path() });
    }
    (caller.may_execute)(script).map_err(|source| Error::HookForbidden {
        option,
        path: path(),
        user: caller.user,
        source,
    })?;
    first_line(option, script, caller)
}

/// The outermost folder on the way to `script` that is closed to `caller`.
fn closed_folder<'a>(script: &'a Path, caller: &Caller) -> Option<&'a Path> {
    let mut folders: Vec<&Path> = script.ancestors().skip(1).collect();
    folders.reverse();
    let closed = |folder: &Path| {
        (caller.may_execute)(folder).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    folders.into_iter().find(|folder| closed(folder))
}

fn first_line(option: &'static str, script: &Path, caller: &Caller) -> Result<(), Error> {
    let mut beginning = [0; BEGINNING];
    // A program need not be readable to be run.
    let Ok(length) = File::open(script).and_then(|mut file| file.read(&mut beginning)) else { return Ok(()) };
    let beginning = beginning.get(..length).unwrap_or_default();
    let path = || shown(script.as_os_str());
    let Some(rest) = beginning.strip_prefix(b"#!") else {
        // Machine code of any system holds zeros; what it is worth the kernel knows. Text is run by nobody.
        return if beginning.contains(&0) {
            Ok(())
        } else {
            Err(Error::HookFirstLine { option, path: path() })
        };
    };
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return Err(Error::HookCarriageReturn { option, path: path() });
    }
    let mut words = line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    let Some(program) = words.next().map(|word| Path::new(OsStr::from_bytes(word))) else {
        return Err(Error::HookFirstLine { option, path: path() });
    };
    fs::metadata(program).and_then(|_| (caller.may_execute)(program)).map_err(|source| {
        Error::HookInterpreter { option, path: path(), program: shown(program.as_os_str()), source }
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::NoAccount;
    use super::*;

    const CALLER: Caller =
        Caller { user: 0, group: 0, may_execute: |_| Ok(()), find_account: |_| Err(NoAccount::Unknown) };

    fn examined(name: &str, content: &[u8], caller: &Caller) -> Result<(), Error> {
        let file = std::env::temp_dir().join(format!("ucarp-script-{name}-{}", std::process::id()));
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let found = examine("--upscript", &file, caller);
        fs::remove_file(&file).unwrap();
        found
    }

    #[test]
    fn first_lines() {
        for fine in [
            &b"#!/bin/sh\n"[..],
            b"#! /bin/sh -e\n",
            b"#!\t/bin/sh",
            b"\x7fELF\x02\x01\x01\0",
            b"#!/bin/sh\n\r\n",
        ] {
            assert!(examined("fine", fine, &CALLER).is_ok(), "{fine:?}");
        }
        for none in
            [&b""[..], b"echo hello\n", b"\xef\xbb\xbf#!/bin/sh\n", b"#!\n", b"#! \n", b" #!/bin/sh\n"]
        {
            assert!(matches!(examined("none", none, &CALLER), Err(Error::HookFirstLine { .. })), "{none:?}");
        }
        for windows in [&b"#!/bin/sh\r\n"[..], b"#!/bin/sh -e\r\n"] {
            let found = examined("windows", windows, &CALLER);
            assert!(matches!(found, Err(Error::HookCarriageReturn { .. })), "{windows:?}");
        }
        let found = examined("missing", b"#!/nonexistent/sh -e\n", &CALLER);
        let Err(Error::HookInterpreter { program, source, .. }) = found else { panic!("{found:?}") };
        assert_eq!((program.as_str(), source.kind()), ("/nonexistent/sh", ErrorKind::NotFound));
    }

    #[test]
    fn what_only_the_system_knows() {
        let caller =
            Caller { user: 7, group: 7, may_execute: |_| Err(ErrorKind::PermissionDenied.into()), ..CALLER };
        let found = examined("denied", b"#!/bin/sh\n", &caller);
        assert!(matches!(found, Err(Error::HookForbidden { user: 7, .. })), "{found:?}");
        let but_sh = |path: &Path| match path.ends_with("sh") {
            true => Err(ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        };
        let caller = Caller { may_execute: but_sh, ..CALLER };
        let found = examined("interpreter", b"#!/bin/sh\n", &caller);
        assert!(matches!(found, Err(Error::HookInterpreter { .. })), "{found:?}");
    }
}
