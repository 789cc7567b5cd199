use std::collections::BTreeMap;

use bitspike_run::progress::Event;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::live::sample;

const THEME: Theme = Theme { colour: true, unicode: true };

fn context() -> Context {
    Context {
        summary: "ternary, 6 layers, T=16".into(),
        device: "cpu, 2 threads".into(),
        since: 0.0,
        interrupted: false,
    }
}

/// The screen that shows `board`, line by line.
fn screen(width: u16, height: u16, board: &Board, context: &Context, theme: Theme) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, context, theme)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(width).max(1));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

fn board(events: &[Event]) -> Board {
    let mut board = Board::default();
    events.iter().for_each(|event| board.fold(event));
    board
}

fn has(screen: &str, parts: &[&str]) {
    for part in parts {
        assert!(screen.contains(part), "no {part:?} in\n{screen}");
    }
}

#[test]
fn a_large_screen_shows_everything() {
    let mut events = sample::run(20);
    events.push(Event::Message { level: Level::Info, text: "teacher loaded".into() });
    let screen = screen(160, 60, &board(&events), &context(), THEME);
    has(
        &screen,
        &[
            "distil sst2 · stage internal 1/2 · epoch 0.02",
            "ternary, 6 layers, T=16 · cpu, 2 threads",
            "0 %  20/4208  left 12m04s  elapsed 40s",
            "loss                  5.00        13.9",
            "hidden                3.75        10.4",
            "attention             1.00        2.78",
            "prediction           0.250       0.696",
            "firing rate          0.210",
            "learning rate       2.1e-4",
            "gradient norm         1.25",
            "examples/s             813",
            "tokens/s             20480",
            " loss, log scale ",
            " dev accuracy 0.8800, best * 0.8872 at step 10 ",
            "firing rate 0.19 (0.05 to 0.32)",
            "embedding    0.31 ██",
            "layer 11 val 0.28 ██",
            "warning: gradient norm 812 clipped to 1",
            "teacher loaded",
        ],
    );
    let marks = screen.lines().filter(|line| line.contains('*') && !line.contains("best")).count();
    assert_eq!(marks, 1, "the best score is marked once in the chart:\n{screen}");
    assert!(screen.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "no curve in\n{screen}");
}

#[test]
fn a_usual_screen_shows_what_fits() {
    let screen = screen(80, 24, &board(&sample::run(20)), &context(), THEME);
    has(
        &screen,
        &["stage internal 1/2", "20/4208", "gradient norm", "loss, log scale", "firing rate 0.19", "… 64 more"],
    );
}

#[test]
fn a_small_screen_shows_the_figures() {
    let small = screen(40, 10, &board(&sample::run(20)), &context(), THEME);
    let expected = [
        "distil sst2 · stage internal 1/2",
        "20/4208  left 12m04s",
        "loss 13.9  hid 10.4  att 2.78  pred 0.69",
        "rate 0.210  lr 2.1e-4  grad 1.25",
        "813 ex/s  20480 tok/s",
        "best dev accuracy 0.8872 at step 10",
        "warning: gradient norm 812 clipped to 1",
    ];
    has(&small, &expected);
    has(&screen(30, 3, &board(&sample::run(20)), &context(), THEME), &["distil sst2", "20/4208"]);
}

#[test]
fn the_gauge_fills_and_the_clock_goes_on() {
    let mut context = context();
    context.since = 5.0;
    let half = screen(100, 3, &board(&[sample::step("internal", 2104, 1.0)]), &context, THEME);
    has(&half, &["50 %  2104/4208  left 11m59s  elapsed 1h10m"]);
    let bar: Vec<char> = half.lines().nth(1).unwrap().chars().filter(|c| "█░".contains(*c)).collect();
    let filled = bar.iter().filter(|c| **c == '█').count();
    assert!(bar.len() > 40 && filled.abs_diff(bar.len() - filled) <= 1, "{filled} of {}", bar.len());
    context.since = 1e6;
    has(&screen(100, 3, &board(&[sample::step("internal", 2104, 1.0)]), &context, THEME), &["left 0s"]);
}

#[test]
fn a_stop_is_announced() {
    let context = Context { interrupted: true, ..context() };
    for (width, height) in [(120, 40), (60, 8)] {
        has(&screen(width, height, &board(&sample::run(20)), &context, THEME), &["warning: stopping after this step"]);
    }
}

#[test]
fn without_unicode_all_is_ascii_and_without_colour_nothing_is_coloured() {
    let plain = Theme { colour: false, unicode: false };
    let board = board(&sample::run(20));
    let text = screen(160, 60, &board, &context(), plain);
    assert!(text.is_ascii(), "{text}");
    has(&text, &["| stage internal", "embedding    0.31 ##", "-- ", " loss, log scale "]);
    let mut terminal = Terminal::new(TestBackend::new(160, 60)).unwrap();
    terminal.draw(|frame| draw(frame, &board, &context(), plain)).unwrap();
    let cells = &terminal.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

/// Boards that stretch every part of the view: none, little, much, and values out of all range.
fn boards() -> Vec<Board> {
    let wild = |x: f64| {
        let mut step = sample::step("x", u64::MAX, x);
        if let Event::Step {
            total_steps, grad_norm, learning_rate, eta_s, elapsed_s, epoch, tokens_per_second, ..
        } = &mut step
        {
            *total_steps = 1;
            (*grad_norm, *learning_rate, *eta_s, *elapsed_s, *epoch, *tokens_per_second) = (x, x, x, x, x, x);
        }
        let name = "名".repeat(50);
        let rates = BTreeMap::from([(name.clone(), x), (String::new(), -1.0)]);
        let metrics = BTreeMap::from([("m".to_owned(), x)]);
        let eval = Event::Eval {
            stage: "x".into(),
            step: 0,
            split: name,
            metrics,
            primary: "m".into(),
            best: true,
            rates,
            elapsed_s: x,
        };
        [step, eval, sample::warning(&"long ".repeat(100))]
    };
    let extremes = [0.0, -1.0, 1e-300, 1e300, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let mut boards = vec![board(&[]), board(&[sample::start()]), board(&sample::run(1)), board(&sample::run(3000))];
    boards.extend(extremes.map(|x| board(&wild(x))));
    boards.push(board(&extremes.map(wild).concat()));
    boards
}

#[test]
fn no_size_panics() {
    let boards = boards();
    for theme in [THEME, Theme { colour: false, unicode: false }] {
        for (width, height) in [(1, 1), (1, 60), (200, 1), (2, 2), (40, 10), (79, 17), (80, 18), (80, 24), (200, 60)] {
            for board in &boards {
                screen(width, height, board, &context(), theme);
            }
        }
    }
    let board = &boards[3];
    for width in (1..=200).step_by(7) {
        for height in (1..=60).step_by(2) {
            screen(width, height, board, &context(), THEME);
        }
    }
}

#[test]
fn a_resize_between_frames_is_followed() {
    let board = board(&sample::run(20));
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    for (width, height) in [(120, 40), (10, 3), (1, 1), (200, 60), (40, 10)] {
        terminal.backend_mut().resize(width, height);
        terminal.draw(|frame| draw(frame, &board, &context(), THEME)).unwrap();
        let text: String = terminal.backend().buffer().content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(terminal.backend().buffer().area.width, width);
        assert!(text.starts_with(if width > 1 { "distil" } else { "d" }), "{text}");
    }
}
