//! `run.json`: the engine's numbers in the words of the report.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use textmill_engine::{
    CheckResult, Chosen, Counts, Engine, Excerpt, Failure, Finished, Histogram, LoadedPlugin, Rule,
    RuleCounts, RuleKind, Sample, Samples, ScoreCounts, Sizes, Stage, StageCounts,
};
use textmill_io::Published;
use textmill_pipeline::{CheckSpec, Severity, StageSpec};
use textmill_report as report;
use textmill_report::Run;

/// What is known of a run beside what the engine counted.
#[derive(Debug)]
pub struct Circumstances {
    /// When it began.
    pub started: SystemTime,
    /// How many threads there were.
    pub threads: usize,
    /// How many documents were to be read, if not all.
    pub limit: Option<u64>,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Whether `max-errors` allows as many failed documents as there are.
    pub failures_allowed: bool,
    /// The golden tests of the pipeline file.
    pub tests: Vec<report::Test>,
}

/// How many names are listed of what may be many.
const LISTED: usize = 20;

/// How many bytes all samples may have together, so that a pipeline of many stages has a report that can be opened.
const SAMPLED: usize = 512 << 10;

/// The record of a run.
pub fn record(engine: &Engine, finished: &Finished, known: Circumstances) -> Run {
    let (pipeline, provenance, counts) = (engine.pipeline(), engine.provenance(), &finished.counts);
    let mut run = Run {
        schema_version: report::SCHEMA_VERSION,
        textmill: env!("CARGO_PKG_VERSION").to_owned(),
        pipeline: report::Pipeline {
            name: pipeline.name.clone(),
            path: absolute(&pipeline.path),
            sha256: provenance.pipeline.clone(),
            text: pipeline.text().to_owned(),
        },
        dry_run: known.dry_run,
        limit: known.limit,
        built_in: provenance.built_in.clone(),
        plugins: provenance.plugins.iter().map(plugin).collect(),
        resources: provenance
            .resources
            .iter()
            .map(|used| report::Resource { path: used.path.clone(), sha256: used.sha256.clone() })
            .collect(),
        input: report::Input {
            uris: pipeline.input.uris.clone(),
            bytes: finished.bytes_read,
            skipped_files: finished.skipped_files.iter().take(LISTED).cloned().collect(),
            skipped_files_total: finished.skipped_files.len() as u64,
            skipped_records: finished.skipped_records,
        },
        outputs: finished.published.iter().map(|(kind, published)| output(kind, published)).collect(),
        docs: docs(counts),
        before: texts(&counts.before),
        after: texts(&counts.after),
        stages: stages(engine, counts),
        failures: report::Failures {
            total: counts.failed + finished.left,
            allowed: known.failures_allowed,
            shown: finished.failures.iter().map(failure).collect(),
        },
        checks: checks(engine, &finished.counts),
        tests: known.tests,
        times: times(engine, finished, known.started, known.threads),
    };
    within_budget(&mut run, SAMPLED);
    run
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn plugin(loaded: &LoadedPlugin) -> report::Plugin {
    report::Plugin {
        name: loaded.name.clone(),
        version: loaded.version.clone(),
        path: loaded.path.display().to_string(),
        sha256: loaded.sha256.clone(),
        abi: loaded.abi.clone(),
        stages: loaded.stages.clone(),
    }
}

fn output(kind: &str, published: &Published) -> report::Output {
    let sha256 = match published.files.as_slice() {
        [one] => Some(one.sha256.clone()),
        _ => None,
    };
    report::Output {
        kind: kind.to_owned(),
        path: published.path.display().to_string(),
        docs: published.documents,
        bytes: published.bytes,
        files: published.files.len() as u64,
        sha256,
    }
}

fn docs(counts: &Counts) -> report::Docs {
    report::Docs {
        read: counts.read,
        unreadable: counts.unreadable,
        over_limits: counts
            .over_limits
            .iter()
            .map(|(limit, docs)| (limit.name().to_owned(), *docs))
            .collect(),
        emitted: counts.emitted,
        kept: counts.kept,
        dropped: counts.dropped,
        failed: counts.failed,
        refused: counts.refused,
        replaced_utf8: counts.replaced_utf8,
        kept_ratio: counts.kept_ratio(),
    }
}

fn texts(sizes: &Sizes) -> report::Texts {
    report::Texts { chars: sizes.chars, bytes: sizes.bytes, lengths: distribution(&sizes.lengths) }
}

fn distribution(histogram: &Histogram) -> report::Distribution {
    report::Distribution {
        count: histogram.count(),
        min: histogram.least(),
        max: histogram.most(),
        mean: histogram.mean(),
        p50: histogram.quantile(0.5),
        p90: histogram.quantile(0.9),
        p95: histogram.quantile(0.95),
        p99: histogram.quantile(0.99),
        bins: histogram
            .bins()
            .map(|bin| report::Bin { from: bin.from, to: bin.to, count: bin.count })
            .collect(),
    }
}

fn stages(engine: &Engine, counts: &Counts) -> Vec<report::Stage> {
    let specs = &engine.pipeline().stages;
    let stages = engine.stages().iter().zip(specs).zip(&counts.stages);
    stages.map(|((stage, spec), counts)| self::stage(stage, spec, counts)).collect()
}

fn stage(stage: &Stage, spec: &StageSpec, counts: &StageCounts) -> report::Stage {
    let plan = stage.plan();
    report::Stage {
        id: stage.id.to_string(),
        uses: spec.uses.clone(),
        options: spec.options.as_object().cloned().unwrap_or_default(),
        docs: report::StageDocs {
            entered: counts.entered,
            emitted: counts.emitted,
            kept: counts.kept,
            dropped: counts.dropped,
            dropped_by_error: counts.dropped_by_error,
            failed: counts.failed,
            errored: counts.errored,
            changed: counts.changed,
        },
        entered: amount(counts.entered_chars, counts.entered_bytes),
        removed: amount(counts.removed_chars, counts.removed_bytes),
        added: amount(counts.added_chars, counts.added_bytes),
        removed_share: distribution(&counts.removed_share),
        rules: plan.rules.iter().zip(&counts.rules).map(|(rule, counts)| self::rule(rule, counts)).collect(),
        fields: plan
            .writes
            .iter()
            .zip(&counts.fields)
            .map(|((name, _), docs)| report::Field { name: name.clone(), docs: *docs })
            .collect(),
        scores: counts.scores.iter().map(score).collect(),
        field_samples: samples(&counts.field_samples),
    }
}

fn amount(chars: u64, bytes: u64) -> report::Amount {
    report::Amount { chars, bytes }
}

fn rule(rule: &Rule, counts: &RuleCounts) -> report::Rule {
    report::Rule {
        name: rule.name.to_string(),
        kind: match rule.kind {
            RuleKind::Deletes => report::RuleKind::Deletes,
            RuleKind::Rewrites => report::RuleKind::Rewrites,
            RuleKind::Drops => report::RuleKind::Drops,
        },
        summary: rule.summary.clone(),
        docs: counts.documents,
        edits: counts.edits,
        removed: amount(counts.removed_chars, counts.removed_bytes),
        added: amount(counts.added_chars, counts.added_bytes),
        samples: samples(&counts.samples),
    }
}

fn score(counts: &ScoreCounts) -> report::Score {
    report::Score {
        name: counts.name.clone(),
        threshold: counts.threshold.filter(|threshold| threshold.is_finite()),
        above: counts.above,
        left_alone: counts.left_alone,
        values: distribution(&counts.values),
    }
}

fn samples(samples: &Samples) -> Vec<report::Sample> {
    let sample = |(chosen, sample): (Chosen, &Sample)| report::Sample {
        id: sample.id.clone(),
        chosen: match chosen {
            Chosen::Extreme => report::Chosen::Extreme,
            Chosen::Typical => report::Chosen::Typical,
            Chosen::Random => report::Chosen::Random,
        },
        chars: sample.chars,
        excerpts: sample.excerpts.iter().map(excerpt).collect(),
        more: sample.more,
    };
    samples.chosen().into_iter().map(sample).collect()
}

fn excerpt(excerpt: &Excerpt) -> report::Excerpt {
    report::Excerpt {
        field: excerpt.field.clone(),
        start: excerpt.start as u64,
        lead: excerpt.lead.clone(),
        removed: excerpt.removed.clone(),
        added: excerpt.added.clone(),
        trail: excerpt.trail.clone(),
        removed_bytes: excerpt.removed_bytes as u64,
        added_bytes: excerpt.added_bytes as u64,
    }
}

fn failure(failure: &Failure) -> report::Failure {
    report::Failure {
        id: failure.id.clone(),
        place: failure.place.clone(),
        stage: failure.stage.clone(),
        message: failure.message.clone(),
    }
}

fn checks(engine: &Engine, counts: &Counts) -> Vec<report::Check> {
    let check = |(spec, result): (&CheckSpec, CheckResult)| report::Check {
        that: spec.that.clone(),
        severity: match spec.severity {
            Severity::Error => report::Severity::Error,
            Severity::Warning => report::Severity::Warning,
        },
        message: spec.message.clone(),
        found: result.found,
        holds: result.holds,
    };
    engine.pipeline().checks.iter().zip(engine.check(counts)).map(check).collect()
}

fn times(engine: &Engine, finished: &Finished, started: SystemTime, threads: usize) -> report::Times {
    let stages = engine.stages().iter().zip(&finished.counts.stages);
    report::Times {
        started: started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        seconds: finished.time.as_secs_f64(),
        stages: stages
            .map(|(stage, counts)| report::StageTime {
                id: stage.id.to_string(),
                seconds: counts.time.as_secs_f64(),
            })
            .collect(),
        threads: threads as u64,
        peak_bytes: finished.peak_bytes as u64,
    }
}

/// Leaves out samples until all together have no more than so many bytes: the first of every rule stays longest.
fn within_budget(run: &mut Run, budget: usize) {
    let mut lists: Vec<&mut Vec<report::Sample>> = Vec::new();
    for stage in &mut run.stages {
        lists.extend(stage.rules.iter_mut().map(|rule| &mut rule.samples));
        lists.push(&mut stage.field_samples);
    }
    let mut left = budget;
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or_default();
    for rank in 0..longest {
        for list in &mut lists {
            let Some(size) = list.get(rank).map(size) else { continue };
            if size > left {
                list.truncate(rank);
            } else {
                left -= size;
            }
        }
    }
}

fn size(sample: &report::Sample) -> usize {
    let texts =
        |one: &report::Excerpt| one.lead.len() + one.removed.len() + one.added.len() + one.trail.len();
    sample.id.len() + sample.excerpts.iter().map(texts).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_beyond_the_budget_are_left_out_last_ones_first() {
        let sample = |id: &str| report::Sample { id: id.repeat(10), ..report::Sample::default() };
        let rule = |ids: &[&str]| report::Rule {
            samples: ids.iter().map(|id| sample(id)).collect(),
            ..report::Rule::default()
        };
        let stage = report::Stage {
            rules: vec![rule(&["a", "b", "c"]), rule(&["d", "e"])],
            ..report::Stage::default()
        };
        let left = |budget| {
            let mut run = Run { stages: vec![stage.clone()], ..Run::default() };
            within_budget(&mut run, budget);
            run.stages[0].rules.iter().map(|rule| rule.samples.len()).collect::<Vec<_>>()
        };
        assert_eq!(left(1000), [3, 2]);
        assert_eq!(left(40), [2, 2]);
        assert_eq!(left(30), [2, 1]);
        assert_eq!(left(0), [0, 0]);
    }
}
