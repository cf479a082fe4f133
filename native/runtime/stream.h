// A whole network fed one time step at a time: standardisation, layers, readout so far, head, link.
//
// The order of things, and what each is, is src/elman/stepping.py's, to the same bits.
#pragma once

#include <vector>

#include "runtime/run.h"

namespace elman {

// Each with the names that Python knows its values by, in the same order.
enum class Readout : int { kLast = 0, kMean = 1, kMax = 2, kAttention = 3 };
inline constexpr const char* kReadoutNames[] = {"last", "mean", "max", "attention"};
enum class Missing : int { kError = 0, kMask = 1, kSkip = 2 };
inline constexpr const char* kMissingNames[] = {"error", "mask", "skip"};
enum class Link : int { kIdentity = 0, kSoftmax = 1, kSigmoid = 2 };
inline constexpr const char* kLinkNames[] = {"identity", "softmax", "sigmoid"};

template <typename T>
struct StreamPlan {
  std::vector<Steps<T>*> layers;  // from below, all of n samples; they outlive the stream
  bool residual;                  // from the second layer on, output = state + input
  Readout readout;
  Missing missing;
  Link link;
  int64_t n_features;   // D, of a step as it comes in
  const double* mean;   // (D,), or null: a step is taken as it comes
  const double* scale;  // (D,), or null
  const T* query;       // (W,) of attention, W units in the last layer; else null
  const T* W;           // (W, K) of the head
  const T* b;           // (K,)
  int64_t n_outputs;    // K
};

template <typename T>
class Stream {
 public:
  // What the plan points to is copied, but for the layers.
  Stream(const Kernels<T>& kernels, const StreamPlan<T>& plan);

  // x (n, D): one step further. False, and nothing has changed, if it holds what the plan refuses: infinity,
  // NaN with kError, what is infinite once it is standardised.
  template <typename From>
  bool step(const From* x);
  // The answers of the states as they are, (n, K).
  void answer(T* out);

  int64_t n_samples() const { return n_; }
  int64_t n_features() const { return n_features_; }
  int64_t n_outputs() const { return n_outputs_; }
  int64_t width() const { return width_; }
  int64_t multiply_adds() const { return multiply_adds_; }
  // What goes from step to step beside the states of the layers; and the last answer before its link.
  int64_t* n_steps() { return n_steps_.get(); }   // (n,)
  double* sum() { return sum_.get(); }            // (n, W), of mean and attention: of the states so far
  T* largest() { return largest_.get(); }         // (n, W), of max
  double* weight() { return weight_.get(); }      // (n,), of attention
  double* exponent() { return exponent_.get(); }  // (n,): sum and weight are in units of 2^exponent
  T* logits() { return head_.state(); }           // (n, K)

 private:
  template <typename From>
  bool take(const From* x);
  const T* output(size_t layer, const T* below);
  const T* top();
  void pool(const T* h);
  void attend(const T* h, double score, int64_t row);
  void exchange_skipped();

  const Kernels<T>& kernels_;
  std::vector<Steps<T>*> layers_;
  bool residual_;
  Readout readout_;
  Missing missing_;
  Link link_;
  int64_t n_, n_features_, n_outputs_, width_, multiply_adds_ = 0;
  std::vector<double> mean_, scale_;
  Steps<T> head_;
  std::unique_ptr<Steps<T>> scores_;  // of attention
  Buffer<T> input_;                   // (n, features of the first layer)
  Buffer<T> joined_;                  // (n, widest layer): an output that is no layer's state as it lies
  Buffer<T> features_;                // (n, W): what the head sees
  Buffer<T> largest_;
  Buffer<double> sum_, weight_, exponent_;  // double: a sum of float32 stops growing after 2^24 equal steps
  Buffer<int64_t> n_steps_;
  std::vector<char> skipped_;  // (n,)
  int64_t n_skipped_ = 0;
  std::vector<T> kept_;  // states of skipped rows while the others take their step
};

}  // namespace elman
