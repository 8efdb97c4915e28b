//! Renewal with the library's own HTTP, on a thread that the product asks for: Cargo feature `http`.

use std::ffi::c_char;

use reprieve_core::client::Client;

use crate::bytes::reprieve_bytes;
use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{Failure, call};
use crate::handle::object;
use crate::input::{self, argument};
use crate::output::Out;
use crate::renewer::{self, reprieve_renewal_settings, reprieve_renewal_state, tell};
use crate::status::reprieve_status;

/// Renewals under way on a thread of the library's: owned by the caller, freed with `reprieve_renewing_free`. Any
/// thread. A forked child has no such thread: it starts one of its own.
pub struct reprieve_renewing {
    _private: [u8; 0],
}

/// What the caller said of HTTP.
struct Wishes {
    roots: Option<Vec<u8>>,
    /// None: the platform's; empty: none at all.
    proxy: Option<String>,
    headers: Vec<(String, String)>,
}

impl Wishes {
    /// # Safety
    /// Each pointer with its length as [`input::bytes`] has it.
    unsafe fn new(
        roots: (*const u8, usize),
        proxy: (*const c_char, usize),
        lines: (*const c_char, usize),
    ) -> Result<Wishes, Failure> {
        // SAFETY: the caller's promises.
        let (roots, proxy, lines) = unsafe {
            (
                input::bytes("the roots", roots.0, roots.1)?,
                input::text("the proxy", proxy.0, proxy.1)?,
                input::text("the headers", lines.0, lines.1)?,
            )
        };
        let proxy = match proxy {
            "" => None,
            "none" => Some(String::new()),
            url => Some(url.to_owned()),
        };
        let mut headers = Vec::new();
        for (name, value) in renewer::headers(lines) {
            if name.is_empty() {
                return Err(argument("the headers have a line without a name; write `Name: value`, one a line"));
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Wishes { roots: (!roots.is_empty()).then(|| roots.to_vec()), proxy, headers })
    }
}

#[cfg(feature = "http")]
mod real {
    use std::sync::{Mutex, PoisonError};

    use reprieve_core::client::{Client, Standing, Watch};
    use reprieve_core::http::{Options, Renewing};
    use reprieve_core::renew::Settings;

    use super::{Failure, Wishes, reprieve_renewing};
    use crate::handle::{Object, object};
    use crate::status::REPRIEVE_STATUS_UNSUPPORTED;

    /// What such a handle stands for: the thread until it is stopped, and how it stands or stood.
    pub struct RenewingObject {
        /// Held for a moment only: whoever stops it takes it out first, and waits without the lock.
        renewing: Mutex<Option<Renewing>>,
        watch: Watch,
    }

    pub fn start(client: &Client, settings: Settings, wishes: Wishes) -> Result<Object, Failure> {
        // A product of this ABI's cannot initialise the verifier there by its JVM: it would try for ever.
        if cfg!(target_os = "android") && wishes.roots.is_none() {
            let text = "Android's own certificates cannot be asked through this library; hand over `roots`, or drive a renewer \
                        with HTTP of your own";
            return Err(Failure::new(REPRIEVE_STATUS_UNSUPPORTED, text));
        }
        let options = Options { roots: wishes.roots, proxy: wishes.proxy, headers: wishes.headers };
        let renewing = Renewing::start(client, settings, &options)?;
        let watch = renewing.watch();
        Ok(Object::Renewing(Box::new(RenewingObject { renewing: Mutex::new(Some(renewing)), watch })))
    }

    fn with<R>(
        renewing: *const reprieve_renewing,
        wish: impl FnOnce(&mut Option<Renewing>) -> R,
    ) -> Result<R, Failure> {
        object!(renewing, Renewing, |object: &RenewingObject| {
            Ok(wish(&mut object.renewing.lock().unwrap_or_else(PoisonError::into_inner)))
        })
    }

    pub fn network_changed(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        with(renewing, |renewing| renewing.iter().for_each(Renewing::network_changed))
    }

    pub fn renew_now(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        with(renewing, |renewing| renewing.iter().for_each(Renewing::renew_now))
    }

    pub fn standing(renewing: *const reprieve_renewing) -> Result<Standing, Failure> {
        object!(renewing, Renewing, |object: &RenewingObject| Ok(object.watch.standing()))
    }

    pub fn stop(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        if let Some(one) = with(renewing, Option::take)? {
            one.stop();
        }
        Ok(())
    }

    pub fn free(renewing: *mut reprieve_renewing) {
        crate::handle::free!(renewing, Renewing);
    }
}

/// Without HTTP there is no such handle, and nothing that is one.
#[cfg(not(feature = "http"))]
mod real {
    use reprieve_core::client::{Client, Standing};
    use reprieve_core::renew::Settings;

    use super::{Failure, Wishes, reprieve_renewing};
    use crate::handle::{Object, other, with};
    use crate::status::REPRIEVE_STATUS_UNSUPPORTED;

    pub fn start(_: &Client, _: Settings, wishes: Wishes) -> Result<Object, Failure> {
        drop((wishes.roots, wishes.proxy, wishes.headers));
        Err(Failure::new(
            REPRIEVE_STATUS_UNSUPPORTED,
            "this library was built without HTTP; drive a renewer with HTTP of your own, or take a library that was built \
             with the Cargo feature `http`",
        ))
    }

    fn none<R>(renewing: *const reprieve_renewing) -> Result<R, Failure> {
        with(renewing, |_| Err(other()))
    }

    pub fn network_changed(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        none(renewing)
    }

    pub fn renew_now(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        none(renewing)
    }

    pub fn standing(renewing: *const reprieve_renewing) -> Result<Standing, Failure> {
        none(renewing)
    }

    pub fn stop(renewing: *const reprieve_renewing) -> Result<(), Failure> {
        none(renewing)
    }

    pub fn free(_: *mut reprieve_renewing) {}
}

#[cfg(feature = "http")]
pub use real::RenewingObject;

/// Starts a thread that renews a client's leases, with the library's own HTTP: the platform's certificates and proxies.
/// It ends when it is stopped or freed, and when the client is closed. Start one for each client.
///
/// `settings`: how long things last, or NULL. `roots`: certificates of the vendor's own authorities in PEM, in place of
/// those that the platform trusts; `roots_len` bytes, NULL and 0 for the platform's. On Android they have to be given.
/// `proxy`: UTF-8, the URL of a proxy, `http://HOST:PORT`; "none" for none; NULL and 0 for what the platform says
/// (`HTTPS_PROXY`, `NO_PROXY`; where they name none, Windows's settings, but for a script of a proxy's). `headers`: UTF-8,
/// header fields for each request, such as `Authorization: ...`, one a line; NULL and 0 for none. `renewing` (out, not
/// NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_UNSUPPORTED if this library was built without HTTP (Cargo feature `http`), and on Android
/// without `roots`, as its verifier cannot be asked from here: then drive a `reprieve_renewer` with HTTP of your own.
/// REPRIEVE_STATUS_ARGUMENT, REPRIEVE_STATUS_IO if the system gives no thread. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_start(
    client: *const reprieve_client,
    settings: *const reprieve_renewal_settings,
    roots: *const u8,
    roots_len: usize,
    proxy: *const c_char,
    proxy_len: usize,
    headers: *const c_char,
    headers_len: usize,
    renewing: *mut *mut reprieve_renewing,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let renewing = Out::handle("renewing", renewing).required()?;
            let settings = renewer::settings(settings)?;
            let wishes = Wishes::new((roots, roots_len), (proxy, proxy_len), (headers, headers_len))?;
            let client: Client = object!(client, Client, |client: &Client| Ok(client.clone()))?;
            renewing.put(real::start(&client, settings, wishes)?)
        })
    }
}

/// The network is back, or another one is there: a pause after failures ends within some seconds. Does not wait. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_network_changed(
    renewing: *const reprieve_renewing,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || real::network_changed(renewing)) }
}

/// A renewal is wanted though none is due: somebody pressed a button. Does not wait. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_renew_now(
    renewing: *const reprieve_renewing,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || real::renew_now(renewing)) }
}

/// How renewing stands; or stood, when it was stopped. As `reprieve_renewer_state`.
///
/// `state` (in and out, not NULL): `struct_size` set. `url` (out, or NULL), `word` (out, or NULL): of the attempt that
/// ended last; owned by the caller, NULL if none has. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_state(
    renewing: *const reprieve_renewing,
    state: *mut reprieve_renewal_state,
    url: *mut *mut reprieve_bytes,
    word: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || tell(state, url, word, || real::standing(renewing))) }
}

/// Stops: waits for what is being written to the ledger, never for the network: an attempt that is under way is given
/// up, and its thread ends by its time-out. So once renewing was started, this library stays loaded until the process
/// ends, whoever unloads it. Once is enough; the handle stays good until it is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_stop(
    renewing: *const reprieve_renewing,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || real::stop(renewing)) }
}

/// Frees renewals, and stops them first. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewing_free(renewing: *mut reprieve_renewing) {
    crate::guard::quietly(|| real::free(renewing));
}
