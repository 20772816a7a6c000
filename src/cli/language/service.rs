//! The Portuguese of the commands about queues, deadlines, incidents and those who are told.

use super::{Portuguese, arg_pt, command_pt};

pub(super) const SERVICE: &[Portuguese] = &[
    command_pt("queue", "Mostra as filas", ""),
    command_pt(
        "queue status",
        "Mostra o que espera em cada fila, quem está no ar e quais tickets atender primeiro",
        "",
    ),
    arg_pt("queue status", "tenant", "EMPRESA", "De que empresa são as filas (padrão: main)"),
    arg_pt("queue status", "json", "", "Escreve JSON"),
    command_pt("tickets", "Mostra tickets", ""),
    command_pt(
        "tickets handover",
        "Escreve o pacote com que um ticket é passado adiante",
        "Cliente, problema, o que já foi tentado, o que falta, prazos, a conversa inteira e as evidências, como estão \
         agora, no idioma da saída.",
    ),
    arg_pt("tickets handover", "ticket", "TICKET", "O número ou o id do ticket"),
    arg_pt(
        "tickets handover",
        "department",
        "DEPARTAMENTO",
        "O que este departamento da política recebe, em JSON",
    ),
    arg_pt("tickets handover", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    arg_pt("tickets handover", "json", "", "Escreve JSON"),
    command_pt("assistant", "Para tudo o que sai sozinho, ou deixa sair de novo", ""),
    command_pt(
        "assistant off",
        "Para: o que ainda não saiu vai para as pessoas, conversas novas viram rascunho",
        "",
    ),
    arg_pt("assistant off", "reason", "TEXTO", "O motivo, para o time"),
    arg_pt("assistant off", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "assistant on",
        "Deixa as respostas saírem sozinhas de novo, até onde a política deixa",
        "",
    ),
    arg_pt("assistant on", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("assistant show", "Diz como está", ""),
    arg_pt("assistant show", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("incident", "Declara, atualiza e encerra incidentes", ""),
    command_pt(
        "incident declare",
        "Declara um incidente: as respostas automáticas param, os responsáveis são avisados e quem escreve fica sabendo",
        "",
    ),
    arg_pt(
        "incident declare",
        "kind",
        "TIPO",
        "O tipo, como em `incidents` na política, por exemplo outage",
    ),
    arg_pt("incident declare", "name", "NOME", "Como se chama (padrão: tipo e momento)"),
    arg_pt("incident declare", "category", "CATEGORIA", "Só esta categoria; pode ser repetida"),
    arg_pt("incident declare", "channel", "CANAL", "Só este canal; pode ser repetida"),
    arg_pt("incident declare", "pt", "TEXTO", "O que os clientes ouvem em português"),
    arg_pt("incident declare", "en", "TEXTO", "O que os clientes ouvem em inglês"),
    arg_pt(
        "incident declare",
        "next_update",
        "MINUTOS",
        "Minutos até os clientes saberem mais (padrão: os da política)",
    ),
    arg_pt("incident declare", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("incident update", "Conta mais a todos que souberam de um incidente", ""),
    arg_pt("incident update", "name", "NOME", "Como se chama"),
    arg_pt("incident update", "pt", "TEXTO", "O que os clientes ouvem em português"),
    arg_pt("incident update", "en", "TEXTO", "O que os clientes ouvem em inglês"),
    arg_pt(
        "incident update",
        "next_update",
        "MINUTOS",
        "Minutos até os clientes saberem mais (padrão: os da política)",
    ),
    arg_pt("incident update", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt(
        "incident end",
        "Encerra um incidente: o que estava parado continua, e todos que souberam dele são avisados",
        "",
    ),
    arg_pt("incident end", "name", "NOME", "Como se chama"),
    arg_pt("incident end", "pt", "TEXTO", "O que os clientes ouvem em português"),
    arg_pt("incident end", "en", "TEXTO", "O que os clientes ouvem em inglês"),
    arg_pt(
        "incident end",
        "summary",
        "TEXTO",
        "O que houve e o que foi feito, para os responsáveis",
    ),
    arg_pt("incident end", "tenant", "EMPRESA", "De que empresa é (padrão: main)"),
    command_pt("incident list", "Lista os incidentes dos últimos 90 dias", ""),
    arg_pt("incident list", "tenant", "EMPRESA", "De que empresa são (padrão: main)"),
    command_pt("notify", "Testa os avisos", ""),
    command_pt(
        "notify test",
        "Envia um aviso de teste a todos de uma equipe ou papel, ou a uma pessoa",
        "Sai na hora, mesmo no horário de silêncio, e mostra cada resposta do servidor de e-mail ou do webhook. \
         Termina com 1 se alguém não for alcançado.",
    ),
    arg_pt("notify test", "team", "EQUIPE", "Uma equipe, um papel ou uma pessoa da política"),
    arg_pt("notify test", "tenant", "EMPRESA", "De que empresa é a política (padrão: main)"),
    command_pt("channels", "Confere as redes por onde as mensagens chegam e saem", ""),
    command_pt(
        "channels check",
        "Pergunta a cada rede configurada se tudo funciona e diz o que consertar",
        "De cada número no WhatsApp: o token, o estado e a qualidade do número, quanto ele pode enviar e para onde vai o \
         webhook. De cada caixa de e-mail: nomes, certificados, logins, pastas e se o endereço pode enviar. Nada é \
         enviado a ninguém. Termina com 1 se algo impede as mensagens de chegar ou de sair.",
    ),
    arg_pt("channels check", "tenant", "EMPRESA", "Só uma empresa (padrão: todas)"),
    command_pt("webhooks", "Mostra o webhook de uma empresa", ""),
    command_pt("webhooks status", "Mostra qual evento quem recebe confirmou por último", ""),
    arg_pt("webhooks status", "tenant", "EMPRESA", "De que empresa é o webhook (padrão: main)"),
    command_pt(
        "webhooks replay",
        "Envia de novo, em ordem, todos os eventos depois de um deles",
        "Os eventos mantêm a Idempotency-Key, então quem a respeita recebe cada um uma vez só. Um worker no ar começa \
         na hora.",
    ),
    arg_pt(
        "webhooks replay",
        "after",
        "EVENTO",
        "Começa depois deste evento; 0 começa pelo primeiro",
    ),
    arg_pt("webhooks replay", "tenant", "EMPRESA", "De que empresa é o webhook (padrão: main)"),
];
