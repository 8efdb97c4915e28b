//! L5 on Windows: what every user can read in the registry, and the network cards' own addresses.

use windows_sys::Win32::NetworkManagement::IpHelper::{FreeMibTable, GetIfTable2, MIB_IF_ROW2, MIB_IF_TABLE2};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RRF_SUBKEY_WOW6464KEY, RegGetValueW};

use crate::order::sort_short_by;

/// Made by the installation of Windows, and anew by `sysprep`; copied with the disk by all else.
pub(super) fn machine_id() -> Option<Vec<u8>> {
    text(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
}

/// What the firmware says of the machine, and its processor: written by Windows at each boot.
pub(super) fn hardware() -> Option<Vec<u8>> {
    const BIOS: &str = r"HARDWARE\DESCRIPTION\System\BIOS";
    const CPU: &str = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0";
    let parts: Vec<u8> = [
        (BIOS, "SystemManufacturer"),
        (BIOS, "SystemProductName"),
        (BIOS, "BaseBoardManufacturer"),
        (BIOS, "BaseBoardProduct"),
        (BIOS, "BIOSVendor"),
        (CPU, "ProcessorNameString"),
    ]
    .iter()
    .filter_map(|(key, name)| text(key, name))
    .flat_map(|part| [part, vec![0]].concat())
    .collect();
    (!parts.is_empty()).then_some(parts)
}

/// A text below HKEY_LOCAL_MACHINE, which programs of 32 bits see as those of 64 do.
fn text(key: &str, name: &str) -> Option<Vec<u8>> {
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<u16>>();
    let (key, name) = (wide(key), wide(name));
    let mut value = [0u16; 512];
    let mut size = size_of_val(&value) as u32;
    // SAFETY: both names end with 0, and at most `size` bytes are written to `value`.
    let status = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY,
            std::ptr::null_mut(),
            value.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    let known = value.split(|unit| *unit == 0).next()?;
    let known = String::from_utf16_lossy(known);
    let known = known.trim();
    (status == 0 && !known.is_empty()).then(|| known.as_bytes().to_vec())
}

/// The addresses that the network cards were made with, whatever they use on the network at hand. Adapters of software have none.
pub(super) fn network() -> Option<Vec<u8>> {
    /// The first bit of `InterfaceAndOperStatusFlags`: `HardwareInterface`.
    const HARDWARE: u8 = 1;
    let mut table: *mut MIB_IF_TABLE2 = std::ptr::null_mut();
    // SAFETY: a pointer is written: to a table that is this function's to free.
    if unsafe { GetIfTable2(&raw mut table) } != 0 || table.is_null() {
        return None;
    }
    // SAFETY: the table has so many rows, one after the other, and is freed below.
    let rows: &[MIB_IF_ROW2] =
        unsafe { std::slice::from_raw_parts((&raw const (*table).Table).cast(), (*table).NumEntries as usize) };
    let mut addresses: Vec<Vec<u8>> = rows
        .iter()
        .filter(|row| row.InterfaceAndOperStatusFlags._bitfield & HARDWARE != 0)
        .filter_map(|row| row.PermanentPhysicalAddress.get(..row.PhysicalAddressLength as usize))
        .filter(|address| address.iter().any(|byte| *byte != 0))
        .map(<[u8]>::to_vec)
        .collect();
    // SAFETY: made above, and nothing points into it any longer.
    unsafe { FreeMibTable(table.cast()) };
    // Filters on a card are rows of their own, with its address.
    sort_short_by(&mut addresses, |one, other| one < other);
    addresses.dedup();
    (!addresses.is_empty()).then(|| addresses.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_by_what_its_registry_says() {
        let id = machine_id().expect("every installation of Windows has one");
        assert_eq!(id.len(), 36, "a GUID: {id:?}");
        assert_eq!(machine_id(), Some(id));
        assert_eq!(hardware(), hardware());
        assert!(hardware().is_some_and(|facts| facts.len() > 4));
        assert_eq!(network(), network());
        assert_eq!(text(r"SOFTWARE\Microsoft\Cryptography", "no such value"), None);
    }
}
