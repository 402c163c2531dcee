//! The windows of the two programs, before they are open.

use std::cell::RefCell;
use std::rc::Rc;
use std::{env, error, fmt};

use chat_cli::texts::{Language, Localised, ServerWindowSentence, Texts, WindowSentence};
use eframe::egui::{Context, RawInput, Ui, ViewportBuilder, vec2};
use eframe::{CreationContext, UserEvent};
use egui_winit::winit::error::EventLoopError;
use egui_winit::winit::event_loop::EventLoop;
use egui_winit::winit::platform::run_on_demand::EventLoopExtRunOnDemand as _;

use crate::software::Software;
use crate::{input_method, link, look};

/// The size of a window at its start, in points: two panels beside each other on a small laptop.
const SIZE: [f32; 2] = [960.0, 660.0];

/// The smallest size at which every screen can be used.
const MIN_SIZE: [f32; 2] = [560.0, 420.0];

/// The icons, drawn for these programs; `packaging/desktop` has them as SVG.
const ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-desktop.png");
const SERVER_ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-server-desktop.png");

/// The contents of a window.
pub trait Program {
    /// Takes what happened. Runs while the window is hidden, too.
    fn logic(&mut self, context: &Context);

    /// Draws one frame.
    fn ui(&mut self, ui: &mut Ui);

    /// Whether the window may close.
    fn is_done(&self) -> bool;

    /// Changes what the user does in the next frame.
    fn take_input(&mut self, _input: &mut RawInput) {}
}

/// A window that is not open yet.
#[derive(Debug)]
pub struct Window {
    /// By which the system knows the program.
    name: &'static str,
    title: String,
    icon: &'static [u8],
    language: Language,
}

/// An error of this or another library.
pub type AnyError = Box<dyn error::Error + Send + Sync>;

/// The result of making a program of an open window.
pub type Made = Result<Box<dyn Program>, AnyError>;

/// Makes a program as soon as there is a window for it.
pub(crate) type Make = Box<dyn FnOnce(&Context) -> Made>;

/// Why there is no window, or none any more.
#[derive(Debug)]
pub enum NoWindow {
    /// There is no display.
    Display(EventLoopError),
    /// Neither OpenGL nor Direct3D works, and the processor may not draw instead.
    Graphics,
    /// The processor cannot draw on the display, or cannot do so any more.
    Drawing(Box<dyn error::Error>),
    /// The display or its driver failed. The log says what is known.
    Broken,
    /// The program did not start.
    Program(AnyError),
}

impl Window {
    /// The window of a client.
    pub fn client(texts: &Texts) -> Self {
        let (title, language) = (WindowSentence::Title.text(texts), texts.language());
        Self { name: "chat-desktop", title, icon: ICON, language }
    }

    /// The window of a server.
    pub fn server(texts: &Texts) -> Self {
        let (title, language) = (ServerWindowSentence::Title.text(texts), texts.language());
        Self { name: "chat-server-desktop", title, icon: SERVER_ICON, language }
    }

    /// Shows the window until it is closed. Without OpenGL the processor draws it.
    ///
    /// # Errors
    /// There is no display, nothing that draws on it, or one of them failed meanwhile; or `make` failed.
    pub fn open(self, make: impl FnOnce(&Context) -> Made + 'static) -> Result<(), NoWindow> {
        let mut event_loop = EventLoop::with_user_event().build().map_err(NoWindow::Display)?;
        let viewport = self.viewport();
        let language = self.language;
        let make: Make = Box::new(move |context| {
            look::install(context, language);
            make(context)
        });
        let allowed = Painters::allowed();
        let left = match allowed {
            Painters::Processor => Some(make),
            Painters::All | Painters::Graphics => self.with_graphics(&mut event_loop, viewport.clone(), make)?,
        };
        let Some(make) = left else { return Ok(()) };
        if allowed == Painters::Graphics {
            return Err(NoWindow::Graphics);
        }
        log::warn!("the processor draws the window");
        let mut software = Software::new(&event_loop, viewport, make);
        event_loop.run_app_on_demand(&mut software).map_err(broken)?;
        software.result()
    }

    fn viewport(&self) -> ViewportBuilder {
        let viewport = ViewportBuilder::default()
            .with_app_id(self.name)
            .with_title(&self.title)
            .with_inner_size(vec2(SIZE[0], SIZE[1]))
            .with_min_inner_size(vec2(MIN_SIZE[0], MIN_SIZE[1]));
        match eframe::icon_data::from_png_bytes(self.icon) {
            Ok(icon) => viewport.with_icon(icon),
            Err(error) => {
                log::warn!("the icon cannot be shown: {error}");
                viewport
            }
        }
    }

    /// Shows the window by OpenGL, or by Direct3D on Windows. Returns what makes the program if neither works.
    fn with_graphics(
        &self,
        event_loop: &mut EventLoop<UserEvent>,
        viewport: ViewportBuilder,
        make: Make,
    ) -> Result<Option<Make>, NoWindow> {
        let native = eframe::NativeOptions {
            viewport,
            // `look` installs the provider with the language of the texts.
            system_font_fallback: false,
            ..Default::default()
        };
        let attempt = Rc::new(RefCell::new(Attempt { make: Some(make), end: End::Broken }));
        let shared = Rc::clone(&attempt);
        let create = move |window: &CreationContext<'_>| -> Result<Box<dyn eframe::App>, AnyError> {
            let make = shared.borrow_mut().make.take().ok_or("the window opens once")?;
            input_method::install(&window.egui_ctx, window);
            match make(&window.egui_ctx) {
                Ok(program) => Ok(Box::new(Shown { program, attempt: shared })),
                Err(error) => {
                    let sentence = error.to_string();
                    shared.borrow_mut().end = End::NotStarted(error);
                    Err(sentence.into())
                }
            }
        };
        let mut app = eframe::create_native(&self.title, native, Box::new(create), event_loop);
        event_loop.run_app_on_demand(&mut app).map_err(broken)?;
        let Attempt { make, end } = attempt.take();
        match (make, end) {
            (Some(make), _) => Ok(Some(make)),
            (None, End::Closed) => Ok(None),
            (None, End::NotStarted(error)) => Err(NoWindow::Program(error)),
            (None, End::Broken) => Err(NoWindow::Broken),
        }
    }
}

/// The display was there, and failed.
fn broken(error: EventLoopError) -> NoWindow {
    log::error!("the display failed: {error}");
    NoWindow::Broken
}

/// The painters that may draw the window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Painters {
    /// OpenGL or Direct3D, and the processor if neither works.
    All,
    /// OpenGL or Direct3D only: whoever wants to know why they do not work.
    Graphics,
    /// The processor only, for a driver that draws wrongly.
    Processor,
}

impl Painters {
    /// The value of `CHAT_PAINTER`.
    fn allowed() -> Self {
        let Some(value) = env::var_os("CHAT_PAINTER") else { return Self::All };
        match value.to_str() {
            Some("") => Self::All,
            Some("graphics") => Self::Graphics,
            Some("processor") => Self::Processor,
            _ => {
                log::warn!("CHAT_PAINTER is {value:?}, which means nothing: it may be graphics or processor");
                Self::All
            }
        }
    }
}

/// The result of opening a window with OpenGL.
#[derive(Default)]
struct Attempt {
    /// Until there is a window.
    make: Option<Make>,
    end: End,
}

#[derive(Default)]
enum End {
    #[default]
    Broken,
    NotStarted(AnyError),
    Closed,
}

/// A program in a window with OpenGL.
struct Shown {
    program: Box<dyn Program>,
    attempt: Rc<RefCell<Attempt>>,
}

impl eframe::App for Shown {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        self.program.logic(context);
        if link::is_closing(context) && self.program.is_done() {
            self.attempt.borrow_mut().end = End::Closed;
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.program.ui(ui);
    }

    fn raw_input_hook(&mut self, _: &Context, input: &mut RawInput) {
        self.program.take_input(input);
    }
}

impl error::Error for NoWindow {}

impl fmt::Display for NoWindow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Display(error) => error.fmt(out),
            Self::Graphics => out.write_str("neither OpenGL nor Direct3D works"),
            Self::Drawing(error) => error.fmt(out),
            Self::Broken => out.write_str("the display or its driver failed"),
            Self::Program(error) => error.fmt(out),
        }
    }
}
