//! What must be known of a kind of stage to check a file that uses it.

/// A kind of stage, as its plugin describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StageKind {
    /// What `uses` names it by.
    pub name: String,
    /// One sentence about what it does.
    pub summary: String,
    /// The whole manual page, in Markdown.
    pub manual: String,
    /// JSON Schema (2020-12) of its options.
    pub schema: serde_json::Value,
    /// `built in`, or the path of the library that it comes from.
    pub origin: String,
    /// Whether its library runs in processes of its own, whatever a stage says.
    pub isolated: bool,
}

/// The kinds of stages that a pipeline can use.
pub trait Catalog {
    /// The kind with this name.
    fn find(&self, name: &str) -> Option<&StageKind>;

    /// All names, sorted.
    fn names(&self) -> Vec<&str>;
}

/// The stages of a map, by their names.
impl Catalog for std::collections::BTreeMap<String, StageKind> {
    fn find(&self, name: &str) -> Option<&StageKind> {
        self.get(name)
    }

    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }
}
