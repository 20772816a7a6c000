//! Troubles in English.

use super::super::trouble::{Provider, Trouble};
use crate::domain::labels::Locale;
use crate::ports::PortErrorKind;

/// Says what was wrong and what to do.
pub(super) fn of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::UnknownHost { host } => {
            format!(
                "The name {host} was not found. Check `imap_host` for typing errors, and whether this machine can look up names (DNS)."
            )
        }
        Trouble::Refused { host, port } => {
            format!(
                "Nobody listens at {host} on port {port}. Check `imap_host` and `imap_port`: usually 993 with tls, 143 with starttls."
            )
        }
        Trouble::Unreachable { host } => {
            format!(
                "There is no way to {host}. Check this machine's network and whether its firewall lets connections out to the IMAP port."
            )
        }
        Trouble::NoTlsThere { port } => {
            format!(
                "The server does not speak TLS on port {port}. Set `imap_port` to 993, or keep the port and set `imap_security` to starttls."
            )
        }
        Trouble::StartTlsNotOffered { port } => {
            format!(
                "The server offers no STARTTLS on port {port}, and a password is not sent in the clear. Set `imap_security` to tls and `imap_port` to 993."
            )
        }
        Trouble::CertificateWrongName { host } => {
            format!(
                "The server's certificate is not for {host}. Set `imap_host` to the name in the provider's instructions, not to an alias under your own domain."
            )
        }
        Trouble::CaFile { path } => {
            format!(
                "{} could not be read or holds no certificate. Check `ca_file`: it is a PEM file with lines BEGIN CERTIFICATE.",
                path.display()
            )
        }
        Trouble::NotImap { port } => {
            format!(
                "What listens on port {port} is not an IMAP server. Check `imap_port`: usually 993 for IMAP; 995 is POP3, 465 and 587 are for sending."
            )
        }
        Trouble::LoginNotOffered { mechanism } => {
            format!(
                "The server does not offer the login {mechanism}. Use a password instead of a token or the other way round, and `imap_security` tls or starttls."
            )
        }
        Trouble::TokenRefused { status } => {
            let status = status.as_deref().map(|s| format!(" (status {s})")).unwrap_or_default();
            format!(
                "The server did not take the access token{status}. Check that it is fresh, that it is for this `user`, and that it was issued for IMAP."
            )
        }
        Trouble::NoToken(why) => sentence(&why.in_locale(Locale::En)),

        Trouble::NoSuchFolder { name } => {
            format!(
                "There is no folder \"{name}\" in this mailbox. Check its name as the webmail shows it; a subfolder may be written INBOX.Name or INBOX/Name."
            )
        }
        Trouble::CommandRefused { step } => {
            format!(
                "The server refused in this step: {}. It is asked again automatically; if it stays so, ask the provider.",
                step.in_locale(Locale::En)
            )
        }
        Trouble::TimedOut { step } => {
            format!(
                "The server did not answer in time in this step: {}. Check `imap_host`, `imap_port` and `imap_security` and the network; a wrong `imap_security` looks like this too.",
                step.in_locale(Locale::En)
            )
        }
        other => fixed(other).to_owned(),
    }
}

/// Makes a sentence of words that are written as an error is.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// The sentences without data.
fn fixed(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::CertificateNotTrusted => {
            "Nobody whom this machine trusts vouches for the server's certificate. For a server of your own give its authority's certificate as `ca_file`; else make sure that `imap_host` is really the provider's."
        }
        Trouble::CertificateExpired => {
            "The server's certificate has expired. Ask the provider to renew it, and check this machine's clock."
        }
        Trouble::CertificateNotYetValid => {
            "The server's certificate is not valid yet. Check this machine's clock."
        }
        Trouble::TlsFailed => {
            "The server and this machine found no TLS that both speak. The server must know TLS 1.2 or later; ask the provider."
        }
        Trouble::NoTrustedRoots => {
            "This machine trusts no certificates at all. Install its certificate package (ca-certificates)."
        }
        Trouble::LoginRefused => {
            "The server refused user or password. Check both in the webmail; with two-step verification an app password is needed. Until then it is tried only rarely, so that the account is not locked."
        }
        Trouble::BasicLoginOff { provider: Provider::Microsoft } => {
            "Microsoft no longer takes passwords for IMAP. Register an application in Entra ID with access to IMAP and set `token_command` to a program that prints its tokens."
        }
        Trouble::BasicLoginOff { provider: Provider::Google } => {
            "Google does not take the account's own password for IMAP. Switch on 2-step verification and create an app password, or set `token_command` to a program that prints access tokens."
        }
        Trouble::ImapOff => {
            "This account may not use IMAP. Switch IMAP on in the settings of the mailbox, or have its administrator do so."
        }
        Trouble::NotConnected => {
            "Microsoft took the login but opens no mailbox. Check that `user` is the mailbox's address, that IMAP is on for it, and that the application has permission for this mailbox."
        }
        Trouble::Throttled => {
            "The provider limits this account: too many connections at once or too much fetched. Close other mail programs of this mailbox; it is tried again automatically."
        }
        Trouble::Busy => "The server says that it cannot now. It is tried again automatically.",
        Trouble::SentNotFound => {
            "No folder of sent mail was found. Give its name as `sent_folder` as the webmail shows it, or switch it off."
        }
        Trouble::NoStableIds => {
            "This server gives its mails no lasting numbers, so that nobody can tell new ones. Ask the provider for IMAP with UIDVALIDITY, or use another mailbox."
        }
        Trouble::Lost => "The connection to the server ended. It is made again automatically.",
        Trouble::Garbled => {
            "The server's answer makes no sense. It is tried again automatically; if it stays so, check that `imap_port` is for IMAP."
        }
        Trouble::TooMuch => {
            "The server sent far more than it had announced. It is tried again, and of such a mail only the headers are fetched."
        }
        Trouble::NotStored(PortErrorKind::Permanent) => {
            "What arrived cannot be stored here. The mails stay on the server and are fetched again; see the log of the store."
        }
        Trouble::NotStored(_) => {
            "What arrived could not be stored just now. The mails stay on the server and are fetched again."
        }
        // The others have data, and their sentences above; they are listed so that a new one is missed here.
        Trouble::UnknownHost { .. }
        | Trouble::Refused { .. }
        | Trouble::Unreachable { .. }
        | Trouble::NoTlsThere { .. }
        | Trouble::StartTlsNotOffered { .. }
        | Trouble::CertificateWrongName { .. }
        | Trouble::CaFile { .. }
        | Trouble::NotImap { .. }
        | Trouble::LoginNotOffered { .. }
        | Trouble::TokenRefused { .. }
        | Trouble::NoToken(_)
        | Trouble::NoSuchFolder { .. }
        | Trouble::CommandRefused { .. }
        | Trouble::TimedOut { .. } => "",
    }
}
