//! Annotations of GitHub: lines that its runner shows beside the line of a file.

use super::{Finding, Findings, Problem, Verdict};

impl Findings {
    /// A line for each problem.
    pub(super) fn annotations(&self) -> impl Iterator<Item = String> {
        self.problems().map(|(finding, problem)| annotation(finding, problem))
    }
}

fn annotation(finding: &Finding, problem: &Problem) -> String {
    let level = match finding.verdict {
        Verdict::Failed | Verdict::Error => "error",
        Verdict::Warning => "warning",
        Verdict::Passed | Verdict::Skipped => "notice",
    };
    let mut properties = vec![("title", format!("textmill: {}", finding.name))];
    if let Some(place) = &problem.place {
        properties.push(("file", place.file.clone()));
        let numbers = [("line", place.line), ("col", place.column), ("endColumn", place.end_column)];
        let known = numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string())));
        properties.extend(known);
    }
    let properties: Vec<_> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("::{level} {}::{}", properties.join(","), message(&format!("{}{hint}", problem.message)))
}

/// The runner undoes these, in a message and in a property.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_an_annotation() {
        assert_eq!(message("50 %\n::error::x"), "50 %25%0A::error::x");
        assert_eq!(property("a,b:c\n"), "a%2Cb%3Ac%0A");
    }
}
