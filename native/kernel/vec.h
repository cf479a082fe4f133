// The vector type that the kernels are written in, with one set of operations for every instruction set.
//
// It is built on the vector extensions of the compiler (GCC, Clang). Intrinsics are used only for what the
// extensions cannot express: fused multiply-adds, and masked loads and stores.
// Included by isa_unit.cpp alone, inside its namespace.

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileRows = 14;  // 14 x 2 accumulators, 2 panel vectors, 1 broadcast: 31 of 32 registers
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
constexpr int kTileRows = 6;  // 6 x 2 accumulators, 2 panel vectors, 1 broadcast: 15 of 16 registers
#else
constexpr int kVectorBytes = 16;
#if defined(__aarch64__)
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif
#endif

#if defined(__AVX512F__) || defined(__FMA__) || defined(__aarch64__)
#define ELMAN_HAS_FMA 1
#else
#define ELMAN_HAS_FMA 0
#endif

#define ELMAN_ALWAYS_INLINE inline __attribute__((always_inline))
#define ELMAN_INLINE static ELMAN_ALWAYS_INLINE

template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float type __attribute__((vector_size(kVectorBytes)));
  typedef float unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
  typedef int32_t integer __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  typedef double type __attribute__((vector_size(kVectorBytes)));
  typedef double unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
  typedef int64_t integer __attribute__((vector_size(kVectorBytes)));
};
template <typename T>
using Vec = typename VectorOf<T>::type;
template <typename T>
using IntVec = typename VectorOf<T>::integer;
template <typename T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <typename T>
ELMAN_INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}
template <typename T>
ELMAN_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v;
}
template <typename T>
ELMAN_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};  // x - 0 is x to the bit, -0.0 and all, so the subtraction costs nothing
}

// a * b + c, fused if the instruction set has a fused multiply-add. Within one instruction set it therefore
// always rounds in the same way.
ELMAN_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
ELMAN_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}

ELMAN_INLINE float square_root(float x) { return __builtin_sqrtf(x); }
ELMAN_INLINE double square_root(double x) { return __builtin_sqrt(x); }

// Reads as many consecutive values as a vector of doubles has lanes, and converts them to double.
ELMAN_INLINE Vec<double> load_doubles(const double* p) { return load(p); }
ELMAN_INLINE Vec<double> load_doubles(const float* p) {
  typedef float half __attribute__((vector_size(kVectorBytes / 2), aligned(4), may_alias));
  return __builtin_convertvector(*reinterpret_cast<const half*>(p), Vec<double>);
}

// The minimum and the maximum of x and a limit. The result is NaN if x is NaN.
template <typename T>
ELMAN_INLINE Vec<T> at_most(Vec<T> x, Vec<T> limit) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_min_ps(limit, x);
  } else {
    return _mm512_min_pd(limit, x);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return _mm256_min_ps(limit, x);
  } else {
    return _mm256_min_pd(limit, x);
  }
#else
  return x > limit ? limit : x;
#endif
}
template <typename T>
ELMAN_INLINE Vec<T> at_least(Vec<T> x, Vec<T> limit) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_max_ps(limit, x);
  } else {
    return _mm512_max_pd(limit, x);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return _mm256_max_ps(limit, x);
  } else {
    return _mm256_max_pd(limit, x);
  }
#else
  return x < limit ? limit : x;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// A mask with all bits set in the first n lanes and none in the others.
template <typename T>
ELMAN_INLINE __m256i first_lanes(int n) {
  if constexpr (sizeof(T) == 4) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  } else {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
}
#endif

// Reads the first n lanes and sets the others to zero, or writes the first n lanes. Memory past p[n - 1] is
// not touched. 0 < n <= lanes.
template <typename T>
ELMAN_INLINE Vec<T> load_first(const T* p, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
  } else {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    return _mm256_maskload_ps(p, first_lanes<float>(n));
  } else {
    return _mm256_maskload_pd(p, first_lanes<double>(n));
  }
#else
  Vec<T> v{};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}
template <typename T>
ELMAN_INLINE void store_first(T* p, Vec<T> v, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
  } else {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), v);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    _mm256_maskstore_ps(p, first_lanes<float>(n), v);
  } else {
    _mm256_maskstore_pd(p, first_lanes<double>(n), v);
  }
#else
  for (int i = 0; i < n; ++i) p[i] = v[i];
#endif
}
template <typename T>
ELMAN_INLINE Vec<T> load_upto(const T* p, int64_t n) {
  return n >= kLanes<T> ? load(p) : load_first(p, static_cast<int>(n));
}
template <typename T>
ELMAN_INLINE void store_upto(T* p, Vec<T> v, int64_t n) {
  if (n >= kLanes<T>) {
    store(p, v);
  } else {
    store_first(p, v, static_cast<int>(n));
  }
}
