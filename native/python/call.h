// What every call from Python needs: errors, and the release of the GIL. Included by the bindings alone.
#pragma once

#include <cxxabi.h>
#include <unistd.h>

#include "python/arrays.h"

namespace elman {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw nb::value_error(what);
}

// Releases the GIL within a scope. If the interpreter ends in the meantime, Python ends a thread that asks
// for the GIL by unwinding its stack. The unwinding must not pass through a frame that lets no exception out.
// The thread therefore waits here for the end of the process, as all threads do from Python 3.14 on.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil() {
#if defined(__GLIBCXX__)
    try {
      PyEval_RestoreThread(state_);
    } catch (abi::__forced_unwind&) {
      for (;;) pause();
    }
#else
    PyEval_RestoreThread(state_);
#endif
  }

 private:
  PyThreadState* state_;
};

// Runs `work`, and releases the GIL for it if there is enough work to be worth it.
template <typename Function>
void run(int64_t multiply_adds, Function&& work) {
  constexpr int64_t kQuick = 200000;
  if (multiply_adds < kQuick) {
    work();
  } else {
    const WithoutGil released;
    work();
  }
}

}  // namespace
}  // namespace elman
