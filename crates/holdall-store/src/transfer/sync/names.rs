//! Names in the order in which they came, any number of them: a few in memory, more in a temporary file.

use super::Scratch;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, Write};

/// What is held in memory before it goes to a file.
const HELD: usize = 256 * 1024;

/// A list of names, each with a figure.
#[derive(Debug, Default)]
pub(in crate::transfer) struct Names {
    held: Vec<u8>,
    file: Option<File>,
    scratch: Scratch,
    count: u64,
}

impl Names {
    pub(in crate::transfer) fn new(scratch: Scratch) -> Self {
        Self { scratch, ..Self::default() }
    }

    pub(in crate::transfer) fn push(&mut self, name: &str, figure: u64) -> io::Result<()> {
        self.held.extend_from_slice(&figure.to_le_bytes());
        self.held.extend_from_slice(&(name.len() as u32).to_le_bytes());
        self.held.extend_from_slice(name.as_bytes());
        self.count += 1;
        if self.held.len() < HELD {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.scratch.file()?),
        };
        file.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    pub(in crate::transfer) fn count(&self) -> u64 {
        self.count
    }

    /// Reads them from the first.
    pub(in crate::transfer) fn read(self) -> io::Result<NamesRead> {
        let held = Cursor::new(self.held);
        let reader: Box<dyn Read + Send> = match self.file {
            None => Box::new(held),
            Some(mut file) => {
                file.rewind()?;
                Box::new(BufReader::with_capacity(HELD / 4, file).chain(held))
            }
        };
        Ok(NamesRead { reader, left: self.count })
    }
}

/// Names being read.
pub(in crate::transfer) struct NamesRead {
    reader: Box<dyn Read + Send>,
    left: u64,
}

impl NamesRead {
    fn one(&mut self) -> io::Result<(String, u64)> {
        let (mut figure, mut len) = ([0; 8], [0; 4]);
        self.reader.read_exact(&mut figure)?;
        self.reader.read_exact(&mut len)?;
        let mut name = vec![0; u32::from_le_bytes(len) as usize];
        self.reader.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(io::Error::other)?;
        Ok((name, u64::from_le_bytes(figure)))
    }
}

impl Iterator for NamesRead {
    type Item = io::Result<(String, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.one().inspect_err(|_| self.left = 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_in_their_order_from_memory_and_from_a_file() {
        for count in [0, 1, 100, 30_000] {
            let mut names = Names::new(Scratch::default());
            for n in 0..count {
                names.push(&format!("name\n{n}"), n).unwrap();
            }
            assert_eq!((names.count(), names.file.is_some()), (count, count > 20_000));
            let read: Vec<_> = names.read().unwrap().map(Result::unwrap).collect();
            let wanted: Vec<_> = (0..count).map(|n| (format!("name\n{n}"), n)).collect();
            assert!(read == wanted, "{count}");
        }
    }
}
