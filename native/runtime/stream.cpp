#include "runtime/stream.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/vectors.h"

namespace elman {
namespace {

template <typename T>
Buffer<T> filled(int64_t n, T value) {
  Buffer<T> buffer = allocate<T>(n);
  std::fill_n(buffer.get(), n, value);
  return buffer;
}

// The affine map is one step of a cell without recurrence or activation.
template <typename T>
Problem<T> affine(int64_t n, int64_t n_in, int64_t n_out, const T* W, const T* b) {
  Problem<T> p{};
  p.n_samples = n;
  p.n_timesteps = 1;
  p.n_features = n_in;
  p.hidden_size = n_out;
  p.activation = Activation::kIdentity;
  p.W_x = W;
  p.b = b;
  return p;
}

// value * 2^power, for power <= 0.
double times_power(double value, double power) {
  constexpr double kSmallest = -5000;  // as a power of two far below the smallest number in float64
  return power == 0 ? value : std::ldexp(value, static_cast<int>(std::max(kSmallest, power)));
}

}  // namespace

template <typename T>
Stream<T>::Stream(const Kernels<T>& kernels, const StreamPlan<T>& plan)
    : kernels_(kernels),
      layers_(plan.layers),
      residual_(plan.residual),
      readouts_(plan.readouts),
      missing_(plan.missing),
      link_(plan.link),
      n_(layers_.front()->problem().n_samples),
      n_features_(plan.n_features),
      n_outputs_(plan.n_outputs),
      width_(layers_.back()->problem().hidden_size),
      head_(kernels, affine(n_, n_read(), n_outputs_, plan.W, plan.b)),
      input_(filled(n_ * layers_.front()->problem().n_features, T(0))),
      features_(filled(n_ * n_read(), T(0))),
      n_steps_(filled<int64_t>(n_, 0)),
      skipped_(static_cast<size_t>(n_), 0) {
  int64_t widest = 0, states = 0;
  for (const Stepper<T>* layer : layers_) {
    const Problem<T>& p = layer->problem();
    widest = std::max(widest, p.hidden_size);
    states += p.state_size();
    multiply_adds_ += n_ * p.hidden_size * p.shape().gates * (p.n_features + p.n_codes + p.hidden_size);
  }
  multiply_adds_ += n_ * n_outputs_ * n_read();
  joined_ = filled(n_ * widest, T(0));
  categories_ = plan.categories;
  codes_.resize(static_cast<size_t>(n_) * categories_.size());
  if (plan.mean) {
    mean_.assign(plan.mean, plan.mean + n_features_);
    scale_.assign(plan.scale, plan.scale + n_features_);
  }
  if (missing_ == Missing::kSkip && n_ > 1) kept_.resize(static_cast<size_t>(n_ * states));
  for (const Readout readout : readouts_) {
    if (readout == Readout::kMax) largest_ = filled(n_ * width_, -std::numeric_limits<T>::infinity());
    if (readout == Readout::kMean) sum_ = filled(n_ * width_, 0.0);
    if (readout == Readout::kAttention) {
      const T zero = 0;
      scores_ = std::make_unique<Stepper<T>>(kernels, affine(n_, width_, 1, plan.query, &zero));
      attended_ = filled(n_ * width_, 0.0);
      weight_ = filled(n_, 0.0);
      exponent_ = filled(n_, 0.0);
    }
  }
}

// Makes codes of the categories of a row, and finds out whether one is NaN, and whether one is no category,
// which NaN is not either. Returns false if one is infinite, which is refused even where the row is left out.
template <typename T>
template <typename From>
bool Stream<T>::take_categories(const From* x, int32_t* codes, bool& missing, bool& wrong) const {
  int64_t first = 0;
  for (size_t k = 0; k < categories_.size(); first += categories_[k++]) {
    const double value = static_cast<double>(x[k]);
    if (std::isinf(value)) return false;
    const bool is_one =
        value >= 0 && value < static_cast<double>(categories_[k]) && value == std::floor(value);
    missing |= value != value;
    wrong |= !is_one;
    codes[k] = is_one ? static_cast<int32_t>(first + static_cast<int64_t>(value)) : 0;
  }
  return true;
}

// Prepares the step for the first layer, and finds the rows that leave it out. Returns false if x is refused.
template <typename T>
template <typename From>
bool Stream<T>::take(const From* x) {
  const int64_t K = static_cast<int64_t>(categories_.size()), D = n_features_ - K;
  const bool mask = missing_ == Missing::kMask, scaled = !mean_.empty();
  const double *mean = scaled ? mean_.data() + K : nullptr, *scale = scaled ? scale_.data() + K : nullptr;
  T* row = input_.get();
  n_skipped_ = 0;
  for (int64_t i = 0; i < n_; ++i, x += D, row += mask ? 2 * D : D) {
    bool finite = true, missing = false, infinite = false, no_category = false, wrong = false;
    if (K && !take_categories(x, codes_.data() + i * K, no_category, wrong)) return false;
    x += K;
    for (int64_t j = 0; j < D; ++j) {
      T value = static_cast<T>(x[j]);
      if (scaled) value = static_cast<T>((static_cast<double>(x[j]) - mean[j]) / scale[j]);
      row[j] = value;
      finite &= value - value == T(0);
    }
    skipped_[i] = 0;
    if (!finite) {
      if (missing_ == Missing::kError) return false;
      for (int64_t j = 0; j < D; ++j) {
        missing |= row[j] != row[j];
        infinite |= std::isinf(row[j]) && (mask || std::isinf(x[j]));
      }
      if (infinite || !missing) return false;
    }
    if (no_category) {
      if (missing_ != Missing::kSkip) return false;
      missing = true;
    }
    if (wrong && (mask || !missing)) return false;
    if (mask) {
      for (int64_t j = 0; j < D; ++j) {
        const bool absent = row[j] != row[j];
        row[D + j] = absent ? T(1) : T(0);
        if (absent) row[j] = T(0);
      }
    } else if (missing) {
      std::fill_n(row, D, T(0));  // values of a step that is left out may be of any size
      skipped_[i] = 1;
      ++n_skipped_;
    }
  }
  return true;
}

// The output of a layer, given that of the layer below: (n, hidden_size), contiguous.
template <typename T>
const T* Stream<T>::output(size_t layer, const T* below) {
  const Problem<T>& p = layers_[layer]->problem();
  const int64_t H = p.hidden_size, stride = p.state_size();
  const T* h = layers_[layer]->state();
  const bool sum = residual_ && layer;
  if (!sum && (n_ == 1 || stride == H)) return h;
  T* out = joined_.get();
  for (int64_t i = 0; i < n_; ++i) {
    for (int64_t j = 0; j < H; ++j) {
      out[i * H + j] = sum ? h[i * stride + j] + below[i * H + j] : h[i * stride + j];
    }
  }
  return out;
}

// The output of the last layer, from the states of all layers.
template <typename T>
const T* Stream<T>::top() {
  const T* out = nullptr;
  for (size_t i = residual_ ? 0 : layers_.size() - 1; i < layers_.size(); ++i) out = output(i, out);
  return out;
}

// Exchanges the states of skipped rows with `kept_`: the first call puts them away, and the second one puts
// them back.
template <typename T>
void Stream<T>::exchange_skipped() {
  T* kept = kept_.data();
  for (Stepper<T>* layer : layers_) {
    const int64_t size = layer->problem().state_size();
    for (int64_t i = 0; i < n_; ++i) {
      T* state = layer->state() + i * size;
      if (skipped_[i]) std::swap_ranges(state, state + size, kept + i * size);
    }
    kept += n_ * size;
  }
}

// Adds h times exp(score) to the sum of a row, and exp(score) to its weight.
template <typename T>
void Stream<T>::attend(const T* h, double score, int64_t row) {
  const vectors::SplitExp e = vectors::split_exp(score);
  double &weight = weight_[row], &exponent = exponent_[row];
  const bool first = weight == 0;
  const double largest = first || e.k > exponent ? e.k : exponent;
  const double kept = times_power(1, first ? 0.0 : exponent - largest);
  const double share = times_power(e.r, e.k - largest);
  exponent = largest;
  weight = weight * kept + share;
  double* sum = attended_.get() + row * width_;
  for (int64_t j = 0; j < width_; ++j) sum[j] = sum[j] * kept + static_cast<double>(h[j]) * share;
}

// Takes h (n, W) into the readouts, for the rows that took a step.
template <typename T>
void Stream<T>::pool(const T* h) {
  if (scores_) scores_->step(h);
  const T share = static_cast<T>(1.0 / std::sqrt(static_cast<double>(width_)));
  for (int64_t i = 0; i < n_; ++i, h += width_) {
    if (skipped_[i]) continue;
    ++n_steps_[i];
    if (sum_) {
      double* sum = sum_.get() + i * width_;
      for (int64_t j = 0; j < width_; ++j) sum[j] += static_cast<double>(h[j]);
    }
    if (largest_) {
      T* largest = largest_.get() + i * width_;
      for (int64_t j = 0; j < width_; ++j) {
        largest[j] = h[j] <= largest[j] || largest[j] != largest[j] ? largest[j] : h[j];
      }
    }
    if (scores_) attend(h, static_cast<double>(scores_->state()[i] * share), i);
  }
}

template <typename T>
template <typename From>
bool Stream<T>::step(const From* x) {
  if (!take(x)) return false;
  if (n_skipped_ == n_) return true;
  // Skipped rows take a step as well, from any state that lies in `kept_`; nobody reads its result.
  if (n_skipped_) exchange_skipped();
  const T* input = input_.get();
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->step(input, i == 0 ? codes_.data() : nullptr);
    input = output(i, input);
  }
  pool(input);
  if (n_skipped_) exchange_skipped();
  return true;
}

// Writes the value (W,) of a readout over the steps of row i, of which there is one.
template <typename T>
void Stream<T>::read(Readout readout, int64_t i, T* row) {
  // + 0 makes a negative zero positive.
  if (readout == Readout::kMax) {
    const T* largest = largest_.get() + i * width_;
    for (int64_t j = 0; j < width_; ++j) row[j] = largest[j] + T(0);
    return;
  }
  T divisor = static_cast<T>(n_steps_[i]);
  const double* sum = sum_.get();
  if (readout == Readout::kAttention) {
    divisor = weight_[i] == 0 ? T(1) : static_cast<T>(weight_[i]);
    sum = attended_.get();
  }
  sum += i * width_;
  for (int64_t j = 0; j < width_; ++j) row[j] = static_cast<T>(sum[j]) / divisor + T(0);
}

template <typename T>
bool Stream<T>::answer(T* out) {
  const T* features = features_.get();
  if (readouts_.size() == 1 && readouts_[0] == Readout::kLast) {
    features = top();
  } else {
    const T* last = nullptr;  // also what a row without a step is read as
    T* row = features_.get();
    for (int64_t i = 0; i < n_; ++i) {
      for (const Readout readout : readouts_) {
        if (n_steps_[i] == 0 || readout == Readout::kLast) {
          if (!last) last = top();
          std::copy_n(last + i * width_, width_, row);
        } else {
          read(readout, i, row);
        }
        row += width_;
      }
    }
  }
  head_.step(features);
  const T* logits = head_.state();
  switch (link_) {
    case Link::kSoftmax:
      vectors::softmax(logits, n_, n_outputs_, out);
      break;
    case Link::kSigmoid:
      vectors::sigmoid(logits, n_ * n_outputs_, out);
      break;
    case Link::kIdentity:
      std::copy_n(logits, n_ * n_outputs_, out);
  }
  return std::all_of(logits, logits + n_ * n_outputs_, [](T z) { return z - z == T(0); });
}

template class Stream<float>;
template class Stream<double>;
template bool Stream<float>::step<float>(const float*);
template bool Stream<float>::step<double>(const double*);
template bool Stream<double>::step<float>(const float*);
template bool Stream<double>::step<double>(const double*);

}  // namespace elman
