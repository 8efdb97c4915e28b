//! The GDExtension of the addon: the core's client, drill and decisions as classes of Godot's. A call that panics gives an error of kind
//! `internal`; nothing unwinds into the engine.

mod client;
mod decision;
mod drill;
mod errors;
mod keeper;
#[cfg(feature = "probe")]
mod probe;
mod renewing;
mod values;

use godot::init::{EditorRunBehavior, InitStage};
use godot::prelude::*;

struct Reprieve;

// SAFETY: nothing of the engine is used before its stage has come; the crate `godot` makes the entry point.
#[gdextension]
unsafe impl ExtensionLibrary for Reprieve {
    // The editor's dock asks clients too. A keeper does nothing in the editor.
    fn editor_run_behavior() -> EditorRunBehavior {
        EditorRunBehavior::AllClasses
    }

    fn on_stage_deinit(stage: InitStage) {
        if stage == InitStage::Scene {
            renewing::wait_for_threads();
        }
    }
}
