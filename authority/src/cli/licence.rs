//! Products, licences, seats, ledgers, and access tokens.

use clap::Subcommand;
use reprieve_authority::error::{Error, Result};
use reprieve_authority::http::{self, Scope};
use serde_json::{Map, Value, json};

use super::client::{Client, Where, encode};
use super::input::name;
use super::output::{self, facts, list, print};

#[derive(Subcommand)]
pub enum ProductCommand {
    /// Make a product.
    New {
        /// Its SKU.
        sku: String,
        /// Its name, for people.
        #[arg(long)]
        name: String,
    },
    /// All products.
    List,
}

#[derive(Subcommand)]
pub enum LicenseCommand {
    /// Make a licence. Its activation code is printed this once.
    New {
        /// Its id.
        license: String,
        /// The product.
        #[arg(long)]
        sku: String,
        /// Whose it is.
        #[arg(long)]
        customer: String,
        /// What it grants: NAME, or NAME=END; repeat it.
        #[arg(long, required = true, value_name = "NAME[=END]")]
        feature: Vec<String>,
        /// On how many machines it may be used.
        #[arg(long, default_value_t = 1)]
        seats: u32,
        /// How long a lease is, such as 7d, in place of the authority's.
        #[arg(long)]
        lease: Option<String>,
        /// When it ends.
        #[arg(long)]
        ends: Option<String>,
        /// Why: for the journal.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Licences, by their ids.
    List {
        /// Those of one customer.
        #[arg(long)]
        customer: Option<String>,
        /// What comes behind this one.
        #[arg(long)]
        after: Option<String>,
        /// How many, 100 at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// A licence, and who holds its seats.
    Show {
        /// Its id.
        #[arg(value_parser = name)]
        license: String,
    },
    /// Change a licence. Leases that were given stay as they are.
    Change {
        /// Its id.
        #[arg(value_parser = name)]
        license: String,
        /// On how many machines it may be used.
        #[arg(long)]
        seats: Option<u32>,
        /// All that it grants from now on: NAME, or NAME=END; repeat it.
        #[arg(long, value_name = "NAME[=END]")]
        feature: Vec<String>,
        /// How long a lease is.
        #[arg(long)]
        lease: Option<String>,
        /// A lease is as long as the authority's others again.
        #[arg(long, conflicts_with = "lease")]
        default_lease: bool,
        /// When it ends.
        #[arg(long)]
        ends: Option<String>,
        /// It does not end any more.
        #[arg(long, conflicts_with = "ends")]
        no_end: bool,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// Give no new leases of a licence for now.
    Suspend {
        /// Its id.
        #[arg(value_parser = name)]
        license: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// Give leases of a suspended licence again.
    Resume {
        /// Its id.
        #[arg(value_parser = name)]
        license: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub enum SeatCommand {
    /// Free a seat: the ledger's next renewal gets no lease of the licence.
    Free {
        /// The licence.
        license: String,
        /// The ledger's id.
        ledger: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub enum LedgerCommand {
    /// The ledgers that showed an older copy of themselves, the newest first.
    ListPutBack,
    /// What is known of a ledger.
    Show {
        /// Its id.
        #[arg(value_parser = name)]
        ledger: String,
    },
    /// Forget a ledger and free its seats: one that was made anew may then take its id.
    Forget {
        /// Its id.
        #[arg(value_parser = name)]
        ledger: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make an access token. Its secret is printed this once.
    New {
        /// Its name.
        token: String,
        /// Whose it is: who the journal says did it.
        #[arg(long)]
        holder: String,
        /// What it may do: read, licenses, publish, support, tokens; repeat it.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// How long it lasts.
        #[arg(long, default_value = "90d")]
        lasts: String,
    },
    /// All access tokens, without their secrets.
    List,
    /// End an access token.
    Revoke {
        /// Its name.
        #[arg(value_parser = name)]
        token: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

pub async fn product(command: ProductCommand, client: &Client, json: bool) -> Result<()> {
    match command {
        ProductCommand::New { sku, name } => {
            let made = client.post("/admin/v1/products", &json!({ "sku": sku, "name": name })).await?;
            if json { output::json(&made) } else { Ok(()) }
        }
        ProductCommand::List => {
            let all = client.get("/admin/v1/products").await?;
            list(json, &all, &[("SKU", "sku"), ("NAME", "name")])
        }
    }
}

/// `NAME` or `NAME=END`, as the admin API has them.
fn features(all: &[String]) -> Value {
    let one = |text: &String| match text.split_once('=') {
        Some((name, end)) => (name.to_owned(), json!(end)),
        None => (text.clone(), Value::Null),
    };
    Value::Object(all.iter().map(one).collect::<Map<String, Value>>())
}

const LICENCES: [(&str, &str); 7] = [
    ("LICENCE", "license"),
    ("SKU", "sku"),
    ("CUSTOMER", "customer"),
    ("SEATS", "seats"),
    ("ENDS", "ends"),
    ("SUSPENDED", "suspended"),
    ("FEATURES", "features"),
];

pub async fn license(command: LicenseCommand, client: &Client, json: bool) -> Result<()> {
    let at = |license: &str| format!("/admin/v1/license/{}", encode(license));
    match command {
        LicenseCommand::New { license, sku, customer, feature, seats, lease, ends, why } => {
            let body = json!({
                "license": license, "sku": sku, "customer": customer, "seats": seats, "features": features(&feature), "lease": lease, "ends": ends,
                "why": why,
            });
            let made = client.post("/admin/v1/licenses", &body).await?;
            match json {
                true => output::json(&made),
                false => print(&format!("{}\n", made["code"].as_str().unwrap_or_default())),
            }
        }
        LicenseCommand::List { customer, after, limit } => {
            let mut path = format!("/admin/v1/licenses?limit={limit}");
            for (key, value) in [("customer", customer), ("after", after)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{key}={}", encode(&value)));
                }
            }
            list(json, &client.get(&path).await?, &LICENCES)
        }
        LicenseCommand::Show { license } => facts(json, &client.get(&at(&license)).await?),
        LicenseCommand::Change { license, seats, feature, lease, default_lease, ends, no_end, why } => {
            let mut body = json!({ "seats": seats, "why": why });
            // What is null is taken away; what is left out stays.
            for (key, value, without) in [("lease", lease, default_lease), ("ends", ends, no_end)] {
                if value.is_some() || without {
                    body[key] = json!(value);
                }
            }
            if !feature.is_empty() {
                body["features"] = features(&feature);
            }
            facts(json, &client.patch(&at(&license), &body).await?)
        }
        LicenseCommand::Suspend { license, why } => {
            facts(json, &client.patch(&at(&license), &json!({ "suspended": true, "why": why })).await?)
        }
        LicenseCommand::Resume { license, why } => {
            facts(json, &client.patch(&at(&license), &json!({ "suspended": false, "why": why })).await?)
        }
    }
}

pub async fn seat(command: SeatCommand, client: &Client) -> Result<()> {
    let SeatCommand::Free { license, ledger, why } = command;
    let body = json!({ "license": license, "ledger": ledger, "why": why });
    client.post("/admin/v1/seats/free", &body).await.map(|_| ())
}

pub async fn ledger(command: LedgerCommand, client: &Client, json: bool) -> Result<()> {
    match command {
        LedgerCommand::ListPutBack => {
            let all = client.get("/admin/v1/ledgers/put-back").await?;
            list(
                json,
                &all,
                &[("LEDGER", "ledger"), ("PUT BACK", "put_back"), ("HEARD", "heard"), ("WHY", "put_back_why")],
            )
        }
        LedgerCommand::Show { ledger } => {
            facts(json, &client.get(&format!("/admin/v1/ledger/{}", encode(&ledger))).await?)
        }
        LedgerCommand::Forget { ledger, why } => {
            let path = format!("/admin/v1/ledger/{}/forget", encode(&ledger));
            facts(json, &client.post(&path, &json!({ "why": why })).await?)
        }
    }
}

pub async fn token(command: TokenCommand, client: &Client, json: bool) -> Result<()> {
    match command {
        TokenCommand::New { token, holder, scope, lasts } => {
            let body = json!({ "token": token, "holder": holder, "scopes": scope, "lasts": lasts });
            let made = client.post("/admin/v1/tokens", &body).await?;
            match json {
                true => output::json(&made),
                false => print(&format!("{}\n", made["secret"].as_str().unwrap_or_default())),
            }
        }
        TokenCommand::List => {
            let columns = [
                ("TOKEN", "token"),
                ("HOLDER", "holder"),
                ("SCOPES", "scopes"),
                ("CREATED", "created"),
                ("ENDS", "ends"),
                ("REVOKED", "revoked"),
            ];
            list(json, &client.get("/admin/v1/tokens").await?, &columns)
        }
        TokenCommand::Revoke { token, why } => {
            let path = format!("/admin/v1/tokens/{}/revoke", token.replace('/', "%2F"));
            client.post(&path, &json!({ "why": why })).await.map(|_| ())
        }
    }
}

/// As [`token`], by the database.
pub async fn token_here(command: TokenCommand, place: &Where, json: bool) -> Result<()> {
    match command {
        TokenCommand::New { token, holder, scope, lasts } => {
            let (_, store) = reprieve_authority::open(&place.config).await?;
            let scopes = scope
                .iter()
                .map(|word| Scope::from_word(word).ok_or_else(|| Error::input(format!("there is no scope {word:?}"))))
                .collect::<Result<Vec<_>>>()?;
            let secret = http::admin::make_token(&store, &place.who, &token, &holder, &scopes, &lasts).await?;
            match json {
                true => output::json(&json!({ "token": token, "secret": secret.as_str() })),
                false => print(&format!("{}\n", secret.as_str())),
            }
        }
        command => token(command, &Client::open(place).await?, json).await,
    }
}
