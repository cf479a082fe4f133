// A small pool of threads: the tasks 0 to n - 1 of one call are shared between the calling thread and some
// helpers.
#pragma once

#include <cstdint>

namespace elman {

// Whether denormal numbers, as inputs and as results, count as zero while tasks run.
enum class Denormals { kFlush, kKeep };

// Runs task(context, index, slot) for every index in [0, n_tasks) on at most n_threads threads, of which the
// caller is one. During the call every thread has a `slot` of its own, which is below n_threads. Returns when
// all tasks are done.
//
// Helpers are started when they are needed for the first time, and sleep between calls. Several threads may
// call at once. A call is finished even if all helpers are busy with other calls, because its caller works
// too. After a fork the child process starts helpers of its own. The caller's mode for denormal numbers is
// restored.
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
