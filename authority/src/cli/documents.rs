//! Documents: notices, revocations, what was issued, and the journal.

use clap::Subcommand;
use reprieve::document::{self, Document as Says};
use reprieve::terms::Kind;
use reprieve::time::Instant;
use reprieve_authority::error::{Error, Kind as Trouble, Result};
use serde_json::{Value, json};

use super::client::{Client, encode};
use super::input::{self, Key, name};
use super::output::{self, facts, list, print};

#[derive(Subcommand)]
pub enum NoticeCommand {
    /// Announce maintenance, or confirm an outage.
    New {
        /// Its name; a newer notice of the same name replaces it.
        #[arg(value_parser = name)]
        id: String,
        /// When it begins: 2026-12-05T20:00:00Z, now, +2h.
        #[arg(long, value_parser = input::instant, allow_hyphen_values = true)]
        start: Instant,
        /// When it ends.
        #[arg(long, value_parser = input::instant, allow_hyphen_values = true)]
        end: Instant,
        /// A product; repeat it. None is all.
        #[arg(long, value_parser = name)]
        sku: Vec<String>,
        /// A feature or a pattern; repeat it. None is all.
        #[arg(long)]
        feature: Vec<String>,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// End a notice now.
    Cancel {
        /// Its name.
        #[arg(value_parser = name)]
        id: String,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub enum RevocationCommand {
    /// Take a licence back, or some of its features.
    New {
        /// The licence.
        #[arg(value_parser = name)]
        license: String,
        /// A feature or a pattern; repeat it. None is all.
        #[arg(long)]
        feature: Vec<String>,
        /// From when on.
        #[arg(long, value_parser = input::instant, default_value = "now", allow_hyphen_values = true)]
        effective: Instant,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// Take a revocation back: the next lease of the licence is as if it had never been.
    Reinstate {
        /// The revocation's id or number.
        #[arg(value_parser = name)]
        document: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub enum DocumentCommand {
    /// Documents that were issued, the newest first.
    List {
        /// Those about one licence.
        #[arg(long)]
        license: Option<String>,
        /// Those of one kind: lease, policy, notice, extension, revocation, ruling or keys.
        #[arg(long)]
        kind: Option<String>,
        /// What comes before this number.
        #[arg(long)]
        before: Option<i64>,
        /// How many, 100 at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// A document.
    Show {
        /// Its id or number.
        #[arg(value_parser = name)]
        document: String,
        /// Print the token alone: what is sent by mail.
        #[arg(long)]
        token: bool,
    },
}

/// Signs claims on this machine, and publishes them.
async fn issue(kind: Kind, claims: &Value, key: &Key, why: &str, client: &Client, json: bool) -> Result<()> {
    let token = key.issue(kind, claims)?;
    publish(client, token, why, json).await
}

pub async fn publish(client: &Client, token: String, why: &str, json: bool) -> Result<()> {
    published(client, &json!({ "token": token, "why": why }), json).await
}

/// Publishes by a body of the admin API's.
pub async fn published(client: &Client, body: &Value, json: bool) -> Result<()> {
    let published = client.post("/admin/v1/documents", body).await?;
    if json {
        return output::json(&published);
    }
    let text = ["document", "id", "seq"].map(|key| output::text(&published[key]));
    let [kind, id, seq] = text;
    print(&format!("{kind} {id} is number {seq} of the log\n"))
}

/// The newest document of a kind that is in force, of which this is true.
pub async fn newest(client: &Client, kind: Kind, is: impl Fn(&Says) -> bool) -> Result<Option<Says>> {
    let all = client.get(&format!("/admin/v1/documents?document={kind}&limit=100")).await?;
    let in_force = all.as_array().into_iter().flatten().filter(|one| one["in_force"] == true);
    let mut says =
        in_force.filter_map(|one| document::read_unverified(one["token"].as_str().unwrap_or_default().as_bytes()));
    Ok(says.find(is))
}

pub async fn notice(command: NoticeCommand, client: &Client, json: bool) -> Result<()> {
    let of = |id: String| move |says: &Says| matches!(says, Says::Notice(notice) if notice.id == id);
    // One of the same second would not be newer than what it replaces.
    let iat = |old: &Option<Says>| {
        old.as_ref().map_or(input::now(), |old| input::now().max(Instant::from_seconds(old.iat().seconds() + 1)))
    };
    let claims = |id: &str, start: Instant, end: Instant, skus: &[String], features: &[String]| {
        let mut claims = json!({ "id": id, "start": start.seconds(), "end": end.seconds() });
        for (key, all) in [("skus", skus), ("features", features)] {
            if !all.is_empty() {
                claims[key] = json!(all);
            }
        }
        claims
    };
    match command {
        NoticeCommand::New { id, start, end, sku, feature, key, why } => {
            let old = newest(client, Kind::Notice, of(id.clone())).await?;
            let mut claims = claims(&id, start, end, &sku, &feature);
            claims["iat"] = json!(iat(&old).seconds());
            issue(Kind::Notice, &claims, &key, &why, client, json).await
        }
        NoticeCommand::Cancel { id, key, why } => {
            let old = newest(client, Kind::Notice, of(id.clone())).await?;
            let Some(Says::Notice(notice)) = &old else {
                return Err(Error::new(Trouble::Missing, format!("no notice {id} is in force")));
            };
            let mut claims = claims(&id, notice.start, notice.end, &notice.skus, &notice.features);
            claims["cancelled"] = json!(true);
            claims["iat"] = json!(iat(&old).seconds());
            issue(Kind::Notice, &claims, &key, &why, client, json).await
        }
    }
}

pub async fn revocation(command: RevocationCommand, client: &Client, json: bool) -> Result<()> {
    match command {
        RevocationCommand::New { license, feature, effective, key, why } => {
            let mut claims = json!({ "license": license, "effective": effective.seconds() });
            if !feature.is_empty() {
                claims["features"] = json!(feature);
            }
            claims["iat"] = json!(input::now().seconds());
            issue(Kind::Revocation, &claims, &key, &why, client, json).await
        }
        RevocationCommand::Reinstate { document, why } => {
            let path = format!("/admin/v1/document/{}/reinstate", document.replace('/', "%2F"));
            facts(json, &client.post(&path, &json!({ "why": why })).await?)
        }
    }
}

pub async fn document(command: DocumentCommand, client: &Client, json: bool) -> Result<()> {
    match command {
        DocumentCommand::List { license, kind, before, limit } => {
            let mut path = format!("/admin/v1/documents?limit={limit}");
            for (key, value) in [("license", license), ("document", kind), ("before", before.map(|at| at.to_string()))]
            {
                if let Some(value) = value {
                    path.push_str(&format!("&{key}={}", encode(&value)));
                }
            }
            let columns = [
                ("SEQ", "seq"),
                ("KIND", "document"),
                ("LICENCE", "license"),
                ("ISSUED", "iat"),
                ("IN FORCE", "in_force"),
                ("ID", "id"),
            ];
            list(json, &client.get(&path).await?, &columns)
        }
        DocumentCommand::Show { document, token } => {
            let shown = client.get(&format!("/admin/v1/document/{}", document.replace('/', "%2F"))).await?;
            match token {
                true => print(&format!("{}\n", shown["token"].as_str().unwrap_or_default())),
                false => facts(json, &shown),
            }
        }
    }
}

pub async fn journal(
    client: &Client,
    subject: Option<&str>,
    before: Option<i64>,
    limit: Option<i64>,
    json: bool,
) -> Result<()> {
    let mut path = format!("/admin/v1/journal?limit={}", limit.unwrap_or(100));
    if let Some(subject) = subject {
        path.push_str(&format!("&subject={}", encode(subject)));
    }
    if let Some(before) = before {
        path.push_str(&format!("&before={before}"));
    }
    let columns =
        [("SEQ", "seq"), ("AT", "at"), ("WHO", "who"), ("WHAT", "what"), ("SUBJECT", "subject"), ("WHY", "why")];
    list(json, &client.get(&path).await?, &columns)
}
