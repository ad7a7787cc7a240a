//! The order of work: one 16-bit entry an action, the verb in its top three bits.

/// One entry of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The node executes its next step. `fresh`: its output goes to the fresh rows.
    Run {
        /// Index of the node.
        node: usize,
        /// Where the output goes.
        fresh: bool,
    },
    /// The input's next row arrives from the caller.
    Push {
        /// Index among the program's inputs.
        input: usize,
        /// Where the row goes.
        fresh: bool,
    },
    /// The input's next row arrives from the caller, and nobody reads it.
    Drop {
        /// Index among the program's inputs.
        input: usize,
    },
    /// The tensor's fresh rows are copied to their slots in the ring.
    Commit {
        /// Index of the tensor.
        tensor: usize,
    },
    /// The `length` entries before this one are executed again, as many times as the raw entry behind it says.
    /// Repetitions do not nest.
    Repeat {
        /// How many entries to go back.
        length: usize,
    },
    /// The outputs may be read.
    Ready,
}

impl Action {
    /// Largest index that an entry can hold.
    pub const MAX_INDEX: usize = 0x1fff;

    /// The entry; `None` if the index is too large.
    pub const fn encode(self) -> Option<u16> {
        let (verb, index) = match self {
            Action::Run { node, fresh: false } => (0, node),
            Action::Run { node, fresh: true } => (1, node),
            Action::Push { input, fresh: false } => (2, input),
            Action::Push { input, fresh: true } => (3, input),
            Action::Drop { input } => (4, input),
            Action::Commit { tensor } => (5, tensor),
            Action::Repeat { length } => (6, length),
            Action::Ready => (7, 0),
        };
        if index > Self::MAX_INDEX { None } else { Some((verb << 13) | index as u16) }
    }

    /// The action.
    #[inline]
    pub const fn decode(entry: u16) -> Self {
        let index = entry as usize & Self::MAX_INDEX;
        match entry >> 13 {
            0 => Action::Run { node: index, fresh: false },
            1 => Action::Run { node: index, fresh: true },
            2 => Action::Push { input: index, fresh: false },
            3 => Action::Push { input: index, fresh: true },
            4 => Action::Drop { input: index },
            5 => Action::Commit { tensor: index },
            6 => Action::Repeat { length: index },
            _ => Action::Ready,
        }
    }
}

/// A place in a schedule.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the next entry.
    next: u32,
    /// Repetitions still to come of the one under way; 0 outside one.
    remaining: u32,
}

impl Cursor {
    /// The place of entry `next`, outside any repetition.
    pub const fn at(next: u32) -> Self {
        Self { next, remaining: 0 }
    }

    /// The action at the cursor, repetitions resolved; `None` behind the last one or where the schedule is damaged.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn action(&mut self, schedule: &[u16]) -> Option<Action> {
        let entry = *schedule.get(self.next as usize)?;
        let Action::Repeat { length } = Action::decode(entry) else { return Some(Action::decode(entry)) };
        self.remaining = match self.remaining {
            0 => u32::from(*schedule.get(self.next as usize + 1)?),
            more => more - 1,
        };
        self.next = if self.remaining > 0 { self.next.checked_sub(length as u32)? } else { self.next + 2 };
        match Action::decode(*schedule.get(self.next as usize)?) {
            Action::Repeat { .. } => None,
            action => Some(action),
        }
    }

    /// Passes over the action that [`Self::action`] returned.
    #[inline]
    pub fn advance(&mut self) {
        self.next = self.next.wrapping_add(1);
    }

    /// Whether the schedule is done. Call it after [`Self::action`] returned `None`.
    #[inline]
    pub fn at_end(&self, schedule: &[u16]) -> bool {
        self.next as usize >= schedule.len()
    }
}
