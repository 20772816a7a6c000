//! The questions that the pipeline asks of a pack.

use super::facts::Facts;
use super::pack::{Category, Pack, Plan, Team, Thresholds, TurnWindow};
use super::rules::{Evaluated, Rule};
use crate::domain::channel::Channel;
use crate::domain::decision::Mode;
use crate::domain::labels::{Complexity, Urgency};

/// What the routing table looks at.
#[derive(Clone, Copy, Debug)]
pub struct RouteQuery<'a> {
    /// The category.
    pub category: &'a str,
    /// The subcategory, where there is one.
    pub subcategory: Option<&'a str>,
    /// How hard the case is.
    pub complexity: Complexity,
    /// The urgency after the rules.
    pub urgency: Urgency,
    /// The customer's plan, where it is known.
    pub plan: Option<&'a str>,
}

/// Who takes a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'p> {
    /// The team, also the queue's name.
    pub team: &'p str,
    /// The level within the team.
    pub level: &'p str,
    /// The id of the row that matched.
    pub rule_id: &'p str,
}

impl Pack {
    /// Returns how far the worker may go: category and channel together win over the category
    /// alone, that over the channel alone, that over the default.
    pub fn mode(&self, category: &str, channel: Channel) -> Mode {
        let by_category = self.modes.by.get(&Some(category.to_owned()));
        let by_any = self.modes.by.get(&None);
        let of = |by: Option<&std::collections::BTreeMap<Option<Channel>, Mode>>, channel| {
            by.and_then(|modes| modes.get(&channel).copied())
        };
        of(by_category, Some(channel))
            .or_else(|| of(by_category, None))
            .or_else(|| of(by_any, Some(channel)))
            .or_else(|| of(by_any, None))
            .unwrap_or(self.modes.default)
    }

    /// Returns who takes a case: the first row of the routing table that matches.
    pub fn route(&self, query: &RouteQuery<'_>) -> Route<'_> {
        let plan = query.plan.and_then(|plan| self.plan(plan)).map(|plan| plan.id.as_str());
        let any = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|w| w == found))
        };
        let row = self.routing.iter().find(|row| {
            any(&row.category, Some(query.category))
                && any(&row.subcategory, query.subcategory)
                && (row.complexity.is_empty() || row.complexity.contains(&query.complexity))
                && (row.urgency.is_empty() || row.urgency.contains(&query.urgency))
                && any(&row.plan, plan)
        });
        let own_team = || {
            let category = self.category(query.category).unwrap_or_else(|| self.default_category());
            category.team.as_str()
        };
        // A loaded pack's last row matches everything; the words below are never reached with one.
        row.map_or_else(
            || Route { team: own_team(), level: "", rule_id: "" },
            |row| Route {
                team: row.team.as_deref().unwrap_or_else(own_team),
                level: &row.level,
                rule_id: &row.id,
            },
        )
    }

    /// Judges every rule, in the file's order.
    pub fn evaluate(&self, facts: &Facts) -> Vec<Evaluated<'_>> {
        self.rules.evaluate(facts)
    }

    /// Returns the rules, in the file's order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules.rules
    }

    /// Returns a rule by its id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.rules.iter().find(|rule| rule.id == id)
    }

    /// Returns the confidence floors.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Returns how long to wait for the end of a turn on a channel.
    pub fn turn_window(&self, channel: Channel) -> TurnWindow {
        self.turns.by.get(&channel).copied().unwrap_or_default()
    }

    /// Returns a category by its id.
    pub fn category(&self, id: &str) -> Option<&Category> {
        self.taxonomy.iter().find(|category| category.id == id)
    }

    /// Returns the category that takes what fits nowhere.
    pub fn default_category(&self) -> &Category {
        static NONE: std::sync::LazyLock<Category> = std::sync::LazyLock::new(Category::default);
        let first = self.taxonomy.first();
        self.taxonomy.iter().find(|category| category.default).or(first).unwrap_or(&NONE)
    }

    /// Returns a team by its id.
    pub fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    /// Returns the level of a team that a rule asks for, or the team's highest where it has no
    /// such level; empty for a team the pack does not know.
    pub fn level_in<'p>(&'p self, team: &str, wanted: &str) -> &'p str {
        let levels = self.team(team).map(|team| team.levels.as_slice()).unwrap_or_default();
        let same = levels.iter().find(|level| level.id == wanted);
        same.or(levels.last()).map_or("", |level| level.id.as_str())
    }

    /// Returns a plan by its id or one of its other spellings, whatever the case.
    pub fn plan(&self, spelling: &str) -> Option<&Plan> {
        let spelling = spelling.trim();
        let same = |known: &str| known.eq_ignore_ascii_case(spelling);
        self.plans.iter().find(|plan| same(&plan.id) || plan.aliases.iter().any(|a| same(a)))
    }

    /// Returns whether a plan goes to the priority queue; `None` for a plan the pack does not know.
    pub fn is_vip(&self, plan: &str) -> Option<bool> {
        self.plan(plan).map(|plan| plan.vip)
    }
}
