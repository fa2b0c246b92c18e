"""What happens before anything is contacted: from the start to the first byte sent, and reading a large tree."""
import os
import socket
import statistics
import subprocess
import sys
import time

import workload
from figures import Figure
from sample import Side, median, ratio

ROLES, TASKS = 100, 20  # roles, tasks in each


def first_byte(world, runner, _peers):
    """Start to first byte on the wire, beside OpenSSH's client."""
    folder = os.path.join(world.folder, "start")
    os.makedirs(folder, exist_ok=True)
    workload.write(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        workload.save(folder, "hosts.ini", f"h1 ansible_host=127.0.0.1 ansible_port={port}\n")
        play = [world.play, "-i", "hosts.ini", "site.yml"]
        ssh = ["ssh", "-F", "/dev/null", "-p", port, "-o", "BatchMode=yes", "127.0.0.1", "true"]
        took = {"play": [], "ssh": []}
        for turn in range(-1, max(runner.reps, 10)):
            for name, command in (("play", play), ("ssh", ssh)):
                seconds = until_byte(server, command, folder)
                if turn >= 0:
                    took[name].append(seconds * 1000)
    true = runner.rounds([Side("true", ["/bin/true"])], reps=max(runner.reps, 10))["true"]
    middle = {name: statistics.median(times) for name, times in took.items()}
    pairs = statistics.median(a / b for a, b in zip(took["play"], took["ssh"]))
    yield Figure("start to first byte", "ms", middle["play"], goal=30)
    yield Figure("start to first byte", "ms", middle["play"], "ssh", middle["ssh"], pairs)
    yield Figure("start to first byte", "ms", middle["play"], "/bin/true", median(true, "seconds") * 1000, middle["play"] / (median(true, "seconds") * 1000))


def until_byte(server, command, folder):
    """Seconds from the start of a program to the first byte that it sends here."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server.settimeout(30)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(30)
            peer.recv(1)
            took = time.perf_counter() - began
        process.kill()
    return took


def tree(folder):
    """A playbook with 100 roles of 20 tasks: the modules, templates, loops and conditions that roles usually have."""
    for role in range(ROLES):
        for name in ("tasks", "defaults", "handlers", "templates"):
            os.makedirs(os.path.join(folder, "roles", f"role{role:03}", name), exist_ok=True)
        kinds = [
            "      file: {{path: '/srv/{{{{ r{r}_name }}}}/{t}', state: directory, mode: '0755'}}\n",
            "      template: {{src: conf.j2, dest: '/etc/role{r}/{t}.conf', mode: '0644'}}\n      notify: Restart {r}\n",
            "      copy:\n        content: '{{{{ r{r}_items | join(\",\") }}}}'\n        dest: /etc/role{r}/{t}.list\n      when: r{r}_enabled | bool\n",
            "      lineinfile: {{path: /etc/role{r}.conf, regexp: '^key{t}=', line: 'key{t}={{{{ item }}}}'}}\n      loop: '{{{{ r{r}_items }}}}'\n",
            "      command: /usr/bin/true {t}\n      register: r{r}_t{t}\n      changed_when: r{r}_t{t}.rc != 0\n      tags: [probe]\n",
        ]
        tasks = "".join(f"    - name: Task {t} of role {role}\n" + kinds[t % len(kinds)].format(r=role, t=t) for t in range(TASKS))
        base = f"roles/role{role:03}"
        workload.save(folder, f"{base}/tasks/main.yml", "".join(line[4:] for line in tasks.splitlines(keepends=True)))
        workload.save(folder, f"{base}/defaults/main.yml", f"r{role}_name: role{role}\nr{role}_enabled: true\nr{role}_items: [a, b, c]\n")
        workload.save(folder, f"{base}/handlers/main.yml", f"- name: Restart {role}\n  command: /usr/bin/true\n")
        workload.save(folder, f"{base}/templates/conf.j2", "name = {{ r%d_name }}\n" % role)
    names = "".join(f"    - role{role:03}\n" for role in range(ROLES))
    workload.save(folder, "site.yml", f"- hosts: all\n  roles:\n{names}")


def large_tree(world, runner, peers):
    """2,000 tasks in 100 roles: --syntax-check and --list-tasks, beside `python3 -c pass`."""
    folder = os.path.join(world.folder, "tree")
    tree(folder)
    python = Side("python", [sys.executable, "-c", "pass"], folder)
    for option in ("--syntax-check", "--list-tasks"):
        sides = [Side("play", [world.play, "-i", "h1,", "site.yml", option], folder), python]
        if "ansible" in peers:
            sides.append(Side("ansible", [world.ansible(), "-i", "h1,", "site.yml", option], folder))
        samples = runner.rounds(sides, reps=max(runner.reps, 10) if len(sides) == 2 else runner.reps)
        play = samples["play"]
        yield Figure(f"2,000 tasks in 100 roles, {option}", "ms", median(play, "seconds") * 1000, goal=100)
        for side in sides[1:]:
            other = samples[side.name]
            yield Figure(f"2,000 tasks in 100 roles, {option}", "ms", median(play, "seconds") * 1000, side.name, median(other, "seconds") * 1000, ratio(play, other, "seconds"))
        yield Figure(f"2,000 tasks in 100 roles, {option}: peak memory", "MB", median(play, "memory"))
