//! What the fuzz targets share: a folder in memory for what has to be a file, and reading that has to be sound.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;
use textmill::io::{Ahead, Chunk, FieldNames, Input, InputFormat, InputOptions, InvalidUtf8, Limits, Reader};

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a temporary folder")
});

/// A panic of a decoder is caught by the reader, and costs the file. Our own ends the process here, too, once it is not caught.
static DECODERS_MAY_PANIC: LazyLock<()> = LazyLock::new(|| {
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("/registry/")) {
            said(panic);
        }
    }));
});

/// A file of this process with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    fs::write(&path, bytes).expect("the file can be written");
    path
}

/// Reads a file, whose first byte says how: with which limits, and whether a document needs a text. What is read must be the same
/// with the help of others and without, and every document must stand to be looked at and written.
pub fn read(format: InputFormat, name: &str, bytes: &[u8]) {
    if matches!(format, InputFormat::Parquet | InputFormat::Arrow) {
        LazyLock::force(&DECODERS_MAY_PANIC);
    }
    let Some((how, bytes)) = bytes.split_first() else { return };
    let path = file(name, bytes);
    let small = Limits {
        document_bytes: 500,
        line_bytes: 200,
        record_bytes: 300,
        unpacked_bytes: 2000,
        json_depth: 3,
        ..Limits::default()
    };
    let same = FieldNames::same();
    let options = || InputOptions {
        uris: vec![path.to_str().expect("a plain name").to_owned()],
        format: Some(format),
        invalid_utf8: if how & 1 == 0 { InvalidUtf8::Replace } else { InvalidUtf8::Fail },
        limits: if how & 2 == 0 { Limits::default() } else { small },
        fields: if how & 4 == 0 { same.clone() } else { same.clone().with_optional_text() },
        shard_bytes: (how & 8 != 0).then(|| 64.try_into().expect("it is not 0")),
        ..InputOptions::default()
    };
    let open = || Input::open(options()).expect("the file is there");
    let alone = all(open().reader());
    let ahead = Ahead::new(NonZeroUsize::MIN.saturating_add(1), 64 << 20);
    assert_eq!(all(open().reader_ahead(ahead)), alone, "who unpacks makes a difference");
}

fn all(mut reader: Reader) -> Vec<String> {
    let (mut chunk, mut found, mut documents) = (Chunk::default(), Vec::new(), 0);
    while reader.next(&mut chunk).expect("damage is no error") {
        assert!(chunk.bytes() <= 1 << 20 || chunk.len() == 1, "a chunk is bounded");
        documents += chunk.len() as u64;
        _ = chunk.key();
        for read in chunk.documents() {
            found.push(match read {
                Ok(document) => {
                    let fields: usize = document.fields().map(|(_, _, value)| value.len()).sum();
                    let json = document.to_json();
                    assert!(
                        std::str::from_utf8(&json).is_ok_and(|json| !json.contains('\n')),
                        "one line of text"
                    );
                    format!("{} {} {fields} {}", document.origin(), document.id(), json.len())
                }
                Err(failure) => {
                    assert!(!failure.message.is_empty(), "a reason");
                    format!("{} ! {} {}", failure.origin, failure.message, failure.original.len())
                }
            });
        }
    }
    assert_eq!(reader.counts().documents, documents);
    found
}
