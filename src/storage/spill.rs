//! A temporary file of Postgres: counted against `temp_file_limit`, gone with the transaction.

use pgrx::pg_sys;
use qivf::store::SpillFile;
use qivf::{Error, Result};

use super::context::OwnContext;

/// Bytes of one segment of a `BufFile` (buffile.c).
const SEGMENT: u64 = 0x4000_0000;

/// A temporary file, created when something is first written: in memory and under a resource owner of its own, since that
/// may happen in a callback whose memory is gone with the row.
pub struct TemporaryFile {
    file: *mut pg_sys::BufFile,
    context: OwnContext,
    len: u64,
    at_end: bool,
}

impl TemporaryFile {
    /// No file yet. It lives as long as the memory context and the resource owner that are current now.
    pub fn new() -> Self {
        Self {
            file: std::ptr::null_mut(),
            context: OwnContext::new(c"qivf temporary file"),
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
            Err(Error::TemporaryFile {
                what: "could not seek in it",
            })
        }
    }
}

impl SpillFile for TemporaryFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_null() {
            // SAFETY: the file's memory and its place with the resource owner are those of `context`, which outlives it.
            self.file = self
                .context
                .within(|| unsafe { pg_sys::BufFileCreateTemp(false) });
        }
        if !self.at_end {
            self.seek(self.len)?;
            self.at_end = true;
        }
        // SAFETY: writes the bytes of the slice; raises Postgres's own error when the disk is full or temp_file_limit is hit.
        self.context.within(|| unsafe {
            pg_sys::BufFileWrite(self.file, bytes.as_ptr().cast_mut().cast(), bytes.len());
        });
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        if offset + bytes.len() as u64 > self.len {
            return Err(Error::TemporaryFile {
                what: "read beyond its end",
            });
        }
        self.at_end = false;
        self.seek(offset)?;
        // SAFETY: reads into the bytes of the slice.
        let read =
            unsafe { pg_sys::BufFileRead(self.file, bytes.as_mut_ptr().cast(), bytes.len()) };
        if read == bytes.len() {
            Ok(())
        } else {
            Err(Error::TemporaryFile {
                what: "it is shorter than what was written",
            })
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
