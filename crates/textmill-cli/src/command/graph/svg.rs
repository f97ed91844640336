//! The picture itself: the way of a kept document goes down, and those that end elsewhere go to the right.
//!
//! Letters are of one width, so that boxes fit without a font to measure. The picture loads nothing and follows the reader's
//! light or dark.

use super::{Graph, Shape};
use crate::diff::visible;

/// Pixels: the width of a letter, the height of a line, the room around a label, and between boxes.
const LETTER: usize = 8;
const LINE: usize = 18;
const MARGIN: usize = 14;
const GAP: usize = 40;
/// Between the two columns, where the lines of what is dropped and fails stand.
const ASIDE: usize = 110;

const STYLE: &str = "\
text{font:13px ui-monospace,monospace;fill:#1c1c1e}.box{fill:#f4f6f8;stroke:#5b6673;stroke-width:1.5}\
.files{fill:#e8f0fb;stroke:#34679a}.way{fill:none;stroke:#5b6673;stroke-width:1.5}.aside{stroke-dasharray:5 4}\
.what{font-size:12px;fill:#5b6673}.head{fill:#5b6673}\
@media(prefers-color-scheme:dark){text{fill:#f0f0f2}.box{fill:#2a2f36;stroke:#9aa7b5}\
.files{fill:#1f3147;stroke:#7fb0e6}.way{stroke:#9aa7b5}.what{fill:#b4bfca}.head{fill:#9aa7b5}}";

/// A node at its place.
#[derive(Debug)]
struct Box<'g> {
    name: &'g str,
    lines: Vec<String>,
    shape: Shape,
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

pub(super) fn draw(graph: &Graph, title: &str) -> String {
    let boxes = place(graph);
    let far = |edge: fn(&Box<'_>) -> usize| boxes.iter().map(edge).max().unwrap_or(0) + MARGIN;
    let (width, height) = (far(|one| one.left + one.width), far(|one| one.top + one.height));
    let title = escaped(&visible(title));
    let edges: String =
        graph.edges.iter().filter_map(|(from, to, what)| way(&boxes, from, to, what.is_some())).collect();
    let boxes: String = boxes.iter().map(Box::draw).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"The pipeline {title}\" \
         viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
         markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         {edges}{boxes}</svg>\n"
    )
}

/// The main way in a column; the others beside it, from the first stage on.
fn place(graph: &Graph) -> Vec<Box<'_>> {
    let sized = graph.nodes.iter().map(|(name, label, shape)| Box::new(name, label, *shape));
    let (mut aside, mut main): (Vec<_>, Vec<_>) = sized.partition(|one| is_aside(one.name));
    let widest = main.iter().map(|one| one.width).max().unwrap_or(0);
    let mut top = MARGIN;
    for one in &mut main {
        (one.left, one.top) = (MARGIN + (widest - one.width) / 2, top);
        top += one.height + GAP;
    }
    let mut top = main.get(1).map_or(MARGIN, |first| first.top);
    for one in &mut aside {
        (one.left, one.top) = (MARGIN + widest + ASIDE, top);
        top += one.height + GAP;
    }
    main.into_iter().chain(aside).collect()
}

fn is_aside(name: &str) -> bool {
    matches!(name, "dropped" | "failed")
}

impl<'g> Box<'g> {
    fn new(name: &'g str, label: &str, shape: Shape) -> Self {
        let lines: Vec<_> = label.lines().map(visible).collect();
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let (width, height) = (longest * LETTER + 2 * MARGIN, lines.len() * LINE + 2 * MARGIN);
        Self { name, lines, shape, left: 0, top: 0, width, height }
    }

    fn draw(&self) -> String {
        let Self { left, top, width, height, .. } = self;
        let (class, round) = match self.shape {
            Shape::Files => ("box files", height / 2),
            Shape::Stage => ("box", 4),
        };
        let middle = left + width / 2;
        // What goes there is what the box is called.
        let (before, above) = (left.saturating_sub(ASIDE / 4), (top + height / 2).saturating_sub(6));
        let what = if is_aside(self.name) {
            format!(
                "<text class=\"what\" x=\"{before}\" y=\"{above}\" text-anchor=\"middle\">{}</text>",
                self.name
            )
        } else {
            String::new()
        };
        let line = |(number, line): (usize, &String)| {
            let base = top + MARGIN + number * LINE + LINE - 5;
            format!("<text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text>", escaped(line))
        };
        let lines: String = self.lines.iter().enumerate().map(line).collect();
        format!(
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>{lines}{what}\n"
        )
    }
}

/// A line with a head: down, or from the right side to the left of what stands beside.
fn way(boxes: &[Box<'_>], from: &str, to: &str, is_aside: bool) -> Option<String> {
    let find = |name: &str| boxes.iter().find(|one| one.name == name);
    let (from, to) = (find(from)?, find(to)?);
    if !is_aside {
        let (x, begin, end) = (from.left + from.width / 2, from.top + from.height, to.top);
        return Some(format!("<path class=\"way\" marker-end=\"url(#head)\" d=\"M{x} {begin}V{end}\"/>\n"));
    }
    let (left, begin) = (from.left + from.width, from.top + from.height / 2);
    let (right, end) = (to.left, to.top + to.height / 2);
    let bend = right - ASIDE / 2;
    Some(format!(
        "<path class=\"way aside\" marker-end=\"url(#head)\" d=\"M{left} {begin}C{bend} {begin} {bend} {end} {right} {end}\"/>\n"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
