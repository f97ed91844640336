//! The body of an answer as text: put together, unpacked, and decoded.
//!
//! What an archive holds is not always what the head of an answer says: crawlers undo chunks and compression and keep the
//! old head. So a body that is not as it is said to be is taken as it is.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Head;
use crate::limits::{Failure, Most};

/// Lent from the record, or made of it.
pub(super) type Body<'a> = Cow<'a, [u8]>;

/// How far into a page its own word for its encoding is looked for: where browsers look for it (WHATWG HTML, 13.2.3.2).
const META: usize = 1024;

/// A text, and how it was made of bytes.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) encoding: &'static str,
    pub(super) replaced: usize,
}

/// The body of an answer without chunks and compression.
pub(super) fn body<'a>(head: Head<'_>, body: &'a [u8], most: Most) -> Result<Body<'a>, Failure> {
    let is_chunked = head.get("Transfer-Encoding").is_some_and(|found| found.eq_ignore_ascii_case("chunked"));
    let whole = is_chunked.then(|| join_chunks(body)).flatten().map_or(Body::Borrowed(body), Body::Owned);
    let packing = head.get("Content-Encoding").unwrap_or_default().to_ascii_lowercase();
    let unpacked = match (packing.as_str(), &*whole) {
        ("gzip" | "x-gzip", bytes @ [0x1f, 0x8b, ..]) => unpack(MultiGzDecoder::new(bytes), most)?,
        ("deflate", bytes @ [0x78, ..]) => unpack(ZlibDecoder::new(bytes), most)?,
        ("deflate", bytes) => match unpack(DeflateDecoder::new(bytes), most) {
            Err(failure) if failure.limit.is_some() => return Err(failure),
            unpacked => unpacked.ok().flatten(),
        },
        ("zstd", bytes @ [0x28, 0xb5, 0x2f, 0xfd, ..]) => {
            unpack(zstd::stream::read::Decoder::new(bytes).map_err(|error| error.to_string())?, most)?
        }
        // Brotli has no mark at its beginning; what is no text is taken to be packed.
        ("br", bytes) if simdutf8::basic::from_utf8(bytes).is_err() => {
            return Err("the page is packed with Brotli, which is not read".into());
        }
        _ => None,
    };
    Ok(unpacked.map_or(whole, Body::Owned))
}

/// The body that is cut into chunks (RFC 9112, 7.1), as far as they are right; `None` if the first one is not.
fn join_chunks(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::with_capacity(body.len());
    let mut chunks = 0;
    while let Some((chunk, rest)) = next_chunk(body) {
        whole.extend_from_slice(chunk);
        chunks += 1;
        if chunk.is_empty() {
            break;
        }
        body = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
    (chunks > 0).then_some(whole)
}

/// The next chunk and what follows it; what is left of one that is cut off.
fn next_chunk(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', body)?;
    let line = str::from_utf8(&body[..end]).ok()?;
    let size = line.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(size, 16).ok()?;
    let data = &body[end + 1..];
    Some(data.split_at(size.min(data.len())))
}

/// `None` where nothing comes out: then it was not packed.
fn unpack(mut reader: impl Read, most: Most) -> Result<Option<Vec<u8>>, Failure> {
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(most.bytes.saturating_add(1)).read_to_end(&mut bytes);
    match read {
        _ if bytes.len() as u64 > most.bytes => Err(most.failure("the page unpacks to")),
        Err(_) if bytes.is_empty() => Ok(None),
        Err(error) => Err(format!("the page cannot be unpacked: {error}").into()),
        Ok(_) => Ok(Some(bytes)),
    }
}

/// The text of a page: by its byte order mark, or what the server says, or what the page says, or UTF-8 if it is that, or
/// what the web took for granted before. A text that was extracted (`is_text`) is UTF-8.
pub(super) fn decode<'a>(body: Body<'a>, content_type: &str, is_text: bool) -> Decoded<'a> {
    let said = if is_text { Some(UTF_8) } else { charset(content_type).or_else(|| meta_charset(&body)) };
    let is_utf8 = || simdutf8::basic::from_utf8(&body).is_ok();
    let guessed = || if is_utf8() { UTF_8 } else { WINDOWS_1252 };
    let encoding = Encoding::for_bom(&body).map(|(encoding, _)| encoding).or(said).unwrap_or_else(guessed);
    let (text, encoding, is_damaged) = match body {
        Body::Borrowed(bytes) => encoding.decode(bytes),
        Body::Owned(bytes) => {
            let (text, encoding, is_damaged) = encoding.decode(&bytes);
            (Cow::Owned(text.into_owned()), encoding, is_damaged)
        }
    };
    let replaced = if is_damaged { text.matches('\u{fffd}').count() } else { 0 };
    Decoded { text, encoding: encoding.name(), replaced }
}

/// The encoding that a media type names.
fn charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

/// The encoding that a page names in its first lines. A page that can say so in ASCII is not UTF-16.
fn meta_charset(body: &[u8]) -> Option<&'static Encoding> {
    let start = body[..body.len().min(META)].to_ascii_lowercase();
    let mut meta = memchr::memmem::find_iter(&start, b"<meta");
    let label = meta.find_map(|at| label(&start[at..]))?;
    Encoding::for_label(label).map(|encoding| if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

/// What follows `charset=` in a tag.
fn label(tag: &[u8]) -> Option<&[u8]> {
    let tag = &tag[..memchr::memchr(b'>', tag).unwrap_or(tag.len())];
    let at = memchr::memmem::find(tag, b"charset")? + b"charset".len();
    let value = tag[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|byte| b"\"' ;/\t\r\n".contains(byte)).unwrap_or(value.len());
    Some(&value[..end])
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::limits::Limits;

    fn check_decoded(bytes: &[u8], content_type: &str, text: &str, replaced: usize) {
        let found = decode(Body::Borrowed(bytes), content_type, false);
        assert_eq!((&*found.text, found.replaced), (text, replaced), "{content_type}");
    }

    #[test]
    fn the_encoding_is_what_is_said_or_likely() {
        check_decoded("é".as_bytes(), "text/html", "é", 0);
        check_decoded(b"\xe9\x80", "text/html", "é€", 0);
        check_decoded(b"\xe9", "text/html; charset=\"ISO-8859-1\"", "é", 0);
        check_decoded(b"\xe9x", "text/html; charset=utf-8", "\u{fffd}x", 1);
        check_decoded(b"\xff\xfea\0", "text/html; charset=utf-8", "a", 0);
        check_decoded(b"\xef\xbb\xbfa", "", "a", 0);
        check_decoded(b"<META Charset='koi8-r'>\xc1", "text/html", "<META Charset='koi8-r'>а", 0);
        let meta = b"<meta http-equiv=Content-Type content=\"text/html; charset=shift_jis\"/>\x82\xa0";
        let text = "<meta http-equiv=Content-Type content=\"text/html; charset=shift_jis\"/>あ";
        check_decoded(meta, "text/html", text, 0);
        check_decoded(b"<meta charset=utf-16>a", "text/html; charset=nonsense", "<meta charset=utf-16>a", 0);
    }

    fn check_body(fields: &str, bytes: &[u8], expected: Result<&[u8], &str>) {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
        let (head, _) = Head::split(head.as_bytes()).unwrap();
        let found = body(head, bytes, Limits::default().document()).map(Cow::into_owned);
        let found = found.map_err(|failure| failure.message.into_string());
        assert_eq!(found, expected.map(<[u8]>::to_vec).map_err(str::to_owned), "{fields}");
    }

    #[test]
    fn bodies_are_what_they_are_and_not_what_is_said() {
        check_body("Transfer-Encoding: chunked", b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Ok(b"abcde"));
        check_body("Transfer-Encoding: Chunked", b"<p>no chunks", Ok(b"<p>no chunks"));
        check_body("Transfer-Encoding: chunked", b"3\r\nabc\r\n9\r\nde", Ok(b"abcde"));
        check_body("Transfer-Encoding: chunked", b"3\r\nabc\r\nzz", Ok(b"abc"));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"page").unwrap();
        let gzip = gzip.finish().unwrap();
        check_body("Content-Encoding: gzip", &gzip, Ok(b"page"));
        check_body("Content-Encoding: gzip", b"page", Ok(b"page"));
        check_body("Content-Encoding: br", b"page", Ok(b"page"));
        check_body("Content-Encoding: br", b"\x8f", Err("the page is packed with Brotli, which is not read"));
        let head = Head::split(b"A\nContent-Encoding: gzip\n\n").unwrap().0;
        let cut = body(head, &gzip[..gzip.len() - 6], Limits::default().document());
        assert!(cut.unwrap_err().message.starts_with("the page cannot be unpacked"));
        check_body("X: y", &gzip, Ok(&gzip));
    }
}
