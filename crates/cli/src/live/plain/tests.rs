use super::*;
use crate::live::sample;

/// The lines that `events` make.
fn lines(setup: Setup, colour: bool, quiet: bool, events: &[Event]) -> Vec<String> {
    let mut written = Vec::new();
    let mut plain = Plain::new(&mut written, colour, quiet, &setup);
    for event in events {
        plain.on_event(event).unwrap();
    }
    String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
}

fn every(steps: u64) -> Setup {
    Setup { every: Some(steps), ..Setup::default() }
}

#[test]
fn a_step_line_is_aligned_and_shows_means_since_the_line_before() {
    let events = [
        sample::step("internal", 1199, 7.0),
        sample::step("internal", 1200, 0.5),
        sample::step("internal", 1201, 0.324),
        sample::step("internal", 1202, 0.5),
    ];
    let lines = lines(every(2), false, false, &events);
    assert_eq!(
        lines,
        [
            "stage internal",
            "step 1199/4208  epoch 1.14  loss 7.000 (hid 5.250 att 1.400 pred 0.350)  rate 0.21  lr 2.1e-4   813 ex/s  left 12m04s",
            "step 1200/4208  epoch 1.14  loss 0.500 (hid 0.375 att 0.100 pred 0.025)  rate 0.21  lr 2.1e-4   813 ex/s  left 12m04s",
            "step 1202/4208  epoch 1.14  loss 0.412 (hid 0.309 att 0.082 pred 0.021)  rate 0.21  lr 2.1e-4   813 ex/s  left 12m04s",
        ]
    );
}

#[test]
fn absent_parts_are_left_out_and_nan_is_shown() {
    let mut event = sample::step("prediction", 5, f64::NAN);
    if let Event::Step { hidden, attention, prediction, rate, eta_s, .. } = &mut event {
        (*hidden, *attention, *prediction, *rate, *eta_s) = (None, None, None, None, f64::NAN);
    }
    let lines = lines(every(1), false, false, &[sample::start(), event]);
    assert_eq!(
        lines[2..],
        ["stage prediction (2/2)", "step    5/4208  epoch 0.00  loss   nan  lr 2.1e-4   813 ex/s  left ?"]
    );
}

#[test]
fn step_lines_come_every_n_steps_after_ten_seconds_and_at_the_last_step() {
    let steps = |setup, range: std::ops::RangeInclusive<u64>| -> Vec<u64> {
        let events: Vec<_> = range.map(|i| sample::step("internal", i, 1.0)).collect();
        let number = |line: &String| line.strip_prefix("step ")?.split('/').next()?.trim().parse().ok();
        lines(setup, false, false, &events).iter().filter_map(number).collect()
    };
    // A step takes two seconds in the sample run.
    assert_eq!(steps(every(3), 1..=10), [1, 3, 6, 9]);
    assert_eq!(steps(every(1000), 1..=12), [1, 6, 11]);
    assert_eq!(steps(every(1000), 4205..=4208), [4205, 4208]);
    // A fiftieth of 4208 steps is 85 of them, and 4165 is 49 times that.
    assert_eq!(steps(Setup::default(), 4163..=4167), [4163, 4165]);
    assert_eq!(steps(every(0), 1..=3), [1, 2, 3]);
}

#[test]
fn other_events_are_a_line_each() {
    let setup = Setup { summary: "ternary, T=16".into(), device: "cpu, 2 threads".into(), ..Setup::default() };
    let mut resumed = sample::start();
    if let Event::Start { resumed_at, .. } = &mut resumed {
        *resumed_at = Some(9);
    }
    let error = Event::Message { level: Level::Error, text: "loss is NaN at step 11".into() };
    let events = [
        resumed,
        sample::eval(10, 0.8872, true),
        sample::eval(15, 0.88, false),
        sample::checkpoint("best", 10),
        sample::warning("slow\x1b[2J"),
        error,
        sample::end("diverged", 11),
    ];
    assert_eq!(
        lines(setup, false, false, &events),
        [
            "distil sst2: internal, prediction (4,208 steps)",
            "10,700,000 trainable parameters, 67,349 training and 872 development examples",
            "ternary, T=16",
            "cpu, 2 threads",
            "resumed after step 9",
            "dev  step 10  accuracy 0.8872 (best)  f1 0.5000  rate 0.19",
            "dev  step 15  accuracy 0.8800  f1 0.5000  rate 0.19",
            "checkpoint  step 10  best runs/a/best",
            "warning: slow [2J",
            "error: loss is NaN at step 11",
            "distil sst2: diverged, step 11/4208, 38m12s",
            "best dev accuracy 0.8872 at step 10",
            "best checkpoint (step 10): runs/a/best",
        ]
    );
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let mut events = sample::run(20);
    events.push(Event::Message { level: Level::Info, text: "unheard".into() });
    events.push(sample::end("finished", 20));
    assert_eq!(lines(every(1), false, true, &events), ["warning: gradient norm 812 clipped to 1"]);
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let events = [sample::eval(10, 0.5, true), sample::warning("w"), sample::checkpoint("last", 10)];
    let coloured = lines(every(1), true, false, &events);
    assert!(coloured[0].contains("\x1b[1;32m(best)\x1b[0m"), "{coloured:?}");
    assert!(coloured.iter().all(|line| line.contains("\x1b[0m")), "{coloured:?}");
    assert!(lines(every(1), false, false, &events).iter().all(|line| !line.contains('\x1b')));
}

#[test]
fn a_run_that_broke_off_is_summed_up_by_what_is_known() {
    let mut board = Board::default();
    assert_eq!(summary(&board), ["run: stopped before its first step, step 0, 0s"]);
    sample::run(20).iter().for_each(|event| board.fold(event));
    assert_eq!(
        farewell(&board, false),
        [
            "distil sst2: stopped before its end, step 20/4208, 40s",
            "best dev accuracy 0.8872 at step 10",
            "best checkpoint (step 10): runs/a/best",
            "last checkpoint (step 10): runs/a/last",
            "warning: gradient norm 812 clipped to 1",
        ]
    );
}

#[test]
fn a_closed_pipe_does_not_stop_the_run() {
    struct Closed(u32);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            assert_eq!(self.0, 1, "written to again after it failed");
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut plain = Plain::new(Closed(0), false, false, &every(1));
    for event in sample::run(20) {
        plain.on_event(&event).unwrap();
    }
}
