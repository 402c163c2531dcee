//! The figures of a window. Each is measured in a process of its own.

use std::future::pending;
use std::process::{self as os, Child, Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, thread};

use chat_cli::texts::{Language, Texts};
use chat_core::message::{Content, Scope};
use chat_core::name::UserName;
use chat_core::presence::{Presence, PresenceEvent};
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_desktop::app::{App, Start};
use chat_desktop::model::conversation::Partner;
use chat_desktop::model::exchange::Happening;
use chat_desktop::model::{Action, Model};
use chat_desktop::run::{Port, Runtime, ports};
use chat_desktop::window::Window;
use chat_net::client::Event;
use tokio::sync::mpsc;

use crate::driven::{self, Driver};
use crate::process::{age, memory, processor_time};

const PEOPLE: usize = 10_000;
const LINES: usize = 10_000;
const MANY_LINES: usize = 100_000;

/// How long a window is left alone.
const IDLE: Duration = Duration::from_secs(10);

/// The time of what arrives: an evening in 2026.
const AT: u64 = 1_795_600_000_000;

/// Measures a figure.
pub(crate) fn measure(name: &str) -> ExitCode {
    let drive: fn(&Stage) = match name {
        "start" => return start(),
        "idle" => idle,
        "memory" => memory_of_many,
        "scrolling" => scrolling,
        "flood" => flood,
        "arrivals" => arrivals,
        "other" => |_| thread::sleep(driven::PATIENCE),
        _ => {
            println!("start, idle, memory, scrolling, flood or arrivals");
            return ExitCode::from(2);
        }
    };
    let (port, far) = ports();
    let mut wishes = far.wishes;
    thread::spawn(move || while wishes.blocking_recv().is_some() {});
    let happenings = far.happenings;
    open(port, move |driver| drive(&Stage { driver, happenings }))
}

/// Opens the window of a client, which ends by a panic or by [`judge`].
fn open(port: Port, drive: impl FnOnce(Driver<App>) + Send + 'static) -> ExitCode {
    let texts = Texts::new(Language::Chinese);
    let made = texts.clone();
    let make = move |_: &_| App::new(Start::empty("known-servers".into()), port, made, None);
    let drive = move |driver: Driver<App>| {
        drive(driver);
        os::exit(0);
    };
    match driven::open(Window::client(&texts), make, drive) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("there is no window: {error}");
            ExitCode::from(3)
        }
    }
}

/// A window, and the end that tells it what happens.
struct Stage {
    driver: Driver<App>,
    happenings: mpsc::Sender<Happening>,
}

impl Stage {
    fn tell(&self, happening: Happening) {
        self.happenings.blocking_send(happening).unwrap();
        self.driver.context.request_repaint();
    }

    /// 小明 is logged in, with so many people online, and has a conversation with so many lines.
    fn fill(&self, people: usize, lines: usize) {
        let people = (0..people).map(|number| (user(number), None)).collect();
        let (server, user) = ("lab".parse().unwrap(), "小明".parse().unwrap());
        self.tell(Happening::Welcome { server, user, people, own_addresses: Vec::new() });
        self.driver.until("the session", |app| app.model.session.is_some());
        self.add_lines(0..lines);
        self.driver.settle();
    }

    fn add_lines(&self, numbers: std::ops::Range<usize>) {
        let last = numbers.end;
        for number in numbers {
            self.tell(message(number));
        }
        self.driver.until("all lines", move |app| lines(&mut app.model) >= last);
    }

    /// Opens another window, which takes the focus, in a process of its own.
    fn unfocus(&self) -> Child {
        let program = env::current_exe().unwrap();
        let other = Command::new(program).args(["figures", "other"]).spawn().unwrap();
        let begun = Instant::now();
        while self.driver.context.input(|input| input.focused) {
            assert!(begun.elapsed() < driven::PATIENCE, "the window keeps the focus");
            thread::sleep(Duration::from_millis(20));
        }
        other
    }
}

fn lines(model: &mut Model) -> usize {
    model.session.as_mut().unwrap().conversation(&Partner::Everyone).unwrap().lines().len()
}

fn user(number: usize) -> UserName {
    const FAMILIES: [&str; 5] = ["王", "李", "anna", "Zhang", "陈"];
    format!("{}{number}", FAMILIES[number % FAMILIES.len()]).parse().unwrap()
}

/// About a hundred bytes each, no two the same.
fn message(number: usize) -> Happening {
    let text = match number % 4 {
        0 => format!("第 {number} 条：今天下午三点在二楼会议室开会，请带上本季度的报告。"),
        1 => format!("{number}: the build is green again, so the release can go out this evening if nobody objects."),
        2 => format!("收到 {number} ✔ 😄"),
        _ => format!("{number}: 会议纪要 and the English summary are both in the shared folder\nsecond line 第二行"),
    };
    let content = Content::Text(Text::parse(&text).unwrap());
    let at = Timestamp::from_millis(AT + u64::try_from(number).unwrap() * 700);
    Happening::Message { from: user(number % 7), scope: Scope::Group, content, at }
}

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Prints a figure. One that misses its limit ends this process with 1.
fn judge(name: &str, measured: f64, unit: &str, limit: f64, explained: &str) {
    let verdict = if measured <= limit { "ok  " } else { "MISS" };
    println!("{verdict} {name}: {measured:.2} {unit} (at most {limit} {unit}){explained}");
    if measured > limit {
        os::exit(1);
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// From the start of the process until a key of a keyboard is in a field. With the real thread at the other end.
fn start() -> ExitCode {
    let runtime = Runtime::start(pending(), || {}).unwrap();
    open(runtime.into_port(), |driver| {
        let begun = Instant::now();
        while !driver.ask(|app| app.model.form.server.contains('x')) {
            assert!(begun.elapsed() < driven::PATIENCE, "no key arrives");
            run("xdotool", &["key", "x"]);
        }
        judge("start", age().as_secs_f64(), "s until a key is in its field", 1.0, "");
    })
}

fn idle(stage: &Stage) {
    stage.fill(PEOPLE, LINES);
    let measure = || {
        // What was drawn last may still be on its way.
        thread::sleep(Duration::from_secs(1));
        let (time, frames) = (processor_time(), stage.driver.frames());
        thread::sleep(IDLE);
        ((processor_time() - time).as_secs_f64(), format!(", {} frames", stage.driver.frames() - frames))
    };
    run("xdotool", &["key", "x"]);
    let (focused, frames) = measure();
    judge("idle with the focus, after a key", focused, "s of processor time in 10 s", 0.3, &frames);
    let mut other = stage.unfocus();
    let (unfocused, frames) = measure();
    other.kill().unwrap();
    other.wait().unwrap();
    judge("idle without the focus", unfocused, "s of processor time in 10 s", 0.02, &frames);
}

fn memory_of_many(stage: &Stage) {
    stage.fill(PEOPLE, LINES);
    let (all, own) = memory();
    let own_part = format!(", {own:.0} MB of it not mapped from files");
    judge("memory with 10,000 people and 10,000 lines", all, "MB", 150.0, &own_part);
    stage.add_lines(LINES..MANY_LINES);
    stage.driver.settle();
    let (more, _) = memory();
    judge("memory of 90,000 further lines", more - all, "MB", 40.0, "");
}

fn scrolling(stage: &Stage) {
    /// Eleven screens in a second.
    const SPEED: i32 = 120;
    const FRAMES: u64 = 300;
    stage.fill(PEOPLE, MANY_LINES);
    stage.driver.scroll(SPEED);
    stage.driver.wait_for_frames(30);
    let (time, begun, frames) = (processor_time(), Instant::now(), stage.driver.frames());
    stage.driver.wait_for_frames(FRAMES);
    let drawn = (stage.driver.frames() - frames) as f64;
    let (spent, passed) = (processor_time() - time, begun.elapsed());
    stage.driver.scroll(0);
    stage.driver.rest();
    judge("scrolling 100,000 lines", millis(spent) / drawn, "ms of processor time a frame", 16.0, "");
    judge("frames while scrolling", drawn / passed.as_secs_f64(), "a second", 60.5, "");
    let partner = Partner::One(user(0));
    let open = move |stage: &Stage, partner: Partner| {
        let time = processor_time();
        let frames = stage.driver.frames();
        stage.driver.ask(move |app| app.model.act(Action::Open(partner), Timestamp::from_millis(AT)));
        stage.driver.rest();
        (processor_time() - time, stage.driver.frames() - frames)
    };
    open(stage, partner);
    let (spent, frames) = open(stage, Partner::Everyone);
    let explained = format!(", {frames} frames");
    judge("opening 100,000 lines", millis(spent), "ms of processor time", 100.0, &explained);
}

fn flood(stage: &Stage) {
    const SECONDS: u32 = 10;
    const EACH: usize = 10;
    stage.fill(PEOPLE, 0);
    let typed: String = (0..200).map(|number| char::from(b'a' + u8::try_from(number % 26).unwrap())).collect();
    stage.driver.longest_gap();
    let (time, begun, before) = (processor_time(), Instant::now(), stage.driver.frames());
    let keyboard = thread::spawn({
        let typed = typed.clone();
        move || run("xdotool", &["type", "--delay", "45", &typed])
    });
    for round in 0..(SECONDS * 100) {
        thread::sleep((begun + Duration::from_millis(10) * round).saturating_duration_since(Instant::now()));
        let first = usize::try_from(round).unwrap() * EACH;
        (first..first + EACH).for_each(|number| stage.tell(message(number)));
    }
    keyboard.join().unwrap();
    let (passed, spent) = (begun.elapsed(), processor_time() - time);
    let (gap, drawn) = (stage.driver.longest_gap(), stage.driver.frames() - before);
    let sent = usize::try_from(SECONDS).unwrap() * 100 * EACH;
    stage.driver.until("all lines", move |app| lines(&mut app.model) >= sent);
    thread::sleep(Duration::from_millis(500));
    let draft = stage.driver.ask(|app| app.model.session.as_mut().unwrap().open_conversation().draft.clone());
    let lost = typed.len() - draft.len().min(typed.len());
    let lost = if draft == typed { 0 } else { lost.max(1) };
    let explained = format!(" of {}, while {sent} messages came in {:.1} s", typed.len(), passed.as_secs_f64());
    judge("keys lost", lost as f64, "keys", 0.0, &explained);
    judge("frames meanwhile", drawn as f64 / passed.as_secs_f64(), "a second", 60.5, "");
    judge("longest time between frames meanwhile", millis(gap), "ms", 100.0, "");
    println!("     processor time meanwhile: {:.2} s", spent.as_secs_f64());
}

fn arrivals(stage: &Stage) {
    stage.fill(0, 0);
    let events: Vec<Happening> = (0..PEOPLE)
        .map(|number| {
            let address = "10.0.0.9:40001".parse().unwrap();
            let event = PresenceEvent::new(Timestamp::from_millis(AT), user(number), Presence::Online(address));
            Happening::Event(Box::new(Event::Presence(event)))
        })
        .collect();
    let (time, begun) = (processor_time(), Instant::now());
    events.into_iter().for_each(|event| stage.tell(event));
    stage.driver.until("all people", |app| app.model.session.as_ref().unwrap().roster.online() == PEOPLE);
    let (passed, spent) = (begun.elapsed(), processor_time() - time);
    let explained = format!(", {:.0} ms of processor time", millis(spent));
    judge("10,000 people come at once", millis(passed), "ms", 200.0, &explained);
}
