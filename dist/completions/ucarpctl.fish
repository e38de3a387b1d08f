# Made from the verbs of ucarpctl: UPDATE_GOLDEN=1 cargo test --test completions

function __ucarpctl_names
    ucarpctl --json status 2>/dev/null | tr '{' '\n' | sed -n 's/^"name":"\([[:alnum:]_.:-]*\)".*/\1/p'
end

complete -c ucarpctl -f
complete -c ucarpctl -l control -x -a '(__fish_complete_directories)'
complete -c ucarpctl -l json
complete -c ucarpctl -s h -l help
complete -c ucarpctl -s V -l version
complete -c ucarpctl -n 'not __fish_seen_subcommand_from status peers watch events metrics monitor wait maintenance demote undemote resign take reload confirm undo upgrade version' -a 'status peers watch events metrics monitor wait maintenance demote undemote resign take reload confirm undo upgrade version'
complete -c ucarpctl -n '__fish_seen_subcommand_from status' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from status' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from peers' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from peers' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from watch' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from watch' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from events' -l since -x
complete -c ucarpctl -n '__fish_seen_subcommand_from metrics' -l listen -x
complete -c ucarpctl -n '__fish_seen_subcommand_from metrics' -l output -x
complete -c ucarpctl -n '__fish_seen_subcommand_from monitor' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from monitor' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from monitor' -l expect -x -a 'master backup any'
complete -c ucarpctl -n '__fish_seen_subcommand_from wait' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from wait' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from wait' -l state -x -a 'init backup master'
complete -c ucarpctl -n '__fish_seen_subcommand_from wait' -l timeout -x
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance; and not __fish_seen_subcommand_from on off' -a 'on off'
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance' -l for -x
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance' -l because -x
complete -c ucarpctl -n '__fish_seen_subcommand_from maintenance' -l force
complete -c ucarpctl -n '__fish_seen_subcommand_from demote' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from demote' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from demote' -l name -x
complete -c ucarpctl -n '__fish_seen_subcommand_from demote' -l for -x
complete -c ucarpctl -n '__fish_seen_subcommand_from demote' -l because -x
complete -c ucarpctl -n '__fish_seen_subcommand_from undemote' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from undemote' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from undemote' -l name -x
complete -c ucarpctl -n '__fish_seen_subcommand_from resign' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from resign' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from resign' -l force
complete -c ucarpctl -n '__fish_seen_subcommand_from take' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from take' -l all
complete -c ucarpctl -n '__fish_seen_subcommand_from reload' -l dry-run
complete -c ucarpctl -n '__fish_seen_subcommand_from reload' -l undo-after -x
complete -c ucarpctl -n '__fish_seen_subcommand_from confirm' -a '(__ucarpctl_names)'
complete -c ucarpctl -n '__fish_seen_subcommand_from confirm' -l all
