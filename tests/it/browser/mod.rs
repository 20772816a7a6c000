//! The desk in a real browser: Chromium, headless, against a server on loopback. Without one these stories are skipped,
//! loudly; `scripts/test` brings it.

mod reviewing;
mod seeing;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::desk::DeskSettings;
use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams,
};
use chromiumoxide::cdp::browser_protocol::log::EventEntryAdded;
use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotFormat;
use chromiumoxide::cdp::js_protocol::runtime::{EventConsoleApiCalled, EventExceptionThrown};
use chromiumoxide::page::{Page, ScreenshotParams};
use futures::StreamExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::desk::Browser as Client;
use crate::world::World;

/// How long anything on a page may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Chromium, where there is one.
pub(crate) fn chromium() -> Option<PathBuf> {
    let found = std::env::var_os("ATENDE_TEST_CHROMIUM").map(PathBuf::from);
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        let why = "SKIPPED: no browser; set ATENDE_TEST_CHROMIUM to Chromium's program, as scripts/test does";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        std::io::Write::write_all(&mut std::io::stderr(), format!("{why}\n").as_bytes()).unwrap();
    }
    found
}

/// The desk on a port, and a browser that can open it.
pub(crate) struct Screen {
    browser: Browser,
    address: String,
    tasks: TaskTracker,
    stop: CancellationToken,
    problems: Arc<Mutex<Vec<String>>>,
    _profile: tempfile::TempDir,
}

impl Screen {
    /// Serves a world's desk and starts a browser; `None` where there is no browser.
    pub(crate) async fn of(world: &World) -> Option<Self> {
        let program = chromium()?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = world.served(DeskSettings::default());
        let until = stop.clone();
        tasks.spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! { served = serving => served.unwrap(), () = until.cancelled() => {} }
        });
        let profile = tempfile::tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(program)
            .user_data_dir(profile.path())
            .no_sandbox()
            .new_headless_mode()
            .window_size(1440, 900)
            .viewport(None)
            .launch_timeout(Duration::from_mins(1))
            .request_timeout(Duration::from_mins(1))
            .arg("disable-dev-shm-usage")
            .build()
            .unwrap();
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        let until = stop.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    event = handler.next() => if event.is_none() { return },
                    () = until.cancelled() => return,
                }
            }
        });
        let problems = Arc::default();
        Some(Self { browser, address, tasks, stop, problems, _profile: profile })
    }

    /// Opens a window of its own, signed in as whoever the client is, at an address of the desk.
    pub(crate) async fn window(&mut self, client: Option<&Client>, path: &str) -> Window {
        // Each person has a browser of their own: cookies are not shared between incognito contexts.
        let context = self.browser.create_browser_context(
            chromiumoxide::cdp::browser_protocol::target::CreateBrowserContextParams::default(),
        );
        let context = context.await.unwrap();
        let target = chromiumoxide::cdp::browser_protocol::target::CreateTargetParams::builder()
            .url("about:blank")
            .browser_context_id(context)
            .build()
            .unwrap();
        let page = self.browser.new_page(target).await.unwrap();
        page.enable_log().await.unwrap();
        page.enable_runtime().await.unwrap();
        self.watch(&page).await;
        if let Some(cookie) = client.and_then(|client| client.cookie.as_deref()) {
            let (name, value) = cookie.split_once('=').unwrap();
            let cookie = chromiumoxide::cdp::browser_protocol::network::CookieParam::builder()
                .name(name)
                .value(value)
                .url(format!("{}/desk", self.address))
                .build()
                .unwrap();
            page.set_cookie(cookie).await.unwrap();
        }
        let window = Window { page, address: self.address.clone() };
        window.size(1440, 900).await;
        window.open(path).await;
        window
    }

    /// Collects what a page complains of.
    async fn watch(&self, page: &Page) {
        let mut entries = page.event_listener::<EventEntryAdded>().await.unwrap();
        let mut thrown = page.event_listener::<EventExceptionThrown>().await.unwrap();
        let mut said = page.event_listener::<EventConsoleApiCalled>().await.unwrap();
        let (problems, stop) = (Arc::clone(&self.problems), self.stop.clone());
        self.tasks.spawn(async move {
            loop {
                let problem = tokio::select! {
                    () = stop.cancelled() => return,
                    Some(entry) = entries.next() => {
                        let entry = &entry.entry;
                        // That an action was refused is told by its status, which the browser notes too.
                        let refused = entry.text.contains("409") || entry.text.contains("422");
                        let level = format!("{:?}", entry.level);
                        (level == "Error" && !refused).then(|| entry.text.clone())
                    }
                    Some(event) = thrown.next() => Some(format!("{:?}", event.exception_details)),
                    Some(event) = said.next() => {
                        let kind = format!("{:?}", event.r#type);
                        (kind == "Error").then(|| format!("{:?}", event.args))
                    }
                };
                problems.lock().unwrap().extend(problem);
            }
        });
    }

    /// Ends the browser and says what pages complained of.
    pub(crate) async fn close(mut self) -> Vec<String> {
        self.browser.close().await.unwrap();
        self.browser.wait().await.unwrap();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let problems = self.problems.lock().unwrap();
        problems.clone()
    }
}

/// A window with a page of the desk.
pub(crate) struct Window {
    pub(crate) page: Page,
    address: String,
}

impl Window {
    pub(crate) async fn open(&self, path: &str) {
        self.page.goto(format!("{}{path}", self.address)).await.unwrap();
    }

    /// Sets the size of the window.
    pub(crate) async fn size(&self, width: i64, height: i64) {
        let size = SetDeviceMetricsOverrideParams::new(width, height, 1.0, width < 600);
        self.page.execute(size).await.unwrap();
    }

    /// Light or dark, as a system says it.
    pub(crate) async fn scheme(&self, scheme: &str) {
        let feature = MediaFeature::new("prefers-color-scheme", scheme);
        let media = SetEmulatedMediaParams::builder().feature(feature).build();
        self.page.execute(media).await.unwrap();
    }

    /// Evaluates an expression on the page.
    pub(crate) async fn says<T: serde::de::DeserializeOwned>(&self, expression: &str) -> T {
        let value = self.page.evaluate_expression(expression).await;
        value.unwrap_or_else(|error| panic!("{expression}: {error}")).into_value().unwrap()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn until<'w>(&'w self, expression: &'w str) -> impl Future<Output = ()> + 'w {
        let place = std::panic::Location::caller();
        async move {
            let started = std::time::Instant::now();
            loop {
                let value = self.page.evaluate_expression(expression).await;
                if value.is_ok_and(|value| value.into_value::<bool>().unwrap_or(false)) {
                    return;
                }
                if started.elapsed() > PATIENCE {
                    let text: String = self.says("document.body.innerText").await;
                    panic!("{place}: never came true: {expression}\n{text}");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Presses a key as a person does.
    pub(crate) async fn press(&self, key: &str) {
        self.page.find_element("body").await.unwrap().press_key(key).await.unwrap();
    }

    /// Types into what has the focus.
    pub(crate) async fn types(&self, text: &str) {
        self.page.find_element("body").await.unwrap().type_str(text).await.unwrap();
    }

    /// Keeps a picture of the page where artifacts are wanted.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("ATENDE_ARTIFACTS").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let how = ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).build();
        let file = folder.join(format!("{name}.png"));
        self.page.save_screenshot(how, file).await.unwrap();
    }
}
