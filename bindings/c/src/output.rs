//! What a caller gets: places that are set to a safe value first.

use std::ffi::c_char;

use crate::guard::Failure;
use crate::handle::{self, Object};
use crate::status::{REPRIEVE_STATUS_NULL_POINTER, REPRIEVE_STATUS_OUT_OF_RANGE, REPRIEVE_STATUS_STRUCT_SIZE};

fn null(what: &str) -> Failure {
    Failure::new(REPRIEVE_STATUS_NULL_POINTER, format!("`{what}` is NULL; pass where the result goes"))
}

/// A place for a result.
pub struct Out<T> {
    what: &'static str,
    place: *mut T,
}

impl<T> Out<T> {
    /// Sets a place to a safe value.
    ///
    /// # Safety
    /// `place` is NULL or can be written until the end of the call.
    pub unsafe fn new(what: &'static str, place: *mut T, safe: T) -> Out<T> {
        if !place.is_null() {
            // SAFETY: the caller's promise.
            unsafe { place.write(safe) };
        }
        Out { what, place }
    }

    /// Refuses NULL.
    pub fn required(self) -> Result<Out<T>, Failure> {
        if self.place.is_null() { Err(null(self.what)) } else { Ok(self) }
    }

    /// Whether the caller wants it.
    pub fn wanted(&self) -> bool {
        !self.place.is_null()
    }

    pub fn set(&self, value: T) {
        if !self.place.is_null() {
            // SAFETY: as promised to `new`.
            unsafe { self.place.write(value) };
        }
    }
}

impl<H> Out<*mut H> {
    /// A place for a handle.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub unsafe fn handle(what: &'static str, place: *mut *mut H) -> Out<*mut H> {
        // SAFETY: the caller's promise.
        unsafe { Out::new(what, place, std::ptr::null_mut()) }
    }

    pub fn put(&self, object: Object) -> Result<(), Failure> {
        if self.wanted() {
            self.set(handle::insert(object)?);
        }
        Ok(())
    }
}

/// A place for a text that somebody else owns.
pub struct Text {
    ptr: Out<*const c_char>,
    len: Out<usize>,
}

impl Text {
    /// Sets both to nothing.
    ///
    /// # Safety
    /// As [`Out::new`], for both.
    pub unsafe fn new(ptr: *mut *const c_char, len: *mut usize) -> Text {
        // SAFETY: the caller's promise.
        unsafe { Text { ptr: Out::new("text", ptr, std::ptr::null()), len: Out::new("len", len, 0) } }
    }

    pub fn required(self) -> Result<Text, Failure> {
        Ok(Text { ptr: self.ptr.required()?, len: self.len.required()? })
    }

    pub fn set(&self, text: Option<&Zero>) {
        self.ptr.set(text.map_or(std::ptr::null(), Zero::as_ptr));
        self.len.set(text.map_or(0, Zero::len));
    }
}

/// A text with a NUL behind it, so that C can print it.
#[derive(Clone, Debug)]
pub struct Zero(Box<[u8]>);

impl Zero {
    pub fn new(text: &str) -> Zero {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        Zero::bytes(bytes)
    }

    pub fn bytes(mut bytes: Vec<u8>) -> Zero {
        bytes.push(0);
        Zero(bytes.into_boxed_slice())
    }

    pub fn of(text: Option<&str>) -> Option<Zero> {
        text.map(Zero::new)
    }

    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }

    pub fn len(&self) -> usize {
        self.0.len() - 1
    }

    #[cfg(test)]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[..self.len()]).unwrap()
    }
}

/// A structure of results that grows from release to release.
///
/// # Safety
/// `repr(C)`, without padding, any bytes are a value, and its first field is `struct_size: u32`.
pub unsafe trait Grows: Copy {
    /// Its size in release 0.1: the least that a caller can mean.
    const FIRST_SIZE: usize;
    /// Nothing known.
    fn safe() -> Self;
}

/// How much of a structure both sides know. A size that no release had is refused.
pub fn known_size<T: Grows>(what: &str, size: usize) -> Result<usize, Failure> {
    if size < T::FIRST_SIZE {
        let text = format!(
            "`{what}->struct_size` is {size}, but the structure has {} bytes; set it to its sizeof before the call",
            T::FIRST_SIZE
        );
        return Err(Failure::new(REPRIEVE_STATUS_STRUCT_SIZE, text));
    }
    Ok(size.min(size_of::<T>()))
}

/// A place for such a structure.
pub struct OutStruct<T: Grows> {
    place: *mut T,
    size: usize,
}

impl<T: Grows> OutStruct<T> {
    /// Sets what the caller has of it to a safe value, `struct_size` aside.
    ///
    /// # Safety
    /// `place` is NULL or points to a structure whose `struct_size` says how much of it can be written.
    pub unsafe fn new(place: *mut T) -> OutStruct<T> {
        if place.is_null() {
            return OutStruct { place, size: 0 };
        }
        // SAFETY: the first field is a u32, and the caller's structure has it.
        let size = unsafe { place.cast::<u32>().read() } as usize;
        let out = OutStruct { place, size };
        out.copy(&T::safe());
        out
    }

    fn copy(&self, value: &T) {
        let head = size_of::<u32>();
        let all = self.size.min(size_of::<T>());
        if all > head {
            // SAFETY: within both structures; the caller's has `size` bytes.
            unsafe {
                let from = std::ptr::from_ref(value).cast::<u8>().add(head);
                self.place.cast::<u8>().add(head).copy_from_nonoverlapping(from, all - head);
            }
        }
    }

    /// Refuses NULL, and a size that no release had.
    pub fn required(self, what: &str) -> Result<OutStruct<T>, Failure> {
        if self.place.is_null() {
            return Err(null(what));
        }
        known_size::<T>(what, self.size)?;
        Ok(self)
    }

    /// Writes what the caller has room for, and how much that was.
    pub fn set(&self, value: &T) {
        self.copy(value);
        let written = self.size.min(size_of::<T>()) as u32;
        // SAFETY: the first field is a u32, and the caller's structure has it.
        unsafe { self.place.cast::<u32>().write(written) };
    }
}

/// What lies at an index.
pub fn at<T>(list: &[T], index: usize) -> Result<&T, Failure> {
    list.get(index).ok_or_else(|| {
        Failure::new(
            REPRIEVE_STATUS_OUT_OF_RANGE,
            format!("there is no number {index}; there are {}, counting from 0", list.len()),
        )
    })
}
