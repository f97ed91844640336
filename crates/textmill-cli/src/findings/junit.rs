//! The XML of `JUnit`, which every CI server reads: a suite for each pipeline file or stage.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Finding, Findings, Problem, Verdict};

impl Findings {
    pub(super) fn junit(&self) -> Report {
        let mut report = Report::new(format!("textmill {}", self.command));
        for group in self.list.chunk_by(|one, next| one.group == next.group) {
            let mut suite = TestSuite::new(&group[0].group);
            suite.add_test_cases(group.iter().map(Finding::test_case));
            report.add_test_suite(suite);
        }
        report
    }
}

impl Finding {
    fn test_case(&self) -> TestCase {
        let mut status = match self.verdict {
            Verdict::Passed | Verdict::Warning => TestCaseStatus::success(),
            Verdict::Skipped => TestCaseStatus::skipped(),
            Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        };
        let text = self.problems.iter().map(Problem::text).collect::<Vec<_>>().join("\n\n");
        if let Some(first) = self.problems.first() {
            status.set_message(&first.message).set_type(self.verdict.word());
        }
        if self.verdict.is_bad() {
            status.set_description(&text);
        }
        let mut case = TestCase::new(&self.name, status);
        case.set_classname(&self.group);
        if let Some(time) = self.time {
            case.set_time(time);
        }
        // What passed has no place for remarks.
        if matches!(self.verdict, Verdict::Passed | Verdict::Warning) && !text.is_empty() {
            case.set_system_out(text);
        }
        case
    }
}

impl Problem {
    /// All of it as lines.
    pub(super) fn text(&self) -> String {
        let mut text = match self.place.as_ref().map(|place| (&place.file, place.line, place.column)) {
            Some((file, Some(line), Some(column))) => format!("{file}:{line}:{column}: {}", self.message),
            Some((file, ..)) => format!("{file}: {}", self.message),
            None => self.message.clone(),
        };
        if let Some(hint) = &self.hint {
            text.extend(["\nhint: ", hint]);
        }
        if let Some(details) = &self.details {
            text.extend(["\n", details]);
        }
        text
    }
}
