//! The engine as a module of WebAssembly, without glue that a tool would have to write: `npm/engine.js` calls these functions.
//!
//! An instance holds one model. A request is JSON in memory that [`reserve`] gave, and so is its reply, which stays where it is until
//! the next call. Requests and replies are those of the server (`docs/server.md`), a request named by its route.
//!
//! | function | what it does |
//! |---|---|
//! | [`reserve`] | memory for a model or a request |
//! | [`open`] | makes a model of the bytes in that memory |
//! | [`ask`] | answers a request |
//! | [`reply`], [`reply_length`] | where the reply is: of [`open`] and [`ask`], and after a panic its message |
//! | [`panicked`] | whether the module has stopped with a message |
//! | [`file`], [`file_length`] | the model's bytes, from which another instance can start after a panic |

mod cost;
mod fault;
mod requests;
mod told;
mod trace;

use std::cell::RefCell;

use bitspike::format::Packed;
use bitspike::{Kernels, Model, Options};

use cost::Meter;
use fault::Fault;

thread_local! {
    static STATE: RefCell<State> =
        const { RefCell::new(State { given: Vec::new(), reply: Vec::new(), model: None, file: (std::ptr::null(), 0), panicked: false }) };
}

/// What an instance holds.
struct State {
    /// Memory that was last reserved.
    given: Vec<u8>,
    reply: Vec<u8>,
    model: Option<(Model, Meter)>,
    /// Where the model's file is, and its bytes. They outlive a panic: nothing is dropped then, and no code runs any more.
    file: (*const u8, usize),
    panicked: bool,
}

fn with<T>(f: impl FnOnce(&mut State) -> T) -> T {
    STATE.with(|state| f(&mut state.borrow_mut()))
}

/// Reserves `bytes` bytes for what comes next, and says where; 0 where the host gives no more memory.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
    with(|state| {
        state.given = Vec::new();
        match state.given.try_reserve_exact(bytes) {
            Ok(()) => {
                state.given.resize(bytes, 0);
                state.given.as_mut_ptr()
            }
            Err(_) => std::ptr::null_mut(),
        }
    })
}

/// Makes a model of the packed file that was put where [`reserve`] said; `kernels` is 0 for the best, 1 for plain Rust, 2 for vectors
/// without the byte products of relaxed SIMD. Replies what the model is, or with an error; 1 if it is a model.
#[unsafe(no_mangle)]
pub extern "C" fn open(kernels: u32) -> u32 {
    std::panic::set_hook(Box::new(|panic| {
        let message = Fault::internal(panic.to_string()).json();
        // A panic within `with` finds the state borrowed; the instance is lost anyway.
        STATE.with(|state| {
            if let Ok(mut state) = state.try_borrow_mut() {
                state.reply = message;
                state.panicked = true;
            }
        });
    }));
    let bytes = with(|state| std::mem::take(&mut state.given));
    let mut options = Options::new();
    match kernels {
        1 => options = options.kernels(Kernels::Scalar),
        2 => options = options.kernels(Kernels::Simd128),
        _ => (),
    }
    let opened = Packed::from_bytes(bytes).and_then(|packed| options.build(packed, None));
    match opened {
        Ok(model) => {
            let reply = told::json(&told::Opened::of(&model));
            let bytes = model.packed().file_bytes();
            let file = (bytes.as_ptr(), bytes.len());
            with(|state| (state.reply, state.file, state.model) = (reply, file, Some((model, Meter::default()))));
            1
        }
        Err(error) => {
            with(|state| state.reply = Fault::of(&error).json());
            0
        }
    }
}

/// Answers the request that was put where [`reserve`] said; 1 if the reply is no error.
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> u32 {
    let (request, model) = with(|state| (std::mem::take(&mut state.given), state.model.take()));
    let replied = match &model {
        Some((model, meter)) => requests::answer(model, meter, &request),
        None => Err(Fault::internal("no model was opened".to_owned())),
    };
    let (reply, fine) = match replied {
        Ok(reply) => (reply, 1),
        Err(fault) => (fault.json(), 0),
    };
    with(|state| (state.reply, state.model) = (reply, model));
    fine
}

/// Where the last reply is.
#[unsafe(no_mangle)]
pub extern "C" fn reply() -> *const u8 {
    with(|state| state.reply.as_ptr())
}

/// Bytes of the last reply; 0 after a panic for which there was no memory.
#[unsafe(no_mangle)]
pub extern "C" fn reply_length() -> usize {
    with(|state| state.reply.len())
}

/// Whether the module stopped with a message, which is the reply; one that was given no memory stops without.
#[unsafe(no_mangle)]
pub extern "C" fn panicked() -> u32 {
    with(|state| state.panicked.into())
}

/// Where the model's file is; 0 where there is no model.
#[unsafe(no_mangle)]
pub extern "C" fn file() -> *const u8 {
    with(|state| state.file.0)
}

/// Bytes of the model's file.
#[unsafe(no_mangle)]
pub extern "C" fn file_length() -> usize {
    with(|state| state.file.1)
}
