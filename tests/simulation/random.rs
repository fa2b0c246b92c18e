//! Random playbooks: what may meet in one play meets, with states that do not fight each other, so that each is reached in
//! one run and stays.

use serde_json::{Value as Json, json};
use tests::dice::Dice;

use super::case::Traits;

/// A playbook, and what may be held against a run of it.
#[derive(Default)]
pub struct Random {
    pub traits: Traits,
    pub plays: Vec<Json>,
    pub files: Vec<(String, String)>,
    tasks: usize,
    handlers: usize,
    guarded: bool,
    rescues: bool,
    /// Within a role that runs beside others.
    side: bool,
    depth: usize,
}

impl Random {
    pub fn new(dice: &mut Dice) -> Random {
        let mut random = Random { traits: Traits { hosts: 1 + dice.roll(4), ..Traits::default() }, ..Random::default() };
        for _ in 0..1 + usize::from(dice.chance(20)) {
            let play = random.play(dice);
            random.plays.push(play);
        }
        if dice.chance(15) {
            let play = random.cluster(dice);
            random.plays.push(play);
        }
        random
    }

    /// The playbook as text, as JSON is YAML.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.plays).unwrap_or_default()
    }

    /// The same where each task keeps its result: none is sent together with another.
    pub fn stepwise(&self) -> String {
        let mut plays = self.plays.clone();
        let mut count = 0;
        plays.iter_mut().for_each(|play| register(play, &mut count));
        serde_json::to_string_pretty(&plays).unwrap_or_default()
    }

    fn name(&mut self) -> String {
        self.tasks += 1;
        format!("{}{}{}", if self.side { "s" } else { "t" }, self.tasks, if self.guarded { "g" } else { "" })
    }

    fn play(&mut self, dice: &mut Dice) -> Json {
        let mut play = json!({"name": format!("play {}", self.plays.len()), "hosts": "hosts", "gather_facts": false});
        let options = [
            ("serial", json!(1)),
            ("serial", json!([1, 2])),
            ("serial", json!("50%")),
            ("any_errors_fatal", json!(true)),
            ("max_fail_percentage", json!(40)),
            ("force_handlers", json!(true)),
            ("order", json!("reverse_inventory")),
            ("become", json!(true)),
        ];
        if dice.chance(40) {
            let (word, value) = dice.pick(&options);
            play[*word] = value.clone();
            self.traits.linked |= matches!(*word, "serial" | "any_errors_fatal" | "max_fail_percentage");
            self.traits.forced |= *word == "force_handlers";
        }
        let begin = self.handlers;
        for (section, percent) in [("pre_tasks", 20), ("tasks", 100), ("post_tasks", 20)] {
            if dice.chance(percent) {
                let count = 1 + dice.roll(if section == "tasks" { 6 } else { 2 });
                play[section] = (0..count).flat_map(|_| self.some(dice)).collect();
            }
        }
        if dice.chance(15) {
            play["roles"] = self.roles(dice);
        }
        let handlers: Vec<Json> = (begin..self.handlers)
            .map(|at| match at % 3 {
                0 => json!({"name": format!("h{at}"), "command": format!("simctl count h{at}")}),
                1 => json!({"name": format!("h{at}"), "copy": {"dest": format!("/srv/rescue-h{at}"), "content": "x"}}),
                _ => json!({"name": format!("h{at}"), "shell": format!("simctl count h{at}"), "listen": "all"}),
            })
            .collect();
        if !handlers.is_empty() {
            play["handlers"] = handlers.into();
        }
        play
    }

    /// Roles, each after some of those before it and beside the others.
    fn roles(&mut self, dice: &mut Dice) -> Json {
        self.traits.sides = true;
        let mut names: Vec<String> = vec![];
        for _ in 0..2 + dice.roll(3) {
            let name = format!("q{}", self.tasks);
            let after: Vec<&String> = names.iter().filter(|_| dice.chance(40)).collect();
            self.files.push((format!("roles/{name}/meta/main.yml"), json!({"after": after}).to_string()));
            self.side = true;
            let tasks: Vec<Json> = (0..1 + dice.roll(2)).flat_map(|_| self.some(dice)).collect();
            self.side = false;
            self.files.push((format!("roles/{name}/tasks/main.yml"), Json::from(tasks).to_string()));
            names.push(name);
        }
        json!(names)
    }

    /// One to three tasks that belong together.
    fn some(&mut self, dice: &mut Dice) -> Vec<Json> {
        let n = self.tasks;
        let mut all = match dice.roll(9) {
            0 | 1 => self.paths(dice, n),
            2 => self.system(dice, n),
            3 => self.actions(dice, n),
            4 => self.values(dice, n),
            5 => self.blocks(dice),
            6 => self.links(dice, n),
            7 => self.odd(dice, n),
            _ => self.loops(dice, n),
        };
        if dice.chance(25) && !all[0]["name"].is_null() && all[0].get("meta").is_none() {
            all[0]["notify"] = json!(format!("h{}", self.handlers));
            self.handlers += 1;
        }
        if dice.chance(8) {
            all.push(json!({"name": self.name(), "meta": "flush_handlers"}));
        }
        all
    }

    fn copy(&mut self, dest: &str, content: &str) -> Json {
        let dest = if self.rescues { dest.replacen("/etc/", "/srv/rescue-", 1) } else { dest.to_string() };
        json!({"name": self.name(), "copy": {"dest": dest, "content": content}})
    }

    fn paths(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        let rescue = if self.rescues { "rescue-" } else { "" };
        match dice.roll(5) {
            0 => {
                let mut task = self.copy(&format!("/etc/f{n}"), "one\n");
                task["copy"]["mode"] = json!("0600");
                vec![task]
            }
            1 => {
                let folder = format!("/srv/{rescue}d{n}");
                let made = json!({"name": self.name(), "file": {"path": folder, "state": "directory", "mode": "0750"}});
                let mut inside = self.copy("", "in it\n");
                inside["copy"]["dest"] = json!(format!("{folder}/f"));
                vec![made, inside]
            }
            2 => {
                let path = format!("/srv/{rescue}l{n}");
                let line = |name: String, line: &str| json!({"name": name, "lineinfile": {"path": path, "line": line, "create": true}});
                vec![line(self.name(), "a"), line(self.name(), "b")]
            }
            3 if !self.rescues && !self.side => {
                vec![json!({"name": self.name(), "file": {"path": format!("/etc/old{}", n % 4), "state": "absent"}})]
            }
            _ => {
                let first = self.copy(&format!("/etc/f{n}"), "two\n");
                let path = first["copy"]["dest"].clone();
                vec![first, json!({"name": self.name(), "file": {"path": path, "mode": "0640"}})]
            }
        }
    }

    fn system(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        if self.rescues {
            return self.actions(dice, n);
        }
        match dice.roll(3) {
            0 => vec![
                json!({"name": self.name(), "package": {"name": format!("p{n}")}}),
                json!({"name": self.name(), "lineinfile": {"path": format!("/etc/p{n}.conf"), "line": "mine"}}),
                json!({"name": self.name(), "systemd_service": {"name": format!("p{n}"), "state": "started", "enabled": true}}),
            ],
            1 => {
                let user = json!({"name": self.name(), "user": {"name": format!("u{n}"), "comment": "x"}});
                let mut file = self.copy(&format!("/etc/f{n}"), "of a user\n");
                file["copy"]["owner"] = json!(format!("u{n}"));
                vec![user, file]
            }
            _ => {
                let mut file = self.copy(&format!("/etc/f{n}"), "by another\n");
                file["become"] = json!(true);
                file["become_user"] = json!("bob");
                vec![file]
            }
        }
    }

    fn actions(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        let name = self.name();
        match dice.roll(6) {
            0 => vec![json!({"name": name, "command": format!("simctl count c{n}")})],
            1 => vec![json!({"name": name, "shell": format!("simctl count c{n}"), "changed_when": false})],
            2 => vec![json!({"name": name, "shell": format!("simctl until c{n} 3"), "register": format!("r{n}"),
                "until": format!("r{n}.rc == 0"), "retries": 5, "delay": 1 + dice.roll(3)})],
            3 => vec![json!({"name": name, "command": "simctl fail", "ignore_errors": true})],
            4 => {
                self.traits.restless = true;
                let path = format!("/srv/rescue-s{n}");
                vec![
                    json!({"name": name, "copy": {"dest": path, "content": "x"}}),
                    json!({"name": self.name(), "command": format!("simctl spoil {path}")}),
                    json!({"name": self.name(), "copy": {"dest": path, "content": "x"}}),
                ]
            }
            _ => {
                self.traits.waits = true;
                vec![json!({"name": name, "wait_for": {"path": "/run/late-a", "sleep": 2, "timeout": 100000}})]
            }
        }
    }

    fn values(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        let first = self.name();
        match dice.roll(5) {
            0 => {
                let fact = json!({"name": first, "set_fact": {format!("v{n}"): "{{ inventory_hostname }} is it"}});
                vec![fact, self.copy(&format!("/etc/f{n}"), &format!("{{{{ v{n} }}}}"))]
            }
            1 => {
                let mut copy = json!({"name": first, "copy": {"dest": format!("/srv/rescue-r{n}"), "content": "x"}});
                copy["register"] = json!(format!("r{n}"));
                let then = json!({"name": self.name(), "command": format!("simctl count c{n}"), "when": format!("r{n} is changed")});
                vec![copy, then]
            }
            2 => {
                let ran = json!({"name": first, "command": "simctl fail", "register": format!("r{n}"), "failed_when": false});
                let mut copy = self.copy(&format!("/etc/f{n}"), &format!("code {{{{ r{n}.rc }}}}"));
                copy["when"] = json!(format!("r{n}.rc == 3"));
                vec![ran, copy]
            }
            3 => {
                let stat = json!({"name": first, "stat": {"path": "/etc/old0"}, "register": format!("r{n}")});
                vec![stat, json!({"name": self.name(), "debug": {"msg": format!("{{{{ r{n}.stat.exists }}}}")}})]
            }
            _ => vec![json!({"name": first, "assert": {"that": ["inventory_hostname is defined"]}})],
        }
    }

    fn blocks(&mut self, dice: &mut Dice) -> Vec<Json> {
        if self.depth >= 2 {
            return self.paths(dice, self.tasks);
        }
        let (guarded, rescues) = (self.guarded, self.rescues);
        self.depth += 1;
        let (rescued, always) = (dice.chance(70), dice.chance(50));
        self.guarded |= rescued || always;
        let mut block: Vec<Json> = (0..1 + dice.roll(2)).flat_map(|_| self.some(dice)).collect();
        if dice.chance(60) && rescued {
            let name = self.name();
            block.push(match dice.roll(3) {
                0 => json!({"name": name, "fail": {"msg": "on purpose"}}),
                1 => json!({"name": name, "copy": {"dest": format!("/etc/refused{}", self.tasks), "content": "x"}}),
                _ => json!({"name": name, "command": "simctl fail"}),
            });
            self.rescues = true;
            block.extend(self.some(dice));
            self.rescues = rescues;
        }
        let mut all = json!({"block": block});
        self.guarded = guarded || always;
        if rescued {
            self.rescues = true;
            all["rescue"] = self.some(dice).into();
            self.rescues = rescues;
        }
        self.guarded = guarded;
        if always {
            all["always"] = self.some(dice).into();
        }
        self.depth -= 1;
        vec![all]
    }

    fn links(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        self.traits.linked = true;
        match dice.roll(5) {
            0 => {
                let mut once = self.copy(&format!("/srv/rescue-once{n}"), "once\n");
                once["run_once"] = json!(true);
                vec![once]
            }
            1 => {
                let name = self.name();
                let once = json!({"name": name, "command": format!("simctl count c{n}"), "run_once": true, "register": format!("r{n}")});
                vec![once, json!({"name": self.name(), "debug": {"msg": format!("{{{{ r{n}.stdout }}}}")}})]
            }
            2 => {
                self.traits.delegates = true;
                let mut far = self.copy(&format!("/etc/f{n}-{{{{ inventory_hostname }}}}"), "for another\n");
                far["delegate_to"] = json!("h0");
                vec![far]
            }
            3 => {
                self.traits.delegates = true;
                vec![json!({"name": self.name(), "command": format!("simctl count c{n}"), "delegate_to": "h0"})]
            }
            _ => {
                let fact = json!({"name": self.name(), "set_fact": {format!("v{n}"): "{{ inventory_hostname }}"}});
                let content = format!("{{{{ hostvars['h0'].v{n} | default('none') }}}}");
                vec![fact, self.copy(&format!("/etc/f{n}"), &content)]
            }
        }
    }

    fn odd(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        match dice.roll(7) {
            0 => vec![self.copy(&format!("/etc/twice{n}"), "asked twice\n")],
            1 => {
                let mut task = self.copy(&format!("/etc/{}{n}", dice.pick(&["refused", "stubborn", "denied"])), "x");
                task["ignore_errors"] = json!(true);
                vec![alone(task, n)]
            }
            2 if dice.chance(30) => {
                let task = self.copy(&format!("/etc/{}{n}", dice.pick(&["refused", "stubborn", "denied"])), "x");
                vec![alone(task, n)]
            }
            3 => {
                let file = format!("inc{n}.yml");
                let tasks: Vec<Json> =
                    vec![self.copy(&format!("/etc/f{n}"), "included\n"), json!({"name": self.name(), "debug": {"msg": "x"}})];
                self.files.push((file.clone(), serde_json::to_string(&tasks).unwrap_or_default()));
                vec![json!({"include_tasks": file})]
            }
            4 if dice.chance(30) && self.traits.hosts > 1 && self.depth == 0 => {
                vec![json!({"name": self.name(), "meta": "end_host", "when": "inventory_hostname == 'h1'"})]
            }
            5 if dice.chance(30) && self.traits.hosts > 1 => {
                vec![json!({"name": self.name(), "fail": {"msg": "x"}, "when": "inventory_hostname == 'h1'"})]
            }
            _ => {
                let mut task = self.copy(&format!("/etc/f{n}"), "not everywhere\n");
                task["when"] = json!("inventory_hostname != 'h0'");
                vec![task]
            }
        }
    }

    fn loops(&mut self, dice: &mut Dice, n: usize) -> Vec<Json> {
        let mut task = match dice.roll(4) {
            0 => json!({"name": self.name(), "command": format!("simctl count c{n}-{{{{ item }}}}")}),
            1 => self.copy(&format!("/etc/f{n}-{{{{ item }}}}"), "{{ item }}"),
            2 => {
                let mut task = self.copy(&format!("/etc/f{n}-{{{{ item }}}}"), "{{ item }}");
                task["when"] = json!("item != 'b'");
                task
            }
            _ => {
                let mut task = self.copy(&format!("/etc/{{{{ 'refused' if item == 'b' else 'f' }}}}{n}-{{{{ item }}}}"), "x");
                task["ignore_errors"] = json!(true);
                task
            }
        };
        task["loop"] = json!(["a", "b", "c"]);
        if dice.chance(30) {
            task["register"] = json!(format!("r{n}"));
        }
        vec![task]
    }

    fn cluster(&mut self, dice: &mut Dice) -> Json {
        let map = |name: &str, data: Json| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data});
        let mut tasks = vec![json!({"name": self.name(),
            "k8s": {"definition": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}}})];
        for at in 0..1 + dice.roll(3) {
            tasks.push(match dice.roll(4) {
                0 => json!({"name": self.name(), "k8s": {"definition": [map(&format!("a{at}"), json!({"x": "1"})), map(&format!("b{at}"), json!({}))]}}),
                1 => json!({"name": self.name(), "k8s": {"definition": map(&format!("a{at}"), json!({"x": "{{ inventory_hostname }}"}))}, "register": "r"}),
                2 => json!({"name": self.name(), "k8s": {"definition": map("gone", Json::Null), "state": "absent"}}),
                _ => json!({"name": self.name(), "k8s": {"definition": map("{{ item }}", json!({"x": "{{ item }}"}))}, "loop": ["l1", "l2"]}),
            });
        }
        json!({"name": "clusters", "hosts": "clusters", "gather_facts": false, "tasks": tasks})
    }
}

/// A fix that says it went through and did not is found out behind its whole message: what other tasks had in that has been
/// done. So such a task is sent alone here.
fn alone(mut task: Json, n: usize) -> Json {
    task["register"] = json!(format!("alone{n}"));
    task
}

fn register(node: &mut Json, count: &mut usize) {
    match node {
        Json::Array(all) => all.iter_mut().for_each(|inner| register(inner, count)),
        Json::Object(task) => {
            for section in ["tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"] {
                if let Some(inner) = task.get_mut(section) {
                    register(inner, count);
                }
            }
            let plain = ["copy", "file", "lineinfile", "package", "user", "command", "shell", "systemd_service", "k8s"];
            if plain.iter().any(|module| task.contains_key(*module)) && !task.contains_key("register") {
                *count += 1;
                task.insert("register".into(), json!(format!("kept{count}")));
            }
        }
        _ => {}
    }
}
