//! Markdown, for the summary of a step, a comment, a mail: what came out in a table, what is wrong below it.

use textmill::io::markdown;
use textmill_report::{plural, visible};

use super::{Finding, Findings, Kind, Place, Problem, Verdict};

/// How many findings are listed, how many problems are shown, and how many bytes of details of one: GitHub refuses a summary
/// above 1 MiB.
const ROWS: usize = 500;
const SHOWN: usize = 50;
const DETAILS: usize = 4000;

impl Findings {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("### {} `textmill {}`: {}\n", self.sign(), self.command, self.verdict());
        if let Some(run) = &self.run {
            let ends: Vec<_> = run.funnel_ends().lines().map(|line| cell(line) + "\n").collect();
            text.extend(["\n", &table(&run.funnel_rows()), "\n", &ends.join("\n")]);
        }
        text.extend(["\n", &table(&self.rows())]);
        text += &and_more(self.list.len(), ROWS);
        for (finding, problem) in self.problems().take(SHOWN) {
            text.extend(["\n", &described(finding, problem)]);
        }
        text + &and_more(self.problems().count(), SHOWN)
    }

    fn sign(&self) -> &'static str {
        if self.count(Verdict::is_bad) > 0 {
            "❌"
        } else if self.count(|verdict| verdict == Verdict::Warning) > 0 {
            "⚠️"
        } else {
            "✅"
        }
    }

    /// `3 of 5 tests failed`, or `5 passed`.
    fn verdict(&self) -> String {
        let failed = self.count(Verdict::is_bad);
        let warnings = self.count(|verdict| verdict == Verdict::Warning);
        let passed = self.count(|verdict| verdict == Verdict::Passed);
        let mut parts = vec![format!("{passed} passed")];
        if warnings > 0 {
            parts.push(plural(warnings as u64, "warning"));
        }
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        parts.join(", ")
    }

    /// A row for each finding, as far as they are listed: what is wrong before what is well.
    fn rows(&self) -> Vec<[String; 3]> {
        let row = |finding: &Finding| {
            [finding.verdict.word().to_owned(), finding.name.clone(), finding.group.clone()]
        };
        let head = [String::new(), what(&self.list).to_owned(), "in".to_owned()];
        let mut listed: Vec<_> = self.list.iter().collect();
        if listed.len() > ROWS {
            listed.sort_by_key(|finding| finding.verdict == Verdict::Passed);
        }
        std::iter::once(head).chain(listed.into_iter().take(ROWS).map(row)).collect()
    }
}

fn and_more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!("\nand {more} more\n"),
    }
}

/// What the findings are, if they are all of one kind.
fn what(list: &[Finding]) -> &'static str {
    match list.first().map(|first| first.kind) {
        Some(kind) if list.iter().any(|other| other.kind != kind) => "what",
        Some(Kind::Pipeline) => "pipeline",
        Some(Kind::Test) => "test",
        _ => "check",
    }
}

/// The first row is the head.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let line = |row: &[String; N]| format!("| {} |\n", row.each_ref().map(|text| cell(text)).join(" | "));
    let Some((head, rows)) = rows.split_first() else { return String::new() };
    let rule = format!("|{}\n", " --- |".repeat(N));
    line(head) + &rule + &rows.iter().map(line).collect::<String>()
}

fn described(finding: &Finding, problem: &Problem) -> String {
    let place = problem.place.as_ref().map_or_else(String::new, |place| format!(" ({})", cell(&at(place))));
    let name =
        if finding.kind == Kind::Pipeline { String::new() } else { format!("**{}**: ", cell(&finding.name)) };
    let mut text = format!("- {name}{}{place}\n", cell(&problem.message));
    if let Some(hint) = &problem.hint {
        text.extend(["  hint: ", &cell(hint), "\n"]);
    }
    if let Some(details) = &problem.details {
        text += &fenced(details);
    }
    text
}

fn at(place: &Place) -> String {
    match (place.line, place.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", place.file),
        (Some(line), None) => format!("{}:{line}", place.file),
        _ => place.file.clone(),
    }
}

/// A block of a diff, set in so that it belongs to its item, whose fence is longer than any in it.
fn fenced(details: &str) -> String {
    let end = details.floor_char_boundary(DETAILS);
    let (shown, rest) = details.split_at(end);
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    let more = if rest.is_empty() { "" } else { "\n…" };
    let block = format!("\n{fence}diff\n{}{more}\n{fence}", shown.trim_end());
    block.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// A text in one line, in which nothing is markup: names and messages can hold what somebody else wrote.
fn cell(text: &str) -> String {
    let shown = |piece| match piece {
        // An `@` would call somebody.
        visible::Piece::Plain(plain) => markdown::escape(plain).replace('@', "&#64;"),
        visible::Piece::Hidden(_) => char::REPLACEMENT_CHARACTER.to_string(),
    };
    visible::pieces(text).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(cell("a|b\n<i>*x*</i>"), "a\\|b \\<i\\>\\*x\\*\\</i\\>");
        assert_eq!(cell("hi @all"), "hi &#64;all");
        assert_eq!(cell("\u{202e}x"), "\u{fffd}x");
    }

    #[test]
    fn what_is_wrong_is_listed_of_more_than_a_summary_can_hold() {
        let mut findings = Findings::new("test");
        for number in 0..10_000 {
            let verdict = if number == 9_999 { Verdict::Failed } else { Verdict::Passed };
            let file = std::path::Path::new("p.toml");
            findings.add(Finding::new(Kind::Test, file, format!("test {number}"), verdict, Vec::new()));
        }
        let text = findings.markdown();
        assert_eq!(text.matches("| p.toml |").count(), ROWS);
        assert!(text.contains("| failed | test 9999 |") && text.ends_with("\nand 9500 more\n"), "{text}");
    }

    #[test]
    fn a_fence_is_longer_than_those_in_it() {
        assert_eq!(fenced("a\n```\nb"), "\n  ````diff\n  a\n  ```\n  b\n  ````\n");
    }
}
