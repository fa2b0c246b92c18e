"""The 50 tasks that hosts are compared with: one list, three writers (a playbook, pyinfra, one script that reads the state), so that
each does the same in the same order. Always the same bytes."""
import json
import os
import random

VARS = {
    "managed_by": "bench", "env": "prod", "domain": "example.internal", "base_port": 8000, "log_level": "info",
    "max_connections": 512, "timeout_s": 30, "tls": True, "cache_mb": 256,
    "backends": [{"name": f"be{i}", "addr": f"10.9.0.{i}", "port": 9000 + i, "weight": i % 4 + 1} for i in range(1, 13)],
    "allowed": [f"10.{i}.0.0/16" for i in range(1, 9)],
    "limits": {"nofile": 65536, "nproc": 4096, "memlock": "unlimited"},
}
UNIT = """[Unit]
Description=Demonstration service
After=network.target

[Service]
ExecStart=/bin/sleep infinity
Restart=on-failure
User=app1

[Install]
WantedBy=multi-user.target
"""
TEMPLATE = """# {{ managed_by }} service NN on {{ inventory_hostname }}
[serviceNN]
listen = 0.0.0.0:{{ base_port + N }}
name = svcNN.{{ domain }}
environment = {{ env | upper }}
log_level = {{ log_level }}
max_connections = {{ max_connections }}
timeout = {{ timeout_s }}s
cache = {{ cache_mb * 1024 * 1024 }}
{% if tls %}
tls = on
certificate = /etc/bench/tls/svcNN.pem
{% else %}
tls = off
{% endif %}

[limits]
nofile = {{ limits.nofile }}
nproc = {{ limits.nproc }}
memlock = {{ limits.memlock | default('64k') }}

[upstream]
{% for b in backends %}
{% if b.weight > 1 or env == 'prod' %}
server {{ b.name }} {{ b.addr }}:{{ b.port }} weight={{ b.weight }}{% if loop.first %} primary{% endif %}

{% endif %}
{% endfor %}

[access]
{% for net in allowed %}
allow {{ net }}
{% endfor %}
deny all

[misc]
"""
MODULES = {"dir": "file", "template": "template", "copy": "copy", "line": "lineinfile", "group": "group", "user": "user",
           "package": "apt", "service": "systemd_service"}


def tasks():
    """(what, arguments as the playbook has them) of each task."""
    root = {"owner": "root", "group": "root"}
    for n in range(1, 6):
        yield "dir", {"path": f"/etc/bench/d{n}" if n < 4 else f"/srv/bench/d{n}", "state": "directory", "mode": "0755" if n != 5 else "0750", **root}
    yield "group", {"name": "benchapp", "gid": 3001}
    yield "group", {"name": "benchops", "gid": 3002}
    nobody = {"group": "benchapp", "groups": [], "shell": "/usr/sbin/nologin", "create_home": True}
    yield "user", {"name": "app1", "uid": 3101, "home": "/srv/app1", **nobody}
    yield "user", {"name": "app2", "uid": 3102, "home": "/srv/app2", **nobody}
    yield "user", {"name": "deploy", "uid": 3103, "home": "/home/deploy", "group": "benchops", "groups": ["sudo"], "shell": "/bin/bash", "create_home": True}
    for name in ("tree", "bc", "unzip", "jq", "rsync"):
        yield "package", {"name": name, "state": "present"}
    for n in range(1, 16):
        owner = {"mode": "0644", **root} if n % 3 else {"mode": "0640", "owner": "root", "group": "benchapp"}
        yield "template", {"src": f"t{n:02}.conf.j2", "dest": f"/etc/bench/d{n % 3 + 1}/t{n:02}.conf", **owner}
    for n in range(1, 11):
        yield "copy", {"src": f"c{n:02}.dat", "dest": f"/srv/bench/d4/c{n:02}.dat", "mode": "0644", **root}
    yield "line", {"path": "/etc/sysctl.d/90-bench.conf", "regexp": "^net.ipv4.ip_forward", "line": "net.ipv4.ip_forward = 1", "create": True}
    yield "line", {"path": "/etc/security/limits.conf", "regexp": "^app1 .*nofile", "line": "app1 soft nofile 65536"}
    yield "line", {"path": "/etc/login.defs", "regexp": "^UMASK", "line": "UMASK\t\t027"}
    yield "line", {"path": "/etc/ssh/sshd_config", "regexp": "^#?MaxAuthTries", "line": "MaxAuthTries 4"}
    yield "line", {"path": "/etc/default/cron", "regexp": "^#?EXTRA_OPTS=", "line": 'EXTRA_OPTS="-L 5"'}
    yield "copy", {"src": "bench-cron", "dest": "/etc/cron.d/bench-cron", "mode": "0644", **root}
    yield "copy", {"src": "demo-a.service", "dest": "/etc/systemd/system/demo-a.service", "mode": "0644", **root}
    for name in ("cron", "ssh", "demo-a"):
        yield "service", {"name": name, "state": "started", "enabled": True}


def write(folder):
    """Writes templates, files, `site.yml`, `deploy.py` (pyinfra) and `state.sh` (the floor) into a folder."""
    random_of = random.Random(7)
    for name in ("templates", "files"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    for n in range(1, 16):
        text = TEMPLATE.replace("NN", f"{n:02}").replace("N }}", f"{n} }}}}")
        while text.count("\n") < 52:
            k = text.count("\n")
            text += f"option_{n:02}_{k} = {random_of.randrange(10**6)}\n" if k % 2 else f"path_{k} = /srv/{{{{ env }}}}/{n:02}/{k}\n"
        save(folder, f"templates/t{n:02}.conf.j2", text)
    for n, size in enumerate((2, 4, 8, 12, 16, 24, 32, 48, 64, 100), 1):
        letters = "abcdefghijklmnopqrstuvwxyz0123456789 "
        save(folder, f"files/c{n:02}.dat", "".join(random_of.choice(letters) if i % 64 else "\n" for i in range(1, size * 1024 + 1)))
    save(folder, "files/demo-a.service", UNIT)
    save(folder, "files/bench-cron", "SHELL=/bin/sh\n17 3 * * * root test -x /usr/bin/true && /usr/bin/true\n")
    save(folder, "vars.json", json.dumps(VARS))
    all_of_them = list(tasks())
    assert len(all_of_them) == 50
    save(folder, "site.yml", playbook(all_of_them))
    save(folder, "deploy.py", pyinfra(all_of_them))
    save(folder, "state.sh", state(all_of_them))


def save(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def title(at, what, args):
    return f"{at:02} {what} {args.get('dest') or args.get('path') or args['name']}"


def playbook(all_of_them):
    lines = ["- hosts: all", "  vars_files: [vars.json]", "  tasks:"]
    for at, (what, args) in enumerate(all_of_them, 1):
        lines += [f"    - name: {title(at, what, args)}", f"      ansible.builtin.{MODULES[what]}: {json.dumps(args)}"]
    return "\n".join(lines) + "\n"


def pyinfra(all_of_them):
    lines = ['"""The same 50 tasks."""', "import json, os", "from pyinfra import host", "from pyinfra.operations import apt, files, server, systemd",
             "W = os.path.dirname(os.path.abspath(__file__))", "V = json.load(open(f'{W}/vars.json'))", "V['inventory_hostname'] = host.name"]
    for at, (what, a) in enumerate(all_of_them, 1):
        name, mode = f"name={title(at, what, a)!r}", (a.get("mode") or "").lstrip("0")
        owner = f"user='root', group={a.get('group')!r}"
        lines.append({
            "dir": lambda: f"files.directory({name}, path={a['path']!r}, mode={mode!r}, {owner})",
            "group": lambda: f"server.group({name}, group={a['name']!r}, gid={a['gid']})",
            "user": lambda: f"server.user({name}, user={a['name']!r}, uid={a['uid']}, group={a['group']!r}, groups={a['groups']!r}, shell={a['shell']!r}, home={a['home']!r}, create_home=True)",
            "package": lambda: f"apt.packages({name}, packages=[{a['name']!r}])",
            "template": lambda: f"files.template({name}, src=f'{{W}}/templates/{a['src']}', dest={a['dest']!r}, mode={mode!r}, {owner}, jinja_env_kwargs=dict(trim_blocks=True), **V)",
            "copy": lambda: f"files.put({name}, src=f'{{W}}/files/{a['src']}', dest={a['dest']!r}, mode={mode!r}, {owner})",
            "line": lambda: f"files.line({name}, path={a['path']!r}, line={a['regexp'] + '.*$'!r}, replace={a['line']!r})",
            "service": lambda: f"systemd.service({name}, service={a['name'] + '.service'!r}, running=True, enabled=True)",
        }[what]())
    return "\n".join(lines) + "\n"


def state(all_of_them):
    """One script that reads all that the 50 tasks are about."""
    paths = [a.get("dest") or a.get("path") for what, a in all_of_them if what in ("dir", "template", "copy", "line")]
    files = [a.get("dest") or a.get("path") for what, a in all_of_them if what in ("template", "copy", "line")]
    names = {kind: " ".join(a["name"] for what, a in all_of_them if what == kind) for kind in ("user", "group", "package", "service")}
    return "\n".join([
        "export LC_ALL=C",
        f"stat -c '%n %F %a %U %G %s %Y' {' '.join(paths)} 2>&1",
        f"sha256sum {' '.join(files)} 2>&1",
        f"getent passwd {names['user']}; getent group {names['group']}; id -Gn deploy 2>&1",
        f"dpkg-query -W -f '${{Package}} ${{Status}} ${{Version}}\\n' {names['package']} 2>&1",
        f"systemctl show -p Id,ActiveState,UnitFileState,NeedDaemonReload {names['service']}",
        f"cat {' '.join(a['path'] for what, a in all_of_them if what == 'line')} 2>&1",
    ]) + "\n"
