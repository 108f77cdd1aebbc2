//! A varlena argument, seen in place where it can be.

use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::{pg_sys, varlena};

/// The bytes behind a varlena datum.
///
/// Invariant: `varlena` points to a plain (not compressed, not external) varlena with a header of one
/// or four bytes, valid for `'a`.
pub struct Detoasted<'a> {
    varlena: NonNull<pg_sys::varlena>,
    copied: bool,
    _lives: PhantomData<&'a [u8]>,
}

impl Detoasted<'_> {
    /// Takes a datum as it is, with a short header too: nothing is copied unless it is toasted.
    ///
    /// # Safety
    /// `datum` is a varlena datum, not null, that outlives `'a`.
    #[inline]
    pub unsafe fn packed(datum: pg_sys::Datum) -> Self {
        let stored: *mut pg_sys::varlena = datum.cast_mut_ptr();
        // SAFETY: the caller says that it is a varlena, so it has a header to look at.
        unsafe {
            let plain = varlena::varatt_is_4b_u(stored)
                || (varlena::varatt_is_1b(stored) && !varlena::varatt_is_1b_e(stored));
            Self::new(stored, plain, |stored| {
                pg_sys::pg_detoast_datum_packed(stored)
            })
        }
    }

    /// Takes a datum with a header of four bytes, hence aligned as its type says.
    ///
    /// # Safety
    /// As [`Detoasted::packed`].
    #[inline]
    pub unsafe fn aligned(datum: pg_sys::Datum) -> Self {
        let stored: *mut pg_sys::varlena = datum.cast_mut_ptr();
        // SAFETY: as in `packed`.
        unsafe {
            let plain = varlena::varatt_is_4b_u(stored);
            Self::new(stored, plain, |stored| pg_sys::pg_detoast_datum(stored))
        }
    }

    /// `plain` values stay as they are: a call into Postgres, with its guard against errors, would cost more than most
    /// distances.
    #[inline]
    fn new(
        stored: *mut pg_sys::varlena,
        plain: bool,
        detoast: impl FnOnce(*mut pg_sys::varlena) -> *mut pg_sys::varlena,
    ) -> Self {
        let value = if plain { stored } else { detoast(stored) };
        Self {
            varlena: NonNull::new(value).expect("detoasting returns a value or raises an error"),
            copied: value != stored,
            _lives: PhantomData,
        }
    }

    /// The varlena itself, header included.
    pub fn as_ptr(&self) -> *mut pg_sys::varlena {
        self.varlena.as_ptr()
    }

    /// Whether this is a copy of our own rather than the argument itself.
    pub fn is_copy(&self) -> bool {
        self.copied
    }

    /// The bytes after the header.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        let stored = self.varlena.as_ptr();
        // SAFETY: by the invariant the header is plain, so it tells the length of what follows.
        unsafe {
            std::slice::from_raw_parts(
                varlena::vardata_any(stored).cast(),
                varlena::varsize_any_exhdr(stored),
            )
        }
    }
}

impl Drop for Detoasted<'_> {
    fn drop(&mut self) {
        if self.copied {
            // SAFETY: the copy was made by `detoast` for us alone.
            unsafe { pg_sys::pfree(self.varlena.as_ptr().cast()) }
        }
    }
}

/// A varlena argument of which only the stored bytes matter.
pub struct AnyVarlena<'a>(Detoasted<'a>);

impl AnyVarlena<'_> {
    /// The bytes after the header.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

// SAFETY: SQL declares such arguments with types that are varlenas.
unsafe impl<'fcx> ArgAbi<'fcx> for AnyVarlena<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        unsafe {
            let datum: pg_sys::Datum = arg.unbox_arg_using_from_datum().expect("not null");
            Self(Detoasted::packed(datum))
        }
    }
}

/// A varlena made by us, whatever its SQL type.
pub struct NewVarlena {
    varlena: NonNull<pg_sys::varlena>,
    len: usize,
}

impl NewVarlena {
    /// `len` zero bytes after the header, in the current memory context.
    ///
    /// Postgres raises an error when it is out of memory or `len` is over 1 GB.
    pub fn zeros(len: usize) -> Self {
        let total = len + pg_sys::VARHDRSZ;
        // SAFETY: the allocation has room for the header, which is set at once.
        unsafe {
            let new: *mut pg_sys::varlena = pg_sys::palloc0(total).cast();
            varlena::set_varsize_4b(new, total as i32);
            Self {
                varlena: NonNull::new_unchecked(new),
                len,
            }
        }
    }

    /// A copy of these bytes, in parts.
    pub fn from_parts(parts: &[&[u8]]) -> Self {
        let mut new = Self::zeros(parts.iter().map(|part| part.len()).sum());
        let mut rest = new.bytes_mut();
        for part in parts {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        new
    }

    /// The varlena as a value of SQL.
    pub fn into_datum(self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.varlena.as_ptr())
    }

    /// The bytes after the header, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: allocated with this length, and ours alone.
        unsafe {
            let data = self.varlena.as_ptr().cast::<u8>().add(pg_sys::VARHDRSZ);
            std::slice::from_raw_parts_mut(data, self.len)
        }
    }
}

// SAFETY: the datum is a varlena in palloc'ed memory.
unsafe impl BoxRet for NewVarlena {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the caller returns it from the function.
        unsafe { fcinfo.return_raw_datum(pg_sys::Datum::from(self.varlena.as_ptr())) }
    }
}

sql_type!([] AnyVarlena<'_>, "bytea");
sql_type!([] NewVarlena, "bytea");
