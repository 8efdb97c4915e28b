//! Help, wrong arguments, pipes and colours.

use crate::support::{Place, vendor};

#[test]
fn help_names_exit_codes_and_examples() {
    let place = Place::new();
    let help = place.run(&["--help"]).ok();
    for text in ["Exit codes:", "  3  the environment", "Examples:", "reprieve drill outage.json"] {
        assert!(help.contains(text), "{text}: {help}");
    }
    let commands: [&[&str]; 24] = [
        &["keys", "new"],
        &["keys", "public"],
        &["keys", "document"],
        &["sign"],
        &["inspect"],
        &["policy", "check"],
        &["policy", "show"],
        &["drill"],
        &["world", "new"],
        &["world", "issue"],
        &["world", "wall"],
        &["ledger", "status"],
        &["ledger", "verify"],
        &["ledger", "history"],
        &["ledger", "export"],
        &["ledger", "prove"],
        &["ledger", "check-proof"],
        &["ledger", "archive"],
        &["ledger", "rekey"],
        &["ledger", "upgrade"],
        &["ledger", "retire"],
        &["check"],
        &["import"],
        &["appeal"],
    ];
    for command in commands {
        let help = place.run(&[command, &["--help"]].concat()).ok();
        assert!(help.contains("Example"), "{command:?} has no example: {help}");
    }
    assert!(place.run(&["--version"]).ok().starts_with("reprieve "));
}

#[test]
fn what_is_no_command_is_bad_usage() {
    let place = Place::new();
    let wrong: [&[&str]; 9] = [
        &[],
        &["nonsense"],
        &["drill"],
        &["sign", "letter", "file", "--key", "k"],
        &["sign", "lease", "lease.toml"],
        &["ledger", "status"],
        &["ledger", "status", "--app", "a", "--drill", "b"],
        &["ledger", "verify"],
        &["world", "issue", "w", "lease", "c", "--fault", "silly"],
    ];
    for args in wrong {
        place.run(args).ends(2);
    }
}

#[test]
fn completions_are_written() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(place.run(&["completions", shell]).ok().contains("reprieve"), "{shell}");
    }
    place.run(&["completions", "basic"]).ends(2);
}

#[test]
fn colours_come_where_they_are_wanted() {
    let place = vendor();
    let forced = place.command().args(["policy", "show", "policy.toml", "--color", "always"]).output().unwrap();
    assert!(String::from_utf8(forced.stdout).unwrap().contains('\u{1b}'));
    let plain = place.command().args(["policy", "show", "policy.toml", "--color", "never"]).output().unwrap();
    assert!(!String::from_utf8(plain.stdout).unwrap().contains('\u{1b}'));
}

#[test]
#[cfg(unix)]
fn who_stops_reading_is_no_error() {
    let place = vendor();
    let script = format!("{} completions bash | head -1", env!("CARGO_BIN_EXE_reprieve"));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
