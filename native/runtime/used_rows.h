// The rows of a table that the codes of a call use, group by group of samples.
//
// Each group adds up gradients in rows of its own. It has only the rows that its samples use, so that memory
// and time grow with the steps of a call and not with the table.
#pragma once

#include <vector>

#include "runtime/run.h"

namespace elman {

class UsedRows {
 public:
  // Looks at the codes of `problem`, whose samples are cut into n_groups groups of group_rows.
  template <typename T>
  UsedRows(const Problem<T>& problem, int64_t group_rows, int64_t n_groups);

  // As in BackwardCall.
  const int32_t* places() const { return places_.get(); }
  const int64_t* first_row() const { return first_row_.data(); }
  // The rows of all groups together.
  int64_t n_rows() const { return first_row_.back(); }

  // Adds the rows of the groups, which are destroyed, and writes the sums (n_rows of the table, G * H), where
  // the other rows are zero already. Each row is added over the groups that have it, in the tree of the other
  // gradients: a group that has not got it adds nothing.
  template <typename T>
  void add_groups(const Kernels<T>& kernels, const Problem<T>& problem, T* rows, T* dtable,
                  int n_threads) const;

 private:
  int64_t n_groups_;
  Buffer<int32_t> places_;
  std::vector<int64_t> first_row_;
  std::vector<int32_t> codes_;  // that any group uses, in the order of their first use
  std::vector<int64_t> rows_;   // (codes, groups): where the row of a code is in that group, or -1
};

}  // namespace elman
