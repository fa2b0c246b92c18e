"""Objects on a real API server: a second check beside `kubectl diff` and bare requests, many objects, new objects."""
import json
import os
import re
import subprocess

import manifests
from figures import Figure
from sample import Side, median, ratio

AT_ONCE = 16  # requests at a time: what `play` sends where nothing is said


class Objects:
    """`count` objects of eight kinds, as files, and those that deal with them."""

    def __init__(self, world, runner, count, prefix=""):
        self.world, self.runner, self.env = world, runner, world.api()
        runner.hosts = None
        self.folder = os.path.join(world.folder, f"objects-{prefix}{count}")
        self.count = manifests.write(self.folder, count, prefix)
        self.put("namespaces.jsonl", "".join(json.dumps(it) + "\n" for it in manifests.namespaces()))
        self.put("lists.jsonl", "".join(json.dumps({"path": path}) + "\n" for path in manifests.lists()))
        self.put("cluster.ini", f"cluster ansible_connection=kubernetes play_kubeconfig={self.env['KUBECONFIG']}\n")
        runner.run(self.requests("apply", "namespaces.jsonl"))

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def play(self, *words, name="play"):
        return Side(name, [self.world.play, "-i", "cluster.ini", "site.yml", *words], self.folder, env=self.env)

    def requests(self, what, file="objects.jsonl", *words, name="floor"):
        return Side(name, [self.world.requests(), "-c", str(AT_ONCE), *words, what, file], self.folder, env=self.env)

    def kubectl(self):
        files = [word for namespace in manifests.NAMESPACES for word in ("-f", f"{namespace}.yaml")]
        return Side("kubectl", ["kubectl", "diff", "--server-side", "--field-manager=play", *files], self.folder, env={**self.env, "PATH": path_of(self.env)})

    def dry_runs(self):
        """How many dry runs the server has had."""
        metrics = subprocess.run(["kubectl", "get", "--raw", "/metrics"], env={**os.environ, **self.env, "PATH": path_of(self.env)}, stdout=subprocess.PIPE, text=True, check=True).stdout
        return sum(float(line.split()[-1]) for line in metrics.splitlines() if re.match(r'apiserver_request_total\{.*dry_run="All"', line))


def path_of(env):
    """The PATH with the cluster's own kubectl first. What cluster.sh prints names $PATH."""
    return env.get("PATH", "").replace("$PATH", os.environ["PATH"]) or os.environ["PATH"]


def checked(world, runner, _peers):
    """1,000 objects of 8 kinds, unchanged: the second check."""
    objects = Objects(world, runner, 1000)
    runner.run(objects.requests("apply"))
    runner.run(objects.play("--check"))
    before = objects.dry_runs()
    runner.run(objects.play("--check"))
    dry = objects.dry_runs() - before
    # what the check sent, and nothing else: lists, and dry runs of as many StatefulSets as it had to ask about
    floor = "./floor.sh"
    objects.put("dry.jsonl", "".join(open(os.path.join(objects.folder, "objects.jsonl")).readlines()[-int(dry) or 10**9:]))
    again = f"{world.requests()} -c {AT_ONCE}"
    objects.put("floor.sh", f"#!/bin/sh\n{again} list lists.jsonl" + (f" && {again} dry dry.jsonl\n" if dry else "\n"))
    os.chmod(os.path.join(objects.folder, "floor.sh"), 0o755)
    sides = [objects.play("--check"), Side("floor", [floor], objects.folder, env=objects.env)]
    samples = runner.rounds(sides)
    beside = f"{len(manifests.KINDS)} lists" + (f" + {dry:.0f} dry runs" if dry else "")
    play, other = samples["play"], samples["floor"]
    yield Figure("1,000 objects, second check", "s", median(play, "seconds"), beside, median(other, "seconds"), ratio(play, other, "seconds"), 1.3)
    yield Figure("1,000 objects, second check: CPU here", "s", median(play, "cpu"), beside, median(other, "cpu"), ratio(play, other, "cpu"))
    samples = runner.rounds([sides[0], objects.kubectl()], reps=min(runner.reps, 3))
    play, other = samples["play"], samples["kubectl"]
    yield Figure("1,000 objects, second check", "s", median(play, "seconds"), "kubectl diff --server-side", median(other, "seconds"), ratio(play, other, "seconds"), 1 / 30)
    yield Figure("1,000 objects, second check: dry runs", "", dry, goal=0)
    if "--prove" in subprocess.run([world.play, "--help"], stdout=subprocess.PIPE, text=True).stdout:
        proof = runner.rounds([objects.play("--check", "--prove"), objects.requests("dry")])
        yield Figure("1,000 objects, --prove", "s", median(proof["play"], "seconds"), "1,000 dry runs", median(proof["floor"], "seconds"), ratio(proof["play"], proof["floor"], "seconds"), 1.3)


def many(world, runner, _peers):
    """10,000 objects beside 1,000: time and memory of the second check."""
    sides = []
    for count in (1000, 10000):
        objects = Objects(world, runner, count)
        runner.run(objects.requests("apply"))
        sides.append(objects.play("--check", name=str(count)))
    samples = runner.rounds(sides, reps=min(runner.reps, 3))
    few, lots = samples["1000"], samples["10000"]
    # the small check lists all 10,000 too, so ten times is not to be expected: a tenth for luck, no more
    yield Figure("10,000 objects", "s", median(lots, "seconds"), "1,000 of them", median(few, "seconds"), ratio(lots, few, "seconds"), 11)
    yield Figure("10,000 objects: peak memory", "MB", median(lots, "memory"), goal=150)
    runner.run(objects.requests("delete"))


def new(world, runner, _peers):
    """200 new objects beside as many bare requests, as many at a time."""
    objects = Objects(world, runner, 200, "new-")
    play, floor = objects.play(), objects.requests("apply")
    gone = lambda: runner.run(objects.requests("delete", name="delete"))
    runner.run(objects.requests("apply"))
    play.before = floor.before = gone
    samples = runner.rounds([play, floor])
    gone()
    play, other = samples["play"], samples["floor"]
    yield Figure("200 new objects", "s", median(play, "seconds"), "200 bare requests", median(other, "seconds"), ratio(play, other, "seconds"), 2)
