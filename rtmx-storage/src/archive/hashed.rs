//! Bytes on their way to or from a file, counted and hashed.

use crate::fingerprint::hex;
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, Read, Write};

/// Counts and hashes what passes through, as it is in the file.
#[derive(Debug)]
pub(super) struct Hashed<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T> Hashed<T> {
    pub(super) fn new(inner: T) -> Self {
        Hashed { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// The hash of everything so far.
    pub(super) fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// How much it was so far.
    pub(super) fn size(&self) -> u64 {
        self.bytes
    }

    pub(super) fn into_inner(self) -> T {
        self.inner
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: BufRead> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let given = self.inner.fill_buf()?;
        let taken = given.len().min(into.len());
        into[..taken].copy_from_slice(&given[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: BufRead> BufRead for Hashed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        // What is consumed was just given, so it is given again without reading.
        if let Ok(given) = self.inner.fill_buf() {
            let passed = &given[..amount.min(given.len())];
            self.hash.update(passed);
            self.bytes += passed.len() as u64;
        }
        self.inner.consume(amount);
    }
}
