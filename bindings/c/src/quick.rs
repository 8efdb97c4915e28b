//! The quick way of a check: from a feature's handle to the cell that its newest decision lies in, without a pin.

use std::sync::atomic::{AtomicPtr, Ordering};

use reprieve_core::client::Cell;

use crate::feature::reprieve_feature;
use crate::handle::{Object, SHIFT};

/// The cells of features, by handle, for checks that take no pin. A cell says itself whose it is, by its tag: the handle's number.
/// Of handles that share a place one is there; who asks by another one is answered more slowly.
static CELLS: [AtomicPtr<Cell>; 4096] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 4096];

fn place(number: usize) -> &'static AtomicPtr<Cell> {
    &CELLS[(number >> SHIFT) % CELLS.len()]
}

/// The decision about a feature, by its handle, while it is good: what was put is, if this returns true.
#[inline]
pub fn read_feature(handle: *const reprieve_feature, put: impl Fn(usize, u64) + Copy) -> bool {
    // SAFETY: cells are never freed, and the pointer is null or a cell's.
    let cell = unsafe { place(handle.addr()).load(Ordering::Acquire).as_ref() };
    cell.is_some_and(|cell| cell.read_each(handle.addr() as u64, put))
}

/// A new handle is found without a pin from now on.
pub fn list(number: usize, object: &Object) {
    let Object::Feature(feature) = object else { return };
    let Some(cell) = feature.cell() else { return };
    feature.set_tag(number as u64);
    let cell = std::ptr::from_ref(cell).cast_mut();
    let _ = place(number).compare_exchange(std::ptr::null_mut(), cell, Ordering::Release, Ordering::Relaxed);
}

/// A handle that is freed is found no longer.
pub fn unlist(number: usize, object: &Object) {
    match object {
        Object::Feature(feature) => {
            if let Some(cell) = feature.cell() {
                let cell = std::ptr::from_ref(cell).cast_mut();
                let _ =
                    place(number).compare_exchange(cell, std::ptr::null_mut(), Ordering::Release, Ordering::Relaxed);
            }
            feature.set_tag(0);
        }
        Object::Client(client) => client.unname(number as u64),
        _ => {}
    }
}
