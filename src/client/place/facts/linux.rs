//! L5 on Linux: what every user can read in /etc and /sys.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::order::sort_short_by;

fn text(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let text = std::fs::read(path).ok()?;
    let text = text.trim_ascii();
    (!text.is_empty()).then(|| text.to_vec())
}

pub(super) fn machine_id() -> Option<Vec<u8>> {
    text("/etc/machine-id").or_else(|| text("/var/lib/dbus/machine-id"))
}

pub(super) fn hardware() -> Option<Vec<u8>> {
    let parts: Vec<u8> = ["sys_vendor", "product_name", "board_vendor", "board_name", "bios_vendor"]
        .iter()
        .filter_map(|name| text(Path::new("/sys/class/dmi/id").join(name)))
        .flat_map(|part| [part, vec![0]].concat())
        .collect();
    let all = [parts, cpu().unwrap_or_default()].concat();
    (!all.is_empty()).then_some(all)
}

/// The first line of /proc/cpuinfo that names a model. The kernel writes out each processor as it is read: no more of them than that
/// takes.
fn cpu() -> Option<Vec<u8>> {
    let mut info = BufReader::with_capacity(512, std::fs::File::open("/proc/cpuinfo").ok()?);
    let mut line = Vec::new();
    while info.read_until(b'\n', &mut line).ok()? > 0 {
        if line.starts_with(b"model name") {
            return Some(line.strip_suffix(b"\n").map_or_else(|| line.clone(), <[u8]>::to_vec));
        }
        line.clear();
    }
    None
}

/// The addresses of the network cards that are hardware.
pub(super) fn network() -> Option<Vec<u8>> {
    let mut addresses: Vec<Vec<u8>> = std::fs::read_dir("/sys/class/net")
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| text(entry.path().join("address")))
        .collect();
    sort_short_by(&mut addresses, |one, other| one < other);
    (!addresses.is_empty()).then(|| addresses.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fact of a ledger that an older release made is this one's too: a machine does not move by an update.
    #[test]
    fn the_model_is_the_one_that_all_of_the_list_names_first() {
        let all = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let expected = all.lines().find(|line| line.starts_with("model name")).map(|line| line.as_bytes().to_vec());
        assert_eq!(cpu(), expected);
    }
}
