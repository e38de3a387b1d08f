//! The text of `--help`, and the line of `--version`.

use crate::i18n::tr;

/// Name and version, one line.
#[must_use]
pub fn version() -> String {
    format!("ucarp {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text for `--help`: fits 80 columns, in the operator's language, one message for each option.
#[must_use]
pub fn usage() -> String {
    // TRANSLATORS: the lines of --help. Translate the words in capitals as well, keep the option names, the
    // columns and a width of at most 79 characters; a second line may be added or left out.
    let lines = [
        tr("Usage: ucarp -i INTERFACE -v VHID -o FILE -a ADDRESS [OPTION]..."),
        tr("Shares a virtual IP address with other hosts: one of them is MASTER and has it,\nthe others wait as BACKUP. Speaks CARP, as the BSD kernels do."),
        "".into(),
        tr("The virtual host:"),
        tr("  -i, --interface=NAME      network interface (default: the one with --srcip)"),
        tr("  -s, --srcip=ADDRESS       this host's own address on that interface"),
        tr("  -v, --vhid=NUMBER         which virtual host on this network, 1 to 255"),
        tr("  -a, --addr=ADDRESS[/LEN]  address to share; may be given several times"),
        tr("  -o, --passfile=FILE       the first line of FILE is the common password"),
        tr("  -p, --pass=PASSWORD       the password itself; other users may see it"),
        "".into(),
        tr("Who is MASTER:"),
        tr("  -b, --advbase=SECONDS     time between advertisements, 0 to 255 (default 1)"),
        tr("  -k, --advskew=NUMBER      plus this many 1/256 s, 0 to 255 (default 0);\n                            the host with the shortest time is preferred"),
        tr("  -r, --deadratio=NUMBER    advertisements to miss before the MASTER counts as\n                            dead (default 3)"),
        tr("  -P, --preempt             take over from a MASTER that is less preferred"),
        "".into(),
        tr("What happens then:"),
        tr("  -u, --upscript=FILE       program to run on becoming MASTER"),
        tr("  -d, --downscript=FILE     program to run on leaving it, and once at start"),
        tr("  -x, --xparam=WORD         third argument for both programs, after the\n                            interface and the address"),
        tr("  -n, --neutral             do not run the down script at start"),
        tr("  -z, --shutdown            at the end hand over and run the down script"),
        tr("      --hook-timeout=SECONDS\n                            how long a program may run (default 60)"),
        tr("      --hook-failure=WORD   if the up script fails: stay (MASTER, the default)\n                            or demote (leave it to another host)"),
        tr("      --on-lost-address=WORD\n                            if a MASTER loses an address: hook (run the up\n                            script again, the default) or warn (only say so)"),
        "".into(),
        tr("The network:"),
        tr("  -m, --mcast=GROUP         IPv4 group for advertisements (default 224.0.0.18)"),
        tr("  -M, --nomcast             send advertisements to the broadcast MAC address"),
        tr("      --peer=ADDRESS        send to this other host, not to the group; may be\n                            given several times"),
        tr("      --peer-type=WORD      what the other hosts run: openbsd, freebsd, netbsd,\n                            ucarp or any (the default)"),
        tr("      --replay=WORD         if another host's packet may be a recording: warn\n                            (the default), refuse, or off"),
        tr("      --only-ours           believe only hosts that run this program"),
        tr("  -S, --ignoreifstate       take the interface as usable whatever it reports"),
        tr("      --garp-count=NUMBER   announcements of a new MASTER, 1 to 255 (default 1)"),
        tr("      --garp-interval=MS    milliseconds between them (default 200)"),
        tr("      --garp-refresh=SECONDS\n                            repeat them so often while MASTER (default 0: no)"),
        "".into(),
        tr("The program itself:"),
        tr("  -B, --daemonize           go to the background once everything is in place"),
        tr("      --pidfile=FILE        write the process number to FILE and lock it"),
        tr("      --lockdir=DIRECTORY   where to keep a second process for the same id away"),
        tr("      --user=NAME|UID:GID   user of the process that hears and sends (default\n                            _ucarp, or a number that nobody has)"),
        tr("      --mlock               never page the memory of that process out"),
        tr("      --wait-interface      start even if the interface is missing: wait for it"),
        tr("      --check               check everything, print what would run, and exit"),
        "".into(),
        tr("Looking instead of serving:"),
        tr("      --sniff               show who speaks CARP or VRRP on --interface; with\n                            --vhid, --addr and a password also who would be\n                            understood"),
        tr("  -r, --read=FILE           with --sniff: read a capture file instead"),
        tr("      --json                with --sniff: one JSON object for each packet"),
        "".into(),
        tr("Messages:"),
        tr("  -f, --facility=NAME       syslog facility (default daemon), or none"),
        tr("  -D, --debug               more of them"),
        tr("  -h, --help                show this text"),
        tr("  -V, --version             show the version"),
        "".into(),
        tr("Signals: USR1 reports the state, USR2 makes a MASTER step aside, TERM ends."),
        "".into(),
        tr("Example:"),
        "  ucarp -i eth0 -s 192.0.2.1 -v 42 -o /etc/ucarp/password -a 192.0.2.10/24 \\\n    -u /etc/ucarp/vip-up.sh -d /etc/ucarp/vip-down.sh -z".into(),
    ];
    lines.join("\n") + "\n"
}
