//! L5 where nothing is known about machines: no fact is one that can be read neither here nor at home.

pub(super) fn machine_id() -> Option<Vec<u8>> {
    None
}

pub(super) fn hardware() -> Option<Vec<u8>> {
    None
}

pub(super) fn network() -> Option<Vec<u8>> {
    None
}
