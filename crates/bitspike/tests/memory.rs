//! What a simulation holds in memory does not grow with its steps.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bitspike::forward::{Rows, Wanted};
use bitspike::{Dynamics, ExitRule, Model, Simulation};

/// The system's memory, counted.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls are handed on as they are; counters alone are changed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that `f` held at most beyond what was held before.
fn peak(f: impl FnOnce()) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    f();
    MOST.load(Ordering::Relaxed) - before
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn memory_does_not_grow_with_the_steps() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-tiny/model.safetensors");
    let model = Model::load(path).unwrap();
    let text = [model.encode("a fine film")];
    let never = ExitRule { margin: 1e30, ..ExitRule::default() };
    for (dynamics, steps) in [(Dynamics::Phased, 1200), (Dynamics::Accumulated, 900), (Dynamics::Instantaneous, 900)] {
        for sent in [false, true] {
            let exits = if dynamics == Dynamics::Phased { vec![None] } else { vec![None, Some(never)] };
            for exit in exits {
                let held = |time_steps: u32| {
                    let at = [1, time_steps / 2, time_steps];
                    let wanted = Wanted { sent, exit, rows: Rows::At(&at), ..Wanted::default() };
                    peak(|| {
                        let run =
                            model.simulate(&text, &Simulation::new(dynamics, time_steps), wanted, |_| ()).unwrap();
                        assert_eq!(run[0].steps, time_steps);
                    })
                };
                // Forms of the weights that only some rates need are made once.
                held(steps);
                let (few, many) = (held(150), held(steps));
                assert!(
                    many < few + few / 10 + 4096,
                    "{dynamics}, {exit:?}: {few} bytes of 150 steps, {many} of {steps}"
                );
            }
        }
    }
}
