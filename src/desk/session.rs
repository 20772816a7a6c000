//! The browser of a request: its cookie, where it is, and what it is called in a list of sessions.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::{Desk, DeskSettings, Person};
use crate::adapters::passwords::fresh_secret;
use crate::adapters::store::{Entered, NewSession, StoreError};
use crate::domain::secret::Secret;
use crate::ports::PortError;

/// How long a browser keeps the cookie at the longest, in seconds; the store ends sessions earlier.
const KEEP_SECS: u32 = 7 * 24 * 3600;
/// Longest cookie that is looked at; ours have 64 characters.
const SECRET_LEN: usize = 64;

/// What is known of the browser of a request, besides who sits at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// Whether the request came over TLS, as far as the settings say whom to believe.
    pub(super) secure: bool,
    /// Where it came from; `None` where nobody says who is behind this machine's own proxy.
    pub(super) address: Option<String>,
    /// Browser and system in a word each; empty where they do not say.
    pub(super) device: String,
    /// What the session's cookie holds.
    pub(super) secret: Option<Secret>,
}

impl Visit {
    /// Reads a request.
    pub(super) fn of(settings: &DeskSettings, request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let headers = request.headers();
        let secure = is_secure(settings, headers);
        let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            secure,
            address: address_of(settings, peer.map(|peer| peer.0.ip()), headers),
            device: device_of(agent.unwrap_or_default()),
            secret: secret_of(headers, cookie_name(secure)),
        }
    }

    /// Makes the session that this browser is to have.
    pub(super) fn session(&self, desk: &Desk, entered: Entered) -> Result<NewSession, PortError> {
        Ok(NewSession {
            id: desk.web().clock().session_id(),
            secret: fresh_secret()?,
            csrf: fresh_secret()?,
            entered,
            device: self.device.clone(),
        })
    }

    /// Lets the browser keep a session.
    pub(super) fn keep(&self, response: &mut Response, secret: &str) {
        self.set(response, secret, KEEP_SECS);
    }

    /// Lets the browser forget its session.
    pub(super) fn forget(&self, response: &mut Response) {
        self.set(response, "", 0);
    }

    /// Lax, so that a link in a mail or a chat opens the page it leads to; what changes anything is a form with a token.
    fn set(&self, response: &mut Response, secret: &str, max_age: u32) {
        let name = cookie_name(self.secure);
        // Over TLS the name itself promises that no other host and no plain connection has set it; that name asks for `/`.
        let (path, more) = if self.secure { ("/", "; Secure") } else { ("/desk", "") };
        let cookie = format!(
            "{name}={secret}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax{more}"
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}

/// Finds who sits at the browser.
pub(super) async fn person_of(desk: &Desk, visit: &Visit) -> Result<Option<Person>, StoreError> {
    let Some(secret) = &visit.secret else { return Ok(None) };
    let found = desk.web().store().session(desk.web().clock().now(), secret.expose()).await?;
    Ok(found.map(Person::from))
}

const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-atende_desk" } else { "atende_desk" }
}

fn secret_of(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, secret) = pairs.find(|(key, _)| key.trim() == name)?;
    let secret = secret.trim();
    let fits = secret.len() == SECRET_LEN && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| Secret::new(secret))
}

fn is_secure(settings: &DeskSettings, headers: &HeaderMap) -> bool {
    if settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        return true;
    }
    settings.proxies > 0
        && listed(headers, "x-forwarded-proto").last().is_some_and(|proto| proto == "https")
}

/// The entries of a header that proxies add to, the nearest proxy's last.
fn listed<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let values: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.into_iter().flat_map(|value| value.split(',')).map(str::trim)
}

/// Finds where a request came from. Each proxy of one's own adds who connected to it; what stands before those was
/// written by who knows whom. An address of this machine is that of a proxy that nobody declared: it stands for everybody,
/// so that waits by address would let one guesser keep all others out.
fn address_of(
    settings: &DeskSettings,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Option<String> {
    let forwarded = match settings.proxies {
        0 => None,
        hops => listed(headers, "x-forwarded-for").rev().nth(usize::from(hops) - 1),
    };
    let forwarded = forwarded.and_then(|text| text.parse::<IpAddr>().ok());
    let address = forwarded.or(peer)?.to_canonical();
    (!address.is_loopback()).then(|| match address {
        IpAddr::V4(address) => address.to_string(),
        // A household or an office has a whole /64 to choose from.
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string()
        }
    })
}

const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Names browser and system in a word each, which tells one's own sessions apart and nothing else.
fn device_of(agent: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    let words: Vec<&str> = [known(BROWSERS), known(SYSTEMS)].into_iter().flatten().collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn settings(public_url: Option<&str>, proxies: u8) -> DeskSettings {
        DeskSettings { public_url: public_url.map(str::to_owned), proxies }
    }

    #[test]
    fn a_proxy_is_believed_only_where_the_settings_name_one() {
        let https = headers(&[("x-forwarded-proto", "https")]);
        let plain = headers(&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")]);
        for (url, proxies, headers, expected) in [
            (None, 0, &https, false),
            (None, 1, &https, true),
            (None, 1, &plain, false),
            (Some("http://desk.example"), 0, &https, false),
            (Some("https://desk.example"), 0, &plain, true),
        ] {
            assert_eq!(is_secure(&settings(url, proxies), headers), expected, "{url:?} {proxies}");
        }
    }

    #[test]
    fn an_address_is_the_one_that_the_outermost_proxy_of_ones_own_saw() {
        let peer = "192.0.2.1".parse().ok();
        let local = "127.0.0.1".parse().ok();
        let chain = headers(&[
            ("x-forwarded-for", "203.0.113.9, 198.51.100.7"),
            ("x-forwarded-for", "10.0.0.2"),
        ]);
        for (proxies, peer, headers, expected) in [
            (0, peer, &chain, Some("192.0.2.1")),
            (1, peer, &chain, Some("10.0.0.2")),
            (2, peer, &chain, Some("198.51.100.7")),
            (9, peer, &chain, Some("192.0.2.1")),
            (0, local, &chain, None),
            (2, local, &chain, Some("198.51.100.7")),
            (1, local, &HeaderMap::new(), None),
            (0, None, &chain, None),
            (1, local, &headers(&[("x-forwarded-for", "nonsense")]), None),
            (
                1,
                local,
                &headers(&[("x-forwarded-for", "2001:db8:1:2:3:4:5:6")]),
                Some("2001:db8:1:2::"),
            ),
            (0, "::ffff:192.0.2.4".parse().ok(), &chain, Some("192.0.2.4")),
            (0, "::1".parse().ok(), &chain, None),
        ] {
            let found = address_of(&settings(None, proxies), peer, headers);
            assert_eq!(found.as_deref(), expected, "{proxies} {peer:?}");
        }
    }

    #[test]
    fn only_a_cookie_of_the_right_name_and_shape_is_a_session() {
        let secret = "ab".repeat(32);
        let plain = format!("x=1; atende_desk={secret}; y=2");
        for (line, name, expected) in [
            (plain.as_str(), "atende_desk", true),
            (plain.as_str(), "__Host-atende_desk", false),
            ("atende_desk=short", "atende_desk", false),
            ("atende_desk", "atende_desk", false),
            ("", "atende_desk", false),
            (&format!("atende_desk={}", "zz".repeat(32)), "atende_desk", false),
        ] {
            let found = secret_of(&headers(&[("cookie", line)]), name);
            let found = found.as_ref().map(Secret::expose);
            assert_eq!(found, expected.then_some(secret.as_str()), "{line}");
        }
    }

    #[test]
    fn a_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
        let visit = |secure| Visit { secure, address: None, device: String::new(), secret: None };
        let cookie = |visit: &Visit| {
            let mut response = Response::default();
            visit.keep(&mut response, "s");
            response.headers()[SET_COOKIE].to_str().unwrap().to_owned()
        };
        assert_eq!(
            cookie(&visit(true)),
            "__Host-atende_desk=s; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookie(&visit(false)),
            "atende_desk=s; Path=/desk; Max-Age=604800; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_device_is_a_browser_and_a_system_and_no_more() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            ("curl/8.5", ""),
            ("", ""),
        ] {
            assert_eq!(device_of(agent), expected);
        }
    }
}
