//! `reprieve sign`: documents as the authority issues them.

use std::path::PathBuf;

use reprieve::document::{self, Role, SigningKey};
use reprieve::terms::Kind;
use serde_json::Value;

use crate::failure::{Done, Failure, say};
use crate::output::Out;
use crate::{claims, input, keys, words};

const AFTER: &str = "\
FILE is TOML or JSON. Instants are RFC 3339 with their offset (2026-12-05T20:00:00Z), TOML date-times, shifts from the time of \
issue (+7d), or whole seconds since 1970. The time of issue, iat, is now unless the file or --iat says it. What a product would \
refuse as malformed is not signed. `reprieve sign KIND --example` prints a file to begin with.

One key signs in compact form, several in the General JSON serialisation, as an extension with two approvals needs.

Examples:
  reprieve sign lease lease.toml --key lease.jwk -o lease.jws
  reprieve sign policy policy.toml --key policy.jwk > policy.jws
  reprieve sign extension grant.toml --key anna.jwk --key ben.jwk -o grant.jws
  reprieve sign notice --example > notice.toml";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// lease, policy, notice, extension, revocation, ruling or keys.
    #[arg(value_parser = kind)]
    kind: Kind,
    /// What the document says: TOML or JSON; - for stdin.
    #[arg(required_unless_present = "example")]
    file: Option<PathBuf>,
    /// A private key, a JWK or PEM file; repeat it for several signers.
    #[arg(long, short, value_name = "FILE", required_unless_present = "example")]
    key: Vec<PathBuf>,
    /// The name of the key, where its file says none (PEM) or another; with one key only.
    #[arg(long, value_parser = keys::name)]
    kid: Option<String>,
    /// When it is issued, in place of now.
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    iat: Option<String>,
    /// Allow claims that no product knows.
    #[arg(long)]
    extra: bool,
    /// Where to write the token, in place of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print an example of the kind in place of signing.
    #[arg(long, conflicts_with_all = ["file", "key"])]
    example: bool,
}

pub fn kind(text: &str) -> Result<Kind, String> {
    let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Kind::from_word(text).ok_or_else(|| format!("there are {}", all.join(", ")))
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let Some(file) = args.file.as_deref().filter(|_| !args.example) else {
        out.raw(claims::example(args.kind).as_bytes())?;
        return Ok(Done::Well);
    };
    if args.kid.is_some() && args.key.len() > 1 {
        return Err(Failure::input("--kid names one key, and there are several; put the names into the key files"));
    }
    let source = input::read(file)?;
    let claims = claims::of(args.kind, &source, args.iat.as_deref(), args.extra)?;
    let role = Role::of(args.kind);
    let mut signers = Vec::new();
    for path in &args.key {
        let key = keys::read(path, args.kid.as_deref())?;
        if !key.roles.is_empty() && !key.roles.contains(&role) {
            let roles: Vec<&str> = key.roles.iter().map(|role| role.as_str()).collect();
            let message = format!(
                "{}: this key is for {}, and {} is signed by a key of role {role}; every product would refuse it",
                path.display(),
                roles.join(", "),
                words::a(args.kind)
            );
            return Err(Failure::input(message));
        }
        signers.push(key.key);
    }
    let mut names: Vec<&str> = signers.iter().map(SigningKey::kid).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Failure::input("a key is given twice; each signer has a key and a name of their own"));
    }
    let keys: Vec<&SigningKey> = signers.iter().collect();
    let token = document::issue(args.kind, &Value::Object(claims), &keys)
        .map_err(|refused| Failure::input(format!("{}: {}; nothing was signed", source.name, refused.detail)))?;
    let by: Vec<&str> = keys.iter().map(|key| key.kid()).collect();
    let says = document::read_unverified(&token);
    let says = says.as_ref().map_or_else(|| words::a(args.kind), words::document);
    write_token(&token, args.output.as_deref(), out)?;
    say(&format!("signed by {}: {says}", by.join(", ")));
    Ok(Done::Well)
}

/// A token and a newline, to a file or stdout.
pub fn write_token(token: &[u8], output: Option<&std::path::Path>, out: &mut Out) -> Result<(), Failure> {
    let bytes = [token, b"\n"].concat();
    match output {
        Some(path) => std::fs::write(path, bytes).map_err(|error| Failure::writing(path, &error)),
        None => out.raw(&bytes),
    }
}
