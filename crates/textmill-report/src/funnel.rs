//! The funnel: what went into each stage, and what became of it.

use std::time::Duration;

use crate::{RunReport, StageReport, bytes, count, duration, plural};

const HEAD: [&str; 7] = ["stage", "documents", "changed", "dropped", "failed", "characters", "time"];

impl RunReport {
    /// The run in a few lines: a row for each stage, and what came out. ASCII but for `µs` and the minus sign.
    pub fn funnel(&self) -> String {
        let mut rows = vec![HEAD.map(ToOwned::to_owned)];
        rows.push(self.input_row());
        rows.extend(self.stages.iter().map(StageReport::row));
        let mut text = table(&rows);
        text.push('\n');
        text.push_str(&self.ends());
        text
    }

    fn input_row(&self) -> [String; 7] {
        let failed = count(self.unreadable);
        [
            "(input)".into(),
            count(self.read),
            String::new(),
            String::new(),
            failed,
            String::new(),
            String::new(),
        ]
    }

    fn ends(&self) -> String {
        let emitted = match self.emitted {
            0 => String::new(),
            emitted => format!(" + {} emitted", count(emitted)),
        };
        let mut text = format!(
            "{} read{emitted} = {} kept + {} dropped + {} failed, in {}{}\n",
            plural(self.read, "document"),
            count(self.kept),
            count(self.dropped),
            count(self.failed),
            duration(self.time),
            rate(self.bytes_read, self.time),
        );
        if self.replaced_utf8 > 0 {
            let documents = plural(self.replaced_utf8, "document");
            text += "bytes that are not UTF-8 were replaced in ";
            text += &documents;
            text.push('\n');
        }
        for stage in &self.stages {
            text.extend(stage.scores.iter().map(|(name, threshold, documents)| {
                let documents = plural(*documents, "document");
                format!("{} left {documents} alone: `{name}` lay above {threshold}\n", stage.id)
            }));
        }
        text
    }
}

impl StageReport {
    fn row(&self) -> [String; 7] {
        [
            self.id.clone(),
            count(self.entered),
            count(self.changed),
            count(self.dropped),
            count(self.failed),
            signed(-self.removed_chars),
            duration(self.time),
        ]
    }
}

/// A difference with its sign; 0 without one.
fn signed(number: i64) -> String {
    let sign = match number.signum() {
        -1 => "-",
        1 => "+",
        _ => "",
    };
    format!("{sign}{}", count(number.unsigned_abs()))
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

    #[test]
    fn a_funnel_shows_where_documents_went() {
        let stage = |id: &str, entered, changed, dropped, removed_chars| StageReport {
            id: id.into(),
            entered,
            changed,
            dropped,
            removed_chars,
            scores: (dropped > 0).then(|| ("removed".to_owned(), 0.3, 2)).into_iter().collect(),
            time: Duration::from_micros(1500),
            ..StageReport::default()
        };
        let report = RunReport {
            pipeline: "news".into(),
            read: 1200,
            unreadable: 1,
            kept: 1196,
            dropped: 3,
            failed: 1,
            stages: vec![stage("clean", 1199, 20, 0, -5), stage("links", 1199, 700, 3, 12_345)],
            bytes_read: 20_000_000,
            time: Duration::from_secs(1),
            ..RunReport::default()
        };
        let expect = "\
stage    documents  changed  dropped  failed  characters  time
(input)      1,200                         1
clean        1,199       20        0       0          +5  1 ms
links        1,199      700        3       0     -12,345  1 ms

1,200 documents read = 1,196 kept + 3 dropped + 1 failed, in 1.0 s (20.0 MB/s)
links left 2 documents alone: `removed` lay above 0.3
";
        assert_eq!(report.funnel(), expect);
    }
}
