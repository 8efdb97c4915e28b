//! Which appeals go with the next request (rule A5).

use serde_json::{Map, Value};

use super::Session;
use crate::grace::OpenAppeal;
use crate::time::{Instant, Span};

/// The side file in which it is kept which of them rest. No consumer's place has this name.
const FILE: &str = "appeals";

/// One that an answer said nothing of does not go again before this: an authority may know no appeals, or have no lease to give that confirms one.
const REST: Span = Span::seconds(86_400);

/// When appeals went by a request that was answered, with their ids.
pub(super) type Rest = Vec<(String, Instant)>;

impl Session {
    /// The open appeals that do not rest, the oldest first.
    pub(in crate::client) fn appeals_to_send(&self) -> Vec<OpenAppeal> {
        let open = self.state().appeals();
        if open.is_empty() {
            return Vec::new();
        }
        let (left, t) = (self.left_behind(), self.live().t);
        // A time that lies ahead was another clock's: it does not hold an appeal back.
        let rests = |id: &str| left.iter().chain(&self.rest).any(|(it, at)| it == id && (*at..*at + REST).contains(&t));
        open.iter().filter(|filed| !rests(&filed.id)).cloned().collect()
    }

    /// What products on this ledger left behind.
    fn left_behind(&self) -> Rest {
        let mut kept = Vec::new();
        let file = self.ledger.side_file_read(FILE).ok().flatten();
        if let Some(Value::Object(file)) = file.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            for (id, went) in file {
                if let Some(Ok(went)) = went.as_str().map(str::parse) {
                    kept.push((id, went));
                }
            }
        }
        kept
    }

    /// The newest request was answered: what went with it and is open still rests, for all products on the ledger.
    pub(in crate::client) fn appeals_were_carried(&mut self) {
        let mut carried = std::mem::take(&mut self.carried);
        let is_open = |session: &Session, id: &str| session.state().appeals().get(id).is_some();
        carried.retain(|id| is_open(self, id));
        if carried.is_empty() {
            return;
        }
        let (mut rest, t) = (self.left_behind(), self.live().t);
        rest.extend(carried.into_iter().map(|id| (id, t)));
        rest.retain(|(id, _)| is_open(self, id));
        // Of one that stands there twice the later is put in last.
        let mut file = Map::new();
        for (id, went) in &rest {
            file.insert(id.clone(), Value::String(went.to_string()));
        }
        if let Err(error) = self.ledger.side_file_write(FILE, Value::Object(file).to_string().as_bytes()) {
            self.diagnose(format!("that an appeal was sent could not be kept for other products: {error}"));
        }
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::client::{App, Builder, Client};
    use crate::drill::{Authority, World};
    use crate::renew::Appeal;
    use crate::terms::Kind;

    fn hours(n: i64) -> Span {
        Span::seconds(n * 3600)
    }

    struct Scene {
        authority: Authority,
        world: World,
        folder: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Scene {
            let world = World::new("2026-01-01T00:00:00Z".parse().unwrap());
            Scene { authority: Authority::new().unwrap(), world, folder: tempfile::tempdir().unwrap() }
        }

        fn open(&self) -> Client {
            let mut app = App::new("acme", b"sixteen bytes or more", vec![self.authority.root()]);
            app.keys = Some(self.authority.keys_token("2026-01-01T00:00:00Z".parse().unwrap()));
            let facts = self.world.clone();
            let builder = Builder::new(app).folder(self.folder.path().join("ledger"));
            let builder = builder.witness(self.folder.path().join("witness"));
            let machine = Arc::new(move |ledger: &str| facts.machine(ledger));
            builder.drill(Arc::new(self.world.clone()), Some(machine), None).open().unwrap()
        }

        /// How many appeals a request takes along.
        fn carries(&self, client: &Client) -> usize {
            let body: Value = serde_json::from_slice(&client.request().unwrap().body).unwrap();
            body.get("appeals").map_or(0, |list| list.as_array().unwrap().len())
        }

        /// An authority answers the newest request, by a lease that says this of appeals.
        fn answers(&self, client: &Client, appeals: Value) {
            let now = self.world.now();
            let claims = json!({
                "license": "L1", "sku": "cad", "ledger": client.ledger_id().unwrap(), "iat": now.seconds(),
                "features": { "core": (now + hours(9000)).seconds() }, "appeals": appeals,
            });
            let token = self.authority.issue(Kind::Lease, &claims, 1, None).unwrap();
            assert!(client.renew(&token).unwrap()[0].accepted);
        }
    }

    /// A5: what was sent and is not confirmed goes again after a day, also across a boot, and rests for other products.
    #[test]
    fn what_no_answer_confirms_goes_again_after_a_day() {
        let scene = Scene::new();
        let (client, other) = (scene.open(), scene.open());
        client.appeal(Some("L1"), "The server room was under water.").unwrap();
        for round in 0..3 {
            assert_eq!((scene.carries(&client), round), (1, round));
            scene.answers(&client, json!([]));
            assert_eq!((scene.carries(&client), scene.carries(&other)), (0, 0));
            scene.world.advance(hours(23));
            assert_eq!((scene.carries(&client), scene.carries(&other)), (0, 0));
            scene.world.advance(hours(2));
        }
        assert_eq!(scene.carries(&client), 1);
        scene.answers(&client, json!([]));
        client.close().unwrap();
        other.close().unwrap();
        scene.world.boot(hours(1), None);
        let client = scene.open();
        assert_eq!(scene.carries(&client), 0);
        scene.world.advance(hours(24));
        assert_eq!(scene.carries(&client), 1);
        let id = Appeal::of_value(
            serde_json::from_slice::<Value>(&client.request().unwrap().body).unwrap()["appeals"][0].clone(),
        );
        scene.answers(&client, json!([id.unwrap().id]));
        scene.world.advance(hours(1000));
        assert_eq!(scene.carries(&client), 0);
        client.close().unwrap();
    }

    /// What lies in the side file is no document: whatever it says, an appeal waits no longer than a day.
    #[test]
    fn whatever_the_side_file_says_an_appeal_goes() {
        let scene = Scene::new();
        let client = scene.open();
        client.appeal(None, "The server room was under water.").unwrap();
        scene.carries(&client);
        scene.answers(&client, json!([]));
        client.close().unwrap();
        let file = scene.folder.path().join("ledger/acme.side-appeals");
        let kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let id = kept.as_object().unwrap().keys().next().unwrap().clone();
        for odd in [
            "".to_owned(),
            "{".to_owned(),
            "[7]".to_owned(),
            json!({ &id: "never" }).to_string(),
            json!({ &id: "9999-01-01T00:00:00Z" }).to_string(),
            json!({ &id: "1970-01-01T00:00:00Z" }).to_string(),
        ] {
            std::fs::write(&file, &odd).unwrap();
            let client = scene.open();
            assert_eq!(scene.carries(&client), 1, "{odd}");
            client.close().unwrap();
        }
    }
}
