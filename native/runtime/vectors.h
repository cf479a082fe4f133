// What a training step does to whole vectors: losses, norms, Adam, standardisation. These functions are
// compiled for the baseline and without contraction, so that they do the same arithmetic in the same order on
// every machine.
#pragma once

#include <cstdint>

namespace elman::vectors {

// Computes the softmax cross-entropy of each of n rows of k logits, times weights[i] / total, or times 1 /
// total if weights is null; its gradient at the logits; and in `hits` whether codes[i] is the class of the
// largest logit, the first of those that are as large. A total that is not above 0 counts as 1. The computation
// is in float64.
template <typename T>
void cross_entropy(const T* logits, const int64_t* codes, const double* weights, double total, int64_t n,
                   int64_t k, double* losses, T* dlogits, bool* hits);

// Writes the square, in float64, of each of n differences, rounded to T; 0 where a target is NaN.
template <typename T>
void squared_errors(const T* outputs, const T* targets, int64_t n, double* out);

// Adds up n values, one after the other from the first.
double sum(const double* values, int64_t n);

// Computes the softmax of each of n rows of k logits, in float64.
template <typename T>
void softmax(const T* logits, int64_t n, int64_t k, T* out);

// Computes 1 / (1 + exp(-z)) of each of n values, in float64.
template <typename T>
void sigmoid(const T* logits, int64_t n, T* out);

// exp(x) as r 2^k, to the bits of split_exp in nn/readouts/attention.py.
struct SplitExp {
  double r, k;
};
SplitExp split_exp(double x);

// Computes the Euclidean norm of n values. The squares are summed in float64.
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

// Runs one step of Adam on n weights w, in place. A null `decay` means none. The elements are rounded as by
// the single operations in NumPy.
template <typename T>
void adam(const Adam<T>& step, T* w, const T* g, T* m, T* v, const T* decay, int64_t n);

// Returns whether none of n values is NaN or infinite.
template <typename T>
bool all_finite(const T* values, int64_t n, int n_threads);

// Computes out = (values - mean) / scale for each of n steps of d features, in float64 before it is rounded.
// Returns whether all results are finite.
template <typename From, typename To>
bool standardise(const From* values, const double* mean, const double* scale, int64_t n, int64_t d, To* out,
                 int n_threads);

}  // namespace elman::vectors
