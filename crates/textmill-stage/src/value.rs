//! The types that a field can have.

use std::borrow::Cow;

use textmill_abi as abi;

/// A type that a field can have: `String`, `bool`, `i64`, `f64`, `Vec<String>`, or any JSON (`serde_json::Value`).
/// All but text cross the boundary as JSON.
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
