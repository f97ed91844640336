//! Layers of misreading, undone; and texts that only look like it.

use super::*;
use crate::edit::apply;

/// The text after all layers are undone.
fn fix(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let mut edits = Vec::new();
        find(&text, &mut edits);
        if edits.is_empty() {
            return text;
        }
        text = apply(&text, &edits);
    }
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(fix(text), expect, "{text:?}");
}

/// What becomes of `text` if its UTF-8 is read as the encoding with this index.
fn misread(text: &str, page: usize) -> String {
    let by_byte = |byte: u8| CODE_PAGES[page].high().find(|(_, other)| *other == byte).map(|(c, _)| c);
    text.bytes().map(|byte| by_byte(byte).unwrap_or(char::from(byte))).collect()
}

#[test]
fn every_encoding_is_undone() {
    let samples = [
        (0, "Ein schöner Abend für Gäste"),
        (1, "« Où êtes-vous ? » – l’élève"),
        (2, "Сегодня утром прошёл дождь"),
        (3, "Kočka leží v trávě – „spí“"),
        (4, "Η Αθήνα — καλημέρα"),
        (5, "Türkçe’de güzel şeyler"),
        (6, "Rīgā ir skaists rīts…"),
        (7, "Příliš žluťoučký kůň"),
        (8, "Un café très spécial à Montréal"),
        (9, "Les élèves sont arrivés à l’école"),
    ];
    for (page, text) in samples {
        check(&misread(text, page), text);
    }
}

#[test]
fn layers_are_undone() {
    let text = "l’été à Orléans — 30 €";
    let mut misread_text = text.to_owned();
    for _ in 0..4 {
        misread_text = misread(&misread_text, 1);
        check(&misread_text, text);
    }
    check(&misread(&misread("Погода – хорошая", 1), 2), "Погода – хорошая");
}

#[test]
fn only_what_is_broken_in_a_line_is_undone() {
    check("SÃ£o Paulo e São Luís", "São Paulo e São Luís");
    check("naïve — donâ€™t", "naïve — don’t");
    check("first été\nsecond Ã©tÃ©\n", "first été\nsecond été\n");
    check("quoted \u{93}so\u{94}", "quoted “so”");
}

#[test]
fn loss_is_marked() {
    check("â€œlostâ€\u{fffd} end", "“lost\u{fffd} end");
    check("il va Ã la gare, dÃ©jÃ  tard", "il va à la gare, déjà tard");
}

#[test]
fn what_is_right_stays() {
    for text in [
        "",
        "plain",
        "Ångström, Ærø, İzmir, Łódź, Ōsaka",
        "CAFÉ… MARQUÉ™ – NESTLÉ®",
        "5 × £3 = £15, ½ of it; 20 °C ± 1",
        "Тут «усе» гаразд — №5, їжак",
        "שלום עולם, مرحبا بالعالم، สวัสดี",
        "┌──┐ │ok│ └──┘",
        "ÀÉÎÕÜ àéîõü ÿ",
        "price: 10¢, §5 ¶2, ©2020 A®",
        "\u{fffd}\u{fffd} lost",
    ] {
        check(text, text);
    }
}

#[test]
fn a_word_is_one_edit() {
    let mut edits = Vec::new();
    find("a ÐºÐ¾Ñ‚ b cafÃ© c", &mut edits);
    assert_eq!(edits, [Edit::new(2, 15, "кот"), Edit::new(21, 25, "é")]);
}
