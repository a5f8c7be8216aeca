//! The header of a page, in Thrift's compact protocol. Reads the fields that tell a page's size and skips the others.
//!
//! Source: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

pub(super) const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
pub(super) const DELTA_BYTE_ARRAY: i64 = 7;

/// Structures within structures; real headers have three.
const DEPTH: u8 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Dictionary,
}

/// What a page says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    /// Bytes in the file.
    pub compressed: usize,
    /// Bytes in memory, the levels included.
    pub uncompressed: usize,
    /// Values, nulls included.
    pub values: u64,
    pub encoding: i64,
    /// Bytes before the values that are never compressed.
    pub levels: usize,
    pub is_compressed: bool,
}

impl Header {
    /// Takes a header from the front of `bytes`; `None` when it is none.
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (mut kind, mut compressed, mut uncompressed) = (None, None, None);
        let (mut values, mut encoding, mut levels, mut is_compressed) = (0, -1, 0_usize, true);
        fields(bytes, 0, &mut |id, value, bytes| {
            match (id, value) {
                (1, Value::Number(n)) => kind = Some(n),
                (2, Value::Number(n)) => uncompressed = Some(usize::try_from(n).ok()?),
                (3, Value::Number(n)) => compressed = Some(usize::try_from(n).ok()?),
                // Data page, dictionary page, data page of the second version.
                (5 | 7 | 8, Value::Struct) => {
                    return fields(bytes, 1, &mut |inner, value, bytes| {
                        match (id, inner, value) {
                            (_, 1, Value::Number(n)) => values = u64::try_from(n).ok()?,
                            (5 | 7, 2, Value::Number(n)) | (8, 4, Value::Number(n)) => encoding = n,
                            (8, 5 | 6, Value::Number(n)) => levels = levels.checked_add(usize::try_from(n).ok()?)?,
                            (8, 7, Value::Boolean(b)) => is_compressed = b,
                            (_, _, value) => skip(bytes, value, 2)?,
                        }
                        Some(())
                    });
                }
                (_, value) => skip(bytes, value, 1)?,
            }
            Some(())
        })?;
        let kind = match kind? {
            0 | 3 => Kind::Data,
            2 => Kind::Dictionary,
            _ => return None,
        };
        let (compressed, uncompressed) = (compressed?, uncompressed?);
        Some(Self { kind, compressed, uncompressed, values, encoding, levels, is_compressed })
    }
}

/// How deep the schema goes that a file's footer lists, groups within groups; `None` when it is no footer.
///
/// The schema is a flat list, each group followed by its children, and the decoder goes down it by recursion.
pub(super) fn depth(mut footer: &[u8]) -> Option<usize> {
    let mut deepest = 0;
    fields(&mut footer, 0, &mut |id, value, bytes| {
        if !matches!((id, value), (2, Value::List)) {
            return skip(bytes, value, 1);
        }
        // Children that the groups around the next element still miss.
        let mut open: Vec<i64> = Vec::new();
        let (elements, _) = count(bytes)?;
        for _ in 0..elements {
            let mut children = 0;
            fields(bytes, 1, &mut |id, value, bytes| {
                if let (5, Value::Number(n)) = (id, value) {
                    children = n;
                }
                skip(bytes, value, 2)
            })?;
            if u64::try_from(children).is_ok_and(|n| n > elements) {
                return None;
            }
            if children > 0 {
                open.push(children);
                deepest = deepest.max(open.len());
                continue;
            }
            while let Some(missing) = open.last_mut() {
                *missing -= 1;
                if *missing > 0 {
                    break;
                }
                open.pop();
            }
        }
        Some(())
    })?;
    Some(deepest)
}

/// A field's value; what is not a number stands behind it in the bytes still.
#[derive(Debug, Clone, Copy)]
enum Value {
    Boolean(bool),
    Number(i64),
    Byte,
    Double,
    Binary,
    List,
    Map,
    Struct,
}

type OnField<'a> = &'a mut dyn FnMut(i64, Value, &mut &[u8]) -> Option<()>;

/// Goes through the fields of a structure. `on` takes what it is given out of the bytes.
fn fields(bytes: &mut &[u8], depth: u8, on: OnField<'_>) -> Option<()> {
    if depth > DEPTH {
        return None;
    }
    let mut id = 0_i64;
    loop {
        let head = byte(bytes)?;
        if head == 0 {
            return Some(());
        }
        id = match head >> 4 {
            0 => zigzag(bytes)?,
            delta => id + i64::from(delta),
        };
        let value = value(bytes, head & 15)?;
        on(id, value, bytes)?;
    }
}

fn value(bytes: &mut &[u8], kind: u8) -> Option<Value> {
    Some(match kind {
        1 | 2 => Value::Boolean(kind == 1),
        3 => Value::Byte,
        4..=6 => Value::Number(zigzag(bytes)?),
        7 => Value::Double,
        8 => Value::Binary,
        9 | 10 => Value::List,
        11 => Value::Map,
        12 => Value::Struct,
        _ => return None,
    })
}

fn skip(bytes: &mut &[u8], value: Value, depth: u8) -> Option<()> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::Boolean(_) | Value::Number(_) => {}
        Value::Byte => drop(byte(bytes)?),
        Value::Double => drop(take(bytes, 8)?),
        Value::Binary => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            take(bytes, length)?;
        }
        Value::List => {
            let (count, kind) = count(bytes)?;
            for _ in 0..count {
                element(bytes, kind, depth)?;
            }
        }
        Value::Map => {
            let count = varint(bytes)?;
            let kinds = if count > 0 { byte(bytes)? } else { 0 };
            for _ in 0..count {
                element(bytes, kinds >> 4, depth)?;
                element(bytes, kinds & 15, depth)?;
            }
        }
        Value::Struct => fields(bytes, depth + 1, &mut |_, value, bytes| skip(bytes, value, depth + 1))?,
    }
    Some(())
}

/// The head of a list: how many elements, and of which kind. `None` for more than could follow: the decoder makes room
/// for as many as a list claims. The least structure there is a choice of one kind without
/// fields, in three bytes.
fn count(bytes: &mut &[u8]) -> Option<(u64, u8)> {
    const STRUCT: u8 = 12;
    let head = byte(bytes)?;
    let (count, kind) = (if head >> 4 == 15 { varint(bytes)? } else { u64::from(head >> 4) }, head & 15);
    let least = if kind == STRUCT { 3 } else { 1 };
    (count.checked_mul(least)? <= bytes.len() as u64).then_some((count, kind))
}

/// Skips an element of a list; a boolean there is a byte of its own.
fn element(bytes: &mut &[u8], kind: u8, depth: u8) -> Option<()> {
    match kind {
        1 | 2 => drop(byte(bytes)?),
        kind => {
            let value = value(bytes, kind)?;
            skip(bytes, value, depth + 1)?;
        }
    }
    Some(())
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    bytes.split_off(..n)
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

/// An unsigned number of at most 64 bits, seven to a byte.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A signed number: 0, -1, 1, -2, …
pub(super) fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let number = varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_its_sizes_and_leaves_the_page() {
        // type 0, uncompressed 10, compressed 20, crc 1, data page { values 3, encoding 7, levels 3, 3 }.
        let bytes = [0x15, 0, 0x15, 20, 0x15, 40, 0x15, 2, 0x1c, 0x15, 6, 0x15, 14, 0x15, 6, 0x15, 6, 0, 0, 99];
        let mut rest = &bytes[..];
        let header = Header::read(&mut rest).expect("a header");
        assert_eq!((header.compressed, header.uncompressed, header.values, header.encoding), (20, 10, 3, 7));
        assert_eq!((header.kind, rest), (Kind::Data, &[99][..]));
    }

    #[test]
    fn a_schema_is_as_deep_as_its_groups_lie_in_each_other() {
        // Field 2, a list of structures; each with field 5, the number of children, or without.
        let footer = |elements: &[u8]| {
            let mut bytes = vec![0x29, (elements.len() as u8) << 4 | 12];
            for children in elements {
                // Name, then number of children.
                bytes.extend_from_slice(&[0x48, 1, b'n', 0x15, children * 2, 0]);
            }
            bytes.push(0);
            bytes
        };
        assert_eq!(depth(&footer(&[1, 0])), Some(1));
        assert_eq!(depth(&footer(&[3, 0, 1, 0, 1, 1, 0])), Some(3));
        assert_eq!(depth(&footer(&[1, 1, 1, 1, 1, 0])), Some(5));
        assert_eq!(depth(&[0x29, 0xfc]), None);
        assert_eq!(depth(&footer(&[9, 0])), None, "more children than elements");
        // Two thousand million elements, in eight bytes.
        assert_eq!(depth(&[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 7, 0]), None);
    }

    #[test]
    fn a_header_that_is_cut_deep_or_negative_is_none() {
        for bytes in [
            &[0x15, 0, 0x15, 20][..],
            &[0x15, 0, 0x15, 19, 0x15, 40, 0],
            &[0x1c; 100],
            &[0x19, 0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            assert_eq!(Header::read(&mut &bytes[..]), None, "{bytes:?}");
        }
    }
}
