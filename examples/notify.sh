#!/bin/sh
# Run by ucarp on every change of state, with `notify = ["/etc/ucarp/notify.sh"]` in its file: tells the system's log.
#
#     notify.sh <interface> <address> [<xparam>]
#
# UCARP_PREVIOUS_STATE is missing at the start. Nothing waits for this, so the address may not be there yet, or still be.
set -eu
PATH=/usr/sbin:/sbin:/usr/bin:/bin

vip=${UCARP_NAME:-${UCARP_VHID}@${UCARP_INTERFACE}}
logger -t ucarp-notify "$vip: ${UCARP_PREVIOUS_STATE:-start} to ${UCARP_STATE} (${UCARP_REASON}, demoted by ${UCARP_DEMOTION})"

case $UCARP_STATE in
    MASTER) ;; # What only one of the hosts is to do begins here,
    BACKUP | INIT) ;; # and ends here.
esac
