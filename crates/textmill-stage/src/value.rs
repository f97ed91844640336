//! The types that a field can have.

use std::borrow::Cow;

use textmill_abi as abi;

/// A type that a field can have: `String`, `bool`, `i64`, `f64`, `Vec<String>`, or any JSON (`serde_json::Value`).
/// All but text cross the boundary as JSON.
///
/// ```
/// # use textmill_stage::{Doc, Outcome, Plan, Read, Result, Stage, Write};
/// # /// What it is for.
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)]
/// # struct Config {}
/// struct Tag {
///     title: Read<String>,
///     tags: Read<Vec<String>>,
///     tagged: Write<Vec<String>>,
/// }
///
/// # impl Stage for Tag {
/// #     const NAME: &'static str = "tag";
/// #     type Config = Config;
/// fn new(_: Config, plan: &mut Plan) -> Result<Self> {
///     Ok(Self { title: plan.reads("title"), tags: plan.reads("tags"), tagged: plan.writes("tags") })
/// }
///
/// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
///     // Absent or null is `None`. A field of another type fails the document before the stage sees it.
///     let mut tags = doc.get(self.tags).unwrap_or_default();
///     let title: &str = doc.get(self.title).unwrap_or_default();
///     if title.contains("rain") {
///         tags.push("weather".to_owned());
///         doc.set(self.tagged, &tags);
///     } else if tags.is_empty() {
///         doc.unset(self.tagged);
///     }
///     Ok(Outcome::Keep)
/// }
/// # }
///
/// let stage = textmill_stage::testing::open::<Tag>("{}")?;
/// let tagged = stage.run_with("It pours.", &[("title", "More rain"), ("tags", r#"["local"]"#)]);
/// assert_eq!(tagged.fields["tags"], serde_json::json!(["local", "weather"]));
/// assert_eq!(stage.run("It pours.").fields["tags"], serde_json::json!(null));
/// # Ok::<(), textmill_stage::Error>(())
/// ```
pub trait Value: sealed::Sealed + Sized {
    /// What [`crate::Doc::get`] gives.
    type Ref<'a>;
    #[doc(hidden)]
    const KIND: u32;
    #[doc(hidden)]
    fn decode(bytes: &str) -> Option<Self::Ref<'_>>;
    #[doc(hidden)]
    fn encode(&self) -> Cow<'_, str>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for String {}

impl Value for String {
    type Ref<'a> = &'a str;
    const KIND: u32 = abi::TEXT;

    fn decode(bytes: &str) -> Option<&str> {
        Some(bytes)
    }

    fn encode(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

macro_rules! json_value {
    ($($kind:ident: $type:ty),*) => {$(
        impl sealed::Sealed for $type {}

        impl Value for $type {
            type Ref<'a> = Self;
            const KIND: u32 = abi::$kind;

            fn decode(bytes: &str) -> Option<Self> {
                serde_json::from_str(bytes).ok()
            }

            fn encode(&self) -> Cow<'_, str> {
                Cow::Owned(serde_json::to_string(self).expect("these types have no map with a key that is not text"))
            }
        }
    )*};
}

json_value!(BOOL: bool, INT: i64, FLOAT: f64, TEXTS: Vec<String>, JSON: serde_json::Value);
