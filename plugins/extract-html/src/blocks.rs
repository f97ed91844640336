//! From the HTML of an article to lines of text.

use std::collections::HashSet;

use trafilatura::dom::{Document, NodeId};

use crate::page::Page;
use crate::{key, squeeze};

/// The title stands above an article, perhaps below a kicker or a date.
const LINES_WITH_TITLE: usize = 3;

/// Shorter lines may well stand twice: `Yes.`, `* * *`.
const MIN_REPEAT: usize = 30;

/// The text of an article: its blocks, without its title, without what is a link to another page, without repeats.
pub(crate) fn article(content: &str, page: &Page) -> String {
    let blocks: Vec<(String, String)> = blocks(content).into_iter().map(|text| (key(&text), text)).collect();
    let titles: HashSet<String> = page.headings.iter().map(|heading| key(heading)).collect();
    let is_title = |index: usize, key: &str| index < LINES_WITH_TITLE && titles.contains(key);
    let mut seen = HashSet::new();
    let blocks = blocks.iter().enumerate().filter(|(index, (key, _))| {
        let is_repeat = !seen.insert(key.as_str()) && key.chars().count() >= MIN_REPEAT;
        !is_title(*index, key) && !is_repeat
    });
    let blocks = blocks.map(|(_, block)| block).collect();
    join(without_links(blocks, page))
}

/// The text of a fragment of HTML.
pub(crate) fn of_html(html: &str) -> String {
    blocks(html).join("\n\n")
}

/// The text of lines of plain text.
pub(crate) fn of_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(squeeze).filter(|line| !line.is_empty()).collect();
    lines.join("\n\n")
}

/// An article that is a list of links is left as it is.
fn without_links<'a>(blocks: Vec<&'a (String, String)>, page: &Page) -> Vec<&'a (String, String)> {
    let is_link = |key: &str| key.chars().nth(3).is_some() && page.links.contains(key);
    let rest: Vec<_> = blocks.iter().copied().filter(|(key, _)| !is_link(key)).collect();
    let length = |blocks: &[&(String, String)]| blocks.iter().map(|(_, text)| text.len()).sum::<usize>();
    if 2 * length(&rest) >= length(&blocks) { rest } else { blocks }
}

fn join(blocks: Vec<&(String, String)>) -> String {
    let texts: Vec<&str> = blocks.into_iter().map(|(_, text)| text.as_str()).collect();
    texts.join("\n\n")
}

/// The texts between the ends of blocks, each on one line. Walks without recursion.
fn blocks(html: &str) -> Vec<String> {
    let document = Document::parse(html);
    let mut blocks = Vec::new();
    let mut block = String::new();
    let mut steps = vec![Step::Enter(document.body().unwrap_or_else(|| document.root()))];
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(node) if document.is_text(node) => block.push_str(&document.outer_html(node)),
            Step::Enter(node) => {
                if ENDS_BLOCK.contains(&document.tag_name(node)) {
                    end(&mut block, &mut blocks);
                    steps.push(Step::EndBlock);
                }
                steps.extend(document.child_nodes(node).into_iter().rev().map(Step::Enter));
            }
            Step::EndBlock => end(&mut block, &mut blocks),
        }
    }
    end(&mut block, &mut blocks);
    blocks
}

enum Step {
    Enter(NodeId),
    EndBlock,
}

fn end(block: &mut String, blocks: &mut Vec<String>) {
    let line = squeeze(block);
    block.clear();
    if !line.is_empty() {
        blocks.push(line);
    }
}

/// Elements before and after which a line ends.
const ENDS_BLOCK: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
