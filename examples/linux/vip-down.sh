#!/bin/sh
# Run by ucarp when this host stops being master, and once at start: takes the shared addresses off the interface.
#
#     vip-down.sh <interface> <address> [<xparam>]
#
# An address that is not there is no error: at start it usually is not. One that stays is, and ucarp says so.
set -u
PATH=/usr/sbin:/sbin:/usr/bin:/bin
# The word on the command line may be a label, such as eth0:1.
interface=${UCARP_INTERFACE:-$1}

status=0
for address in ${UCARP_ADDRESSES:-$2}; do
    case $address in
        */*) ;;
        *:*) address=$address/128 ;;
        *) address=$address/32 ;;
    esac
    ip addr del "$address" dev "$interface" 2>/dev/null
    # Without the prefix length, with which this would find every address of the subnet.
    [ -z "$(ip -o addr show dev "$interface" to "${address%/*}" 2>/dev/null)" ] || status=1
done
exit $status
