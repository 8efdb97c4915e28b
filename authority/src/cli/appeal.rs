//! Appeals: what customers sent, what their ledgers say, and what they are answered.

use std::path::{Path, PathBuf};

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use reprieve::client::App;
use reprieve::terms::Kind;
use reprieve::time::Instant;
use reprieve_authority::error::{Error, Kind as Trouble, Result};
use reprieve_authority::people::appeals::{MAX_APPEAL, MAX_FILES, MAX_PART};
use reprieve_authority::people::audit::{self, AuditKey, Claimed};
use serde_json::{Value, json};

use super::client::Client;
use super::input::{self, Key, name};
use super::output::{self, facts, list, print, say};

const VERIFY: &str = "\
A copy of the ledger's files is verified on this machine: with the vendor's private audit key every record, every seal and link, and the trees; then the \
head that the appeal shows, the head that the authority countersigned last, and whether the customer's words stand in it. What was found is kept with \
the appeal. The exit code is 1 unless the ledger is sound.";

const RULE: &str = "\
The ruling is made from the appeal, signed on this machine, and issued; it reaches the ledger with its next renewal, or as a file (--output). Say what \
it does: --clear ends a suspicion, --void-from and --void-to give back the grace that was used between them.";

#[derive(Subcommand)]
pub enum Command {
    /// Take an appeal that came by mail or on a stick.
    Receive {
        /// The file that `reprieve appeal` wrote.
        file: PathBuf,
        /// The ledger's folder, or some of its files, that came with it; repeat it.
        #[arg(long, value_name = "FOLDER|FILE")]
        ledger: Vec<PathBuf>,
    },
    /// Appeals, the newest first.
    List {
        /// open, answered or turned_down.
        #[arg(long)]
        state: Option<String>,
    },
    /// An appeal.
    Show {
        /// The appeal.
        #[arg(value_parser = name)]
        appeal: String,
        /// Print the file alone, as it came.
        #[arg(long)]
        content: bool,
    },
    /// Verify the ledger that came with an appeal, with the vendor's audit key.
    #[command(after_help = VERIFY)]
    Verify {
        /// The appeal.
        #[arg(value_parser = name)]
        appeal: String,
        /// The application file of the product, reprieve.toml.
        #[arg(long, value_name = "FILE")]
        app: PathBuf,
        /// The private audit key, as `reprieve keys audit` made it.
        #[arg(long, value_name = "FILE")]
        audit_key: Option<PathBuf>,
        /// Files that lie here, in place of those that were given to `receive`; repeat it.
        #[arg(long, value_name = "FOLDER|FILE")]
        ledger: Vec<PathBuf>,
    },
    /// Answer an appeal by a ruling, and close it.
    #[command(after_help = RULE)]
    Rule {
        /// The appeal.
        #[arg(value_parser = name)]
        appeal: String,
        #[command(flatten)]
        key: Key,
        /// The licence, where the appeal names none.
        #[arg(long, value_parser = name)]
        license: Option<String>,
        /// A feature or a pattern; repeat it. None is all.
        #[arg(long)]
        feature: Vec<String>,
        /// Ends a suspicion: clock or ledger; repeat it.
        #[arg(long, value_parser = ["clock", "ledger"])]
        clear: Vec<String>,
        /// Grace that was used from here on,
        #[arg(long, value_parser = input::instant, requires = "void_to", allow_hyphen_values = true)]
        void_from: Option<Instant>,
        /// up to here, is not charged.
        #[arg(long, value_parser = input::instant, requires = "void_from", allow_hyphen_values = true)]
        void_to: Option<Instant>,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
        /// Write the ruling there too, for a customer without a network.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Turn an appeal down.
    TurnDown {
        /// The appeal.
        #[arg(value_parser = name)]
        appeal: String,
        /// Why: for the journal, and for the customer.
        #[arg(long)]
        why: String,
    },
}

fn at(appeal: &str) -> String {
    format!("/admin/v1/appeal/{}", appeal.replace('/', "%2F"))
}

/// The ledger files that paths name, by their names.
fn files(paths: &[PathBuf]) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut add = |path: PathBuf, named: bool| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        // What else lies in a folder is not a ledger's: locks, the secret file of its machine.
        if named || name.ends_with(".ledger") || name.ends_with(".head") {
            found.push((name, path));
        }
    };
    for path in paths {
        let failed = |error: std::io::Error| Error::input(format!("{}: {error}; check the name", path.display()));
        if !path.is_dir() {
            add(path.clone(), true);
            continue;
        }
        for entry in std::fs::read_dir(path).map_err(failed)? {
            add(entry.map_err(failed)?.path(), false);
        }
    }
    found.sort();
    let mut all = 0;
    for (_, path) in &found {
        let length = std::fs::metadata(path).map(|about| about.len());
        all += length.map_err(|error| Error::input(format!("{}: {error}; check the name", path.display())))?;
    }
    if found.is_empty() && !paths.is_empty() {
        return Err(Error::input("no ledger lies there (NAME.gN.ledger); check --ledger"));
    }
    if i64::try_from(all).unwrap_or(i64::MAX) > MAX_FILES {
        return Err(Error::input(format!(
            "the ledger's files have {all} bytes, and {MAX_FILES} are the most; archive older generations"
        )));
    }
    Ok(found)
}

async fn receive(file: &Path, ledger: &[PathBuf], client: &Client, json: bool) -> Result<()> {
    let bytes = input::file(file)?;
    if bytes.len() > MAX_APPEAL {
        return Err(Error::input(format!("{}: is larger than {MAX_APPEAL} bytes, and no appeal", file.display())));
    }
    let files = files(ledger)?;
    let answer = client.ask(Method::POST, "/admin/v1/appeals", Some(bytes)).await?;
    let received: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let appeal = received["appeal"].as_str().ok_or_else(|| Error::unavailable("the authority names no appeal"))?;
    for (name, path) in files {
        let bytes = input::file(&path)?;
        for (part, some) in bytes.chunks(MAX_PART).enumerate() {
            let body = json!({ "name": name, "part": part, "content": STANDARD.encode(some) });
            match client.post(&format!("{}/files", at(appeal)), &body).await {
                // What broke off is sent again.
                Err(error) if error.kind() == Trouble::Conflict && received["new"] == false => {}
                other => drop(other?),
            }
        }
    }
    if json {
        return output::json(&received);
    }
    if received["known"] == false {
        say(
            "its head is not signed by a key that the authority knows for this ledger: it never renewed here, or it is another one",
        );
    }
    print(&format!("{appeal}\n"))
}

/// A copy of the files that go with an appeal.
async fn copy(client: &Client, shown: &Value, ledger: &[PathBuf]) -> Result<tempfile::TempDir> {
    let failed = |error: std::io::Error| Error::unavailable(format!("a copy of the ledger cannot be made: {error}"));
    let folder = tempfile::tempdir().map_err(failed)?;
    if !ledger.is_empty() {
        for (name, path) in files(ledger)? {
            std::fs::copy(path, folder.path().join(name)).map_err(failed)?;
        }
        return Ok(folder);
    }
    let came = shown["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    if came.is_empty() {
        return Err(Error::input(
            "no ledger came with this appeal; ask the customer for its folder, and give --ledger",
        ));
    }
    let appeal = output::text(&shown["appeal"]);
    for file in came {
        let (name, parts) = (file["name"].as_str().unwrap_or_default(), file["parts"].as_i64().unwrap_or(0));
        // It was checked when it came; a server that is another's might say anything.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']) {
            return Err(Error::input(format!("the authority names a file {name:?}, which is no plain name")));
        }
        let mut bytes = Vec::new();
        for part in 0..parts.min(MAX_FILES / 4096) {
            let path = format!("{}/part?name={}&part={part}", at(&appeal), super::client::encode(name));
            let got = client.get(&path).await?;
            let content = STANDARD.decode(got["content"].as_str().unwrap_or_default());
            bytes.extend(content.map_err(|_| Error::unavailable("a part of a file is no base64"))?);
        }
        std::fs::write(folder.path().join(name), bytes).map_err(failed)?;
    }
    Ok(folder)
}

async fn verify(
    appeal: &str,
    app: &Path,
    key: Option<&Path>,
    ledger: &[PathBuf],
    client: &Client,
    json: bool,
) -> Result<()> {
    let app = App::from_file(app).map_err(|error| Error::input(error.to_string()))?;
    let key = key.map(AuditKey::read).transpose()?;
    let shown = client.get(&at(appeal)).await?;
    let folder = copy(client, &shown, ledger).await?;
    let text = |key: &str| shown[key].as_str().map(str::to_owned);
    let claimed = Claimed {
        ledger: text("ledger").unwrap_or_default(),
        head: text("head").unwrap_or_default(),
        words: text("text").unwrap_or_default(),
        countersigned: text("countersigned"),
        key: text("key"),
    };
    let found = tokio::task::block_in_place(|| audit::verify(app, folder.path(), key.as_ref(), &claimed))?;
    let findings = serde_json::to_value(&found).unwrap_or_default();
    client.post(&format!("{}/findings", at(appeal)), &json!({ "findings": findings })).await?;
    facts(json, &findings)?;
    match found.verdict {
        "sound" => Ok(()),
        verdict => {
            Err(Error::new(Trouble::Refused, format!("the ledger of appeal {appeal} is {}", verdict.replace('_', " "))))
        }
    }
}

pub async fn run(command: Command, client: &Client, json: bool) -> Result<()> {
    match command {
        Command::Receive { file, ledger } => receive(&file, &ledger, client, json).await,
        Command::List { state } => {
            let query = state.map(|state| format!("?state={}", super::client::encode(&state))).unwrap_or_default();
            let columns = [
                ("APPEAL", "appeal"),
                ("STATE", "state"),
                ("LICENCE", "license"),
                ("RECEIVED", "received"),
                ("KNOWN", "known"),
                ("TEXT", "text"),
            ];
            list(json, &client.get(&format!("/admin/v1/appeals{query}")).await?, &columns)
        }
        Command::Show { appeal, content } => {
            let mut shown = client.get(&at(&appeal)).await?;
            if content {
                return print(shown["content"].as_str().unwrap_or_default());
            }
            if let (false, Some(shown)) = (json, shown.as_object_mut()) {
                shown.shift_remove("content");
            }
            facts(json, &shown)
        }
        Command::Verify { appeal, app, audit_key, ledger } => {
            verify(&appeal, &app, audit_key.as_deref(), &ledger, client, json).await
        }
        Command::Rule { appeal, key, license, feature, clear, void_from, void_to, why, output } => {
            let shown = client.get(&at(&appeal)).await?;
            let license = shown["license"].as_str().map(str::to_owned).or(license);
            let license = license.ok_or_else(|| {
                Error::input("the appeal names no licence; give --license, which the ruling is about")
            })?;
            if shown["findings"].is_null() {
                say("nobody has verified the ledger of this appeal");
            }
            let mut claims = json!({ "license": license, "ledger": shown["ledger"] });
            if !feature.is_empty() {
                claims["features"] = json!(feature);
            }
            if !clear.is_empty() {
                claims["clears"] = json!(clear);
            }
            if let (Some(from), Some(to)) = (void_from, void_to) {
                claims["void"] = json!({ "from": from.seconds(), "to": to.seconds() });
            }
            claims["iat"] = json!(input::now().seconds());
            let token = key.issue(Kind::Ruling, &claims)?;
            let ruled = client.post(&format!("{}/ruling", at(&appeal)), &json!({ "token": token, "why": why })).await?;
            if let Some(path) = output {
                std::fs::write(&path, format!("{token}\n"))
                    .map_err(|error| Error::input(format!("{}: {error}", path.display())))?;
            }
            match json {
                true => output::json(&ruled),
                false => print(&format!("{appeal} is answered: document {}\n", output::text(&ruled["id"]))),
            }
        }
        Command::TurnDown { appeal, why } => {
            client.post(&format!("{}/turn-down", at(&appeal)), &json!({ "why": why })).await.map(|_| ())
        }
    }
}
