//! L5 on macOS: what every user may ask the kernel.

use std::ffi::CStr;

use crate::order::sort_short_by;

/// The machine's UUID, as IOKit has it too.
#[cfg(target_os = "macos")]
pub(super) fn machine_id() -> Option<Vec<u8>> {
    let mut id = [0; 16];
    // It waits for the UUID no longer than this.
    let wait = libc::timespec { tv_sec: 1, tv_nsec: 0 };
    // SAFETY: a uuid_t of 16 bytes is written, a timespec read.
    let status = unsafe { libc::gethostuuid(id.as_mut_ptr(), &raw const wait) };
    (status == 0 && id != [0; 16]).then(|| id.to_vec())
}

/// Apple's other systems keep it from products.
#[cfg(not(target_os = "macos"))]
pub(super) fn machine_id() -> Option<Vec<u8>> {
    None
}

/// What model it is, and with which processor.
pub(super) fn hardware() -> Option<Vec<u8>> {
    let parts: Vec<u8> = [c"hw.model", c"machdep.cpu.brand_string"]
        .iter()
        .filter_map(|name| text(name))
        .flat_map(|part| [part, vec![0]].concat())
        .collect();
    (!parts.is_empty()).then_some(parts)
}

fn text(name: &CStr) -> Option<Vec<u8>> {
    let mut text = [0u8; 256];
    let mut size = text.len();
    // SAFETY: the name ends with 0, `size` is the length of `text`, and nothing is set.
    let status =
        unsafe { libc::sysctlbyname(name.as_ptr(), text.as_mut_ptr().cast(), &raw mut size, std::ptr::null_mut(), 0) };
    let known = text.get(..size)?.split(|byte| *byte == 0).next()?;
    (status == 0 && !known.is_empty()).then(|| known.to_vec())
}

/// The addresses of the network cards. Those that the system makes up (bridges, and wireless networks that are not to know the
/// machine) say so by a bit, and are no fact about it.
#[cfg(target_os = "macos")]
pub(super) fn network() -> Option<Vec<u8>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: a pointer is written: to a list that is this function's to free.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return None;
    }
    let mut addresses = Vec::new();
    let mut at = first;
    // SAFETY: the list ends with a null pointer, and none of it is freed before the end.
    while let Some(entry) = unsafe { at.as_ref() } {
        // SAFETY: the address is null or one of its family.
        unsafe { addresses.extend(card(entry.ifa_addr)) };
        at = entry.ifa_next;
    }
    // SAFETY: made above, and nothing points into it any longer.
    unsafe { libc::freeifaddrs(first) };
    sort_short_by(&mut addresses, |one, other| one < other);
    addresses.dedup();
    (!addresses.is_empty()).then(|| addresses.concat())
}

#[cfg(not(target_os = "macos"))]
pub(super) fn network() -> Option<Vec<u8>> {
    None
}

/// The address of a card that has one.
///
/// # Safety
/// The pointer is null, or to an address of the length that it says.
#[cfg(target_os = "macos")]
unsafe fn card(address: *const libc::sockaddr) -> Option<[u8; 6]> {
    /// `IFT_ETHER` of net/if_types.h, which wireless cards are too.
    const ETHERNET: u8 = 6;
    /// Made up by the system, or for many.
    const NO_CARDS: u8 = 0b11;
    // SAFETY: as the caller says.
    let family = unsafe { address.as_ref()? }.sa_family;
    if i32::from(family) != libc::AF_LINK {
        return None;
    }
    // SAFETY: an address of this family is at least one such structure, of which the name and the address are the end.
    let link = unsafe { &*address.cast::<libc::sockaddr_dl>() };
    let at = std::mem::offset_of!(libc::sockaddr_dl, sdl_data) + usize::from(link.sdl_nlen);
    if link.sdl_type != ETHERNET || link.sdl_alen != 6 || at + 6 > usize::from(link.sdl_len) {
        return None;
    }
    // SAFETY: within the length that the address says.
    let bytes: [u8; 6] = unsafe { address.cast::<u8>().add(at).cast::<[u8; 6]>().read() };
    (bytes[0] & NO_CARDS == 0 && bytes != [0; 6]).then_some(bytes)
}
