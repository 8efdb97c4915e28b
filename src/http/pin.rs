//! Attempts outlive whoever began them: their code has to as well.

use std::sync::Once;

/// Keeps the library or program that this code is in loaded until the process ends.
///
/// An attempt that nobody waits for any more is within the network up to its time-out, on a thread that cannot be woken. A host that unloads a plugin
/// in the meantime (`dlclose`, `FreeLibrary`) would have it come back to where no code is.
pub(super) fn pin() {
    static PINNED: Once = Once::new();
    PINNED.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the structure is plain and is filled by the call; the address is this function's, and the name is the loader's own, which lives as
        // long as the library. Of a program linked as a whole the loader knows no such name: nothing is done, and nothing needs to be.
        unsafe {
            let mut found: libc::Dl_info = std::mem::zeroed();
            if libc::dladdr(pin as *const std::ffi::c_void, &raw mut found) != 0 && !found.dli_fname.is_null() {
                libc::dlopen(found.dli_fname, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
            }
        }
        #[cfg(windows)]
        // SAFETY: the address is this function's, and the handle, which is not kept, is the caller's variable.
        unsafe {
            use windows_sys::Win32::System::LibraryLoader::{
                GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
            };
            let mut module = std::ptr::null_mut();
            let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
            GetModuleHandleExW(flags, pin as *const u16, &raw mut module);
        }
    });
}
