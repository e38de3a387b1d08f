#!/bin/sh
# Run by ucarp when this host becomes master: puts the shared addresses on the interface.
#
#     vip-up.sh <interface> <address> [<xparam>]
#
# UCARP_ADDRESSES holds every shared address, as given with --addr; without a prefix length a host route is enough.
# "replace" instead of "add" makes it safe to run twice. ucarp itself announces the address to the neighbours.
set -eu
PATH=/usr/sbin:/sbin:/usr/bin:/bin
# The word on the command line may be a label, such as eth0:1.
interface=${UCARP_INTERFACE:-$1}

for address in ${UCARP_ADDRESSES:-$2}; do
    case $address in
        */*) ;;
        *:*) address=$address/128 ;;
        *) address=$address/32 ;;
    esac
    case $address in
        # Duplicate detection would keep the address unusable for a second, and fail while the old master lets go.
        *:*) ip -6 addr replace "$address" dev "$interface" nodad ;;
        *) ip addr replace "$address" dev "$interface" ;;
    esac
done
