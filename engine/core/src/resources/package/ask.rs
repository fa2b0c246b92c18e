//! The questions about packages: one call of the tool for all of them.

use std::collections::BTreeMap;

use crate::resources::sh;
use crate::state::Look;

use super::is_pattern;

/// Which tool a host has, as the word after `m`.
pub(super) const MANAGER: &str = r"m=none; for t in apt-get dnf5 dnf microdnf yum apk; do command -v $t >/dev/null 2>&1 && { m=$t; break; }; done
";

pub(super) fn script(looks: &[&Look]) -> String {
    let names = sh::words(looks.iter().map(|look| &*look.id.name).filter(|name| !is_pattern(name)));
    let patterns = looks.iter().map(|look| &*look.id.name).filter(|name| is_pattern(name));
    let mut text = format!("{MANAGER}printf 'm %s\\n' \"$m\"\ncase $m in\napt-get)\n");
    text += &patterns.map(pattern).collect::<String>();
    text += &apt(&names, looks);
    text += &format!(";;\ndnf*|microdnf|yum)\n{};;\napk)\n{};;\nesac\nexit 0\n", rpm(&names), apk(&names));
    text
}

/// Two lines a package, with and without its architecture; dpkg's own shows the host's. What is not there is looked for among what others provide, and in the repositories.
fn apt(names: &str, looks: &[&Look]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!("set -- {names}\n");
    text += r#"n=$(printf '\n.'); n=${n%.}
f='${db:Status-Status} ${Architecture} ${db:Status-Want} ${Version}\n'
r=$(dpkg-query -W -f="p \${Package} ${f}p \${Package}:\${Architecture} $f" dpkg "$@" 2>/dev/null); printf '%s\n' "$r"
[ -r /var/lib/apt/extended_states ] && awk -v w=" $* " '/^Package: /{p=$2} /^Auto-Installed: 1/{if(index(w," " p " ")) print "d " p}' /var/lib/apt/extended_states
c=; for p do case "$n$r$n" in *"${n}p $p installed "*) ;; *) c="$c $p" ;; esac; done
[ -z "$c" ] || dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null | awk -v w="$c " '$1=="installed"{for(i=3;i<=NF;i++){v=$i;sub(/,$/,"",v);if(index(w," " v " "))print "v " v " " $2}}'
"#;
    text += BRINGS;
    let mut by_release: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for look in looks {
        for release in look.all("candidate") {
            by_release.entry(release).or_default().push(&look.id.name);
        }
    }
    let plain = by_release.remove("").unwrap_or_default();
    text += &format!("set -- $c {}\n[ $# -eq 0 ] || {{ echo 'o'; {}; }}\n", sh::words(plain), policy(""));
    for (release, names) in by_release {
        text += &format!(
            "set -- {}; printf 'o %s\\n' {}; {}\n",
            sh::words(names),
            sh::quote(release),
            policy(&format!(" -t {}", sh::quote(release)))
        );
    }
    text
}

/// Of each package of `$c`, which others may come with it: what it needs or recommends, and so on, that is not there. Where there are several ways to meet a
/// need, all count.
const BRINGS: &str = r#"[ -z "$c" ] || { dpkg-query -W -f='i ${db:Status-Status} ${Package}\n'; apt-cache depends --recurse --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances $c; } 2>/dev/null | awk -v w="$c" '$1=="i"{if($2=="installed")h[$3];next}/^[^ ]/{p=$1;next}{n=$NF;gsub(/[<>]/,"",n);sub(/:any$/,"",n);e[p]=e[p] " " n}END{k=split(w,a," ");for(i=1;i<=k;i++){split("",s);s[a[i]];q=a[i];o="";while(q!=""){m=split(q,b," ");q="";for(j=1;j<=m;j++){l=split(e[b[j]],d," ");for(x=1;x<=l;x++)if(!(d[x] in s)&&!(d[x] in h)){s[d[x]];q=q " " d[x]}}o=o q}print "b " a[i] " " o}}'
"#;

/// What apt knows of the packages `$@`; of those without a candidate, who provides them.
fn policy(release: &str) -> String {
    format!(
        r#"apt-cache{release} policy "$@" 2>/dev/null | sed 's/^/|/'; set -- $(apt-cache{release} policy "$@" 2>/dev/null | awk '/^[^ ]/{{p=$1;sub(/:$/,"",p)}} /Candidate: \(none\)/{{print p}}'); [ $# -eq 0 ] || apt-cache showpkg "$@" 2>/dev/null | awk '/^Package: /{{p=$2;s=0}} s&&NF{{print "w " p " " $1}} /^Reverse Provides:/{{s=1}}'"#
    )
}

/// A pattern's names come from the part of the names that begin as it does.
fn pattern(pattern: &str) -> String {
    let prefix = pattern.split(['*', '?', '[', '!']).next().unwrap_or_default();
    let glob: String =
        pattern.chars().map(|letter| if letter.is_ascii_alphanumeric() || "*?[]!-.+:".contains(letter) { letter } else { '?' }).collect();
    let shown = sh::quote(pattern);
    format!(
        "printf 'g %s\\n' {shown}; apt-cache pkgnames {} | while read -r p; do case $p in {glob}) printf '+%s\\n' \"$p\" ;; esac; done\n",
        sh::quote(prefix)
    )
}

fn rpm(names: &str) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(
        "for p in {names}; do rpm -q --qf \"p $p installed %{{ARCH}} install %{{EVR}}\\n\" \"$p\" 2>/dev/null | grep '^p ' || rpm -q --whatprovides --qf \"v $p %{{NAME}}\\n\" \"$p\" 2>/dev/null | grep '^v '; done\n"
    )
}

fn apk(names: &str) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(
        "set -- {names}\nawk -v w=\" $* \" '/^P:/{{p=substr($0,3)}} /^V:/{{v=substr($0,3)}} /^p:/{{n=split(substr($0,3),a,\" \");for(i=1;i<=n;i++){{sub(/[=<>~].*/,\"\",a[i]);if(index(w,\" \" a[i] \" \"))print \"v \" a[i] \" \" p}}}} /^A:/{{r=substr($0,3)}} /^$/{{if(p!=\"\"&&index(w,\" \" p \" \"))print \"p \" p \" installed \" r \" install \" v;p=\"\"}} END{{if(p!=\"\"&&index(w,\" \" p \" \"))print \"p \" p \" installed \" r \" install \" v}}' /lib/apk/db/installed\n"
    )
}
