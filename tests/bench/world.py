"""What is measured against: hosts, an API server, peers. Each is set up when it is first needed, by the scripts of tests/world."""
import json
import os
import re
import shutil
import subprocess

from sample import HERE, Broken

TESTS = os.path.dirname(HERE)
HOSTS = os.path.join(TESTS, "world", "hosts.sh")
CLUSTER = os.path.join(TESTS, "world", "cluster")
PYINFRA, MITOGEN = "3.10.0", "0.3.54"


def script(*words, env=None):
    """Runs a script; gives what it prints."""
    ran = subprocess.run(words, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise Broken(f"{os.path.basename(words[0])} {' '.join(words[1:])} ended with {ran.returncode}")
    return ran.stdout


def assignments(text):
    """`export K=V` or `K=V` lines."""
    return dict(line.removeprefix("export ").split("=", 1) for line in text.splitlines() if "=" in line)


class World:
    """Everything outside: `cache` is a folder that stays, `folder` one that goes."""

    def __init__(self, cache, folder, play):
        self.cache, self.folder, self.play = cache, folder, play
        labs = os.environ.get("PLAY_LABS") or os.path.expanduser("~/.cache/play-lab")
        self.lab = os.environ.get("PLAY_LAB") or os.path.join(labs, f"bench-{os.getpid()}")
        self.own = "PLAY_LAB" not in os.environ  # else it stays up
        owner = {"PLAY_OWNER": str(os.getpid())}
        self.env = {"PLAY_LAB": self.lab, **(owner if self.own else {})}
        self.cluster = {}

    # --- hosts

    def hosts(self, count, delay=0):
        """Hosts h1 to h`count`, with `delay` milliseconds each way. Gives their control group."""
        script(HOSTS, "sweep")
        script(HOSTS, "up", str(count), env=self.env)
        script(HOSTS, "delay", str(delay), env=self.env)
        return assignments(script(HOSTS, "env", env=self.env))["PLAY_CGROUP"]

    def reset(self, count):
        script(HOSTS, "reset", *(f"h{i}" for i in range(1, count + 1)), env=self.env)

    def inside(self, host, *words):
        return script(HOSTS, "exec", host, *words, env=self.env)

    @property
    def config(self):
        """The ssh_config of the hosts."""
        return os.path.join(self.lab, "ssh_config")

    def address(self, host):
        with open(self.config) as file:
            return re.search(rf"^Host {host}\n  HostName (\S+)", file.read(), re.M)[1]

    # --- cluster

    def api(self):
        """An API server without controllers: its environment."""
        if not self.cluster:
            script(os.path.join(CLUSTER, "build.sh"))
            name = f"bench-{os.getpid()}"
            self.cluster = assignments(script(os.path.join(CLUSTER, "cluster.sh"), "up", name, env={"PLAY_PARTS": "", "PLAY_OWNER": str(os.getpid())}))
            self.cluster = {key: value.strip("'\"") for key, value in self.cluster.items()}
        return self.cluster

    def requests(self):
        """The program that sends bare requests."""
        made = os.path.join(self.folder, "requests")
        if not os.path.exists(made):
            subprocess.run(["go", "build", "-o", made, "."], cwd=os.path.join(HERE, "requests"), env={**os.environ, "CGO_ENABLED": "0"}, check=True)
        return made

    # --- peers

    def ansible(self):
        return os.path.join(script(os.path.join(TESTS, "world", "oracle.sh")).strip(), "bin", "ansible-playbook")

    def mitogen(self):
        """The folder of Mitogen's strategies."""
        return os.path.join(self.pip(f"mitogen=={MITOGEN}"), "ansible_mitogen", "plugins", "strategy")

    def pyinfra(self):
        return os.path.join(self.pip(f"pyinfra=={PYINFRA}"), "bin", "pyinfra")

    def pip(self, package):
        """A folder with this package and what it needs, kept in the cache."""
        made = os.path.join(self.cache, package)
        if not os.path.exists(made):
            part = f"{made}.part"
            shutil.rmtree(part, ignore_errors=True)
            script("python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", part, package)
            os.rename(part, made)
        return made

    # --- the program itself

    def summary(self, command, folder, env=None):
        """The last line of a run with `--json`."""
        ran = subprocess.run([*command, "--json"], cwd=folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return json.loads(ran.stdout.strip().splitlines()[-1])

    def close(self):
        if self.cluster:
            script(os.path.join(CLUSTER, "cluster.sh"), "down", f"bench-{os.getpid()}")
        if self.own and os.path.isdir(self.lab):
            script(HOSTS, "down", env=self.env)
            shutil.rmtree(self.lab, ignore_errors=True)
        elif os.path.isdir(self.lab):
            script(HOSTS, "delay", "0", env=self.env)
