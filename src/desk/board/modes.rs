//! How far the assistant goes, by category and channel: what the policy says, what supervisors say over it, and why it
//! cannot be more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::asked::{Panel, address, period_of};
use super::figures::percent_of;
use super::numbers::Numbers;
use super::{Again, refused};
use crate::adapters::store::{Incident, ModeChange, ModeSwitch};
use crate::desk::answer::{Trouble, see_other};
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Person};
use crate::domain::channel::Channel;
use crate::domain::decision::{LocalText, Mode};
use crate::pipeline::barred;
use crate::policy::Pack;
use crate::report::words;

/// Most characters of why a mode was switched.
pub(super) const REASON_MAX: usize = 200;
/// Policies whose bars are remembered.
const POLICIES_MAX: usize = 16;

/// By category and channel, how far a rule lets the assistant go, its id and its text.
type Bars = BTreeMap<(String, Channel), (Mode, String, LocalText)>;

/// What rules forbid whatever a message says, judged once for each policy.
#[derive(Debug, Default)]
pub(in crate::desk) struct Barred(Mutex<HashMap<String, Arc<Bars>>>);

impl Barred {
    fn of(&self, pack: &Pack) -> Arc<Bars> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = known.get(&pack.digest) {
            return Arc::clone(bars);
        }
        let cells = pack.taxonomy.iter().flat_map(|category| {
            Channel::ALL.iter().map(|channel| (category.id.clone(), *channel))
        });
        let bars: Bars = cells
            .filter_map(|(category, channel)| {
                let (mode, rule) = barred(pack, &category, channel)?;
                Some(((category, channel), (mode, rule.id.clone(), rule.text.clone())))
            })
            .collect();
        if known.len() >= POLICIES_MAX {
            known.clear();
        }
        let bars = Arc::new(bars);
        known.insert(pack.digest.clone(), Arc::clone(&bars));
        bars
    }
}

/// Why the assistant cannot do more in a category on a channel.
enum Bar {
    /// A rule of the policy sends it to people.
    Rule(Mode, String, LocalText),
    /// The policy's own modes.
    Policy(Mode),
}

impl Bar {
    const fn mode(&self) -> Mode {
        match self {
            Self::Rule(mode, ..) | Self::Policy(mode) => *mode,
        }
    }

    fn say(&self, view: &View<'_>) -> String {
        match self {
            Self::Rule(_, rule, text) => {
                let text = text.in_locale(view.locale());
                view.say("board.mode.by_rule", &[("text", text), ("rule", rule)])
            }
            Self::Policy(Mode::Off) => view.say("board.mode.policy_off", &[]),
            Self::Policy(_) => view.say("board.mode.policy_draft", &[]),
        }
    }
}

/// Returns what bounds the assistant; `None` where the policy lets it send.
fn bar(pack: &Pack, bars: &Bars, category: &str, channel: Channel) -> Option<Bar> {
    let policy = pack.mode(category, channel);
    let rule = bars.get(&(category.to_owned(), channel));
    match rule {
        Some((mode, id, text)) if *mode >= policy && *mode != Mode::Auto => {
            Some(Bar::Rule(*mode, id.clone(), text.clone()))
        }
        _ if policy == Mode::Auto => None,
        _ => Some(Bar::Policy(policy)),
    }
}

/// The matrix of categories and channels.
pub(super) fn modes(
    desk: &Desk,
    view: &View<'_>,
    numbers: &Numbers,
    switches: &[ModeSwitch],
    incidents: &[Incident],
) -> Value {
    let Some(pack) = view.pack else { return Value::Null };
    let bars = desk.barred().of(pack);
    let channels: Vec<Value> = Channel::ALL
        .iter()
        .map(|channel| {
            json!({"id": channel, "name": words::channel(channel.as_str(), view.locale())})
        })
        .collect();
    let matrix = Matrix { view, pack, bars: &bars, numbers, switches, incidents };
    let rows: Vec<Value> = pack.taxonomy.iter().map(|category| matrix.row(&category.id)).collect();
    json!({"channels": channels, "span": Channel::ALL.len(), "rows": rows, "reason_max": REASON_MAX})
}

struct Matrix<'a> {
    view: &'a View<'a>,
    pack: &'a Pack,
    bars: &'a Bars,
    numbers: &'a Numbers,
    switches: &'a [ModeSwitch],
    incidents: &'a [Incident],
}

impl Matrix<'_> {
    fn row(&self, category: &str) -> Value {
        let locked =
            Channel::ALL.iter().map(|channel| self.bars.get(&(category.to_owned(), *channel)));
        let locked: Option<Vec<_>> =
            locked.map(|bar| bar.filter(|(mode, ..)| *mode == Mode::Off)).collect();
        // The same rule on every channel needs one sentence only.
        let always = locked.and_then(|bars| bars.first().copied()).map(
            |(_, rule, text)| json!({"rule": rule, "text": text.in_locale(self.view.locale())}),
        );
        let incident = self.incidents.iter().any(|one| {
            one.terms.stop_auto && Channel::ALL.iter().any(|to| one.concerns(Some(category), *to))
        });
        let cells: Vec<Value> = if always.is_some() {
            Vec::new()
        } else {
            Channel::ALL.iter().map(|channel| self.cell(category, *channel)).collect()
        };
        json!({
            "id": category, "name": self.view.category(Some(category), None),
            "always": always, "incident": incident, "cells": cells,
        })
    }

    fn cell(&self, category: &str, channel: Channel) -> Value {
        let view = self.view;
        let bar = bar(self.pack, self.bars, category, channel);
        let switch =
            self.switches.iter().find(|one| one.category == category && one.channel == channel);
        let ceiling = bar.as_ref().map_or(Mode::Auto, Bar::mode);
        let mode = switch.map_or(ceiling, |switch| ceiling.stricter(switch.mode));
        let options: Vec<Value> = Mode::ALL
            .iter()
            .map(|option| {
                json!({
                    "value": option, "label": view.say(&format!("board.mode.{option}"), &[]),
                    "checked": *option == mode, "refused": *option < ceiling,
                })
            })
            .collect();
        json!({
            "channel": channel, "channel_word": words::channel(channel.as_str(), view.locale()),
            "category": category, "category_word": view.category(Some(category), None),
            "mode": mode, "options": options,
            "movable": ceiling != Mode::Off,
            "whys": self.whys(category, channel, (bar.as_ref(), switch)),
        })
    }

    /// What stands below a switch, the most pressing first.
    fn whys(
        &self,
        category: &str,
        channel: Channel,
        (bar, switch): (Option<&Bar>, Option<&ModeSwitch>),
    ) -> Vec<String> {
        let view = self.view;
        let mut whys = Vec::new();
        if view.person.standing.stopped.is_some() {
            whys.push(view.say("board.mode.stopped", &[]));
        }
        let held = |one: &&Incident| one.terms.stop_auto && one.concerns(Some(category), channel);
        if let Some(incident) = self.incidents.iter().find(held) {
            whys.push(view.say("board.mode.incident", &[("name", &incident.name)]));
        }
        if let Some(bar) = bar {
            whys.push(bar.say(view));
        }
        if let Some(switch) = switch {
            let day = view.date(switch.at.with_timezone(&view.zone()).date_naive());
            let mode = view.say(&format!("board.mode.{}", switch.mode), &[]);
            let values = [("name", switch.by.as_str()), ("day", &day), ("mode", &mode)];
            whys.push(view.say("board.mode.switched", &values));
            whys.extend(switch.reason.clone());
        }
        whys.extend(self.reviewed(category, channel));
        whys
    }

    /// What people decided about drafts of the last ninety days.
    fn reviewed(&self, category: &str, channel: Channel) -> Option<String> {
        let part = format!("{channel}/{category}");
        let of = |name: &str| -> i64 {
            let found = self.numbers.drafts.iter();
            found.filter(|(known, what, _)| *known == part && what == name).map(|one| one.2).sum()
        };
        let approved = of("draft_approved");
        let all = approved + of("draft_edited") + of("draft_rejected");
        let share = self.view.share(percent_of(approved, all)?.round());
        let n = self.view.count(all);
        Some(self.view.say("board.mode.reviewed", &[("n", &n), ("share", &share)]))
    }
}

/// `POST /desk/modes`: how far the assistant goes in a category on a channel.
pub(in crate::desk) async fn switch(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    match Box::pin(try_switch(&desk, &person, &posted)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn try_switch(desk: &Desk, person: &Person, posted: &Posted) -> Result<Response, Trouble> {
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let period = period_of(posted);
    let known = |category: &&str| view.pack.is_some_and(|pack| pack.category(category).is_some());
    let category = posted.get("category").filter(known);
    let channel = posted.get("channel").and_then(Channel::parse);
    let mode = posted.get("mode").and_then(Mode::parse);
    let (Some(pack), Some(category), Some(channel), Some(mode)) =
        (view.pack, category, channel, mode)
    else {
        let again = Again::bad(view.say("board.refused.mode", &[]));
        return refused(
            desk,
            person,
            (period, Panel::None),
            StatusCode::UNPROCESSABLE_ENTITY,
            again,
        )
        .await;
    };
    let reason = posted.get("reason").map(str::to_owned);
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        let again = Again::bad(view.say("board.refused.long", &[("n", &REASON_MAX.to_string())]));
        return refused(
            desk,
            person,
            (period, Panel::None),
            StatusCode::UNPROCESSABLE_ENTITY,
            again,
        )
        .await;
    }
    let bar = bar(pack, &desk.barred().of(pack), category, channel);
    if let Some(bar) = bar.as_ref().filter(|bar| mode < bar.mode()) {
        let again = Again::bad(bar.say(&view));
        return refused(desk, person, (period, Panel::None), StatusCode::CONFLICT, again).await;
    }
    let policy = pack.mode(category, channel);
    let ceiling = bar.map_or(Mode::Auto, |bar| bar.mode());
    let change = ModeChange {
        category: category.to_owned(),
        channel,
        // What is as far as the policy goes is left to it, so that it follows when the policy changes.
        mode: (mode > ceiling).then_some(mode),
        policy,
        reason,
    };
    let (store, now) = (desk.web().store(), desk.now());
    store.switch_mode(now, &person.tenant, &person.actor(), &person.name, change).await?;
    Ok(see_other(&format!("{}#modes", address(period, &Panel::None, Some("mode")))))
}
