//! The window while it is open: its frames, and what the program asks of it.

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
use egui_winit::ActionRequested;
use egui_winit::winit::dpi::PhysicalSize;
use egui_winit::winit::event_loop::{ActiveEventLoop, EventLoopProxy, OwnedDisplayHandle};
use egui_winit::winit::window::Window;
use softbuffer::SoftBufferError;

use crate::input_method;
use crate::painter::{Canvas, Painter, damage};
use crate::window::{Make, NoWindow, Program};

/// The largest side of a texture, in texels: 64 MB for the glyphs of a long conversation in many scripts.
const MAX_TEXTURE_SIDE: usize = 4_096;

/// The most frames in a row that are not shown before the program ends: 2 s with the delay between them, longer than a
/// display takes to change its size or to come back.
const MAX_FAILED_FRAMES: u32 = 10;

/// How long after a frame that was not shown the next one is tried.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// The window while it is open.
pub(super) struct Open {
    pub(super) context: Context,
    pub(super) state: egui_winit::State,
    pub(super) info: ViewportInfo,
    painter: Painter,
    /// The pixels that the window shows, and the shapes that they were drawn from.
    pixels: Vec<u32>,
    painted: Vec<ClippedPrimitive>,
    look: Option<Look>,
    display: softbuffer::Context<OwnedDisplayHandle>,
    surface: softbuffer::Surface<OwnedDisplayHandle, Arc<Window>>,
    /// Frames in a row that could not be shown.
    failed_frames: u32,
    program: Box<dyn Program>,
    /// The input since the last frame.
    unseen: RawInput,
    /// Who wants to have the next frame.
    pictures: Vec<ScreenshotCallback>,
    is_first: bool,
    pub(super) window: Arc<Window>,
}

/// The values that every pixel depends on.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    size: PhysicalSize<u32>,
    scale: f32,
    ground: Color32,
}

impl Open {
    pub(super) fn new(
        event_loop: &ActiveEventLoop,
        viewport: &ViewportBuilder,
        proxy: &EventLoopProxy<UserEvent>,
        make: Make,
    ) -> Result<Self, NoWindow> {
        let drawing = |error: SoftBufferError| NoWindow::Drawing(error.into());
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
            display,
            surface,
            failed_frames: 0,
            program,
            unseen: RawInput::default(),
            pictures: Vec::new(),
            is_first: true,
            window,
        })
    }

    pub(super) fn is_hidden(&self) -> bool {
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

    /// Asks the program to close its window.
    pub(super) fn close(&mut self) {
        self.info.events.push(ViewportEvent::Close);
        self.context.request_repaint();
    }

    /// Runs the program without a frame. Returns whether the window closes.
    pub(super) fn go_on(&mut self, event_loop: &ActiveEventLoop) -> bool {
        let input = self.input();
        let program = &mut self.program;
        let mut output = self.context.run_logic(&input, |context| program.logic(context));
        self.unseen = input;
        self.state.handle_platform_output_with_event_loop(&self.window, event_loop, output.platform_output);
        let commands = output.viewport_commands.remove(&ViewportId::ROOT).unwrap_or_default();
        self.obey(commands)
    }

    /// Draws a frame. Returns whether the window closes.
    pub(super) fn draw(&mut self, event_loop: &ActiveEventLoop) -> Result<bool, Box<dyn Error>> {
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
            match self.present(width, height) {
                Ok(()) => self.failed_frames = 0,
                Err(error) => self.try_again(error)?,
            }
        } else {
            // The textures of this frame may have changed, and nothing was drawn with them.
            self.look = None;
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

    /// Shows the pixels.
    fn present(&mut self, width: NonZeroU32, height: NonZeroU32) -> Result<(), SoftBufferError> {
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
        buffer.present()
    }

    /// Shows the whole window again in a moment, on a new surface: a display may change under a window. Fails if that has
    /// not helped for a while.
    fn try_again(&mut self, error: SoftBufferError) -> Result<(), SoftBufferError> {
        self.failed_frames += 1;
        log::warn!("frame {} of at most {MAX_FAILED_FRAMES} in a row is not shown: {error}", self.failed_frames);
        if self.failed_frames >= MAX_FAILED_FRAMES {
            return Err(error);
        }
        self.look = None;
        match softbuffer::Surface::new(&self.display, Arc::clone(&self.window)) {
            Ok(surface) => self.surface = surface,
            Err(error) => log::warn!("there is no new surface: {error}"),
        }
        self.context.request_repaint_after(RETRY_DELAY);
        Ok(())
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
