//! `reprieve renew`: a renewal request that people carry, where no network does; or a renewal over the network, now.

use std::path::PathBuf;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use reprieve::renew::RenewalRequest;

use crate::failure::{Done, Failure, say};
use crate::output::Out;
use crate::target::Target;

const AFTER: &str = "\
Writes the same request that a product sends over HTTP, as some lines of text: for a mail, a stick, or a camera. The vendor answers with a text \
of the same kind, and `reprieve import` takes that. The lease is bound to this ledger. It is not fresh, as the time on its way is not known: \
it sets no clock right.

With --online it renews over the network, now, by the way that products go, and says what came of each endpoint. The exit code is 1 if the \
authority answered and gave nothing, 3 if it was not reached.

Examples:
  reprieve renew --app reprieve.toml --write request.txt
  reprieve renew --app reprieve.toml --qr
  reprieve import answer.txt --app reprieve.toml
  reprieve renew --app reprieve.toml --online --code rpa_...";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Where to write the request, in place of stdout.
    #[arg(long, short, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Show it as a QR code too, for a camera; without --write, as nothing else.
    #[arg(long)]
    qr: bool,
    /// Renew over the network, now.
    #[arg(long, conflicts_with_all = ["write", "qr", "drill"])]
    online: bool,
    #[command(flatten)]
    line: crate::online::Line,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    if args.online {
        return crate::online::run(&args.target, &args.line, out);
    }
    let open = args.target.open()?;
    let body = open.client.request()?.body;
    open.close()?;
    let request = RenewalRequest::read(&body).map_err(|error| Failure::environment(error.to_string()))?;
    if args.qr {
        let codes = request.to_codes();
        for (code, at) in codes.iter().zip(1..) {
            if codes.len() > 1 {
                out.line(format!("code {at} of {}", codes.len()))?;
            }
            out.raw(drawn(code)?.as_bytes())?;
        }
    }
    match &args.write {
        Some(path) => {
            std::fs::write(path, request.to_armour()).map_err(|error| Failure::writing(path, &error))?;
            say(&format!("send {} to the vendor, and import the answer with `reprieve import`", path.display()));
        }
        None if args.qr => {}
        None => out.raw(request.to_armour().as_bytes())?,
    }
    Ok(Done::Well)
}

/// Light modules are drawn, dark ones are the terminal's ground: most terminals are dark, and where one is light the code is read inverted.
fn drawn(text: &str) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|error| Failure::environment(format!("the request fits no QR code ({error}); use --write")))?;
    let mut drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    drawn.push('\n');
    Ok(drawn)
}
