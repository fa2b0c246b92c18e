#!/usr/bin/env python3
"""Runs each playbook of this folder with Ansible and with `play` on equal fresh hosts, twice, and compares
what became of the hosts, the recap and the exit code. One difference a line; exit code 1 when there is one.

Ansible's side depends on nothing that changes often, so it is kept by a hash of the playbook, the pinned
Ansible and the base root of the hosts (in $PLAY_ORACLE/results): a warm run only runs `play`.

A playbook is a folder with a site.yml. Beside it may be
  inventory*       inventories; without one there is one host, `box`, in one group, `target`
  args             words to add to the command line
  exit             the exit code that Ansible ends with, when it is not 0
  not-idempotent   why the second run changes something; without it a second run must change nothing

Needs root (it reads the hosts' overlays), ../world/hosts.sh and ../world/oracle.sh.
PLAY_TEST_ANSIBLE: the oracle's folder (default: what oracle.sh prints).
"""
import argparse
import base64
import concurrent.futures
import hashlib
import json
import os
import queue
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORLD = os.path.join(os.path.dirname(HERE), "world")
CACHE = os.environ.get("PLAY_ORACLE") or os.path.expanduser("~/.cache/play-oracle")
LABS = os.environ.get("PLAY_LABS") or os.path.expanduser("~/.cache/play-lab")
FORMAT = 1  # of a kept result: raise it when a dump means something else than before
LIMIT = 600  # seconds for one run

# What a host writes on its own, and what is compared by other means (packages by dpkg-query).
NOISE = re.compile(
    r"^/(dev|proc|run|sys|tmp|var/(tmp|log|cache|backups|lib/(dpkg|apt|systemd|private|sudo|play|ucf|pam)))(/|$)"
    r"|^/etc/(machine-id|\.updated|\.pwd\.lock|ld\.so\.cache|mtab|resolv\.conf|ssh/ssh_host_[^/]*|(passwd|group|shadow|gshadow|subuid|subgid)-)$"
    r"|^/(root|home/[^/]+|srv/[^/]+)/(\.ansible|\.cache)(/|$)"
    r"|/__pycache__(/|$)"
)
# Units that come and go with the connection, or whenever systemd feels like it.
UNIT_NOISE = re.compile(r"^(user@|user-runtime-dir@|session-|ssh@|systemd-|getty|console-getty|container-getty|run-|dbus|apt-|polkit|logrotate)")
SYSCTL_NOISE = re.compile(r"stable_secret|conntrack|\.route\.|neigh\.|tcp_mem|udp_mem|fib_|_ratelimit|tcp_fastopen_key|sched_")
STATE = r"""
export LC_ALL=C
echo @units; systemctl list-unit-files --no-legend --no-pager --type=service,timer,socket,path | awk '{print "file", $1, $2}'
systemctl list-units --all --plain --no-legend --no-pager --type=service,timer,socket,path | awk '$3 != "inactive" {print "unit", $1, $2, $3, $4}'
echo @packages; dpkg-query -W -f='${Package} ${Version} ${db:Status-Abbrev}\n'
apt-mark showmanual | sed 's/^/manual /'; apt-mark showhold | sed 's/^/hold /'
echo @sysctl; sysctl -a --pattern '^net\.' 2>/dev/null
echo @host; hostname
echo @left; find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name '.*-unix'
"""
STATUS = re.compile(r"^(PLAY|TASK|RUNNING HANDLER|NO MORE HOSTS|ok:|changed:|skipping:|failed:|fatal:|included:|\.\.\.ignoring|FAILED - RETRYING|rescued)")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=(\d+)\s+rescued=(\d+)\s+ignored=(\d+)")
COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


class Broken(Exception):
    """The test itself cannot go on; the text says why."""


class Children:
    """The programs that run now, so that an interrupted run leaves none."""

    def __init__(self):
        self.lock, self.running = threading.Lock(), set()

    def run(self, command, limit, **more):
        with self.lock:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, errors="replace", start_new_session=True, **more)
            self.running.add(child)
        try:
            out, err = child.communicate(timeout=limit)
            return child.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            return "no end after %d s" % limit, out, err
        finally:
            with self.lock:
                self.running.discard(child)

    def end(self):
        with self.lock:
            for child in self.running:
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


CHILDREN = Children()


def must(command, limit=300, **more):
    code, out, err = CHILDREN.run(command, limit, **more)
    if code != 0:
        raise Broken("%s: %s: %s" % (shlex.join(command[:3]), code, (err or out).strip()[-2000:]))
    return out


class Lab:
    """Hosts of our own, all of one name."""

    def __init__(self, size):
        self.dir = os.path.join(LABS, "differential-%d" % os.getpid())
        self.env = dict(os.environ, PLAY_LAB=self.dir, PLAY_OWNER=str(os.getpid()), PLAY_HOSTNAME="box")
        self.hosts("up", str(size))
        for line in self.hosts("env").splitlines():
            name, value = line.split("=", 1)
            if name == "PLAY_BASE":
                self.base = value
            elif name == "PLAY_NET":
                self.net = value
        with open(self.base + ".built") as f:
            self.base_id = f.read().split("\n")[1]
        self.free = queue.Queue()
        for n in range(1, size + 1):
            self.free.put("h%d" % n)

    def hosts(self, *words):
        return must([os.path.join(WORLD, "hosts.sh"), *words], env=self.env)

    def address(self, host):
        return "%s.%d" % (self.net, 10 + int(host[1:]))

    def fresh(self, host):
        self.hosts("reset", host)
        # Not before it has booted: what it starts itself is no difference.
        CHILDREN.run([os.path.join(WORLD, "hosts.sh"), "exec", host, "systemctl", "is-system-running", "--wait"], 60, env=self.env)

    def down(self):
        subprocess.run([os.path.join(WORLD, "hosts.sh"), "down"], env=self.env, stdin=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


# --- what a host is now


def digest(path):
    with open(path, "rb") as f:
        return f.read()


def attributes(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if not name.startswith("trusted.overlay"):
            found[name] = base64.b64encode(os.getxattr(path, name, follow_symlinks=False)).decode()
    return found


def entry(path, name, clean):
    """Fields of what is at `path`, called `name` on its host; None when nothing is."""
    try:
        s = os.lstat(path)
    except OSError:
        return None
    kind = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
            stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}[stat.S_IFMT(s.st_mode)]
    e = {"kind": kind, "owner": s.st_uid, "group": s.st_gid}
    if kind == "link":
        e["to"] = clean(os.readlink(path))
        return e
    e["mode"] = "%04o" % stat.S_IMODE(s.st_mode)
    more = attributes(path)
    if more:
        e["attributes"] = more
    if kind == "file":
        if s.st_nlink > 1:
            e["links"] = s.st_nlink
        data = digest(path)
        try:
            text = clean(data.decode())
        except UnicodeDecodeError:
            text = None
        if text is not None:
            text = lasting(name, text)
            data = text.encode()
        e["contents"] = hashlib.sha256(data).hexdigest()
        if text is not None and len(data) <= 65536:
            e["text"] = text
    return e


def lasting(name, text):
    """A text without what another day or another order of the same commands would change."""
    if name.startswith("/var/spool/cron/crontabs/"):
        return re.sub(r"(?m)^# \(\S+ installed on .*\)$", "# (installed)", text)
    if name not in ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"):
        return text
    lines = text.splitlines()
    if name == "/etc/shadow":
        lines = [re.sub(r"^([^:]*:[^:]*):\d+:", r"\1:DAY:", line) for line in lines]
    return "".join(line + "\n" for line in sorted(lines))


def plain_name(name):
    """Backups carry a process and a time in their name."""
    return re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$", ".BACKUP~", name)


def tree(upper, base, clean):
    """What differs between the base and the host whose writes are in `upper`."""
    found = {}

    def put(name, value):
        key, n = plain_name(name), 1
        while key in found:
            n += 1
            key = "%s#%d" % (plain_name(name), n)
        found[key] = value

    def walk(where, name):
        for item in sorted(os.scandir(where), key=lambda i: i.name):
            inner = name + "/" + item.name
            if NOISE.search(inner):
                continue
            s = item.stat(follow_symlinks=False)
            below = entry(base + inner, inner, clean)
            if stat.S_ISCHR(s.st_mode) and s.st_rdev == 0:  # overlayfs writes "deleted" so
                if below is not None:
                    put(inner, {"kind": "deleted"})
                continue
            here = entry(item.path, inner, clean)
            if here != below:
                put(inner, here)
            if here["kind"] == "directory":
                if below is not None and below["kind"] == "directory" and opaque(item.path):
                    for lost in sorted(os.listdir(base + inner)):
                        if not os.path.lexists(os.path.join(item.path, lost)) and not NOISE.search(inner + "/" + lost):
                            put(inner + "/" + lost, {"kind": "deleted"})
                walk(item.path, inner)

    def opaque(path):
        try:
            return os.getxattr(path, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
        except OSError:
            return False

    walk(upper, "")
    return found


def state(lab, host, clean):
    out = lab.hosts("exec", host, "sh", "-c", STATE)
    found, part = {}, None
    for line in clean(out).splitlines():
        if line.startswith("@"):
            part = found[line[1:]] = []
        elif not (part is found.get("units") and UNIT_NOISE.search(line.split()[1])
                  or part is found.get("sysctl") and SYSCTL_NOISE.search(line)):
            part.append(line)
    return {name: sorted(lines) for name, lines in found.items()}


def control(work, source, clean):
    """What a run left beside its playbook."""
    found = {}
    for root in (work, source):
        for where, dirs, files in os.walk(root):
            for item in dirs + files:
                inner = os.path.relpath(os.path.join(where, item), root)
                mine, theirs = (entry(os.path.join(r, inner), inner, clean) for r in (work, source))
                if mine != theirs:
                    found["control:" + inner] = mine or {"kind": "deleted"}
    return found


# --- one side


def inventories(folder):
    return sorted(n for n in os.listdir(folder) if n.startswith("inventory"))


def run_side(lab, host, name, program, temp):
    """Runs a playbook twice on a fresh host, and says what became of it."""
    folder = os.path.join(HERE, name)
    work = os.path.join(temp, name)
    shutil.copytree(folder, work, symlinks=True)
    address = lab.address(host)
    connection = os.path.join(temp, "connection.ini")
    with open(connection, "w") as f:
        f.write("[all:vars]\nansible_host=%s\nansible_python_interpreter=/usr/bin/python3\n"
                "ansible_ssh_private_key_file=%s/keys/id_ed25519\n"
                "ansible_ssh_common_args=\"-F /dev/null -o UserKnownHostsFile=%s/known_hosts -o StrictHostKeyChecking=yes"
                " -o HostKeyAlgorithms=ssh-ed25519 -o IdentitiesOnly=yes\"\n" % (address, lab.dir, lab.dir))
    given = inventories(work)
    if not given:
        with open(os.path.join(temp, "inventory.ini"), "w") as f:
            f.write("[target]\nbox\n")
    command = [program, "-u", "root", "-i", connection]
    for i in given or [os.path.join(temp, "inventory.ini")]:
        command += ["-i", i]
    command += ["site.yml"]
    if os.path.exists(os.path.join(folder, "args")):
        with open(os.path.join(folder, "args")) as f:
            command += shlex.split(f.read())
    sockets = os.path.join(temp, "s")
    os.makedirs(os.path.join(temp, "home"))
    os.makedirs(sockets)
    env = {"PATH": os.environ["PATH"], "HOME": os.path.join(temp, "home"), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "dumb",
           "TMPDIR": temp, "USER": "root", "TZ": "UTC", "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_NOCOWS": "1",
           "ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_LOCAL_TEMP": os.path.join(temp, "local"), "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
           "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s", "ANSIBLE_DEPRECATION_WARNINGS": "0",
           "PLAY_GREETING": "hello from the control node"}

    mac = "02:00:00:00:00:%02x" % int(address.rsplit(".", 1)[1])

    with open(os.path.join(lab.dir, "keys", "id_ed25519.pub")) as f:
        key = f.read().strip()

    def clean(text):
        for what, word in ((work, "<playbook>"), (temp, "<temp>"), (lab.dir, "<lab>"), (key, "<key>"), (mac, "<mac>"), (address, "<address>")):
            text = text.replace(what, word)
        return text

    lab.fresh(host)
    runs = []
    try:
        for _ in range(2):
            t = time.monotonic()
            code, out, err = CHILDREN.run(command, LIMIT, cwd=work, env=env)
            took = time.monotonic() - t
            recap = {}
            for line in out.splitlines():
                m = RECAP.match(line)
                if m:
                    recap[m[1]] = dict(zip(COUNTS, map(int, m.groups()[1:])))
            paths = tree(os.path.join(lab.dir, "run", host, "up"), lab.base, clean)
            paths.update(control(work, folder, clean))
            runs.append({"exit": code, "recap": recap, "paths": paths, "state": state(lab, host, clean),
                         "out": clean(out), "err": clean(err), "seconds": took})
    finally:
        for s in os.listdir(sockets):
            CHILDREN.run(["ssh", "-F", "/dev/null", "-o", "ControlPath=" + os.path.join(sockets, s), "-O", "exit", "x"], 10)
    return runs


# --- comparing


def hash_of(name, *more):
    h = hashlib.sha256(json.dumps([FORMAT, *more]).encode())
    folder = os.path.join(HERE, name)
    for where, dirs, files in os.walk(folder):
        dirs.sort()
        for item in sorted(files):
            path = os.path.join(where, item)
            what = os.readlink(path).encode() if os.path.islink(path) else digest(path)
            h.update(("%s %o %d\n" % (os.path.relpath(path, folder), os.lstat(path).st_mode & 0o111, len(what))).encode() + what)
    return h.hexdigest()


def first_line(a, b):
    """Where two texts part."""
    left, right = a.split("\n"), b.split("\n")
    for n in range(max(len(left), len(right))):
        x, y = (t[n] if n < len(t) else None for t in (left, right))
        if x != y:
            return "line %d: ansible %r, play %r" % (n + 1, x, y)
    return "equal"


def path_differences(theirs, ours):
    for path in sorted(set(theirs) | set(ours)):
        a, b = theirs.get(path), ours.get(path)
        if a == b:
            continue
        if a is None or b is None:
            who, e = ("ansible", a) if b is None else ("play", b)
            yield "%s: only %s changed it: %s" % (path, who, ", ".join("%s %s" % (k, v) for k, v in e.items() if k not in ("text", "attributes")))
            continue
        for field in sorted(set(a) | set(b)):
            x, y = a.get(field), b.get(field)
            if x == y or field == "text":
                continue
            if field == "contents" and "text" in a and "text" in b:
                yield "%s: contents, %s" % (path, first_line(a["text"], b["text"]))
            else:
                yield "%s: %s: ansible %s, play %s" % (path, field, x, y)


def told(out):
    """The lines of plays, tasks and results; hosts answer a task in any order."""
    found, results = [], []
    for line in out.splitlines() + ["PLAY"]:
        if re.match(r"PLAY|TASK|RUNNING|NO MORE", line):
            found += sorted(results) + [line.rstrip("* ")]
            results = []
        elif STATUS.match(line):
            results.append(line.split(" => {")[0])
    return "\n".join(found)


def differences(theirs, ours, with_output):
    said = set()
    for n, (a, b) in enumerate(zip(theirs, ours), 1):
        lines = []
        if a["exit"] != b["exit"]:
            lines.append("exit code: ansible %s, play %s" % (a["exit"], b["exit"]))
        for host in sorted(set(a["recap"]) | set(b["recap"])):
            x, y = (r["recap"].get(host, {}) for r in (a, b))
            if x != y:
                lines.append("recap of %s: %s" % (host, ", ".join(
                    "%s: ansible %s, play %s" % (c, x.get(c), y.get(c)) for c in COUNTS if x.get(c) != y.get(c))))
        lines += path_differences(a["paths"], b["paths"])
        for part in sorted(set(a["state"]) | set(b["state"])):
            x, y = (set(r["state"].get(part, [])) for r in (a, b))
            lines += ["%s: only ansible: %s" % (part, line) for line in sorted(x - y)]
            lines += ["%s: only play: %s" % (part, line) for line in sorted(y - x)]
        if with_output:
            x, y = (told(r["out"]) for r in (a, b))
            if x != y:
                lines.append("output: " + first_line(x, y))
        for line in lines:
            if line not in said:  # what the first run did differently stays different
                said.add(line)
                yield "run %d: %s" % (n, line)


def faults(name, runs):
    """What is wrong with a playbook that Ansible ran: every one has to end as its folder says."""
    folder = os.path.join(HERE, name)
    want = 0
    if os.path.exists(os.path.join(folder, "exit")):
        with open(os.path.join(folder, "exit")) as f:
            want = int(f.read())
    for n, run in enumerate(runs, 1):
        if run["exit"] != want:
            said = (run["out"] + run["err"]).splitlines()
            tail = [line[:1000] for line in said if re.match(r"fatal|failed|TASK", line)][-4:]
            errors = [i for i, line in enumerate(said) if line.startswith("[ERROR]")]
            tail += said[errors[0]:errors[0] + 8] if errors else said[-4:]
            yield "run %d: ansible ended with %s, not %s: %s" % (n, run["exit"], want, "\n    ".join(tail))
    changed = sum(r["changed"] for r in runs[1]["recap"].values())
    free = os.path.exists(os.path.join(folder, "not-idempotent"))
    if changed and not free:
        what = [line for line in runs[1]["out"].splitlines() if re.match(r"changed|TASK|RUNNING", line)]
        yield "run 2 changed %d: %s" % (changed, "; ".join(a.rstrip("* ") for a, b in zip(what, what[1:]) if b.startswith("changed")))
    if free and not changed:
        yield "says not-idempotent, and the second run changed nothing"


class Comparison:
    def __init__(self, lab, options, ansible):
        self.lab, self.options, self.ansible = lab, options, ansible
        self.version = must([os.path.join(WORLD, "oracle.sh"), "version"]).strip()

    def side(self, name, program):
        host = self.lab.free.get()
        # Sockets live in it: their names may hold 108 characters.
        temp = tempfile.mkdtemp(prefix="pd-", dir="/tmp")
        try:
            return run_side(self.lab, host, name, program, temp)
        finally:
            shutil.rmtree(temp, ignore_errors=True)
            self.lab.free.put(host)

    def oracle(self, name):
        kept = os.path.join(CACHE, "results", hash_of(name, self.version, self.lab.base_id) + ".json")
        if os.path.exists(kept) and not self.options.again:
            with open(kept) as f:
                return json.load(f), "kept"
        runs = self.side(name, os.path.join(self.ansible, "bin", "ansible-playbook"))
        if not list(faults(name, runs)):
            os.makedirs(os.path.dirname(kept), exist_ok=True)
            with open(kept + ".%d" % os.getpid(), "w") as f:
                json.dump(runs, f)
            os.replace(kept + ".%d" % os.getpid(), kept)
        return runs, "%.1f + %.1f s" % tuple(r["seconds"] for r in runs)

    def one(self, name):
        """Lines that say what differs, and one that says how it went."""
        theirs, told = self.oracle(name)
        lines = list(faults(name, theirs))
        if self.options.keep:
            keep(self.options.keep, name, "ansible", theirs)
        if self.options.oracle_only:
            return lines, "ansible " + told
        ours = self.side(name, self.program())
        if self.options.keep:
            keep(self.options.keep, name, "play", ours)
        lines += differences(theirs, ours, self.options.output)
        return lines, "ansible %s, play %.1f + %.1f s" % (told, *(r["seconds"] for r in ours))

    def program(self):
        return os.path.join(self.lab.dir, "bin", "ansible-playbook")


def keep(folder, name, side, runs):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    for n, run in enumerate(runs, 1):
        with open(os.path.join(folder, name, "%s-%d.out" % (side, n)), "w") as f:
            f.write(run["out"] + run["err"])
        with open(os.path.join(folder, name, "%s-%d.json" % (side, n)), "w") as f:
            json.dump({k: v for k, v in run.items() if k not in ("out", "err")}, f, indent=1, sort_keys=True)


def playbooks(wanted):
    names = sorted(n for n in os.listdir(HERE) if os.path.exists(os.path.join(HERE, n, "site.yml")))
    chosen = [n for n in names if not wanted or any(w in n for w in wanted)]
    if not chosen:
        raise Broken("no playbook's name contains %s" % " or ".join(wanted))
    return chosen


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", nargs="*", help="playbooks whose name contains one of these (default: all)")
    p.add_argument("--play", default=os.environ.get("PLAY_TEST_BINARY", os.path.join(HERE, "../../target/debug/play")),
                   help="the program to compare with Ansible; called by the name ansible-playbook")
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="hosts to use at once (default: as many as processors)")
    p.add_argument("--oracle-only", action="store_true", help="only run Ansible, and say whether each playbook ends as it should")
    p.add_argument("--again", action="store_true", help="run Ansible also where its result is kept")
    p.add_argument("--output", action="store_true", help="compare the lines of plays, tasks and hosts' results too")
    p.add_argument("--keep", metavar="DIR", help="write outputs and dumps of both sides there")
    p.add_argument("--list", action="store_true", help="print the names and do nothing")
    return p.parse_args()


def main():
    options = arguments()
    names = playbooks(options.name)
    if options.list:
        print("\n".join(names))
        return 0
    if os.geteuid() != 0:
        raise Broken("needs root")
    if not options.oracle_only and not os.access(options.play, os.X_OK):
        raise Broken("no program %s: cargo build" % options.play)
    ansible = os.environ.get("PLAY_TEST_ANSIBLE") or must([os.path.join(WORLD, "oracle.sh")], 1200).strip()
    must([os.path.join(WORLD, "hosts.sh"), "base"], 1200)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    lab = Lab(min(options.jobs, len(names)))
    try:
        os.makedirs(os.path.join(lab.dir, "bin"), exist_ok=True)
        os.symlink(os.path.abspath(options.play), os.path.join(lab.dir, "bin", "ansible-playbook"))
        return compare_all(Comparison(lab, options, ansible), names, lab)
    finally:
        CHILDREN.end()
        lab.down()


def compare_all(comparison, names, lab):
    bad = 0
    pool = concurrent.futures.ThreadPoolExecutor(lab.free.qsize())
    try:
        jobs = {pool.submit(comparison.one, name): name for name in names}
        for job in concurrent.futures.as_completed(jobs):
            name = jobs[job]
            try:
                lines, told = job.result()
            except Broken as e:
                lines, told = [str(e)], "broken"
            bad += bool(lines)
            for line in lines:
                print("%s: %s" % (name, line), flush=True)
            print("%s %s (%s)" % ("DIFFERS" if lines else "same   ", name, told), flush=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        CHILDREN.end()
    print("%d playbooks, %d with differences" % (len(names), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as e:
        sys.exit("compare.py: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
