#!/usr/bin/env bash
# Real Linux hosts on one machine, for tests: systemd as PID 1 (systemd-nspawn over an overlay of one
# base root), own network namespace, sshd on port 22, apt with a local repository.
#
#   hosts.sh deps             install what this script needs
#   hosts.sh base             build the base root (once; needs the Debian registry; about a minute)
#   hosts.sh up N             start hosts h1..hN
#   hosts.sh up-busybox N     start far sides b1..bN: BusyBox for init, shell and tools, OpenRC, OpenSSH; no
#                             python, bash, sudo, GNU tools, package manager
#   hosts.sh reset [HOST...]  throw away all changes and start again (default: all that are up)
#   hosts.sh down             end all, remove namespaces, mounts, network, cgroups and data; the bases stay
#   hosts.sh sweep            the same for every lab below PLAY_LABS whose PLAY_OWNER process is gone
#   hosts.sh delay MS         hold every frame between here and the hosts MS milliseconds, each way (0: no longer);
#                             stays over a reset. Needs gcc
#   hosts.sh status           who runs, since when
#   hosts.sh exec HOST CMD... run a command inside a host (no ssh)
#   hosts.sh env              the names of this lab as shell assignments
#
# PLAY_LAB    folder of this lab (default ~/.cache/play-lab/lab). Labs run side by side: each takes its own
#             network 10.79.X.0/24 when it comes up. h1 is 10.79.X.11, b1 is 10.79.X.111.
# PLAY_LABS   where labs and the bases are (default ~/.cache/play-lab)
# PLAY_BASE   the base root (default $PLAY_LABS/base), shared by labs
# PLAY_OWNER  process id whose end makes this lab a left-over
# PLAY_HOSTNAME  one host name for all hosts of this lab (default: h1, h2, ...)
# PLAY_SUITE  Debian release of the base (default bookworm)
#
#   ssh -F $PLAY_LAB/ssh_config h1        root, by key
#   ssh -F $PLAY_LAB/ssh_config play@h1   a user with sudo
set -u
[ "${1:-}" = exec ] || exec </dev/null # a caller may have closed stdin: the next file opened would become it
umask 022
die() { echo "hosts.sh: $*" >&2; exit 1; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }

LABS=$(absolute "${PLAY_LABS:-$HOME/.cache/play-lab}")
LAB=$(absolute "${PLAY_LAB:-$LABS/lab}")
BASE=$(absolute "${PLAY_BASE:-$LABS/base}")
BUSYBOX=$BASE-busybox
RUN=$LAB/run
RESERVED=/run/play-lab # one file a network in use: which lab has it
SUITE=${PLAY_SUITE:-bookworm}
[[ $LAB$BASE != *[[:space:]:,]* ]] || die "no blanks, colons or commas in PLAY_LAB and PLAY_BASE, please"
PACKAGES=openssh-server,systemd,systemd-sysv,dbus,python3,python3-apt,sudo,cron,iproute2,procps,ca-certificates,acl,less,dbus-user-session
# What the local repository offers, with everything that these need, besides our own packages of demo_packages.
REPOSITORY=(tree bc unzip zip jq rsync patch lsof psmisc nginx-light file curl unattended-upgrades open-iscsi nfs-common)
UNIFIED=/sys/fs/cgroup; [ ! -d $UNIFIED/unified ] || UNIFIED=$UNIFIED/unified # the cgroup 2 tree

mirror() { apt-get indextargets --format "\$(SITE)" "Created-By: Packages" "Label: Debian" | head -n 1; }
addr() { case $1 in h*) echo "$NET.$((10 + ${1#h}))" ;; b*) echo "$NET.$((110 + ${1#b}))" ;; esac; }
alive() { grep -qs 'populated 1' "$UNIFIED/$ID/$1/cgroup.events"; }
kids() { cat "/proc/$1/task/"*/children 2>/dev/null; }
init_of() { local n; n=$(kids "$(cat "$RUN/$1/pid")"); [ -z "$n" ] || kids "${n%% *}" | tr -d ' '; } # PID 1 of a host, seen from outside
ns_ok() { [ "$(stat -fc %T "/run/netns/$1" 2>/dev/null)" = nsfs ]; }
ns_del() { ip netns del "$1" 2>/dev/null; rm -f "/run/netns/$1"; }
hosts() { find "$RUN" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | grep -xE '[hb][0-9]+' | sort -k1.1,1.1r -k1.2,1n; }
lock() { mkdir -p "$LAB" && exec 9>"$LAB/.lock" && flock 9; } # two callers: one after the other
name_of() { echo "${PLAY_HOSTNAME:-$1}"; }

# --- which network

names() { # after NET is known
  ID=pl${NET//./-} # prefix of namespaces, interfaces, mounts, machines and cgroups
  SW=$ID-sw        # namespace with the switch
  CGROUPS=("$UNIFIED/$ID"); [ ! -d /sys/fs/cgroup/systemd ] || CGROUPS+=("/sys/fs/cgroup/systemd/$ID") # nspawn looks at both
}
network() {
  local n f
  mkdir -p "$RESERVED"
  exec 7>"$RESERVED/.lock"; flock 7
  NET=$(cat "$LAB/net" 2>/dev/null)
  if [ -z "$NET" ] || [ "$(cat "$RESERVED/$NET" 2>/dev/null)" != "$LAB" ]; then
    NET=
    for ((n = 0; n < 250; n++)); do
      f=$RESERVED/10.79.$n
      if [ ! -e "$f" ] && [ -z "$(ip -4 -o addr show to "10.79.$n.0/24")" ]; then
        NET=10.79.$n; echo "$LAB" >"$f"; echo "$NET" >"$LAB/net"
        break
      fi
    done
    [ -n "$NET" ] || die "no free network"
  fi
  exec 7>&-
  names
}
known_network() { NET=$(cat "$LAB/net" 2>/dev/null); [ -n "$NET" ] || return 1; names; }

# --- base roots

once() { # DIR FUNCTION: build a base when its recipe changed, one caller at a time
  local want; want=$({ declare -f "$2" demo_packages demo_package; echo "$PACKAGES ${REPOSITORY[*]} $SUITE"; } | sha256sum | cut -d' ' -f1)
  built() { [ -d "$1" ] && [ "$(head -n 1 "$1.built" 2>/dev/null)" = "$want" ]; }
  built "$1" && return
  mkdir -p "${1%/*}"
  (
    flock 8
    built "$1" && exit
    echo "hosts.sh: building $1 (once)" >&2
    rm -rf "$1"
    "$2" || exit 1
    # The second line says which packages it has: results found on it are cached by it.
    { echo "$want"; sha256sum <"$BASE/var/lib/dpkg/status" | cut -d' ' -f1; } >"$1.built"
  ) 8>"$1.lock" || exit 1
}
base() { once "$BASE" base_build; }
busybox_base() { base; once "$BUSYBOX" busybox_build; }

demo_package() { # NAME VERSION DEPENDS: a small package with a configuration file, and a service when it is called *-daemon
  local d; d=$(mktemp -d)
  mkdir -p "$d/DEBIAN" "$d/etc/$1" "$d/usr/share/$1"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: play <play@example.org>\nDepends: %s\nDescription: demonstration package\n' "$1" "$2" "$3" >"$d/DEBIAN/control"
  sed -i '/^Depends: $/d' "$d/DEBIAN/control"
  echo "/etc/$1/$1.conf" >"$d/DEBIAN/conffiles"
  echo "version = $2" >"$d/etc/$1/$1.conf"
  echo "$2" >"$d/usr/share/$1/version"
  if [[ $1 == *-daemon ]]; then
    mkdir -p "$d/lib/systemd/system"
    printf '[Unit]\nDescription=Demonstration service\n\n[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n' >"$d/lib/systemd/system/$1.service"
  fi
  find "$d" -exec touch -h -d @1700000000 {} +
  SOURCE_DATE_EPOCH=1700000000 dpkg-deb --root-owner-group -Zgzip --build "$d" "$BASE/opt/aptrepo/$1_$2_all.deb" >/dev/null || die "dpkg-deb $1"
  rm -rf "$d"
}
demo_packages() {
  demo_package demo-lib 1.0 ""; demo_package demo-lib 1.1 ""
  demo_package demo-tool 1.0 "demo-lib"; demo_package demo-tool 2.0 "demo-lib"
  demo_package demo-daemon 1.0 ""
}
base_build() {
  local m f apt=(chroot "$BASE" apt-get -qq -o "Acquire::https::CaInfo=/tmp/ca.crt")
  m=$(mirror)
  [ -n "$m" ] || die "no Debian registry in apt's lists: apt-get update"
  mmdebstrap --quiet --variant=minbase --include="$PACKAGES" "$SUITE" "$BASE" "$m" || die "mmdebstrap failed"
  # A local package repository inside the base, so that apt works for real without a network.
  mkdir -p "$BASE/opt/aptrepo"
  cp /etc/ssl/certs/ca-certificates.crt "$BASE/tmp/ca.crt"
  for f in resolv.conf hosts; do cp -L "/etc/$f" "$BASE/etc/$f" 2>/dev/null; done
  "${apt[@]}" update
  "${apt[@]}" -y --no-install-recommends --download-only install "${REPOSITORY[@]}" >/dev/null || die "apt cannot download"
  mv "$BASE"/var/cache/apt/archives/*.deb "$BASE/opt/aptrepo/"
  demo_packages
  (cd "$BASE/opt/aptrepo" && apt-ftparchive packages . >Packages 2>/dev/null && apt-ftparchive release . >Release)
  rm -rf "$BASE"/var/lib/apt/lists/* "$BASE/tmp/ca.crt" "$BASE"/etc/apt/sources.list.d/*
  echo 'deb [trusted=yes] file:/opt/aptrepo ./' >"$BASE/etc/apt/sources.list"
  "${apt[@]}" update
  # A user with password-less sudo; the keys come with the lab, in start.
  chroot "$BASE" useradd -m -s /bin/bash play
  echo 'play ALL=(ALL) NOPASSWD: ALL' >"$BASE/etc/sudoers.d/play"; chmod 440 "$BASE/etc/sudoers.d/play"
  rm -f "$BASE"/etc/ssh/ssh_host_* # each host has its own
  echo uninitialized >"$BASE/etc/machine-id"; rm -f "$BASE/var/lib/dbus/machine-id"
  : >"$BASE/etc/resolv.conf"; printf '127.0.0.1 localhost\n' >"$BASE/etc/hosts"; rm -f "$BASE/etc/hostname"
  # Timers that only cost time in a throw-away host.
  chroot "$BASE" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer systemd-tmpfiles-clean.timer 2>/dev/null
  return 0
}

# A far side like Alpine's: no python, bash, sudo, GNU tools, package manager or systemd. The C library is GNU's.
busybox_build() {
  local d a f B=$BUSYBOX
  mkdir -p "$B"/{bin,sbin,lib,dev,proc,sys,run,tmp,mnt,root,home/play,etc/{ssh,init.d,conf.d,crontabs,runlevels/{sysinit,boot,default,shutdown}},usr/{bin,sbin,lib},var/{log,spool,lib,empty}}
  chmod 1777 "$B/tmp"; chmod 700 "$B/root"; chown 1000:1000 "$B/home/play"; ln -s ../run "$B/var/run"
  d=$(mktemp -d); chmod 755 "$d"
  (cd "$d" && apt-get -qq -o APT::Sandbox::User=root download busybox-static openrc librc1 libeinfo1 && for f in *.deb; do dpkg-deb -x "$f" . || exit; done) || die "apt cannot download"
  cp -a "$d/bin" "$d/sbin" "$d/lib" "$B/"; cp "$d/etc/rc.conf" "$B/etc/"; rm -rf "$d"
  for a in $("$B/bin/busybox" --list); do case $a in busybox | init | dpkg* | rpm*) ;; *) [ -e "$B/bin/$a" ] || ln -s busybox "$B/bin/$a" ;; esac; done
  ln -s ../bin/busybox "$B/sbin/init"; ln -s ../../bin/env "$B/usr/bin/env"
  for f in /usr/sbin/sshd /usr/lib/openssh/sftp-server $(chroot "$BASE" ldd /usr/sbin/sshd /usr/lib/openssh/sftp-server | grep -o '/[^ :]*\.so[^ ]*' | sort -u); do
    install -D "$BASE/$f" "$B/$f"
  done
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'sshd:x:22:22:sshd:/var/empty:/bin/false' 'play:x:1000:1000:play:/home/play:/bin/sh' >"$B/etc/passwd"
  printf '%s\n' 'root:*:19000::::::' 'sshd:!:19000::::::' 'play:*:19000::::::' >"$B/etc/shadow"; chmod 600 "$B/etc/shadow"
  printf '%s\n' root:x:0: uucp:x:14: sshd:x:22: play:x:1000: >"$B/etc/group"
  printf '%s\n' 'NAME="BusyBox far side"' ID=busybox 'VERSION_ID="1"' >"$B/etc/os-release"
  printf '%s\n' 'UsePAM no' 'Subsystem sftp /usr/lib/openssh/sftp-server' >"$B/etc/ssh/sshd_config"
  printf '%s\n' '::sysinit:/sbin/openrc sysinit' '::sysinit:/sbin/openrc boot' '::wait:/sbin/openrc default' '::shutdown:/sbin/openrc shutdown' >"$B/etc/inittab"
  cp -L "$BASE"/usr/lib/*-linux-gnu/libpam_misc.so.0 "$B"/lib/*-linux-gnu/; : >"$B/etc/insserv.conf"; : >"$B/etc/fstab"; mkdir "$B/etc/insserv.conf.d"
  sed -i 's/got_md5sum=true/got_md5sum=false/' "$B/lib/rc/sh/init.sh" # else it mounts a second, writable /proc over nspawn's
  svc() {
    printf '#!/sbin/openrc-run\ncommand=%s\ncommand_args="%s"\ncommand_background=yes\npidfile=/run/%s.pid\n%s\n' "$2" "$3" "$1" "${4:-}" >"$B/etc/init.d/$1"
    chmod 755 "$B/etc/init.d/$1"; ln -s "/etc/init.d/$1" "$B/etc/runlevels/default/$1"
  }
  svc syslog /bin/syslogd -n; svc crond /bin/crond "-f -c /etc/crontabs"; svc sshd /usr/sbin/sshd -D 'start_pre() { mkdir -p /run/sshd; }'
}

# --- hosts

net_up() {
  ns_ok "$SW" && ip link show "$ID" >/dev/null 2>&1 && return
  ns_del "$SW"; ip link del "$ID" 2>/dev/null
  # Nothing for these addresses ever leaves by the machine's default route.
  ip route add unreachable "$NET.0/24" metric 4000 2>/dev/null
  ip netns add "$SW" || die "ip netns"
  ip -n "$SW" link set lo up
  ip -n "$SW" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  ip -n "$SW" link set br0 up
  ip netns exec "$SW" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null
  ip link add "$ID" type veth peer name ctl0 netns "$SW" || die "ip link"
  ip -n "$SW" link set ctl0 master br0 up
  ip addr add "$NET.1/24" dev "$ID"; ip link set "$ID" up
}

host_net() { # the network of a host goes with it (a reset forgets addresses and sysctls), its MAC address stays
  local n=$ID-$1 a; a=$(addr "$1")
  if ns_ok "$n"; then ip -n "$SW" link del "$1" 2>/dev/null; fi
  ns_del "$n"; ip netns add "$n"
  # The default route leads to nobody: facts have one, and nothing leaves.
  printf '%s\n' "link add eth0 address 02:00:00:00:00:$(printf %02x "${a##*.}") type veth peer name $1 netns $SW" \
    "link set lo up" "addr add $a/24 dev eth0" "link set eth0 up" "route add default via $NET.254" | ip -n "$n" -batch - || die "network of $1"
  ip -n "$SW" link set "$1" master br0 up
}

furnish() { # HOST ROOT: what makes a base this host
  local i=$1 r=$2
  install -D -m 600 "$LAB/keys/id_ed25519.pub" "$r/root/.ssh/authorized_keys"
  install -D -m 600 "$LAB/keys/id_ed25519.pub" "$r/home/play/.ssh/authorized_keys"
  chmod 700 "$r/root/.ssh" "$r/home/play/.ssh"; chown -R --reference="$r/home/play" "$r/home/play/.ssh"
  name_of "$i" | md5sum | cut -d' ' -f1 >"$r/etc/machine-id"
  name_of "$i" >"$r/etc/hostname"; printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(name_of "$i")" >"$r/etc/hosts"
  # The host key stays the same over a reset. It comes last: it says that all is there.
  install -m 644 "$LAB/hostkeys/$i.pub" "$r/etc/ssh/ssh_host_ed25519_key.pub"
  install -m 600 "$LAB/hostkeys/$i" "$r/etc/ssh/ssh_host_ed25519_key"
}

start() { # HOST
  local i=$1 d=$RUN/$1 r=$RUN/$1/root low=$BASE c procs=()
  alive "$i" && return
  [[ $i == b* ]] && low=$BUSYBOX
  host_net "$i"
  mkdir -p "$d/up" "$d/wk" "$r" "$LAB/hostkeys"
  [ -e "$LAB/hostkeys/$i" ] || ssh-keygen -q -t ed25519 -N '' -C "$i" -f "$LAB/hostkeys/$i"
  # What a host changed is read from the upper folder: every change has to be there in full.
  mountpoint -q "$r" || mount -t overlay "$ID-$i" -o "lowerdir=$low,upperdir=$d/up,workdir=$d/wk,redirect_dir=off,metacopy=off" "$r" || die "overlay of $i"
  [ -e "$r/etc/ssh/ssh_host_ed25519_key" ] || furnish "$i" "$r"
  for c in "${CGROUPS[@]}"; do mkdir -p "$c/$i"; procs+=("$c/$i/cgroup.procs"); done
  # shellcheck disable=SC2016
  setsid bash -c '
    id=$1 host=$2 root=$3 name=$4; shift 4
    join() { for f; do echo $$ >"$f"; done; }; join "$@"
    echo $$ >"${root%/root}/pid"
    # /proc/sys/net belongs to the container; the rest of /proc/sys belongs to the machine and stays read-only
    export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_LOCK=0
    while :; do # nspawn exits with 133 when the host inside asks for a reboot
      systemd-nspawn -q --boot --capability=CAP_NET_ADMIN -D "$root" -M "$id-$host" --hostname="$name" --register=no --keep-unit \
        --network-namespace-path="/run/netns/$id-$host" --link-journal=no --resolv-conf=off --timezone=off \
        --settings=no --console=pipe
      [ $? = 133 ] || break
      join "$@"
    done' play-host "$ID" "$i" "$r" "$(name_of "$i")" "${procs[@]}" </dev/null >"$d/log" 2>&1 3>&- 4>&- 9>&- &
}

wait_ssh() { # HOST
  local a k; a=$(addr "$1")
  for ((k = 0; k < 600; k++)); do
    (read -t 2 -r l <"/dev/tcp/$a/22" && [[ $l == SSH-* ]]) 2>/dev/null && return 0
    [ $k -lt 40 ] || alive "$1" || return 1
    sleep 0.05
  done
  return 1
}

config() { # both files at once: another caller may be reading them
  local i
  {
    printf '%s\n' "Host *" "  User root" "  IdentityFile $LAB/keys/id_ed25519" "  IdentitiesOnly yes" \
      "  UserKnownHostsFile $LAB/known_hosts" "  GlobalKnownHostsFile /dev/null" "  StrictHostKeyChecking yes" "  HostKeyAlgorithms ssh-ed25519"
    for i in $(hosts); do printf '%s\n' "Host $i" "  HostName $(addr "$i")" "  HostKeyAlias $(addr "$i")"; done
  } >"$LAB/.ssh_config"; mv "$LAB/.ssh_config" "$LAB/ssh_config"
  for i in $(hosts); do echo "$i,$(addr "$i") $(cut -d' ' -f1,2 "$LAB/hostkeys/$i.pub")"; done >"$LAB/.known_hosts"
  mv "$LAB/.known_hosts" "$LAB/known_hosts"
}

up() { # HOST...
  local i
  mkdir -p "$RUN" "$LAB/keys"; net_up
  [ -z "${PLAY_OWNER:-}" ] || echo "$PLAY_OWNER $(started "$PLAY_OWNER")" >"$LAB/owner"
  [ -e "$LAB/keys/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C play-lab -f "$LAB/keys/id_ed25519"
  # One uid 0 for all hosts: the default of 128 inotify instances is too few for many systemds with user managers.
  [ "$(cat /proc/sys/fs/inotify/max_user_instances)" -ge 1024 ] || echo 1024 >/proc/sys/fs/inotify/max_user_instances
  for i; do start "$i"; done
  config
  for i; do wait_ssh "$i" || die "$i: no ssh; see $RUN/$i/log"; done
}

stop() { # HOST...: a hard stop; the cgroup has all processes of a host
  local i d k
  for i; do echo 1 >"$UNIFIED/$ID/$i/cgroup.kill"; done 2>/dev/null
  for i; do
    d=$RUN/$i
    for ((k = 0; k < 300; k++)); do alive "$i" || break; sleep 0.02; done
    for ((k = 0; k < 100; k++)); do umount "$d/root" 2>/dev/null; mountpoint -q "$d/root" || break; sleep 0.05; done
    ip -n "$SW" link del "$i" 2>/dev/null; ns_del "$ID-$i"
    mountpoint -q "$d/root" && die "cannot unmount $d/root"
    rm -rf "$d" "/run/systemd/nspawn/propagate/$ID-$i"
  done
}
all() { { find "$UNIFIED/$ID" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | grep -xE '[hb][0-9]+'; hosts; } | sort -u; }

down() {
  local c n
  known_network || return 0
  delay_off
  mapfile -t n < <(all); stop "${n[@]}"
  ns_del "$SW"; ip link del "$ID" 2>/dev/null
  ip route del unreachable "$NET.0/24" metric 4000 2>/dev/null
  for c in "${CGROUPS[@]}"; do [ ! -d "$c" ] || find "$c" -depth -type d -exec rmdir {} \; 2>/dev/null; done
  rm -rf "$RUN" "$LAB/net" "$LAB/owner" "$LAB/ssh_config" "$LAB/known_hosts"
  rm -f "$RESERVED/$NET"
}

started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; } # tells a process from a later one with its number
sweep() {
  local f pid since
  for f in "$LABS"/*/owner; do
    [ -e "$f" ] || continue
    read -r pid since <"$f"
    [ "$(started "$pid")" != "$since" ] || continue
    LAB=${f%/owner} RUN=${f%/owner}/run; lock; down; rm -rf "$LAB"
  done
}
# Two TAP devices in the namespace of the switch, between its bridge and us, and a program that carries frames over.
delay_off() {
  local k
  [ -e "$RUN/delay.pid" ] || return 0
  kill "$(cat "$RUN/delay.pid")" 2>/dev/null; rm -f "$RUN/delay.pid"
  for ((k = 0; k < 100; k++)); do ip -n "$SW" link show tapa >/dev/null 2>&1 || break; sleep 0.02; done
  ip -n "$SW" link set ctl0 master br0; ip -n "$SW" link del br1 2>/dev/null
  return 0
}
delay() { # MS
  local k source=${BASH_SOURCE[0]%/*}/delay.c
  if ! known_network || ! ns_ok "$SW"; then die "no hosts: hosts.sh up N"; fi
  delay_off
  [ "$1" != 0 ] || return 0
  gcc -O2 -o "$RUN/delay" "$source" || die "gcc cannot build $source"
  ip -n "$SW" link add br1 type bridge stp_state 0 forward_delay 0 mcast_snooping 0; ip -n "$SW" link set br1 up
  setsid ip netns exec "$SW" "$RUN/delay" tapa tapb "$1" </dev/null >"$RUN/delay.log" 2>&1 9>&- &
  echo $! >"$RUN/delay.pid"
  for ((k = 0; k < 100; k++)); do ip -n "$SW" link show tapb >/dev/null 2>&1 && break; sleep 0.02; done
  { ip -n "$SW" link set tapa master br0 up && ip -n "$SW" link set tapb master br1 up && ip -n "$SW" link set ctl0 master br1; } || die "delay: $(cat "$RUN/delay.log")"
}
reset() { # HOST...
  local n=("$@")
  known_network || die "no hosts: hosts.sh up N"
  [ $# -gt 0 ] || mapfile -t n < <(hosts)
  stop "${n[@]}"; up "${n[@]}"
}
status() {
  local i c
  known_network || return 0
  for i in $(hosts); do
    c=$(init_of "$i")
    echo "$i $(addr "$i") init=${c:-none} $([ -z "$c" ] || if [[ $i == b* ]]; then echo running; else nsenter -t "$c" -m -p -u systemctl is-system-running 2>&1; fi)"
  done
}
ids() { local k; for ((k = 1; k <= $2; k++)); do echo "$1$k"; done; }
count() { [[ ${1:-} =~ ^[0-9]{1,2}$ ]] || die "how many hosts?"; }

case "${1:-}" in
  deps) apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap systemd-container apt-utils iproute2 openssh-client ;;
  base) base ;;
  up) count "${2:-}"; lock; base; network; mapfile -t n < <(ids h "$2"); up "${n[@]}" ;;
  up-busybox) count "${2:-}"; lock; busybox_base; network; mapfile -t n < <(ids b "$2"); up "${n[@]}" ;;
  down) lock; down ;;
  sweep) sweep ;;
  reset) shift; lock; reset "$@" ;;
  exec) i=${2:?which host?}; { known_network && alive "$i"; } || die "$i is not up"; shift 2; exec nsenter -t "$(init_of "$i")" -a -- "$@" ;;
  delay) [[ ${2:-} =~ ^[0-9]+$ ]] || die "how many milliseconds?"; lock; delay "$2" ;;
  status) status ;;
  env) known_network || NET='' ID=''; printf '%s\n' "PLAY_LAB=$LAB" "PLAY_BASE=$BASE" "PLAY_NET=$NET" "PLAY_CGROUP=${ID:+$UNIFIED/$ID}" ;;
  *) sed -n '2,/^set/{/^set/!p}' "$0"; exit 2 ;;
esac
