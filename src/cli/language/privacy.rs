//! The Portuguese of the commands about personal data.

use super::{Portuguese, arg_pt, command_pt};

pub(super) const PRIVACY: &[Portuguese] = &[
    command_pt("privacy", "Dados pessoais", ""),
    command_pt(
        "privacy mask",
        "Mascara dados pessoais em linhas de texto, sem guardar nada",
        "Lê linhas de texto e escreve um objeto JSON por linha: {\"text\", \"found\": [{\"kind\", \"start\", \
         \"end\"}]}. \"text\" é a linha com marcadores como [CPF_1]; \"start\" e \"end\" (exclusivo) contam \
         caracteres (valores escalares Unicode) da linha original. Uma linha que não pode ser lida dá \
         {\"error\": {\"line\", \"field\", \"message\"}}; as outras são processadas assim mesmo, e o comando \
         termina com 1.",
    ),
    arg_pt("privacy mask", "file", "ARQUIVO", "Arquivo a ler; \"-\" ou nada lê a entrada padrão"),
    command_pt(
        "privacy export",
        "Escreve em JSON tudo o que está guardado sobre uma pessoa",
        "Cadastro, contatos, conversas, tickets, mensagens, rascunhos, respostas, notas, avisos sobre os tickets e o que \
         ainda espera na caixa de entrada; de outras pessoas, nada. Quem não é cliente é conhecido só pelo contato \
         informado; o que mais aparece nas conversas vem em \"also_seen\". Termina com 1 se nada estiver guardado.",
    ),
    arg_pt(
        "privacy export",
        "contact",
        "CONTATO",
        "Telefone, e-mail ou referência de cliente, ou o id de um cliente ou de uma conversa",
    ),
    arg_pt("privacy export", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "privacy erase",
        "Apaga tudo o que uma pessoa escreveu, recebeu e pelo que é conhecida",
        "Diz quanto é e pergunta, a menos que --yes já responda. Tickets abertos são encerrados, e o que ainda não saiu \
         não sai. Ficam ids, rótulos, horários, decisões e a trilha, que não têm texto de ninguém. Os arquivos são \
         regravados, para que nada reste neles, mesmo com um worker no ar. Quem escrever depois é um contato novo. \
         Termina com 1 se nada estiver guardado ou se um arquivo não pôde ser regravado.",
    ),
    arg_pt(
        "privacy erase",
        "contact",
        "CONTATO",
        "Telefone, e-mail ou referência de cliente, ou o id de um cliente ou de uma conversa",
    ),
    arg_pt("privacy erase", "yes", "", "Não pergunta nada"),
    arg_pt("privacy erase", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
];
