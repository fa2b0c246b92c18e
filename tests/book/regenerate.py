#!/usr/bin/env python3
"""Makes the cases of tests/book anew: writes the inputs of `cases.py`, asks the real Ansible, keeps what it says.

    python3 -m venv /tmp/ansible && /tmp/ansible/bin/pip install 'ansible-core==2.19.*'
    /tmp/ansible/bin/python tests/book/regenerate.py [NAME…]

Nothing in the `=== expect` parts is typed in by hand.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(sys.executable).parent
ROUNDS = 6
sys.path.insert(0, str(HERE))
from cases import INVENTORIES, PATTERNS, SPLITS, EXTRAS  # noqa: E402

ENVIRONMENT = {**os.environ, "ANSIBLE_CONFIG": str(HERE / "empty.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_DEPRECATION_WARNINGS": "false"}


def lay(files, folder):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        target.write_bytes(data)
        if data.startswith(b"#!"):
            target.chmod(0o755)


def write(path, parts):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"=== {head}\n{body if body.endswith(chr(10)) or not body else body + chr(10)}" for head, body in parts)
    path.write_text(text)


def pipes(files, folder):
    """What the programs among the files print; the control node of the tests runs none."""
    parts = []
    for path in [path for path, text in files.items() if text.startswith("#!")]:
        asked = ["--list"]
        while asked:
            words = asked.pop(0)
            done = subprocess.run([str(folder / path), *words.split()], capture_output=True, text=True)
            parts.append((f"pipe {done.returncode} /work/{path} {words}", done.stdout))
            if words == "--list" and done.returncode == 0 and "_meta" not in done.stdout:
                asked += sorted({f"--host {host}" for group in json.loads(done.stdout).values() for host in group.get("hosts", [])})
    return parts


def inventory(name, case, folder):
    sources = case.get("sources") or [next(iter(case["files"]))]
    lay(case["files"], folder)
    command = [str(BIN / "ansible-inventory"), "--list"] + [arg for source in sources for arg in ("-i", source)]
    # another empty folder where a case has no playbook: what stands in the working directory must not count
    command += ["--playbook-dir", case.get("playbook", "nowhere")]
    (folder / case.get("playbook", "nowhere")).mkdir(exist_ok=True, parents=True)
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode or "Unable to parse" in done.stderr:
        expect = "error"
        print(f"{name}: Ansible refuses: {done.stderr.strip().splitlines()[:3]}")
    else:
        said = json.loads(done.stdout)
        said["_meta"].pop("profile", None)
        expect = json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False)
    parts = [(path, text) for path, text in case["files"].items()]
    parts += pipes(case["files"], folder)
    parts += [("sources", "\n".join(sources))]
    if "playbook" in case:
        parts += [("playbook", case["playbook"])]
    write(HERE / "inventory" / f"{name}.txt", parts + [("expect", expect)])


ASK = """
import json, sys
from ansible.inventory.group import Group
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
said = []
Display.warning = lambda self, msg, *a, **k: said.append(str(msg))
question = json.load(sys.stdin)
# Ansible walks groups in sets; another order in each round shows where the answer depends on it
Group.__hash__ = lambda self: hash((question["round"], self.name))
inventory = InventoryManager(loader=DataLoader(), sources=question["sources"])
answers = {}
for pattern in question["patterns"]:
    said.clear()
    pattern_text, _, limit = pattern.partition(" --limit ")
    try:
        inventory.clear_caches()
        if inventory._inventory.localhost and inventory._inventory.localhost.implicit:
            inventory._inventory.localhost = None
        inventory.subset(limit or None)
        hosts = [str(h) for h in inventory.get_hosts(pattern_text)]
        missed = any("Could not match supplied host pattern" in message for message in said)
        answers[pattern] = {"hosts": hosts, "missed": missed}
    except Exception as error:
        answers[pattern] = {"error": type(error).__name__}
print(json.dumps(answers))
"""


def patterns(name, case, folder):
    lay(case["files"], folder)
    sources = case.get("sources") or [next(iter(case["files"]))]
    question = {"sources": [str(folder / s) if "," not in s else s for s in sources], "patterns": case["patterns"]}
    rounds = []
    for number in range(ROUNDS):
        asked = json.dumps({**question, "round": number})
        done = subprocess.run([sys.executable, "-c", ASK], cwd=folder, env=ENVIRONMENT, input=asked, capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout))
    lines = []
    for pattern in case["patterns"]:
        answers = [answer[pattern] for answer in rounds]
        first = answers[0]
        if "error" in first:
            lines.append(f"{pattern} => error")
            continue
        # where Ansible walks a set, the order is not the same in every run, and only the hosts count
        stable = all(answer == first for answer in answers)
        assert all(sorted(answer["hosts"]) == sorted(first["hosts"]) for answer in answers), pattern
        flags = ("" if stable else " (any order)") + (" (warns)" if first["missed"] else "")
        lines.append(f"{pattern} =>{flags} {' '.join(first['hosts'] if stable else sorted(first['hosts']))}".rstrip())
    parts = [(path, text) for path, text in case["files"].items()]
    write(HERE / "patterns" / f"{name}.txt", parts + [("sources", "\n".join(sources)), ("expect", "\n".join(lines))])


def splits():
    from ansible.errors import AnsibleError
    from ansible.parsing.splitter import parse_kv, split_args
    rows = []
    for text, raw in SPLITS:
        try:
            found = {"split": split_args(text), "pairs": dict(parse_kv(text, check_raw=raw))}
        except AnsibleError:
            found = "error"
        rows.append(json.dumps({"text": text, "raw": raw, "expect": found}, ensure_ascii=False))
    write(HERE / "shortform.txt", [("expect", "\n".join(rows))])


def extras(folder):
    from ansible.parsing.dataloader import DataLoader
    from ansible import context
    from ansible.module_utils.common.collections import ImmutableDict
    from ansible.utils.vars import load_extra_vars
    lay({"vars.yml": "a: 1\nb: [x, y]\n", "vars.json": '{"a": 1e3}', "list.yml": "- a\n"}, folder)
    os.chdir(folder)
    rows = []
    for given in EXTRAS:
        context.CLIARGS = ImmutableDict(extra_vars=tuple(given))
        load_extra_vars.extra_vars = None
        try:
            found = json.loads(json.dumps(load_extra_vars(DataLoader())))
        except Exception:
            found = "error"
        rows.append(json.dumps({"given": given, "expect": found}, ensure_ascii=False))
    write(HERE / "extra.txt", [("expect", "\n".join(rows))])


def main():
    wanted = sys.argv[1:]
    for kind, cases in ((inventory, INVENTORIES), (patterns, PATTERNS)):
        for name, case in cases.items():
            if wanted and name not in wanted:
                continue
            folder = pathlib.Path(tempfile.mkdtemp())
            kind(name, case, folder)
            shutil.rmtree(folder)
    if not wanted or "shortform" in wanted:
        splits()
    if not wanted or "extra" in wanted:
        folder = pathlib.Path(tempfile.mkdtemp())
        extras(folder)
        os.chdir("/")
        shutil.rmtree(folder)


main()
