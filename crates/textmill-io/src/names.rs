//! What the input calls the fields that stages know as `text`, `title` and so on.

/// Names of fields: what stages call them, and what the input does. One that is not named here is called alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    pairs: Vec<(String, String)>,
    is_text_optional: bool,
}

impl FieldNames {
    /// Every field has the name that stages use.
    pub const fn same() -> Self {
        Self { pairs: Vec::new(), is_text_optional: false }
    }

    /// The same, for a look at what nobody knows yet: a document needs no text.
    #[must_use]
    pub fn with_optional_text(self) -> Self {
        Self { is_text_optional: true, ..self }
    }

    pub(crate) fn is_text_optional(&self) -> bool {
        self.is_text_optional
    }

    /// From pairs: the name that stages use, the name in the input.
    pub fn new<N: Into<String>, I: Into<String>>(pairs: impl IntoIterator<Item = (N, I)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, input)| (name.into(), input.into())).collect();
        Self { pairs, is_text_optional: false }
    }

    /// The name in the input of what stages call `name`.
    pub fn in_input<'a>(&'a self, name: &'a str) -> &'a str {
        self.pairs.iter().find(|(ours, _)| ours == name).map_or(name, |(_, input)| input)
    }
}

/// For documents that no input was read for.
pub(crate) static SAME: FieldNames = FieldNames::same();
