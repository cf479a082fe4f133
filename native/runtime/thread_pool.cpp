#include "runtime/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace elman {
namespace {

// Takes denormal numbers for zero within a scope, as inputs and as results, because a vanishing gradient
// would slow the loop down.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  explicit FlushDenormals(bool flush) : saved_(_mm_getcsr()) {
    if (flush) _mm_setcsr(saved_ | 0x8040);  // FTZ | DAZ
  }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  explicit FlushDenormals(bool flush) {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    if (flush) asm volatile("msr fpcr, %0" ::"r"(saved_ | (uint64_t{1} << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  uint64_t saved_;
#else
  explicit FlushDenormals(bool) {}
#endif
};

// How often a thread looks for work before it goes to sleep. That takes about as long as waking up, so that
// the calls of a training loop find their helpers awake, and an idle process uses no processor.
constexpr int kLooks = 1000;

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Job {
  void (*task)(void*, int64_t, int);
  void* context;
  int64_t n_tasks;
  int n_slots;
  bool flush;
  std::atomic<int64_t> next{0};
  int slots_taken = 1;         // slot 0 is the caller's; guarded by the mutex of the pool
  std::atomic<int> active{0};  // helpers that work on it; changed under the mutex of the pool

  void work(int slot) {
    const FlushDenormals mode(flush);
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n_tasks;) task(context, i, slot);
  }
};

class Pool {
 public:
  void run(Job& job) {
    bool sleepers = false;
    {
      std::lock_guard lock(mutex_);
      start_helpers(job.n_slots - 1);
      jobs_.push_back(&job);
      generation_.fetch_add(1, std::memory_order_release);
      sleepers = n_asleep_ > 0;
    }
    if (sleepers) wake_.notify_all();
    job.work(0);
    {
      std::lock_guard lock(mutex_);
      jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    for (int i = 0; i < kLooks && job.active.load(std::memory_order_acquire); ++i) relax();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return job.active.load(std::memory_order_relaxed) == 0; });
  }

 private:
  void start_helpers(int wanted) {
    for (; n_helpers_ < wanted; ++n_helpers_) {
      try {
        std::thread([this] { help(); }).detach();
      } catch (const std::system_error&) {
        return;  // the system gives no more threads: the caller does the work
      }
    }
  }

  // Returns a job that needs another helper, or null if there is none. The mutex is held.
  Job* find() {
    for (Job* job : jobs_) {
      if (job->slots_taken < job->n_slots && job->next.load(std::memory_order_relaxed) < job->n_tasks)
        return job;
    }
    return nullptr;
  }

  void help() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = find();
      if (!job) {
        const uint64_t seen = generation_.load(std::memory_order_acquire);
        lock.unlock();
        for (int i = 0; i < kLooks && generation_.load(std::memory_order_acquire) == seen; ++i) relax();
        lock.lock();
        ++n_asleep_;
        wake_.wait(lock, [&] { return (job = find()) != nullptr; });
        --n_asleep_;
      }
      const int slot = job->slots_taken++;
      job->active.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      job->work(slot);
      lock.lock();
      if (job->active.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Job*> jobs_;
  std::atomic<uint64_t> generation_{0};  // the number of jobs so far
  int n_helpers_ = 0;
  int n_asleep_ = 0;
};

// The pool is never destroyed, because its helpers are detached and sleep in it until the process ends.
Pool* pool = nullptr;
std::mutex* pool_mutex = new std::mutex;

// A forked child has none of the parent's threads, and its copy of a lock may be held by one of them. It
// therefore begins with a new pool and a new lock.
void forget_pool() {
  pool = nullptr;
  pool_mutex = new std::mutex;
}

Pool& the_pool() {
  static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
  (void)registered;
  std::lock_guard lock(*pool_mutex);
  if (!pool) pool = new Pool;
  return *pool;
}

}  // namespace

void parallel_for(int64_t n_tasks, int n_threads, void (*task)(void*, int64_t, int), void* context,
                  Denormals denormals) {
  Job job{.task = task,
          .context = context,
          .n_tasks = n_tasks,
          .n_slots = static_cast<int>(std::min<int64_t>(n_threads, n_tasks)),
          .flush = denormals == Denormals::kFlush};
  if (job.n_slots <= 1) {
    job.work(0);
  } else {
    the_pool().run(job);
  }
}

}  // namespace elman
