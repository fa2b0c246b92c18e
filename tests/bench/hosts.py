"""Hosts: 50 tasks beside a fresh OpenSSH connection with one script that reads their state, and beside peers."""
import os

import workload
from figures import Figure
from sample import HERE, Broken, Side, median, ratio

FLOOR = os.path.join(HERE, "floor", "hosts.sh")


class Bench50:
    """The 50 tasks on `count` hosts."""

    def __init__(self, world, runner, count, delay=0):
        self.world, self.runner, self.count = world, runner, count
        self.names = [f"h{i}" for i in range(1, count + 1)]
        runner.hosts = world.hosts(count, delay)
        self.folder = os.path.join(world.folder, f"workload-{count}")
        os.makedirs(self.folder, exist_ok=True)
        workload.write(self.folder)
        args = f"ansible_ssh_common_args='-F {world.config}'"
        workload.save(self.folder, "hosts.ini", "".join(f"{name} {args}\n" for name in self.names))
        self.pyinfra_inventory()

    def pyinfra_inventory(self):
        """pyinfra reads ssh_config only in part."""
        lab = self.world.lab
        data = {"ssh_user": "root", "ssh_key": f"{lab}/keys/id_ed25519", "ssh_known_hosts_file": f"{lab}/known_hosts", "ssh_strict_host_key_checking": "yes"}
        hosts = [(name, {"ssh_hostname": self.world.address(name), **data}) for name in self.names]
        workload.save(self.folder, "hosts.py", f"hosts = {hosts!r}\n")

    def side(self, name):
        """One of those that do the 50 tasks, or the floor."""
        forks = str(max(self.count, 5))
        ansible = ["-i", "hosts.ini", "-f", forks, "site.yml"]
        env = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_CONFIG": "/dev/null"}
        if name == "play":
            return Side(name, [self.world.play, *ansible], self.folder)
        if name == "floor":
            return Side(name, [FLOOR, self.world.config, "state.sh", *self.names], self.folder)
        if name == "ansible":
            return Side(name, [self.world.ansible(), *ansible], self.folder, env=env)
        if name == "mitogen":
            plugins = {"ANSIBLE_STRATEGY_PLUGINS": self.world.mitogen(), "ANSIBLE_STRATEGY": "mitogen_linear"}
            return Side(name, [self.world.ansible(), *ansible], self.folder, env={**env, **plugins})
        if name == "pyinfra":
            program = self.world.pyinfra()
            path = os.path.dirname(os.path.dirname(program))
            return Side(name, ["python3", program, "-y", "hosts.py", "deploy.py"], self.folder, env={"PYTHONPATH": path})
        raise Broken(f"no peer is called {name}")

    def prepare(self):
        """Makes the hosts what the tasks say, and makes sure that nothing is left to do."""
        self.runner.run(self.side("play"))
        again = self.world.summary(self.side("play").command, self.folder)
        done = again["same"] - self.count  # the gathering of facts is one more
        if done != 50 * self.count or sum(again["hosts"][name]["changed"] for name in self.names):
            raise Broken(f"the second run is not quiet: {again}")

    def messages(self):
        """The largest number of messages that a host got in one run."""
        counts = self.world.summary(self.side("play").command, self.folder).get("messages")
        if counts is None:
            raise Broken("this `play` does not tell how many messages it sent")
        return max(counts.values())


def compare(name, samples, other, goal, what="seconds", unit="s"):
    """A figure beside a floor or peer."""
    play, beside = samples["play"], samples[other]
    return Figure(name, unit, median(play, what), other, median(beside, what), ratio(play, beside, what), goal)


def unchanged(world, runner, peers):
    """No change: 1, 5 and 20 hosts, 50 tasks."""
    for count in (1, 5, 20):
        bench = Bench50(world, runner, count)
        bench.prepare()
        samples = runner.rounds([bench.side(name) for name in ("play", "floor", *peers)])
        yield compare(f"no change, {count} hosts", samples, "floor", 1.0)
        yield compare(f"no change, {count} hosts: CPU here", samples, "floor", 1.0, "cpu")
        yield compare(f"no change, {count} hosts: CPU of hosts", samples, "floor", None, "hosts")
        for peer in peers:
            yield compare(f"no change, {count} hosts", samples, peer, None)
        yield Figure(f"no change, {count} hosts: messages a host", "", bench.messages(), goal=1)
    yield Figure("no change, 20 hosts: peak memory", "MB", median(samples["play"], "memory"), goal=30)


def far(world, runner, peers):
    """No change, 5 hosts, 50 ms from here to there and back."""
    bench = Bench50(world, runner, 5)
    bench.prepare()
    bench = Bench50(world, runner, 5, delay=25)
    samples = runner.rounds([bench.side(name) for name in ("play", "floor", *peers)])
    yield compare("no change, 5 hosts, 50 ms", samples, "floor", 1.1)
    for peer in peers:
        yield compare("no change, 5 hosts, 50 ms", samples, peer, None)
    world.hosts(5)


def first(world, runner, peers):
    """First run: 20 hosts, 48 changes each, beside pyinfra."""
    bench = Bench50(world, runner, 20)
    sides = [bench.side(name) for name in dict.fromkeys(("play", "pyinfra", *peers))]
    for side in sides:
        side.before = lambda: world.reset(20)
    samples = runner.rounds(sides, warm=False)
    for side in sides[1:]:
        yield compare("first run, 20 hosts", samples, side.name, 0.2 if side.name == "pyinfra" else None)
    yield Figure("first run, 20 hosts: CPU of hosts", "s", median(samples["play"], "hosts"), "pyinfra", median(samples["pyinfra"], "hosts"), ratio(samples["play"], samples["pyinfra"], "hosts"))
    yield Figure("first run, 20 hosts: CPU here", "s", median(samples["play"], "cpu"), "pyinfra", median(samples["pyinfra"], "cpu"), ratio(samples["play"], samples["pyinfra"], "cpu"))


PING = """- hosts: all
  gather_facts: false
  tasks:
    - ping:
    - file: {path: /etc, state: directory}
"""


def connections(world, runner, _peers):
    """200 SSH connections, ten to each of 20 hosts, beside 20 and 100."""
    runner.hosts = world.hosts(20)
    folder = os.path.join(world.folder, "connections")
    os.makedirs(folder, exist_ok=True)
    workload.save(folder, "site.yml", PING)
    sides = []
    for count in (20, 100, 200):
        lines = [f"a{i} ansible_host=h{i % 20 + 1} ansible_ssh_common_args='-F {world.config}'\n" for i in range(count)]
        workload.save(folder, f"{count}.ini", "".join(lines))
        sides.append(Side(str(count), [world.play, "-i", f"{count}.ini", "-f", str(count), "site.yml"], folder))
    samples = runner.rounds(sides)
    few, half, all_of_them = (samples[side.name] for side in sides)
    # twice as many in twice the time, and a tenth for luck
    yield Figure("200 connections", "s", median(all_of_them, "seconds"), "100 of them", median(half, "seconds"), ratio(all_of_them, half, "seconds"), 2.2)
    each = (median(all_of_them, "memory") - median(few, "memory")) * 1024 / 180
    yield Figure("200 connections: memory of each", "KB", each, goal=200)
