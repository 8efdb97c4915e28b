//! Application files (`reprieve.toml`).
//!
//! Laws: what is accepted opens a ledger in its own folder, under a name that cannot leave it; what is refused says why and tells
//! no secret.

use reprieve::client::{App, Builder, ErrorKind};

/// Runs the target.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let app = match App::from_toml(&text) {
        Ok(app) => app,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::App);
            assert!(!error.message().is_empty());
            return;
        }
    };
    assert!(!format!("{app:?}").contains("secret"));
    assert!(app.secret.len() >= App::MIN_SECRET && !app.roots.is_empty());
    let config = Builder::new(app).folder("/l").witness("/w").config().expect("an application that was accepted");
    assert!(!config.name.contains(['/', '\\', '\0']) && !config.name.starts_with('.'), "{:?}", config.name);
    assert_eq!(config.folder.join(&config.name).parent(), Some(config.folder.as_path()));
}
