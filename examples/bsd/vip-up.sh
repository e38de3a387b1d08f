#!/bin/sh
# Run by ucarp when this host becomes master: puts the shared addresses on the interface, and ends when they can be used.
# For OpenBSD, NetBSD, FreeBSD, DragonFly and macOS.
#
#     vip-up.sh <interface> <address> [<xparam>]
#
# UCARP_ADDRESSES holds every shared address, as given with --addr. Without a prefix length the address gets one of its
# own (/32, /128): two addresses of one subnet on an interface must not both claim the subnet's route.
#
# These systems search for another host that has a new address before they use it, for IPv6, and NetBSD for IPv4 too:
# the address would be dead for seconds, or for good where the old master still has it. ucarp knows who has it, so the
# search is left out while the addresses are added.
set -u
PATH=/sbin:/usr/sbin:/bin:/usr/bin

interface=$1
addresses=${UCARP_ADDRESSES:-$2}
# How long to wait for addresses that cannot be used yet, in fifths of a second.
patience=50

# NAME...: sets these of the kernel's counts of searches to 0 until the script ends.
without() {
    for name; do
        count=$(sysctl -n "$name")
        [ "${count:-0}" = 0 ] || { sysctl -q -w "$name=0" && undo="$undo; sysctl -q -w $name=$count"; }
    done
}

# OFF ON: does the first with the interface, and the second when the script ends.
switch() {
    ifconfig "$interface" inet6 "$1" && undo="$undo; ifconfig $interface inet6 $2"
}

undo=:
trap 'eval "$undo"' EXIT
trap 'exit 1' HUP INT TERM
case $(uname)/$addresses in
    NetBSD/*) without net.inet.ip.dad_count net.inet6.ip6.dad_count ;;
    OpenBSD/*:*) without net.inet6.ip6.dad_count ;;
    FreeBSD/*:*) ifconfig "$interface" | grep -q '[<,]NO_DAD[,>]' || switch no_dad -no_dad ;;
    Darwin/*:*) ifconfig "$interface" | grep -q '[<,]DAD[,>]' && switch -dad dad ;;
esac

add() {
    case $1 in
        */*) length=${1#*/} ;;
        *:*) length=128 ;;
        *) length=32 ;;
    esac
    # An alias that is there already is set again, which does no harm.
    case $1 in
        *:*) ifconfig "$interface" inet6 "${1%/*}" prefixlen "$length" alias ;;
        *) ifconfig "$interface" inet "${1%/*}/$length" alias ;;
    esac
}

# FAMILY ADDRESS: what ifconfig says of it, in small letters; NetBSD writes states in capital ones, and "alias". What
# follows keeps 10.0.0.1 from being found in 10.0.0.10: a space, a prefix length or a link's name.
state_of() {
    ifconfig "$interface" | tr '[:upper:]' '[:lower:]' | grep "$1 \(alias \)*$2[ /%]"
}

status=0
for address in $addresses; do
    add "$address" || status=1
done
for address in $addresses; do
    case $address in
        *:*) family=inet6 ;;
        *) family=inet ;;
    esac
    while :; do
        case $(state_of $family "${address%/*}") in
            '') why='is not there' ;;
            # The old master had it while it was added: once it let go, adding it anew helps.
            *duplicated*)
                why='is used by another host'
                ifconfig "$interface" $family "${address%/*}" -alias && add "$address"
                ;;
            *tentative*) why='cannot be used yet: the system still searches for another host that has it' ;;
            *) break ;;
        esac
        if [ $((patience -= 1)) -lt 0 ] || [ "$why" = 'is not there' ]; then
            echo "$interface: $address $why" >&2
            status=1
            break
        fi
        sleep 0.2
    done
done
exit $status
