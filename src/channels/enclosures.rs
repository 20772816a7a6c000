//! Which files each way out takes with a message.

use super::whatsapp::client;
use crate::domain::channel::Channel;
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// Most files of one message.
pub const FILES_MAX: usize = 10;
/// Most bytes that the files of one mail have together: written as letters they stay below the 25 MB that most servers
/// take.
pub const MAIL_BYTES_MAX: u64 = 18_000_000;

/// A file that a message is to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The type that its first bytes show.
    pub mime: &'a str,
    /// Its size in bytes.
    pub size: u64,
}

/// Returns the first file that a channel does not take, by its place, and why; `None` where it takes all of them.
///
/// Receivers of callbacks fetch the files themselves, so that only they know what their network takes.
pub fn refused(channel: Channel, files: &[File<'_>]) -> Option<(usize, LocalText)> {
    if files.len() > FILES_MAX {
        let why = LocalText::new(
            format!("uma mensagem leva no máximo {FILES_MAX} arquivos"),
            format!("a message carries at most {FILES_MAX} files"),
        );
        return Some((FILES_MAX, why));
    }
    match channel {
        Channel::Whatsapp => files.iter().enumerate().find_map(|(at, file)| {
            let misfit = client::shown(file.mime, file.size).err()?;
            Some((at, LocalText::new(misfit.told(Locale::PtBr), misfit.told(Locale::En))))
        }),
        Channel::Email => {
            let mut together: u64 = 0;
            let at = files.iter().position(|file| {
                together = together.saturating_add(file.size);
                together > MAIL_BYTES_MAX
            })?;
            let most = MAIL_BYTES_MAX / 1_000_000;
            let why = LocalText::new(
                format!(
                    "os arquivos de um e-mail somam no máximo {most} MB; envie um link ou divida-os"
                ),
                format!(
                    "the files of a mail have at most {most} MB together; send a link, or split them"
                ),
            );
            Some((at, why))
        }
        Channel::WebForm | Channel::Chat | Channel::Phone | Channel::Api => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    #[test]
    fn each_way_out_takes_what_its_network_takes() {
        let (pdf, png, xml) = ("application/pdf", "image/png", "application/xml");
        for (channel, files, expected) in [
            (Channel::Whatsapp, vec![(pdf, 20 * MB), (png, MB)], None),
            (Channel::Whatsapp, vec![(pdf, MB), (png, 6 * MB)], Some(1)),
            (Channel::Whatsapp, vec![(xml, MB)], Some(0)),
            (Channel::Whatsapp, vec![("image/gif", MB)], Some(0)),
            (Channel::Email, vec![(xml, 10 * MB), (png, 8 * MB)], None),
            (Channel::Email, vec![(xml, 10 * MB), (png, 8 * MB), (png, 1)], Some(2)),
            (Channel::Chat, vec![("image/gif", 90 * MB)], None),
            (Channel::Chat, vec![(png, 1); 11], Some(10)),
            (Channel::Whatsapp, vec![], None),
        ] {
            let files: Vec<File<'_>> =
                files.into_iter().map(|(mime, size)| File { mime, size }).collect();
            let at = refused(channel, &files).map(|(at, _)| at);
            assert_eq!(at, expected, "{channel} {files:?}");
        }
    }
}
