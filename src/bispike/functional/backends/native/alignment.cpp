// The element-wise work where two pathways meet (the formulas: functional/meeting.py), in as few passes over the
// [rows, positions, channels] arrays as there can be.
#include <algorithm>

#include "vector.h"

namespace {

constexpr int64_t TILE = 256;  // elements of a row that are walked through all rows before the next ones

// Per-channel numbers laid out along a tile, so that lanes need not know where a channel begins.
struct Channels {
    float scale[TILE], shift[TILE], mean[TILE], inverse[TILE], sum[TILE], product[TILE];
};

struct Slope {
    const float* given;    // [rows, size] or null
    float centre, steep;   // mean field: 1 / (1 + (steep (a - centre))^2); steep 0: no slope
};

template <class V>
inline void step(const Slope& slope, const float* raw, Channels& on, int64_t i, int64_t lane, bool sums,
                 float* grad) {
    V value = get<V>(grad + i);
    const V drive = get<V>(raw + i);
    if (slope.given) {
        value *= get<V>(slope.given + i);
    } else if (slope.steep != 0.0f) {
        const V distance = (drive * get<V>(on.scale + lane) + get<V>(on.shift + lane) - slope.centre) * slope.steep;
        value /= distance * distance + 1.0f;
    }
    put(grad + i, value);
    if (sums) {
        const V unit = (drive - get<V>(on.mean + lane)) * get<V>(on.inverse + lane);
        put(on.sum + lane, get<V>(on.sum + lane) + value);
        put(on.product + lane, get<V>(on.product + lane) + value * unit);
    }
}

}  // namespace

// squares [rows] = |X - m|^2
EXPORT void centred_squares(const float* rates, const float* centre, int64_t rows, int64_t size, float* squares) {
    for (int64_t row = 0; row < rows; row++) {
        const float* from = rates + row * size;
        Lanes total[4] = {};
        double tail = 0, all = 0;
        int64_t i = 0;
        for (; i + 4 * LANES <= size; i += 4 * LANES)
            for (int part = 0; part < 4; part++) {
                Lanes value = load(from + i + part * LANES);
                if (centre) value -= load(centre + i + part * LANES);
                total[part] += value * value;
            }
        for (; i < size; i++) {
            const float value = from[i] - (centre ? centre[i] : 0.0f);
            tail += value * value;
        }
        const Lanes sum = (total[0] + total[1]) + (total[2] + total[3]);
        for (int lane = 0; lane < LANES; lane++) all += sum[lane];
        squares[row] = (float)(all + tail);
    }
}

// grad [rows, size], dL/d feature, times the slope, in place; with `sums` [2, channels]: its sums, and those of its
// products with the normalised drive (raw - mean) x inverse.
EXPORT void pull_rows(float* grad, int64_t rows, int64_t size, int64_t channels, const float* raw, const float* scale,
                      const float* shift, const float* unrolled, float slope_centre, float steep, const float* mean,
                      const float* inverse, float* sums) {
    const Slope slope{unrolled, slope_centre, steep};
    Channels on;
    for (int64_t first = 0; first < size; first += TILE) {
        const int64_t count = std::min(TILE, size - first);
        for (int64_t lane = 0; lane < count; lane++) {
            const int64_t channel = (first + lane) % channels;
            on.scale[lane] = scale ? scale[channel] : 1.0f;
            on.shift[lane] = shift ? shift[channel] : 0.0f;
            on.mean[lane] = mean ? mean[channel] : 0.0f;
            on.inverse[lane] = inverse ? inverse[channel] : 0.0f;
            on.sum[lane] = on.product[lane] = 0.0f;
        }
        for (int64_t row = 0; row < rows; row++) {
            int64_t lane = 0;
            for (; lane + LANES <= count; lane += LANES)
                step<Lanes>(slope, raw, on, row * size + first + lane, lane, sums != nullptr, grad);
            for (; lane < count; lane++)
                step<float>(slope, raw, on, row * size + first + lane, lane, sums != nullptr, grad);
        }
        if (sums)
            for (int64_t lane = 0; lane < count; lane++) {
                const int64_t channel = (first + lane) % channels;
                sums[channel] += on.sum[lane];
                sums[channels + channel] += on.product[lane];
            }
    }
}

// grad [rows, channels] = a[c] grad + b[c] raw + d[c], in place: the backward of a batch norm given its sums
EXPORT void combine_channels(float* grad, const float* raw, const float* a, const float* b, const float* d,
                             int64_t rows, int64_t channels) {
    for (int64_t row = 0; row < rows; row++) {
        float* to = grad + row * channels;
        const float* from = raw + row * channels;
        for (int64_t c = 0; c < channels; c++) to[c] = a[c] * to[c] + b[c] * from[c] + d[c];
    }
}

// means [rows, size] over time of drive [steps, rows, size]
EXPORT void mean_over_time(const float* drive, int64_t steps, int64_t size, float* mean) {
    for (int64_t first = 0; first < size; first += TILE) {
        const int64_t count = std::min(TILE, size - first);
        float* to = mean + first;
        for (int64_t i = 0; i < count; i++) to[i] = drive[first + i];
        for (int64_t t = 1; t < steps; t++)
            for (int64_t i = 0; i < count; i++) to[i] += drive[t * size + first + i];
        for (int64_t i = 0; i < count; i++) to[i] /= (float)steps;
    }
}
