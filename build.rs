//! Build-time facts: the family of the target system, where catalogues are installed, and the catalogues
//! themselves when `msgfmt` is at hand.
//!
//! Uses no network and no version control, and never fails because of a translation: without `msgfmt`, or
//! with a catalogue that does not compile, the program speaks English.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    families();
    locale_directory();
    catalogues(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?))
}

/// `cfg(bsd)`: the systems that share BPF, routing sockets and the BSD interface ioctls.
fn families() {
    println!("cargo::rustc-check-cfg=cfg(bsd)");
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if ["freebsd", "openbsd", "netbsd", "macos"].contains(&system.as_str()) {
        println!("cargo::rustc-cfg=bsd");
    }
}

/// Where the packager will install `<language>/LC_MESSAGES/ucarp.mo`: `LOCALEDIR` at build time.
fn locale_directory() {
    println!("cargo::rerun-if-env-changed=LOCALEDIR");
    let directory = env::var("LOCALEDIR").unwrap_or_else(|_| "/usr/local/share/locale".to_owned());
    println!("cargo::rustc-env=LOCALEDIR={directory}");
}

/// Compiles each language of `po/LINGUAS` into the build directory, from where tests and packagers take it.
fn catalogues(out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed=po");
    let locale = out.join("locale");
    println!("cargo::rustc-env=BUILT_LOCALEDIR={}", locale.display());
    let linguas = fs::read_to_string("po/LINGUAS").unwrap_or_default();
    let languages = linguas.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for language in languages {
        let messages = locale.join(language).join("LC_MESSAGES");
        fs::create_dir_all(&messages)?;
        let (source, target) = (format!("po/{language}.po"), messages.join("ucarp.mo"));
        if !msgfmt(&source, &target) {
            println!("cargo::warning={source} was not compiled (no msgfmt, or it refused)");
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a build script runs tools; the daemon is not running")]
fn msgfmt(source: &str, target: &Path) -> bool {
    let status = std::process::Command::new("msgfmt").arg("-o").arg(target).arg(source).status();
    status.is_ok_and(|status| status.success())
}
