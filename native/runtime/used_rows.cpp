#include "runtime/used_rows.h"

#include <algorithm>
#include <cstdlib>

#include "runtime/thread_pool.h"

namespace elman {
namespace {

// What is known of a row of the table.
struct Row {
  int32_t group;  // the last group that uses it, counted from 1; 0: none so far
  int32_t place;  // among the rows of that group
  int64_t index;  // among the rows that any group uses, if one does
};

// Zeros, which the system hands out where they are first written: few rows of a large table are.
Buffer<Row> no_rows(int64_t n) {
  if (n > (int64_t{1} << 48)) throw std::bad_alloc();
  void* p = std::calloc(static_cast<size_t>(std::max<int64_t>(n, 1)), sizeof(Row));
  if (!p) throw std::bad_alloc();
  return Buffer<Row>(static_cast<Row*>(p));
}

}  // namespace

template <typename T>
UsedRows::UsedRows(const Problem<T>& p, int64_t group_rows, int64_t n_groups)
    : n_groups_(n_groups),
      places_(allocate<int32_t>(p.n_samples * p.n_timesteps * p.n_codes)),
      first_row_(static_cast<size_t>(n_groups + 1), 0) {
  const Buffer<Row> seen = no_rows(p.n_rows);
  for (int64_t g = 0; g < n_groups; ++g) {
    const int64_t first = first_row_[static_cast<size_t>(g)];
    int32_t n_used = 0;
    for (int64_t i = g * group_rows; i < std::min(p.n_samples, (g + 1) * group_rows); ++i) {
      const int64_t begin = i * p.n_timesteps * p.n_codes;
      const int64_t length = p.lengths ? p.lengths[i] : p.n_timesteps;
      for (int64_t at = begin; at < begin + length * p.n_codes; ++at) {
        const int32_t code = p.codes[at];
        Row& row = seen[code];
        if (row.group != g + 1) {
          if (row.group == 0) {
            row.index = static_cast<int64_t>(codes_.size());
            codes_.push_back(code);
            rows_.resize(rows_.size() + static_cast<size_t>(n_groups), -1);
          }
          rows_[static_cast<size_t>(row.index * n_groups + g)] = first + n_used;
          row.group = static_cast<int32_t>(g + 1);
          row.place = n_used++;
        }
        places_[at] = row.place;
      }
    }
    first_row_[static_cast<size_t>(g + 1)] = first + n_used;
  }
}

template <typename T>
void UsedRows::add_groups(const Kernels<T>& kernels, const Problem<T>& p, T* rows, T* dtable,
                          int n_threads) const {
  constexpr int64_t kBlock = 64;  // rows in a task
  const size_t n_groups = static_cast<size_t>(n_groups_);
  const int64_t n_codes = static_cast<int64_t>(codes_.size()), H = p.hidden_size;
  const int64_t gates = p.shape().gates, stride = kernels.gradient_stride(p), padded = stride / gates;
  const auto add_row = [&](int64_t i, T** of_group) {
    for (size_t g = 0; g < n_groups; ++g) {
      const int64_t row = rows_[static_cast<size_t>(i) * n_groups + g];
      of_group[g] = row < 0 ? nullptr : rows + row * stride;
    }
    for (size_t step = 1; step < n_groups; step *= 2) {
      for (size_t g = 0; g + step < n_groups; g += 2 * step) {
        T *&into = of_group[g], *from = of_group[g + step];
        if (into && from) {
          kernels.add(into, from, stride);
        } else if (from) {
          into = from;
        }
      }
    }
    T* out = dtable + codes_[static_cast<size_t>(i)] * gates * H;
    for (int64_t g = 0; g < gates; ++g) {
      // + 0 makes a negative zero positive, as adding the zeros of another part of the batch does.
      for (int64_t j = 0; j < H; ++j) out[g * H + j] = of_group[0][g * padded + j] + T(0);
    }
  };
  std::vector<T*> pointers(n_groups * static_cast<size_t>(n_threads));
  parallel_for((n_codes + kBlock - 1) / kBlock, n_threads,
               [&](int64_t block, int slot) {
                 T** of_group = pointers.data() + n_groups * static_cast<size_t>(slot);
                 for (int64_t i = block * kBlock; i < std::min(n_codes, (block + 1) * kBlock); ++i)
                   add_row(i, of_group);
               },
               Denormals::kKeep);
}

template UsedRows::UsedRows(const Problem<float>&, int64_t, int64_t);
template UsedRows::UsedRows(const Problem<double>&, int64_t, int64_t);
template void UsedRows::add_groups<float>(const Kernels<float>&, const Problem<float>&, float*, float*,
                                          int) const;
template void UsedRows::add_groups<double>(const Kernels<double>&, const Problem<double>&, double*, double*,
                                           int) const;

}  // namespace elman
