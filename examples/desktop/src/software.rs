//! A window that the processor draws, for machines without OpenGL: what eframe does for the others.

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::UserEvent;
use eframe::egui::epaint::ClippedPrimitive;
use eframe::egui::{
    Color32, ColorImage, Context, Event, RawInput, Rect, ScreenshotCallback, ViewportBuilder, ViewportCommand,
    ViewportEvent, ViewportId, ViewportInfo,
};
use egui_winit::winit::application::ApplicationHandler;
use egui_winit::winit::dpi::PhysicalSize;
use egui_winit::winit::event::{StartCause, WindowEvent};
use egui_winit::winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle};
use egui_winit::winit::window::{Window, WindowId};
use egui_winit::{ActionRequested, accesskit_winit};

use crate::input_method;
use crate::painter::{Canvas, Painter, damage};
use crate::window::{Make, NoWindow, Program};

/// How long a window may wait for the display before the program goes on without a frame. A display asks for none of a
/// window that it hides.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// The largest side of a texture, in texels: 64 MB for the glyphs of a long conversation in many scripts.
const MAX_TEXTURE_SIDE: usize = 4_096;

/// A window that the processor draws.
pub(crate) struct Software {
    viewport: ViewportBuilder,
    make: Option<Make>,
    proxy: EventLoopProxy<UserEvent>,
    open: Option<Open>,
    /// When the next frame is due.
    due: Option<Instant>,
    /// When a frame that the window was asked for is missed.
    missed: Option<Instant>,
    result: Result<(), NoWindow>,
}

/// The window while it is open.
struct Open {
    context: Context,
    state: egui_winit::State,
    info: ViewportInfo,
    painter: Painter,
    /// What the window shows, and of what it was drawn.
    pixels: Vec<u32>,
    painted: Vec<ClippedPrimitive>,
    look: Option<Look>,
    surface: softbuffer::Surface<OwnedDisplayHandle, Arc<Window>>,
    program: Box<dyn Program>,
    /// What the user did while nothing was drawn.
    unseen: RawInput,
    /// Who wants to have the next frame.
    pictures: Vec<ScreenshotCallback>,
    is_first: bool,
    window: Arc<Window>,
}

/// What every pixel depends on.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    size: PhysicalSize<u32>,
    scale: f32,
    ground: Color32,
}

impl Software {
    pub(crate) fn new(event_loop: &EventLoop<UserEvent>, viewport: ViewportBuilder, make: Make) -> Self {
        let proxy = event_loop.create_proxy();
        Self { viewport, make: Some(make), proxy, open: None, due: None, missed: None, result: Ok(()) }
    }

    /// How it ended.
    pub(crate) fn result(self) -> Result<(), NoWindow> {
        self.result
    }

    /// Goes on, with a frame if the window is shown. Ends when the window closes.
    fn turn(&mut self, event_loop: &ActiveEventLoop, is_asked: bool) {
        self.missed = None;
        let Some(open) = &mut self.open else { return };
        let turned = if is_asked && !open.is_hidden() { open.draw(event_loop) } else { Ok(open.go_on(event_loop)) };
        match turned {
            Ok(false) => {}
            Ok(true) => self.end(event_loop, Ok(())),
            Err(error) => self.end(event_loop, Err(NoWindow::Drawing(error))),
        }
    }

    fn end(&mut self, event_loop: &ActiveEventLoop, result: Result<(), NoWindow>) {
        self.result = result;
        self.open = None;
        event_loop.exit();
    }
}

impl ApplicationHandler<UserEvent> for Software {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        let Some(make) = self.make.take() else { return };
        match Open::new(event_loop, &self.viewport, &self.proxy, make) {
            Ok(open) => {
                self.open = Some(open);
                // It is hidden until then, so that the display asks for nothing.
                self.turn(event_loop, true);
            }
            Err(error) => self.end(event_loop, Err(error)),
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _window: WindowId, event: WindowEvent) {
        let Some(open) = &mut self.open else { return };
        match event {
            WindowEvent::RedrawRequested => return self.turn(event_loop, true),
            WindowEvent::CloseRequested => {
                open.info.events.push(ViewportEvent::Close);
                open.context.request_repaint();
            }
            WindowEvent::Occluded(is_occluded) => open.info.occluded = Some(is_occluded),
            _ => {}
        }
        if open.state.on_window_event(&open.window, &event).repaint {
            self.due = Some(Instant::now());
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, event: UserEvent) {
        let Some(open) = &mut self.open else { return };
        match event {
            UserEvent::RequestRepaint { when, cumulative_pass_nr, .. } => {
                // Others were met by a frame that was drawn meanwhile.
                if open.context.cumulative_pass_nr() <= cumulative_pass_nr + 1 {
                    self.due = Some(self.due.map_or(when, |due| due.min(when)));
                }
            }
            UserEvent::AccessKitActionRequest(event) => {
                match event.window_event {
                    accesskit_winit::WindowEvent::InitialTreeRequested => open.context.enable_accesskit(),
                    accesskit_winit::WindowEvent::ActionRequested(request) => {
                        open.state.on_accesskit_action_request(request);
                    }
                    accesskit_winit::WindowEvent::AccessibilityDeactivated => open.context.disable_accesskit(),
                }
                self.due = Some(Instant::now());
            }
        }
    }

    fn new_events(&mut self, event_loop: &ActiveEventLoop, _: StartCause) {
        if self.missed.is_some_and(|missed| missed <= Instant::now()) {
            self.turn(event_loop, false);
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let now = Instant::now();
        if let Some(open) = &self.open
            && self.due.is_some_and(|due| due <= now)
        {
            self.due = None;
            if open.is_hidden() {
                self.turn(event_loop, false);
            } else {
                open.window.request_redraw();
                self.missed = self.missed.or(Some(now + LONGEST_WAIT));
            }
        }
        let next = self.due.into_iter().chain(self.missed).min();
        event_loop.set_control_flow(next.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}

impl Open {
    fn new(
        event_loop: &ActiveEventLoop,
        viewport: &ViewportBuilder,
        proxy: &EventLoopProxy<UserEvent>,
        make: Make,
    ) -> Result<Self, NoWindow> {
        let drawing = |error: softbuffer::SoftBufferError| NoWindow::Drawing(error.into());
        let context = Context::default();
        // AccessKit has to know a window before it is shown.
        let window = egui_winit::create_window(&context, event_loop, &viewport.clone().with_visible(false));
        let window = Arc::new(window.map_err(|error| NoWindow::Drawing(error.into()))?);
        let display = softbuffer::Context::new(event_loop.owned_display_handle()).map_err(drawing)?;
        let surface = softbuffer::Surface::new(&display, Arc::clone(&window)).map_err(drawing)?;
        let (scale, theme) = (Some(window.scale_factor() as f32), event_loop.system_theme());
        let root = ViewportId::ROOT;
        let mut state = egui_winit::State::new(context.clone(), root, event_loop, scale, theme, Some(MAX_TEXTURE_SIDE));
        state.init_accesskit(event_loop, &window, proxy.clone());
        let waker = proxy.clone();
        context.set_request_repaint_callback(move |info| {
            let event = UserEvent::RequestRepaint {
                viewport_id: info.viewport_id,
                when: Instant::now() + info.delay,
                cumulative_pass_nr: info.current_cumulative_pass_nr,
            };
            // The loop ends with the window.
            drop(waker.send_event(event));
        });
        let mut info = ViewportInfo::default();
        egui_winit::update_viewport_info(&mut info, &context, &window, true);
        input_method::install(&context, &*window);
        let program = make(&context).map_err(NoWindow::Program)?;
        Ok(Self {
            context,
            state,
            info,
            painter: Painter::default(),
            pixels: Vec::new(),
            painted: Vec::new(),
            look: None,
            surface,
            program,
            unseen: RawInput::default(),
            pictures: Vec::new(),
            is_first: true,
            window,
        })
    }

    fn is_hidden(&self) -> bool {
        let is_invisible = self.window.is_visible() == Some(false) || self.window.is_minimized() == Some(true);
        !self.is_first && (is_invisible || self.info.occluded == Some(true))
    }

    fn input(&mut self) -> RawInput {
        egui_winit::update_viewport_info(&mut self.info, &self.context, &self.window, false);
        let mut input = std::mem::take(&mut self.unseen);
        input.append(self.state.take_egui_input(&self.window));
        input.viewports = std::iter::once((ViewportId::ROOT, self.info.clone())).collect();
        self.program.take_input(&mut input);
        input
    }

    /// Runs the program without a frame. Returns whether the window closes.
    fn go_on(&mut self, event_loop: &ActiveEventLoop) -> bool {
        let input = self.input();
        let program = &mut self.program;
        let mut output = self.context.run_logic(&input, |context| program.logic(context));
        self.unseen = input;
        self.state.handle_platform_output_with_event_loop(&self.window, event_loop, output.platform_output);
        let commands = output.viewport_commands.remove(&ViewportId::ROOT).unwrap_or_default();
        self.obey(commands)
    }

    /// Draws a frame. Returns whether the window closes.
    fn draw(&mut self, event_loop: &ActiveEventLoop) -> Result<bool, Box<dyn Error>> {
        let input = self.input();
        let program = &mut self.program;
        let mut output = self.context.run_ui(input, |ui| {
            program.logic(ui.ctx());
            program.ui(ui);
        });
        self.state.handle_platform_output_with_event_loop(&self.window, event_loop, output.platform_output);
        self.painter.set_textures(&output.textures_delta);
        let primitives = self.context.tessellate(output.shapes, output.pixels_per_point);
        let size = self.window.inner_size();
        // A minimised window has none on Windows.
        if let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) {
            let look =
                Look { size, scale: output.pixels_per_point, ground: self.context.global_style().visuals.panel_fill };
            let is_new = self.look.replace(look) != Some(look) || !output.textures_delta.set.is_empty();
            let part = if is_new { Some(Rect::EVERYTHING) } else { damage(&self.painted, &primitives) };
            self.pixels.resize(width.get() as usize * height.get() as usize, 0);
            if let Some(part) = part {
                let mut canvas = Canvas::new(&mut self.pixels, width.get() as usize);
                self.painter.paint(&mut canvas, look.scale, look.ground, &primitives, part);
            }
            self.painted = primitives;
            self.surface.resize(width, height)?;
            let mut buffer = self.surface.buffer_mut()?;
            buffer.copy_from_slice(&self.pixels);
            self.window.pre_present_notify();
            for picture in self.pictures.drain(..) {
                let colour = |pixel: &u32| {
                    let [_, red, green, blue] = pixel.to_be_bytes();
                    Color32::from_rgb(red, green, blue)
                };
                let size = [width.get() as usize, height.get() as usize];
                picture.complete(Arc::new(ColorImage::new(size, buffer.iter().map(colour).collect())));
            }
            buffer.present()?;
        }
        self.painter.free_textures(&output.textures_delta);
        output.textures_delta.clear();
        if self.is_first {
            self.is_first = false;
            self.window.set_visible(true);
        }
        let commands = output.viewport_output.remove(&ViewportId::ROOT).map(|output| output.commands);
        Ok(self.obey(commands.unwrap_or_default()))
    }

    /// Does what the program asks of its window. Returns whether the window closes.
    fn obey(&mut self, commands: Vec<ViewportCommand>) -> bool {
        let closes = self.info.close_requested() && !commands.contains(&ViewportCommand::CancelClose);
        self.info.events.clear();
        let mut actions = Vec::new();
        egui_winit::process_viewport_commands(&self.context, &mut self.info, commands, &self.window, &mut actions);
        for action in actions {
            match action {
                // Of the next frame.
                ActionRequested::Screenshot(picture) => self.pictures.push(picture),
                ActionRequested::Cut => self.state.egui_input_mut().events.push(Event::Cut),
                ActionRequested::Copy => self.state.egui_input_mut().events.push(Event::Copy),
                ActionRequested::Paste => {
                    let text = self.state.clipboard_text().map(|text| Event::Paste(text.replace("\r\n", "\n")));
                    self.state.egui_input_mut().events.extend(text);
                }
                ActionRequested::PaintWhileHidden => continue,
            }
            self.context.request_repaint();
        }
        // The program asked for it.
        if self.info.close_requested() {
            self.context.request_repaint();
        }
        closes
    }
}
