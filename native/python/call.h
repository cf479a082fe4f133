// What every call from Python needs: errors, and the GIL. Included by the bindings alone.
#pragma once

#include <cxxabi.h>
#include <unistd.h>

#include "python/arrays.h"

namespace elman {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw nb::value_error(what);
}

// Lets go of the GIL for a scope. A thread that wants it back while the interpreter ends is ended by Python,
// which unwinds its stack; that must not reach a frame that lets nothing through, so it waits here for the
// end of the process, as threads do from Python 3.14 on.
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

// Runs `work`, without the GIL unless it takes less than it is worth to let go of it.
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
