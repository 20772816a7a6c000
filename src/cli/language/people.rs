//! The Portuguese of the commands about the people of the team.

use super::{Portuguese, arg_pt, command_pt};

const LOGIN: &str = "Com o que a pessoa entra";
const STDIN: &str = "Lê a senha da entrada padrão em vez de criar uma";

pub(super) const PEOPLE: &[Portuguese] = &[
    command_pt("users", "Inclui pessoas na equipe, mostra quem são, deixa entrar ou não", ""),
    command_pt(
        "users add",
        "Cria uma conta e mostra a senha do primeiro acesso, uma única vez",
        "Funções: agent (atende clientes), supervisor (também o painel da equipe, os modos e a parada da IA), content \
         (artigos, modelos de resposta, prompts), admin (tudo, também as contas). As páginas ficam no idioma desta saída. \
         A senha vai para a saída padrão, o resto para a saída de erros.",
    ),
    arg_pt("users add", "login", "LOGIN", "Com o que a pessoa entra: um e-mail ou um nome curto"),
    arg_pt(
        "users add",
        "name",
        "NOME",
        "Como os colegas chamam a pessoa; fica na trilha do que ela faz",
    ),
    arg_pt(
        "users add",
        "role",
        "FUNÇÃO",
        "O que ela faz na equipe: agent, supervisor, content ou admin",
    ),
    arg_pt("users add", "tenant", "EMPRESA", "Para que empresa trabalha (padrão: main)"),
    arg_pt("users add", "password_stdin", "", STDIN),
    command_pt("users list", "Mostra as pessoas de todas as empresas", ""),
    command_pt("users disable", "Impede que alguém entre; as sessões terminam na hora", ""),
    arg_pt("users disable", "login", "LOGIN", LOGIN),
    command_pt("users enable", "Deixa alguém entrar de novo", ""),
    arg_pt("users enable", "login", "LOGIN", LOGIN),
    command_pt(
        "users reset-password",
        "Dá uma senha nova a alguém e a mostra, uma única vez; as sessões terminam",
        "",
    ),
    arg_pt("users reset-password", "login", "LOGIN", LOGIN),
    arg_pt("users reset-password", "password_stdin", "", STDIN),
    command_pt(
        "users link",
        "Mostra um link que deixa alguém entrar uma vez, sem senha, nos próximos 15 minutos",
        "",
    ),
    arg_pt("users link", "login", "LOGIN", LOGIN),
];
