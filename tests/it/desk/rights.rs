//! Every route of the desk against every role, who is signed out, and who belongs to another business. The routes come
//! from the desk's own table, so that a new one is covered by itself.

use atende::domain::ids::TenantId;
use atende::domain::role::{Right, Role};

use super::{Browser, Page, somebody};
use crate::world::{DRAFT, QUESTION, World};

/// What stands in the place of a parameter: something of the business `main` that there is.
struct Samples {
    user: String,
    ticket: String,
    file: String,
}

impl Samples {
    async fn of(world: &mut World) -> Self {
        let target = somebody(world, &TenantId::main(), "Alvo", Role::Agent).await;
        world.writes("chat", "maria", QUESTION).await;
        world.decide_only().await;
        let (ticket, file) = (world.ticket_id("maria").await, "att_0".to_owned());
        Self { user: target.id.to_string(), ticket, file }
    }

    /// Fills the parameters of a path. A new kind of path names its sample here.
    fn fill(&self, path: &str) -> String {
        let sample = match path {
            _ if path.starts_with("/desk/people/{id}") => self.user.as_str(),
            "/desk/t/{ticket}/{action}" => return format!("/desk/t/{}/note", self.ticket),
            "/desk/t/{ticket}" => self.ticket.as_str(),
            "/desk/files/{id}" => self.file.as_str(),
            "/desk/saved/{id}/forget" => "srp_0",
            "/desk/wishes/{id}/done" => "wsh_0",
            "/desk/mails/{message}" => "msg_0",
            "/desk/enter/{secret}" | "/desk/{*rest}" => "nothing",
            _ => "",
        };
        let mut filled = String::new();
        for (n, part) in path.split(['{', '}']).enumerate() {
            let name = n % 2 == 1;
            assert!(
                !name || !sample.is_empty() || path.starts_with("/desk/a/"),
                "no sample for {path}"
            );
            filled.push_str(if name { sample } else { part });
        }
        filled
    }
}

async fn ask(browser: &Browser, method: &str, path: &str) -> Page {
    match method {
        "GET" => browser.get(path).await,
        "POST" => browser.post(path, &[]).await,
        other => panic!("no route takes {other}"),
    }
}

#[tokio::test]
async fn every_route_asks_for_its_right() {
    let mut world = World::draft().await;
    let other = world.add_tenant("other", DRAFT).await;
    let samples = Samples::of(&mut world).await;
    let mut people = Vec::new();
    for role in Role::ALL {
        let name = format!("Pessoa {role}");
        people.push(somebody(&world, &TenantId::main(), &name, *role).await);
    }
    let stranger = somebody(&world, &other, "Estranha", Role::Admin).await;
    let routes = atende::desk::table();
    assert!(routes.len() > 15 && routes.iter().any(|(.., right)| *right == Some(Right::People)));
    for (method, path, right) in routes {
        let Some(right) = right else { continue };
        let filled = samples.fill(path);
        let nobody = ask(&Browser::new(&world), method, &filled).await;
        match method {
            "GET" => assert!(nobody.leads_to().starts_with("/desk/login?next=%2Fdesk"), "{path}"),
            _ => assert_eq!(nobody.status, 401, "{method} {path}"),
        }
        let script = Browser::new(&world).with("x-desk", "1");
        assert_eq!(ask(&script, method, &filled).await.status, 401, "{method} {path}, by script");
        for user in &people {
            let page = ask(&Browser::of(&world, user).await, method, &filled).await;
            let case = format!("{method} {path} as {}: {}", user.role, page.status);
            if user.role.may(right) {
                assert!(page.status < 500 && ![401, 403].contains(&page.status), "{case}");
            } else {
                assert_eq!(page.status, 403, "{case}");
                assert!(page.text.contains("Pessoa admin"), "{case}: it says who may");
            }
            if method == "POST" && user.role.may(right) {
                let mut forged = Browser::of(&world, user).await;
                forged.csrf = "0".repeat(64);
                assert_eq!(ask(&forged, method, &filled).await.status, 403, "{case}, forged");
            }
        }
        if path.contains('{') {
            let page = ask(&Browser::of(&world, &stranger).await, method, &filled).await;
            assert_eq!(page.status, 404, "{method} {path} of another business");
        }
    }
}

#[tokio::test]
async fn who_is_kept_out_of_a_page_learns_who_has_the_right() {
    let world = World::draft().await;
    let main = TenantId::main();
    let agent = somebody(&world, &main, "Rafa Lima", Role::Agent).await;
    somebody(&world, &main, "Ana Souza", Role::Admin).await;
    somebody(&world, &main, "Bia Reis", Role::Supervisor).await;
    let page = Browser::of(&world, &agent).await.get("/desk/people").await;
    let text = page.is(403);
    assert!(
        text.contains("Ana Souza") && text.contains("It is for: Admin; you are: Agent."),
        "{text}"
    );
    assert!(!text.contains("Bia Reis"), "{text}");
}
