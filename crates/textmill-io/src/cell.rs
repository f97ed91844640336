//! A cell of a table: a value that is JSON only where somebody asks for JSON.

use std::borrow::Cow;

use crate::document::FieldKind;
use crate::json;
use crate::table::Stored;

/// What the column is called that holds, as a JSON object, the fields that have no column; the second name is for a table
/// that has a column of the first name which holds something else.
pub(crate) const EXTRA: [&str; 2] = ["extra", "textmill-extra"];

/// A value of a row, which is there: what is absent is no cell.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'c> {
    /// A text.
    Text(Cow<'c, str>),
    /// A text that stands for whatever it is read as: a field of a CSV file.
    Written(Cow<'c, str>),
    /// Any value, as JSON.
    Json(Cow<'c, str>),
    /// A value of a table of Arrow.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "nothing reads tables then"))]
    Stored(Stored<'c>),
}

impl<'c> Cell<'c> {
    /// The text; or what it is instead.
    pub(crate) fn text(&self) -> Result<Cow<'c, str>, String> {
        match self {
            Self::Text(text) | Self::Written(text) => Ok(text.clone()),
            Self::Json(Cow::Borrowed(json)) => json::decode_text(json),
            Self::Json(Cow::Owned(json)) => json::decode_text(json).map(|text| Cow::Owned(text.into_owned())),
            Self::Stored(stored) => {
                stored.text().map(Cow::Borrowed).ok_or_else(|| json::describe(stored.json()).to_owned())
            }
        }
    }

    /// JSON of this kind; or what it is instead.
    pub(crate) fn json_of(&self, kind: FieldKind) -> Result<Cow<'c, str>, String> {
        if let Self::Stored(stored) = self {
            return match stored.text() {
                Some(text) => Self::Text(Cow::Borrowed(text)).json_of(kind),
                None => Self::Json(Cow::Borrowed(stored.json())).json_of(kind),
            };
        }
        let json = match (self, kind) {
            (Self::Text(text) | Self::Written(text), FieldKind::Text) => {
                return Ok(Cow::Owned(json::encode_text(text)));
            }
            (Self::Text(_), FieldKind::Json) => return Ok(Cow::Owned(self.json().into_owned())),
            (Self::Text(_), _) => return Err("text".to_owned()),
            (Self::Written(written), FieldKind::Json) if kind.check(written).is_err() => {
                return Ok(Cow::Owned(json::encode_text(written)));
            }
            (Self::Written(json) | Self::Json(json), _) => json.clone(),
            (Self::Stored(_), _) => self.json().into_owned().into(),
        };
        kind.check(&json).map(|()| json)
    }

    /// The JSON object that the text is, if it is one.
    pub(crate) fn object(&self) -> Option<Cow<'c, str>> {
        let text = self.text().ok()?;
        (text.starts_with('{') && json::scan(&text).is_ok()).then_some(text)
    }

    /// Whether it is the null of JSON, which is a value.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Json(json) if json == "null")
    }

    /// The value as JSON.
    pub(crate) fn json(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Written(text) => Cow::Owned(json::encode_text(text)),
            Self::Json(json) => Cow::Borrowed(json),
            Self::Stored(stored) => match stored.text() {
                Some(text) => Cow::Owned(json::encode_text(text)),
                None => Cow::Borrowed(stored.json()),
            },
        }
    }

    /// The value as a text without a type: a text as it is, anything else as JSON.
    pub(crate) fn written(&self) -> &str {
        match self {
            Self::Text(text) | Self::Written(text) | Self::Json(text) => text,
            Self::Stored(stored) => stored.written(),
        }
    }

    /// Appends the value as JSON.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) | Self::Written(text) => json::write_text(text, out),
            Self::Json(json) => out.extend_from_slice(json.as_bytes()),
            Self::Stored(stored) => stored.write_json(out),
        }
    }
}
