//! A page in a buffer, seen as its payload.

use pgrx::pg_sys;
use qivf::store::{CAPACITY, PAGE_HEADER, PAGE_SPECIAL, PageMut};

const _: () = assert!(CAPACITY + PAGE_HEADER + PAGE_SPECIAL == pg_sys::BLCKSZ as usize);

/// What the special space of our pages begins with, so that tools can tell whose they are.
const SPECIAL_MAGIC: [u8; PAGE_SPECIAL] = *b"pgqivf\x01\0";

/// The payload of a page: what lies between its header and `pd_lower`. Empty for a page never initialised.
///
/// # Safety
/// `page` is a page of `BLCKSZ` bytes that nobody changes for `'a`.
pub unsafe fn payload<'a>(page: pg_sys::Page) -> &'a [u8] {
    // SAFETY: the slice lies within the page, since its length is at most CAPACITY.
    unsafe {
        let lower = usize::from((*page.cast::<pg_sys::PageHeaderData>()).pd_lower);
        let len = lower.saturating_sub(PAGE_HEADER).min(CAPACITY);
        std::slice::from_raw_parts(page.cast::<u8>().add(PAGE_HEADER), len)
    }
}

/// Whether a page is as relation extension leaves it.
///
/// # Safety
/// `page` is a page that nobody changes meanwhile.
pub unsafe fn is_zero(page: pg_sys::Page) -> bool {
    // SAFETY: the caller passes a page, which begins with its header.
    unsafe { (*page.cast::<pg_sys::PageHeaderData>()).pd_upper == 0 }
}

/// The payload of a page, for change. Initialises a page that is all zeros, as relation extension leaves it.
///
/// # Safety
/// `page` is a page of `BLCKSZ` bytes that is ours alone for `'a`.
pub unsafe fn payload_mut<'a>(page: pg_sys::Page) -> PageMut<'a> {
    // SAFETY: header and body are disjoint parts of the page.
    unsafe {
        let header = page.cast::<pg_sys::PageHeaderData>();
        if is_zero(page) {
            pg_sys::PageInit(page, pg_sys::BLCKSZ as usize, PAGE_SPECIAL);
            let special = page.cast::<u8>().add(PAGE_HEADER + CAPACITY);
            std::ptr::copy_nonoverlapping(SPECIAL_MAGIC.as_ptr(), special, PAGE_SPECIAL);
        }
        let body = std::slice::from_raw_parts_mut(page.cast::<u8>().add(PAGE_HEADER), CAPACITY);
        PageMut::new(&mut (*header).pd_lower, body)
    }
}
