//! Lengths as Parquet's delta encoding packs them: blocks of small differences, each in as many bits as it needs.

use super::thrift::{varint, zigzag};

/// Values of a block that the format's writers use; a damaged file may say any.
const MOST_IN_A_BLOCK: usize = 1 << 20;

/// Takes at most `most` numbers from the front of `bytes`; `None` when there are more or the bytes end before them.
pub(super) fn read(bytes: &mut &[u8], most: usize) -> Option<Vec<i64>> {
    let block = usize::try_from(varint(bytes)?).ok().filter(|b| *b <= MOST_IN_A_BLOCK)?;
    let parts = usize::try_from(varint(bytes)?).ok().filter(|p| (1..=block).contains(p))?;
    let count = usize::try_from(varint(bytes)?).ok().filter(|c| *c <= most)?;
    let mut number = zigzag(bytes)?;
    let in_a_part = block / parts;
    if count > 1 && (in_a_part == 0 || !in_a_part.is_multiple_of(8)) {
        return None;
    }
    let mut numbers = Vec::new();
    if count > 0 {
        numbers.push(number);
    }
    while numbers.len() < count {
        let least = zigzag(bytes)?;
        let widths = bytes.split_off(..parts)?;
        for width in widths {
            // Parts after the last value are not written, whatever width they have.
            if numbers.len() == count {
                break;
            }
            let width = usize::from(*width);
            if width > 64 {
                return None;
            }
            let packed = bytes.split_off(..in_a_part / 8 * width)?;
            for at in 0..in_a_part.min(count - numbers.len()) {
                number = number.wrapping_add(least).wrapping_add(bits(packed, at * width, width).cast_signed());
                numbers.push(number);
            }
        }
    }
    Some(numbers)
}

/// `width` bits from bit `at`, the lowest first.
fn bits(packed: &[u8], at: usize, width: usize) -> u64 {
    let bit = |n: usize| u64::from(packed[(at + n) / 8] >> ((at + n) % 8) & 1);
    (0..width).fold(0, |number, n| number | bit(n) << n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_the_rest_is_left() {
        // The format's own example: 7, 5, 3, 1, 2, 3, 4, 5 are 7 and the differences -2 -2 -2 1 1 1 1.
        let mut bytes = vec![128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0011_1111];
        bytes.extend([0; 6]);
        bytes.push(99);
        let mut rest = &bytes[..];
        assert_eq!(read(&mut rest, 8), Some(vec![7, 5, 3, 1, 2, 3, 4, 5]));
        assert_eq!(rest, [99]);
        assert_eq!(read(&mut &bytes[..], 7), None, "more than the page has");
        assert_eq!(read(&mut &bytes[..10], 8), None, "cut");
    }

    #[test]
    fn blocks_that_cannot_be_are_none() {
        for bytes in [&[128, 1, 0, 8, 14][..], &[0, 4, 8, 14, 3], &[128, 1, 4, 8, 14, 3, 65, 0, 0, 0], &[255; 12]] {
            assert_eq!(read(&mut &bytes[..], 8), None, "{bytes:?}");
        }
    }
}
