/* Tinderbox: inference for microcontrollers. Made by cbindgen from runtime/src; do not edit.

   A program is constant data that `tinderbox compile` writes; a model is a program bound to an arena, a block of RAM
   that the caller owns. Calls never allocate, block or abort, and keep no globals. Any number of models may be used at
   once; each of them by one thread (or interrupt priority) at a time. No call is async-signal-safe on one model. */

#ifndef TINDERBOX_H
#define TINDERBOX_H

#include <stddef.h>
#include <stdint.h>
/* Static memory for an arena, aligned as tbx_init demands. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define TBX_ARENA(name, bytes) alignas(TBX_ARENA_ALIGN) static uint8_t name[bytes]
#elif defined(__GNUC__) || defined(__clang__) || defined(__ARMCC_VERSION)
#define TBX_ARENA(name, bytes) static uint8_t name[bytes] __attribute__((aligned(TBX_ARENA_ALIGN)))
#else
#define TBX_ARENA(name, bytes) static _Alignas(TBX_ARENA_ALIGN) uint8_t name[bytes]
#endif


/*
 Version of the layout below. A library runs programs of its own version only.
 */
#define TBX_ABI_VERSION 2

/*
 Required alignment of an arena, in bytes.
 */
#define TBX_ARENA_ALIGN 16

/*
 Largest index that an entry can hold.
 */
#define Action_MAX_INDEX 8191

/*
 The outcome of a call. Numbers are stable; success is zero or positive, errors are negative.
 */
enum tbx_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   Done; from `tbx_step`, more steps follow.
   */
  TBX_OK = 0,
  /*
   The inference is complete, outputs may be read.
   */
  TBX_READY = 1,
  /*
   The next row of an input is wanted.
   */
  TBX_NEED_ROW = 2,
  /*
   A pointer argument is null.
   */
  TBX_NULL_POINTER = -1,
  /*
   Program and library disagree on the layout of programs.
   */
  TBX_ABI_MISMATCH = -2,
  /*
   The arena is smaller than the program says.
   */
  TBX_ARENA_TOO_SMALL = -3,
  /*
   The arena does not start at a multiple of `TBX_ARENA_ALIGN`.
   */
  TBX_ARENA_MISALIGNED = -4,
  /*
   The model was not initialised, or its initialisation failed.
   */
  TBX_NOT_INITIALIZED = -5,
  /*
   The row has the wrong number of bytes.
   */
  TBX_ROW_SIZE = -6,
  /*
   The program takes its input the other way: whole instead of by rows, or by rows instead of whole.
   */
  TBX_INPUT_MODE = -7,
  /*
   The program contradicts itself; it was not made by this compiler, or was damaged.
   */
  TBX_CORRUPT = -8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tbx_status tbx_status;
#else
typedef int32_t tbx_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 One step of one node.
 */
typedef struct tbx_node_step tbx_node_step;

/*
 A tensor as rows in a ring.

 Row `r` starts at byte `offset + (r + phase) % capacity * stride` of the arena, except while it is one of the tensor's
 fresh rows: those stand side by side, `stride` bytes apart, from `fresh` on.
 */
typedef struct tbx_tensor {
  /*
   Byte offset of the ring in the arena.
   */
  uint32_t offset;
  /*
   Byte offset of the fresh rows; meaningless where `fresh_rows` is 0.
   */
  uint32_t fresh;
  /*
   Bytes from one row to the next.
   */
  uint32_t stride;
  /*
   Bytes of a row that hold elements.
   */
  uint32_t row_bytes;
  /*
   Rows of the whole tensor.
   */
  uint16_t rows;
  /*
   Rows in the ring.
   */
  uint16_t capacity;
  /*
   Rows that stand apart at a time: as many as the writer makes in a step, or 0.
   */
  uint16_t fresh_rows;
  /*
   The number of the row that follows the last one: 0, or in a stream that of the first row that its period writes.
   */
  uint16_t restart;
  /*
   The slot of row 0: rows that are made together shall stand side by side.
   */
  uint16_t phase;
} tbx_tensor;

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_tensors {
  const struct tbx_tensor *data;
  size_t len;
} tbx_tensors;

/*
 Executes one step of a node. Nodes name their kernels directly, so that the linker keeps no others.
 */
typedef tbx_status (*tbx_kernel)(const struct tbx_node_step *step);

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_int32s {
  const int32_t *data;
  size_t len;
} tbx_int32s;

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_bytes {
  const uint8_t *data;
  size_t len;
} tbx_bytes;

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_uint16s {
  const uint16_t *data;
  size_t len;
} tbx_uint16s;

/*
 One operator, bound to a kernel.
 */
typedef struct tbx_node {
  /*
   Executes a step.
   */
  tbx_kernel kernel;
  /*
   Shapes, strides and scalars, in the order that the kernel documents.
   */
  struct tbx_int32s params;
  /*
   Constants per output channel, in the order that the kernel documents.
   */
  struct tbx_int32s channels;
  /*
   Weights, in the order in which the kernel reads them; starts at a multiple of 4.
   */
  struct tbx_bytes weights;
  /*
   Indices of the tensors read, then of those written.
   */
  struct tbx_uint16s tensors;
  /*
   How many of `tensors` are read.
   */
  uint16_t inputs;
  /*
   Steps of an inference; the counter starts anew after them.
   */
  uint16_t steps;
  /*
   Output rows made by a step (fewer in the first and the last).
   */
  uint16_t rows_per_step;
  /*
   How many rows the steps are behind: step `i` ends with row `(i + 1) * rows_per_step - lag`, exclusive.
   */
  uint16_t lag;
  /*
   Byte offset of memory that the kernel may use within a step.
   */
  uint32_t scratch;
  /*
   Its size in bytes.
   */
  uint32_t scratch_bytes;
  /*
   Byte offset of memory that keeps its contents from the first step to the last.
   */
  uint32_t state;
  /*
   Its size in bytes.
   */
  uint32_t state_bytes;
} tbx_node;

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_nodes {
  const struct tbx_node *data;
  size_t len;
} tbx_nodes;

/*
 Memory that survives from one inference to the next.
 */
typedef struct tbx_variable {
  /*
   Byte offset in the arena.
   */
  uint32_t offset;
  /*
   Size in bytes.
   */
  uint32_t bytes;
  /*
   Contents after reset, repeated until `bytes` are filled; if empty, zero.
   */
  struct tbx_bytes initial;
} tbx_variable;

/*
 `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
 */
typedef struct tbx_variables {
  const struct tbx_variable *data;
  size_t len;
} tbx_variables;

/*
 A compiled network.
 */
typedef struct tbx_program {
  /*
   [`ABI_VERSION`] of the compiler.
   */
  uint32_t abi_version;
  /*
   All the memory that inference needs beside the stack and the model handle.
   */
  uint32_t arena_bytes;
  /*
   Every tensor that lives in the arena.
   */
  struct tbx_tensors tensors;
  /*
   In topological order.
   */
  struct tbx_nodes nodes;
  /*
   What to do, in order: see [`Action`](crate::schedule::Action).
   */
  struct tbx_uint16s schedule;
  /*
   Tensor indices of the inputs, in the model's order.
   */
  struct tbx_uint16s inputs;
  /*
   Tensor indices of the outputs, in the model's order; each is contiguous.
   */
  struct tbx_uint16s outputs;
  /*
   State that survives an inference.
   */
  struct tbx_variables variables;
  /*
   1: inputs are pushed row by row; 0: they stand whole in the arena, and the inference consumes them.
   */
  uint32_t pushed;
  /*
   The entry of the schedule that follows the last one: 0, or in a stream the first one of its period.
   */
  uint32_t resume;
} tbx_program;

/*
 A place in a schedule.
 */
typedef struct tbx_cursor {
  /*
   Index of the next entry.
   */
  uint32_t next;
  /*
   Repetitions still to come of the one under way; 0 outside one.
   */
  uint32_t remaining;
} tbx_cursor;

/*
 A model in use. The caller owns it and keeps it until the last call; its contents are private. All other state
 lives in the arena.
 */
typedef struct tbx_model {
  const struct tbx_program *program;
  void *arena;
  struct tbx_cursor cursor;
  uint32_t ready;
} tbx_model;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Version of the program layout that this library runs; compare with `TBX_ABI_VERSION` of the header.
 */
uint32_t tbx_abi_version(void);

/*
 Describes a status in a few words. The text is constant.
 */
const char *tbx_status_str(int32_t status);

/*
 Names the kernels that this library was built with: `"armv7em"` (beside the portable ones) or `"portable"`. A kernel of
 a set that is not there runs as its portable twin, slower and with the same result. The text is constant.
 */
const char *tbx_kernel_set(void);

/*
 Binds `program` to `arena` and gives every variable its initial contents. May be called again at any time.

 `arena` holds `arena_bytes` bytes, at least the program's (`NAME_ARENA_BYTES` of its header), and starts at a multiple
 of `TBX_ARENA_ALIGN`; it belongs to the model until the last call. The program must outlive the model.

 Preconditions:
 `model` and `program` are null or valid; `arena` is null or points at `arena_bytes` writable bytes that nobody else
 uses.
 */
tbx_status tbx_init(struct tbx_model *model,
                    const struct tbx_program *program,
                    void *arena,
                    size_t arena_bytes);

/*
 Forgets an inference under way, or all frames of a stream, and gives every variable its initial contents.

 Preconditions:
 `model` is null, or was written by `tbx_init` or is zero.
 */
tbx_status tbx_reset(struct tbx_model *model);

/*
 Input `index`, whole, for the caller to fill before `tbx_invoke`, which consumes it. Null if there is no such input,
 the model is not initialised, or the program takes its input by rows.

 Preconditions:
 As for `tbx_reset`.
 */
void *tbx_input(struct tbx_model *model,
                size_t index);

/*
 Runs one inference on the inputs in the arena. `TBX_READY` when the outputs may be read.

 Preconditions:
 As for `tbx_reset`.
 */
tbx_status tbx_invoke(struct tbx_model *model);

/*
 Hands over the next row (`bytes` long) of the input that `tbx_wanted_input` names and does all the work that it
 makes possible. `TBX_NEED_ROW` if another row is wanted, `TBX_READY` when the outputs may be read; the next call
 then begins a new inference. In a stream it goes on with the same one: once the first window of frames is full
 (`NAME_WINDOW` of the program's header), every `NAME_HOP` frames bring `TBX_READY` and the outputs of the window that
 ends there, the others `TBX_NEED_ROW`.

 Preconditions:
 As for `tbx_reset`; `row` is null or points at `bytes` bytes.
 */
tbx_status tbx_push_row(struct tbx_model *model,
                        const void *row,
                        size_t bytes);

/*
 As `tbx_push_row`, but leaves the work to `tbx_step`: for firmware that must not be kept for long. Only when
 `tbx_step` (or `tbx_wanted_input`) says that a row is wanted.

 Preconditions:
 As for `tbx_push_row`.
 */
tbx_status tbx_take_row(struct tbx_model *model,
                        const void *row,
                        size_t bytes);

/*
 Index of the input whose row is wanted next, or a negative status.

 Preconditions:
 As for `tbx_reset`.
 */
int32_t tbx_wanted_input(struct tbx_model *model);

/*
 Does a small part of an inference: a step of one node, or a row moved to its place. `TBX_OK` while more is to do,
 `TBX_NEED_ROW` if a row must be pushed first, `TBX_READY` when the outputs may be read.

 Preconditions:
 As for `tbx_reset`.
 */
tbx_status tbx_step(struct tbx_model *model);

/*
 Index of the node that `tbx_step` would work on now; negative if it would only move a row, or on error.

 Preconditions:
 As for `tbx_reset`.
 */
int32_t tbx_next_node(struct tbx_model *model);

/*
 Output `index`, contiguous: whole, or the newest row of a stream. Valid from `TBX_READY` until the next inference begins
 or the next row is pushed. Null if there is no
 such output or the model is not initialised.

 Preconditions:
 As for `tbx_reset`.
 */
const void *tbx_output(struct tbx_model *model,
                       size_t index);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TINDERBOX_H */
