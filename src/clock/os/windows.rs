//! Windows: the performance counter runs while the machine sleeps or hibernates and nobody sets it; a boot is told by when the kernel's
//! own process began.
//!
//! - `QueryPerformanceCounter` counts from the start of the system, sleep and hibernation included, on all processors alike; a
//!   shutdown with fast startup keeps the kernel's session, so that the count and the kernel's process both go on, as after
//!   hibernation. `QueryUnbiasedInterruptTime` does not count sleep. `GetTickCount64` does, but in steps of 16 ms, in which the wall
//!   could be set between the two clocks of one reading.
//! - A boot time that is worked out from wall and uptime, as WMI's and that of `SystemTimeOfDayInformation`, moves with the wall:
//!   whoever sets the clock back would make another boot. `BootId`, a count in the registry, is described nowhere. When a process
//!   began is written once, and setting the wall does not move it; the kernel's own lives from boot to shutdown, and every user
//!   may read when it began.

use std::mem::{offset_of, size_of};

use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemProcessInformation};
use windows_sys::Win32::Foundation::{FILETIME, STATUS_INFO_LENGTH_MISMATCH};
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::{GetSystemTimeAsFileTime, GetSystemTimePreciseAsFileTime};
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_PROCESS_INFORMATION;

use crate::time::{Instant, Span};

/// From 1601, where Windows begins to count, to 1970, in steps of 100 ns.
const TO_1970: i64 = 116_444_736_000_000_000;

fn ticks(at: FILETIME) -> i64 {
    (i64::from(at.dwHighDateTime) << 32 | i64::from(at.dwLowDateTime)) - TO_1970
}

pub(super) fn wall() -> Instant {
    let mut at = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    // SAFETY: it writes a FILETIME, and cannot fail.
    unsafe { GetSystemTimePreciseAsFileTime(&raw mut at) };
    Instant::EPOCH + Span::nanos(i128::from(ticks(at)) * 100)
}

/// Read from a page that the kernel shares, and set at each tick of its timer: every 16 ms or more often.
#[inline]
pub(super) fn coarse() -> i64 {
    let mut at = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    // SAFETY: it writes a FILETIME, and cannot fail.
    unsafe { GetSystemTimeAsFileTime(&raw mut at) };
    ticks(at).wrapping_mul(100)
}

pub(super) fn uptime() -> Span {
    let (mut ticks, mut each_second) = (0, 0);
    // SAFETY: each writes an i64, and cannot fail since Windows XP.
    unsafe {
        QueryPerformanceCounter(&raw mut ticks);
        QueryPerformanceFrequency(&raw mut each_second);
    }
    Span::nanos(i128::from(ticks) * 1_000_000_000 / i128::from(each_second.max(1)))
}

/// The kernel's own process.
const SYSTEM: u64 = 4;

/// When the kernel's own process began.
pub(super) fn boot() -> Option<Vec<u8>> {
    let began = began(&processes()?, SYSTEM).filter(|began| *began > 0)?;
    Some([b"windows boot ".as_slice(), &began.to_le_bytes()].concat())
}

/// The list of all processes, as the kernel writes it.
fn processes() -> Option<Vec<u64>> {
    let mut bytes = 1 << 18;
    // The list may grow from one call to the next.
    for _ in 0..8 {
        // Words, as what is put there is so aligned.
        let mut list = vec![0u64; bytes / size_of::<u64>()];
        let mut wanted = 0;
        let size = u32::try_from(list.len() * size_of::<u64>()).ok()?;
        // SAFETY: at most `size` bytes are written to `list`, and a u32 to `wanted`.
        let status = unsafe {
            NtQuerySystemInformation(SystemProcessInformation, list.as_mut_ptr().cast(), size, &raw mut wanted)
        };
        match status {
            0 => return Some(list),
            STATUS_INFO_LENGTH_MISMATCH => bytes = (bytes * 2).max(wanted as usize + (1 << 14)),
            _ => return None,
        }
    }
    None
}

/// When a process of the list began, in steps of 100 ns since 1601.
fn began(list: &[u64], process: u64) -> Option<i64> {
    /// Windows does not name this field of SYSTEM_PROCESS_INFORMATION; it has lain there since Windows NT 4, and .NET and every
    /// lister of processes read it there.
    const BEGAN: usize = 0x20;
    const _: () = assert!(offset_of!(SYSTEM_PROCESS_INFORMATION, Reserved1) == 8 && BEGAN + 8 <= 8 + 48);
    let bytes: Vec<u8> = list.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut at = 0usize;
    loop {
        let entry = bytes.get(at..)?.get(..size_of::<SYSTEM_PROCESS_INFORMATION>())?;
        let id_at = offset_of!(SYSTEM_PROCESS_INFORMATION, UniqueProcessId);
        let id = usize::from_ne_bytes(entry[id_at..][..size_of::<usize>()].try_into().ok()?);
        if id as u64 == process {
            return Some(i64::from_ne_bytes(entry[BEGAN..][..8].try_into().ok()?));
        }
        match u32::from_ne_bytes(entry[..4].try_into().ok()?) {
            0 => return None,
            next => at = at.checked_add(next as usize)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

    use super::*;

    /// The field without a name is what the call with a name says.
    #[test]
    fn the_list_says_when_this_process_began() {
        let [mut began_at, mut ended, mut kernel, mut user] = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
        // SAFETY: four FILETIMEs are written.
        let good = unsafe {
            GetProcessTimes(GetCurrentProcess(), &raw mut began_at, &raw mut ended, &raw mut kernel, &raw mut user)
        };
        assert_ne!(good, 0);
        let listed = began(&processes().unwrap(), u64::from(std::process::id())).unwrap();
        assert_eq!(listed - TO_1970, ticks(began_at));
    }

    #[test]
    fn a_list_that_is_cut_short_names_no_boot() {
        let list = processes().unwrap();
        assert_eq!(began(&list, u64::MAX), None);
        assert_eq!(began(&list[..4], u64::MAX), None);
        assert_eq!(began(&[], SYSTEM), None);
        // The next entry lies beyond the end.
        assert_eq!(began(&[u64::from(u32::MAX); 64], SYSTEM), None);
    }
}
