//! The identifiers that stand in brackets at the end of a line, each once: operators search for them, in whatever
//! language the line is, and programs act on them.
//!
//! One is given once and means the same for ever: what is not said any more moves to the retired ones, and its number is not
//! given again. `man/ucarp.8` and `man/ucarp-messages.7` have for each what it means and what to do about it.
//!
//! | range | what |
//! |---|---|
//! | UC1xxx, UC2xxx | what a running daemon has to tell |
//! | UC3xxx | errors in what the operator wrote, and what ucarpctl cannot do |
//! | UC4xxx | warnings about what is allowed and probably not meant |
//! | UC5xxx | why a daemon cannot start, or cannot go on |

/// A constant for each, and all of them.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $id;)*

        /// All of them, in order.
        pub const ALL: &[&str] = &[$($id),*];
    };
}

ids! {
    /// The state of a virtual host changed.
    TRANSITION = "UC1001";
    /// A master that is less preferred advertised.
    CONFLICT_WON = "UC1002";
    /// A kernel or an old ucarp has our interval.
    EQUAL_INTERVAL = "UC1003";
    /// Another host advertises from our source address.
    SAME_SOURCE = "UC1004";
    /// A master that should give way does not hear us.
    UNHEARD = "UC1005";
    /// A master that was not followed left.
    STRANGER_LEFT = "UC1006";
    /// A host is heard in one IP version only.
    FAMILY_SILENT = "UC1007";
    /// It is heard in both again.
    FAMILY_BACK = "UC1008";
    /// What this host cannot do demotes it.
    DEMOTED = "UC1009";
    /// It does no more.
    RESTORED = "UC1010";
    /// This process was not running when it should have been.
    LATE = "UC1011";
    /// The link of a master failed, and its address is kept for a moment.
    GRACE = "UC1012";
    /// The link is back in time.
    GRACE_OVER = "UC1013";
    /// A script failed.
    HOOK_FAILED = "UC1014";
    /// A script takes too long and is being ended.
    HOOK_KILLED = "UC1015";
    /// A script did its work.
    HOOK_SUCCEEDED = "UC1016";
    /// This host was asked to step aside and does not.
    RESIGN_REFUSED = "UC1017";
    /// Nothing can be sent, or it can again.
    SENDING = "UC1018";
    /// Another master gave way to this one.
    GAVE_WAY = "UC1019";
    /// The daemon ends although a script is running.
    ABANDONED = "UC1020";
    /// A shared address of this master is gone.
    ADDRESS_LOST = "UC1021";
    /// All of them are there again.
    ADDRESS_BACK = "UC1022";
    /// A script has not done its work and will run again.
    HOOK_OWED = "UC1023";
    /// The interface was set down while the up script ran.
    LINK_TAKEN_BY_HOOK = "UC1024";
    /// The link was away for longer than the dead time: listening first.
    LISTENING = "UC1025";
    /// Nobody better was heard then.
    RESUMED = "UC1026";
    /// An advertisement is old, and nobody answers for it.
    SUSPECT = "UC1027";
    /// All hosts heard run this program.
    ONLY_OURS = "UC1028";
    /// The clock of another host is far ahead.
    CLOCK_JUMPED = "UC1029";
    /// The state changes too often.
    DAMPED = "UC1030";
    /// It has stopped doing so.
    CALM = "UC1031";
    /// Packets were lost for want of room, perhaps those of the master.
    PACKETS_LOST = "UC1032";
    /// A master could not send for its dead time.
    UNSENT = "UC1033";
    /// The system does not use a shared address because another host has it.
    ADDRESS_TAKEN = "UC1034";
    /// The system still searches for another host with it.
    ADDRESS_PENDING = "UC1035";
    /// A kernel looks like this program by chance, and is refused.
    LOOKS_LIKE_OURS = "UC1036";
    /// A master does not authenticate us because of link-local addresses.
    OTHER_FORM = "UC1037";
    /// A kernel gives way and is master again for ever.
    RETURNS = "UC1038";
    /// Who was suspected of being a recording lives.
    PROVEN = "UC1039";
    /// A master that is no ucarp keeps a host that sends in one IP version only from taking over.
    STANDS_BACK = "UC1040";
    /// What is configured has changed, and what was is still sent.
    FORM_PENDING = "UC1041";
    /// The new is sent from now on.
    FORM_SENT = "UC1042";
    /// The change was taken back.
    FORM_KEPT = "UC1043";
    /// What was is accepted no more.
    FORMS_FORGOTTEN = "UC1044";
    /// A master that does not authenticate is there beside this one.
    REFUSED_MASTER = "UC1045";
    /// There is none any more.
    REFUSED_MASTER_GONE = "UC1046";
    /// A host still uses what is accepted no more.
    FORM_STILL_USED = "UC1047";
    /// A standby follows this master.
    STANDBY_KNOWN = "UC1048";
    /// A standby is not heard any more.
    STANDBY_LOST = "UC1049";
    /// A standby is configured otherwise.
    STANDBY_DISAGREES = "UC1050";
    /// A check fails from now on.
    CHECK_FAILS = "UC1051";
    /// A check passes from now on.
    CHECK_PASSES = "UC1052";
    /// A check cannot be made, and so fails.
    CHECK_NOT_MADE = "UC1053";
    /// A check begins, ends or is another.
    CHECK_CHANGED = "UC1054";
    /// The port of the switch was blocked after the link came up.
    PORT_BLOCKED = "UC1055";
    /// Something demotes a virtual host.
    DEMOTION_BEGAN = "UC1056";
    /// It does no more.
    DEMOTION_ENDED = "UC1057";
    /// A program of notify failed.
    NOTIFY_FAILED = "UC1058";
    /// Programs of notify do not keep up.
    NOTIFY_TOO_SLOW = "UC1059";
    /// A managed address was on a host that is no master.
    ADDRESS_FOUND = "UC1060";
    /// A managed address vanished and is put back.
    ADDRESS_UNDONE = "UC1061";
    /// It vanishes again and again.
    ADDRESS_UNHOLDABLE = "UC1062";
    /// Managed addresses cannot be put on or taken off.
    NOT_SHIFTED = "UC1063";
    /// They could be in the end.
    SHIFTED_AT_LAST = "UC1064";
    /// Addresses are managed no more and stay.
    ADDRESSES_LEFT = "UC1065";
    /// Somebody has another program take over.
    UPGRADE_ASKED = "UC1066";
    /// It has.
    UPGRADED = "UC1067";

    /// A script could not be started.
    HOOK_UNSTARTABLE = "UC2001";
    /// A script is started.
    HOOK_STARTED = "UC2002";
    /// The interface is there again.
    INTERFACE_BACK = "UC2003";
    /// The interface is missing or not usable yet.
    INTERFACE_AWAITED = "UC2004";
    /// The interface has another name.
    INTERFACE_RENAMED = "UC2005";
    /// Advertisements come from another address.
    SOURCE_CHANGED = "UC2006";
    /// There is no other address to send from, or there is one again.
    SOURCE_LOST = "UC2007";
    /// The interface has another hardware address.
    HARDWARE_ADDRESS_CHANGED = "UC2008";
    /// The engine met a defect.
    BUG = "UC2009";
    /// The engine has ended or hung, and another one goes on.
    ENGINE_ENDED = "UC2010";
    /// That one works.
    ENGINE_BACK = "UC2011";
    /// It ends again and again, or did not work in time: this host is no master any more.
    ENGINE_NOT_BACK = "UC2012";
    /// Nothing is served for a while.
    ENGINE_RESTS = "UC2013";
    /// No engine could be started.
    ENGINE_NOT_STARTED = "UC2014";
    /// The system does not answer a question about the interface, or does again.
    UNANSWERED = "UC2015";
    /// Nobody can be heard, or others can again.
    DEAF = "UC2016";
    /// The capture failed and another was opened.
    HEARD_ANEW = "UC2017";
    /// This host advertises in IPv4 only, or in both again.
    ONE_FAMILY = "UC2018";
    /// The system does not let us wait for events, or does again.
    CANNOT_WAIT = "UC2019";
    /// A shared address is in none of the networks of the interface.
    OUTSIDE = "UC2020";
    /// The system refuses what the daemon cannot do without.
    CANNOT_GO_ON = "UC2021";
    /// The filter of a capture cannot be changed, or could be.
    UNFILTERED = "UC2022";
    /// The engine asked for what it may not have.
    REQUEST_REFUSED = "UC2023";
    /// A setting of the system keeps each new address from being used for seconds.
    DUPLICATE_SEARCH = "UC2024";
    /// The process that writes to the terminal has ended.
    WRITER_ENDED = "UC2025";
    /// The frames of VLANs are heard on their parent.
    MINGLED_VLANS = "UC2026";
    /// Who the engine is, and what keeps it to what it needs.
    ENGINE_GUARDED = "UC2027";
    /// The engine runs as a number that nobody has.
    ENGINE_USER_MAKESHIFT = "UC2028";
    /// The engine does not run before others.
    ENGINE_SLOW = "UC2029";
    /// Somebody else holds the name by which we tell who serves what.
    CLAIM_SQUATTED = "UC2030";
    /// Whether another ucarp serves the same cannot be found out.
    CLAIM_UNASKED = "UC2031";
    /// Something does not keep the engine to what it needs.
    ENGINE_UNGUARDED = "UC2032";
    /// Others could not be told that this host is no master any more.
    NO_BOW_OUT = "UC2033";
    /// The hands cannot open or look at an interface.
    HANDS_COULD_NOT = "UC2034";
    /// The main process has ended.
    HANDS_ENDED = "UC2035";
    /// How often the engine was woken late.
    WOKEN_LATE = "UC2036";
    /// The pidfile names a process that is no more.
    PIDFILE_UNCHANGED = "UC2037";
    /// The memory of the engine may be paged out.
    MEMORY_NOT_LOCKED = "UC2038";
    /// The last line of all.
    ENDED = "UC2040";
    /// A service manager cannot be told how things stand.
    MANAGER_NOT_TOLD = "UC2041";
    /// Another interface has a managed address too.
    ADDRESS_ELSEWHERE = "UC2042";
    /// A managed address was there with another prefix length.
    ADDRESS_PREFIX = "UC2043";
    /// Somebody else answers for an address of this master.
    STRANGER_ANSWERS = "UC2044";
    /// What an earlier life managed cannot be read.
    LEDGER_UNREADABLE = "UC2045";
    /// What is managed cannot be written down.
    LEDGER_UNWRITTEN = "UC2046";
    /// The hands can write to more files than they need.
    HANDS_UNGUARDED = "UC2047";
    /// An engine without its hands was told to end.
    HEIR_ENDED = "UC2048";
    /// A virtual host is not served as before.
    HOST_RELOADED = "UC2053";
    /// The configuration was read again and is in force.
    RELOADED = "UC2054";
    /// It is not in force.
    NOT_RELOADED = "UC2055";
    /// What other hosts still have to learn is not remembered over a restart.
    FORMS_NOT_KEPT = "UC2056";
    /// A managed address stays although nobody serves it.
    NOT_WITHDRAWN = "UC2060";
    /// Maintenance begins or goes on.
    MAINTENANCE_BEGAN = "UC2061";
    /// Maintenance is over.
    MAINTENANCE_ENDED = "UC2062";
    /// Whether this host was in maintenance cannot be read.
    DEMANDS_UNREADABLE = "UC2063";
    /// There is no socket for ucarpctl.
    NO_CONTROL = "UC2064";
    /// Somebody demotes a virtual host by hand.
    DEMOTED_BY_HAND = "UC2065";
    /// Somebody does no more.
    RESTORED_BY_HAND = "UC2066";
    /// Somebody has a master step aside.
    RESIGN_ASKED = "UC2067";
    /// Two masters have the address.
    TWO_MASTERS = "UC2068";
    /// They do no more.
    ONE_MASTER = "UC2069";
    /// No other program takes over.
    NOT_UPGRADED = "UC2075";
    /// Somebody has this host take the address.
    TAKE_ASKED = "UC2080";
    /// The configuration is on trial.
    ON_TRIAL = "UC2081";
    /// The trial is over, and the configuration stays.
    CONFIRMED = "UC2082";
    /// The configuration before is served again.
    GOES_BACK = "UC2083";
    /// It cannot be gone back to.
    NOT_UNDONE = "UC2084";
    /// The file still has what was gone back from.
    STAYS_UNDONE = "UC2085";
    /// What could be gone back to is not remembered over a restart.
    PREVIOUS_NOT_KEPT = "UC2086";

    // The command line, and values in a file, too.
    /// An option that there is not.
    UNKNOWN_OPTION = "UC3001";
    /// The beginning of several options.
    AMBIGUOUS_OPTION = "UC3002";
    /// A value for an option that takes none.
    UNEXPECTED_VALUE = "UC3003";
    /// An option without its value.
    MISSING_VALUE = "UC3004";
    /// A value that is not UTF-8.
    NOT_TEXT = "UC3005";
    /// A word with a NUL byte.
    NUL_INSIDE = "UC3006";
    /// An empty value.
    EMPTY = "UC3007";
    /// A word that belongs to nothing.
    STRAY_ARGUMENT = "UC3010";
    /// An option without its dashes, as it seems.
    STRAY_OPTION = "UC3011";
    /// A command to start.
    STRAY_START = "UC3012";
    /// A command to ask for the state.
    STRAY_STATUS = "UC3013";
    /// A command to end.
    STRAY_STOP = "UC3014";
    /// A word behind the password.
    STRAY_AFTER_PASSWORD = "UC3015";
    /// An option that has to be given.
    REQUIRED = "UC3018";
    /// Neither an interface nor a source address.
    NO_INTERFACE = "UC3019";
    /// Nothing to wait for.
    NO_NAME_TO_WAIT_FOR = "UC3020";
    /// An option of sniffing without it.
    ONLY_TO_SNIFF = "UC3021";
    /// Nothing to sniff on.
    NOTHING_TO_WATCH = "UC3022";
    /// No name of a recording.
    CAPTURE_FILE = "UC3023";
    /// An unknown kind of check.
    CHECK_WORD = "UC3024";
    /// An option beside a file.
    NOT_BESIDE_CONFIG = "UC3025";
    /// No name of a file.
    NOTHING_TO_CONFIGURE = "UC3026";
    /// A check of the syntax without what it is about.
    ONLY_TO_CHECK_SYNTAX = "UC3027";
    /// No name of a language.
    LANGUAGE = "UC3029";
    /// No number, or one out of range.
    NUMBER = "UC3030";
    /// No time, or one out of range.
    TIME = "UC3031";
    /// A time without its unit.
    TIME_WITHOUT_UNIT = "UC3032";
    /// No mode of a socket.
    MODE = "UC3033";
    /// An unknown facility.
    FACILITY = "UC3034";
    /// An unknown form of log lines.
    LOG_FORMAT = "UC3035";
    /// An unknown answer to a failing script.
    HOOK_FAILURE = "UC3036";
    /// An unknown answer to a lost address.
    ON_LOST_ADDRESS = "UC3037";
    /// An unknown kind of other hosts.
    PEER_TYPE = "UC3038";
    /// An unknown answer to recordings.
    REPLAY = "UC3039";
    /// No name of an interface.
    INTERFACE = "UC3040";
    /// No address.
    ADDRESS = "UC3041";
    /// A zone that is another one.
    ADDRESS_ZONE = "UC3042";
    /// The address that means none.
    ADDRESS_UNSPECIFIED = "UC3043";
    /// An address of the loopback.
    ADDRESS_LOOPBACK = "UC3044";
    /// A group instead of an address.
    ADDRESS_MULTICAST = "UC3045";
    /// The broadcast address.
    ADDRESS_BROADCAST = "UC3046";
    /// IPv4 in the dress of IPv6.
    ADDRESS_MAPPED = "UC3047";
    /// The address of a network.
    ADDRESS_OF_NETWORK = "UC3048";
    /// A prefix length that cannot be.
    PREFIX = "UC3049";
    /// A virtual address twice.
    DUPLICATE_ADDRESS = "UC3050";
    /// Too many virtual addresses.
    TOO_MANY_ADDRESSES = "UC3051";
    /// The shared address as one's own.
    ADDRESS_IS_SOURCE = "UC3052";
    /// No multicast group.
    GROUP = "UC3053";
    /// This host as its own peer.
    PEER_IS_OURS = "UC3054";
    /// A peer of the other IP version.
    OTHER_FAMILY = "UC3055";
    /// A peer twice.
    DUPLICATE_PEER = "UC3056";
    /// A group and peers.
    NOT_WITH_PEERS = "UC3057";
    /// Only ucarp, and others too.
    PEERS_NOT_OURS = "UC3058";
    /// No time between advertisements.
    NO_INTERVAL = "UC3060";
    /// The interval that means leaving.
    BOW_OUT_INTERVAL = "UC3061";
    /// An empty password.
    PASSWORD_EMPTY = "UC3065";
    /// A password that is too long.
    PASSWORD_TOO_LONG = "UC3066";
    /// A password with a NUL byte.
    PASSWORD_WITH_NUL = "UC3067";
    /// A password that cannot be read.
    PASSFILE_UNREADABLE = "UC3068";
    /// A password behind a pipe.
    PASSFILE_IS_PIPE = "UC3069";
    /// A file without a password.
    PASSFILE_EMPTY = "UC3070";
    /// No name of a credential.
    CREDENTIAL = "UC3071";
    /// No credentials there.
    NO_CREDENTIALS = "UC3072";
    /// A script that is not there.
    HOOK_MISSING = "UC3075";
    /// A script that is no file.
    HOOK_NOT_A_FILE = "UC3076";
    /// A script that may not be run.
    HOOK_NOT_EXECUTABLE = "UC3077";
    /// A script in a folder that may not be searched.
    HOOK_FOLDER = "UC3078";
    /// A script that this user may not run.
    HOOK_FORBIDDEN = "UC3079";
    /// A script without an interpreter.
    HOOK_FIRST_LINE = "UC3080";
    /// A script from Windows.
    HOOK_CARRIAGE_RETURN = "UC3081";
    /// A script whose interpreter cannot be run.
    HOOK_INTERPRETER = "UC3082";
    /// No name of a pidfile.
    PIDFILE = "UC3085";
    /// A folder that is not there.
    NOT_A_FOLDER = "UC3086";
    /// A user that is not known.
    USER_UNKNOWN = "UC3087";
    /// Neither a user nor two numbers.
    USER_MALFORMED = "UC3088";
    /// Root as the user without rights.
    USER_IS_ROOT = "UC3089";
    /// The list of users cannot be read.
    USERS_UNREADABLE = "UC3090";

    // The file as such.
    /// The file cannot be read.
    FILE_UNREADABLE = "UC3101";
    /// Not a plain file.
    FILE_NOT_A_FILE = "UC3102";
    /// A file without end.
    FILE_TOO_BIG = "UC3103";
    /// A file in motion.
    FILE_CHANGING = "UC3104";
    /// Bytes that are no text.
    FILE_NOT_UTF8 = "UC3105";
    /// No TOML.
    FILE_SYNTAX = "UC3106";
    /// A version of the file that is not known.
    FILE_VERSION = "UC3107";
    /// A file that others may write to.
    FILE_CHANGEABLE = "UC3108";
    /// A password that everybody can read.
    FILE_READABLE = "UC3109";
    /// A table that there is not.
    FILE_UNKNOWN_TABLE = "UC3111";
    /// A key that there is not.
    FILE_UNKNOWN_KEY = "UC3112";
    /// An option that is no key.
    FILE_NO_KEY = "UC3113";
    /// A key that cannot be a default.
    FILE_NO_DEFAULT = "UC3114";
    /// A key in an included file.
    FILE_ONLY_IN_MAIN_FILE = "UC3115";
    /// A pattern that is none.
    FILE_PATTERN = "UC3116";
    /// Not a table.
    FILE_NOT_A_TABLE = "UC3120";
    /// Not a list.
    FILE_NOT_A_LIST = "UC3121";
    /// An entry that is no text.
    FILE_NOT_AN_ENTRY = "UC3122";
    /// Neither true nor false.
    FILE_NOT_A_SWITCH = "UC3123";
    /// Not one text.
    FILE_NOT_TEXT = "UC3124";
    /// Not one number.
    FILE_NOT_A_NUMBER = "UC3125";
    /// Not a time.
    FILE_NOT_A_TIME = "UC3126";
    /// A word that is not among those allowed.
    FILE_NONE_OF = "UC3127";
    /// An empty list.
    FILE_EMPTY_LIST = "UC3128";
    /// A list that is too long.
    FILE_LONG_LIST = "UC3129";
    /// A program without its path.
    FILE_NOT_ABSOLUTE = "UC3130";
    /// Two passwords.
    FILE_TWO_PASSWORDS = "UC3135";
    /// No name.
    FILE_NAME = "UC3140";
    /// A name that is a word.
    FILE_NAME_RESERVED = "UC3141";
    /// A name twice.
    FILE_NAME_TWICE = "UC3142";
    /// An id twice.
    FILE_SERVED_TWICE = "UC3143";
    /// Nothing to serve.
    FILE_NO_VIPS = "UC3144";
    /// Too many virtual hosts.
    FILE_TOO_MANY_VIPS = "UC3145";
    /// Too many virtual hosts on one interface.
    FILE_TOO_MANY_ON_INTERFACE = "UC3146";
    /// A command as one text.
    FILE_NO_SHELL = "UC3150";
    /// A check without what it looks at.
    FILE_NO_PROBE = "UC3151";
    /// A check of two things.
    FILE_TWO_PROBES = "UC3152";
    /// A key for a program where there is none.
    FILE_NO_PROGRAM = "UC3153";
    /// A demotion out of range.
    FILE_DEMOTES_ALTOGETHER = "UC3154";
    /// A check that runs as root.
    FILE_USER_IS_ROOT = "UC3155";
    /// A check about nobody.
    FILE_NOBODY_MEANT = "UC3156";
    /// A check about hosts and about a group.
    FILE_BOTH_MEANT = "UC3157";
    /// A virtual host that there is not.
    FILE_UNKNOWN_VIP = "UC3158";
    /// A group that there is not.
    FILE_UNKNOWN_GROUP = "UC3159";
    /// One of a group that differs.
    FILE_OF_THE_GROUP = "UC3160";
    /// Too many checks.
    FILE_TOO_MANY_CHECKS = "UC3161";

    // The words of ucarpctl.
    /// ucarpctl without a verb.
    ORDER_NO_VERB = "UC3201";
    /// A verb that there is not.
    ORDER_UNKNOWN_VERB = "UC3202";
    /// An option that this verb lacks.
    ORDER_UNKNOWN_OPTION = "UC3203";
    /// An option of ucarpctl without its value.
    ORDER_MISSING_VALUE = "UC3204";
    /// Maintenance, but neither on nor off.
    ORDER_ON_OR_OFF = "UC3205";
    /// A trial that changes nothing.
    ORDER_NOTHING_TO_TRY = "UC3206";
    /// A verb without a name.
    ORDER_NOBODY_NAMED = "UC3207";
    /// More words than the verb takes.
    ORDER_TOO_MUCH = "UC3208";
    /// No name of a demotion.
    ORDER_CAUSE = "UC3209";
    /// The demotion of maintenance.
    ORDER_RESERVED = "UC3210";
    /// A reason that is too long.
    ORDER_BECAUSE = "UC3211";
    /// A state that there is not.
    ORDER_ROLE = "UC3212";
    /// No number of an event.
    ORDER_SINCE = "UC3213";

    // What keeps ucarpctl from asking.
    /// Figures in two ways at once.
    TOOL_TWO_OUTLETS = "UC3216";
    /// Virtual hosts of two daemons.
    TOOL_TWO_DAEMONS = "UC3217";
    /// Several daemons, and none named.
    TOOL_SEVERAL_DAEMONS = "UC3218";
    /// More than fits into one order.
    TOOL_TOO_LONG = "UC3219";
    /// JSON of what is a picture.
    TOOL_ONLY_FOR_PEOPLE = "UC3220";
    /// Nothing to draw on.
    TOOL_NO_TERMINAL = "UC3221";
    /// No daemon there.
    TOOL_NOBODY = "UC3225";
    /// A socket that cannot be reached.
    TOOL_UNREACHABLE = "UC3226";
    /// An answer that broke off.
    TOOL_CUT = "UC3227";
    /// No answer in time.
    TOOL_SILENT = "UC3228";
    /// Something else listens there.
    TOOL_STRANGER = "UC3229";
    /// A daemon of another time.
    TOOL_OTHER_LANGUAGE = "UC3230";
    /// Events that end.
    TOOL_ENDED = "UC3231";
    /// A connection that failed.
    TOOL_BROKEN = "UC3232";
    /// Rights that cannot be given up.
    TOOL_KEEPS_RIGHTS = "UC3234";
    /// An address that cannot be listened at.
    TOOL_NOT_LISTENING = "UC3235";
    /// A file that cannot be written.
    TOOL_UNWRITABLE = "UC3236";
    /// A terminal that fails.
    TOOL_SCREEN = "UC3237";

    // What a daemon refuses to do.
    /// Somebody who may not.
    REFUSED_DENIED = "UC3240";
    /// Too many at once.
    REFUSED_BUSY = "UC3241";
    /// A virtual host that there is not.
    REFUSED_UNKNOWN_NAME = "UC3242";
    /// A group that there is not, in an order.
    REFUSED_UNKNOWN_GROUP = "UC3243";
    /// Several, and none named.
    REFUSED_NOBODY_NAMED = "UC3244";
    /// No virtual host at all.
    REFUSED_NOBODY_SERVED = "UC3245";
    /// Nothing is served.
    REFUSED_NO_ENGINE = "UC3246";
    /// No answer about one of them.
    REFUSED_NOT_SERVED = "UC3247";
    /// A daemon about to end.
    REFUSED_ENDING = "UC3248";
    /// A master that would be back at once.
    REFUSED_WOULD_BE_BACK = "UC3250";
    /// Not a backup.
    REFUSED_NO_BACKUP = "UC3251";
    /// A host that is not to serve.
    REFUSED_RELEASED = "UC3252";
    /// A host that is demoted.
    REFUSED_TOO_DEMOTED = "UC3253";
    /// Only one IP version works.
    REFUSED_ONE_FAMILY = "UC3254";
    /// No master to take it from.
    REFUSED_NOBODY_HEARD = "UC3255";
    /// A master that would stay.
    REFUSED_NOT_WORSE = "UC3256";
    /// A configuration that is refused.
    REFUSED_NOT_RELOADED = "UC3260";
    /// Nothing to read again.
    REFUSED_NO_FILE = "UC3261";
    /// Nothing to go back to.
    REFUSED_NOTHING_BEFORE = "UC3262";
    /// A program that does not take over.
    REFUSED_NOT_UPGRADED = "UC3263";
    /// Not in that state in time.
    REFUSED_NOT_REACHED = "UC3265";

    // What is allowed and probably not meant.
    /// One of two passwords is not used.
    WARN_TWO_PASSWORDS = "UC4001";
    /// A password that BSD kernels cut off.
    WARN_TWENTY_BYTE_PASSWORD = "UC4002";
    /// A password that everybody can read.
    WARN_READABLE_PASSFILE = "UC4003";
    /// A password that others can choose.
    WARN_CHANGEABLE_PASSFILE = "UC4004";
    /// A script that others can choose.
    WARN_CHANGEABLE_HOOK = "UC4005";
    /// A further password that is none.
    WARN_PASSFILE_LINE = "UC4006";
    /// A credential from the start.
    WARN_CREDENTIAL_STAYS = "UC4007";
    /// An empty word.
    WARN_EMPTY_ARGUMENT = "UC4010";
    /// One lost advertisement is enough.
    WARN_DEAD_RATIO_OF_ONE = "UC4011";
    /// A link-local address that is shared.
    WARN_LINK_LOCAL_ADDRESS = "UC4012";
    /// Nobody adds the address.
    WARN_NO_HOOKS = "UC4020";
    /// Nobody adds the address, though it is removed.
    WARN_NO_UP_HOOK = "UC4021";
    /// Nobody removes the address, though it is added.
    WARN_NO_DOWN_HOOK = "UC4022";
    /// An address that outlives the daemon.
    WARN_ADDRESS_STAYS = "UC4023";
    /// A change that needs a restart.
    WARN_DAEMON_STAYS = "UC4030";
    /// A check that can take the address from all.
    WARN_RELEASES_ALL = "UC4031";
    /// A group of one.
    WARN_ALONE_IN_GROUP = "UC4032";
    /// A group of nobody.
    WARN_EMPTY_GROUP = "UC4033";
    /// A language without a catalogue.
    WARN_NO_CATALOGUE = "UC4040";
    /// A catalogue that cannot be used.
    WARN_BROKEN_CATALOGUE = "UC4041";
    /// A catalogue that others can choose.
    WARN_CHANGEABLE_CATALOGUE = "UC4042";

    /// It could not go on in the background: no process could be made, or the waiting shell could not be told.
    NOT_IN_BACKGROUND = "UC5001";
    /// The process that writes to the terminal, and that hears what scripts say, could not be started.
    WRITER_UNSTARTABLE = "UC5002";
    /// The process that hears the network could not be started, or could not say why it ended.
    ENGINE_UNSTARTABLE = "UC5003";
    /// Another process holds the pidfile.
    ALREADY_RUNNING = "UC5004";
    /// The pidfile, or the lock beside it, cannot be made or belongs to somebody else.
    PIDFILE_UNWRITABLE = "UC5005";
    /// Another ucarp on this host serves this id on this interface.
    ALREADY_SERVED = "UC5006";
    /// There is no such interface, or none that has the address given.
    INTERFACE_NOT_FOUND = "UC5007";
    /// The interface has no address to send from.
    NO_SOURCE = "UC5008";
    /// The system still searches for another host with the address to send from.
    SOURCE_TENTATIVE = "UC5009";
    /// Another host has the address to send from.
    SOURCE_DUPLICATE = "UC5010";
    /// The interface has no hardware address, or it cannot be read.
    HARDWARE_ADDRESS_UNREADABLE = "UC5011";
    /// This process lacks the right to put addresses on an interface (manage-address).
    CANNOT_MANAGE = "UC5012";
    /// A check is of a kind that this system does not know.
    CHECK_IMPOSSIBLE = "UC5013";
    /// An address given with --peer is this host's own.
    PEER_IS_US = "UC5014";
    /// An address given with --peer is in no network of the interface.
    PEER_OUTSIDE = "UC5015";
    /// The system does not let us join the multicast group.
    GROUP_NOT_JOINED = "UC5016";
    /// No raw socket can be opened.
    SOCKET_NOT_OPENED = "UC5017";
    /// Frames cannot be captured on the interface.
    CAPTURE_NOT_OPENED = "UC5018";
    /// A capture file cannot be read, or not to its end (--sniff --read).
    RECORDING_UNREADABLE = "UC5019";
    /// What --sniff saw cannot be written to standard output.
    NOT_SHOWN = "UC5020";
    /// The system does not let us catch signals.
    SIGNALS_NOT_CAUGHT = "UC5021";
    /// Open files cannot be kept from scripts.
    DESCRIPTORS_NOT_PRIVATE = "UC5022";
    /// The system does not tell of changes of interfaces.
    LINKS_NOT_WATCHED = "UC5023";
    /// The system does not let us wait for events.
    WAIT_REFUSED = "UC5024";
    /// What a program that makes room handed over is not understood, or cannot be read.
    HANDOVER_NOT_TAKEN = "UC5025";
}

/// Those that are said no more: none yet. A number that is not in the table, as UC2039, was never given.
pub const RETIRED: &[&str] = &[];

/// A line without the identifier at its end and what follows that, and the identifier.
#[must_use]
pub fn parted(line: &str) -> (&str, Option<&'static str>) {
    let parts = line.rsplit_once(" [").and_then(|(words, end)| Some((words, known(end.split_once(']')?.0)?)));
    parts.map_or((line, None), |(words, id)| (words, Some(id)))
}

/// One that came from elsewhere, if it is one of ours.
#[must_use]
pub fn known(id: &str) -> Option<&'static str> {
    ALL.iter().find(|known| **known == id).copied()
}

const _: () = assert!(ascend(ALL) && ascend(RETIRED), "each once, in order");

/// Whether each is greater than the one before.
const fn ascend(ids: &[&str]) -> bool {
    let mut at = 1;
    while at < ids.len() {
        let (before, id) = (ids[at - 1].as_bytes(), ids[at].as_bytes());
        let mut digit = 0;
        while digit < id.len() && digit < before.len() && before[digit] == id[digit] {
            digit += 1;
        }
        if digit >= id.len() || digit >= before.len() || before[digit] > id[digit] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parted_from_its_identifier() {
        assert_eq!(parted("no use [UC5008]"), ("no use", Some(NO_SOURCE)));
        assert_eq!(parted("no [x] use [UC5008] (and 2 more like it)"), ("no [x] use", Some(NO_SOURCE)));
        for other in ["no use", "no use [UC5008", "no use [UC0000]", "UC5008", ""] {
            assert_eq!(parted(other), (other, None));
        }
    }
}
