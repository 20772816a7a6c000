//! Fetches and hands over files.
//!
//! A file is fetched from an address that lives for five minutes. The address comes from outside, so where it leads
//! decides whether somebody goes there at all and whether the token goes with them.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Response, Url};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::wire::{self, NoReply, Reply};
use super::{CloudClient, Doubt, Fault, Part, is_local, limits};
use crate::channels::whatsapp::json;
use crate::channels::whatsapp::payload::Media;

/// The host that Meta names for files of WhatsApp. It wants the token.
const FILES_HOST: &str = "lookaside.fbsbx.com";
/// Domains of Meta that serve files from signed addresses. They want no token and get none.
const META_DOMAINS: [&str; 4] = [".fbsbx.com", ".fbcdn.net", ".whatsapp.net", ".facebook.com"];
/// Most characters of a file's name in an upload. Customers see the name that the message gives, not this one.
const UPLOAD_NAME_MAX: usize = 64;

/// What the API says of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaInfo {
    /// What it is asked for by.
    pub id: String,
    /// Type of the content.
    pub mime: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// SHA-256 of the content.
    pub sha256: Option<[u8; 32]>,
    url: Url,
}

impl MediaInfo {
    /// Takes what a message said of its file, so that it can be fetched without asking; `None` where it gave no address.
    pub fn of(media: &Media) -> Option<Self> {
        let url = Url::parse(media.url.as_deref()?).ok()?;
        Some(Self {
            id: media.id.clone()?,
            mime: media.mime.clone(),
            size: None,
            sha256: media.sha256.as_deref().and_then(digest),
            url,
        })
    }

    fn read(id: &str, root: &Value) -> Option<Self> {
        Some(Self {
            id: id.to_owned(),
            mime: json::word(root, "mime_type"),
            size: json::integer(root, "file_size").and_then(|size| u64::try_from(size).ok()),
            sha256: json::word(root, "sha256").as_deref().and_then(digest),
            url: Url::parse(&json::word(root, "url")?).ok()?,
        })
    }
}

/// Shows the host alone: whoever has the whole address and a token has the file.
impl fmt::Debug for MediaInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaInfo")
            .field("id", &self.id)
            .field("mime", &self.mime)
            .field("size", &self.size)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of what came.
    pub sha256: [u8; 32],
    /// True when that is the sum that was announced, false when none was.
    pub checked: bool,
}

/// A file that came and is what was promised, as far as anybody promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of what came.
    pub sha256: [u8; 32],
}

/// How a host is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// It gets the token.
    Token,
    /// It is asked without.
    Bare,
    /// Nobody goes there.
    None,
}

/// Why an attempt to fetch ended.
enum Miss {
    /// The address does not lead there any more, or never did.
    Stale(Fault),
    Final(Fault),
}

impl CloudClient {
    /// Asks for the address and the properties of a file.
    ///
    /// A number that asks for too many files that are not there is kept out for an hour, so a refusal is to be believed.
    pub async fn media_info(&self, id: &str) -> Result<MediaInfo, Fault> {
        limits::id(id, Part::MediaId)?;
        let request = self.http.get(self.address(&[id])).header(AUTHORIZATION, self.bearer.clone());
        let root = self.object(&wire::exchange(request).await?)?;
        MediaInfo::read(id, &root).ok_or(Fault::Unreadable)
    }

    /// Fetches a file of at most so many bytes. What was written is worth nothing unless this succeeds.
    pub async fn download<W>(
        &self,
        info: &MediaInfo,
        max: u64,
        file: &mut W,
    ) -> Result<Downloaded, Fault>
    where
        W: AsyncWrite + Unpin + Send + ?Sized,
    {
        match self.fetch(info, max, file).await {
            Ok(came) => Ok(came),
            Err(Miss::Final(fault)) => Err(fault),
            // The five minutes are over: nothing was written yet, and one fresh address is worth one more question.
            Err(Miss::Stale(_)) => {
                let fresh = Self::merged(self.media_info(&info.id).await?, info);
                match self.fetch(&fresh, max, file).await {
                    Ok(came) => Ok(came),
                    Err(Miss::Stale(fault) | Miss::Final(fault)) => Err(fault),
                }
            }
        }
    }

    /// Asks for a file by its id and fetches it, at most so many bytes, as `download` does. It must also have the sum that
    /// its message promised.
    pub async fn fetch_media<W>(
        &self,
        id: &str,
        promised: Option<&str>,
        max: u64,
        file: &mut W,
    ) -> Result<Fetched, Fault>
    where
        W: AsyncWrite + Unpin + Send + ?Sized,
    {
        let info = self.media_info(id).await?;
        let Downloaded { size, sha256, .. } = self.download(&info, max, file).await?;
        // A promise that nobody can read is none.
        let promised = promised.and_then(digest);
        if promised.is_some_and(|promised| promised != sha256) {
            return Err(Fault::Damaged);
        }
        Ok(Fetched { size, sha256 })
    }

    /// Hands a file over, from a number, to be sent by the id that comes back.
    pub async fn upload(
        &self,
        number: &str,
        content: &[u8],
        mime: &str,
        file_name: &str,
    ) -> Result<String, Fault> {
        limits::id(number, Part::Number)?;
        limits::file(mime, u64::try_from(content.len()).unwrap_or(u64::MAX))?;
        let (form_type, form) = form(content, mime, file_name);
        let request = self
            .http
            .post(self.address(&[number, "media"]))
            .timeout(self.settings.transfer_timeout)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(CONTENT_TYPE, form_type)
            .body(form);
        let root = self.object(&wire::exchange(request).await?)?;
        json::word(&root, "id").ok_or(Fault::Unreadable)
    }

    /// Reads the object of an answer that says success.
    pub(super) fn object(&self, reply: &Reply) -> Result<Value, Fault> {
        self.success(reply)?;
        if !reply.whole {
            return Err(Fault::Lost(Doubt::CutOff));
        }
        json::parse(&reply.body).ok().filter(Value::is_object).ok_or(Fault::Unreadable)
    }

    /// A fresh address with whatever was announced before.
    fn merged(fresh: MediaInfo, known: &MediaInfo) -> MediaInfo {
        MediaInfo {
            size: fresh.size.or(known.size),
            sha256: fresh.sha256.or(known.sha256),
            ..fresh
        }
    }

    async fn fetch<W>(&self, info: &MediaInfo, max: u64, file: &mut W) -> Result<Downloaded, Miss>
    where
        W: AsyncWrite + Unpin + Send + ?Sized,
    {
        if info.size.is_some_and(|size| size > max) {
            return Err(Miss::Final(Fault::TooLarge { max }));
        }
        let mut request = self.http.get(info.url.clone()).timeout(self.settings.transfer_timeout);
        match trust(&info.url, &self.base) {
            Trust::Token => request = request.header(AUTHORIZATION, self.bearer.clone()),
            Trust::Bare => {}
            Trust::None => {
                let host = info.url.host_str().unwrap_or_default().to_owned();
                return Err(Miss::Final(Fault::ForeignHost(host)));
            }
        }
        let lost = |none: NoReply| Miss::Final(none.into());
        let quiet = self.settings.timeout;
        let response = timeout(quiet, request.send())
            .await
            .map_err(|_| lost(NoReply::Lost(Doubt::Late)))?
            .map_err(|error| lost(wire::classify(&error)))?;
        match response.status().as_u16() {
            200 => {}
            status => return Err(self.missed(status, response, quiet).await),
        }
        if response.content_length().is_some_and(|length| length > max) {
            return Err(Miss::Final(Fault::TooLarge { max }));
        }
        let came = copied(response, max, quiet, file).await.map_err(Miss::Final)?;
        let differs = info.size.is_some_and(|size| size != came.size)
            || info.sha256.is_some_and(|sum| sum != came.sha256);
        if differs {
            return Err(Miss::Final(Fault::Damaged));
        }
        Ok(Downloaded { checked: info.sha256.is_some(), ..came })
    }

    /// Reads the answer that came in place of a file.
    async fn missed(&self, status: u16, response: Response, quiet: Duration) -> Miss {
        let Ok(reply) = timeout(quiet, wire::read(response)).await else {
            return Miss::Final(Fault::Lost(Doubt::Late));
        };
        let fault = self.success(&reply).err().unwrap_or(Fault::Unreadable);
        match status {
            401 | 404 | 410 => Miss::Stale(fault),
            _ => Miss::Final(fault),
        }
    }
}

/// Writes a body on as it comes, and counts and sums it up.
async fn copied<W>(
    mut response: Response,
    max: u64,
    quiet: Duration,
    file: &mut W,
) -> Result<Downloaded, Fault>
where
    W: AsyncWrite + Unpin + Send + ?Sized,
{
    let mut sum = Sha256::new();
    let mut size: u64 = 0;
    loop {
        let chunk = match timeout(quiet, response.chunk()).await {
            Err(_) => return Err(Fault::Lost(Doubt::Late)),
            Ok(Err(error)) if error.is_timeout() => return Err(Fault::Lost(Doubt::Late)),
            Ok(Err(_)) => return Err(Fault::Lost(Doubt::CutOff)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if size > max {
            return Err(Fault::TooLarge { max });
        }
        sum.update(&chunk);
        file.write_all(&chunk).await.map_err(Fault::Local)?;
    }
    file.flush().await.map_err(Fault::Local)?;
    Ok(Downloaded { size, sha256: sum.finalize().into(), checked: false })
}

/// Tells how the host of an address is treated.
fn trust(url: &Url, base: &Url) -> Trust {
    if is_local(base) && is_local(url) {
        return Trust::Token;
    }
    let plain = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.host_str().filter(|_| plain) {
        Some(FILES_HOST) => Trust::Token,
        // The API itself serves some files.
        Some(host) if base.host_str() == Some(host) && base.port().is_none() => Trust::Token,
        Some(host) if META_DOMAINS.iter().any(|domain| host.ends_with(domain)) => Trust::Bare,
        _ => Trust::None,
    }
}

/// Reads a SHA-256 sum: in hexadecimal from the API, in base64 from a message.
fn digest(written: &str) -> Option<[u8; 32]> {
    let written = written.trim();
    let bytes = hex::decode(written).ok().or_else(|| {
        let usual = written.trim_end_matches('=').replace('-', "+").replace('_', "/");
        STANDARD_NO_PAD.decode(usual).ok()
    });
    bytes?.try_into().ok()
}

/// Writes the form of an upload: its type and its bytes.
fn form(content: &[u8], mime: &str, file_name: &str) -> (String, Vec<u8>) {
    // No content can hold what is made from the sum of all of it.
    let boundary = format!("atende-{}", hex::encode(Sha256::digest(content)));
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let plain = |letter: char| if is_plain(letter) { letter } else { '_' };
    // From the back, where the ending is.
    let skipped = file_name.chars().count().saturating_sub(UPLOAD_NAME_MAX);
    let name: String = file_name.chars().skip(skipped).map(plain).collect();
    let name = if name.is_empty() { "file" } else { &name };
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n{mime}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {mime}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = Vec::with_capacity(head.len() + content.len() + tail.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(tail.as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_api_and_to_its_host_of_files_alone() {
        let graph = Url::parse("https://graph.facebook.com").unwrap();
        let here = Url::parse("http://127.0.0.1:4000/api").unwrap();
        for (url, of_graph, of_here) in [
            (
                "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
                Trust::Token,
                Trust::Token,
            ),
            ("https://LOOKASIDE.fbsbx.com/x", Trust::Token, Trust::Token),
            ("https://graph.facebook.com/v25.0/1", Trust::Token, Trust::Bare),
            ("https://scontent.xx.fbcdn.net/x?oh=1", Trust::Bare, Trust::Bare),
            ("https://mmg.whatsapp.net/x", Trust::Bare, Trust::Bare),
            ("https://apps-1.apps.fbsbx.com/x", Trust::Bare, Trust::Bare),
            ("http://lookaside.fbsbx.com/x", Trust::None, Trust::None),
            ("https://lookaside.fbsbx.com:8443/x", Trust::None, Trust::None),
            ("https://user@lookaside.fbsbx.com/x", Trust::None, Trust::None),
            ("https://:word@lookaside.fbsbx.com/x", Trust::None, Trust::None),
            ("https://lookaside.fbsbx.com.evil.example/x", Trust::None, Trust::None),
            ("https://evil.example/lookaside.fbsbx.com", Trust::None, Trust::None),
            ("https://evilfbcdn.net/x", Trust::None, Trust::None),
            ("https://fbcdn.net/x", Trust::None, Trust::None),
            ("https://157.240.1.1/x", Trust::None, Trust::None),
            ("https://169.254.169.254/latest", Trust::None, Trust::None),
            ("ftp://lookaside.fbsbx.com/x", Trust::None, Trust::None),
            ("data:text/plain,x", Trust::None, Trust::None),
            ("http://127.0.0.1:5000/x", Trust::None, Trust::Token),
            ("http://[::1]:5000/x", Trust::None, Trust::Token),
            ("http://localhost/x", Trust::None, Trust::Token),
            ("http://localhost.evil.example/x", Trust::None, Trust::None),
            ("http://127.0.0.1.evil.example/x", Trust::None, Trust::None),
            ("http://10.0.0.1/x", Trust::None, Trust::None),
        ] {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(
                (trust(&parsed, &graph), trust(&parsed, &here)),
                (of_graph, of_here),
                "{url}"
            );
        }
    }

    #[test]
    fn sums_are_read_as_the_api_and_as_messages_write_them() {
        let sum: [u8; 32] = Sha256::digest(b"abc").into();
        for (written, expected) in [
            ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Some(sum)),
            ("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", Some(sum)),
            ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", Some(sum)),
            ("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", Some(sum)),
            ("ba7816bf", None),
            ("not a sum", None),
            ("", None),
        ] {
            assert_eq!(digest(written), expected, "{written}");
        }
    }

    #[test]
    fn a_form_keeps_the_content_and_lets_no_name_out_of_its_line() {
        let (kind, body) =
            form(b"\r\n--x--\r\n\xff", "application/pdf", "nota \"fiscal\"\r\nX: ç.pdf");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("filename=\"nota__fiscal___X___.pdf\"\r\n"), "{text}");
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 5, "{text}");
        assert_eq!(parts[4], "--\r\n");
        assert!(body.windows(10).any(|bytes| bytes == b"\r\n--x--\r\n\xff"));
        let (_, unnamed) = form(b"x", "text/plain", "");
        assert!(String::from_utf8_lossy(&unnamed).contains("filename=\"file\""));
        let (_, long) = form(b"x", "text/plain", &format!("{}.pdf", "a".repeat(200)));
        assert!(
            String::from_utf8_lossy(&long)
                .contains(&format!("filename=\"{}.pdf\"", "a".repeat(60)))
        );
    }
}
