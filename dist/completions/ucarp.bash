# Made from the options of ucarp: UPDATE_GOLDEN=1 cargo test --test completions

_ucarp_interfaces() {
    if [[ -d /sys/class/net ]]; then
        command ls /sys/class/net
    else
        ifconfig -a 2>/dev/null | sed -n 's/^\([[:alnum:]_.]*\):.*/\1/p'
    fi
}

_ucarp_offer() {
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$@" -- "$cur")
}

_ucarp_offer_names() {
    compopt -o filenames 2>/dev/null
    _ucarp_offer "$@"
}

_ucarp() {
    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    # Most shells take an option, the = and the value for three words.
    if [[ $cur == = ]]; then
        option+== cur=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ $cur == --*=* ]]; then
        option=${cur%%=*}= cur=${cur#*=}
    fi
    case $option in
        -i | --interface | --interface=)
            _ucarp_offer -W "$(_ucarp_interfaces)" ;;
        -o | --passfile | --passfile=)
            _ucarp_offer_names -f ;;
        -u | --upscript | --upscript=)
            _ucarp_offer_names -f ;;
        -d | --downscript | --downscript=)
            _ucarp_offer_names -f ;;
        --hook-failure | --hook-failure=)
            _ucarp_offer -W 'stay demote' ;;
        --on-lost-address | --on-lost-address=)
            _ucarp_offer -W 'hook warn' ;;
        --peer-type | --peer-type=)
            _ucarp_offer -W 'openbsd freebsd netbsd ucarp any' ;;
        --replay | --replay=)
            _ucarp_offer -W 'warn refuse off' ;;
        -c | --config | --config=)
            _ucarp_offer_names -f ;;
        --pidfile | --pidfile=)
            _ucarp_offer_names -f ;;
        --lockdir | --lockdir=)
            _ucarp_offer_names -d ;;
        --control | --control=)
            _ucarp_offer_names -d ;;
        --user | --user=)
            _ucarp_offer -u ;;
        --check=)
            _ucarp_offer -W 'syntax' ;;
        --include-base | --include-base=)
            _ucarp_offer_names -d ;;
        --read | --read=)
            _ucarp_offer_names -f ;;
        -f | --facility | --facility= | --syslog | --syslog=)
            _ucarp_offer -W 'none auth authpriv cron daemon ftp kern lpr mail news syslog user uucp local0 local1 local2 local3 local4 local5 local6 local7' ;;
        --log-format | --log-format=)
            _ucarp_offer -W 'plain syslog-prefix json' ;;
        -s | --srcip | -v | --vhid | -a | --addr | -p | --pass | -b | --advbase | -k | --advskew | -r | --deadratio | --preempt-delay | --start-hold | -x | --xparam | --hook-timeout | -m | --mcast | --mcastip | --peer | --garp-count | --garp-interval | --garp-refresh | --language | *=) ;;
        *)
            _ucarp_offer -W '
                --interface
                --srcip
                --vhid
                --addr
                --passfile
                --pass
                --advbase
                --advskew
                --deadratio
                --preempt
                --preempt-delay
                --start-hold
                --manage-address
                --upscript
                --downscript
                --xparam
                --neutral
                --shutdown
                --hook-timeout
                --hook-failure
                --on-lost-address
                --mcast
                --nomcast
                --peer
                --peer-type
                --replay
                --only-ours
                --ignoreifstate
                --garp-count
                --garp-interval
                --garp-refresh
                --config
                --daemonize
                --pidfile
                --lockdir
                --control
                --user
                --mlock
                --wait-interface
                --check
                --check=syntax
                --include-base
                --print-config
                --sniff
                --read
                --json
                --facility
                --debug
                --log-format
                --language
                --help
                --version' ;;
    esac
}

complete -F _ucarp ucarp
