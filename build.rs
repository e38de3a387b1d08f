//! Build-time facts: the family of the target system, where catalogues are installed, and the catalogues
//! themselves when `msgfmt` is at hand. What is missing is said with the name of its package, before the linker
//! says it in its own words.
//!
//! Uses no network and no version control, and never fails because of a translation: without `msgfmt`, or
//! with a catalogue that does not compile, the program speaks English.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    families();
    locale_directory();
    libraries(&out)?;
    catalogues(&out)
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

/// Warns of a library that the linker will miss. Only where the answer is certain: not when compiling for another
/// machine, nor when somebody said where libraries are.
fn libraries(out: &Path) -> io::Result<()> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    for name in ["LIBPCAP_LIBDIR", "GETTEXT_DIR", "GETTEXT_LIB_DIR"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if variable("HOST") != variable("TARGET") || variable("CARGO_ENCODED_RUSTFLAGS").contains("-L") {
        return Ok(());
    }
    let program = out.join("empty.c");
    fs::write(&program, "int main(void) { return 0; }\n")?;
    let empty = out.join("empty");
    let links = |flags: &[&str]| {
        let mut arguments: Vec<&OsStr> = vec!["-o".as_ref(), empty.as_ref(), program.as_ref()];
        arguments.extend(flags.iter().map(OsStr::new));
        succeeds("cc", &arguments)
    };
    // Without a compiler nothing is known about libraries.
    if !links(&[]) {
        return Ok(());
    }
    let system = variable("CARGO_CFG_TARGET_OS");
    if variable("LIBPCAP_LIBDIR").is_empty() && !links(&["-lpcap"]) {
        let package = match system.as_str() {
            "linux" => {
                "libpcap-dev on Debian, Ubuntu and Alpine, libpcap-devel on Fedora and openSUSE, libpcap on Arch"
            }
            "macos" => "the command line tools (xcode-select --install)",
            _ => "the base system's development files (the set comp on OpenBSD and NetBSD)",
        };
        println!("cargo::warning=libpcap was not found, linking will fail; it comes with: {package}");
    }
    let place = match system.as_str() {
        "freebsd" => "/usr/local".to_owned(),
        "openbsd" | "netbsd" | "macos" => variable("GETTEXT_DIR"),
        _ => return Ok(()),
    };
    let asked = env::var_os("CARGO_FEATURE_GETTEXT").is_some() && variable("GETTEXT_LIB_DIR").is_empty();
    if asked && !place.is_empty() && !links(&[&format!("-L{place}/lib"), "-lintl"]) {
        println!(
            "cargo::warning=libintl was not found in {place}, linking will fail; build without it: --no-default-features"
        );
    }
    Ok(())
}

/// Compiles each language of `po/LINGUAS` into the build directory, from where tests and packagers take it.
fn catalogues(out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed=po");
    let locale = out.join("locale");
    println!("cargo::rustc-env=BUILT_LOCALEDIR={}", locale.display());
    if !succeeds("msgfmt", &["--version".as_ref()]) {
        let package = match env::var("CARGO_CFG_TARGET_OS").unwrap_or_default().as_str() {
            "openbsd" => "pkg_add gettext-tools",
            "netbsd" => "pkgin install gettext-tools",
            "freebsd" => "pkg install gettext-tools",
            "macos" => "brew install gettext",
            _ => "the package gettext (gettext-tools on openSUSE)",
        };
        println!(
            "cargo::warning=msgfmt was not found, messages will be in English only; it comes with: {package}"
        );
        return Ok(());
    }
    let linguas = fs::read_to_string("po/LINGUAS").unwrap_or_default();
    let languages = linguas.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for language in languages {
        let messages = locale.join(language).join("LC_MESSAGES");
        fs::create_dir_all(&messages)?;
        let (source, target) = (format!("po/{language}.po"), messages.join("ucarp.mo"));
        if !succeeds("msgfmt", &["-o".as_ref(), target.as_ref(), source.as_ref()]) {
            println!("cargo::warning={source} does not compile; its messages will be in English");
        }
    }
    Ok(())
}

/// Runs a tool, silently; one that is not there did not succeed.
#[expect(clippy::disallowed_methods, reason = "a build script runs tools; the daemon is not running")]
fn succeeds(tool: &str, arguments: &[&OsStr]) -> bool {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
