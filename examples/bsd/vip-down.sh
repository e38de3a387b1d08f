#!/bin/sh
# Run by ucarp when this host stops being master, and once at start: takes the shared addresses off the interface.
# For OpenBSD, NetBSD, FreeBSD, DragonFly and macOS.
#
#     vip-down.sh <interface> <address> [<xparam>]
#
# An address that is not there is no error: at start it usually is not. One that stays is, and ucarp says so.
set -u
PATH=/sbin:/usr/sbin:/bin:/usr/bin

# An interface that is gone has no addresses; OpenBSD's ifconfig would make it anew, to take one off.
ifconfig "$1" >/dev/null 2>&1 || exit 0

status=0
for address in ${UCARP_ADDRESSES:-$2}; do
    case $address in
        *:*) family=inet6 ;;
        *) family=inet ;;
    esac
    ifconfig "$1" "$family" "${address%/*}" -alias 2>/dev/null
    # What follows keeps 10.0.0.1 from being found in 10.0.0.10: a space, a link's name, or on NetBSD, which writes
    # "inet alias" too, the prefix length.
    ! ifconfig "$1" | grep -q "$family \(alias \)*${address%/*}[ /%]" || status=1
done
exit $status
