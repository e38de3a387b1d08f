//! Any bytes as a file for `--passfile`, also of one that comes in pieces: what is sent is the first line, 1 to 20 bytes
//! without NUL, and what is accepted besides are lines of the same kind, three at most.

#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use ucarp::config::{Secret, passfile_bytes};

/// Hands out so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = buffer.len().min(self.1);
        self.0.read(&mut buffer[..piece])
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, file)) = bytes.split_first() else { return };
    let line = file.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let good = (1..=Secret::LONGEST).contains(&line.len()) && !line.contains(&0);
    for read in [passfile_bytes(file), passfile_bytes(Pieces(file, usize::from(piece).max(1)))] {
        match read {
            Ok(secrets) => {
                assert!(good && secrets[0].bytes() == line && secrets.len() <= Secret::MOST);
                let lines: Vec<_> = file.split(|&byte| byte == b'\n').collect();
                for secret in &secrets {
                    let ends = |line: &&[u8]| line.strip_suffix(b"\r").unwrap_or(line) == secret.bytes();
                    assert!(lines.iter().any(ends));
                }
            }
            Err(error) => {
                assert!(!good, "{error}");
                assert!(!error.to_string().contains('\n'), "a sentence is one line");
            }
        }
    }
});
