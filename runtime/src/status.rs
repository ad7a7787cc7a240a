//! What a call of the C ABI, or a kernel, has to say.

/// The outcome of a call. Numbers are stable; success is zero or positive, errors are negative.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done; from `tbx_step`, more steps follow.
    Ok = 0,
    /// The inference is complete, outputs may be read.
    Ready = 1,
    /// The next row of an input is wanted.
    NeedRow = 2,
    /// A pointer argument is null.
    NullPointer = -1,
    /// Program and library disagree on the layout of programs.
    AbiMismatch = -2,
    /// The arena is smaller than the program says.
    ArenaTooSmall = -3,
    /// The arena does not start at a multiple of `TBX_ARENA_ALIGN`.
    ArenaMisaligned = -4,
    /// The model was not initialised, or its initialisation failed.
    NotInitialized = -5,
    /// The row has the wrong number of bytes.
    RowSize = -6,
    /// The program takes its input the other way: whole instead of by rows, or by rows instead of whole.
    InputMode = -7,
    /// The program contradicts itself; it was not made by this compiler, or was damaged.
    Corrupt = -8,
}

impl Status {
    /// Whether the call failed.
    pub const fn is_error(self) -> bool {
        (self as i32) < 0
    }

    /// A few words for a log, for any number that a call may have returned.
    pub const fn describe(status: i32) -> &'static core::ffi::CStr {
        match status {
            0 => c"ok",
            1 => c"outputs are ready",
            2 => c"the next input row is wanted",
            -1 => c"null pointer",
            -2 => c"program and library have different ABI versions",
            -3 => c"arena too small",
            -4 => c"arena misaligned",
            -5 => c"model not initialised",
            -6 => c"row has the wrong size",
            -7 => c"program takes its input the other way (whole or by rows)",
            -8 => c"program is corrupt",
            _ => c"unknown status",
        }
    }
}
