// What a training step does to whole vectors: the loss at the logits, the norm, Adam. The same arithmetic in
// the same order on every machine: compiled for the baseline, without contraction.
#pragma once

#include <cstdint>

namespace elman::vectors {

// Softmax cross-entropy of each of n rows of k logits, times weights[i] / total (null weights: 1 / total); its
// gradient to dlogits. A total that is not above 0 counts as 1. Inside in float64.
template <typename T>
void cross_entropy(const T* logits, const int64_t* codes, const double* weights, double total, int64_t n,
                   int64_t k, double* losses, T* dlogits);

// One value after the other, from the first.
double sum(const double* values, int64_t n);

// Of each of n rows of k logits, inside in float64.
template <typename T>
void softmax(const T* logits, int64_t n, int64_t k, T* out);

// 1 / (1 + exp(-z)) of each of n values, inside in float64.
template <typename T>
void sigmoid(const T* logits, int64_t n, T* out);

// exp(x) = r 2^k, as nn/readouts/attention.py has it, to the same bits.
struct SplitExp {
  double r, k;
};
SplitExp split_exp(double x);

// Euclidean norm, summed in float64.
template <typename T>
double norm(const T* x, int64_t n);

// The numbers of one step of Adam or AdamW.
template <typename T>
struct Adam {
  T scale;           // of the gradient
  T penalty;         // times decay * w, added to the gradient
  T beta_1, rest_1;  // rest: 1 - beta
  T beta_2, rest_2;
  T root_correction_2;  // sqrt(1 - beta_2^t)
  T epsilon;
  T rate;    // learning rate / (1 - beta_1^t)
  T shrink;  // times decay * w, taken off the weights
};

// One pass; `decay` may be null: none. Each element rounds as NumPy's operations one by one do.
template <typename T>
void adam(const Adam<T>& step, T* w, const T* g, T* m, T* v, const T* decay, int64_t n);

template <typename T>
bool all_finite(const T* values, int64_t n, int n_threads);

// out = (values - mean) / scale for each of n steps of d features, in float64, then rounded. Returns whether all
// of it is finite.
template <typename From, typename To>
bool standardise(const From* values, const double* mean, const double* scale, int64_t n, int64_t d, To* out,
                 int n_threads);

}  // namespace elman::vectors
