//! The door for C, and the only place where raw pointers become typed views.
//!
//! Every call checks its arguments and returns a status; nothing aborts. There are no globals: any number of models may
//! be used at once, each by one thread (or interrupt priority) at a time.

pub(crate) mod bytes;
mod kernel;
#[cfg(all(feature = "firmware", not(test)))]
mod panic;
pub(crate) mod slice;

pub use kernel::*;

use crate::executor::Executor;
use crate::kernels;
use crate::program::{ABI_VERSION, ARENA_ALIGN, Program};
use crate::schedule::Cursor;
use crate::status::Status;
use std::cell::Cell;
use std::ffi::{c_char, c_void};

/// A model in use. The caller owns it and keeps it until the last call; its contents are private. All other state
/// lives in the arena.
#[repr(C)]
pub struct Model {
    program: *const Program<'static>,
    arena: *mut c_void,
    cursor: Cursor,
    ready: u32,
}

/// `Model::ready` of an initialised model.
const READY: u32 = 0x7462_7831;

/// Version of the program layout that this library runs; compare with `TBX_ABI_VERSION` of the header.
#[unsafe(no_mangle)]
pub extern "C" fn tbx_abi_version() -> u32 {
    ABI_VERSION
}

/// Describes a status in a few words. The text is constant.
#[unsafe(no_mangle)]
pub extern "C" fn tbx_status_str(status: i32) -> *const c_char {
    Status::describe(status).as_ptr()
}

/// Names the kernels that this library was built with: `"armv7em"` (beside the portable ones) or `"portable"`. A kernel of
/// a set that is not there runs as its portable twin, slower and with the same result. The text is constant.
#[unsafe(no_mangle)]
pub extern "C" fn tbx_kernel_set() -> *const c_char {
    kernels::SET.as_ptr()
}

/// Binds `program` to `arena` and gives every variable its initial contents. May be called again at any time.
///
/// `arena` holds `arena_bytes` bytes, at least the program's (`NAME_ARENA_BYTES` of its header), and starts at a multiple
/// of `TBX_ARENA_ALIGN`; it belongs to the model until the last call. The program must outlive the model.
///
/// # Safety
/// `model` and `program` are null or valid; `arena` is null or points at `arena_bytes` writable bytes that nobody else
/// uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_init(
    model: *mut Model,
    program: *const Program<'static>,
    arena: *mut c_void,
    arena_bytes: usize,
) -> Status {
    if model.is_null() {
        return Status::NullPointer;
    }
    // SAFETY: valid for writes by this function's contract.
    unsafe { model.write(Model { program, arena, cursor: Cursor::default(), ready: 0 }) };
    if program.is_null() || arena.is_null() {
        return Status::NullPointer;
    }
    if !arena.addr().is_multiple_of(ARENA_ALIGN) {
        return Status::ArenaMisaligned;
    }
    // SAFETY: `program` is valid by this function's contract; `arena` holds `arena_bytes` bytes.
    let bound = unsafe { bind(program, arena, arena_bytes) };
    match bound.and_then(|executor| executor.reset()) {
        Ok(()) => {
            // SAFETY: valid for writes by this function's contract.
            unsafe { (*model).ready = READY };
            Status::Ok
        }
        Err(status) => status,
    }
}

/// Forgets an inference under way, or all frames of a stream, and gives every variable its initial contents.
///
/// # Safety
/// `model` is null, or was written by `tbx_init` or is zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_reset(model: *mut Model) -> Status {
    // SAFETY: by this function's contract.
    match unsafe { open(model) } {
        Ok((executor, cursor)) => {
            *cursor = Cursor::default();
            executor.reset().err().unwrap_or(Status::Ok)
        }
        Err(status) => status,
    }
}

/// Input `index`, whole, for the caller to fill before `tbx_invoke`, which consumes it. Null if there is no such input,
/// the model is not initialised, or the program takes its input by rows.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_input(model: *mut Model, index: usize) -> *mut c_void {
    // SAFETY: by this function's contract.
    let Ok((executor, _)) = (unsafe { open(model) }) else { return std::ptr::null_mut() };
    if executor.program().pushed != 0 {
        return std::ptr::null_mut();
    }
    executor.input(index).map_or(std::ptr::null_mut(), |cells| cells.as_ptr().cast_mut().cast())
}

/// Runs one inference on the inputs in the arena. `TBX_READY` when the outputs may be read.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_invoke(model: *mut Model) -> Status {
    // SAFETY: by this function's contract.
    match unsafe { open(model) } {
        Ok((executor, cursor)) => executor.invoke(cursor),
        Err(status) => status,
    }
}

/// Hands over the next row (`bytes` long) of the input that `tbx_wanted_input` names and does all the work that it
/// makes possible. `TBX_NEED_ROW` if another row is wanted, `TBX_READY` when the outputs may be read; the next call
/// then begins a new inference. In a stream it goes on with the same one: once the first window of frames is full
/// (`NAME_WINDOW` of the program's header), every `NAME_HOP` frames bring `TBX_READY` and the outputs of the window that
/// ends there, the others `TBX_NEED_ROW`.
///
/// # Safety
/// As for `tbx_reset`; `row` is null or points at `bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_push_row(model: *mut Model, row: *const c_void, bytes: usize) -> Status {
    // SAFETY: by this function's contract.
    match unsafe { (open(model), bytes_at(row, bytes)) } {
        (Ok((executor, cursor)), Ok(row)) => executor.push_row(cursor, row),
        (Err(status), _) | (_, Err(status)) => status,
    }
}

/// As `tbx_push_row`, but leaves the work to `tbx_step`: for firmware that must not be kept for long. Only when
/// `tbx_step` (or `tbx_wanted_input`) says that a row is wanted.
///
/// # Safety
/// As for `tbx_push_row`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_take_row(model: *mut Model, row: *const c_void, bytes: usize) -> Status {
    // SAFETY: by this function's contract.
    match unsafe { (open(model), bytes_at(row, bytes)) } {
        (Ok((executor, cursor)), Ok(row)) => executor.push(cursor, row),
        (Err(status), _) | (_, Err(status)) => status,
    }
}

/// # Safety
/// `row` is null or points at `bytes` bytes, which live for `'a`.
#[inline(never)]
unsafe fn bytes_at<'a>(row: *const c_void, bytes: usize) -> Result<&'a [u8], Status> {
    if row.is_null() {
        return Err(Status::NullPointer);
    }
    // SAFETY: by this function's contract.
    Ok(unsafe { std::slice::from_raw_parts(row.cast(), bytes) })
}

/// Index of the input whose row is wanted next, or a negative status.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_wanted_input(model: *mut Model) -> i32 {
    // SAFETY: by this function's contract.
    match unsafe { open(model) } {
        Ok((executor, cursor)) => executor.wanted(cursor).map_or(Status::InputMode as i32, |input| input as i32),
        Err(status) => status as i32,
    }
}

/// Does a small part of an inference: a step of one node, or a row moved to its place. `TBX_OK` while more is to do,
/// `TBX_NEED_ROW` if a row must be pushed first, `TBX_READY` when the outputs may be read.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_step(model: *mut Model) -> Status {
    // SAFETY: by this function's contract.
    match unsafe { open(model) } {
        Ok((executor, cursor)) => executor.step(cursor),
        Err(status) => status,
    }
}

/// Index of the node that `tbx_step` would work on now; negative if it would only move a row, or on error.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_next_node(model: *mut Model) -> i32 {
    // SAFETY: by this function's contract.
    match unsafe { open(model) } {
        Ok((executor, cursor)) => executor.next_node(cursor).map_or(-1, |node| node as i32),
        Err(status) => status as i32,
    }
}

/// Output `index`, contiguous: whole, or the newest row of a stream. Valid from `TBX_READY` until the next inference begins
/// or the next row is pushed. Null if there is no
/// such output or the model is not initialised.
///
/// # Safety
/// As for `tbx_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tbx_output(model: *mut Model, index: usize) -> *const c_void {
    // SAFETY: by this function's contract.
    let Ok((executor, _)) = (unsafe { open(model) }) else { return std::ptr::null() };
    executor.output(index).map_or(std::ptr::null(), |cells| cells.as_ptr().cast())
}

/// The executor and the cursor of an initialised model.
///
/// # Safety
/// `model` is null, or was written by `tbx_init` (whose promises still hold) or is zero.
#[inline(never)]
unsafe fn open<'a>(model: *mut Model) -> Result<(Executor<'a>, &'a mut Cursor), Status> {
    // SAFETY: null or valid by this function's contract.
    let model = unsafe { model.as_mut() }.ok_or(Status::NullPointer)?;
    if model.ready != READY {
        return Err(Status::NotInitialized);
    }
    // SAFETY: `tbx_init` set `ready` after it had checked both pointers and that the arena holds the program's bytes.
    let executor = unsafe { bind(model.program, model.arena, (*model.program).arena_bytes as usize)? };
    Ok((executor, &mut model.cursor))
}

/// # Safety
/// `program` is valid, `arena` holds `bytes` bytes that nobody else uses, and both outlive `'a`.
unsafe fn bind<'a>(program: *const Program<'a>, arena: *mut c_void, bytes: usize) -> Result<Executor<'a>, Status> {
    // SAFETY: by this function's contract; `Cell<u8>` has the layout of `u8` and allows shared writes.
    let (program, cells) = unsafe { (&*program, std::slice::from_raw_parts(arena.cast::<Cell<u8>>(), bytes)) };
    Executor::new(program, cells)
}
