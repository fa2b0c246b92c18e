#!/bin/sh
# hosts.sh SSH_CONFIG SCRIPT HOST...: a fresh connection to each host at once, one script, close. What plain OpenSSH and sh need.
config=$1 script=$2
shift 2
for host; do ssh -F "$config" -T "$host" sh <"$script" >/dev/null & all="$all $!"; done
for one in $all; do wait "$one" || exit 1; done
