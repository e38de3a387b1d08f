#!/bin/sh
# Run by ucarp when this host stops being master, and once at start: the counterpart of ifup.sh.
exec /sbin/ifdown --force "${UCARP_INTERFACE:-$1}:ucarp"
