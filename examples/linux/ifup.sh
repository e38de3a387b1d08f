#!/bin/sh
# Run by ucarp when this host becomes master, where /etc/network/interfaces has an "iface eth0:ucarp" for the address.
# "--force": it may be up already, as far as ifupdown knows.
exec /sbin/ifup --force "${UCARP_INTERFACE:-$1}:ucarp"
