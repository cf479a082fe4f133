// A small pool: tasks 0..n-1 of one call, shared between the calling thread and a few helpers.
#pragma once

#include <cstdint>

namespace elman {

// Whether denormals, as inputs and as results, are taken for zero while tasks run.
enum class Denormals { kFlush, kKeep };

// Runs task(context, index, slot) for every index in [0, n_tasks), on at most n_threads threads, the caller
// among them. `slot` < n_threads is one thread's own for the length of the call. Returns when all are done.
//
// Helpers are started on first need and sleep between calls. Several threads may call at once; each call
// finishes even if every helper is busy elsewhere, because its caller works too. After a fork the child
// starts its own helpers. The caller's mode for denormals is restored.
void parallel_for(int64_t n_tasks, int n_threads, void (*task)(void* context, int64_t index, int slot),
                  void* context, Denormals denormals);

template <typename Function>
void parallel_for(int64_t n_tasks, int n_threads, Function&& function,
                  Denormals denormals = Denormals::kFlush) {
  parallel_for(
      n_tasks, n_threads,
      [](void* context, int64_t index, int slot) { (*static_cast<Function*>(context))(index, slot); },
      &function, denormals);
}

}  // namespace elman
