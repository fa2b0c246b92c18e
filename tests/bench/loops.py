"""One host, 2,000 tasks with 20,000 items of loops, nothing to change."""
import os
import shutil

import workload
from figures import Figure
from sample import Broken, Side, median, ratio

TASKS, ITEMS = 2000, 10


def write(folder, top):
    """A playbook whose tasks are about 10,000 folders and 10,000 files below `top`, a script that makes them, and one that reads
    their state."""
    os.makedirs(folder, exist_ok=True)
    tasks, made = [], []
    for task in range(TASKS):
        items = "[" + ", ".join(f"{task}-{item}" for item in range(ITEMS)) + "]"
        if task % 2:
            tasks.append(f"    - name: Files {task}\n      copy: {{content: \"{{{{ item }}}} of {task}\\n\", dest: '{top}/f{task}/{{{{ item }}}}', mode: '0644'}}\n      loop: {items}\n")
        else:
            tasks.append(f"    - name: Folders {task}\n      file: {{path: '{top}/d{task}/{{{{ item }}}}', state: directory, mode: '0755'}}\n      loop: {items}\n")
    make = (
        f"umask 022; t=0; while [ $t -lt {TASKS} ]; do mkdir -p {top}/f$((t + 1)); i=0; while [ $i -lt {ITEMS} ]; do "
        f"mkdir -p {top}/d$t/$t-$i; echo \"$((t + 1))-$i of $((t + 1))\" >{top}/f$((t + 1))/$((t + 1))-$i; i=$((i + 1)); done; t=$((t + 2)); done\n"
    )
    workload.save(folder, "make.sh", make)
    workload.save(folder, "state.sh", f"cd {top} && stat -c '%n %F %a %U %G %s' d*/* f*/* && sha256sum f*/*\n")
    workload.save(folder, "site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(tasks))


def figures(name, samples):
    play, other = samples["play"], samples["floor"]
    yield Figure(name, "s", median(play, "seconds"), goal=3)
    yield Figure(name, "s", median(play, "seconds"), "one script", median(other, "seconds"), ratio(play, other, "seconds"))
    yield Figure(f"{name}: CPU here", "s", median(play, "cpu"), "one script", median(other, "cpu"), ratio(play, other, "cpu"))
    yield Figure(f"{name}: peak memory", "MB", median(play, "memory"), goal=150)


def quiet(world, command, folder):
    counts = world.summary(command, folder)
    if counts["same"] != TASKS or counts["change"] or counts["failed"]:
        raise Broken(f"something is left to do: {counts}")


def local(world, runner, _peers):
    """2,000 tasks with 20,000 items on this machine."""
    folder, top = os.path.join(world.folder, "loops-local"), os.path.join(world.folder, "loops-made")
    runner.hosts = None
    write(folder, top)
    runner.run(Side("make", ["sh", "make.sh"], folder))
    play = Side("play", [world.play, "-i", "localhost,", "-c", "local", "site.yml"], folder)
    quiet(world, play.command, folder)
    yield from figures("20,000 items, local", runner.rounds([play, Side("floor", ["sh", "-c", "sh state.sh >/dev/null"], folder)]))
    shutil.rmtree(top)


def ssh(world, runner, _peers):
    """2,000 tasks with 20,000 items on a host."""
    folder = os.path.join(world.folder, "loops-ssh")
    runner.hosts = world.hosts(1)
    write(folder, "/srv/loops")
    workload.save(folder, "hosts.ini", f"h1 ansible_ssh_common_args='-F {world.config}'\n")
    runner.run(Side("make", ["sh", "-c", f"ssh -F {world.config} h1 sh <make.sh"], folder))
    play = Side("play", [world.play, "-i", "hosts.ini", "site.yml"], folder)
    quiet(world, play.command, folder)
    floor = Side("floor", ["sh", "-c", f"ssh -F {world.config} h1 sh <state.sh >/dev/null"], folder)
    yield from figures("20,000 items, ssh", runner.rounds([play, floor]))
    world.reset(1)
