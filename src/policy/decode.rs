//! Turns a policy tree into a pack. Names are declared first (teams, plans, categories, roles),
//! then everything that refers to them is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decode_parts as parts;
use super::decode_service as service;
use super::pack::{Category, Level, Pack, Plan, Role, Subcategory, Team};
use super::problem::{Complaint, TEAM};
use super::read::{Desk, MapView, View};
use super::sla;
use super::yaml::Node;

/// The keys of a policy file.
const KEYS: &[&str] = &[
    "id",
    "version",
    "name",
    "description",
    "extends",
    "business",
    "voice",
    "teams",
    "plans",
    "roles",
    "taxonomy",
    "urgency",
    "routing",
    "modes",
    "thresholds",
    "limits",
    "turns",
    "safety",
    "sla",
    "lifecycle",
    "notices",
    "people",
    "notifications",
    "departments",
    "incidents",
    "rules",
    "examples",
];

/// Every name that a pack declares, for the parts that refer to them.
pub(super) struct Names {
    pub(super) teams: Vec<Team>,
    pub(super) plans: Vec<Plan>,
    pub(super) roles: Vec<Role>,
    /// Categories with their subcategories.
    pub(super) categories: BTreeMap<String, Vec<String>>,
    pub(super) limits: BTreeMap<String, f64>,
}

impl Names {
    pub(super) fn teams(&self) -> Vec<&str> {
        self.teams.iter().map(|team| team.id.as_str()).collect()
    }

    pub(super) fn plans(&self) -> Vec<&str> {
        self.plans.iter().map(|plan| plan.id.as_str()).collect()
    }

    pub(super) fn roles(&self) -> Vec<&str> {
        self.roles.iter().map(|role| role.id.as_str()).collect()
    }

    pub(super) fn categories(&self) -> Vec<&str> {
        self.categories.keys().map(String::as_str).collect()
    }

    /// Returns the levels of a team, or of any team when none is named.
    pub(super) fn levels(&self, team: Option<&str>) -> Vec<&str> {
        let teams = self.teams.iter().filter(|t| team.is_none_or(|team| t.id == team));
        let levels = teams.flat_map(|t| &t.levels).map(|level| level.id.as_str());
        levels.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn subcategories(&self, categories: &[String]) -> Vec<String> {
        let all = self.categories.iter();
        let chosen = all.filter(|(id, _)| categories.is_empty() || categories.contains(id));
        chosen.flat_map(|(_, subs)| subs.clone()).collect()
    }
}

pub(super) fn pack(tree: &Node, desk: &Desk<'_>, digest: String) -> Pack {
    let view = View { node: tree, path: String::new(), desk };
    let map = view.map(KEYS);
    let teams = enabled(&map, "teams").iter().map(team).collect();
    let plans = enabled(&map, "plans").iter().map(plan).collect();
    let roles = enabled(&map, "roles").iter().map(role).collect();
    let limits = map.get("limits").map(|view| parts::limits(&view)).unwrap_or_default();
    let mut names = Names { teams, plans, roles, categories: BTreeMap::new(), limits };
    let taxonomy: Vec<Category> =
        enabled(&map, "taxonomy").iter().map(|view| category(view, &names)).collect();
    names.categories = taxonomy
        .iter()
        .map(|c| (c.id.clone(), c.subcategories.iter().map(|s| s.id.clone()).collect()))
        .collect();
    check_taxonomy(&map, &taxonomy);
    require(&map, "teams", names.teams.is_empty());
    let business = parts::business(&map);
    let service_names = sla::Names {
        zone: business.time_zone,
        plans: names.plans(),
        categories: names.categories(),
        levels: names.levels(None),
        subcategories: &|category| names.subcategories(&[category.to_owned()]),
    };
    let notifications = map
        .get("notifications")
        .map(|view| service::notifications(&view, &names))
        .unwrap_or_default();
    Pack {
        id: map.id(),
        version: map.text("version"),
        digest,
        name: map.local("name"),
        description: map.local("description"),
        business,
        voice: map.get("voice").map(|view| parts::voice(&view)).unwrap_or_default(),
        urgency: parts::urgency(&map),
        routing: parts::routing(&map, &names, &taxonomy),
        modes: parts::modes(&map, &names),
        thresholds: parts::thresholds(&map),
        turns: parts::turns(&map),
        safety: parts::safety(&map, &names),
        sla: map.get("sla").map(|view| sla::read(&view, &service_names)).unwrap_or_default(),
        departments: enabled(&map, "departments")
            .iter()
            .map(|view| parts::department(view, &names))
            .collect(),
        incidents: enabled(&map, "incidents")
            .iter()
            .map(|v| service::incident(v, &names))
            .collect(),
        lifecycle: service::lifecycle(&map, notifications.chain.len()),
        notices: map.get("notices").map(|view| service::notices(&view)).unwrap_or_default(),
        people: enabled(&map, "people").iter().map(|v| service::person(v, &names)).collect(),
        notifications,
        rules: parts::rules(&map, &names),
        examples: Arc::new(super::examples::read(&map, desk)),
        taxonomy,
        limits: names.limits,
        teams: names.teams,
        plans: names.plans,
        roles: names.roles,
    }
}

/// Returns the things of a list that are not disabled.
pub(super) fn enabled<'n, 'd>(map: &MapView<'n, 'd>, key: &str) -> Vec<View<'n, 'd>> {
    map.list(key)
        .into_iter()
        .filter(|view| {
            let disabled = view.node.get("disabled").is_some_and(|node| {
                let path = format!("{}.disabled", view.path);
                View { node, path, desk: view.desk }.bool()
            });
            !disabled
        })
        .collect()
}

fn require(map: &MapView<'_, '_>, key: &str, empty: bool) {
    if !empty {
        return;
    }
    let complaint = Complaint::new(
        format!("\"{key}\" precisa de pelo menos um item"),
        format!("\"{key}\" needs at least one item"),
    )
    .hint(
        "comece com \"extends: saas-br\" e mude só o que quiser",
        "start with \"extends: saas-br\" and change only what you want",
    );
    map.desk.report(map.get(key).map_or(map.at, |view| view.node.at), &map.path_of(key), complaint);
}

fn team(view: &View<'_, '_>) -> Team {
    let map = view.map(&["id", "name", "levels", "disabled"]);
    let levels = enabled(&map, "levels");
    if levels.is_empty() {
        view.complain(Complaint::new(
            "uma equipe precisa de pelo menos um nível",
            "a team needs at least one level",
        ));
    }
    Team {
        id: map.id(),
        name: map.local("name"),
        levels: levels
            .iter()
            .map(|view| {
                let map = view.map(&["id", "name", "disabled"]);
                Level { id: map.id(), name: map.local("name") }
            })
            .collect(),
    }
}

fn plan(view: &View<'_, '_>) -> Plan {
    let map = view.map(&["id", "name", "vip", "aliases", "disabled"]);
    Plan {
        id: map.id(),
        name: map.local("name"),
        vip: map.flag("vip", false),
        aliases: map.list("aliases").iter().map(View::text).collect(),
    }
}

fn role(view: &View<'_, '_>) -> Role {
    let map = view.map(&["id", "name", "disabled"]);
    Role { id: map.id(), name: map.local("name") }
}

fn category(view: &View<'_, '_>, names: &Names) -> Category {
    let map = view.map(&[
        "id",
        "name",
        "description",
        "keywords",
        "more_keywords",
        "team",
        "subcategories",
        "default",
        "disabled",
    ]);
    Category {
        id: map.id(),
        name: map.local("name"),
        description: map.local("description"),
        keywords: parts::keywords(&map),
        team: map.need("team").map(|v| v.name_of(TEAM, &names.teams())).unwrap_or_default(),
        subcategories: enabled(&map, "subcategories").iter().map(subcategory).collect(),
        default: map.flag("default", false),
    }
}

fn subcategory(view: &View<'_, '_>) -> Subcategory {
    let map = view.map(&["id", "name", "description", "keywords", "more_keywords", "disabled"]);
    Subcategory {
        id: map.id(),
        name: map.local("name"),
        description: map.local("description"),
        keywords: parts::keywords(&map),
    }
}

fn check_taxonomy(map: &MapView<'_, '_>, taxonomy: &[Category]) {
    require(map, "taxonomy", taxonomy.is_empty());
    let defaults = taxonomy.iter().filter(|category| category.default).count();
    if !taxonomy.is_empty() && defaults != 1 {
        let complaint = Complaint::new(
            format!("{defaults} categorias têm \"default: true\"; precisa ser uma"),
            format!("{defaults} categories have \"default: true\"; it must be one"),
        )
        .hint(
            "marque a categoria que recebe o que não cabe em nenhuma outra",
            "mark the category that takes what fits nowhere else",
        );
        let at = map.get("taxonomy").map_or(map.at, |view| view.node.at);
        map.desk.report(at, "taxonomy", complaint);
    }
}
