// Sixteen floats at a time. GCC and Clang turn this type into whatever the processor has: AVX-512, pairs of AVX, NEON.
#pragma once
#include <cstdint>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define EXPORT extern "C" __attribute__((visibility("default")))

constexpr int LANES = 16;
constexpr int WORD = 32;  // spikes in one word of a packed train

typedef float Lanes __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t Flags __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

static inline Lanes load(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
static inline void store(float* to, Lanes value) { *reinterpret_cast<Lanes*>(to) = value; }

// The same code walks a row in groups of lanes and its tail in single values.
template <class V>
inline V get(const float* from);
template <>
inline Lanes get<Lanes>(const float* from) { return load(from); }
template <>
inline float get<float>(const float* from) { return *from; }
inline void put(float* to, Lanes value) { store(to, value); }
inline void put(float* to, float value) { *to = value; }

// Where a comparison holds (all ones), the value; elsewhere 0.
static inline Lanes where(Flags holds, Lanes value) { return (Lanes)(holds & (Flags)value); }

// Bit i of the result says whether the comparison holds in lane i.
static inline uint32_t as_bits(Flags holds) {
#ifdef __AVX512F__
    return _mm512_test_epi32_mask((__m512i)holds, (__m512i)holds);
#else
    const Flags place = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    Flags set = holds & place;
    uint32_t bits = 0;
    for (int i = 0; i < LANES; i++) bits |= set[i];
    return bits;
#endif
}
