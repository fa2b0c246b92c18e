#!/usr/bin/env bash
# Builds the oracle of the differential tests once: a Python environment with a pinned Ansible, and the
# collections that the tests use (ansible.posix, community.general). Prints its folder.
#
#   oracle.sh          build it if it is not there (about a minute), print the folder
#   oracle.sh version  print what it is pinned to
#
# PLAY_ORACLE  where environments and results are kept (default ~/.cache/play-oracle)
# Needs Python 3.11 to 3.13 with venv, and the Python registry when it is not built yet.
set -euo pipefail
ANSIBLE=12.3.0 CORE=2.19.14
FILTERS=(jmespath==1.0.1 netaddr==1.3.0 passlib==1.7.4) # what some filters need
CACHE=${PLAY_ORACLE:-$HOME/.cache/play-oracle}
VENV=$CACHE/ansible-$ANSIBLE-core-$CORE
die() { echo "oracle.sh: $*" >&2; exit 1; }

python() { # the first Python that this Ansible runs on
  local p
  for p in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    if "$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then echo "$p"; return; fi
  done
  die "no Python 3.11 to 3.13 with venv: apt-get install python3-venv"
}

built() { [ "$(cat "$VENV/.built" 2>/dev/null)" = "${FILTERS[*]}" ]; }
build() {
  local p; p=$(python)
  echo "oracle.sh: building $VENV (once, about a minute)" >&2
  rm -rf "$VENV"
  "$p" -m venv "$VENV"
  "$VENV/bin/pip" install -q --disable-pip-version-check "ansible==$ANSIBLE" "ansible-core==$CORE" "${FILTERS[@]}" >&2
  "$VENV/bin/ansible-playbook" --version >/dev/null
  echo "${FILTERS[*]}" >"$VENV/.built"
}

case "${1:-}" in
  version) echo "ansible $ANSIBLE, ansible-core $CORE" ;;
  "")
    mkdir -p "$CACHE"
    built || (flock 9; built || build) 9>"$CACHE/.lock"
    echo "$VENV" ;;
  *) sed -n '2,/^set/{/^set/!p}' "$0" >&2; exit 2 ;;
esac
