//! A window that the processor draws, for machines without OpenGL: what eframe does for the others.

mod open;

use std::error::Error;
use std::time::{Duration, Instant};

use eframe::UserEvent;
use eframe::egui::ViewportBuilder;
use egui_winit::accesskit_winit;
use egui_winit::winit::application::ApplicationHandler;
use egui_winit::winit::event::{StartCause, WindowEvent};
use egui_winit::winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use egui_winit::winit::window::WindowId;

use self::open::Open;
use crate::window::{Make, NoWindow};

/// How long a window may wait for the display before the program goes on without a frame. A display asks for none of a
/// window that it hides.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How long a program may take to say goodbye when its window cannot be drawn any more: twice the longest goodbye.
const LONGEST_GOODBYE: Duration = Duration::from_secs(10);

/// How often the window of such a program is closed. The first time, the program may ask the user, who sees no question.
const CLOSES: u32 = 2;

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
    /// Set when the window cannot be drawn any more, until the program has said goodbye.
    failed: Option<Failed>,
    result: Result<(), NoWindow>,
}

/// Why a window cannot be drawn any more, and when it ends in any case.
struct Failed {
    error: Box<dyn Error>,
    ends: Instant,
    /// How often it is still closed.
    closes: u32,
}

impl Software {
    pub(crate) fn new(event_loop: &EventLoop<UserEvent>, viewport: ViewportBuilder, make: Make) -> Self {
        let proxy = event_loop.create_proxy();
        Self { viewport, make: Some(make), proxy, open: None, due: None, missed: None, failed: None, result: Ok(()) }
    }

    /// How it ended.
    pub(crate) fn result(self) -> Result<(), NoWindow> {
        self.result
    }

    /// Goes on, with a frame if the window is shown. Ends when the window closes.
    fn turn(&mut self, event_loop: &ActiveEventLoop, is_asked: bool) {
        self.missed = None;
        let Some(open) = &mut self.open else { return };
        if let Some(failed) = &mut self.failed
            && failed.closes > 0
        {
            failed.closes -= 1;
            open.close();
        }
        let draws = is_asked && self.failed.is_none() && !open.is_hidden();
        let turned = if draws { open.draw(event_loop) } else { Ok(open.go_on(event_loop)) };
        match turned {
            Ok(false) => {}
            Ok(true) => self.end(event_loop),
            Err(error) => {
                log::error!("the window cannot be drawn any more: {error}");
                let ends = Instant::now() + LONGEST_GOODBYE;
                self.failed = Some(Failed { error, ends, closes: CLOSES });
                self.due = Some(Instant::now());
            }
        }
    }

    fn end(&mut self, event_loop: &ActiveEventLoop) {
        if let Some(failed) = self.failed.take() {
            self.result = Err(NoWindow::Drawing(failed.error));
        }
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
            Err(error) => {
                self.result = Err(error);
                self.end(event_loop);
            }
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _window: WindowId, event: WindowEvent) {
        let Some(open) = &mut self.open else { return };
        match event {
            WindowEvent::RedrawRequested => return self.turn(event_loop, true),
            WindowEvent::CloseRequested => open.close(),
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
        let now = Instant::now();
        if self.failed.as_ref().is_some_and(|failed| failed.ends <= now) {
            log::error!("the program has not said goodbye within {} s", LONGEST_GOODBYE.as_secs());
            self.end(event_loop);
        } else if self.missed.is_some_and(|missed| missed <= now) {
            self.turn(event_loop, false);
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let now = Instant::now();
        if let Some(open) = &self.open
            && self.due.is_some_and(|due| due <= now)
        {
            self.due = None;
            if open.is_hidden() || self.failed.is_some() {
                self.turn(event_loop, false);
            } else {
                open.window.request_redraw();
                self.missed = self.missed.or(Some(now + LONGEST_WAIT));
            }
        }
        let ends = self.failed.as_ref().map(|failed| failed.ends);
        let next = self.due.into_iter().chain(self.missed).chain(ends).min();
        event_loop.set_control_flow(next.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}
