//! Keys that lie in a PKCS #11 token: a smart card, a hardware module, or SoftHSM. They are named by a URI of RFC 7512, wherever a key's file may be named:
//!
//! `pkcs11:token=acme;object=lease-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/acme/pin`
//!
//! The object's label is the key's id. The PIN comes from the file of `pin-source`, which is relative to the file that names the key, or from the environment's REPRIEVE_PIN; a URI with a PIN in it is
//! refused, as it would stand in process lists and logs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Rv, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use reprieve::document::{KeyError, Sign};
use reprieve::terms::is_name;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Where a key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    token: String,
    object: String,
    module: PathBuf,
    pin: Option<PathBuf>,
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

impl Place {
    fn parse(uri: &str) -> Result<Place> {
        let wrong = |why: &str| {
            Error::input(format!(
                "this is no key in a PKCS #11 token: {why}; write pkcs11:token=NAME;object=KEY?module-path=FILE&pin-source=FILE"
            ))
        };
        let rest = uri.strip_prefix("pkcs11:").ok_or_else(|| wrong("it does not begin with pkcs11:"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut all = HashMap::new();
        for pair in path.split(';').chain(query.split('&')).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| wrong("a part of it has no value"))?;
            let value = decoded(value).ok_or_else(|| wrong("a value is not written as in a URI"))?;
            match key {
                "token" | "object" | "module-path" | "pin-source" => {}
                "type" if value == "private" => {}
                "pin-value" => {
                    return Err(wrong("a PIN stands in it, for everybody to see; name its file as pin-source"));
                }
                // One that is passed over might have meant another key.
                _ => return Err(wrong(&format!("`{key}` is not understood"))),
            }
            all.insert(key, value);
        }
        let mut take = |key: &str| all.remove(key);
        let object = take("object").ok_or_else(|| wrong("it names no object"))?;
        if !is_name(&object) {
            return Err(wrong("the object's label is the key's id, and this is no name"));
        }
        Ok(Place {
            token: take("token").ok_or_else(|| wrong("it names no token"))?,
            object,
            module: take("module-path").map(PathBuf::from).ok_or_else(|| wrong("it names no module-path"))?,
            pin: take("pin-source").map(|source| PathBuf::from(source.strip_prefix("file:").unwrap_or(&source))),
        })
    }
}

/// The modules that are loaded: each is begun once in a process.
fn module(path: &Path) -> std::result::Result<Pkcs11, Rv> {
    static MODULES: OnceLock<Mutex<HashMap<PathBuf, Pkcs11>>> = OnceLock::new();
    let mut modules = MODULES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = modules.get(path) {
        return Ok(known.clone());
    }
    let new = Pkcs11::new(path)?;
    match new.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Rv::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    modules.insert(path.to_owned(), new.clone());
    Ok(new)
}

struct Open {
    session: Session,
    private: ObjectHandle,
    public: [u8; 32],
}

/// A key in a token.
pub struct TokenKey {
    place: Place,
    pin: Zeroizing<String>,
    public: [u8; 32],
    /// A session is of one thread at a time. One that failed is opened anew.
    open: Mutex<Option<Open>>,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("place", &self.place).finish_non_exhaustive()
    }
}

fn failed(place: &Place, why: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("the key {} in the token {}: {why}", place.object, place.token))
}

fn open(place: &Place, pin: &str) -> Result<Open> {
    let lacking = |what: String| Error::input(format!("{what}; check the URI of the key {}", place.object));
    let said = |error: Rv| failed(place, error);
    let module = module(&place.module).map_err(|error| lacking(format!("{}: {error}", place.module.display())))?;
    let mut slots = module.get_slots_with_token().map_err(said)?;
    slots.retain(|slot| module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == place.token));
    let [slot] = slots[..] else {
        return Err(lacking(format!("{} tokens are called {}", slots.len(), place.token)));
    };
    let session = module.open_ro_session(slot).map_err(said)?;
    match session.login(UserType::User, Some(&AuthPin::new(pin.to_owned().into()))) {
        Ok(()) | Err(Rv::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        Err(Rv::Pkcs11(RvError::PinIncorrect, _)) => return Err(lacking("the token's PIN is another".to_owned())),
        Err(error) => return Err(said(error)),
    }
    let find = |class: ObjectClass| {
        let label = Attribute::Label(place.object.clone().into_bytes());
        let found = session.find_objects(&[Attribute::Class(class), label]).map_err(said)?;
        match found[..] {
            [one] => Ok(one),
            _ => Err(lacking(format!("{} keys of class {class} are called {}", found.len(), place.object))),
        }
    };
    let (private, public) = (find(ObjectClass::PRIVATE_KEY)?, find(ObjectClass::PUBLIC_KEY)?);
    let point = session.get_attributes(public, &[AttributeType::EcPoint]).map_err(said)?;
    let point = match &point[..] {
        // An octet string in DER; some modules leave that out.
        [Attribute::EcPoint(point)] => point.strip_prefix(&[0x04, 0x20]).filter(|key| key.len() == 32).unwrap_or(point),
        _ => &[],
    };
    let public = <[u8; 32]>::try_from(point).map_err(|_| lacking("it is no Ed25519 key".to_owned()))?;
    Ok(Open { session, private, public })
}

impl TokenKey {
    /// Opens the key of a URI.
    ///
    /// # Errors
    /// Where the module, the token or the key is not there, or the PIN is another.
    pub fn of(uri: &str) -> Result<TokenKey> {
        let place = Place::parse(uri)?;
        let pin = match &place.pin {
            Some(path) => {
                let text = std::fs::read_to_string(path).map(Zeroizing::new);
                let text = text.map_err(|error| Error::input(format!("the PIN's file {}: {error}", path.display())))?;
                Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
            }
            None => std::env::var("REPRIEVE_PIN").map(Zeroizing::new).map_err(|_| {
                Error::input(format!(
                    "the PIN of the token {}: name its file as pin-source, or set REPRIEVE_PIN",
                    place.token
                ))
            })?,
        };
        let open = open(&place, &pin)?;
        Ok(TokenKey { public: open.public, open: Mutex::new(Some(open)), place, pin })
    }
}

impl Sign for TokenKey {
    fn kid(&self) -> &str {
        &self.place.object
    }

    fn public(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, KeyError> {
        let mut held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        let mut again = true;
        loop {
            let open = match held.take() {
                Some(open) => open,
                None => {
                    again = false;
                    let new = open(&self.place, &self.pin).map_err(|error| KeyError::new(error.to_string()))?;
                    if new.public != self.public {
                        return Err(KeyError::new(format!("the key {} is another than before", self.place.object)));
                    }
                    new
                }
            };
            match open.session.sign(&mechanism, open.private, message) {
                Ok(signature) => {
                    *held = Some(open);
                    return Ok(signature);
                }
                // The token may have been taken out and put back.
                Err(_) if again => {}
                Err(error) => return Err(KeyError::new(failed(&self.place, error).to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_and_what_is_not_understood_is_refused() {
        let place =
            Place::parse("pkcs11:token=the%20token;object=lease-1;type=private?module-path=/m.so&pin-source=file:/pin")
                .unwrap();
        assert_eq!((place.token.as_str(), place.object.as_str()), ("the token", "lease-1"));
        assert_eq!((place.module, place.pin), (PathBuf::from("/m.so"), Some(PathBuf::from("/pin"))));
        for (uri, word) in [
            ("lease-1.pem", "does not begin"),
            ("pkcs11:", "names no object"),
            ("pkcs11:object=a", "names no token"),
            ("pkcs11:token=a;object=b", "names no module-path"),
            ("pkcs11:token=a;object=b%2", "not written as in a URI"),
            ("pkcs11:token=a;object=b;id=%01?module-path=/m.so", "`id` is not understood"),
            ("pkcs11:token=a;object=b?module-path=/m.so&pin-value=1234", "a PIN stands in it"),
            ("pkcs11:token=a;object=b c?module-path=/m.so", "no name"),
        ] {
            let error = Place::parse(uri).unwrap_err();
            assert!(error.message().contains(word) && !error.message().contains("1234"), "{uri}: {error}");
        }
    }
}
