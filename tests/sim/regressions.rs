//! Seeds of random worlds that failed once, run first each time.
//!
//! A seed means the same world only as long as the generator stays what it is, so whatever mattered is also a
//! scenario with a name; these are kept because they cost nothing.

/// The seed, and what went wrong in it.
pub const WORLDS: [(u64, &str); 15] = [
    (7583, "a daemon waiting for its last hook was taken for a candidate (the oracle's mistake)"),
    (34, "a hook left alone at the end was taken for a forgotten one (the oracle's mistake)"),
    (29421, "a pause after a failed hook ended in the quiet phase (the oracle's mistake)"),
    (173_048, "dual stack: an IPv6 ad decided a tie against a peer not heard for longer than its dead time"),
    (208_680, "the same after a stubborn peer"),
    (342_406, "two of ours used different orders, because only one had heard an old ucarp"),
    (662_274, "the same without a third to preempt"),
    (
        9556,
        "a peer found stubborn in one mastership was so from the first ad on in the next, and gave way itself",
    ),
    (
        1_313_282,
        "after its master crashed a preempting host followed who had given way already, and came late",
    ),
    (
        1_554_982,
        "the same, where both candidates had been heard within an interval, and then the one that stayed was not believed",
    ),
    (
        987_290_664,
        "two timed out together, and one took the IPv4 of the other, which it had not heard yet, for lost",
    ),
    (
        3_000_033_691,
        "one gave way because it seemed unheard, to one that gave way to it: a third came in between, too late to settle",
    ),
    (
        5_000_207_298,
        "a host demoted by its script and an OpenBSD kernel of a worse interval both stayed master",
    ),
    (5_000_290_017, "the same, and it preempts"),
    (5_000_384_278, "the same without hooks on a third"),
];

/// The same among worlds with an attacker.
pub const BESIEGED_WORLDS: [(u64, &str); 18] = [
    (1_021_085, "altered before its time came, an earlier life's counter was taken for one that stays"),
    (10_011, "altered copies of what one host sent spent the T of another's"),
    (6856, "clocks all around the circle: what was ahead of everybody was older than its sender's last"),
    (12_268, "the same"),
    (12_476, "the same"),
    (13_753, "the same"),
    (20_001_628, "altered copies of what was ahead of a new host's clock spent what its living master said"),
    (20_002_616, "the same"),
    (
        50_124_053,
        "hosts without clocks began with the epoch, more than 4.25 years from one whose clock was fast",
    ),
    (50_306_882, "the same"),
    (50_476_462, "the same"),
    (50_889_292, "the same"),
    (70_062_321, "the same"),
    (
        70_684_369,
        "a clock that was set told the others too late, because they had been answered a moment before",
    ),
    (90_008_296, "recordings from ahead of the clock had one answered again and again"),
    (90_312_015, "the same"),
    (90_179_974, "a copy with the MAC of another made that one's first word in IPv6 the master's goodbye"),
    (110_738_975, "altered copies had kept a recording from being heard when it was played first"),
];

/// The same among worlds of single hosts.
pub const UNICAST_WORLDS: [(u64, &str); 1] = [(
    2743,
    "clocks all around the circle: what a host had said last lay ahead of everybody, and so for ever",
)];

/// The same among worlds of unruly hooks.
pub const UNRULY_WORLDS: [(u64, &str); 2] = [
    (
        8_000_024_683,
        "a master that listened after its link was long gone was not allowed for (the oracle's mistake)",
    ),
    (1332, "clocks all around the circle, as among single hosts"),
];

/// The same among worlds where engines die and others go on.
pub const RENEWED_WORLDS: [(u64, &str); 2] = [
    (122, "a master that went on while a down hook still ran announced the address"),
    (5_628, "a hook that nobody wanted when its host went on was given more time than any hook has"),
];

/// The same among worlds whose files change.
pub const RELOADED_WORLDS: [(u64, &str); 3] = [
    (11_874, "a hook that was wanted again had less time than when it began, and was late at once"),
    (
        4_572,
        "all known standbys were told of a change that one cut off was never told of (the oracle's mistake)",
    ),
    (13_403, "who left before it was told that its link is up said nothing (the oracle's mistake)"),
];

/// The same among worlds where all are told of another password or list.
pub const TOLD_WORLDS: [(u64, &str); 0] = [];

/// The same for worlds of managed addresses.
pub const MANAGED_WORLDS: [(u64, &str); 1] =
    [(9374, "a backup was told of an address with the end of a hook alone, and left it where it was")];

/// The same for worlds of demotions.
pub const FITNESS_WORLDS: [(u64, &str); 0] = [];

/// The same for sites whose virtual hosts move together.
pub const GROUPS: [(u64, &str); 0] = [];
