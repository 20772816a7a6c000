//! Content people at the desk: articles, templates and prompts are written, checked, published and taken back.

use std::fs;
use std::path::{Path, PathBuf};

use atende::config::{Config, KnowledgeSettings, PolicySettings, PromptSettings, TemplateSettings};
use atende::domain::ids::TenantId;
use atende::domain::labels::Locale;
use atende::domain::role::Role;

use super::{Browser, Page, somebody};
use crate::world::{DRAFT, QUESTION, World};

/// The article that answers `QUESTION`.
const ARTICLE: &str = "pt-BR/technical/reset-password.md";
/// A sentence of it, and another in its place.
const SAID: &str = "O link vale por 1 hora.";
const SAYS: &str = "O link vale por 47 minutos.";

/// A business with folders of its own, and somebody who writes.
struct Desk {
    world: World,
    caio: Browser,
    folder: tempfile::TempDir,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Desk {
    async fn opens() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge");
        copy(&shipped, &folder.path().join("articles"));
        for name in ["templates", "prompts"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("policy.yaml"), DRAFT).unwrap();
        let at = |name: &str| Some(folder.path().join(name));
        let config = Config {
            policy: PolicySettings { file: at("policy.yaml"), ..PolicySettings::default() },
            knowledge: KnowledgeSettings { dir: at("articles") },
            templates: TemplateSettings { dir: at("templates") },
            prompts: PromptSettings { dir: at("prompts") },
            ..Config::default()
        };
        let mut world = World::draft().await;
        world.app().adopt_all(&config, Locale::En).await.unwrap();
        world.homes = world.app().homes(&config, Locale::En);
        let caio = somebody(&world, &TenantId::main(), "Caio Reis", Role::Content).await;
        let caio = Browser::of(&world, &caio).await;
        Self { world, caio, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn article(&self) -> String {
        fs::read_to_string(self.file("articles").join(ARTICLE)).unwrap()
    }

    async fn page(&self, kind: &str, name: &str) -> Page {
        self.caio.get(&at(kind, name)).await
    }

    /// Sends the form of a file's page as it stands, with other words.
    async fn sends(&self, kind: &str, name: &str, text: &str, wanted: &str) -> Page {
        let page = self.page(kind, name).await;
        self.sends_from(&page, (kind, name), text, wanted).await
    }

    async fn sends_from(
        &self,
        page: &Page,
        (kind, name): (&str, &str),
        text: &str,
        wanted: &str,
    ) -> Page {
        let held = |field: &str| value(page.is(200), field);
        let (base, seen, rev) = (held("base"), held("seen"), held("rev"));
        let fields = [
            ("tipo", kind),
            ("nome", name),
            ("base", &base),
            ("seen", &seen),
            ("rev", &rev),
            ("text", text),
            ("do", wanted),
        ];
        self.caio.post("/desk/content/item", &fields).await
    }

    /// What the worker answers to `QUESTION` now.
    async fn answer(&mut self, who: &str) -> String {
        self.world.writes("chat", who, QUESTION).await;
        self.world.drain().await;
        self.world.advance(60);
        self.world.drain().await;
        self.world.ticket(who).await["drafts"][0]["text"].as_str().unwrap().to_owned()
    }
}

fn at(kind: &str, name: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("tipo", kind).append_pair("nome", name);
    format!("/desk/content/item?{}", query.finish())
}

/// What the form of a text holds in a hidden field.
#[track_caller]
fn value(page: &str, field: &str) -> String {
    let (_, form) = page.split_once("id=\"content-form\"").expect("a form");
    let (_, rest) = form.split_once(&format!("name=\"{field}\" value=\"")).expect("the field");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_written_checked_published_and_rolled_back() {
    let mut desk = Desk::opens().await;
    let before = desk.article();
    assert!(desk.answer("ana").await.contains(SAID));

    let text = before.replace(SAID, SAYS);
    let saved = desk.sends("article", ARTICLE, &text, "save").await;
    assert!(saved.leads_to().ends_with("&feito=saved"), "{}", saved.leads_to());
    assert_eq!(desk.article(), before, "a draft is no file");
    let list = desk.caio.get("/desk/content?q=redefinir").await;
    assert!(list.is(200).contains("Como redefinir a senha") && list.text.contains("chip is-ai"));

    let wrong = text.replace("updated: 2026-11-03\n", "");
    let refused = desk.sends("article", ARTICLE, &wrong, "publish").await;
    assert!(refused.is(422).contains("Not published:"), "{}", refused.text);
    assert!(refused.text.contains("updated") && refused.text.contains(SAYS), "the words stay");
    assert_eq!(desk.article(), before);

    let published = desk.sends("article", ARTICLE, &text, "publish").await;
    assert!(published.leads_to().ends_with("&feito=published"), "{}", published.leads_to());
    assert_eq!(desk.article(), text);
    let answer = desk.answer("bia").await;
    assert!(answer.contains(SAYS) && !answer.contains(SAID), "{answer}");
    let page = desk.page("article", ARTICLE).await;
    for expected in ["Caio Reis", "As it was in the folder", "counts now", "published"] {
        assert!(page.is(200).contains(expected), "{expected}: {}", page.text);
    }
    let diff = desk.caio.get(&format!("{}&versao=2", at("article", ARTICLE))).await;
    assert!(diff.is(200).contains("<del>") && diff.text.contains("<ins>"), "{}", diff.text);
    let again = desk.sends("article", ARTICLE, &text, "publish").await;
    assert!(again.leads_to().ends_with("&feito=same"), "nothing changed: {}", again.leads_to());

    let seen = value(&page.text, "seen");
    let fields = [
        ("tipo", "article"),
        ("nome", ARTICLE),
        ("seen", seen.as_str()),
        ("versao", "1"),
        ("do", "rollback"),
    ];
    let back = desk.caio.post("/desk/content/item", &fields).await;
    assert!(back.leads_to().ends_with("&feito=rolled_back"), "{}", back.leads_to());
    assert_eq!(desk.article(), before);
    assert!(desk.answer("cida").await.contains(SAID));
    let page = desk.page("article", ARTICLE).await;
    assert!(page.is(200).contains("Back to version 1"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_in_its_folder_is_told_of_and_never_overwritten_unseen() {
    let desk = Desk::opens().await;
    let before = desk.article();
    let text = before.replace(SAID, SAYS);
    desk.sends("article", ARTICLE, &text, "publish").await.leads_to();
    let open = desk.page("article", ARTICLE).await;

    let outside = before.replace(SAID, "O link vale por 2 dias.");
    fs::write(desk.file("articles").join(ARTICLE), &outside).unwrap();
    let other = text.replace("47", "48");
    let refused = desk.sends_from(&open, ("article", ARTICLE), &other, "publish").await;
    assert!(refused.is(409).contains("the file changed in the folder"), "{}", refused.text);
    assert!(refused.text.contains("<ins>"), "the difference is shown: {}", refused.text);
    assert_eq!(desk.article(), outside);

    let list = desk.caio.get("/desk/content?q=redefinir").await;
    assert!(list.is(200).contains("changed in the folder"), "{}", list.text);
    let page = desk.page("article", ARTICLE).await;
    assert!(page.is(200).contains("Changed in the folder, not from here"), "{}", page.text);
    // Whoever saw it may publish over it; what it said stays in the history.
    desk.sends("article", ARTICLE, &other, "publish").await.leads_to();
    assert_eq!(desk.article(), other);
    let third = desk.caio.get(&format!("{}&versao=3", at("article", ARTICLE))).await;
    assert!(third.is(200).contains("2 dias") || third.text.contains("<ins>2"), "{}", third.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_write_the_second_sees_what_the_first_saved() {
    let desk = Desk::opens().await;
    let (before, open) = (desk.article(), desk.page("article", ARTICLE).await);
    desk.sends("article", ARTICLE, &before.replace(SAID, SAYS), "save").await.leads_to();
    for wanted in ["save", "publish"] {
        let text = before.replace(SAID, "O link vale por 3 horas.");
        let refused = desk.sends_from(&open, ("article", ARTICLE), &text, wanted).await;
        assert!(refused.is(409).contains("Caio Reis saved a draft"), "{wanted}: {}", refused.text);
        assert!(refused.text.contains("3 horas"), "{wanted}: one's own words stay");
    }
    assert_eq!(desk.article(), before);
    let gone = desk.sends("article", ARTICLE, "", "discard").await;
    assert!(gone.leads_to().ends_with("&feito=discarded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_prompts_are_previewed_and_published_over_what_is_shipped() {
    let mut desk = Desk::opens().await;
    let name = "answer.pt-BR.hbs";
    let page = desk.page("template", name).await;
    for expected in ["as shipped", "ticket with everything known", "WhatsApp", "furious customer"] {
        assert!(page.is(200).contains(expected), "{expected}: {}", page.text);
    }
    let wrong = desk.sends("template", name, "{{anser}}", "publish").await;
    assert!(wrong.is(422).contains("did you mean &#x60;answer&#x60;"), "{}", wrong.text);
    let shown = desk.sends("template", name, "Zás! {{answer}}", "preview").await;
    assert!(shown.is(200).contains("Zás! A segunda via"), "{}", shown.text);
    assert!(!desk.file("templates").join(name).exists());
    let text = "{{> greeting}}\n\nZás! {{answer}}\n\n{{ai_disclosure}} {{way_to_person}}\n";
    let published = desk.sends("template", name, text, "publish").await;
    assert!(published.leads_to().ends_with("&feito=published"), "{}", published.leads_to());
    assert_eq!(fs::read_to_string(desk.file("templates").join(name)).unwrap(), text);
    assert!(desk.answer("ana").await.contains("Zás!"));
    let page = desk.page("template", name).await;
    assert!(page.is(200).contains("As it came with the program"), "{}", page.text);

    let page = desk.page("prompt", "draft.en.hbs").await;
    assert!(
        page.is(200).contains("&#x3D; system") && page.text.contains("&#x3D; user"),
        "{}",
        page.text
    );
    let wrong = desk.sends("prompt", "draft.en.hbs", "nothing", "publish").await;
    assert!(wrong.is(422).contains("Not published:"), "{}", wrong.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_article_begins_as_a_draft_and_no_name_leads_out_of_the_folder() {
    let desk = Desk::opens().await;
    let fields =
        [("titulo", "Como troco o idioma?"), ("categoria", "technical"), ("idioma", "pt-BR")];
    let new = desk.caio.post("/desk/content/new", &fields).await;
    let page = desk.caio.get(new.leads_to()).await;
    assert!(page.is(200).contains("pt-BR/technical/como-troco-o-idioma.md"), "{}", page.text);
    assert!(page.text.contains("title: &quot;Como troco o idioma?&quot;"), "{}", page.text);
    for (kind, name) in [
        ("article", "../policy.md"),
        ("article", "pt-BR/../../x.md"),
        ("article", "/etc/x.md"),
        ("template", "../articles/x.hbs"),
        ("policy", "policy.yaml"),
    ] {
        assert_eq!(desk.page(kind, name).await.status, 404, "{name}");
        let fields = [("tipo", kind), ("nome", name), ("text", "x"), ("do", "publish")];
        assert_eq!(desk.caio.post("/desk/content/item", &fields).await.status, 404, "{name}");
    }
    let long = desk.sends("article", ARTICLE, &"a".repeat(70_000), "save").await;
    assert!(long.is(422).contains("longer than 64 KiB"), "{}", long.text);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_a_link() {
    let desk = Desk::opens().await;
    let (place, other) = (desk.file("articles").join(ARTICLE), desk.file("other.md"));
    fs::rename(&place, &other).unwrap();
    std::os::unix::fs::symlink(&other, &place).unwrap();
    let before = fs::read_to_string(&other).unwrap();
    let refused = desk.sends("article", ARTICLE, &before.replace(SAID, SAYS), "publish").await;
    assert!(refused.is(409).contains("a link stands in the place of the file"), "{}", refused.text);
    assert_eq!(fs::read_to_string(&other).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_tried_with_what_is_published_and_with_a_draft_and_nothing_is_kept() {
    let desk = Desk::opens().await;
    let tried = [("canal", "whatsapp"), ("idioma", "pt-BR"), ("text", QUESTION)];
    let page = desk.caio.post("/desk/content/try", &tried).await;
    for expected in ["Decision:", SAID, "Como redefinir a senha", "confidence"] {
        assert!(page.is(200).contains(expected), "{expected}: {}", page.text);
    }
    let text = desk.article().replace(SAID, SAYS);
    desk.sends("article", ARTICLE, &text, "save").await.leads_to();
    let draft = [&tried[..], &[("tipo", "article"), ("nome", ARTICLE)]].concat();
    let page = desk.caio.post("/desk/content/try", &draft).await;
    assert!(
        page.is(200).contains(SAYS) && page.text.contains("With the draft of"),
        "{}",
        page.text
    );
    let page = desk.caio.post("/desk/content/try", &tried).await;
    assert!(page.is(200).contains(SAID), "what is published stays: {}", page.text);
    let empty = desk.caio.post("/desk/content/try", &[("text", " ")]).await;
    assert!(empty.is(422).contains("at most 8000 characters"), "{}", empty.text);
    let tickets = desk.world.get("/v1/tickets").await;
    assert_eq!(tickets["items"].as_array().map(Vec::len), Some(0), "{tickets}");
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_read_and_do_not_write_and_without_a_folder_nobody_publishes() {
    let desk = Desk::opens().await;
    let rafa = somebody(&desk.world, &TenantId::main(), "Rafa Lima", Role::Agent).await;
    let rafa = Browser::of(&desk.world, &rafa).await;
    desk.sends("article", ARTICLE, &desk.article().replace(SAID, SAYS), "save").await.leads_to();
    let list = rafa.get("/desk/content?q=redefinir").await;
    assert!(list.is(200).contains("Como redefinir a senha") && !list.text.contains("chip is-ai"));
    let page = rafa.get(&at("article", ARTICLE)).await;
    assert!(page.is(200).contains(SAID), "{}", page.text);
    assert!(!page.text.contains(SAYS) && !page.text.contains("<textarea"), "no drafts of others");
    let fields = [("tipo", "article"), ("nome", ARTICLE), ("text", "x"), ("do", "save")];
    assert_eq!(rafa.post("/desk/content/item", &fields).await.status, 403);

    let world = World::draft().await;
    let caio = somebody(&world, &TenantId::main(), "Caio Reis", Role::Content).await;
    let caio = Browser::of(&world, &caio).await;
    let list = caio.get("/desk/content").await;
    assert!(list.is(200).contains("set knowledge.dir to a folder"), "{}", list.text);
    let refused = caio.post("/desk/content/item", &fields).await;
    assert!(refused.is(409).contains("set knowledge.dir"), "{}", refused.text);
}
