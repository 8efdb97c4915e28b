//! What a check finds without a pin: the cells of features, which `reprieve-c-quick` keeps.

use crate::handle::Object;

/// A new handle is found without a pin from now on.
pub fn list(number: usize, object: &Object) {
    let Object::Feature(feature) = object else { return };
    let Some(cell) = feature.cell() else { return };
    feature.set_tag(number as u64);
    reprieve_c_quick::list(number, cell);
}

/// A handle that is freed is found no longer.
pub fn unlist(number: usize, object: &Object) {
    match object {
        Object::Feature(feature) => {
            if let Some(cell) = feature.cell() {
                reprieve_c_quick::unlist(number, cell);
            }
            feature.set_tag(0);
        }
        Object::Client(client) => client.unname(number as u64),
        _ => {}
    }
}
