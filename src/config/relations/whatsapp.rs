//! What holds between the settings of numbers on WhatsApp.

use std::collections::BTreeMap;

use super::{Check, Origin};
use crate::channels::whatsapp::client::SettingsError;
use crate::config::WhatsappSettings;
use crate::config::problem::Complaint;
use crate::domain::labels::Locale;

impl Check<'_> {
    /// Looks at the numbers of one business. `taken` holds where each number was named before.
    pub(super) fn whatsapp<'c>(
        &mut self,
        section: &str,
        settings: &'c WhatsappSettings,
        taken: &mut BTreeMap<&'c str, String>,
    ) {
        let path = |key: &str| format!("{section}.{key}");
        let numbers = path("numbers");
        let at = self.origin(&numbers).cloned().unwrap_or(Origin::Default);
        for id in settings.number_ids() {
            let digits = id.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || !(5..=20).contains(&id.len()) {
                let complaint = Complaint::new(
                    (
                        format!("{id:?} não é um phone_number_id"),
                        format!("{id:?} is no phone_number_id"),
                    ),
                    (
                        "copie o \"Identificador do número de telefone\" da página da API na Meta: só dígitos, não é o telefone",
                        "copy the \"Phone number ID\" from the API page at Meta: digits alone, not the telephone number",
                    ),
                );
                self.problems.push(complaint.error(&numbers, at.clone()));
            }
            if let Some(other) = taken.insert(id, numbers.clone()) {
                let complaint = Complaint::new(
                    (
                        format!("o número {id} já está em {other}"),
                        format!("the number {id} is in {other} already"),
                    ),
                    ("cada número pertence a uma empresa só", "a number belongs to one business"),
                );
                self.problems.push(complaint.error(&numbers, at.clone()));
            }
        }
        if let Some(Err(wrong)) = settings.client().map(|client| client.check()) {
            let key = match wrong {
                SettingsError::Version => "version",
                SettingsError::Token => "access_token",
                SettingsError::Address | SettingsError::Unencrypted | SettingsError::Client(_) => {
                    "base_url"
                }
            };
            let key = path(key);
            let (pt, en) = (wrong.told(Locale::PtBr), wrong.told(Locale::En));
            // What to do follows what is wrong after the semicolon.
            let cut = |words: &'static str| words.split_once("; ").unwrap_or((words, words));
            let ((pt, pt_hint), (en, en_hint)) = (cut(pt), cut(en));
            let at = self.origin(&key).cloned().unwrap_or(Origin::Default);
            self.problems.push(Complaint::new((pt, en), (pt_hint, en_hint)).error(&key, at));
        }
        let secret = path("app_secret");
        let file = path("app_secret_file");
        let signed = settings.app_secret.is_some()
            || settings.app_secret_file.is_some()
            || self.problems.iter().any(|problem| problem.path == secret || problem.path == file);
        if settings.numbers.is_some() && !signed {
            let complaint = Complaint::new(
                (
                    "falta a chave secreta do aplicativo, com que a Meta assina as chamadas",
                    "the app's secret, which Meta signs the calls with, is missing",
                ),
                (
                    format!("copie-a de Configurações > Básico do aplicativo na Meta para {file}"),
                    format!("copy it from Settings > Basic of the app at Meta to {file}"),
                ),
            );
            self.problems.push(complaint.error(&numbers, at));
        }
    }
}
