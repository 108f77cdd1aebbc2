//! A temporary file of Postgres: counted against `temp_file_limit`, gone with the transaction.

use pgrx::pg_sys;
use qivf::store::SpillFile;
use qivf::{Error, Result};

/// Bytes of one segment of a `BufFile` (buffile.c).
const SEGMENT: u64 = 0x4000_0000;

/// A temporary file, created when something is first written.
pub struct TemporaryFile {
    file: *mut pg_sys::BufFile,
    len: u64,
    at_end: bool,
}

impl TemporaryFile {
    /// No file yet.
    pub fn new() -> Self {
        Self {
            file: std::ptr::null_mut(),
            len: 0,
            at_end: true,
        }
    }

    fn seek(&mut self, offset: u64) -> Result<()> {
        let segment = (offset / SEGMENT) as i32;
        // SAFETY: the file is open.
        let failed =
            unsafe { pg_sys::BufFileSeek(self.file, segment, (offset % SEGMENT) as i64, 0) };
        if failed == 0 {
            Ok(())
        } else {
            Err(Error::corrupt(0, "could not seek in a temporary file"))
        }
    }
}

impl SpillFile for TemporaryFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_null() {
            // SAFETY: creates a file of this transaction's resource owner.
            self.file = unsafe { pg_sys::BufFileCreateTemp(false) };
        }
        if !self.at_end {
            self.seek(self.len)?;
            self.at_end = true;
        }
        // SAFETY: writes the bytes of the slice; raises an error when the disk is full.
        unsafe {
            pg_sys::BufFileWrite(self.file, bytes.as_ptr().cast_mut().cast(), bytes.len());
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        if offset + bytes.len() as u64 > self.len {
            return Err(Error::corrupt(0, "read beyond the end of a temporary file"));
        }
        self.at_end = false;
        self.seek(offset)?;
        // SAFETY: reads into the bytes of the slice.
        let read =
            unsafe { pg_sys::BufFileRead(self.file, bytes.as_mut_ptr().cast(), bytes.len()) };
        if read == bytes.len() {
            Ok(())
        } else {
            Err(Error::corrupt(0, "could not read a temporary file"))
        }
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // While a panic unwinds, the abort of the transaction removes the file.
        if !self.file.is_null() && !std::thread::panicking() {
            // SAFETY: open, and closed once.
            unsafe { pg_sys::BufFileClose(self.file) }
        }
    }
}
