// A whole network that takes one time step at a time: standardisation, layers, readout so far, head and link.
//
// It does what src/elman/models/stepping.py does, in the same order and to the same bits.
#pragma once

#include <vector>

#include "runtime/run.h"

namespace elman {

// Each enumeration is followed by the names of its values, in the same order.
enum class Readout : int { kLast = 0, kMean = 1, kMax = 2, kAttention = 3 };
inline constexpr const char* kReadoutNames[] = {"last", "mean", "max", "attention"};
enum class Missing : int { kError = 0, kMask = 1, kSkip = 2 };
inline constexpr const char* kMissingNames[] = {"error", "mask", "skip"};
enum class Link : int { kIdentity = 0, kSoftmax = 1, kSigmoid = 2 };
inline constexpr const char* kLinkNames[] = {"identity", "softmax", "sigmoid"};

template <typename T>
struct StreamPlan {
  std::vector<Stepper<T>*> layers;  // the first one first, all with n samples; they outlive the stream
  bool residual;                    // whether from the second layer on an output is state + input
  std::vector<Readout> readouts;    // at least one, each once: their values stand side by side in this order
  Missing missing;
  Link link;
  int64_t n_features;  // D, of a step as it comes in
  // How many categories there are of each of the first columns of a step. The first layer takes them as codes:
  // column k has the rows of its table from the sum of the numbers before it on.
  std::vector<int64_t> categories;
  const double* mean;   // (D,), or null if steps are not standardised
  const double* scale;  // (D,), or null
  const T* query;       // (W,) of attention, where W is the width of the last layer; else null
  const T* W;           // (R * W, K) of the head, with R readouts
  const T* b;           // (K,) of the head
  int64_t n_outputs;    // K
};

template <typename T>
class Stream {
 public:
  // Copies what the plan points to, except for the layers.
  Stream(const Kernels<T>& kernels, const StreamPlan<T>& plan);

  // Takes one step x (n, D). Returns false, and changes nothing, if x has values that the plan refuses:
  // infinity, NaN with kError, what is infinite once it is standardised, or something else than a category in
  // one of their columns.
  template <typename From>
  bool step(const From* x);
  // Computes the answers (n, K) of the states as they are. Returns false if a logit is NaN or infinite.
  bool answer(T* out);

  int64_t n_samples() const { return n_; }
  int64_t n_features() const { return n_features_; }
  int64_t n_outputs() const { return n_outputs_; }
  int64_t width() const { return width_; }
  int64_t n_read() const { return static_cast<int64_t>(readouts_.size()) * width_; }  // R * W
  int64_t multiply_adds() const { return multiply_adds_; }
  // What goes from step to step beside the states of the layers; and the logits of the last answer.
  int64_t* n_steps() { return n_steps_.get(); }   // (n,)
  double* sum() { return sum_.get(); }            // (n, W) of mean: the sum of the states
  double* attended() { return attended_.get(); }  // (n, W) of attention: the weighted sum of the states
  T* largest() { return largest_.get(); }         // (n, W) of max
  double* weight() { return weight_.get(); }      // (n,) of attention: the sum of the weights
  double* exponent() { return exponent_.get(); }  // (n,) of attention: the unit of both is 2^exponent
  T* logits() { return head_.state(); }           // (n, K)
  const std::vector<Readout>& readouts() const { return readouts_; }

 private:
  template <typename From>
  bool take(const From* x);
  template <typename From>
  bool take_categories(const From* x, int32_t* codes, bool& missing, bool& wrong) const;
  const T* output(size_t layer, const T* below);
  const T* top();
  void pool(const T* h);
  void read(Readout readout, int64_t i, T* row);
  void attend(const T* h, double score, int64_t row);
  void exchange_skipped();

  const Kernels<T>& kernels_;
  std::vector<Stepper<T>*> layers_;
  bool residual_;
  std::vector<Readout> readouts_;
  Missing missing_;
  Link link_;
  int64_t n_, n_features_, n_outputs_, width_, multiply_adds_ = 0;
  std::vector<double> mean_, scale_;
  std::vector<int64_t> categories_;
  std::vector<int32_t> codes_;  // (n, n_codes), of the first layer
  Stepper<T> head_;
  std::unique_ptr<Stepper<T>> scores_;  // of attention
  Buffer<T> input_;                     // (n, features of the first layer)
  Buffer<T> joined_;                    // (n, widest layer): an output that has to be put together
  Buffer<T> features_;                  // (n, R * W): the input of the head
  Buffer<T> largest_;
  Buffer<double> sum_, attended_, weight_,
      exponent_;  // a sum in float32 stops growing after 2^24 equal steps
  Buffer<int64_t> n_steps_;
  std::vector<char> skipped_;  // (n,): whether a row leaves this step out
  int64_t n_skipped_ = 0;
  std::vector<T> kept_;  // the states of skipped rows while the others take their step
};

}  // namespace elman
