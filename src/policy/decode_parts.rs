//! Reads the parts of a pack that refer to its names.

use std::collections::BTreeMap;

use super::decode::{Names, enabled};
use super::facts::Vocabulary;
use super::pack::{
    Business, Category, Department, EmergencyContact, Keywords, Modes, RoutingRow, Safety,
    SafetyAction, SafetyStep, Severity, Thresholds, TurnWindow, Turns, UrgencyPolicy, UrgencyRule,
    Voice,
};
use super::problem::{
    ACTION, CATEGORY, CHANNEL, COMPLEXITY, Complaint, LEVEL, MODE, PLAN, ROLE, SEVERITY, SIGNAL,
    SUBCATEGORY, TEAM, URGENCY, unknown,
};
use super::read::{MapView, View, local};
use super::rules::{Engine, Rule, RuleAction, RuleSet, Scope, Then, compile};
use super::sla::words;
use crate::domain::channel::Channel;
use crate::domain::decision::{LocalText, Mode};
use crate::domain::labels::{Complexity, Language, Locale, Sentiment, Urgency};
use crate::domain::signal::Signal;
use crate::text::phrases::{Pattern, PatternError};

/// The longest that a rule or a step may take.
const MONTH_MINS: u32 = 30 * 24 * 60;

pub(super) fn limits(view: &View<'_, '_>) -> BTreeMap<String, f64> {
    let map = view.open_map();
    map.views().into_iter().map(|(key, v)| (key.name.clone(), v.number(-1e12, 1e12))).collect()
}

pub(super) fn business(map: &MapView<'_, '_>) -> Business {
    let Some(view) = map.need("business") else { return Business::default() };
    let map = view.map(&[
        "brand",
        "default_language",
        "currency",
        "time_zone",
        "ai_name",
        "ai_disclosure",
        "way_to_person",
    ]);
    let currency = map.text("currency");
    let is_code = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase());
    if !currency.is_empty() && !is_code {
        map.desk.report(
            map.at,
            &map.path_of("currency"),
            Complaint::new(
                format!("\"{currency}\" não é um código de moeda, como BRL"),
                format!("\"{currency}\" is not a currency code such as BRL"),
            ),
        );
    }
    let time_zone = map.get("time_zone").and_then(|view| super::sla::zone(&view));
    let locales = words(Locale::ALL, Locale::as_str);
    Business {
        brand: map.text("brand"),
        default_language: map
            .need("default_language")
            .and_then(|v| v.word(super::problem::LANGUAGE, Locale::parse, &locales)),
        currency,
        time_zone: time_zone.unwrap_or(chrono_tz::Tz::UTC),
        ai_name: map.local("ai_name"),
        ai_disclosure: map.local("ai_disclosure"),
        way_to_person: map.local("way_to_person"),
    }
}

pub(super) fn voice(view: &View<'_, '_>) -> Voice {
    let map = view.map(&["tone", "always", "never", "forbidden"]);
    let texts = |key| map.list(key).iter().map(local).collect();
    Voice {
        tone: texts("tone"),
        always: texts("always"),
        never: texts("never"),
        forbidden: map.get("forbidden").map(|view| phrases(&view)).unwrap_or_default(),
    }
}

/// Reads `keywords`, and `more_keywords`, with which an overlay adds instead of replacing.
pub(super) fn keywords(map: &MapView<'_, '_>) -> Keywords {
    let mut keywords = map.get("keywords").map(|view| phrases(&view)).unwrap_or_default();
    if let Some(more) = map.get("more_keywords") {
        let more = phrases(&more);
        keywords.pt_br.extend(more.pt_br);
        keywords.en.extend(more.en);
        keywords.es.extend(more.es);
    }
    keywords
}

fn phrases(view: &View<'_, '_>) -> Keywords {
    let map = view.map(&["pt-BR", "en", "es"]);
    let of = |key| map.list(key).iter().map(phrase).collect();
    Keywords { pt_br: of("pt-BR"), en: of("en"), es: of("es") }
}

fn phrase(view: &View<'_, '_>) -> String {
    let text = view.text();
    if let Some(error) = Some(&text).filter(|t| !t.is_empty()).and_then(|t| Pattern::parse(t).err())
    {
        let PatternError { problem, at, .. } = error;
        view.complain(
            Complaint::new(
                format!("a frase não pode ser lida, no caractere {at}: {problem}"),
                format!("the phrase cannot be read, at character {at}: {problem}"),
            )
            .hint(
                "o que existe: palavra, prefixo*, opcional?, (um|outro) e ... entre palavras",
                "what there is: word, prefix*, optional?, (one|other) and ... between words",
            ),
        );
    }
    text
}

pub(super) fn urgency(map: &MapView<'_, '_>) -> UrgencyPolicy {
    let empty =
        UrgencyPolicy { labels: BTreeMap::new(), default: Urgency::Normal, rules: Vec::new() };
    let Some(view) = map.need("urgency") else { return empty };
    let map = view.map(&["labels", "default", "rules"]);
    let all = words(Urgency::ALL, Urgency::as_str);
    let mut policy = empty;
    policy.default = map
        .get("default")
        .and_then(|v| v.word(URGENCY, Urgency::parse, &all))
        .unwrap_or(Urgency::Normal);
    if let Some(labels) = map.need("labels") {
        let labels = labels.map(&all);
        policy.labels = Urgency::ALL.iter().map(|u| (*u, labels.local(u.as_str()))).collect();
    }
    policy.rules = enabled(&map, "rules")
        .iter()
        .filter_map(|view| {
            let map = view.map(&["id", "level", "keywords", "more_keywords", "disabled"]);
            let keywords = keywords(&map);
            if keywords.is_empty() {
                view.complain(Complaint::new(
                    "a regra não tem nenhuma palavra-chave",
                    "the rule has no keyword",
                ));
            }
            let level = map.need("level")?.word(URGENCY, Urgency::parse, &all)?;
            Some(UrgencyRule { id: map.id(), level, keywords })
        })
        .collect();
    policy
}

fn several<T: Copy>(
    map: &MapView<'_, '_>,
    key: &str,
    read: impl Fn(&View<'_, '_>) -> Option<T>,
) -> Vec<T> {
    map.get(key).map(|v| v.one_or_many().iter().filter_map(read).collect()).unwrap_or_default()
}

fn several_names(
    map: &MapView<'_, '_>,
    key: &str,
    noun: super::problem::Noun,
    declared: &[&str],
) -> Vec<String> {
    map.get(key)
        .map(|view| view.one_or_many().iter().map(|v| v.name_of(noun, declared)).collect())
        .unwrap_or_default()
}

pub(super) fn routing(
    map: &MapView<'_, '_>,
    names: &Names,
    taxonomy: &[Category],
) -> Vec<RoutingRow> {
    let views = enabled(map, "routing");
    let rows: Vec<RoutingRow> =
        views.iter().map(|view| routing_row(view, names, taxonomy)).collect();
    let catches_all = |row: &RoutingRow| {
        row.category.is_empty()
            && row.subcategory.is_empty()
            && row.complexity.is_empty()
            && row.urgency.is_empty()
            && row.plan.is_empty()
    };
    if !rows.last().is_some_and(catches_all) {
        let at = views.last().map_or(map.at, |view| view.node.at);
        map.desk.report(
            at,
            "routing",
            Complaint::new(
                "a última linha de routing precisa valer para tudo",
                "the last row of routing must match everything",
            )
            .hint(
                "acrescente no fim: - {id: R.rest, level: L1}",
                "add at the end: - {id: R.rest, level: L1}",
            ),
        );
    }
    for (view, _) in views.iter().zip(&rows).rev().skip(1).filter(|(_, row)| catches_all(row)) {
        view.complain(Complaint::new(
            "esta linha vale para tudo, e as seguintes nunca são usadas",
            "this row matches everything, and those after it are never used",
        ));
    }
    rows
}

fn routing_row(view: &View<'_, '_>, names: &Names, taxonomy: &[Category]) -> RoutingRow {
    let map = view.map(&["id", "when", "team", "level", "disabled"]);
    let team = map.get("team").map(|v| v.name_of(TEAM, &names.teams()));
    let mut row = RoutingRow {
        id: map.id(),
        category: Vec::new(),
        subcategory: Vec::new(),
        complexity: Vec::new(),
        urgency: Vec::new(),
        plan: Vec::new(),
        level: map.text("level"),
        team,
    };
    if let Some(when) = map.get("when") {
        let when = when.map(&["category", "subcategory", "complexity", "urgency", "plan"]);
        row.category = several_names(&when, "category", CATEGORY, &names.categories());
        let subcategories = names.subcategories(&row.category);
        let subcategories: Vec<&str> = subcategories.iter().map(String::as_str).collect();
        row.subcategory = several_names(&when, "subcategory", SUBCATEGORY, &subcategories);
        let all = words(Complexity::ALL, Complexity::as_str);
        row.complexity =
            several(&when, "complexity", |v| v.word(COMPLEXITY, Complexity::parse, &all));
        let all = words(Urgency::ALL, Urgency::as_str);
        row.urgency = several(&when, "urgency", |v| v.word(URGENCY, Urgency::parse, &all));
        row.plan = several_names(&when, "plan", PLAN, &names.plans());
    }
    check_level(&map, &row, names, taxonomy);
    row
}

/// Checks that each team the row may choose has the row's level.
fn check_level(map: &MapView<'_, '_>, row: &RoutingRow, names: &Names, taxonomy: &[Category]) {
    let Some(view) = map.get("level").filter(|_| !row.level.is_empty()) else { return };
    let matching =
        taxonomy.iter().filter(|c| row.category.is_empty() || row.category.contains(&c.id));
    let teams: Vec<&str> = match &row.team {
        Some(team) => vec![team.as_str()],
        None => matching.map(|category| category.team.as_str()).collect(),
    };
    for team in teams.into_iter().filter(|team| !team.is_empty()) {
        let levels = names.levels(Some(team));
        if !levels.contains(&row.level.as_str()) {
            let Complaint { message, hint } = unknown(LEVEL, &row.level, &levels);
            let message = LocalText::new(
                format!("{} (equipe \"{team}\")", message.pt_br),
                format!("{} (team \"{team}\")", message.en),
            );
            view.complain(Complaint { message, hint });
            return;
        }
    }
}

pub(super) fn modes(map: &MapView<'_, '_>, names: &Names) -> Modes {
    let all = words(Mode::ALL, Mode::as_str);
    let mode = |view: &View<'_, '_>| view.word(MODE, Mode::parse, &all).unwrap_or(Mode::Draft);
    let mut modes = Modes { default: Mode::Draft, by: BTreeMap::new() };
    let Some(view) = map.need("modes") else { return modes };
    let map = view.map(&["default", "by_category"]);
    if let Some(view) = map.need("default") {
        modes.default = mode(&view);
    }
    let Some(by) = map.get("by_category") else { return modes };
    for (key, view) in by.open_map().views() {
        let category = (key.name != "*").then(|| key.name.clone());
        if let Some(id) = &category
            && !names.categories.contains_key(id)
        {
            view.desk.report(key.at, &view.path, unknown(CATEGORY, id, &names.categories()));
            continue;
        }
        let mut channels = BTreeMap::new();
        if view.node.as_text().is_some() {
            channels.insert(None, mode(&view));
        } else {
            for (key, view) in view.open_map().views() {
                let channel = Channel::parse(&key.name);
                if channel.is_none() && key.name != "*" {
                    let all = words(Channel::ALL, Channel::as_str);
                    view.desk.report(key.at, &view.path, unknown(CHANNEL, &key.name, &all));
                    continue;
                }
                channels.insert(channel, mode(&view));
            }
        }
        modes.by.insert(category, channels);
    }
    modes
}

pub(super) fn thresholds(map: &MapView<'_, '_>) -> Thresholds {
    let view = map.get("thresholds");
    let map = view.map(|view| view.map(&["send", "field", "spam", "negative", "follow_up"]));
    let share = |key: &str, default| {
        map.as_ref().and_then(|map| map.get(key)).map_or(default, |v| v.number(0.0, 1.0))
    };
    Thresholds {
        send: share("send", 0.85),
        field: share("field", 0.7),
        spam: share("spam", 0.9),
        negative: share("negative", 0.3),
        follow_up: share("follow_up", 0.8),
    }
}

pub(super) fn turns(map: &MapView<'_, '_>) -> Turns {
    const HOUR_SECS: u32 = 3_600;
    // DESIGN 1.3: conversational channels wait, the others do not.
    let waiting = TurnWindow {
        after_last_secs: 6,
        after_question_secs: 3,
        after_greeting_secs: 12,
        max_secs: 45,
        max_transcript_secs: 60,
    };
    let mut by: BTreeMap<Channel, TurnWindow> = Channel::ALL
        .iter()
        .map(|c| (*c, if c.is_conversational() { waiting } else { TurnWindow::default() }))
        .collect();
    let all = words(Channel::ALL, Channel::as_str);
    for (key, view) in map.get("turns").map(|view| view.map(&all).views()).unwrap_or_default() {
        let Some(channel) = Channel::parse(&key.name) else { continue };
        let map = view.map(&[
            "after_last_secs",
            "after_question_secs",
            "after_greeting_secs",
            "max_secs",
            "max_transcript_secs",
        ]);
        let mut window = by.get(&channel).copied().unwrap_or_default();
        let mut set = |key: &str, slot: fn(&mut TurnWindow) -> &mut u32| {
            if let Some(view) = map.get(key) {
                *slot(&mut window) = view.whole(0, HOUR_SECS);
            }
        };
        set("after_last_secs", |w| &mut w.after_last_secs);
        set("after_question_secs", |w| &mut w.after_question_secs);
        set("after_greeting_secs", |w| &mut w.after_greeting_secs);
        set("max_secs", |w| &mut w.max_secs);
        set("max_transcript_secs", |w| &mut w.max_transcript_secs);
        let longest =
            window.after_last_secs.max(window.after_question_secs).max(window.after_greeting_secs);
        if longest > window.max_secs {
            view.complain(Complaint::new(
                format!("max_secs ({}) é menor que uma das esperas ({longest})", window.max_secs),
                format!(
                    "max_secs ({}) is shorter than one of the waits ({longest})",
                    window.max_secs
                ),
            ));
        }
        by.insert(channel, window);
    }
    Turns { by }
}

pub(super) fn safety(map: &MapView<'_, '_>, names: &Names) -> Safety {
    let empty = Safety {
        send_at_once: true,
        queue: String::new(),
        level: String::new(),
        severities: BTreeMap::new(),
        signals: BTreeMap::new(),
        contacts: BTreeMap::new(),
    };
    let Some(view) = map.need("safety") else { return empty };
    let map = view.map(&["send_at_once", "queue", "level", "severities", "signals", "contacts"]);
    let queue = map.need("queue").map(|v| v.name_of(TEAM, &names.teams())).unwrap_or_default();
    let levels = names.levels(Some(&queue).filter(|q| !q.is_empty()).map(String::as_str));
    let mut safety = Safety {
        send_at_once: map.flag("send_at_once", true),
        level: map.need("level").map(|v| v.name_of(LEVEL, &levels)).unwrap_or_default(),
        queue,
        ..empty
    };
    let severities = words(Severity::ALL, Severity::as_str);
    if let Some(view) = map.need("severities") {
        let rows = view.map(&severities);
        for severity in Severity::ALL {
            if let Some(view) = rows.need(severity.as_str()) {
                safety.severities.insert(*severity, safety_step(&view, names));
            }
        }
    }
    let dangers = words(Signal::ALL, Signal::as_str);
    let dangers: Vec<&str> =
        dangers.into_iter().filter(|s| Signal::parse(s).is_some_and(Signal::is_safety)).collect();
    if let Some(view) = map.need("signals") {
        let rows = view.map(&dangers);
        for name in &dangers {
            let severity =
                rows.need(name).and_then(|v| v.word(SEVERITY, Severity::parse, &severities));
            if let (Some(signal), Some(severity)) = (Signal::parse(name), severity) {
                safety.signals.insert(signal, severity);
            }
        }
    }
    if let Some(view) = map.need("contacts") {
        let rows = view.map(&words(Locale::ALL, Locale::as_str));
        for locale in Locale::ALL {
            let Some(view) = rows.need(locale.as_str()) else { continue };
            let contacts: Vec<EmergencyContact> =
                view.list().iter().map(|view| contact(view, &dangers)).collect();
            if contacts.is_empty() {
                view.complain(Complaint::new(
                    "a lista de contatos de emergência está vazia",
                    "the list of emergency contacts is empty",
                ));
            }
            safety.contacts.insert(*locale, contacts);
        }
    }
    safety
}

fn safety_step(view: &View<'_, '_>, names: &Names) -> SafetyStep {
    let map = view.map(&["actions", "notify", "within_mins", "text"]);
    let all = words(SafetyAction::ALL, SafetyAction::as_str);
    SafetyStep {
        actions: several(&map, "actions", |v| v.word(ACTION, SafetyAction::parse, &all)),
        notify: several_names(&map, "notify", ROLE, &names.roles()),
        within_mins: map.need("within_mins").map_or(0, |v| v.whole(0, MONTH_MINS)),
        text: map.local("text"),
    }
}

fn contact(view: &View<'_, '_>, dangers: &[&str]) -> EmergencyContact {
    let map = view.map(&["id", "name", "number", "when", "signals", "disabled"]);
    EmergencyContact {
        id: map.id(),
        name: map.text("name"),
        number: map.text("number"),
        when: map.local("when"),
        signals: several(&map, "signals", |v| v.word(SIGNAL, Signal::parse, dangers)),
    }
}

pub(super) fn department(view: &View<'_, '_>, names: &Names) -> Department {
    /// What a hand-over can carry (E6, E8).
    const FIELDS: &[&str] = &[
        "ticket_ids",
        "ticket",
        "customer",
        "summary",
        "customer_impact",
        "suggested_action",
        "technical_summary",
        "severity",
        "reproduction_steps",
        "amount",
        "issue",
        "tried",
        "needed",
        "expectation",
        "conversation",
        "evidence",
    ];
    let map = view.map(&["id", "name", "when", "payload", "role", "disabled"]);
    Department {
        id: map.id(),
        name: map.local("name"),
        when: map.local("when"),
        payload: several_names(&map, "payload", super::problem::PLACEHOLDER, FIELDS),
        role: map.get("role").map(|view| view.name_of(ROLE, &names.roles())),
    }
}

pub(super) fn rules(map: &MapView<'_, '_>, names: &Names) -> RuleSet {
    let vocabulary = |vocabulary: Vocabulary| -> Option<Vec<String>> {
        let owned = |words: Vec<&str>| Some(words.into_iter().map(str::to_owned).collect());
        match vocabulary {
            Vocabulary::Free => None,
            Vocabulary::Channel => owned(words(Channel::ALL, Channel::as_str)),
            Vocabulary::Language => owned(words(Language::ALL, Language::as_str)),
            Vocabulary::Category => owned(names.categories()),
            Vocabulary::Subcategory => Some(names.subcategories(&[])),
            Vocabulary::Urgency => owned(words(Urgency::ALL, Urgency::as_str)),
            Vocabulary::Sentiment => owned(words(Sentiment::ALL, Sentiment::as_str)),
            Vocabulary::Complexity => owned(words(Complexity::ALL, Complexity::as_str)),
            Vocabulary::Signal => owned(words(Signal::ALL, Signal::as_str)),
            Vocabulary::Plan => owned(names.plans()),
            Vocabulary::Mode => owned(words(Mode::ALL, Mode::as_str)),
        }
    };
    let scope = Scope { limits: &names.limits, words: &vocabulary };
    let rules = enabled(map, "rules").iter().filter_map(|view| rule(view, names, &scope)).collect();
    RuleSet { rules, engine: Engine::new() }
}

fn rule(view: &View<'_, '_>, names: &Names, scope: &Scope<'_>) -> Option<Rule> {
    let map = view.map(&["id", "when", "then", "text", "disabled"]);
    let id = map.id();
    let text = map.local("text");
    let then = map.need("then").map(|view| then(&view, names)).unwrap_or_default();
    let when_view = map.need("when")?;
    let when = when_view.text();
    if when.is_empty() {
        return None;
    }
    match compile(&when, scope) {
        Ok(expression) => Some(Rule { id, when, then, text, expression }),
        Err(faults) => {
            for fault in faults {
                let at = when_view.place_inside(&when, fault.offset);
                when_view.desk.report(at, &when_view.path, fault.complaint);
            }
            None
        }
    }
}

fn then(view: &View<'_, '_>, names: &Names) -> Then {
    let map = view.map(&["action", "team", "level", "priority", "notify", "within_mins"]);
    let actions = words(RuleAction::ALL, RuleAction::as_str);
    let urgencies = words(Urgency::ALL, Urgency::as_str);
    let team = map.get("team").map(|v| v.name_of(TEAM, &names.teams())).filter(|t| !t.is_empty());
    let levels = names.levels(team.as_deref());
    let then = Then {
        action: map.get("action").and_then(|v| v.word(ACTION, RuleAction::parse, &actions)),
        level: map.get("level").map(|v| v.name_of(LEVEL, &levels)),
        priority: map.get("priority").and_then(|v| v.word(URGENCY, Urgency::parse, &urgencies)),
        notify: several_names(&map, "notify", ROLE, &names.roles()),
        within_mins: map.get("within_mins").map(|v| v.whole(0, MONTH_MINS)),
        team,
    };
    if map.entries.is_empty() {
        view.complain(Complaint::new("a regra não faz nada", "the rule does nothing").hint(
            "ponha pelo menos action, priority ou notify",
            "put at least action, priority or notify",
        ));
    }
    then
}
