//! The Portuguese of the commands about what people corrected.

use super::{Portuguese, arg_pt, command_pt};

pub(super) const LABELS: &[Portuguese] = &[
    command_pt("labels", "O que as pessoas corrigiram, para medir e treinar", ""),
    command_pt(
        "labels export",
        "Escreve em JSON Lines o que as pessoas decidiram sobre rascunhos, campos e trechos",
        "Uma linha por registro: rascunhos aprovados, editados ou rejeitados, campos corrigidos, trechos que ajudaram ou \
         não. Os dados pessoais saem mascarados; --plain os deixa no texto. Ninguém é citado pelo nome: \"by\" é o id de \
         uma conta. O que foi apagado não aparece mais.",
    ),
    arg_pt("labels export", "since", "DATA", "Só o que aconteceu desde este dia, UTC (2026-11-01)"),
    arg_pt(
        "labels export",
        "out",
        "ARQUIVO",
        "Arquivo a criar, que ainda não pode existir (padrão: saída padrão)",
    ),
    arg_pt("labels export", "plain", "", "Deixa os dados pessoais nos textos"),
    arg_pt("labels export", "tenant", "EMPRESA", "De que empresa (padrão: main)"),
];
