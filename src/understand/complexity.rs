//! How hard a case is: length, questions, technical terms, separate matters and attempts so far.

use super::learned::pool;
use super::reading::Reading;
use super::{TurnView, category};
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::Complexity;
use crate::domain::message::Author;
use crate::domain::signal::{Signal, SignalHit};

/// Score from which a case is moderate.
const MODERATE: f64 = 0.35;
/// Score from which a case is complex.
const COMPLEX: f64 = 0.65;

/// How much counting speaks for its label beside the learned model, as logarithm of odds.
const COUNTED: f64 = 0.7;

/// Returns the complexity of a turn.
pub(super) fn judge(
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Field<Complexity> {
    let counted = by_counting(turn, reading, signals);
    // That there is little to count says little: hard cases are told in plain words too.
    let hard = counted.value != Complexity::Simple;
    let speaks = |label: &str| {
        if hard && label == counted.value.as_str() { COUNTED } else { 0.0 }
    };
    let Some(best) = pool(&reading.learned.complexity, speaks) else { return counted };
    let Some(label) = Complexity::parse(best.label) else { return counted };
    let mean = best.mean(middle);
    let score = match label {
        Complexity::Simple => mean.min(MODERATE - 0.01),
        Complexity::Moderate => mean.clamp(MODERATE, COMPLEX - 0.01),
        Complexity::Complex => mean.max(COMPLEX),
    };
    let sure = Confidence::clamped(best.probability);
    let mut field =
        Field::new(label, sure, Engine::Linear).scored(score).because("learned examples");
    if label == counted.value {
        field.reasons.extend(counted.reasons);
    }
    field
}

/// The score in the middle of a label's range.
fn middle(label: &str) -> f64 {
    match Complexity::parse(label) {
        Some(Complexity::Complex) => 0.85,
        Some(Complexity::Moderate) => 0.5,
        Some(Complexity::Simple) | None => 0.15,
    }
}

fn by_counting(
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Field<Complexity> {
    let tokens = &reading.tokens;
    let terms = tokens.iter().filter(|(_, word)| is_technical(word)).count();
    let attempts = turn.history.iter().filter(|p| p.author == Author::Customer).count();
    let mut score = 0.12;
    score += (count(tokens.len()) / 250.0).min(0.25);
    score += (f64::from(tokens.question_marks().saturating_sub(1)) * 0.06).min(0.18);
    score += (count(terms) * 0.07).min(0.32);
    score += (count(category::claims(reading).saturating_sub(1)) * 0.1).min(0.2);
    score += (count(attempts.saturating_sub(1)) * 0.05).min(0.15);
    for hit in signals {
        score += match hit.signal {
            Signal::Repeated
            | Signal::Outage
            | Signal::DataLoss
            | Signal::Security
            | Signal::LegalThreat
            | Signal::DataProtection
            | Signal::RightsHolder
            | Signal::Fraud => 0.15,
            Signal::BillingDispute | Signal::ConsumerAgency => 0.1,
            Signal::Refund | Signal::Churn => 0.05,
            Signal::ThankYou | Signal::Greeting | Signal::AutoReply | Signal::OptOut => -0.1,
            Signal::SelfHarm | Signal::ChildSafety | Signal::Violence => 0.4,
            Signal::RequestHuman
            | Signal::RequestManager
            | Signal::Injection
            | Signal::Spam
            | Signal::Abuse
            | Signal::PublicPost => 0.0,
        };
    }
    let score = score.clamp(0.0, 1.0);
    let label = if score >= COMPLEX {
        Complexity::Complex
    } else if score >= MODERATE {
        Complexity::Moderate
    } else {
        Complexity::Simple
    };
    // The nearer to a border, the less sure.
    let margin = (score - MODERATE).abs().min((score - COMPLEX).abs());
    let field = Field::new(label, Confidence::clamped(0.55 + margin.min(0.3)), Engine::Rules);
    let field = field.scored(score);
    if terms > 0 { field.because(format!("{terms} technical terms")) } else { field }
}

/// Counts of a text are far below 2^32.
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[expect(clippy::too_many_lines, reason = "a list of words")]
fn is_technical(word: &str) -> bool {
    matches!(
        word,
        "api"
            | "apis"
            | "webhook"
            | "webhooks"
            | "sso"
            | "saml"
            | "oauth"
            | "token"
            | "tokens"
            | "endpoint"
            | "endpoints"
            | "json"
            | "xml"
            | "sql"
            | "csv"
            | "dns"
            | "ssl"
            | "tls"
            | "smtp"
            | "imap"
            | "http"
            | "https"
            | "integracao"
            | "integracoes"
            | "integration"
            | "integrations"
            | "integrar"
            | "sincronizacao"
            | "sincronizar"
            | "sync"
            | "payload"
            | "timeout"
            | "log"
            | "logs"
            | "stack"
            | "trace"
            | "script"
            | "sdk"
            | "erp"
            | "crm"
            | "migracao"
            | "migration"
            | "database"
            | "banco"
            | "servidor"
            | "server"
            | "certificado"
            | "certificate"
            | "subdominio"
            | "subdomain"
            | "dominio"
            | "domain"
            | "cname"
            | "spf"
            | "dkim"
            | "dmarc"
            | "firewall"
            | "proxy"
            | "vpn"
            | "latencia"
            | "latency"
            | "cache"
            | "regex"
            | "query"
            | "header"
            | "headers"
            | "callback"
            | "scim"
            | "ldap"
            | "cors"
            | "mfa"
            | "2fa"
            | "401"
            | "403"
            | "404"
            | "422"
            | "429"
            | "500"
            | "502"
            | "503"
            | "504"
            | "xsd"
            | "nfe"
            | "sefaz"
            | "cnab"
            | "ofx"
            | "ftp"
            | "sftp"
            | "exportacao"
            | "importacao"
            | "parametro"
            | "parametros"
            | "console"
            | "deploy"
            | "homologacao"
            | "sandbox"
            | "producao"
            | "production"
            | "staging"
            | "grafana"
            | "backup"
            | "restore"
            | "permissoes"
            | "permissions"
    )
}
