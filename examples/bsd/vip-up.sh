#!/bin/sh
# Run by ucarp when this host becomes master: puts the shared addresses on the interface.
# For OpenBSD, NetBSD, FreeBSD, DragonFly and macOS.
#
#     vip-up.sh <interface> <address> [<xparam>]
#
# UCARP_ADDRESSES holds every shared address, as given with --addr. Without a prefix length the address gets one of its
# own (/32, /128): two addresses of one subnet on an interface must not both claim the subnet's route.
set -eu
PATH=/sbin:/usr/sbin:/bin:/usr/bin

for address in ${UCARP_ADDRESSES:-$2}; do
    case $address in
        */*) length=${address#*/} ;;
        *:*) length=128 ;;
        *) length=32 ;;
    esac
    # An alias that is there already is set again, which does no harm.
    case $address in
        *:*) ifconfig "$1" inet6 "${address%/*}" prefixlen "$length" alias ;;
        *) ifconfig "$1" inet "${address%/*}/$length" alias ;;
    esac
done
