//! What stands in the place of `table` where Parquet and Arrow are left out: cells of which there is none.

use std::convert::Infallible;
use std::marker::PhantomData;

/// No cell of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'c>(Infallible, PhantomData<&'c ()>);

impl<'c> Stored<'c> {
    pub(crate) fn text(self) -> Option<&'c str> {
        match self.0 {}
    }

    pub(crate) fn json(self) -> &'c str {
        match self.0 {}
    }

    pub(crate) fn written(self) -> &'c str {
        match self.0 {}
    }

    pub(crate) fn write_json(self, _: &mut Vec<u8>) {
        match self.0 {}
    }

    pub(crate) fn row_json(self) -> Vec<u8> {
        match self.0 {}
    }
}
