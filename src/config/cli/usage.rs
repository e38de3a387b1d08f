//! The text of `--help`, and the line of `--version`.

use crate::config::options::SECTIONS;
use crate::i18n::tr;

/// Name and version, one line.
#[must_use]
pub fn version() -> String {
    format!("ucarp {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text for `--help`: fits 80 columns, in the operator's language, one message for each option.
#[must_use]
pub fn usage() -> String {
    let begins = [
        // TRANSLATORS: keep the option names and a width of at most 79 characters.
        tr!(
            "Usage: ucarp -i INTERFACE -v VHID -o FILE -a ADDRESS [OPTION]...\n       ucarp --config FILE [OPTION]..."
        ),
        tr!(
            "Shares a virtual IP address with other hosts: one of them is MASTER and has it,\nthe others wait as BACKUP. Speaks CARP, as the BSD kernels do."
        ),
        "".into(),
    ];
    let table = SECTIONS.iter().flat_map(|section| {
        let rows = section.rows.iter().map(|row| (row.usage)()).filter(|lines| !lines.is_empty());
        std::iter::once((section.heading)()).chain(rows).chain(["".into()])
    });
    let ends = [
        tr!("Signals: USR1 reports the state, USR2 makes a MASTER step aside, TERM ends."),
        "".into(),
        tr!("Example:"),
        "  ucarp -i eth0 -s 192.0.2.1 -v 42 -o /etc/ucarp/password -a 192.0.2.10/24 \\\n    -u /etc/ucarp/vip-up.sh -d /etc/ucarp/vip-down.sh -z".into(),
    ];
    let lines: Vec<_> = begins.into_iter().chain(table).chain(ends).collect();
    lines.join("\n") + "\n"
}
