//! Old Office documents around a stream that a test makes.

/// A file with one stream, as old Office documents are: a header, the chains of sectors, the directory, the stream.
pub fn compound(name: &str, stream: &[u8]) -> Vec<u8> {
    const SECTOR: usize = 512;
    const END: u32 = 0xffff_fffe;
    // Shorter streams would lie in small sectors.
    let length = stream.len().max(4096).next_multiple_of(SECTOR);
    let sectors = length / SECTOR;
    // The chains tell of the stream, of the directory and of themselves.
    let mut tables = 1;
    while (sectors + 1 + tables) * 4 > tables * SECTOR {
        tables += 1;
    }
    let mut file = vec![0; SECTOR];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let mut put = |at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(0x18, 0x0003_003e);
    put(0x1c, 0x0009_fffe);
    put(0x20, 6);
    put(0x2c, tables as u32);
    put(0x30, tables as u32);
    put(0x38, 4096);
    for (at, value) in [(0x3c, END), (0x44, END)] {
        put(at, value);
    }
    for table in 0..109 {
        put(0x4c + table * 4, if table < tables { table as u32 } else { u32::MAX });
    }
    let mut next = vec![0xffff_fffd; tables];
    next.push(END);
    let first = tables as u32 + 1;
    next.extend((first + 1..first + sectors as u32).chain([END]));
    next.resize(tables * SECTOR / 4, u32::MAX);
    file.extend(next.iter().flat_map(|n| n.to_le_bytes()));
    for (name, kind, child, start, size) in [("Root Entry", 5, 1, END, 0), (name, 2, u32::MAX, first, length as u32)] {
        let mut entry = [0; 128];
        for (at, unit) in name.encode_utf16().enumerate() {
            entry[at * 2..at * 2 + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entry[0x40] = (name.len() + 1) as u8 * 2;
        entry[0x42] = kind;
        for (at, value) in [(0x44, u32::MAX), (0x48, u32::MAX), (0x4c, child), (0x74, start), (0x78, size)] {
            entry[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
        }
        file.extend(entry);
    }
    file.resize((tables + 2) * SECTOR, 0);
    file.extend(stream);
    file.resize((tables + 2) * SECTOR + length, 0);
    file
}
