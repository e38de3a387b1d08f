# Made from the verbs of ucarpctl: UPDATE_GOLDEN=1 cargo test --test completions

_ucarpctl_names() {
    ucarpctl --json status 2>/dev/null | tr '{' '\n' | sed -n 's/^"name":"\([[:alnum:]_.:-]*\)".*/\1/p'
}

_ucarpctl_offer() {
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$@" -- "$cur")
}

_ucarpctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} verb= word
    COMPREPLY=()
    # Most shells take an option, the = and the value for three words.
    if [[ $cur == = ]]; then
        option+== cur=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ $cur == --*=* ]]; then
        option=${cur%%=*}= cur=${cur#*=}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        case " status peers watch events metrics monitor wait maintenance demote undemote resign take reload confirm undo upgrade version " in
            *" $word "*) verb=$word && break ;;
        esac
    done
    case "$verb $option" in
        *' --control' | *' --control=')
            compopt -o filenames 2>/dev/null
            _ucarpctl_offer -d ;;
        'monitor --expect' | 'monitor --expect=')
            _ucarpctl_offer -W 'master backup any' ;;
        'wait --state' | 'wait --state=')
            _ucarpctl_offer -W 'init backup master' ;;
        'maintenance maintenance')
            _ucarpctl_offer -W 'on off' ;;
        *' --since' | *' --listen' | *' --output' | *' --timeout' | *' --for' | *' --because' | *' --name' | *' --undo-after' | *=) ;;
        'status '*)
            _ucarpctl_offer -W "--all $(_ucarpctl_names)" ;;
        'peers '*)
            _ucarpctl_offer -W "--all $(_ucarpctl_names)" ;;
        'watch '*)
            _ucarpctl_offer -W "--all $(_ucarpctl_names)" ;;
        'events '*)
            _ucarpctl_offer -W "--since" ;;
        'metrics '*)
            _ucarpctl_offer -W "--listen --output" ;;
        'monitor '*)
            _ucarpctl_offer -W "--all --expect $(_ucarpctl_names)" ;;
        'wait '*)
            _ucarpctl_offer -W "--all --state --timeout $(_ucarpctl_names)" ;;
        'maintenance '*)
            _ucarpctl_offer -W "--all --for --because --force $(_ucarpctl_names)" ;;
        'demote '*)
            _ucarpctl_offer -W "--all --name --for --because $(_ucarpctl_names)" ;;
        'undemote '*)
            _ucarpctl_offer -W "--all --name $(_ucarpctl_names)" ;;
        'resign '*)
            _ucarpctl_offer -W "--all --force $(_ucarpctl_names)" ;;
        'take '*)
            _ucarpctl_offer -W "--all $(_ucarpctl_names)" ;;
        'reload '*)
            _ucarpctl_offer -W "--dry-run --undo-after" ;;
        'confirm '*)
            _ucarpctl_offer -W "--all $(_ucarpctl_names)" ;;
        'undo '*)
            _ucarpctl_offer -W "" ;;
        'upgrade '*)
            _ucarpctl_offer -W "" ;;
        'version '*)
            _ucarpctl_offer -W "" ;;
        *)
            _ucarpctl_offer -W '--control --json --help --version status peers watch events metrics monitor wait maintenance demote undemote resign take reload confirm undo upgrade version' ;;
    esac
}

complete -F _ucarpctl ucarpctl
