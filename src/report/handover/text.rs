//! The package as a text for a mail or a help desk: headings, short lines, times where the reader is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::departments::{plan_name, priority_name, shown};
use super::sentences::shortened;
use super::tried::{Attempt, AttemptResult};
use super::{
    CustomerPart, EvidencePart, Expectation, FileSeen, IssuePart, Need, Package, PassageSeen,
    Pressure, TicketPart,
};
use crate::domain::attachment::AttachmentKind;
use crate::domain::labels::Locale;
use crate::domain::message::Author;
use crate::policy::clocks::Clock;
use crate::policy::{Category, Pack, Team};
use crate::report::words::{self, of};

/// Most characters shown of words that did not leave; what left stands in the conversation.
const ATTEMPT_CHARS: usize = 300;

/// Writes the package as plain text, ending with a line break. Names of the pack are used where there is one; times
/// are those of `zone`, which the text names.
pub fn to_text(package: &Package, pack: Option<&Pack>, locale: Locale, zone: Tz) -> String {
    let mut page = Page { pack, locale, zone, now: package.made_at, lines: Vec::new() };
    page.ticket(&package.ticket);
    page.customer(&package.customer);
    page.issue(&package.issue);
    page.tried(&package.tried);
    page.needed(&package.needed);
    page.expects(&package.expects);
    page.urgency(&package.urgent_because, !package.deadlines.is_empty());
    page.deadlines(&package.deadlines);
    page.evidence(&package.evidence);
    page.conversation(package);
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

struct Page<'a> {
    pack: Option<&'a Pack>,
    locale: Locale,
    zone: Tz,
    now: DateTime<Utc>,
    lines: Vec<String>,
}

impl Page<'_> {
    fn say(&self, pt: &'static str, en: &'static str) -> &'static str {
        of(self.locale, pt, en)
    }

    fn at(&self, at: DateTime<Utc>) -> String {
        words::moment(at, self.zone, self.locale)
    }

    fn heading(&mut self, pt: &'static str, en: &'static str) {
        let heading = self.say(pt, en);
        self.lines.extend([String::new(), heading.to_owned()]);
    }

    /// A line of a label and its value; what is not known has none.
    fn fact(&mut self, label: &str, value: Option<String>) {
        let value = value.filter(|value| !value.is_empty());
        self.lines.extend(value.map(|value| format!("{label}: {value}")));
    }

    fn item(&mut self, text: &str) {
        self.lines.push(format!("- {text}"));
    }

    /// A label with the customer's sentences below it.
    fn quotes(&mut self, label: &'static str, quotes: &[String]) {
        if !quotes.is_empty() {
            self.lines.push(format!("{label}:"));
            self.lines.extend(quotes.iter().map(|quote| format!("- “{quote}”")));
        }
    }

    fn ticket(&mut self, ticket: &TicketPart) {
        let subject = ticket.subject.as_ref().map(|subject| format!(" · {subject}"));
        self.lines.push(format!("Ticket {}{}", ticket.number, subject.unwrap_or_default()));
        let locale = self.locale;
        let team = ticket.queue.as_deref().and_then(|queue| self.pack?.team(queue));
        let queue = ticket.queue.as_deref().map(|queue| {
            let name = shown(team.map(|team| &team.name), queue, locale);
            format!("{} {name}", self.say("fila", "queue"))
        });
        let level = ticket.level.as_deref().map(|level| level_name(team, level, locale));
        let state = [
            Some(words::channel(&ticket.channel, locale).to_owned()),
            Some(words::status(&ticket.status, locale).to_owned()),
            queue,
            level,
        ];
        self.lines.push(state.into_iter().flatten().collect::<Vec<_>>().join(" · "));
        self.fact(self.say("Aberto em", "Opened"), Some(self.at(ticket.opened_at)));
        self.fact(self.say("Marcadores", "Tags"), Some(ticket.tags.join(", ")));
        let zone = self.zone.name().to_owned();
        self.fact(self.say("Horários de", "Times in"), Some(zone));
    }

    fn customer(&mut self, customer: &CustomerPart) {
        self.heading("CLIENTE", "CUSTOMER");
        let (pack, locale) = (self.pack, self.locale);
        let tier = customer.tier.as_deref().map(|tier| plan_name(tier, pack, locale));
        let revenue = customer.annual_revenue.as_ref().map(|revenue| words::money(revenue, locale));
        let since = customer.customer_since.map(|since| words::date(since, locale));
        let language = customer.language.map(|language| words::language(language, locale));
        let mood = customer.sentiment.map(|mood| words::sentiment(mood, locale));
        self.fact(self.say("Nome", "Name"), customer.name.clone());
        self.fact(self.say("Referência", "Reference"), customer.reference.clone());
        self.fact(self.say("Plano", "Plan"), tier);
        self.fact(self.say("Receita anual", "Annual revenue"), revenue);
        self.fact(self.say("Cliente desde", "Customer since"), since);
        self.fact(self.say("Idioma", "Language"), language.map(str::to_owned));
        self.fact(self.say("Humor", "Mood"), mood.map(str::to_owned));
        let label =
            self.say("Escalações anteriores deste ticket", "Earlier hand-overs of this ticket");
        self.fact(label, Some(customer.earlier_escalations.to_string()));
    }

    fn issue(&mut self, issue: &IssuePart) {
        self.heading("O CASO", "THE CASE");
        let (pack, locale) = (self.pack, self.locale);
        let quoted = |text: &String| format!("“{text}”");
        let category = issue.category.as_deref().map(|category| {
            let known = pack.and_then(|pack| pack.category(category));
            category_name(known, category, issue.subcategory.as_deref(), locale)
        });
        let priority = issue.priority.map(|priority| priority_name(priority, pack, locale));
        let affected = issue.affected.map(|affected| affected.to_string());
        let amounts: Vec<&str> = issue.amounts.iter().map(|amount| amount.said.as_str()).collect();
        self.fact(self.say("Resumo", "Summary"), issue.summary.as_ref().map(quoted));
        self.fact(self.say("Categoria", "Category"), category);
        self.fact(self.say("Prioridade", "Priority"), priority);
        self.fact(self.say("Desde", "Since"), Some(self.at(issue.since)));
        let label = self.say(
            "Pessoas afetadas, segundo o cliente",
            "People affected, by the customer's account",
        );
        self.fact(label, affected);
        self.fact(self.say("Valores citados", "Amounts named"), Some(amounts.join(", ")));
        self.quotes(self.say("Perguntas em aberto", "Open questions"), &issue.questions);
        self.quotes(self.say("Dados técnicos", "Technical details"), &issue.technical);
        self.quotes(
            self.say("Passos contados pelo cliente", "Steps the customer told"),
            &issue.steps,
        );
    }

    fn tried(&mut self, tried: &[Attempt]) {
        self.heading("O QUE JÁ FOI TENTADO", "WHAT WAS TRIED");
        if tried.is_empty() {
            let nothing = self.say(
                "Nada foi enviado nem proposto até agora.",
                "Nothing was sent or proposed so far.",
            );
            self.lines.push(nothing.to_owned());
        }
        for attempt in tried {
            let line = self.attempt(attempt);
            self.item(&line);
            let left = matches!(attempt.result, AttemptResult::Sent | AttemptResult::Edited);
            if let Some(text) = attempt.text.as_deref().filter(|_| !left) {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                self.lines.push(format!("  “{}”", shortened(&words, ATTEMPT_CHARS)));
            }
        }
    }

    fn attempt(&self, attempt: &Attempt) -> String {
        let locale = self.locale;
        let author = words::author(attempt.who, locale);
        let who = match (attempt.who, &attempt.name) {
            (Author::Agent, Some(name)) => name.clone(),
            (_, Some(name)) => {
                format!("{author} ({} {name})", self.say("revisão de", "reviewed by"))
            }
            (_, None) => author.to_owned(),
        };
        let mut line =
            format!("{} · {who}: {}", self.at(attempt.at), words::attempt(attempt, locale));
        if !attempt.articles.is_empty() {
            let label = self.say("artigos", "articles");
            line = format!("{line} ({label}: {})", attempt.articles.join(", "));
        }
        // Why a reply was withdrawn is a note of ours, in English; its result says as much.
        let told = attempt.result != AttemptResult::Retired;
        match attempt.reason.as_deref().filter(|_| told) {
            Some(reason) => format!("{line}; {}: {reason}", self.say("motivo", "reason")),
            None => line,
        }
    }

    fn needed(&mut self, needed: &[Need]) {
        if needed.is_empty() {
            return;
        }
        self.heading("O QUE PRECISAMOS DE VOCÊ", "WHAT IS NEEDED FROM YOU");
        for need in needed {
            let text = need.text.in_locale(self.locale);
            self.item(&format!("{text} [{}]", need.rule));
            let roles: Vec<String> = need.notify.iter().map(|role| self.role(role)).collect();
            self.fact(self.say("  Avisar", "  Notify"), Some(roles.join(", ")));
            let within = need.within_mins.map(|minutes| self.within(minutes));
            self.fact(self.say("  Agir", "  Act"), within);
        }
    }

    fn role(&self, id: &str) -> String {
        let known = self.pack.and_then(|pack| pack.roles.iter().find(|role| role.id == id));
        shown(known.map(|role| &role.name), id, self.locale)
    }

    fn within(&self, minutes: u32) -> String {
        match (minutes, self.locale) {
            (0, _) => self.say("na hora", "at once").to_owned(),
            (_, Locale::PtBr) => format!("em até {minutes} min"),
            (_, Locale::En) => format!("within {minutes} min"),
        }
    }

    fn expects(&mut self, expects: &Expectation) {
        if expects.said.is_empty() && expects.deadline.is_none() {
            return;
        }
        self.heading("O QUE O CLIENTE ESPERA", "WHAT THE CUSTOMER EXPECTS");
        for quote in &expects.said {
            self.item(&format!("“{quote}”"));
        }
        let deadline = expects.deadline.as_ref().map(|clock| self.clock(clock));
        self.fact(self.say("Prazo mais próximo", "Next deadline"), deadline);
    }

    fn urgency(&mut self, pressure: &Pressure, has_clocks: bool) {
        if pressure.priority.is_none() && pressure.rules.is_empty() && !has_clocks {
            return;
        }
        self.heading("URGÊNCIA", "URGENCY");
        let priority =
            pressure.priority.map(|priority| priority_name(priority, self.pack, self.locale));
        self.fact(self.say("Prioridade", "Priority"), priority);
        let state = words::state(pressure.deadlines, self.locale);
        self.fact(self.say("Prazos", "Deadlines"), has_clocks.then(|| state.to_owned()));
        for reason in &pressure.rules {
            self.item(reason.text.in_locale(self.locale));
        }
    }

    fn deadlines(&mut self, deadlines: &[Clock]) {
        if deadlines.is_empty() {
            return;
        }
        self.heading("PRAZOS", "DEADLINES");
        for clock in deadlines {
            let state = words::state(clock.state, self.locale);
            let line =
                format!("{} · {state} [{}: {}]", self.clock(clock), clock.rule, clock.target);
            self.item(&line);
        }
    }

    /// What a clock measures and when it is late, or how it ended.
    fn clock(&self, clock: &Clock) -> String {
        let name = words::clock(clock.kind, self.locale);
        let end = match (clock.stopped, clock.paused, clock.due) {
            (Some(stopped), _, due) => match due.filter(|due| stopped > *due) {
                Some(due) => format!(
                    "{} {}, {} {}",
                    self.say("terminou em", "ended"),
                    self.at(stopped),
                    self.say("com atraso: o prazo era", "late: due"),
                    self.at(due)
                ),
                None => format!(
                    "{} {}, {}",
                    self.say("terminou em", "ended"),
                    self.at(stopped),
                    self.say("no prazo", "on time")
                ),
            },
            (None, Some(pause), _) => words::pause(pause, self.locale).to_owned(),
            (None, None, Some(due)) => {
                let until = if due < self.now {
                    self.say("venceu em", "was due")
                } else {
                    self.say("até", "until")
                };
                let distance = words::distance(due - self.now, self.locale);
                format!("{until} {} ({distance})", self.at(due))
            }
            (None, None, None) => {
                format!("{} {}", self.say("desde", "since"), self.at(clock.started))
            }
        };
        format!("{name}, {end}")
    }

    fn evidence(&mut self, evidence: &EvidencePart) {
        let EvidencePart { passages, unsupported, signals, confidence, reasons } = evidence;
        let Some(confidence) = confidence else { return };
        self.heading("EVIDÊNCIAS", "EVIDENCE");
        let share = format!("{:.0}%", confidence.get() * 100.0);
        let label =
            self.say("Confiança em uma resposta automática", "Confidence in an automatic answer");
        self.fact(label, Some(share));
        let rules: Vec<&str> = reasons.iter().map(|reason| reason.rule.as_str()).collect();
        self.fact(self.say("Regras", "Rules"), Some(rules.join(", ")));
        let locale = self.locale;
        let signals: Vec<String> = signals
            .iter()
            .map(|hit| {
                let sure = hit.confidence.get() * 100.0;
                format!("{} ({sure:.0}%)", words::signal(hit.signal, locale))
            })
            .collect();
        self.fact(self.say("Sinais", "Signals"), Some(signals.join(", ")));
        if !passages.is_empty() {
            self.lines.push(format!("{}:", self.say("Artigos consultados", "Articles looked at")));
            for passage in passages {
                let line = self.passage(passage);
                self.item(&line);
            }
        }
        let label =
            self.say("Frases do rascunho sem apoio", "Sentences of the draft without support");
        self.quotes(label, unsupported);
    }

    fn passage(&self, passage: &PassageSeen) -> String {
        let heading = passage.heading.as_ref().map(|heading| format!(" › {heading}"));
        let mut score = format!("{:.2}", passage.score);
        if self.locale == Locale::PtBr {
            score = score.replace('.', ",");
        }
        let floor = if passage.above_floor {
            self.say("acima do mínimo", "above the floor")
        } else {
            self.say("abaixo do mínimo", "below the floor")
        };
        let relevance = self.say("relevância", "relevance");
        let heading = heading.unwrap_or_default();
        format!("{}{heading} ({}; {relevance} {score}, {floor})", passage.article, passage.locale)
    }

    fn conversation(&mut self, package: &Package) {
        self.heading("CONVERSA", "CONVERSATION");
        for spoken in &package.conversation {
            let name =
                package.customer.name.as_deref().filter(|_| spoken.author == Author::Customer);
            let author = name.unwrap_or_else(|| words::author(spoken.author, self.locale));
            let edited = spoken.edited_at.map(|_| self.say(" (editada)", " (edited)"));
            let line = format!("{} · {author}{}:", self.at(spoken.at), edited.unwrap_or_default());
            self.lines.push(line);
            self.lines
                .extend(spoken.text.lines().map(|line| format!("  {line}").trim_end().to_owned()));
            if let Some(at) = spoken.deleted_at {
                let by = match spoken.author {
                    Author::Customer => self.say("apagada pelo cliente", "deleted by the customer"),
                    _ => self.say("apagada por quem enviou", "deleted by its sender"),
                };
                let line = format!("  [{by}: {}]", self.at(at));
                self.lines.push(line);
            }
            for file in &spoken.attachments {
                let line = format!("  [{}]", self.file(file));
                self.lines.push(line);
            }
        }
    }

    /// Kind, name and size of a file, and what became of it.
    fn file(&self, file: &FileSeen) -> String {
        let locale = self.locale;
        let mut parts = vec![match &file.name {
            Some(name) => format!("{} “{name}”", words::file_kind(&file.kind, locale)),
            None => words::file_kind(&file.kind, locale).to_owned(),
        }];
        parts.extend(file.size.map(|size| words::bytes(size, locale)));
        parts.extend(words::file_state(&file.state, locale).map(str::to_owned));
        if file.transcribed {
            let heard = self.say("texto transcrito por máquina", "words heard by a machine");
            parts.push(heard.to_owned());
        } else if file.kind == AttachmentKind::Voice.as_str() {
            parts.push(self.say("sem transcrição", "not transcribed").to_owned());
        }
        parts.join(" · ")
    }
}

/// The level's display name with its id: "Financeiro (L2)".
fn level_name(team: Option<&Team>, id: &str, locale: Locale) -> String {
    let level = team.and_then(|team| team.levels.iter().find(|level| level.id == id));
    match level.map(|level| level.name.in_locale(locale)) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    }
}

/// Category and subcategory by their display names.
fn category_name(
    known: Option<&Category>,
    id: &str,
    subcategory: Option<&str>,
    locale: Locale,
) -> String {
    let name = shown(known.map(|category| &category.name), id, locale);
    match subcategory {
        Some(sub) => {
            let found = known.and_then(|category| category.subcategory(sub));
            let sub = shown(found.map(|found| &found.name), sub, locale);
            format!("{name} › {sub}")
        }
        None => name,
    }
}
