//! The rules: their names, what evidence each needs, and the permissions the host gave for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use textmill_stage::{Deletes, Plan};

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Why a line, or a part of one, goes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Rule {
            /// Every rule with its name and its summary.
            const ALL: &[(Self, &'static str, &'static str)] =
                &[$((Self::$variant, $name, concat!($($doc),+).trim_ascii()),)+];
        }
    };
}

rules! {
    /// A line that opens with a teaser phrase, followed by a colon or bar, or by a headline that is no sentence.
    Teaser = "teaser",
    /// A heading of related links alone on its line, and the short lines without a full stop below it.
    RelatedBlock = "related-block",
    /// A short line that is nothing but a share phrase, or opens with one.
    Share = "share",
    /// A short line that opens with an invitation to follow, or contains one.
    Follow = "follow",
    /// A short line that is, opens with or contains an invitation to a newsletter.
    Newsletter = "newsletter",
    /// A line that is a heading or form of the comments, or nothing but a count of them.
    Comments = "comments",
    /// A short line that is nothing but the credit of a picture: a credit word and a name, an agency, or a copyright sign.
    Credit = "credit",
    /// A short line that ends with the credit of a picture: the caption of one.
    Caption = "caption",
    /// A short line with a phrase of copyright (option `copyright`).
    Copyright = "copyright",
    /// A line that is nothing but the mark of an advertisement or of what stands in its place, or contains a disclosure.
    Advertisement = "advertisement",
    /// A line that is a button of a paywall, or contains one of its sentences.
    Paywall = "paywall",
    /// A line that is nothing but a word of the page's own buttons, or contains one of its notices.
    Interface = "interface",
    /// A line that is a date of publication, or a reading time.
    Date = "date",
    /// A line that is a byline near the top, or the author's note.
    Byline = "byline",
    /// A line that is nothing but an address, unless the line before announces it with a colon (option `bare-urls`).
    BareUrl = "bare-url",
    /// A line that opens with one of the phrases of the option `phrases`.
    Phrase = "phrase",
    /// The marks and the address of a Markdown link; its words stay.
    MarkdownLink = "markdown-link",
    /// The tags of an HTML link; its words stay.
    HtmlLink = "html-link",
    /// A line that is no sentence, after the last one that is (option `news-tail`).
    NewsTail = "news-tail",
}

/// The rules that are switched on.
#[derive(Debug)]
pub(crate) struct Permissions(Vec<Option<Deletes>>);

impl Permissions {
    /// Declares every rule that is `on`.
    pub(crate) fn declare(plan: &mut Plan, on: impl Fn(Rule) -> bool) -> Self {
        let declare = |&(rule, name, summary)| on(rule).then(|| plan.deletes(name, summary));
        Self(Rule::ALL.iter().map(declare).collect())
    }

    /// The permission for a rule; `None` where it is off.
    pub(crate) fn get(&self, rule: Rule) -> Option<Deletes> {
        self.0.get(rule as usize).copied().flatten()
    }

    /// Whether the rule is on.
    pub(crate) fn allows(&self, rule: Rule) -> bool {
        self.get(rule).is_some()
    }
}

impl Rule {
    /// The rule of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(rule, _, _)| *rule)
    }
}
