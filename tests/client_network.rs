//! Homes and folders on a network file system. The file system is a real mount of type `fuse.sshfs` without a server behind it, in a
//! namespace of its own: whoever as much as looks into it hangs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use reprieve::client::{App, Builder, ErrorKind};
use reprieve::document::SigningKey;

fn app() -> App {
    let root = SigningKey::from_seed("root-1", [99; 32]).unwrap();
    App::new("acme", b"the application's secret", vec![root.root_key()])
}

/// What a product says in the place that the shell prepared.
#[test]
fn child() {
    let Ok(wish) = std::env::var("REPRIEVE_NETWORK_CHILD") else { return };
    let builder = match wish.split_once('=') {
        None => Builder::new(app()),
        Some(("folder", folder)) => Builder::new(app()).folder(folder),
        Some(("witness", folder)) => Builder::new(app()).witness(folder),
        Some(("memory", folder)) => Builder::new(App { memory_if_read_only: true, ..app() }).folder(folder),
        Some(_) => panic!("{wish}"),
    };
    let config = builder.config();
    match builder.open() {
        Ok(client) => {
            client.appeal(None, "kept").unwrap();
            let status = client.status("cad").unwrap();
            let folder = status.folder.map_or_else(|| "memory".to_owned(), |folder| folder.display().to_string());
            let witness = config.ok().and_then(|config| config.witness);
            let witness = witness.map_or_else(|| "none".to_owned(), |witness| witness.display().to_string());
            let flagged = client.check("cad", "core").flags.in_memory;
            println!("SAYS ledger {folder} witness {witness} flagged {flagged} records {}", status.records > 2);
        }
        Err(error) => {
            println!("SAYS {} {error}", if error.kind() == ErrorKind::Unsupported { "refused" } else { "failed" })
        }
    }
}

/// Runs a script with `home` on a network and an empty /var/tmp; `product WISH` there is what `child` says. None where that cannot be had.
fn says(script: &str) -> Option<Vec<String>> {
    let place = tempfile::tempdir().unwrap();
    let prepare = format!(
        "set -e; cd '{}'; mkdir home real; mount -t tmpfs tmpfs /var/tmp; chmod 1777 /var/tmp; exec 7<>/dev/fuse\n\
         mount -i -t fuse.sshfs -o fd=7,rootmode=40000,user_id=0,group_id=0 user@server:/ home; echo READY; set +e\n\
         product() {{ HOME=\"$PWD/home\" REPRIEVE_NETWORK_CHILD=\"$1\" timeout 20 '{}' --exact child --nocapture | grep -o 'SAYS.*' || echo HANGS; }}\n",
        place.path().display(),
        std::env::current_exe().unwrap().display()
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "bash", "-c", &format!("{prepare}{script}")]);
    // The test harness itself would look for a terminal's description at home.
    command.env_remove("XDG_DATA_HOME").env_remove("XDG_STATE_HOME").env_remove("TERM");
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, said) = text.split_once("READY\n")?;
    let here = place.path().display().to_string();
    Some(said.lines().map(|line| line.replace("SAYS ", "").replace(&here, "HERE")).collect())
}

macro_rules! says {
    ($name:literal, $script:expr) => {
        match says($script) {
            Some(said) => said,
            None => {
                println!("not run: {} needs to mount in a namespace of its own, and /dev/fuse", $name);
                return;
            }
        }
    };
}

#[test]
fn a_home_on_a_network_is_stepped_aside_from() {
    let said = says!(
        "a_home_on_a_network_is_stepped_aside_from",
        "product x; stat -c '%a %u' /var/tmp/reprieve-0; product x; ls /var/tmp/reprieve-0/ledger/acme | grep -c secret; \
         touch -d '40 days ago' /var/tmp/reprieve-0/ledger/acme/*; product x; find /var/tmp -type f -mtime +1 | wc -l"
    );
    let aside = "ledger /var/tmp/reprieve-0/ledger/acme witness /var/tmp/reprieve-0/witness/acme flagged false records";
    let (first, again) = (format!("{aside} false"), format!("{aside} true"));
    assert_eq!(said, [first.as_str(), "700 0", &again, "1", &again, "0"]);
}

/// Where the folder of that name is not this user's alone, nothing is written into it.
#[test]
fn what_others_prepared_is_not_gone_into() {
    let said = says!(
        "what_others_prepared_is_not_gone_into",
        "try() { product x; find -L /var/tmp real -type f | wc -l; rm -rf /var/tmp/reprieve-0; }\n\
         ln -s \"$PWD/real\" /var/tmp/reprieve-0; try; mkdir -m 777 /var/tmp/reprieve-0; try; \
         mkdir -m 700 /var/tmp/reprieve-0; chown 65534 /var/tmp/reprieve-0; try; touch /var/tmp/reprieve-0; product x; \
         rm /var/tmp/reprieve-0; exec 8<>/dev/fuse; mount -i -t fuse.sshfs -o fd=8,rootmode=40000,user_id=0,group_id=0 u@s:/ /var/tmp; product x"
    );
    let memory = "ledger memory witness none flagged true records false";
    assert_eq!(said, [memory, "0", memory, "0", memory, "0", memory, memory]);
}

#[test]
fn a_named_place_on_a_network_is_refused_by_name() {
    let said = says!(
        "a_named_place_on_a_network_is_refused_by_name",
        "ln -s \"$PWD/home\" link; mkdir real/local; mount -t tmpfs tmpfs real/local\n\
         for wish in folder=home/x folder=link/../home/deep/x witness=home/w memory=home/x folder=real/local/x; do product $wish; done"
    );
    let refused = |line: &str, what: &str, key: &str| {
        assert!(
            line.starts_with("refused HERE/") || line.starts_with("refused home/") || line.starts_with("refused link/"),
            "{line}"
        );
        for word in [what, "network file system (fuse.sshfs)", key, "local disk"] {
            assert!(line.contains(word), "{word:?} is not in: {line}");
        }
    };
    refused(&said[0], "the ledger would lie", "`place.folder`");
    refused(&said[1], "the ledger would lie", "`place.folder`");
    refused(&said[2], "the witness would lie", "`place.witness`");
    assert!(said[3].starts_with("ledger memory") && said[3].contains("flagged true"), "{}", said[3]);
    assert!(said[4].starts_with("ledger real/local/x witness /var/tmp/reprieve-0/witness/acme"), "{}", said[4]);
    assert_eq!(said.len(), 5);
}

/// A local folder is no matter how it is mounted.
#[test]
fn a_local_folder_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Builder::new(app()).folder(folder.path()).witness(folder.path().join("witness"));
    assert_eq!(builder.config().unwrap().folder, folder.path());
    builder.open().unwrap();
    assert!(Path::new(&folder.path().join("acme.g0.ledger")).exists());
}
