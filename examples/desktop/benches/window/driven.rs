//! A window that another thread drives.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use chat_desktop::window::{Made, NoWindow, Program, Window};
use eframe::egui::{
    ColorImage, Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, RawInput, ScreenshotCallback, TouchPhase,
    Ui, ViewportCommand, pos2, vec2,
};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The frames of a minute, of a clock that counts them.
const MINUTE: u64 = 60 * FRAMES_PER_SECOND;
const FRAMES_PER_SECOND: u64 = 60;

type Call<A> = Box<dyn FnOnce(&mut A) + Send>;

/// What both threads know.
#[derive(Debug, Default)]
struct Shared {
    /// Frames so far.
    frames: AtomicU64,
    /// By how much each frame scrolls the conversation, in points.
    wheel: AtomicI32,
    /// What the user does in the next frame.
    input: Mutex<Vec<Event>>,
    /// The longest time between two frames, and the end of the last one.
    gap: Mutex<(Duration, Option<Instant>)>,
    /// The clock of what moves by itself, if that is not the real one.
    clock: Mutex<Option<FrameClock>>,
}

/// A clock that counts frames. It stands at full minutes only, so that what moves, such as a spinner, is at the same place
/// each time.
#[derive(Debug)]
struct FrameClock {
    frames: u64,
    stands: bool,
}

/// The end of the thread that drives.
pub(crate) struct Driver<A> {
    pub(crate) context: Context,
    calls: mpsc::Sender<Call<A>>,
    shared: Arc<Shared>,
}

/// The program, and what is done to it.
struct Driven<A> {
    app: A,
    calls: mpsc::Receiver<Call<A>>,
    shared: Arc<Shared>,
}

/// Opens the window of a program, and drives it from another thread, which ends the process.
pub(crate) fn open<A: Program + Send + 'static>(
    window: Window,
    make: impl FnOnce(&Context) -> A + 'static,
    drive: impl FnOnce(Driver<A>) + Send + 'static,
) -> Result<(), NoWindow> {
    window.open(move |context| -> Made {
        let (calls, called) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let driver = Driver { context: context.clone(), calls, shared: Arc::clone(&shared) };
        thread::spawn(move || drive(driver));
        Ok(Box::new(Driven { app: make(context), calls: called, shared }))
    })
}

impl<A: Program> Program for Driven<A> {
    fn logic(&mut self, context: &Context) {
        // One in a frame, so that the next one sees what this one changed.
        if let Ok(call) = self.calls.try_recv() {
            call(&mut self.app);
        }
        self.app.logic(context);
    }

    fn ui(&mut self, ui: &mut Ui) {
        self.app.ui(ui);
        let mut gap = self.shared.gap.lock().unwrap();
        let now = Instant::now();
        if let Some(last) = gap.1.replace(now) {
            gap.0 = gap.0.max(now - last);
        }
        self.shared.frames.fetch_add(1, Ordering::Relaxed);
        if self.shared.wheel.load(Ordering::Relaxed) != 0 {
            ui.ctx().request_repaint();
        }
    }

    fn is_done(&self) -> bool {
        self.app.is_done()
    }

    fn take_input(&mut self, input: &mut RawInput) {
        input.events.append(&mut self.shared.input.lock().unwrap());
        if let Some(clock) = &mut *self.shared.clock.lock().unwrap() {
            clock.frames += u64::from(!clock.stands);
            input.time = Some(clock.frames as f64 / FRAMES_PER_SECOND as f64);
        }
        let wheel = self.shared.wheel.load(Ordering::Relaxed);
        if wheel != 0 {
            input.events.push(Event::PointerMoved(pos2(600.0, 300.0)));
            input.events.push(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, wheel as f32),
                phase: TouchPhase::Move,
                source: MouseWheelSource::Unknown,
                modifiers: Modifiers::NONE,
            });
        }
    }
}

impl<A: 'static> Driver<A> {
    /// Calls the window's thread, before its next frame.
    pub(crate) fn ask<T: Send + 'static>(&self, question: impl FnOnce(&mut A) -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        self.calls.send(Box::new(move |app| answer.send(question(app)).unwrap())).unwrap();
        self.context.request_repaint();
        answered.recv_timeout(PATIENCE).expect("the window answers")
    }

    /// Waits until the window looks like this.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&mut A) -> bool + Send + Clone + 'static) {
        let begun = Instant::now();
        while !self.ask(is_so.clone()) {
            assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        }
    }

    /// The number of frames so far.
    pub(crate) fn frames(&self) -> u64 {
        self.shared.frames.load(Ordering::Relaxed)
    }

    /// Waits for more frames.
    pub(crate) fn wait_for_frames(&self, count: u64) {
        let (begun, wanted) = (Instant::now(), self.frames() + count);
        while self.frames() < wanted {
            assert!(begun.elapsed() < PATIENCE, "no frames");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Draws until what changes by itself stands still, such as a panel that opens.
    pub(crate) fn settle(&self) {
        for _ in 0..12 {
            self.ask(|_| ());
        }
    }

    /// Waits until nothing more is drawn.
    pub(crate) fn rest(&self) {
        /// A frame that follows another one does so sooner. A caret blinks less often.
        const PAUSE: Duration = Duration::from_millis(200);
        let mut before = None;
        while before != Some(self.frames()) {
            before = Some(self.frames());
            thread::sleep(PAUSE);
        }
    }

    /// Scrolls by this much in each frame from now on.
    pub(crate) fn scroll(&self, points: i32) {
        self.shared.wheel.store(points, Ordering::Relaxed);
        self.context.request_repaint();
    }

    /// What the user does in the next frame.
    pub(crate) fn input(&self, events: impl IntoIterator<Item = Event>) {
        self.shared.input.lock().unwrap().extend(events);
        self.settle();
    }

    /// The longest time between two frames since this was last asked.
    pub(crate) fn longest_gap(&self) -> Duration {
        let mut gap = self.shared.gap.lock().unwrap();
        let longest = gap.0;
        *gap = (Duration::ZERO, None);
        longest
    }

    /// Counts frames instead of the time from now on.
    pub(crate) fn count_frames(&self) {
        // Later than the real clock, which began a moment ago.
        *self.shared.clock.lock().unwrap() = Some(FrameClock { frames: MINUTE, stands: false });
    }

    /// Stops the clock that counts frames at the next full minute, or lets it go on.
    pub(crate) fn stand_still(&self, stands: bool) {
        if let Some(clock) = &mut *self.shared.clock.lock().unwrap() {
            if stands {
                clock.frames = clock.frames.next_multiple_of(MINUTE);
            }
            clock.stands = stands;
        }
    }

    /// What the window shows.
    pub(crate) fn screenshot(&self) -> Arc<ColorImage> {
        let (taken, picture) = mpsc::channel();
        let callback = ScreenshotCallback::new(move |image| taken.send(image).unwrap());
        self.context.send_viewport_cmd(ViewportCommand::Screenshot(callback));
        self.context.request_repaint();
        picture.recv_timeout(PATIENCE).expect("the window can be drawn")
    }
}
