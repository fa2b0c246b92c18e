"""What is asked of Ansible by regenerate.py: files, and which of them are sources (the first file, unless said)."""


def one(text, name="hosts.ini"):
    return {"files": {name: text}}


INVENTORIES = {
    "ini-plain": one("localhost\nalpha\nbeta ansible_host=10.0.0.2 ansible_port=2222\n\n[web]\nalpha\ngamma:2200\n\n[db]\nbeta\n"),
    "ini-comments": one("# head\n; other\nalpha # tail\nbeta x=1 # y=2\n[web] # the web\ngamma#glued\ndelta v=a#b\n[web:vars] # vars\na=1 # one\nb = text # not a comment\nc='q' # gone\n"),
    "ini-ranges": one("web[01:05:2].example.com\n[db]\ndb-[a:c]\n[rack]\nr[1:2]-n[0:1]\nten[8:11]\npad[008:010]:2222\nstep[0:20:7]\n[g]\nx[:2]\nMix[A:C]\n"),
    "ini-literals": one(
        "h int=5 neg=-5 octal=010 hex=0x1f float=1.50 exp=1e3 big=123456789012 true=True low=true yes=yes none=None empty= quoted='5' "
        "list=\"['a', 1]\" dict=\"{'a': {'b': [1, 2]}}\" bare=[a] tuple=(1,2) set=\"{3}\" ip=10.0.0.1 under=1_000 under2=1__0 text=abc\n"
        "[g]\nh\n[g:vars]\nint=5\nint_comment=5 # five\nstr=a b c\nquoted=\"a b\"\nsingle='it\\'s'\nesc=\"tab\\there\"\nraw=r'a\\tb'\njoined='a' 'b'\n"
        "tuple=1, 2\nparen=(1)\nlist=['a', \"b\", 1, 2.5, True, None]\nnested={'a': [{'b': 'c'}], 'd': ()}\nbad={'a': }\nbad2=[1, 2\njinja={{ a }}\n"
        "jinja2=\"{{ a }} b\"\nequals=a=b=c\nurl=http://x/?a=b&c=d\nplus=+5\nspace =   padded   \ntrailing=[1,2,]\nellipsis=...\nuni='\\u00e9'\n"
        "triple='''x'''\ndate=2020-01-01\nversion=1.2.3\nhexs='\\x41'\nleading= 5\nunderscore=_\nneg=-1.5\ndouble=--5\nsum=1+1\nnot=not True\n"
        "fstring=f'x'\nnum_word=5a\npath=/usr/bin\nmode=0644\nzero=0\nzeros=00\ndot=.5\nenddot=5.\nmany=1.2e-5\nhuge=1e40\n"
    ),
    "ini-quoting": one(
        "h a='x y' b=\"p q\" c=x\\ y d=\"it's\" e='say \"hi\"' f=\"esc\\\"q\" g=pre'mid dle'post h=\"a\\nb\" i='a\\nb' j=a\\nb k=\"\" l='' m=\"'5'\" n='\"6\"'\n"
        "\"quoted host\" x=1\no=1\nuni é=ü\n"
    ),
    "ini-groups": one(
        "[a]\na1\n[b]\nb1\na1\n[c:children]\na\nb\n[d:children]\nc\ne\n[e]\ne1\n[c:vars]\nv=c\n[a:vars]\nv=a\n[d:vars]\nv=d\nonly_d=1\n[empty]\n[all:vars]\nv=all\nglobal=g\n"
    ),
    "ini-late-children": one("[top:children]\nmid\nother\n[mid:children]\nleaf\n[other:children]\nleaf\n[leaf]\nl1\nl2\n[top:vars]\nx=top\n[mid:vars]\nx=mid\n[other:vars]\nx=other\n[leaf:vars]\ny=leaf\n"),
    "ini-priority": one(
        "[a]\nh\n[b]\nh\n[z]\nh\n[a:vars]\nansible_group_priority=10\nv=a\nw=a\n[b:vars]\nv=b\nw=b\nansible_group_priority=5\n[z:vars]\nv=z\nw=z\nx=z\n"
    ),
    "ini-priority-depth": one(
        "[parent:children]\nchild\nsibling\n[child]\nh\n[sibling]\nh\n[flat]\nh\n[parent:vars]\nansible_group_priority=100\nv=parent\n[child:vars]\nv=child\n[sibling:vars]\nansible_group_priority=-1\nv=sibling\n[flat:vars]\nv=flat\nansible_group_priority=50\n"
    ),
    "ini-deep": one(
        "[l5]\nh5\n[l4:children]\nl5\n[l3:children]\nl4\n[l2:children]\nl3\nside\n[l1:children]\nl2\n[side]\nh5\nh6\n"
        + "".join(f"[l{n}:vars]\nv=l{n}\n" for n in (1, 3, 4)) + "[side:vars]\nv=side\n"
    ),
    "ini-diamond": one("[root:children]\nleft\nright\n[left:children]\nbottom\n[right:children]\nbottom\n[bottom]\nb1\n[left:vars]\nv=left\n[right:vars]\nv=right\n"),
    "ini-all-explicit": one("[all]\nx1\nx2 a=1\n[web]\nx2\n[all:vars]\nb=2\n[ungrouped]\nu1\nx2\n"),
    "ini-undeclared-vars": one("[web]\nh\n[nope:vars]\na=1\n"),
    "ini-undeclared-child": one("[web:children]\nnope\n"),
    "ini-cycle": one("[a:children]\nb\n[b:children]\na\n"),
    "ini-bad-section": one("[a b]\nh\n"),
    "ini-bad-kind": one("[a:hsots]\nh\n"),
    "ini-bad-var": one("h novalue\n"),
    "ini-bad-range": one("h[1:x]\n"),
    "ini-bad-quote": one("h a='open\n"),
    "ini-no-equals": one("[g]\nh\n[g:vars]\nnovalue\n"),
    "ini-ipv6": one("2001:db8::1 a=1\n[2001:db8::2]:2222 b=2\n[v6]\nfe80::1\n::1\n"),
    "ini-ports": one("a:22\nb:2222 ansible_port=99\na:23\n10.0.0.1:8022\n[g]\na:24\n"),
    "ini-names": one("under_score\nda-sh\nUPPER.Example.COM\n123\nx.y.z\n*star\n@at\n[gr-oup]\nh\n[gr.dot]\nh\n[1num]\nh\n"),
    "ini-override": one("h a=1 b=1\n[g]\nh a=2\n[k]\nh c=3 b=\"{'x': 1}\"\n[l]\nh b=\"{'y': 2}\"\n"),
    "ini-crlf": one("[web]\r\nh a=1\r\n[web:vars]\r\nb=x y\r\n"),
    "ini-no-extension": one("[web]\nh a=1\n", "hosts"),
    "ini-plain-words": one("alpha\nbeta\n", "hosts"),
    "ini-empty": one("# nothing\n"),
    "yaml-plain": one(
        "all:\n  hosts:\n    top:\n      a: 1\n  children:\n    web:\n      hosts:\n        w1:\n        w2: {x: [1, 2], y: yes, z: 0644, s: '5', n: ~}\n      vars:\n        role: web\n"
        "    db:\n      hosts:\n        d[1:3]:\n          p: 1\n      children:\n        replica:\n          hosts:\n            d3:\n            d4:\n  vars:\n    g: all\n",
        "hosts.yml",
    ),
    "yaml-shorthand": one("ungrouped:\n  hosts: lone\nweb:\n  hosts:\n    w1: ~\n  children:\n  vars: {}\n", "hosts.yaml"),
    "yaml-top-groups": one("web:\n  hosts:\n    h: {a: 1}\n  vars: {v: web}\nprod:\n  children:\n    web:\n  vars: {v: prod, ansible_group_priority: 10}\nlast:\n  hosts:\n    h:\n  vars: {v: last}\n", "hosts.yml"),
    "yaml-no-extension": one("all:\n  hosts:\n    a:\n    b:\n", "hosts"),
    "yaml-ports": one("all:\n  hosts:\n    a:2222:\n    '[2001:db8::1]:22':\n    b[1:2]:2200: {ansible_port: 5}\n", "hosts.yml"),
    "yaml-list-hosts": one("all:\n  hosts:\n    - a\n    - b\n", "hosts.yml"),
    "yaml-bool-vars": one("all:\n  hosts:\n    h: {a: on, b: 'on', c: 1_000, d: 0x1F, e: 1e3, f: .5, g: 'null', h: null, i: 1:30, j: !!str 5}\n", "hosts.yml"),
    "yaml-anchors": one("x: &x {vars: {a: 1}}\nweb:\n  <<: *x\n  hosts: {h: }\n", "hosts.yml"),
    "json-file": one('{"all": {"hosts": {"a": {"x": 1e3, "y": [true, null]}}, "children": {"web": {"hosts": {"b": null}}}}}', "hosts.json"),
    "comma-list": {"files": {"x.txt": "x"}, "sources": ["h1,h2:2222,[2001:db8::5]:22,h1, ,x[1:2],"]},
    "comma-one": {"files": {"x.txt": "x"}, "sources": ["only,"]},
    "two-sources": {"files": {"a.ini": "[web]\nh v=a only_a=1\n[web:vars]\ng=a\n", "b.yml": "web:\n  hosts:\n    h: {v: b}\n    i:\n  vars: {g: b, only_b: 1}\n"}, "sources": ["a.ini", "b.yml"]},
    "two-sources-back": {"files": {"a.ini": "[web]\nh v=a\n", "b.yml": "web:\n  hosts:\n    h: {v: b}\n    i:\n"}, "sources": ["b.yml", "a.ini", "extra,"]},
    "folder": {
        "files": {
            "inv/02-b.ini": "[web]\nh v=2\n", "inv/01-a.yml": "web: {hosts: {h: {v: 1, w: 1}}}\n", "inv/hosts": "[db]\nd\n", "inv/x.cfg": "[bad]\nx\n", "inv/y.orig": "bad1\n",
            "inv/z.bak": "bad2\n", "inv/q~": "bad3\n", "inv/README.md": "bad4\n", "inv/notes.txt": "bad5\n", "inv/r.retry": "bad6\n", "inv/.hidden": "bad7\n", "inv/s.pyc": "bad8\n",
            "inv/deep/more.ini": "[deep]\nm\n", "inv/group_vars/web.yml": "gv: web\n", "inv/group_vars/all.yml": "gv: all\nga: 1\n", "inv/host_vars/h.yml": "hv: 1\n",
            "inv/deep/group_vars/deep.yml": "ignored: true\n", "inv/ini.ini~": "bad9\n", "inv/t.rst": "bad\n",
        },
        "sources": ["inv"],
    },
    "vars-forms": {
        "files": {
            "hosts.ini": "[a]\nh\n[b]\nh\n[c]\nh\n[d]\nh\n[e]\nh\n[f.g]\nh\n",
            "group_vars/a": "form: plain\nfrom_a: 1\n", "group_vars/a.yml": "form: yml\n", "group_vars/b.yml": "b1: 1\n", "group_vars/b.yaml": "b2: 1\n", "group_vars/c.json": '{"c1": [1, 2.5]}',
            "group_vars/d/20.yml": "d: 20\nd20: 1\n", "group_vars/d/10.yml": "d: 10\nd10: 1\n", "group_vars/d/30": "d: 30\n", "group_vars/d/x.txt": "no: 1\n", "group_vars/d/.h.yml": "no: 2\n",
            "group_vars/d/y.yml~": "no: 3\n", "group_vars/d/sub/s.yml": "sub: 1\n", "group_vars/d/sub.d/s.yml": "no: 4\n", "group_vars/d.yml": "no: 5\n", "group_vars/e.yaml": "# empty\n",
            "group_vars/f.g": "dotted: 1\n", "host_vars/h/a.yml": "hv: a\n", "host_vars/h/b.json": '{"hv": "b"}',
        },
    },
    "vars-levels": {
        "files": {
            "inv/hosts.ini": "[all:vars]\nv=ini_all\n[parent:children]\nchild\n[child]\nh v=ini_host\n[parent:vars]\nv=ini_parent\nl3=ini\n[child:vars]\nv=ini_child\n",
            "inv/group_vars/all.yml": "v: inv_all\nl4: inv\nl5: inv\nl3: inv_all\n", "inv/group_vars/parent.yml": "v: inv_parent\nl6: inv\nl7: inv\nl5b: inv\n",
            "inv/group_vars/child.yml": "v: inv_child\nl6: inv_child\n", "inv/host_vars/h.yml": "v: inv_host\nl9: inv\nl10: inv\n",
            "pb/group_vars/all.yml": "v: pb_all\nl5: pb\nl6: pb_all\nl3: pb_all\n", "pb/group_vars/parent.yml": "v: pb_parent\nl7: pb\nl5b: pb\nl6: pb_parent\n", "pb/host_vars/h.yml": "v: pb_host\nl10: pb\n",
        },
        "sources": ["inv/hosts.ini"], "playbook": "pb",
    },
    "vars-levels-group-host": {
        "files": {"inv/hosts.ini": "[g]\nh a=ini b=ini\n[g:vars]\na=g\nc=g\n", "pb/group_vars/g.yml": "a: pb_g\nb: pb_g\nc: pb_g\n", "inv/group_vars/all/x.yml": "c: all\nd: all\n"},
        "sources": ["inv/hosts.ini"], "playbook": "pb",
    },
    "vars-two-sources": {
        "files": {
            "one/hosts": "[web]\nh\n[db]\nh\n", "one/group_vars/web.yml": "v: one_web\nw: one_web\n", "one/group_vars/db.yml": "v: one_db\n", "two/hosts": "[web]\nh\n", "two/group_vars/db.yml": "x: two_db\n",
            "two/group_vars/web.yml": "v: two_web\n", "two/host_vars/h.yml": "y: two\n", "one/host_vars/h.yml": "y: one\n", "one/group_vars/all.yml": "z: one\n", "two/group_vars/all.yml": "z: two\n",
        },
        "sources": ["one/hosts", "two/hosts"],
    },
    "vars-same-folder": {
        "files": {"inv/a.ini": "[g]\nh\n", "inv/b.ini": "[k]\nh\n", "other/c.ini": "[g]\nh\n", "inv/group_vars/g.yml": "v: inv\n", "other/group_vars/g.yml": "v: other\n"},
        "sources": ["inv/a.ini", "other/c.ini", "inv/b.ini"],
    },
    "vars-priority-not-in-files": {
        "files": {"hosts.ini": "[a]\nh\n[z]\nh\n", "group_vars/a.yml": "ansible_group_priority: 10\nv: a\n", "group_vars/z.yml": "v: z\n"},
    },
    "vars-of-ungrouped": {"files": {"hosts.ini": "h\n[g]\nk\n", "group_vars/ungrouped.yml": "u: 1\n", "host_vars/h": "f: {a: [1]}\n"}},
    "vars-localhost": {"files": {"hosts.ini": "localhost ansible_connection=local\n[g]\nk\n", "host_vars/localhost.yml": "l: 1\n"}},
    "script-meta": {
        "files": {"inv.sh": "#!/bin/sh\ncat <<'X'\n{\"web\": {\"hosts\": [\"h1\", \"h2\"], \"vars\": {\"g\": 1, \"t\": \"{{ g }}\"}, \"children\": [\"sub\"]}, \"sub\": {\"hosts\": [\"h3\"]}, \"old\": [\"h4\"],\n \"_meta\": {\"hostvars\": {\"h1\": {\"a\": [1, {\"b\": null}]}, \"nobody\": {\"x\": 1}}}}\nX\n"},
    },
    "script-no-meta": {
        "files": {"inv.sh": "#!/bin/sh\nif [ \"$1\" = --list ]; then echo '{\"web\": {\"hosts\": [\"h1\"]}}'; else echo \"{\\\"name\\\": \\\"$2\\\"}\"; fi\n"},
    },
    "script-fails": {"files": {"inv.sh": "#!/bin/sh\necho no >&2\nexit 3\n"}},
    "mixed-folder": {
        "files": {
            "inv/10-script": "#!/bin/sh\necho '{\"dyn\": {\"hosts\": [\"h1\", \"s1\"], \"vars\": {\"v\": \"dyn\"}}, \"_meta\": {\"hostvars\": {\"h1\": {\"hv\": \"script\"}}}}'\n",
            "inv/20.ini": "[dyn]\nh1 hv=ini\n[stat:children]\ndyn\n[stat:vars]\nv=stat\n", "inv/30.yml": "stat: {hosts: {y1: {ansible_host: 10.1.1.1}}, vars: {ansible_group_priority: 3}}\n",
            "inv/group_vars/dyn/a.yml": "gv: a\n", "inv/group_vars/dyn/b.yaml": "gv: b\n", "inv/host_vars/s1.yml": "sv: 1\n",
        },
        "sources": ["inv"],
    },
    "merge-replaces": {"files": {"hosts.ini": "[g]\nh d=\"{'c': 3}\"\n", "group_vars/g.yml": "d: {a: 1, b: {x: 1}}\ne: [1]\n", "group_vars/all.yml": "d: {z: 1}\ne: [2]\n"}},
}

FLEET = "\n".join(
    ["[web]", "web[1:5].example.com", "[db]", "db1", "db2", "db[3:4]", "[cache]", "web2.example.com", "db1", "[prod:children]", "web", "db", "[eu]", "web1.example.com", "db2", "[us]", "web3.example.com",
     "web4.example.com", "db3", "[regions:children]", "eu", "us", "[empty]", "[lone]", "solo", "[v6]", "2001:db8::1", "2001:db8::2", "[dash-ed]", "node-a", "node-b", "[x1]", "host_x"]
) + "\n"
WORDS = """
all|*|web|db|prod|regions|ungrouped|empty|solo|db1|db*|*.example.com|web?.example.com|web[1-3].example.com|web[0]|web[-1]|web[-2]|web[0:2]|web[1:]|web[0:0]|web[2:0]|web[2:1]|web[9]|web[-9]
web[1:99]|prod[0]|prod[3:5]|web,db|web:db|web:&eu|web:!eu|web,&eu|web,!eu|prod:&regions:!us|prod,&regions,!us|!web|&web|!web:&prod|all:!web:!db|all,!web,!db|~web[12]\\.example\\.com|~db[0-9]$
~^d|~.*-a|!~db.*|all:!~web.*|db1,db2,db1|db2,db1|db1:db2|db2:web1.example.com|nope|nope,db1|db1:nope|nope:&web|web:&nope|web:!nope|localhost|127.0.0.1|localhost,db1|localhost:db1|2001:db8::1
2001:db8::1,2001:db8::2|v6|v6:!2001:db8::1|v6,!2001:db8::1|2001:db8::*|dash-ed|dash*|node-[ab]|node-[!a]|node-?|*-*|x1|host_x|db[1:2]|db[0:1]|db[1:2],solo|web*|prod:web|web:prod
us:eu|eu:us|regions:!eu|regions[0]|regions[-1]|cache|cache:&web|cache:!web|cache[0],db[0]|all[0]|all[-1]|all[0:3]|*[0]|w*|e*|*o*|[wd]*|web1.example.com|web1.example.com:web2.example.com|web1.example.com,!web
 web , db |web: db|web,|,web|,|all:&all|all:!all|*:!*|db:&db1|&db:web|!db1:db|db,!db1,&db2|web:&cache:db|DB1|WEB|db1.|.|web.*|~|~[|db[1|db]1|a[b]c|db[1-2]|db[0-1]
all --limit web|all --limit db1,db2|prod --limit regions|web --limit !eu|all --limit web:&eu|db --limit web|all --limit nope|all --limit ~db|web --limit web[0]|all --limit all[0:2]|all --limit db2,db1|localhost --limit web|all --limit localhost
"""
PATTERNS = {
    "fleet": {"files": {"hosts.ini": FLEET}, "patterns": [word for line in WORDS.strip("\n").split("\n") for word in line.split("|") if word.strip()]},
    "local": {
        "files": {"hosts.ini": "localhost\n[a]\nh1\n127.0.0.1\n[localgroup:children]\na\n"},
        "patterns": ["all", "localhost", "127.0.0.1", "::1", "local*", "a", "*", "localgroup[1]", "localhost:a", "~local"],
    },
    "none": {"files": {"hosts.ini": "# nothing\n"}, "patterns": ["all", "localhost", "127.0.0.1", "::1", "*", "nope", "localhost,nope", "all[0]", "ungrouped"]},
    "same-name": {"files": {"hosts.ini": "[web]\nweb\nother\n[db]\ndb1\nweb\n"}, "patterns": ["web", "web*", "db", "web:&db", "!web", "db:!web", "web[0]", "we?"]},
    "nested": {
        "files": {"hosts.ini": "[a]\na1\na2\n[b]\nb1\n[c]\nc1\na2\n[p:children]\nb\na\n[q:children]\nc\np\n[r:children]\nq\n"},
        "patterns": ["all", "p", "q", "r", "p[0]", "q[1:]", "r:!c", "q:&a", "a:b:c", "c:p", "r[0:1]", "*[-1]"],
    },
    "regex": {"files": {"hosts.ini": FLEET}, "patterns": ["~(web|db)1", "~(web|db)[12]", "~(?!db).*1", "~web|db,&prod", "~(", "~^(db)1$,solo", "!~(web|db)", "web[a]*", "~db1:solo", "[wd]*:!~.*[12].*", "*1*", "*[!1]", "db[[]1]"]},
    "lists": {"files": {"x": ""}, "sources": ["z,y,x1,x2,"], "patterns": ["all", "z", "x*", "x[1:2]", "ungrouped", "all[1]", "y:z", "all:!z"]},
}

# text, and whether the module takes a free form (command, shell, raw, script)
SPLITS = [
    ("a=b", False), ("a=b c=d", False), ("a=b  c=d ", False), ("a='x y' b=\"p q\"", False), ("a=\"{{ x y }}\" b={{ x }} c={{ a b }}", False), ("a={% if x %} y {% endif %} b=1", False),
    ("src=a dest={{ item.path | default('x y') }} mode=0644", False), ("a=b=c", False), ("a", False), ("ls -l /tmp", True), ("ls -l chdir=/tmp", True), ("chdir=/tmp ls -l creates=/x", True),
    ("echo a=b", True), ("echo 'a b'  \"c  d\"", True), ("echo a\\=b", True), ("creates=\"/a b\" touch '/a b'", True), ("echo {{ x }} removes={{ y z }}", True), ("executable=/bin/bash echo $HOME", True),
    ("stdin='x y' cat", True), ("warn=no echo hi", True), ("a='it\\'s'", False), ("a=\"x\\\"y\"", False), ("a=x\\ny b=x\\ty", False), ("a=\"line\\nnext\"", False), ("echo one\necho two", True),
    ("echo one \\\n  two", True), ("a=1 \\\n b=2", False), ("a='multi\nline' b=1", False), ("a='open", False), ("a={{ open", False), ("a={# note x #} b=1", False), ("msg=\"a {{ b }} c\" x=y", False),
    ("echo {{ a }}{{ b }} c={{ d }}", True), ("a=\\u00e9 b=\\x41", False), ("", False), ("   ", False), ("a= b=1", False), ("=x", False), ("a=''", False), ("a='\"x\"'", False), ("path=C:\\\\dir", False),
    ("echo 'a=b' c", True), ("sh -c 'x=1; echo $x' chdir=/", True), ("a=b\tc=d", False), ("a=\"b\"c d=e", False), ("cmd arg={{ x['a b'] }} chdir=/", True), ("a=b c", False), ("name=x state=present\n    update_cache=yes", False),
    ("mysqldump -u root --password='x' > /tmp/a.sql chdir=/root", True), ("awk '{print $1}' file", True), ("echo \"{{ a }}\" | grep {{ b }}", True), ("stdin_add_newline=no strip_empty_ends=no x", True),
    ("a={{ {'x': 1} }} b=2", False), ("echo é=ü ñ", True), ("a=b  ", False), ("  a=b", False), ("echo  a   b", True),
]

EXTRAS = [
    ["a=1 b='x y'"], ["a=1", "a=2 b=3"], ['{"a": 1, "b": [true]}'], ["{a: 1, b: yes}"], ["@vars.yml"], ["@vars.json"], ["@vars.yml", "a=9"], ["/x"], ["./x"], ["@nope.yml"], ["[1, 2]"], ["@list.yml"],
    ["a={{ b }}"], ["a"], ["a= b"], ["version=1.23.45 other_variable=foo"], ['{"a":1e3}'], ["{a: 1"], ["a='{\"x\": 1}'"], ["a=\"b c\" d=e\\nf"], ["a=True b=5 c=null"], ["x y=1"],
]


def by_chance():
    """Cases made by chance, always the same ones: what nobody would think of writing."""
    import random

    chance = random.Random(7)

    def words(pieces, most):
        return "".join(chance.choice(pieces) for _ in range(chance.randint(1, most)))

    short = ["a", "b=", "=", "'", '"', "\\", " ", "  ", "\n", "{{", "}}", "{%", "%}", "{#", "#}", "chdir=/x", "creates=", "é", "\\n", "\\x41", "\\=", "x", "|", "\t", "'a b'", '"c d"', "k=v"]
    SPLITS.extend((words(short, 12), chance.random() < 0.5) for _ in range(400))

    literal = ["1", "0", "9", "_", ".", "e", "-", "+", "x", "o", "b", "'", '"', "[", "]", "{", "}", "(", ")", ",", " ", "True", "None", "a", "#", "\\", "\\n", ":", "'a'", "1.5", "0x1", "[1]", "{'a': 1}", "r'", "é"]
    lines = [f"v{n}={words(literal, 7)}" for n in range(400)]
    INVENTORIES["chance-literals"] = one("h\n[all:vars]\n" + "\n".join(lines) + "\n")

    pieces = ["web", "db", "prod", "eu", "us", "all", "*", "?", "[0]", "[1:2]", "[-1]", "[a-c]", "db1", ":", ":", ",", ",", "&", "!", "~", "web1.example.com", ".", "1", "cache", "v6", "2001:db8::1", "w*", " ", "(", ")", "|"]
    patterns = {words(pieces, 6) for _ in range(400)}
    PATTERNS["chance"] = {"files": {"hosts.ini": FLEET}, "patterns": sorted(p for p in patterns if p.strip() and "[2001" not in p)}

    groups, hosts = [f"g{c}" for c in "abcdefgh"], [f"h{n}" for n in range(6)]
    for number in range(12):
        files, sources = {}, []
        for source in range(chance.randint(1, 2)):
            order, sections = chance.sample(groups, len(groups)), []
            for at, name in enumerate(order[: chance.randint(3, 8)]):
                sections.append(f"[{name}]\n" + "".join(f"{host}{chance.choice(['', f' v=host{source}', ' k=1'])}\n" for host in chance.sample(hosts, chance.randint(0, 3))))
                children = [child for child in order[at + 1 :] if chance.random() < 0.2]
                if children:
                    sections.append(f"[{name}:children]\n" + "\n".join(children) + "\n")
                if chance.random() < 0.6:
                    priority = f"ansible_group_priority={chance.randint(-3, 5)}\n" if chance.random() < 0.4 else ""
                    sections.append(f"[{name}:vars]\nv={name}\nw_{name}=1\n{priority}")
            chance.shuffle(sections)
            folder = f"s{source}/" if chance.random() < 0.7 else ""
            files[f"{folder}inv{source}.ini"] = chance.choice(["", "h9\n", "h0 top=1\n"]) + "".join(sections) + "".join(f"[{name}]\n" for name in order)
            sources.append(f"{folder}inv{source}.ini")
            for name in chance.sample(groups + ["all", "ungrouped"], 4):
                files[f"{folder}group_vars/{name}.yml"] = f"v: gv_{name}_{source}\nfv: {name}{source}\n"
            for name in chance.sample(hosts, 2):
                files[f"{folder}host_vars/{name}.yml"] = f"hv: {source}\n"
        for name in chance.sample(groups + ["all"], 4):
            files[f"pb/group_vars/{name}.yml"] = f"v: pb_{name}\npv: {name}\n"
        files[f"pb/host_vars/{chance.choice(hosts)}.yml"] = "phv: 1\nfv: pb\n"
        INVENTORIES[f"chance-graph-{number:02}"] = {"files": files, "sources": sources, "playbook": "pb"}


by_chance()
