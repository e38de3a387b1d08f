//! The one table of everything that can be asked for: the long options, which are the keys of a file too, with their
//! letters, what kind of value they take, where they may stand, and their lines of `--help`.
//!
//! The command line, the file, the usage text and what is printed as a file all come from here. What a value may be is
//! known to `words`.

use std::borrow::Cow;

use crate::i18n::tr;

/// What stands behind an option or a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// Nothing; true or false in a file.
    Nothing,
    /// Nothing, or one word.
    Perhaps,
    /// One word.
    Word,
    /// A whole number, in a file with or without quotes.
    Number,
    /// A time; what a bare number means, `words` knows.
    Time,
    /// One word, but the option may be repeated; a list in a file.
    List,
    /// A word that must not be seen.
    Secret,
}

/// What a value names, as far as a shell can tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// Nothing that a shell knows.
    Nothing,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A file.
    File,
    /// A directory.
    Folder,
    /// An interface of this host.
    Interface,
    /// A user of this host.
    User,
}

/// What it is about, which is where it may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// It is about a virtual host: an option, a key of one, and one of `[defaults]`.
    Vip,
    /// The same, but each virtual host has its own.
    OneVip,
    /// A key of a virtual host and of `[defaults]`, and no option.
    KeyOfVip,
    /// A key of a check, and no option. A check has some keys in common with others besides.
    KeyOfCheck,
    /// It is about the program: an option, beside `--config` too, and a key of `[daemon]`.
    Daemon,
    /// A key of `[daemon]`, and no option.
    KeyOfDaemon,
    /// An option, beside `--config` too, and no key.
    Start,
    /// An option, and not beside `--config`.
    CommandLine,
}

impl Scope {
    /// Whether it is an option of the command line.
    pub(super) const fn is_option(self) -> bool {
        !matches!(self, Self::KeyOfVip | Self::KeyOfCheck | Self::KeyOfDaemon)
    }

    /// Whether it is an option that may stand beside `--config`.
    pub(super) const fn is_beside_a_file(self) -> bool {
        matches!(self, Self::Daemon | Self::Start)
    }
}

/// One of them.
pub(super) struct Row {
    pub(super) short: &'static str,
    /// With its dashes, as sentences about the command line have it.
    pub(super) option: &'static str,
    /// Another name of the same, of the ancestor's documents.
    pub(super) alias: &'static str,
    pub(super) takes: Takes,
    pub(super) values: Names,
    pub(super) scope: Scope,
    /// Whether ucarp 1.5.2 has it: its names win when an abbreviation fits several.
    pub(super) old: bool,
    /// Its lines of the usage text.
    pub(super) usage: fn() -> Cow<'static, str>,
}

impl Row {
    /// Without the dashes.
    pub(super) fn key(&self) -> &'static str {
        self.option.get(2..).unwrap_or_default()
    }

    /// What it is called on the command line, the usual name first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.key(), self.alias].into_iter().filter(|name| !name.is_empty())
    }
}

/// What there is of them on some system.
const FACILITIES: &[&str] = &[
    "none", "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user",
    "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

type Usage = fn() -> Cow<'static, str>;

const fn old(short: &'static str, option: &'static str, takes: Takes, scope: Scope, usage: Usage) -> Row {
    Row { short, option, alias: "", takes, values: Names::Nothing, scope, old: true, usage }
}

const fn new(option: &'static str, takes: Takes, scope: Scope, usage: Usage) -> Row {
    Row { short: "", option, alias: "", takes, values: Names::Nothing, scope, old: false, usage }
}

/// Rows that belong together, under a line of their own.
pub(super) struct Section {
    pub(super) heading: Usage,
    pub(super) rows: &'static [Row],
}

use Names::{File, Folder, Interface, OneOf, User};
use Scope::{CommandLine, Daemon, KeyOfCheck, KeyOfDaemon, KeyOfVip, OneVip, Start, Vip};
use Takes::{List, Nothing, Number, Perhaps, Secret, Time, Word};

// TRANSLATORS: the lines of --help. Translate the words in capitals as well, keep the option names, the
// columns and a width of at most 79 characters; a second line may be added or left out.
#[rustfmt::skip]
pub(super) static SECTIONS: &[Section] = &[
    Section { heading: || tr!("The virtual host:"), rows: &[
        Row { values: Interface, ..old("i", "--interface", Word, Vip,
            || tr!("  -i, --interface=NAME      network interface (default: the one with --srcip)")) },
        old("s", "--srcip", Word, OneVip,
            || tr!("  -s, --srcip=ADDRESS       this host's own address on that interface")),
        old("v", "--vhid", Number, OneVip,
            || tr!("  -v, --vhid=NUMBER         which virtual host on this network, 1 to 255")),
        old("a", "--addr", List, OneVip,
            || tr!("  -a, --addr=ADDRESS[/LEN]  address to share; may be given several times")),
        Row { values: File, ..old("o", "--passfile", Word, Vip,
            || tr!("  -o, --passfile=FILE       the first line of FILE is the common password")) },
        old("p", "--pass", Secret, OneVip,
            || tr!("  -p, --pass=PASSWORD       the password itself; other users may see it")),
    ] },
    Section { heading: || tr!("Who is MASTER:"), rows: &[
        old("b", "--advbase", Number, Vip,
            || tr!("  -b, --advbase=SECONDS     time between advertisements, 0 to 255 (default 1)")),
        old("k", "--advskew", Number, Vip,
            || tr!("  -k, --advskew=NUMBER      plus this many 1/256 s, 0 to 255 (default 0);\n                            the host with the shortest time is preferred")),
        old("r", "--deadratio", Number, Vip,
            || tr!("  -r, --deadratio=NUMBER    advertisements to miss before the MASTER counts as\n                            dead (default 3)")),
        old("P", "--preempt", Nothing, Vip,
            || tr!("  -P, --preempt             take over from a MASTER that is less preferred")),
        new("--preempt-delay", Time, Vip,
            || tr!("      --preempt-delay=TIME  and only when all has been well here for so long,\n                            such as 30s (default 0s)")),
        new("--start-hold", Time, Vip,
            || tr!("      --start-hold=TIME     do not become MASTER by silence for so long after\n                            the start or a return of the link (default 0s)")),
        new("--group", Word, KeyOfVip, || "".into()),
        new("--required", Nothing, KeyOfVip, || "".into()),
    ] },
    Section { heading: || tr!("What happens then:"), rows: &[
        new("--manage-address", Nothing, Vip,
            || tr!("      --manage-address      add the address to this host and remove it again")),
        Row { values: File, ..old("u", "--upscript", Word, Vip,
            || tr!("  -u, --upscript=FILE       program to run on becoming MASTER")) },
        Row { values: File, ..old("d", "--downscript", Word, Vip,
            || tr!("  -d, --downscript=FILE     program to run on leaving it, and once at start")) },
        old("x", "--xparam", Word, Vip,
            || tr!("  -x, --xparam=WORD         third argument for both programs, after the\n                            interface and the address")),
        old("n", "--neutral", Nothing, Vip,
            || tr!("  -n, --neutral             do not run the down script at start")),
        old("z", "--shutdown", Nothing, Vip,
            || tr!("  -z, --shutdown            at the end hand over and run the down script")),
        new("--hook-timeout", Time, Vip,
            || tr!("      --hook-timeout=SECONDS\n                            how long a program may run (default 60)")),
        Row { values: OneOf(&["stay", "demote"]), ..new("--hook-failure", Word, Vip,
            || tr!("      --hook-failure=WORD   if the up script fails: stay (MASTER, the default)\n                            or demote (leave it to another host)")) },
        Row { values: OneOf(&["hook", "warn"]), ..new("--on-lost-address", Word, Vip,
            || tr!("      --on-lost-address=WORD\n                            if a MASTER loses an address: hook (run the up\n                            script again, the default) or warn (only say so)")) },
        new("--notify", List, KeyOfVip, || "".into()),
        new("--settle", Time, KeyOfVip, || "".into()),
    ] },
    Section { heading: || tr!("The network:"), rows: &[
        Row { alias: "mcastip", ..old("m", "--mcast", Word, Vip,
            || tr!("  -m, --mcast=GROUP         IPv4 group for advertisements (default 224.0.0.18)")) },
        old("M", "--nomcast", Nothing, Vip,
            || tr!("  -M, --nomcast             send advertisements to the broadcast MAC address")),
        new("--peer", List, Vip,
            || tr!("      --peer=ADDRESS        send to this other host, not to the group; may be\n                            given several times")),
        Row { values: OneOf(&["openbsd", "freebsd", "netbsd", "ucarp", "any"]), ..new("--peer-type", Word, Vip,
            || tr!("      --peer-type=WORD      what the other hosts run: openbsd, freebsd, netbsd,\n                            ucarp or any (the default)")) },
        Row { values: OneOf(&["warn", "refuse", "off"]), ..new("--replay", Word, Vip,
            || tr!("      --replay=WORD         if another host's packet may be a recording: warn\n                            (the default), refuse, or off")) },
        new("--only-ours", Nothing, Vip,
            || tr!("      --only-ours           believe only hosts that run this program")),
        old("S", "--ignoreifstate", Nothing, Vip,
            || tr!("  -S, --ignoreifstate       take the interface as usable whatever it reports")),
        new("--garp-count", Number, Vip,
            || tr!("      --garp-count=NUMBER   announcements of a new MASTER, 1 to 255 (default 1)")),
        new("--garp-interval", Time, Vip,
            || tr!("      --garp-interval=MS    milliseconds between them (default 200)")),
        new("--garp-refresh", Time, Vip,
            || tr!("      --garp-refresh=SECONDS\n                            repeat them so often while MASTER (default 0: no)")),
    ] },
    Section { heading: || tr!("The program itself:"), rows: &[
        Row { values: File, short: "c", ..new("--config", Word, Start,
            || tr!("  -c, --config=FILE         serve what FILE says, which may be several virtual\n                            hosts; its keys are the options above")) },
        old("B", "--daemonize", Nothing, Start,
            || tr!("  -B, --daemonize           go to the background once everything is in place")),
        Row { values: File, ..new("--pidfile", Word, Daemon,
            || tr!("      --pidfile=FILE        write the process number to FILE and lock it")) },
        Row { values: Folder, ..new("--lockdir", Word, Daemon,
            || tr!("      --lockdir=DIRECTORY   where to keep a second process for the same id away")) },
        Row { values: Folder, ..new("--control", Word, Daemon,
            || tr!("      --control=DIRECTORY   where to have the socket for ucarpctl, or none")) },
        Row { values: User, ..new("--user", Word, Daemon,
            || tr!("      --user=NAME|UID:GID   user of the process that hears and sends (default\n                            _ucarp, or a number that nobody has)")) },
        new("--mlock", Nothing, Daemon,
            || tr!("      --mlock               never page the memory of that process out")),
        new("--state", Word, KeyOfDaemon, || "".into()),
        new("--status-mode", Word, KeyOfDaemon, || "".into()),
        new("--wait-interface", Nothing, CommandLine,
            || tr!("      --wait-interface      start even if the interface is missing: wait for it")),
        Row { values: OneOf(&["syntax"]), ..new("--check", Perhaps, Start,
            || tr!("      --check               check everything, print what would run, and exit")) },
        Row { values: Folder, ..new("--include-base", Word, Start,
            || tr!("      --check=syntax        check the words of --config, and nothing else\n      --include-base=DIRECTORY\n                            with that: where the files are that it includes")) },
        new("--print-config", Nothing, CommandLine,
            || tr!("      --print-config        print a file for --config that does the same")),
    ] },
    Section { heading: || tr!("Looking instead of serving:"), rows: &[
        new("--sniff", Nothing, CommandLine,
            || tr!("      --sniff               show who speaks CARP or VRRP on --interface; with\n                            --vhid, --addr and a password also who would be\n                            understood")),
        Row { values: File, ..new("--read", Word, CommandLine,
            || tr!("  -r, --read=FILE           with --sniff: read a capture file instead")) },
        new("--json", Nothing, CommandLine,
            || tr!("      --json                with --sniff: one JSON object for each packet")),
    ] },
    Section { heading: || tr!("Messages:"), rows: &[
        Row { values: OneOf(FACILITIES), alias: "syslog", ..old("f", "--facility", Word, Daemon,
            || tr!("  -f, --facility=NAME       syslog facility (default daemon), or none")) },
        old("D", "--debug", Nothing, Daemon,
            || tr!("  -D, --debug               more of them")),
        Row { values: OneOf(&["plain", "syslog-prefix", "json"]), ..new("--log-format", Word, Daemon,
            || tr!("      --log-format=WORD     lines on the terminal: plain, syslog-prefix or json")) },
        new("--language", Word, Daemon,
            || tr!("      --language=NAME       such as de (default: LANGUAGE, LC_ALL and so on)")),
        old("h", "--help", Nothing, Start,
            || tr!("  -h, --help                show this text")),
        Row { short: "V", ..new("--version", Nothing, Start,
            || tr!("  -V, --version             show the version")) },
    ] },
];

/// The keys that only checks have, of which no usage text knows.
#[rustfmt::skip]
static OF_CHECKS: &[Row] = &[
    new("--command", List, KeyOfCheck, || "".into()),
    new("--file", Word, KeyOfCheck, || "".into()),
    new("--carp-demotion", Nothing, KeyOfCheck, || "".into()),
    new("--every", Time, KeyOfCheck, || "".into()),
    new("--timeout", Time, KeyOfCheck, || "".into()),
    new("--fall", Number, KeyOfCheck, || "".into()),
    new("--rise", Number, KeyOfCheck, || "".into()),
    new("--demote", Number, KeyOfCheck, || "".into()),
    new("--on-failure", Word, KeyOfCheck, || "".into()),
    new("--vips", List, KeyOfCheck, || "".into()),
    new("--initial", Word, KeyOfCheck, || "".into()),
];

/// All of them, in the order of the usage text.
pub(super) fn all() -> impl Iterator<Item = &'static Row> + Clone {
    SECTIONS.iter().flat_map(|section| section.rows).chain(OF_CHECKS)
}

/// Those of the command line.
pub(super) fn options() -> impl Iterator<Item = &'static Row> + Clone {
    all().filter(|row| row.scope.is_option())
}

/// What was probably meant by a name that is none: one or two slips away, of four letters at least each.
pub(crate) fn similar<'a>(name: &[u8], known: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody meant a name of forty letters, and looking for it takes its time.
    let name = name.get(..40).unwrap_or(name);
    known
        .map(|known| (slips(name, known.as_bytes()), known))
        .filter(|(slips, known)| slips * 4 <= known.len().max(4) && *slips <= 2)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, known)| known)
}
/// How many letters have to be added, left out, replaced, or exchanged with the next one, to make one word of another.
fn slips(from: &[u8], to: &[u8]) -> usize {
    // Row by row: what it costs to make the first letters of `to` of the first letters of `from`.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut last = None;
    for (done, &letter) in (1..).zip(from) {
        let mut next = vec![done];
        let mut left = None;
        for (column, &wanted) in (1..).zip(to) {
            let replaced = at(&row, column - 1) + usize::from(letter != wanted);
            let exchanged = match last == Some(wanted) && left == Some(letter) {
                true => at(&before, column - 2) + 1,
                false => usize::MAX,
            };
            let added_or_left_out = at(&next, column - 1).min(at(&row, column)) + 1;
            next.push(replaced.min(exchanged).min(added_or_left_out));
            left = Some(wanted);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    at(&row, to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "ab", 2),
            ("preempt", "preempt", 0),
            ("prempt", "preempt", 1),
            ("preemppt", "preempt", 1),
            ("vihd", "vhid", 1),
            ("advscew", "advskew", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(slips(from.as_bytes(), to.as_bytes()), count, "{from} {to}");
            assert_eq!(slips(to.as_bytes(), from.as_bytes()), count, "{to} {from}");
        }
    }

    #[test]
    fn what_was_meant() {
        for (name, meant) in [
            ("prempt", Some("preempt")),
            ("preemt", Some("preempt")),
            ("Preempt", Some("preempt")),
            ("vihd", Some("vhid")),
            ("adress", None),
            ("upscrpit", Some("upscript")),
            ("upscripts", Some("upscript")),
            ("downscritp", Some("downscript")),
            ("interfaces", Some("interface")),
            ("wait_interface", Some("wait-interface")),
            ("x", None),
            ("nosuch", None),
            ("\u{e9}", None),
        ] {
            let mut names = options().flat_map(Row::names);
            assert_eq!(similar(name.as_bytes(), &mut names), meant, "{name}");
        }
    }
}
