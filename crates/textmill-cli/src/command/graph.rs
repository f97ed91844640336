//! `textmill graph`: a pipeline as a picture, drawn or in the words of Mermaid or Graphviz.

mod svg;

use std::io::Write as _;

use textmill::{Engine, OnError, RuleKind, Stage};

use super::open;
use crate::args::{GraphArgs, GraphFormat};
use crate::diff::visible;
use crate::exit::{Done, Outcome};

/// The places that documents come through, and the ways between them.
#[derive(Debug, Default)]
struct Graph {
    /// Name and label; the stages are boxes, and what is read and written is round.
    nodes: Vec<(String, String, Shape)>,
    /// From, to, and what goes there if not all does.
    edges: Vec<(String, String, Option<&'static str>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Files,
    Stage,
}

pub(crate) fn run(args: &GraphArgs) -> Outcome {
    let engine = open::pipeline(&args.pipeline, &open::Instead::default())?;
    let graph = Graph::of(&engine);
    let text = match args.format {
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Dot => graph.dot(&engine.pipeline().name),
        GraphFormat::Svg => svg::draw(&graph, &engine.pipeline().name),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Done::Well)
}

impl Graph {
    fn of(engine: &Engine) -> Self {
        let pipeline = engine.pipeline();
        let mut graph = Self::default();
        let shown = |uri: &str| {
            let folder = format!("{}/", pipeline.dir.display());
            uri.strip_prefix(&folder).unwrap_or(uri).to_owned()
        };
        let files =
            |uris: Vec<String>| if uris.is_empty() { "(not said)".to_owned() } else { uris.join("\n") };
        let input = pipeline.input.uris.iter().map(|uri| shown(uri)).collect();
        graph.node("input", files(input), Shape::Files);
        let mut last = "input".to_owned();
        for (number, (stage, spec)) in engine.stages().iter().zip(&pipeline.stages).enumerate() {
            let name = format!("stage{}", number + 1);
            let kind = if *spec.uses == *stage.id { String::new() } else { format!("\n{}", spec.uses) };
            graph.node(&name, format!("{}{kind}", stage.id), Shape::Stage);
            graph.edges.push((last, name.clone(), None));
            last = name;
        }
        let output = |output: &textmill::Output| shown(&output.uri);
        graph.node("output", files(pipeline.output.iter().map(output).collect()), Shape::Files);
        graph.edges.push((last, "output".to_owned(), None));
        graph.sink("dropped", pipeline.dropped.as_ref().map(output), engine, drops);
        graph.sink("failed", pipeline.failed_output().as_ref().map(output), engine, |stage| {
            stage.on_error() == OnError::Fail
        });
        graph
    }

    fn node(&mut self, name: &str, label: String, shape: Shape) {
        self.nodes.push((name.to_owned(), label, shape));
    }

    /// Where the documents go that do not reach the output; nothing if no stage sends one there.
    fn sink(
        &mut self,
        kind: &'static str,
        uri: Option<String>,
        engine: &Engine,
        ends: impl Fn(&Stage) -> bool,
    ) {
        let stages = engine.stages().iter().enumerate().filter(|(_, stage)| ends(stage));
        let edges = stages.map(|(number, _)| (format!("stage{}", number + 1), kind.to_owned(), Some(kind)));
        let before = self.edges.len();
        self.edges.extend(edges);
        if self.edges.len() > before {
            self.node(kind, uri.unwrap_or_else(|| "(not kept)".to_owned()), Shape::Files);
        }
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (name, label, shape) in &self.nodes {
            let (open, close) = if *shape == Shape::Stage { ("[", "]") } else { ("([", "])") };
            text.extend(["    ", name, open, "\"", &label_of(label, "<br>", in_mermaid), "\"", close, "\n"]);
        }
        for (from, to, what) in &self.edges {
            let arrow = what.map_or_else(|| " --> ".to_owned(), |what| format!(" -. {what} .-> "));
            text.extend(["    ", from, &arrow, to, "\n"]);
        }
        text
    }

    fn dot(&self, name: &str) -> String {
        let mut text = format!("digraph \"{}\" {{\n    rankdir = TB\n", label_of(name, " ", in_dot));
        for (name, label, shape) in &self.nodes {
            let shape = if *shape == Shape::Stage { "box" } else { "ellipse" };
            let label = label_of(label, "\\n", in_dot);
            text.extend(["    ", name, " [shape = ", shape, ", label = \"", &label, "\"]\n"]);
        }
        for (from, to, what) in &self.edges {
            let style =
                what.map_or_else(String::new, |what| format!(" [style = dashed, label = \"{what}\"]"));
            text.extend(["    ", from, " -> ", to, &style, "\n"]);
        }
        text + "}\n"
    }
}

/// Whether documents can end in a stage.
fn drops(stage: &Stage) -> bool {
    stage.on_error() == OnError::Drop || stage.plan().rules.iter().any(|rule| rule.kind == RuleKind::Drops)
}

/// A label between quotes: what ends a line, and the text of each in the words of the language.
fn label_of(label: &str, line_end: &str, escaped: fn(&str) -> String) -> String {
    label.lines().map(|line| escaped(&visible(line))).collect::<Vec<_>>().join(line_end)
}

/// A label of Mermaid is HTML, and `#` begins the names of characters.
fn in_mermaid(line: &str) -> String {
    line.replace('#', "#35;").replace('<', "#lt;").replace('>', "#gt;").replace('"', "#quot;")
}

fn in_dot(line: &str) -> String {
    line.replace('\\', "\\\\").replace('"', "\\\"")
}
