//! Figures beside what was asked for and what others reach.

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};

/// A measured figure.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figure {
    /// What it was measured on.
    pub(crate) set: String,
    /// Its name.
    pub(crate) name: String,
    /// Its value, as a person reads it. A bar is held against the number that it begins with, or, where an interval follows
    /// in brackets, against its lower end.
    pub(crate) value: String,
    /// What is asked for, as in `>= 0.95`.
    pub(crate) bar: Option<String>,
    /// Whether it is reached.
    pub(crate) met: Option<bool>,
    /// What others reach, measured in the same run.
    pub(crate) others: Option<String>,
    /// What others reach, as somebody else reports it.
    pub(crate) quoted: Option<String>,
}

/// A line of a file that says which figures are shown, in which order, and what they are held against.
#[derive(Debug, Deserialize)]
pub(crate) struct Expectation<'a> {
    set: &'a str,
    name: &'a str,
    bar: &'a str,
    quoted: &'a str,
}

/// All figures of a run, and what was left out, with the reason.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) figures: Vec<Figure>,
    pub(crate) skipped: Vec<(String, String)>,
}

impl Figure {
    pub(crate) fn new(set: &str, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { set: set.to_owned(), name: name.into(), value: value.into(), ..Self::default() }
    }

    pub(crate) fn bar(self, bar: impl Into<String>) -> Self {
        Self { bar: Some(bar.into()), ..self }
    }

    pub(crate) fn others(self, others: impl Into<String>) -> Self {
        Self { others: Some(others.into()), ..self }
    }

    /// The number that a bar is held against, and for `163/181` also the share.
    fn numbers(&self) -> Option<(f64, f64)> {
        let low = self.value.split_once('[').and_then(|(_, interval)| interval.split(',').next());
        let first = low.or_else(|| self.value.split([' ', '/']).next())?.parse().ok()?;
        let whole: Option<f64> = self.value.split_once('/').and_then(|(_, whole)| whole.parse().ok());
        Some((first, whole.map_or(f64::NAN, |whole| 100.0 * first / whole)))
    }
}

impl Report {
    pub(crate) fn skip(&mut self, set: &str, reason: &anyhow::Error) {
        self.skipped.push((set.to_owned(), format!("{reason:#}")));
    }

    /// Adds bars and quoted figures, holds each figure against its bar, and puts them into the order of `expectations`.
    /// Figures without a line there come to the end if `all` of them are wanted, and are left out otherwise.
    pub(crate) fn judge(&mut self, expectations: &str, all: bool) {
        let lines: Vec<Expectation<'_>> = expectations.lines().filter_map(Expectation::parse).collect();
        let place = |figure: &Figure| {
            lines
                .iter()
                .position(|line| line.set == figure.set && line.name == figure.name)
                .unwrap_or(lines.len())
        };
        for figure in &mut self.figures {
            if let Some(line) = lines.get(place(figure)) {
                figure.bar = figure.bar.take().or_else(|| some(line.bar));
                figure.quoted = some(line.quoted);
            }
        }
        let met: Vec<_> = self.figures.iter().map(|figure| self.met(figure)).collect();
        for (figure, met) in self.figures.iter_mut().zip(met) {
            figure.met = met;
        }
        self.figures.retain(|figure| all || figure.bar.is_some() || place(figure) < lines.len());
        self.figures.sort_by_key(place);
    }

    fn met(&self, figure: &Figure) -> Option<bool> {
        let (operator, wanted) = figure.bar.as_deref()?.split_once(' ')?;
        let (number, percent) = figure.numbers()?;
        let (number, wanted) = match (wanted.strip_suffix('%'), wanted.strip_prefix('@')) {
            (Some(wanted), _) => (percent, wanted.trim().parse().ok()?),
            (_, Some(name)) => (number, self.number(&figure.set, name)?),
            _ => (number, wanted.split(' ').next()?.parse().ok()?),
        };
        match operator {
            ">=" => Some(number >= wanted),
            ">" => Some(number > wanted),
            "<=" => Some(number <= wanted),
            _ => None,
        }
    }

    fn number(&self, set: &str, name: &str) -> Option<f64> {
        let figure = self.figures.iter().find(|figure| figure.set == set && figure.name == name)?;
        Some(figure.numbers()?.0)
    }

    /// Prints the table, or all of it as one JSON object.
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return writeln!(out);
        }
        let head = ["set", "figure", "ours", "bar", "", "others"].map(ToOwned::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.figures.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for (set, reason) in &self.skipped {
            writeln!(out, "skipped {set}: {reason}")?;
        }
        Ok(())
    }
}

impl<'a> Expectation<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let mut cells = line.split('\t');
        let (set, name) = (cells.next()?, cells.next()?);
        Some(Self {
            set,
            name,
            bar: cells.next().unwrap_or_default(),
            quoted: cells.next().unwrap_or_default(),
        })
    }
}

fn some(cell: &str) -> Option<String> {
    (!cell.is_empty()).then(|| cell.to_owned())
}

fn row(figure: &Figure) -> [String; 6] {
    let quoted = figure.quoted.as_ref().map(|quoted| format!("quoted: {quoted}"));
    let others: Vec<_> = figure.others.iter().cloned().chain(quoted).collect();
    let verdict = match figure.met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let bar = figure.bar.clone().unwrap_or_default();
    [
        figure.set.clone(),
        figure.name.clone(),
        figure.value.clone(),
        bar,
        verdict.to_owned(),
        others.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, bar: &str, met: Option<bool>) {
        let mut report = Report::default();
        report.figures.push(Figure::new("set", "name", value));
        report.figures.push(Figure::new("set", "untouched", "0.9"));
        report.judge(&format!("# comment\nset\tname\t{bar}\tsomebody .5"), false);
        assert_eq!(report.figures.len(), 1);
        assert_eq!(report.figures[0].met, met, "{value} {bar}");
        assert_eq!(report.figures[0].quoted.as_deref(), Some("somebody .5"));
    }

    #[test]
    fn figures_are_held_against_bars() {
        check("0.95", ">= 0.95", Some(true));
        check("0.949", ">= 0.95", Some(false));
        check("+0.30 [+0.10, +0.50]", "> 0", Some(true));
        check("+0.30 [-0.10, +0.50]", "> 0", Some(false));
        check("44/48", ">= 44", Some(true));
        check("90/100", ">= 90%", Some(true));
        check("89/100", ">= 90%", Some(false));
        check("0.91", ">= @untouched", Some(true));
        check("0.89", ">= @untouched", Some(false));
        check("0", "<= 0", Some(true));
        check("fast", ">= 1", None);
        check("1", "", None);
    }
}
