//! A window that is drawn without a screen: its pixels can be looked at, and kept as pictures in `target/screens`.

use super::made_up;
use crate::agent::status::Status;
use crate::control::link::Link;
use crate::window::clerk::News;
use crate::window::program::{Stage, new_window};
use crate::window::scene::Scene;
use crate::window::ui::{MainWindow, Page};
use crate::words::Language;
use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Key, Platform, PointerEventButton, WindowAdapter, WindowEvent};
use slint::{ComponentHandle, LogicalPosition, PhysicalSize, PlatformError, Rgb8Pixel};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

thread_local! {
    static SHOWN: RefCell<Option<Rc<MinimalSoftwareWindow>>> = const { RefCell::new(None) };
    static TIME: RefCell<Duration> = const { RefCell::new(Duration::ZERO) };
}

struct Canvas;

impl Platform for Canvas {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        SHOWN.set(Some(Rc::clone(&window)));
        Ok(window)
    }

    fn duration_since_start(&self) -> Duration {
        TIME.with_borrow(|time| *time)
    }
}

/// A window in one state, that can be looked at.
pub struct Sight {
    pub window: MainWindow,
    adapter: Rc<MinimalSoftwareWindow>,
    stage: Stage,
}

impl Sight {
    pub fn open(language: Language) -> Self {
        if !SHOWN.with_borrow(Option::is_some) {
            slint::platform::set_platform(Box::new(Canvas)).unwrap();
        }
        let window = new_window(language).unwrap();
        let adapter = SHOWN.with_borrow(|shown| shown.clone()).unwrap();
        // What is asked goes nowhere.
        let (asks, _) = tokio::sync::mpsc::unbounded_channel();
        let stage = Stage::new(&window, Scene::new(language), asks);
        stage.connect(&window);
        window.show().unwrap();
        Self { window, adapter, stage }
    }

    pub fn learn(&self, news: News) -> &Self {
        self.stage.take(news, &self.window);
        self
    }

    pub fn status(&self, status: Status) -> &Self {
        self.learn(News::Link(Link::Reached(Arc::new(status))))
            .learn(News::Config(made_up::configuration()))
            .learn(News::Slots(made_up::slots(), None))
            .learn(News::Runs(made_up::runs()))
    }

    pub fn page(&self, page: Page) -> &Self {
        self.window.invoke_open(page);
        self
    }

    pub fn size(&self, width: u32, height: u32, scale: u32) {
        let factor = scale as f32 / 100.0;
        self.adapter.dispatch_event(WindowEvent::ScaleFactorChanged { scale_factor: factor });
        self.adapter.set_size(PhysicalSize::new(width * scale / 100, height * scale / 100));
    }

    /// Clicks at a place of the window.
    pub fn click(&self, x: f32, y: f32) -> &Self {
        self.draw();
        let (position, button) = (LogicalPosition::new(x, y), PointerEventButton::Left);
        self.adapter.dispatch_event(WindowEvent::PointerPressed { position, button });
        self.adapter.dispatch_event(WindowEvent::PointerReleased { position, button });
        self.adapter.dispatch_event(WindowEvent::PointerExited);
        self
    }

    pub fn key(&self, key: Key) -> &Self {
        let text = slint::SharedString::from(key);
        self.adapter.dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
        self.adapter.dispatch_event(WindowEvent::KeyReleased { text });
        self
    }

    pub fn draw(&self) -> (PhysicalSize, Vec<Rgb8Pixel>) {
        TIME.with_borrow_mut(|time| *time += Duration::from_secs(1));
        slint::platform::update_timers_and_animations();
        let size = self.adapter.size();
        let mut pixels = vec![Rgb8Pixel::default(); (size.width * size.height) as usize];
        self.adapter.request_redraw();
        self.adapter.draw_if_needed(|renderer| {
            renderer.render(&mut pixels, size.width as usize);
        });
        (size, pixels)
    }

    /// Draws it in light and dark at both scales.
    pub fn take(&self, name: &str) {
        for (theme, dark) in [("light", false), ("dark", true)] {
            self.window.invoke_set_dark(dark);
            for scale in scales() {
                self.size(820, 760, *scale);
                self.take_one(&format!("{name}-{theme}-{scale}"));
            }
        }
        self.window.invoke_set_dark(false);
        self.size(820, 760, 100);
    }

    pub fn take_one(&self, name: &str) {
        let (size, pixels) = self.draw();
        let colours: std::collections::HashSet<_> = pixels.iter().map(|p| (p.r, p.g, p.b)).collect();
        assert!(colours.len() > 20, "{name}: something is drawn");
        write(&folder().join(format!("{name}.png")), size, &pixels);
    }
}

/// `cargo xtask screens` asks for every scale; a plain test draws the smallest.
fn scales() -> &'static [u32] {
    if std::env::var_os("DMBACKUP_SCREENS").is_some() { &[100, 200] } else { &[100] }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path, size: PhysicalSize, pixels: &[Rgb8Pixel]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    let bytes: Vec<u8> = pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}
