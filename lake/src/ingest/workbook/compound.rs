//! The file in a file that old Office documents are: streams in chains of sectors, as [MS-CFB] has it. Reading alone, and
//! of a file that may lie: a chain is never longer than the file.

use super::damaged;
use crate::ingest::Refusal;

const END: u32 = 0xffff_fffe;
/// Sectors of the table of sectors that the header names itself.
const IN_HEADER: usize = 109;
const ENTRY: usize = 128;

pub struct Compound<'a> {
    bytes: &'a [u8],
    /// Size of a sector, as a power of two.
    shift: u32,
    /// The sector after each.
    next: Vec<u32>,
    directory: Vec<u8>,
}

/// An entry of the directory.
struct Entry<'a>(&'a [u8]);

impl Entry<'_> {
    fn name(&self) -> String {
        let bytes = usize::from(u16_at(self.0, 0x40)).clamp(2, 64) - 2;
        let units: Vec<u16> = (0..bytes / 2).map(|at| u16_at(self.0, at * 2)).collect();
        String::from_utf16_lossy(&units)
    }

    fn is_stream(&self) -> bool {
        self.0[0x42] == 2
    }

    fn siblings(&self) -> [u32; 2] {
        [u32_at(self.0, 0x44), u32_at(self.0, 0x48)]
    }

    fn child(&self) -> u32 {
        u32_at(self.0, 0x4c)
    }

    fn start(&self) -> u32 {
        u32_at(self.0, 0x74)
    }

    /// Old files leave the upper half undefined.
    fn size(&self) -> usize {
        u32_at(self.0, 0x78) as usize
    }
}

impl<'a> Compound<'a> {
    /// # Errors
    /// `unreadable` for what is no such file, or is cut short.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let header = bytes.get(..512).ok_or_else(|| damaged(&"it ends early"))?;
        let shift = u32::from(u16_at(header, 0x1e));
        if !matches!(shift, 9 | 12) {
            return Err(damaged(&"its sectors have a size that there is not"));
        }
        let mut file = Self { bytes, shift, next: Vec::new(), directory: Vec::new() };
        let mut tables: Vec<u32> = (0..IN_HEADER).map(|at| u32_at(header, 0x4c + at * 4)).collect();
        // Large files name more of them in sectors of their own, each of which ends with the next one's number.
        let mut more = u32_at(header, 0x44);
        for _ in 0..file.sectors() {
            if more >= END {
                break;
            }
            let names = file.sector(more)?;
            let (last, names) = (u32_at(names, names.len() - 4), &names[..names.len() - 4]);
            tables.extend(names.chunks_exact(4).map(|n| u32_at(n, 0)));
            more = last;
        }
        let wanted = u32_at(header, 0x2c) as usize;
        for table in tables.into_iter().filter(|table| *table < END).take(wanted.min(file.sectors())) {
            let entries = file.sector(table)?.chunks_exact(4).map(|n| u32_at(n, 0));
            file.next.extend(entries.collect::<Vec<_>>());
        }
        file.directory = file.chain(u32_at(header, 0x30))?;
        Ok(file)
    }

    /// Whether the outermost folder has a stream of this name.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A stream of the outermost folder, or `None` when there is none of this name.
    ///
    /// # Errors
    /// `unreadable`.
    pub fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(entry) = self.find(name) else { return Ok(None) };
        let small = entry.size() < u32_at(self.bytes, 0x38) as usize;
        let mut stream = if small { self.small(entry.start())? } else { self.chain(entry.start())? };
        if stream.len() < entry.size() {
            return Err(damaged(&"it ends early"));
        }
        stream.truncate(entry.size());
        Ok(Some(stream))
    }

    fn find(&self, name: &str) -> Option<Entry<'_>> {
        let count = self.directory.len() / ENTRY;
        let mut open = vec![self.entry(0)?.child()];
        // The folder is a tree; one that goes in circles is left.
        for _ in 0..=2 * count {
            let Some(entry) = self.entry(open.pop()?) else { continue };
            if entry.is_stream() && entry.name().eq_ignore_ascii_case(name) {
                return Some(entry);
            }
            open.extend(entry.siblings());
        }
        None
    }

    fn entry(&self, at: u32) -> Option<Entry<'_>> {
        let at = (at as usize).checked_mul(ENTRY)?;
        self.directory.get(at..at.checked_add(ENTRY)?).map(Entry)
    }

    fn sectors(&self) -> usize {
        (self.bytes.len() >> self.shift) + 1
    }

    /// A sector; the file's last one may be short.
    fn sector(&self, number: u32) -> Result<&'a [u8], Refusal> {
        let size = 1 << self.shift;
        let start = (number as usize + 1) << self.shift;
        let sector = self.bytes.get(start..(start + size).min(self.bytes.len()));
        sector.filter(|s| s.len() >= 8).ok_or_else(|| damaged(&"it ends early"))
    }

    /// The sectors of a chain, one after the other.
    fn chain(&self, first: u32) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        let mut at = first;
        for _ in 0..self.sectors() {
            if at >= END {
                return Ok(bytes);
            }
            bytes.extend_from_slice(self.sector(at)?);
            at = self.next.get(at as usize).copied().unwrap_or(END);
        }
        Err(damaged(&"its sectors go in circles"))
    }

    /// A chain of the small sectors that short streams are kept in; these lie in the root's own stream.
    fn small(&self, first: u32) -> Result<Vec<u8>, Refusal> {
        const SIZE: usize = 64;
        let Some(root) = self.entry(0) else { return Ok(Vec::new()) };
        let sectors = self.chain(root.start())?;
        let next = self.chain(u32_at(self.bytes, 0x3c))?;
        let mut bytes = Vec::new();
        let mut at = first;
        for _ in 0..=sectors.len() / SIZE {
            if at >= END {
                return Ok(bytes);
            }
            let start = at as usize * SIZE;
            bytes.extend_from_slice(sectors.get(start..start + SIZE).ok_or_else(|| damaged(&"it ends early"))?);
            at = next.get(at as usize * 4..at as usize * 4 + 4).map_or(END, |n| u32_at(n, 0));
        }
        Err(damaged(&"its sectors go in circles"))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
