//! Fills secrets from the files that hold them and looks at who may read those files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::channels::{MailboxSettings, WhatsappSettings};
use super::problem::{Complaint, ConfigProblem, Origin};
use super::settings::Config;
use super::value;
use crate::domain::secret::Secret;

/// How a secret is judged once it was read from its file.
type Judge = fn(&str) -> Result<String, Complaint>;

/// Where a secret goes, the file that may hold it, and how it is judged.
type Pair<'s> = (String, &'s mut Option<Secret>, Option<PathBuf>, Judge);

/// Reads every `.._file` into its secret. Both at once, unreadable and empty files are errors.
pub(super) fn resolve(
    config: &mut Config,
    origins: &BTreeMap<String, Origin>,
    problems: &mut Vec<ConfigProblem>,
) {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let store = &mut config.store;
    pairs.push(("store.url".into(), &mut store.url, store.url_file.clone(), value::store_url));
    let main = &mut config.callbacks;
    pairs.push((
        "callbacks.secret".into(),
        &mut main.secret,
        main.secret_file.clone(),
        value::secret,
    ));
    let hooks = &mut config.webhooks;
    let file = hooks.secret_file.clone();
    pairs.push(("webhooks.secret".into(), &mut hooks.secret, file, value::secret));
    let login = &mut config.mail;
    let file = login.password_file.clone();
    pairs.push(("mail.password".into(), &mut login.password, file, value::line));
    let voices = &mut config.transcriber;
    let file = voices.key_file.clone();
    pairs.push(("transcriber.key".into(), &mut voices.key, file, value::line));
    whatsapp(&mut pairs, "whatsapp", &mut config.whatsapp);
    mailbox(&mut pairs, "mailbox", &mut config.mailbox);
    mailbox(&mut pairs, "mailbox2", &mut config.mailbox2);
    mailbox(&mut pairs, "mailbox3", &mut config.mailbox3);
    let models = &mut config.models;
    for (name, rung) in [("primary", &mut models.primary), ("escalation", &mut models.escalation)] {
        let file = rung.key_file.clone();
        pairs.push((format!("models.{name}.key"), &mut rung.key, file, value::line));
    }
    for (name, tenant) in &mut config.tenants {
        if let Some(own) = &mut tenant.whatsapp {
            whatsapp(&mut pairs, &format!("tenants.{name}.whatsapp"), own);
        }
        let mailboxes = [
            ("mailbox", &mut tenant.mailbox),
            ("mailbox2", &mut tenant.mailbox2),
            ("mailbox3", &mut tenant.mailbox3),
        ];
        for (section, own) in mailboxes {
            if let Some(own) = own {
                mailbox(&mut pairs, &format!("tenants.{name}.{section}"), own);
            }
        }
        if let Some(own) = &mut tenant.webhooks {
            let path = format!("tenants.{name}.webhooks.secret");
            pairs.push((path, &mut own.secret, own.secret_file.clone(), value::secret));
        }
        if let Some(own) = &mut tenant.callbacks {
            let path = format!("tenants.{name}.callbacks.secret");
            pairs.push((path, &mut own.secret, own.secret_file.clone(), value::secret));
        }
    }

    for (path, secret, file, judge) in pairs {
        let origin = |path: &str| origins.get(path).cloned().unwrap_or(Origin::Default);
        let file_path = format!("{path}_file");
        match (secret.is_some(), file) {
            (true, Some(_)) => {
                problems.push(both(&path, &file_path).error(&file_path, origin(&file_path)));
            }
            (true, None) => {
                if let Origin::File { file, .. } = origin(&path)
                    && open_to_all(&file)
                {
                    problems.push(readable_by_all(&file).warning(&path, origin(&path)));
                }
            }
            (false, Some(file)) => {
                match read(&file).and_then(|text| judge(&text)) {
                    Ok(text) => *secret = Some(Secret::new(text)),
                    Err(complaint) => {
                        problems.push(complaint.error(&file_path, origin(&file_path)));
                    }
                }
                if open_to_all(&file) {
                    problems.push(readable_by_all(&file).warning(&file_path, origin(&file_path)));
                }
            }
            (false, None) => {}
        }
    }
}

fn mailbox<'s>(pairs: &mut Vec<Pair<'s>>, section: &str, own: &'s mut MailboxSettings) {
    let file = own.password_file.clone();
    pairs.push((format!("{section}.password"), &mut own.password, file, value::line));
}

fn whatsapp<'s>(pairs: &mut Vec<Pair<'s>>, section: &str, own: &'s mut WhatsappSettings) {
    let WhatsappSettings {
        app_secret,
        app_secret_file,
        verify_token,
        verify_token_file,
        access_token,
        access_token_file,
        numbers: _,
        template: _,
        read_receipts: _,
        base_url: _,
        version: _,
        timeout_secs: _,
    } = own;
    pairs.push((format!("{section}.app_secret"), app_secret, app_secret_file.clone(), value::line));
    pairs.push((
        format!("{section}.verify_token"),
        verify_token,
        verify_token_file.clone(),
        value::line,
    ));
    pairs.push((
        format!("{section}.access_token"),
        access_token,
        access_token_file.clone(),
        value::line,
    ));
}

fn read(file: &Path) -> Result<String, Complaint> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Complaint::new(
            (
                format!("não foi possível ler {shown}: {error}"),
                format!("{shown} cannot be read: {error}"),
            ),
            (
                "dê permissão de leitura ao usuário que executa o atende",
                "let the user that runs atende read it",
            ),
        )
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Complaint::new(
            (format!("{shown} está vazio"), format!("{shown} is empty")),
            ("grave o segredo no arquivo", "write the secret to the file"),
        ));
    }
    Ok(text.to_owned())
}

fn both(path: &str, file_path: &str) -> Complaint {
    Complaint::new(
        (
            format!("{path} e {file_path} estão definidas"),
            format!("{path} and {file_path} are both set"),
        ),
        ("deixe só uma das duas", "keep only one of the two"),
    )
}

fn readable_by_all(file: &Path) -> Complaint {
    let shown = file.display();
    Complaint::new(
        (
            format!("qualquer usuário desta máquina pode ler {shown}, que contém um segredo"),
            format!("every user of this machine can read {shown}, which holds a secret"),
        ),
        (format!("execute: chmod 600 {shown}"), format!("run: chmod 600 {shown}")),
    )
}

#[cfg(unix)]
fn open_to_all(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // Groups are left alone: secrets mounted into containers are often shared with one on purpose.
    std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn open_to_all(_file: &Path) -> bool {
    false
}
