"""Runs a command and says what it cost; runs several in turn, so that a busy machine is as busy for each of them."""
import dataclasses
import os
import shutil
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
UNIFIED = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
LIMIT = 1800  # seconds for one command


class Broken(Exception):
    """A measurement that cannot be made; the text says why."""


@dataclasses.dataclass
class Sample:
    """What one run cost: seconds on the clock, CPU seconds of the control side and of the hosts, peak memory of its largest process in MB."""

    seconds: float
    cpu: float
    hosts: float
    memory: float
    code: int
    log: str

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()


@dataclasses.dataclass
class Side:
    """One of those that are compared: a command, or what runs before each of its runs."""

    name: str
    command: list
    folder: str = None
    before: object = None  # called before each run, outside of what is measured
    codes: tuple = (0,)
    env: dict = None


class Runner:
    """Runs commands in a control group of its own. `hosts` is the control group of the hosts, or None."""

    def __init__(self, folder, reps):
        self.folder, self.reps, self.hosts, self.count = folder, reps, None, 0
        os.makedirs(folder, exist_ok=True)
        self.launch = os.path.join(folder, "launch")
        subprocess.run(["gcc", "-O2", "-o", self.launch, os.path.join(HERE, "launch.c")], check=True)
        self.group = f"{UNIFIED}/play-bench-{os.getpid()}"
        os.makedirs(self.group, exist_ok=True)

    def close(self):
        """Ends what was left behind (connections that a peer keeps) and removes the control group."""
        self.leftovers()
        if os.path.isdir(self.group):
            os.rmdir(self.group)

    def leftovers(self):
        kill = f"{self.group}/cgroup.kill"
        while os.path.exists(kill):
            with open(f"{self.group}/cgroup.procs") as file:
                if not file.read():
                    return
            with open(kill, "w") as file:
                file.write("1")

    def run(self, side):
        """One run of one side."""
        if side.before:
            side.before()
        self.count += 1
        log = os.path.join(self.folder, f"{self.count:04}-{side.name.replace(' ', '-').replace('/', '-')}.log")
        told = os.path.join(self.folder, "told")
        cpu, hosts = used(self.group), used(self.hosts)
        with open(log, "w") as file:
            command = [self.launch, told, f"{self.group}/cgroup.procs", *side.command]
            env = {**os.environ, **(side.env or {})}
            subprocess.run(command, cwd=side.folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, timeout=LIMIT, check=True)
        cpu, hosts = used(self.group) - cpu, used(self.hosts) - hosts
        self.leftovers()
        with open(told) as file:
            seconds, _, _, memory, code = file.read().split()
        sample = Sample(float(seconds), cpu, hosts, int(memory) / 1024, int(code), log)
        if sample.code not in side.codes:
            raise Broken(f"{side.name} ended with {sample.code}: {sample.text()[-600:].strip() or 'it said nothing'}")
        return sample

    def rounds(self, sides, reps=None, warm=True):
        """Runs all sides in turn, `reps` times, after one round that does not count. Gives the samples by name."""
        samples = {side.name: [] for side in sides}
        for turn in range(-1 if warm else 0, reps or self.reps):
            # every other round backwards: whoever comes second does not always come after the same one
            for side in sides if turn % 2 == 0 else sides[::-1]:
                sample = self.run(side)
                if turn >= 0:
                    samples[side.name].append(sample)
        return samples


def used(group):
    """CPU seconds that a control group has used so far."""
    if not group:
        return 0.0
    with open(f"{group}/cpu.stat") as file:
        return int(dict(line.split() for line in file)["usage_usec"]) / 1e6


def median(samples, what):
    return statistics.median(getattr(sample, what) for sample in samples)


def ratio(samples, others, what):
    """The median of the ratios within each round: what slows a whole round down cancels out."""
    return statistics.median(getattr(a, what) / max(getattr(b, what), 1e-6) for a, b in zip(samples, others))


def tool(name, package):
    """The path of a program, or why there is none."""
    path = shutil.which(name)
    if not path:
        raise Broken(f"no `{name}`: apt-get install {package}")
    return path
