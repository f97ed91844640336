//! The columns of a table, and what of a document goes into which.
//!
//! They are known before the first document: those that the pipeline declares, or else those of the first file of the
//! input, or else, where that has none, the five fields that textmill has names for. Nothing is guessed from documents. A
//! field without a column, and a value that its column cannot hold, goes into one more column, which holds a JSON object;
//! so does the null of JSON, because a cell that is not there is an absent field.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

#[cfg(feature = "parquet")]
use arrow_schema::FieldRef;

use crate::cell::{Cell, EXTRA};
use crate::document::{Document, FieldKind};
use crate::json;
use crate::names::FieldNames;

/// A column that an output is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// What it holds; `None`: what the column of that name in the input holds, or else text.
    pub kind: Option<FieldKind>,
}

/// The columns of the input, which are known when its first file has been opened.
#[derive(Clone, Debug, Default)]
pub struct InputColumns {
    names: FieldNames,
    read: Arc<OnceLock<Vec<TableColumn>>>,
}

/// The columns of a table to be written.
#[derive(Debug)]
pub(crate) struct Columns {
    list: Vec<TableColumn>,
    /// The one for fields that have none; without it they are left out.
    extra: Option<usize>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    /// A value that it cannot hold is an error, because somebody said what it holds.
    is_declared: bool,
    /// What it was in the input, if that was Arrow.
    #[cfg(feature = "parquet")]
    field: Option<FieldRef>,
}

/// A document as a row: a cell for each column, `None` where nothing is.
pub(crate) type Row<'a> = Vec<Option<Cell<'a>>>;

impl InputColumns {
    pub(crate) fn new(names: FieldNames) -> Self {
        Self { names, read: Arc::default() }
    }

    /// What the input calls its fields.
    pub(crate) fn names(&self) -> &FieldNames {
        &self.names
    }

    /// Says what the first file of the input has; what is said later does not count.
    pub(crate) fn found(&self, columns: impl FnOnce() -> Vec<TableColumn>) {
        self.read.get_or_init(columns);
    }

    /// The names of the columns of the first file, with their types; none before it is open, and where it has none.
    pub fn described(&self) -> Vec<(String, String)> {
        self.read
            .get()
            .into_iter()
            .flatten()
            .map(|column| (column.name.clone(), column.type_name()))
            .collect()
    }

    /// The columns of an output that declares these.
    pub(crate) fn columns(&self, declared: Option<&[Column]>) -> Columns {
        let read = self.read.get().map_or(&[][..], Vec::as_slice);
        let list = match declared {
            Some(declared) => declared.iter().map(|column| TableColumn::declared(column, read)).collect(),
            None if !read.is_empty() => read.to_vec(),
            None => {
                let names = ["id", "text", "title", "url", "summary"];
                names.map(|name| TableColumn::text(self.names.in_input(name))).to_vec()
            }
        };
        Columns::new(list)
    }
}

impl TableColumn {
    /// A column of texts.
    pub(crate) fn text(name: impl Into<String>) -> Self {
        Self::new(name.into(), FieldKind::Text, false)
    }

    /// A column of Arrow, in which stages find `kind`.
    #[cfg(feature = "parquet")]
    pub(crate) fn stored(field: &FieldRef, kind: FieldKind) -> Self {
        Self { field: Some(Arc::clone(field)), ..Self::new(field.name().clone(), kind, false) }
    }

    /// What it was in the input, if that was Arrow.
    #[cfg(feature = "parquet")]
    pub(crate) fn field(&self) -> Option<&FieldRef> {
        self.field.as_ref()
    }

    pub(crate) fn new(name: String, kind: FieldKind, is_declared: bool) -> Self {
        Self {
            name,
            kind,
            is_declared,
            #[cfg(feature = "parquet")]
            field: None,
        }
    }

    fn type_name(&self) -> String {
        #[cfg(feature = "parquet")]
        if let Some(field) = &self.field {
            return field.data_type().to_string();
        }
        self.kind.to_string()
    }

    fn declared(column: &Column, read: &[Self]) -> Self {
        let same = read.iter().find(|known| known.name == column.name);
        match (column.kind, same) {
            (Some(kind), _) => Self::new(column.name.clone(), kind, true),
            (None, Some(same)) => same.clone(),
            (None, None) => Self::text(&column.name),
        }
    }

    /// The cell, if the column can hold it; else what it is instead.
    fn hold<'a>(&self, cell: &Cell<'a>) -> Result<Cell<'a>, String> {
        #[cfg(feature = "parquet")]
        if let Some(field) = &self.field {
            match cell {
                Cell::Stored(stored) if stored.is_of(field) => return Ok(cell.clone()),
                _ if !crate::table::can_be_made(field.data_type()) => {
                    return Err(json::describe(&cell.json()).to_owned());
                }
                _ => (),
            }
        }
        match self.kind {
            FieldKind::Text => cell.text().map(Cell::Text),
            kind => cell.json_of(kind).map(Cell::Json),
        }
    }
}

impl Columns {
    fn new(mut list: Vec<TableColumn>) -> Self {
        let is_free = |name: &&str| list.iter().all(|column| column.name != *name || column.can_be_extra());
        let name = EXTRA.iter().find(|name| is_free(name)).unwrap_or(&EXTRA[0]);
        let extra = list.iter().position(|column| column.name == **name).unwrap_or_else(|| {
            list.push(TableColumn::text(*name));
            list.len() - 1
        });
        Self { list, extra: Some(extra) }
    }

    /// These and no other: one that somebody else lays out has no room for one more.
    #[cfg(feature = "parquet")]
    pub(crate) fn only(list: Vec<TableColumn>) -> Self {
        let is_extra = |name: &&str| list.iter().any(|column| column.name == **name && column.can_be_extra());
        let extra = EXTRA.iter().find(|name| is_extra(name));
        let extra = extra.and_then(|name| list.iter().position(|column| column.name == **name));
        Self { list, extra }
    }

    /// All of them, in order.
    pub(crate) fn list(&self) -> &[TableColumn] {
        &self.list
    }

    /// The row of a document. The error is a sentence for people.
    pub(crate) fn row<'a>(&self, document: &'a Document<'_>) -> Result<Row<'a>, String> {
        let mut row: Row<'a> = vec![None; self.list.len()];
        let mut extra = Vec::new();
        for (number, (name, cell)) in document.cells().enumerate() {
            match self.place(name, number).filter(|_| !cell.is_null()) {
                None => push_entry(name, &cell, &mut extra),
                Some(index) if row[index].is_some() => {
                    return Err(format!("the field `{name}` stands twice in the document"));
                }
                Some(index) => match self.list[index].hold(&cell) {
                    Ok(held) => row[index] = Some(held),
                    Err(found) => self.misfit(index, &found).map(|()| push_entry(name, &cell, &mut extra))?,
                },
            }
        }
        if let Some(place) = self.extra {
            row[place] = document.extra_as_read().or_else(|| object(extra));
        }
        Ok(row)
    }

    /// The column of this name, which is likely to be the one of this number.
    fn place(&self, name: &str, number: usize) -> Option<usize> {
        let is_it = |column: &TableColumn| column.name == name;
        let found = match self.list.get(number) {
            Some(column) if is_it(column) => Some(number),
            _ => self.list.iter().position(is_it),
        };
        found.filter(|index| Some(*index) != self.extra)
    }

    fn misfit(&self, index: usize, found: &str) -> Result<(), String> {
        let TableColumn { name, kind, is_declared, .. } = &self.list[index];
        match is_declared {
            true => Err(format!("the column `{name}` should hold {kind}, found {found}")),
            false => Ok(()),
        }
    }
}

impl TableColumn {
    fn can_be_extra(&self) -> bool {
        matches!(self.kind, FieldKind::Text | FieldKind::Json)
    }
}

/// Appends an entry to what is between the braces of an object.
fn push_entry(name: &str, cell: &Cell<'_>, entries: &mut Vec<u8>) {
    if !entries.is_empty() {
        entries.push(b',');
    }
    json::write_text(name, entries);
    entries.push(b':');
    cell.write_json(entries);
}

fn object(entries: Vec<u8>) -> Option<Cell<'static>> {
    let entries = String::from_utf8(entries).ok().filter(|entries| !entries.is_empty())?;
    Some(Cell::Text(Cow::Owned(format!("{{{entries}}}"))))
}
