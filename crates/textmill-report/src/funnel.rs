//! The funnel: what went into each stage, and what became of it.

use std::time::Duration;

use crate::{Run, Stage, bytes, count, duration, plural};

const HEAD: [&str; 7] = ["stage", "documents", "changed", "dropped", "failed", "characters", "time"];

impl Run {
    /// The run in a few lines: a row for each stage, and what came out. ASCII but for `µs` and the minus sign.
    pub fn funnel(&self) -> String {
        format!("{}\n{}", table(&self.funnel_rows()), self.funnel_ends())
    }

    /// The rows of the funnel, for whoever lays out tables in another way: the head, the input, the stages.
    pub fn funnel_rows(&self) -> Vec<[String; 7]> {
        let mut rows = vec![HEAD.map(ToOwned::to_owned)];
        rows.push(self.input_row());
        let times = self.times.stages.iter().map(|time| time.seconds).chain(std::iter::repeat(0.0));
        rows.extend(self.stages.iter().zip(times).map(|(stage, seconds)| stage.row(seconds)));
        rows
    }

    fn input_row(&self) -> [String; 7] {
        let (read, failed) = (count(self.docs.read), count(self.docs.unreadable));
        ["(input)".into(), read, String::new(), String::new(), failed, String::new(), String::new()]
    }

    /// The lines below the funnel: what became of the documents, and what a number alone would not tell.
    pub fn funnel_ends(&self) -> String {
        let docs = &self.docs;
        let emitted = match docs.emitted {
            0 => String::new(),
            emitted => format!(" + {} emitted", count(emitted)),
        };
        let time = seconds(self.times.seconds);
        let mut text = format!(
            "{} read{emitted} = {} kept + {} dropped + {} failed, in {}{}\n",
            plural(docs.read, "document"),
            count(docs.kept),
            count(docs.dropped),
            count(docs.failed),
            duration(time),
            rate(self.input.bytes, time),
        );
        if docs.replaced_utf8 > 0 {
            let documents = plural(docs.replaced_utf8, "document");
            text += "bytes that are not UTF-8 were replaced in ";
            text += &documents;
            text.push('\n');
        }
        text.extend(docs.over_limits.iter().map(|(limit, documents)| {
            format!("{} beyond the limit `{limit}`\n", plural(*documents, "document"))
        }));
        text.extend(self.stages.iter().flat_map(Stage::left_alone));
        text
    }
}

impl Stage {
    /// A line for each score because of which it left documents alone.
    fn left_alone(&self) -> impl Iterator<Item = String> {
        self.scores.iter().filter(|score| score.left_alone > 0).map(|score| {
            let (documents, name) = (plural(score.left_alone, "document"), &score.name);
            let threshold = score.threshold.unwrap_or_default();
            format!("{} left {documents} alone: `{name}` lay above {threshold}\n", self.id)
        })
    }

    fn row(&self, time: f64) -> [String; 7] {
        [
            self.id.clone(),
            count(self.docs.entered),
            count(self.docs.changed),
            count(self.docs.dropped),
            count(self.docs.failed),
            difference(self.removed.chars, self.added.chars),
            duration(seconds(time)),
        ]
    }
}

/// A time of `run.json`. None there is negative or without end, but anybody can edit the file.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// What was added less what was removed, with its sign; 0 without one.
fn difference(removed: u64, added: u64) -> String {
    let sign = match added.cmp(&removed) {
        std::cmp::Ordering::Less => "-",
        std::cmp::Ordering::Greater => "+",
        std::cmp::Ordering::Equal => "",
    };
    format!("{sign}{}", count(added.abs_diff(removed)))
}

/// ` (34.5 MB/s)`, where the run took long enough to say so: of a short one, opening and publishing are the most.
fn rate(read: u64, time: Duration) -> String {
    if time < Duration::from_millis(500) {
        return String::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rate for people"
    )]
    let per_second = (read as f64 / time.as_secs_f64()) as u64;
    format!(" ({}/s)", bytes(per_second))
}

/// Columns as wide as their widest cell: the first to the left, the others to the right.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, Docs, Input, Score, StageDocs, StageTime, Times};

    #[test]
    fn a_funnel_shows_where_documents_went() {
        let stage = |id: &str, entered, changed, dropped, [removed, added]: [u64; 2]| Stage {
            id: id.into(),
            docs: StageDocs { entered, dropped, changed, ..StageDocs::default() },
            removed: Amount { chars: removed, bytes: removed },
            added: Amount { chars: added, bytes: added },
            scores: vec![Score {
                name: "removed".into(),
                threshold: Some(0.3),
                left_alone: dropped,
                ..Score::default()
            }],
            ..Stage::default()
        };
        let time = |id: &str| StageTime { id: id.into(), seconds: 0.0015 };
        let run = Run {
            docs: Docs {
                over_limits: [("line-bytes".to_owned(), 1)].into(),
                read: 1200,
                unreadable: 1,
                kept: 1196,
                dropped: 3,
                failed: 1,
                ..Docs::default()
            },
            stages: vec![stage("clean", 1199, 20, 0, [0, 5]), stage("links", 1199, 700, 3, [12_346, 1])],
            input: Input { bytes: 20_000_000, ..Input::default() },
            times: Times { seconds: 1.0, stages: vec![time("clean"), time("links")], ..Times::default() },
            ..Run::default()
        };
        let expect = "\
stage    documents  changed  dropped  failed  characters  time
(input)      1,200                         1
clean        1,199       20        0       0          +5  1 ms
links        1,199      700        3       0     -12,345  1 ms

1,200 documents read = 1,196 kept + 3 dropped + 1 failed, in 1.0 s (20.0 MB/s)
1 document beyond the limit `line-bytes`
links left 3 documents alone: `removed` lay above 0.3
";
        assert_eq!(run.funnel(), expect);
    }
}
