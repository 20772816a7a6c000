//! The language of the command line: which one, and the Portuguese of helps and usage errors.
//!
//! English stands beside the arguments themselves; Portuguese stands in one table here. A test holds
//! that both say something about exactly the same commands and arguments.

mod labels;
mod models;
mod people;
mod privacy;
mod service;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _};

pub(super) use models::DAYS;

use super::{Cli, ExitCode};
use crate::config::Words;
use crate::domain::labels::Locale;

/// What arguments say about values that they do not take.
const WANTED: &[Words] = &[DAYS];

/// The Portuguese of one command or argument.
struct Portuguese {
    /// The commands that lead to it; empty for `atende` itself.
    command: &'static str,
    /// The argument; empty for the command.
    arg: &'static str,
    /// The name of the argument's value; empty where it takes none.
    value: &'static str,
    /// What it does.
    about: &'static str,
    /// More than that, for `--help`; empty where `about` is enough.
    long: &'static str,
}

const fn command_pt(command: &'static str, about: &'static str, long: &'static str) -> Portuguese {
    Portuguese { command, arg: "", value: "", about, long }
}

const fn arg_pt(
    command: &'static str,
    arg: &'static str,
    value: &'static str,
    about: &'static str,
) -> Portuguese {
    Portuguese { command, arg, value, about, long: "" }
}

const PORTUGUESE: &[Portuguese] = &[
    command_pt("", "Triagem e respostas para o atendimento ao cliente", ""),
    arg_pt("", "data", "PASTA", "Pasta de tudo o que fica guardado (padrão: data)"),
    arg_pt(
        "",
        "config",
        "ARQUIVO",
        "Arquivo de configuração (padrão: atende.toml na pasta de dados ou aqui)",
    ),
    arg_pt("", "lang", "IDIOMA", "Idioma da saída: pt-BR ou en (padrão: o do sistema)"),
    arg_pt(
        "",
        "record",
        "PASTA",
        "Pasta em que gravar as respostas dos modelos de linguagem, sem dados pessoais",
    ),
    arg_pt(
        "",
        "replay",
        "PASTA",
        "Pasta de onde vêm as respostas dos modelos de linguagem; uma pergunta sem gravação falha",
    ),
    command_pt(
        "demo",
        "Passa um dia de mensagens pelo sistema e mostra o que acontece com cada uma",
        "Leva rajadas de WhatsApp, e-mails, formulários, chats e ligações de uma empresa fictícia pela caixa \
         de entrada, pelo worker e pelas etapas de verdade, em tempo gravado, e escreve uma linha por turno. \
         Tudo fica guardado na pasta de dados, no negócio \"demo\"; rodar de novo não duplica nada. Termina \
         sozinho.",
    ),
    arg_pt("demo", "json", "", "Escreve JSON Lines em vez da tabela"),
    arg_pt(
        "demo",
        "serve",
        "",
        "Passa o dia até agora, num negócio só dele, e deixa as páginas e a API no ar no fim, com um link para entrar e um token",
    ),
    command_pt(
        "serve",
        "Põe no ar o worker, as páginas da equipe e a API HTTP até alguém parar",
        "Escuta em 127.0.0.1, a menos que a configuração diga outra coisa. As pessoas entram em /desk: crie contas \
         com \"atende users add\". Toda chamada da API precisa de um token: crie um com \"atende tokens add\". O primeiro Ctrl+C ou SIGTERM termina o que está em andamento, o \
         segundo para na hora; nada do que foi aceito se perde em nenhum dos casos.",
    ),
    arg_pt(
        "serve",
        "bind",
        "ENDEREÇO",
        "Endereço em que escutar, por exemplo 127.0.0.1:8080 (padrão: o da configuração)",
    ),
    command_pt(
        "triage",
        "Decide as mensagens de um arquivo, um objeto JSON por linha, sem guardar nada",
        "Cada linha é um turno: {\"id\", \"channel\", \"text\"} e, se houver, \"subject\", \"from\", \
         \"customer\" e \"history\". Escreve um objeto JSON por linha, na mesma ordem. Uma linha que não pode \
         ser lida dá {\"error\": {\"line\", \"field\", \"message\"}}; as outras são decididas assim mesmo, e o \
         comando termina com 1.",
    ),
    arg_pt("triage", "file", "ARQUIVO", "Arquivo a ler; \"-\" ou nada lê a entrada padrão"),
    arg_pt(
        "triage",
        "policy",
        "POLÍTICA",
        "Pacote ou arquivo de política que decide (padrão: o da configuração)",
    ),
    arg_pt("triage", "schema", "", "Mostra o JSON Schema de uma linha de saída e termina"),
    command_pt("classifier", "O classificador embutido", ""),
    command_pt(
        "classifier train",
        "Treina um classificador com textos rotulados e grava em um arquivo",
        "Os textos são JSON Lines com \"text\" e \"label\", ou CSV com essas duas colunas. Os mesmos textos \
         dão o mesmo modelo.",
    ),
    arg_pt("classifier train", "train", "ARQUIVO", "Textos rotulados com que aprender"),
    arg_pt(
        "classifier train",
        "out_of_scope",
        "ARQUIVO",
        "Textos sem rótulo, para estranhar melhor; os rótulos deles não contam",
    ),
    arg_pt("classifier train", "out", "ARQUIVO", "Onde gravar o modelo"),
    command_pt(
        "classifier evaluate",
        "Mede um classificador em textos rotulados que ele não viu",
        "Mostra acurácia, macro-F1, as piores confusões, o erro de calibração (15 faixas iguais), a área \
         risco-cobertura, o tempo de treino e a velocidade em uma thread; com textos sem rótulo, também o \
         quanto eles se distinguem. Os textos são JSON Lines com \"text\" e \"label\", ou CSV com essas \
         colunas.",
    ),
    arg_pt("classifier evaluate", "train", "ARQUIVO", "Textos rotulados com que aprender"),
    arg_pt("classifier evaluate", "model", "ARQUIVO", "Um modelo gravado por \"classifier train\""),
    arg_pt("classifier evaluate", "test", "ARQUIVO", "Textos rotulados em que medir"),
    arg_pt(
        "classifier evaluate",
        "out_of_scope",
        "ARQUIVO",
        "Textos sem rótulo que devem ser estranhados",
    ),
    arg_pt("classifier evaluate", "json", "", "Escreve um objeto JSON"),
    command_pt(
        "verify",
        "Confere rascunhos de resposta contra as passagens em que se apoiam",
        "Cada linha é um rascunho: {\"draft\", \"passages\": [{\"text\"}]} e, se houver, \"id\", \"locale\" (pt-BR ou \
         en; sem ele, o idioma do ticket ou das passagens), \"ticket\": {\"text\", \"customer\"} e \"approved\", frases \
         que podem ser ditas como estão. Escreve um objeto JSON por linha, na mesma ordem: {\"id\", \"ok\", \
         \"findings\", \"ledger\"}. Preços, datas, prazos, percentuais, códigos, links, nomes, negações e promessas \
         são procurados nas passagens e no ticket. Uma linha que não pode ser lida dá {\"error\": {\"line\", \
         \"field\", \"message\"}}; as outras são conferidas assim mesmo, e o comando termina com 1.",
    ),
    arg_pt("verify", "file", "ARQUIVO", "Arquivo a ler; \"-\" ou nada lê a entrada padrão"),
    arg_pt("verify", "draft", "RASCUNHO", "Confere um só rascunho: o texto deste arquivo"),
    arg_pt("verify", "passages", "PASSAGEM", "Textos em que esse rascunho se apoia"),
    arg_pt("verify", "ticket", "TICKET", "O que o cliente escreveu, para esse rascunho"),
    arg_pt("verify", "locale", "IDIOMA", "Idioma em que o cliente deve ler, onde a linha não diz"),
    arg_pt("verify", "text", "", "Escreve texto para pessoas em vez de JSON"),
    arg_pt("verify", "schema", "", "Mostra o JSON Schema de uma linha de saída e termina"),
    command_pt(
        "inspect",
        "Mostra o que dizem mensagens cruas do WhatsApp e e-mails, um objeto JSON por linha",
        "Lê corpos de webhook como foram enviados, ou e-mails como estão no servidor (.eml, um por arquivo), de um arquivo, \
         de todos os arquivos de uma pasta e das que estão nela, ou da entrada padrão, e não guarda nada. Cada linha traz \
         \"kind\" (message, status, ignored ou error), \"type\", \"from\", \"text\" (de um e-mail: sem citações nem \
         assinatura), \"attachments\", ids, horários e se cabe resposta ou por que não; as de uma pasta começam por \
         \"file\". O que não dá para entender vira uma linha de kind error, e o comando termina com 1.",
    ),
    arg_pt("inspect", "network", "REDE", "A rede: whatsapp ou email"),
    arg_pt("inspect", "input", "ARQUIVO", "Arquivo ou pasta a ler; \"-\" lê a entrada padrão"),
    command_pt("policy", "Confere políticas", ""),
    command_pt(
        "policy check",
        "Confere arquivos de política e diz tudo o que está errado, linha por linha",
        "Sem arquivo, confere os pacotes que vêm com o programa. Um arquivo pode estender um deles. Termina \
         com 1 se houver problemas.",
    ),
    arg_pt("policy check", "files", "ARQUIVO", "Arquivos de política a conferir"),
    command_pt("knowledge", "Indexa, busca e confere artigos", ""),
    command_pt(
        "knowledge index",
        "Indexa artigos e diz quão bem são encontrados",
        "Sem --dir e --jsonl, indexa os artigos da configuração, ou os de exemplo. O que já está indexado não é \
         indexado de novo. As perguntas de exemplo de cada idioma são buscadas sem o próprio lugar no artigo: o \
         relatório diz quantas vezes o artigo delas está entre os cinco melhores, por critério e com todos juntos, \
         quantas vezes ele responde acima do piso de relevância e quantas vezes outra coisa responderia se ele não \
         existisse. Um worker no ar não é perturbado.",
    ),
    arg_pt(
        "knowledge index",
        "dir",
        "PASTA",
        "Pasta de arquivos Markdown, com ou sem cabeçalho YAML",
    ),
    arg_pt(
        "knowledge index",
        "jsonl",
        "ARQUIVO",
        "Arquivo com um objeto JSON por linha: {\"id\", \"title\", \"text\", \"locale\"}",
    ),
    command_pt(
        "knowledge search",
        "Põe em ordem os trechos que combinam com um texto",
        "Busca no que \"index\" indexou por último a pedido, senão nos artigos da configuração, ou nos de exemplo. \
         Ordena e nunca esconde: o que não é resposta também aparece, com \"above_floor\": false. Com --queries, \
         responde a um arquivo em um só processo, um objeto por linha: {\"id\", \"text\"} e, quando se sabe, \
         \"relevant\", os ids dos artigos que respondem, e \"locale\". Com ids relevantes, termina com recall@1, \
         recall@5, recall@10, MRR@10 e nDCG@10.",
    ),
    arg_pt("knowledge search", "text", "TEXTO", "As palavras de um cliente"),
    arg_pt("knowledge search", "queries", "ARQUIVO", "Arquivo de textos, um objeto JSON por linha"),
    arg_pt(
        "knowledge search",
        "locale",
        "IDIOMA",
        "Idioma cujos artigos vêm primeiro: pt-BR ou en (padrão: o do texto)",
    ),
    arg_pt(
        "knowledge search",
        "limit",
        "NÚMERO",
        "Quantos trechos mostrar, no máximo (padrão: 10)",
    ),
    arg_pt("knowledge search", "json", "", "Escreve JSON"),
    command_pt(
        "knowledge lint",
        "Confere como os artigos estão escritos",
        "Erros, que terminam com 1: um arquivo que não pode ser lido, um título que não é pergunta nem ação, um \
         primeiro parágrafo que não responde, nenhuma data, um link para nada, o mesmo título duas vezes. Avisos: \
         nenhum passo numerado, nenhum caso especial, nenhum link, leitura difícil, 12 meses sem atualização, um \
         texto repetido, dois artigos com valores ou prazos diferentes para a mesma coisa, falta de tradução. Cada \
         um diz o arquivo, a linha e o que fazer.",
    ),
    arg_pt(
        "knowledge lint",
        "dir",
        "PASTA",
        "Pasta de arquivos Markdown (padrão: os artigos da configuração, ou os de exemplo)",
    ),
    command_pt("sla", "Mostra os prazos", ""),
    command_pt(
        "sla show",
        "Explica cada prazo de um ticket",
        "Mostra desde quando cada relógio corre, quando vence e que linha da política deu o prazo: entre todas as que \
         a política tem para a prioridade, o plano, o assunto, o canal e o nível do ticket, vale a mais apertada. \
         Os horários são os da empresa.",
    ),
    arg_pt("sla show", "ticket", "TICKET", "O número ou o id do ticket"),
    arg_pt("sla show", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    arg_pt("sla show", "json", "", "Escreve JSON"),
    command_pt("tokens", "Cria, lista ou revoga os tokens da API", ""),
    command_pt(
        "tokens add",
        "Cria um token e o mostra, uma única vez",
        "Escopos: ingest (envia mensagens e tickets), read (tickets, filas, saída), agent (revisa rascunhos e \
         age nos tickets), customers (grava clientes), admin (declara incidentes). O token vai para a saída \
         padrão; o resto, para a saída de erros.",
    ),
    arg_pt("tokens add", "name", "NOME", "Como se chama: o sistema ou a pessoa que o usa"),
    arg_pt("tokens add", "scopes", "ESCOPOS", "O que permite, separado por vírgulas"),
    arg_pt("tokens add", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("tokens list", "Lista os tokens, também os revogados", ""),
    command_pt("tokens revoke", "Revoga um token; um servidor no ar o recusa em segundos", ""),
    arg_pt("tokens revoke", "token", "NOME", "O nome ou o id dele"),
    arg_pt("tokens revoke", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("customers", "Traz clientes", ""),
    command_pt(
        "customers import",
        "Cria ou substitui clientes a partir de um arquivo CSV",
        "A primeira linha nomeia as colunas, em português ou inglês: referência (a única obrigatória), nome, \
         e-mail, telefone, plano, receita anual, moeda, cliente desde, consentimento_FINALIDADE; qualquer outra \
         coluna vira um campo com o nome dela. Separadas por ponto e vírgula ou vírgula, em UTF-8 ou Windows-1252, \
         com datas como 31/12/2024 ou 2024-12-31. Um cliente que já existe é substituído. Termina com 1 se \
         alguma linha for recusada; as outras são importadas.",
    ),
    arg_pt("customers import", "file", "ARQUIVO", "Arquivo a ler"),
    arg_pt(
        "customers import",
        "tenant",
        "EMPRESA",
        "De que empresa são os clientes (padrão: main)",
    ),
    command_pt("store", "Copia ou confere o que está guardado", ""),
    command_pt(
        "store backup",
        "Copia a base e a caixa de entrada para uma pasta nova, mesmo com um worker no ar",
        "Escreve store.db e inbox.db, cada um um banco consistente. Para voltar à cópia, pare o worker e \
         ponha os dois arquivos na pasta de dados.",
    ),
    arg_pt("store backup", "dir", "PASTA", "Pasta de destino; ainda não pode ter uma cópia"),
    command_pt("store check", "Confere os bancos e as promessas que eles guardam", ""),
    command_pt(
        "init",
        "Cria a pasta da empresa: configuração, política, modelos e artigos",
        "Cria a pasta da empresa com atende.toml, policy.yaml, os modelos de resposta e uma árvore vazia \
         de artigos. Pergunta nome, idioma e horário de atendimento; com --yes, usa os valores padrão. \
         Nunca sobrescreve um arquivo que já existe.",
    ),
    arg_pt("init", "dir", "PASTA", "Pasta a criar ou completar"),
    arg_pt("init", "yes", "", "Não pergunta nada: usa as opções dadas e os valores padrão"),
    arg_pt("init", "name", "NOME", "Nome da empresa, como os clientes a conhecem"),
    arg_pt("init", "language", "IDIOMA", "Idioma da empresa: pt-BR ou en (padrão: o da saída)"),
    arg_pt(
        "init",
        "hours",
        "HORÁRIO",
        "Horário de atendimento, por exemplo \"seg-sex 08:00-18:00; sáb 09:00-13:00\"",
    ),
    command_pt("config", "Examina a configuração", ""),
    command_pt(
        "config check",
        "Mostra a configuração em vigor, sem os segredos, e todos os problemas",
        "Escreve a configuração em TOML na saída padrão, dizendo de onde vem cada valor que não é o \
         padrão, e todos os problemas na saída de erros, com arquivo, linha, chave e o que fazer. Termina \
         com 1 se houver erros.",
    ),
];

/// Chooses the language: `--lang`, else the locale of the environment, else English.
pub(super) fn choose(args: &[OsString], env: &BTreeMap<String, String>) -> Locale {
    let mut words = args.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let asked = match word.split_once('=') {
            Some(("--lang", value)) => Some(value),
            None if word == "--lang" => words.next(),
            _ => None,
        };
        if let Some(asked) = asked {
            return locale(asked);
        }
    }
    // POSIX: the first of these that is set and not empty decides.
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| env.get(*name));
    set.map(String::as_str).find(|value| !value.is_empty()).map_or(Locale::En, locale)
}

/// Reads `pt-BR`, `pt_BR.UTF-8`, `pt` and the like as Portuguese, all else as English.
pub(super) fn locale(text: &str) -> Locale {
    let language = text.split(['-', '_', '.', '@']).next().unwrap_or_default();
    if language.eq_ignore_ascii_case("pt") { Locale::PtBr } else { Locale::En }
}

/// Returns the command line with its helps in the language.
pub(super) fn command(lang: Locale) -> Command {
    let mut root = Cli::command();
    if lang == Locale::En {
        return root;
    }
    // Building spreads global arguments and names over the subcommands, so that all can be translated.
    root.build();
    translate(root, "")
}

fn translate(mut command: Command, path: &str) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let usage = usage.replace("[OPTIONS]", "[OPÇÕES]").replace("<COMMAND>", "<COMANDO>");
    if let Some(words) = find(path, "") {
        command = command.about(words.about);
        if !words.long.is_empty() {
            command = command.long_about(words.long);
        }
    }
    let ids: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    let mut usage = usage;
    for id in ids {
        command = command.mut_arg(&id, |arg| {
            let heading = if arg.is_positional() { "Argumentos" } else { "Opções" };
            let arg = arg.help_heading(heading);
            match (id.as_str(), find(path, &id).or_else(|| find("", &id))) {
                ("help", _) => arg.help("Mostra a ajuda").long_help("Mostra a ajuda"),
                ("version", _) => arg.help("Mostra a versão"),
                (_, None) => arg,
                (_, Some(words)) => {
                    let english = arg.get_value_names().and_then(<[_]>::first).cloned();
                    if let (Some(english), false) = (english, words.value.is_empty()) {
                        usage =
                            usage.replace(&format!("<{english}>"), &format!("<{}>", words.value));
                        return arg.help(words.about).value_name(words.value);
                    }
                    arg.help(words.about)
                }
            }
        });
    }
    let names: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let inner = format!("{path} {name}").trim().to_owned();
        command = command.mut_subcommand(&name, |command| translate(command, &inner));
    }
    command
        .subcommand_help_heading("Comandos")
        .subcommand_value_name("COMANDO")
        .override_usage(usage)
        .help_template("{about-with-newline}\nUso: {usage}\n\n{all-args}{after-help}")
}

fn all() -> impl Iterator<Item = &'static Portuguese> {
    PORTUGUESE
        .iter()
        .chain(labels::LABELS)
        .chain(models::MODELS)
        .chain(people::PEOPLE)
        .chain(privacy::PRIVACY)
        .chain(service::SERVICE)
}

fn find(command: &str, arg: &str) -> Option<&'static Portuguese> {
    all().find(|words| words.command == command && words.arg == arg)
}

/// Shows a help or says what was wrong with the call.
pub(super) fn explain(
    error: &clap::Error,
    lang: Locale,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let text = match (lang, error.kind()) {
        (_, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A reader that has gone needs no help.
            drop(write!(out, "{error}"));
            return ExitCode::Ok;
        }
        (Locale::En, _) | (_, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) => {
            error.to_string()
        }
        (Locale::PtBr, kind) => in_portuguese(error, kind),
    };
    drop(write!(err, "{text}"));
    ExitCode::Usage
}

fn in_portuguese(error: &clap::Error, kind: ErrorKind) -> String {
    let said = |kind| error.get(kind).map(shown).filter(|text| !text.is_empty());
    let argument = said(ContextKind::InvalidArg).unwrap_or_default();
    let value = said(ContextKind::InvalidValue).unwrap_or_default();
    let problem = match kind {
        ErrorKind::UnknownArgument => format!("argumento desconhecido: {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!(
                "comando desconhecido: {}",
                said(ContextKind::InvalidSubcommand).unwrap_or_default()
            )
        }
        ErrorKind::MissingRequiredArgument => format!("falta informar: {argument}"),
        ErrorKind::MissingSubcommand => "falta o comando".to_owned(),
        ErrorKind::InvalidValue if value.is_empty() => format!("falta o valor de {argument}"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("{argument} não aceita o valor {value}")
        }
        ErrorKind::ArgumentConflict => {
            match said(ContextKind::PriorArg).filter(|prior| *prior != argument) {
                Some(prior) => {
                    format!("{argument} e {prior} não podem ser usados juntos; use só um dos dois")
                }
                None => format!("{argument} aparece mais de uma vez; use uma só"),
            }
        }
        ErrorKind::InvalidUtf8 => "um argumento não está em UTF-8".to_owned(),
        _ => format!("a chamada não está correta: {argument}"),
    };
    let mut text = format!("erro: {}\n", problem.trim_end_matches([':', ' ']));
    let near = said(ContextKind::SuggestedArg).or_else(|| said(ContextKind::SuggestedSubcommand));
    if let Some(near) = near {
        text.push_str("    você quis dizer ");
        text.push_str(&near);
        text.push_str("?\n");
    }
    if let Some(choices) = said(ContextKind::ValidValue) {
        text.push_str("    opções: ");
        text.push_str(&choices);
        text.push('\n');
    }
    // What a value must be is said in English by the argument itself.
    let wanted = std::error::Error::source(error).map(ToString::to_string);
    if let Some(words) = WANTED.iter().find(|words| Some(words.en) == wanted.as_deref()) {
        text.push_str("    ");
        text.push_str(words.pt);
        text.push('\n');
    }
    text.push_str("    veja a ajuda com --help\n");
    text
}

fn shown(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(list) => list.join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn walk(command: &Command, path: &str, found: &mut BTreeSet<(String, String)>) {
        found.insert((path.to_owned(), String::new()));
        for arg in command.get_arguments() {
            found.insert((path.to_owned(), arg.get_id().to_string()));
        }
        for inner in command.get_subcommands() {
            walk(inner, format!("{path} {}", inner.get_name()).trim(), found);
        }
    }

    #[test]
    fn every_command_and_argument_speaks_portuguese_and_nothing_else_does() {
        let mut declared = BTreeSet::new();
        walk(&Cli::command(), "", &mut declared);
        let translated = all()
            .map(|words| (words.command.to_owned(), words.arg.to_owned()))
            .collect::<BTreeSet<_>>();
        assert_eq!(declared, translated);
    }

    #[test]
    fn every_command_explains_itself_in_english() {
        fn check(command: &Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        Cli::command().debug_assert();
        check(&Cli::command());
    }

    #[test]
    fn the_language_is_the_asked_one_else_the_systems() {
        for (args, env, expected) in [
            (&["--lang", "pt-BR"][..], &[("LANG", "en_US.UTF-8")][..], Locale::PtBr),
            (&["--lang=en"], &[("LANG", "pt_BR.UTF-8")], Locale::En),
            (&["--", "--lang=en"], &[("LANG", "pt_BR.UTF-8")], Locale::PtBr),
            (&[], &[("LC_ALL", ""), ("LC_MESSAGES", "pt_PT"), ("LANG", "en_US")], Locale::PtBr),
            (&[], &[("LC_ALL", "C"), ("LANG", "pt_BR")], Locale::En),
            (&["--lang"], &[], Locale::En),
            (&[], &[("LANG", "ptolemaic")], Locale::En),
        ] {
            let words: Vec<OsString> = args.iter().map(OsString::from).collect();
            let pairs = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(choose(&words, &pairs.collect()), expected, "{args:?} {env:?}");
        }
    }
}
