//! What shells need to complete the command line, made from the table of `options`: dist/completions has it as files.
//!
//! The daemon has no use for it. A text that describes an option is that of `--help`, so in a translated program these are
//! translated, too.

pub mod verbs;

use super::options::{self, Names, Row, Takes};

/// The first line, behind which each shell has its own.
const MADE: &str = "# Made from the options of ucarp: UPDATE_GOLDEN=1 cargo test --test completions\n";

/// What `--help` says that it is for, in one line, and what it calls the value.
fn described(row: &Row) -> (String, String) {
    let usage = (row.usage)();
    let its_own = |line: &&str| line.split([' ', '=']).any(|word| word == row.option);
    let mut lines = usage.lines().skip_while(|line| !its_own(line));
    let behind = lines.next().and_then(|line| line.split_once(row.option)).map_or("", |(_, behind)| behind);
    let (value, text) = behind.split_once(' ').unwrap_or((behind, ""));
    let value = value.strip_prefix('=').unwrap_or("WORD").to_owned();
    let lines: Vec<_> =
        std::iter::once(text).chain(lines).map(str::trim).filter(|text| !text.is_empty()).collect();
    (lines.join(" "), value)
}

/// Everything that it is called, with dashes.
fn spellings(row: &Row) -> Vec<String> {
    let short = Some(row.short).filter(|short| !short.is_empty()).map(|short| format!("-{short}"));
    short.into_iter().chain(row.names().map(|name| format!("--{name}"))).collect()
}

const fn takes_value(row: &Row) -> bool {
    !matches!(row.takes, Takes::Nothing | Takes::Perhaps)
}

/// For bash, also that of macOS, which is version 3.2.
#[must_use]
pub fn bash() -> String {
    let mut cases = String::new();
    let (mut words, mut unknown) = (Vec::new(), Vec::new());
    for row in options::options() {
        words.push(row.option.to_owned());
        let complete = match row.values {
            Names::Nothing => {
                unknown.extend(spellings(row).into_iter().filter(|_| takes_value(row)));
                continue;
            }
            Names::OneOf(known) => format!("_ucarp_offer -W '{}'", known.join(" ")),
            Names::File => "_ucarp_offer_names -f".to_owned(),
            Names::Folder => "_ucarp_offer_names -d".to_owned(),
            Names::Interface => "_ucarp_offer -W \"$(_ucarp_interfaces)\"".to_owned(),
            Names::User => "_ucarp_offer -u".to_owned(),
        };
        let mut names = spellings(row);
        if row.takes == Takes::Perhaps {
            // Its value is not a word of its own.
            if let Names::OneOf(known) = row.values {
                words.extend(known.iter().map(|value| format!("{}={value}", row.option)));
            }
            names.iter_mut().for_each(|name| name.push('='));
        } else {
            names = names.iter().flat_map(|name| [name.clone(), format!("{name}=")]).collect();
            names.retain(|name| name.starts_with("--") || !name.ends_with('='));
        }
        cases += &format!("        {})\n            {complete} ;;\n", names.join(" | "));
    }
    let (words, unknown) = (words.join("\n                "), unknown.join(" | "));
    format!(
        r#"{MADE}
_ucarp_interfaces() {{
    if [[ -d /sys/class/net ]]; then
        command ls /sys/class/net
    else
        ifconfig -a 2>/dev/null | sed -n 's/^\([[:alnum:]_.]*\):.*/\1/p'
    fi
}}

_ucarp_offer() {{
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$@" -- "$cur")
}}

_ucarp_offer_names() {{
    compopt -o filenames 2>/dev/null
    _ucarp_offer "$@"
}}

_ucarp() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}}
    COMPREPLY=()
    # Most shells take an option, the = and the value for three words.
    if [[ $cur == = ]]; then
        option+== cur=
    elif [[ $option == = ]]; then
        option=${{COMP_WORDS[COMP_CWORD - 2]}}=
    elif [[ $cur == --*=* ]]; then
        option=${{cur%%=*}}= cur=${{cur#*=}}
    fi
    case $option in
{cases}        {unknown} | *=) ;;
        *)
            _ucarp_offer -W '
                {words}' ;;
    esac
}}

complete -F _ucarp ucarp
"#
    )
}

/// For zsh.
#[must_use]
pub fn zsh() -> String {
    let quoted = |text: &str| text.replace('\'', r"'\''");
    let specs = options::options().map(|row| {
        let (text, value) = described(row);
        let text = quoted(&text).replace('[', r"\[").replace(']', r"\]").replace(':', r"\:");
        let action = match row.values {
            Names::Nothing => " ".to_owned(),
            Names::OneOf(known) => format!("({})", known.join(" ")),
            Names::File => "_files".to_owned(),
            Names::Folder => "_files -/".to_owned(),
            Names::Interface => "_net_interfaces".to_owned(),
            Names::User => "_users".to_owned(),
        };
        let value = quoted(&value).replace(':', r"\:");
        let (ends, value) = match row.takes {
            Takes::Nothing => ("", String::new()),
            Takes::Perhaps => ("=-", format!("::{value}:{action}")),
            _ => ("=", format!(":{value}:{action}")),
        };
        let option = row.option;
        let repeats = if row.takes == Takes::List { "*" } else { "" };
        if row.short.is_empty() {
            return format!("    '{repeats}{option}{ends}[{text}]{value}'");
        }
        let short = format!("-{}{}", row.short, if ends.is_empty() { "" } else { "+" });
        let others = match repeats {
            "" => format!("(-{} {option})", row.short),
            _ => repeats.to_owned(),
        };
        format!("    '{others}'{{{short},{option}{ends}}}'[{text}]{value}'")
    });
    let specs: Vec<_> = specs.collect();
    format!("#compdef ucarp\n{MADE}\n_arguments -s -S \\\n{}\n", specs.join(" \\\n"))
}

/// For fish.
#[must_use]
pub fn fish() -> String {
    let quoted = |text: &str| text.replace('\\', r"\\").replace('\'', r"\'");
    let lines = options::options().map(|row| {
        let short = if row.short.is_empty() { String::new() } else { format!(" -s {}", row.short) };
        let value = match row.values {
            Names::Nothing if takes_value(row) => " -x".to_owned(),
            Names::Nothing => String::new(),
            Names::OneOf(known) => {
                let takes = if takes_value(row) { " -x" } else { "" };
                format!("{takes} -a '{}'", known.join(" "))
            }
            Names::File => " -r -F".to_owned(),
            Names::Folder => " -x -a '(__fish_complete_directories)'".to_owned(),
            Names::Interface => " -x -a '(__fish_print_interfaces)'".to_owned(),
            Names::User => " -x -a '(__fish_complete_users)'".to_owned(),
        };
        let text = quoted(&described(row).0);
        format!("complete -c ucarp{short} -l {}{value} -d '{text}'\n", row.key())
    });
    let lines: String = lines.collect();
    format!("{MADE}\ncomplete -c ucarp -f\n{lines}")
}
