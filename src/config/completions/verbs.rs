//! The same for ucarpctl, made from the table of its verbs. Names of virtual hosts are those of the daemon that runs.

use super::super::verbs::{self, Row, Takes};

const MADE: &str = "# Made from the verbs of ucarpctl: UPDATE_GOLDEN=1 cargo test --test completions\n";

/// How a shell asks for the names.
const NAMES: &str =
    r#"ucarpctl --json status 2>/dev/null | tr '{' '\n' | sed -n 's/^"name":"\([[:alnum:]_.:-]*\)".*/\1/p'"#;

fn every_verb() -> String {
    verbs::ALL.map(|row| row.verb).join(" ")
}

fn options(row: &Row) -> Vec<&'static str> {
    row.options.iter().map(|(option, _)| *option).collect()
}

/// For bash, also that of macOS, which is version 3.2.
#[must_use]
pub fn bash() -> String {
    let (mut values, mut unknown, mut words) = (String::new(), Vec::new(), String::new());
    for row in &verbs::ALL {
        for (option, takes) in row.options {
            match takes {
                Takes::OneOf(known) => {
                    let known = known.join(" ");
                    values += &format!(
                        "        '{verb} {option}' | '{verb} {option}=')\n            \
                         _ucarpctl_offer -W '{known}' ;;\n",
                        verb = row.verb,
                    );
                }
                Takes::Something if !unknown.contains(option) => unknown.push(option),
                Takes::Nothing | Takes::Something => {}
            }
        }
        if !row.first.is_empty() {
            values += &format!(
                "        '{verb} {verb}')\n            _ucarpctl_offer -W '{first}' ;;\n",
                verb = row.verb,
                first = row.first.join(" "),
            );
        }
        let names = if row.names { " $(_ucarpctl_names)" } else { "" };
        let all = options(row).join(" ") + names;
        words +=
            &format!("        '{} '*)\n            _ucarpctl_offer -W \"{}\" ;;\n", row.verb, all.trim());
    }
    let unknown: Vec<String> = unknown.iter().map(|option| format!("*' {option}'")).collect();
    let (unknown, verbs) = (unknown.join(" | "), every_verb());
    format!(
        r#"{MADE}
_ucarpctl_names() {{
    {NAMES}
}}

_ucarpctl_offer() {{
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$@" -- "$cur")
}}

_ucarpctl() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}} verb= word
    COMPREPLY=()
    # Most shells take an option, the = and the value for three words.
    if [[ $cur == = ]]; then
        option+== cur=
    elif [[ $option == = ]]; then
        option=${{COMP_WORDS[COMP_CWORD - 2]}}=
    elif [[ $cur == --*=* ]]; then
        option=${{cur%%=*}}= cur=${{cur#*=}}
    fi
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        case " {verbs} " in
            *" $word "*) verb=$word && break ;;
        esac
    done
    case "$verb $option" in
        *' --control' | *' --control=')
            compopt -o filenames 2>/dev/null
            _ucarpctl_offer -d ;;
{values}        {unknown} | *=) ;;
{words}        *)
            _ucarpctl_offer -W '--control --json --help --version {verbs}' ;;
    esac
}}

complete -F _ucarpctl ucarpctl
"#
    )
}

/// For zsh.
#[must_use]
pub fn zsh() -> String {
    let cases = verbs::ALL.iter().map(|row| {
        let mut specs: Vec<String> = row
            .options
            .iter()
            .map(|(option, takes)| match takes {
                Takes::Nothing => format!("'{option}'"),
                Takes::Something => format!("'{option}=: : '"),
                Takes::OneOf(known) => format!("'{option}=: :({})'", known.join(" ")),
            })
            .collect();
        if !row.first.is_empty() {
            specs.push(format!("'1: :({})'", row.first.join(" ")));
        }
        if row.names {
            specs.push("'*: :_ucarpctl_names'".to_owned());
        }
        format!("        {})\n            _arguments -S {} ;;\n", row.verb, specs.join(" "))
            .replace("-S  ", "-S ")
    });
    let (cases, verbs) = (cases.collect::<String>(), every_verb());
    format!(
        r#"#compdef ucarpctl
{MADE}
_ucarpctl_names() {{
    local -a names
    names=(${{(f)"$({NAMES})"}})
    compadd -a names
}}

_ucarpctl() {{
    local curcontext=$curcontext state
    _arguments -C -S '--control=:directory:_files -/' '--json' '(- *)'{{-h,--help}} '(- *)'{{-V,--version}} \
        '1: :({verbs})' '*:: :->words' && return
    [[ $state == words ]] || return 1
    case $words[1] in
{cases}    esac
}}

_ucarpctl "$@"
"#
    )
}

/// For fish.
#[must_use]
pub fn fish() -> String {
    let verbs = every_verb();
    let mut lines = format!(
        "{MADE}\nfunction __ucarpctl_names\n    {NAMES}\nend\n\ncomplete -c ucarpctl -f\n\
         complete -c ucarpctl -l control -x -a '(__fish_complete_directories)'\n\
         complete -c ucarpctl -l json\ncomplete -c ucarpctl -s h -l help\ncomplete -c ucarpctl -s V -l version\n\
         complete -c ucarpctl -n 'not __fish_seen_subcommand_from {verbs}' -a '{verbs}'\n"
    );
    for row in &verbs::ALL {
        let behind = format!("complete -c ucarpctl -n '__fish_seen_subcommand_from {}'", row.verb);
        if !row.first.is_empty() {
            let first = row.first.join(" ");
            lines += &format!(
                "complete -c ucarpctl -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {first}' \
                 -a '{first}'\n",
                row.verb,
            );
        }
        if row.names {
            lines += &format!("{behind} -a '(__ucarpctl_names)'\n");
        }
        for (option, takes) in row.options {
            let value = match takes {
                Takes::Nothing => String::new(),
                Takes::Something => " -x".to_owned(),
                Takes::OneOf(known) => format!(" -x -a '{}'", known.join(" ")),
            };
            lines += &format!("{behind} -l {}{value}\n", option.trim_start_matches('-'));
        }
    }
    lines
}
