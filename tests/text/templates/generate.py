#!/usr/bin/env python3
"""Writes the expectations of the cases in this folder: what ansible-core really gives.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install 'ansible==12.*' jmespath netaddr passlib
    /tmp/venv/bin/python generate.py [file.txt …]

A file begins with variables in YAML up to a line `---`. A case is a template, or a line `@when`, `@expression`, `@plain` (backslashes escape) and an expression, or `@file` with settings as JSON and a template file, up to a
line `=> JSON`, or `=> !error`; a line `!> JSON` after that says what `play` gives on purpose instead. Cases are separated by empty lines; text after `#!` on a line of its own is a remark."""
import contextlib, io, json, os, sys
os.environ.update(ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_DEPRECATION_WARNINGS="0", TZ="UTC", CASE_ENV="from env", ANSIBLE_JINJA2_EXTENSIONS="jinja2.ext.do,jinja2.ext.loopcontrols")
here = os.path.dirname(os.path.abspath(__file__))
os.chdir(os.path.join(here, "files"))
from ansible.parsing.dataloader import DataLoader
from ansible.plugins import loader as plugins
from ansible.template import Templar, trust_as_template
plugins.init_plugin_loader()
loader = DataLoader()
loader.set_basedir(os.path.join(here, "files"))


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return value


def evaluate(kind, text, variables):
    templar = Templar(loader=loader, variables=variables)
    if kind == "@when":
        return templar.evaluate_conditional(trust_as_template(text))
    if kind == "@expression":
        return templar.evaluate_expression(trust_as_template(text))
    if kind.startswith("@file"):
        overrides = json.loads(kind[5:] or "{}")
        result = templar.template(trust_as_template(text), escape_backslashes=False, overrides=overrides)
        return "" if result is None else str(result)
    if kind == "@plain":
        return templar.evaluate_expression(trust_as_template(text), escape_backslashes=False)
    return templar.template(trust_as_template(text))


def main(path):
    head, _, body = open(path).read().partition("\n---\n")
    import yaml
    variables = trusted(yaml.safe_load(head) or {})
    variables.update(role_path="/r", ansible_search_path=[os.path.join(here, "files")], playbook_dir=os.path.join(here, "files"))
    out, lines = [], []
    for line in body.split("\n"):
        if line.startswith(("#!", "!> ")) or (not line and not lines):
            out.append(line)
        elif line.startswith("=> "):
            kind = lines[0] if lines[0].startswith("@") else "@template"
            text = "\n".join(lines[1:] if lines[0].startswith("@") else lines)
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    result = "=> " + json.dumps(evaluate(kind, text, variables), ensure_ascii=False)
            except Exception as error:
                result = "=> !error"
                if "-v" in sys.argv:
                    print(text, "ERROR", str(error)[:200])
            out += lines + [result]
            lines = []
        else:
            lines.append(line)
    open(path, "w").write(head + "\n---\n" + "\n".join(out))


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "-v"]
    for name in names or sorted(name for name in os.listdir(here) if name.endswith(".txt")):
        main(os.path.join(here, name))
