//! Pipeline files: whatever is written, the answer is a pipeline or mistakes with places in the text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use textmill::{Registry, Source};

static REGISTRY: LazyLock<Registry> = LazyLock::new(textmill::registry);

fuzz_target!(|text: &str| {
    let source = Source { path: "/pipelines/p.toml".into(), text: text.to_owned() };
    let resolved = textmill::parse(source).and_then(|draft| {
        _ = (draft.plugins(), draft.output(), draft.field_names());
        draft.resolve(&*REGISTRY, &[])
    });
    let Err(mistakes) = resolved else { return };
    assert!(mistakes.iter().next().is_some(), "whoever refuses says why");
    for mistake in mistakes.iter() {
        let span = mistake.span.clone().expect("a mistake has a place");
        assert!(text.get(span).is_some(), "{mistake:?}");
    }
    assert!(mistakes.render(true).len() >= mistakes.render(false).len());
});
