//! Searches by blocks: loops without branches, which compile to vector code, so that a text in which nothing is found
//! costs little more than reading it.

const BLOCK: usize = 64;

/// The first byte from `from` on that passes the test, which should be a few comparisons.
pub(crate) fn position(bytes: &[u8], from: usize, test: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = from;
    while let Some(block) = block(bytes, at) {
        if block.iter().fold(0, |any, byte| any | u8::from(test(*byte))) != 0 {
            break;
        }
        at += BLOCK;
    }
    // Where matches are dense, the rest of a block is worth narrowing down too.
    while let Some(few) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        if few.iter().fold(0, |any, byte| any | u8::from(test(*byte))) != 0 {
            break;
        }
        at += few.len();
    }
    bytes.get(at..)?.iter().position(|byte| test(*byte)).map(|found| at + found)
}

/// Whether three bytes in a row pass the test: it answers 0 or 1 and must not branch (no `&&`), or the loop stays slow.
pub(crate) fn any_triple(bytes: &[u8], test: impl Fn(u8, u8, u8) -> u8) -> bool {
    let mut at = 0;
    while let (Some(a), Some(b), Some(c)) = (block(bytes, at), block(bytes, at + 1), block(bytes, at + 2)) {
        if a.iter().zip(b).zip(c).fold(0, |any, ((a, b), c)| any | test(*a, *b, *c)) != 0 {
            return true;
        }
        at += BLOCK;
    }
    bytes.get(at..).unwrap_or_default().windows(3).any(|triple| test(triple[0], triple[1], triple[2]) != 0)
}

/// Of a length known beforehand, or the loops over it are not compiled to vector code.
fn block(bytes: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
    bytes.get(at..).and_then(<[u8]>::first_chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_miss_nothing() {
        for len in 0..300 {
            let mut bytes = vec![b'a'; len + 3];
            assert_eq!(position(&bytes, 0, |byte| byte == b'x'), None);
            bytes[len..].copy_from_slice(b"xyz");
            assert_eq!(position(&bytes, len / 3, |byte| byte == b'x'), Some(len));
            assert!(any_triple(&bytes, |a, b, c| u8::from([a, b, c] == *b"xyz")));
            assert!(!any_triple(&bytes, |a, b, c| u8::from([a, b, c] == *b"xzy")));
        }
    }
}
