use textmill_stage::testing::{self, open};

use super::{{Type}};

/// Texts and what becomes of them are in `tests/cases`. `TEXTMILL_UPDATE=1 cargo test` writes the expected files anew.
#[test]
fn golden_cases() {
    testing::cases::<{{Type}}>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
}

#[test]
fn every_edit_has_a_rule() {
    let answered = open::<{{Type}}>("{}").unwrap().run("It rains.\nSIGN UP NOW!\n");
    let rules: Vec<_> = answered.edits.iter().map(|(_span, _replacement, rule)| *rule).collect();
    assert_eq!(rules, ["all-capitals"]);
}
