//! The keys of `[privacy]`.

use super::{Key, Kind, key};

/// A hundred years.
const DAYS: Kind = Kind::Integer(0, 36_500);

pub(super) const PRIVACY: &[Key] = &[
    key(
        "retention_messages_days",
        DAYS,
        "Dias depois do encerramento de um ticket até se esquecerem as palavras dele: mensagens, respostas, notas, \
         assunto, dados mascarados e, se quem escreveu não é cliente, quem era.",
        "Days after a ticket is closed until its words are forgotten: messages, replies, notes, subject, masked data \
         and, where whoever wrote is no customer, who it was.",
    ),
    key(
        "retention_drafts_days",
        DAYS,
        "Dias depois do encerramento de um ticket até se esquecerem os rascunhos dele.",
        "Days after a ticket is closed until its drafts are forgotten.",
    ),
    key(
        "retention_customers_days",
        DAYS,
        "Dias sem ticket e sem mudança no cadastro até se esquecer um cliente, com tudo o que ele escreveu e recebeu.",
        "Days without a ticket and without a change of the record until a customer is forgotten, with everything that \
         they wrote and were sent.",
    ),
];
