//! `play graph`: which role comes before which, and why.

use clap::Args as ClapArgs;
use play_core::run::Graph;
use play_core::text::Diagnostic;
use play_core::weave::roles;

use super::open::{colours, complain, open};
use super::options::Options;
use super::{FAILED, USAGE};
use crate::report::to_stdout;

/// Shows the graph of roles: which comes before which, and why
#[derive(ClapArgs)]
pub struct Args {
    #[arg(required = true, value_name = "PLAYBOOK")]
    playbooks: Vec<String>,
    #[command(flatten)]
    options: Options,
    /// Graphviz instead of text
    #[arg(long)]
    dot: bool,
    /// A picture instead of text
    #[arg(long, conflicts_with = "dot")]
    svg: bool,
    /// Why role A comes before role B
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    why: Vec<String>,
}

pub fn run(args: &Args) -> u8 {
    let opened = match open(&args.playbooks, &args.options) {
        Ok(opened) => opened,
        Err(errors) => {
            complain(&errors, colours(&args.options));
            return FAILED;
        }
    };
    let mut text = String::new();
    for play in opened.plays.iter().filter(|play| !play.roles.is_empty()) {
        let graph = roles::graph(play);
        text += &match () {
            () if args.dot => graph.dot(),
            () if args.svg => svg(&graph),
            () if !args.why.is_empty() => match why(&graph, &args.why[0], &args.why[1]) {
                Ok(text) => text,
                Err(error) => {
                    complain(&[error], colours(&args.options));
                    return USAGE;
                }
            },
            () => format!("play {}\n{}", play.title(), layers(&graph)),
        };
    }
    to_stdout(&text);
    0
}

/// The steps in which roles can run: those of one line side by side.
fn steps(graph: &Graph) -> Vec<usize> {
    let mut step = vec![0; graph.len()];
    for node in graph.order().unwrap_or_default() {
        step[node] = graph.before(node).into_iter().map(|before| step[before] + 1).max().unwrap_or(0);
    }
    step
}

fn layers(graph: &Graph) -> String {
    let step = steps(graph);
    let mut text = String::new();
    for at in 0..=step.iter().copied().max().unwrap_or(0) {
        let names: Vec<&str> = (0..graph.len()).filter(|node| step[*node] == at).map(|node| &**graph.name(node)).collect();
        text += &format!("  {:>2}  {}\n", at + 1, names.join(", "));
    }
    for (before, after, reason) in graph.edges() {
        text += &format!("      {} -> {}  ({}, {})\n", graph.name(before), graph.name(after), reason.kind, reason.span);
    }
    text
}

fn why(graph: &Graph, from: &str, to: &str) -> Result<String, Diagnostic> {
    // a role that is used several times also says where: its name means the first
    let named = |node: usize, name: &str| graph.name(node).strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("));
    let node = |name: &str| {
        (0..graph.len()).find(|node| named(*node, name)).ok_or_else(|| {
            let known: Vec<&str> = (0..graph.len()).map(|node| &**graph.name(node)).collect();
            Diagnostic::error(format!("no role `{name}` in this play")).meant(name, known)
        })
    };
    let (from_node, to_node) = (node(from)?, node(to)?);
    let ways = [(from, to, graph.why(from_node, to_node)), (to, from, graph.why(to_node, from_node))];
    let Some((first, last, way)) = ways.into_iter().find_map(|(a, b, way)| Some((a, b, way?))) else {
        return Ok(format!("{from} and {to} do not wait for each other: they may run side by side\n"));
    };
    let mut text = format!("{first} comes before {last}:\n");
    for (before, after, reason) in way {
        text += &format!("  {} waits for {}  ({}, {})\n", graph.name(after), graph.name(before), reason.kind, reason.span);
    }
    Ok(text)
}

/// A plain picture: one column a step, an arrow an edge.
fn svg(graph: &Graph) -> String {
    let step = steps(graph);
    let mut rows = vec![0_usize; graph.len() + 1];
    let place: Vec<(usize, usize)> = (0..graph.len())
        .map(|node| {
            let row = rows[step[node]];
            rows[step[node]] += 1;
            (20 + step[node] * 200, 20 + row * 60)
        })
        .collect();
    let (width, height) = (40 + 200 * (1 + step.iter().max().copied().unwrap_or(0)), 40 + 60 * rows.iter().max().copied().unwrap_or(0));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n"
    );
    text += "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";
    for (before, after, reason) in graph.edges() {
        let ((x1, y1), (x2, y2)) = (place[before], place[after]);
        text += &format!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{x2}\" y2=\"{}\" stroke=\"black\" marker-end=\"url(#a)\"><title>{}</title></line>\n",
            x1 + 150,
            y1 + 18,
            y2 + 18,
            reason.kind
        );
    }
    for (node, (x, y)) in place.iter().enumerate() {
        let name = graph.name(node).replace('&', "&amp;").replace('<', "&lt;");
        text += &format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"150\" height=\"36\" rx=\"4\" fill=\"white\" stroke=\"black\"/><text x=\"{}\" y=\"{}\">{name}</text>\n",
            x + 10,
            y + 23
        );
    }
    text + "</svg>\n"
}
