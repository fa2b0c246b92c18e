//! A graph of what must come before what, and why: an edge knows its kind and the place that asks for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::text::{Diagnostic, Span};

/// Why one node comes before another.
#[derive(Clone, Debug)]
pub struct Reason {
    pub kind: &'static str,
    pub span: Span,
}

#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: DiGraph<Arc<str>, Reason>,
}

impl Graph {
    pub fn add(&mut self, name: impl Into<Arc<str>>) -> usize {
        self.graph.add_node(name.into()).index()
    }

    pub fn edge(&mut self, before: usize, after: usize, reason: Reason) {
        self.graph.add_edge(NodeIndex::new(before), NodeIndex::new(after), reason);
    }

    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn name(&self, node: usize) -> &Arc<str> {
        &self.graph[NodeIndex::new(node)]
    }

    /// The edges as `(before, after, reason)`, in the order in which they were added.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize, &Reason)> {
        self.graph.edge_references().map(|edge| (edge.source().index(), edge.target().index(), edge.weight()))
    }

    /// The nodes that must come before this one, directly.
    pub fn before(&self, node: usize) -> Vec<usize> {
        let mut all: Vec<usize> = self.graph.neighbors_directed(NodeIndex::new(node), Direction::Incoming).map(NodeIndex::index).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// All nodes, each after what it needs; where the graph leaves a choice, the one that was added first comes first.
    ///
    /// Errors: a circle, with every edge of it.
    pub fn order(&self) -> Result<Vec<usize>, Diagnostic> {
        let mut missing: Vec<usize> =
            self.graph.node_indices().map(|node| self.graph.edges_directed(node, Direction::Incoming).count()).collect();
        let mut ready: BTreeSet<usize> = (0..self.len()).filter(|&node| missing[node] == 0).collect();
        let mut order = vec![];
        while let Some(node) = ready.pop_first() {
            order.push(node);
            for edge in self.graph.edges(NodeIndex::new(node)) {
                let after = edge.target().index();
                missing[after] -= 1;
                if missing[after] == 0 {
                    ready.insert(after);
                }
            }
        }
        if order.len() == self.len() { Ok(order) } else { Err(self.circle(&missing)) }
    }

    /// One circle among the nodes that never became ready.
    fn circle(&self, missing: &[usize]) -> Diagnostic {
        let start = missing.iter().position(|count| *count > 0).unwrap_or_default();
        let (mut path, mut node) = (vec![start], start);
        // a node that waits has one before it that waits, too; walking back must meet itself
        let first = loop {
            let before = self
                .graph
                .neighbors_directed(NodeIndex::new(node), Direction::Incoming)
                .map(NodeIndex::index)
                .find(|other| missing[*other] > 0);
            let Some(before) = before else { break 0 };
            if let Some(at) = path.iter().position(|have| *have == before) {
                break at;
            }
            path.push(before);
            node = before;
        };
        let mut circle: Vec<usize> = path[first..].iter().rev().copied().collect();
        circle.push(circle[0]);
        let names: Vec<&str> = circle.iter().map(|node| &**self.name(*node)).collect();
        let mut diagnostic = Diagnostic::error(format!("roles wait for each other in a circle: {}", names.join(" -> ")));
        for pair in circle.windows(2) {
            let edge = self.graph.find_edge(NodeIndex::new(pair[0]), NodeIndex::new(pair[1])).map(|edge| &self.graph[edge]);
            let Some(reason) = edge else { continue };
            let label = format!(
                "`{}` comes {} `{}`",
                self.name(pair[1]),
                if reason.kind == "after" { "after" } else { "once there is" },
                self.name(pair[0])
            );
            diagnostic = if diagnostic.span().is_none() {
                diagnostic.at(&reason.span).label(label)
            } else {
                diagnostic.also(reason.span.clone(), label)
            };
        }
        diagnostic.hint("take one of these edges away")
    }

    /// The shortest way from one node to another, as edges; `None` where there is none and they may run side by side.
    pub fn why(&self, from: usize, to: usize) -> Option<Vec<(usize, usize, &Reason)>> {
        let (_, path) = petgraph::algo::astar(&self.graph, NodeIndex::new(from), |node| node.index() == to, |_| 1, |_| 0)?;
        let edge = |pair: &[NodeIndex]| Some((pair[0].index(), pair[1].index(), &self.graph[self.graph.find_edge(pair[0], pair[1])?]));
        path.windows(2).map(edge).collect()
    }

    /// Graphviz.
    pub fn dot(&self) -> String {
        let mut text = "digraph roles {\n  rankdir=LR;\n  node [shape=box];\n".to_string();
        for node in 0..self.len() {
            text += &format!("  n{node} [label={:?}];\n", self.name(node));
        }
        for (before, after, reason) in self.edges() {
            text += &format!("  n{before} -> n{after} [label={:?}];\n", reason.kind);
        }
        text + "}\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;

    fn graph(edges: &[(usize, usize)]) -> Graph {
        let source = Source::new("meta/main.yml", "after: [x]");
        let mut graph = Graph::default();
        for name in ["a", "b", "c", "d"] {
            graph.add(name);
        }
        for (before, after) in edges {
            graph.edge(*before, *after, Reason { kind: "after", span: source.span(0..5) });
        }
        graph
    }

    #[test]
    fn order_is_that_of_the_list_where_edges_leave_a_choice() {
        assert_eq!(graph(&[]).order(), Ok(vec![0, 1, 2, 3]));
        assert_eq!(graph(&[(3, 0)]).order(), Ok(vec![1, 2, 3, 0]));
        assert!(graph(&[(3, 0), (0, 2)]).why(3, 2).is_some_and(|way| way.len() == 2));
        assert!(graph(&[(3, 0)]).why(0, 3).is_none());
    }

    #[test]
    fn a_circle_names_every_edge() {
        let circle = graph(&[(0, 1), (1, 2), (2, 0)]).order().expect_err("a circle").render(false);
        assert_eq!(circle.matches("meta/main.yml").count(), 3, "{circle}");
    }
}
