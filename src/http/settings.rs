//! The proxy of Windows's settings, as its dialogue and an administrator's policy write it. ureq reads of it what has the simplest form.
//!
//! A configuration that is a script (PAC), or is to be found by itself (WPAD), is not read: that takes an interpreter of JavaScript.

use ureq::Proxy;

/// A proxy, and who is reached without it.
pub(super) struct Found {
    pub(super) proxy: Proxy,
    pub(super) past: Past,
}

/// What the settings say, where the environment names no proxy, which is asked first.
#[cfg(windows)]
pub(super) fn found() -> Option<Found> {
    if Proxy::try_from_env().is_some() {
        return None;
    }
    let (server, past) = registry::read()?;
    Found::of(&server, &past)
}

impl Found {
    /// What the texts of `ProxyServer` and `ProxyOverride` mean to a renewal, which goes by HTTPS. None, where no proxy is named for it.
    fn of(server: &str, past: &str) -> Option<Found> {
        let parts = || server.split([';', ' ']).filter(|part| !part.is_empty());
        let named = parts().filter_map(|part| part.split_once('=')).find(|(protocol, _)| *protocol == "https");
        let address = named.map(|(_, address)| address).or_else(|| parts().find(|part| !part.contains('=')))?;
        let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        Some(Found { proxy: Proxy::new(&url).ok()?, past: Past::of(past) })
    }
}

/// Who is reached without the proxy.
#[derive(Debug)]
pub(super) struct Past {
    /// Of small letters, each `*` for any text.
    patterns: Vec<String>,
    /// Names without a dot.
    local: bool,
    /// This machine. Windows leaves it out, unless it is told to put it in again.
    loopback: bool,
}

impl Past {
    fn of(text: &str) -> Past {
        let mut past = Past { patterns: Vec::new(), local: false, loopback: true };
        for part in text.split([';', ' ', ',']).filter(|part| !part.is_empty()) {
            match part.to_ascii_lowercase().as_str() {
                "<local>" => past.local = true,
                "<-loopback>" => past.loopback = false,
                pattern => past.patterns.push(pattern.to_owned()),
            }
        }
        past
    }

    pub(super) fn has(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let address = host.parse::<std::net::IpAddr>();
        let this = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        (this && self.loopback)
            || (self.local && !host.contains(['.', ':']))
            || self.patterns.iter().any(|pattern| fits(pattern, &host))
    }
}

/// Whether a text is that of a pattern, in which each `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        // The first place is as good as any later one.
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    true
}

#[cfg(windows)]
mod registry {
    use windows_sys::Win32::System::Registry::{
        HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW,
    };

    const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    const POLICY: &str = r"Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";

    /// The server and the exceptions, if they are in force.
    pub(super) fn read() -> Option<(String, String)> {
        // An administrator may have one for the whole machine.
        let of_machine = number(HKEY_LOCAL_MACHINE, POLICY, "ProxySettingsPerUser") == Some(0);
        let root = if of_machine { HKEY_LOCAL_MACHINE } else { HKEY_CURRENT_USER };
        if number(root, SETTINGS, "ProxyEnable") != Some(1) {
            return None;
        }
        Some((text(root, "ProxyServer")?, text(root, "ProxyOverride").unwrap_or_default()))
    }

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().chain([0]).collect()
    }

    fn number(root: HKEY, key: &str, name: &str) -> Option<u32> {
        let (key, name, mut value) = (wide(key), wide(name), 0_u32);
        let mut size = size_of_val(&value) as u32;
        // SAFETY: both names end with 0, and at most `size` bytes are written to `value`.
        let status = unsafe {
            let into = (&raw mut value).cast();
            RegGetValueW(root, key.as_ptr(), name.as_ptr(), RRF_RT_REG_DWORD, std::ptr::null_mut(), into, &raw mut size)
        };
        (status == 0).then_some(value)
    }

    fn text(root: HKEY, name: &str) -> Option<String> {
        let (key, name) = (wide(SETTINGS), wide(name));
        // Windows's dialogue takes no more than half of that.
        let mut value = vec![0_u16; 4096];
        let mut size = size_of_val(value.as_slice()) as u32;
        // SAFETY: both names end with 0, and at most `size` bytes are written to `value`.
        let status = unsafe {
            let into = value.as_mut_ptr().cast();
            RegGetValueW(root, key.as_ptr(), name.as_ptr(), RRF_RT_REG_SZ, std::ptr::null_mut(), into, &raw mut size)
        };
        let known = value.split(|unit| *unit == 0).next()?;
        (status == 0 && !known.is_empty()).then(|| String::from_utf16_lossy(known))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn proxy(server: &str) -> Option<(String, u16)> {
        Found::of(server, "").map(|found| (found.proxy.host().to_owned(), found.proxy.port()))
    }

    #[test]
    fn the_server_is_the_one_for_https_or_the_one_for_all() {
        let named = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(proxy("proxy.corp:8080"), named("proxy.corp", 8080));
        assert_eq!(proxy("http://proxy.corp:8080"), named("proxy.corp", 8080));
        assert_eq!(proxy("http=a:1;https=b:2;ftp=c:3"), named("b", 2));
        assert_eq!(proxy("http=a:1 https=http://b:2"), named("b", 2));
        assert_eq!(proxy("socks=a:1;b:2"), named("b", 2));
        // One for other protocols is none for this.
        assert_eq!(proxy("http=a:1;socks=c:3"), None);
        assert_eq!(proxy(""), None);
        assert_eq!(proxy("http://"), None);
    }

    #[test]
    fn the_exceptions_are_those_of_windows() {
        let past = Past::of("*.Example.com; 10.*;intranet,a*b*c <local>");
        for host in ["www.example.com", "WWW.EXAMPLE.COM", "10.1.2.3", "intranet", "aXbc", "abbcc", "licences"] {
            assert!(past.has(host), "{host}");
        }
        for host in
            ["example.com", "example.com.evil.test", "110.1.2.3", "intranet.corp", "a.cb", "licences.corp", "[fe80::1]"]
        {
            assert!(!past.has(host), "{host}");
        }
        // A machine's own are never a proxy's, unless it is said.
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(Past::of("").has(host), "{host}");
            assert!(!Past::of("<-loopback>").has(host), "{host}");
        }
        assert!(Past::of("*").has("anything.at.all") && !Past::of("").has("anything"));
        assert!(fits("a*", "a") && fits("*a", "a") && fits("a*a", "aa") && !fits("a*a", "a") && fits("**", ""));
    }
}
