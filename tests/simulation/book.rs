//! A tree of files in memory, opened once and run many times.

use std::sync::Arc;

use play_core::book::inventory::HostId;
use play_core::book::{HostVars, Inventory, Level, Loader, Play, magic};
use play_core::run::Kinds;
use play_core::text::{Collector, Control, MemoryControl, Templates};
use play_core::weave::{self, Host, Known, Options, Session, Tree};

use super::kinds;

pub struct Book {
    control: Arc<dyn Control + Send + Sync>,
    templates: Arc<Templates>,
    inventory: Inventory,
    plays: Vec<Arc<Play>>,
    hosts: Vec<Host>,
    /// What it was made of, for whoever reads of a failure.
    pub text: String,
}

impl Book {
    /// Hosts `h0`, `h1` …, and a cluster `c0`.
    pub fn new(hosts: usize, playbook: &str) -> Book {
        Book::with(hosts, playbook, &[])
    }

    pub fn with(hosts: usize, playbook: &str, files: &[(&str, &str)]) -> Book {
        let names: Vec<String> = (0..hosts).map(|at| format!("h{at}")).collect();
        let inventory = format!("{}\n[clusters]\nc0 ansible_connection=kubernetes\n[hosts]\n{}\n", names.join("\n"), names.join("\n"));
        let given = [("hosts.ini", inventory.as_str()), ("site.yml", playbook)];
        let control: Arc<dyn Control + Send + Sync> = Arc::new(MemoryControl::new(given.into_iter().chain(files.iter().copied())));
        let mut errors = Collector::default();
        let inventory = Inventory::load(&*control, &["hosts.ini".to_string()], &mut errors);
        let loader = Loader::new(&*control, &Known, vec!["roles".into()]);
        let plays = loader.playbook("site.yml", &mut errors);
        let templates = Arc::new(Templates::new(control.clone()));
        weave::check(&plays, &templates, &mut errors);
        let mut beside = HostVars::new(&[".".into()]);
        beside.load(&*control, &inventory, (0..inventory.count()).map(HostId), &mut errors);
        let host = |at| {
            let mut base = inventory.layers(HostId(at));
            base.push(Level::Magic, Arc::new(magic::host(&inventory, HostId(at))));
            Host::new(base)
        };
        let bases = (0..inventory.count()).map(host).collect();
        let failed = errors.has_errors();
        let told: Vec<String> = errors.into_vec().iter().map(|error| error.render(false)).collect();
        assert!(!failed, "{}\n{playbook}", told.join("\n"));
        Book {
            control,
            templates,
            inventory,
            plays,
            hosts: bases,
            text: files.iter().fold(playbook.to_string(), |all, (name, text)| all + &format!("\n# {name}\n{text}")),
        }
    }

    /// A run on simulated targets.
    pub fn session(&self, options: Options) -> Session {
        self.session_of(options, kinds::find)
    }

    pub fn session_of(&self, options: Options, kinds: Kinds) -> Session {
        let (control, templates) = (self.control.clone(), self.templates.clone());
        let tree = Tree { control, templates, options, extra: Arc::default(), kinds };
        Session::new(Arc::new(tree), self.inventory.clone(), self.plays.clone(), self.hosts.clone())
    }
}
