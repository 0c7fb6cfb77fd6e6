// The leaky integrate-and-fire neuron (its equation: functional/lif.py) for all time steps at once, membranes in
// registers, with the norm's affine map before it; and its way back for backpropagation through time.
#include "vector.h"

namespace {

constexpr float PI = 3.14159265358979323846f;

struct Constants {
    float threshold, decay;
    bool soft;
};

inline Lanes chosen(Flags holds, Lanes value) { return where(holds, value); }
inline float chosen(bool holds, float value) { return holds ? value : 0.0f; }
inline uint32_t bits_of(Flags holds) { return as_bits(holds); }
inline uint32_t bits_of(bool holds) { return holds; }

struct Population {
    const float* drive;
    int64_t per_step, per_row;  // of the drive; per_step is 0 for a constant one
    const float *scale, *shift;
    int64_t steps, rows, channels;
    Constants neuron;
    uint32_t* bits;
    int64_t bits_per_step, bits_per_row;
    float *rate, *slope;
    int64_t out_per_row;
    float *history, *spikes;  // [steps, rows, channels], optional
};

template <class V>
inline void run(const Population& s, int64_t row, int64_t channel) {
    const V one = V{} + 1.0f, threshold = V{} + s.neuron.threshold;
    V membrane{}, count{}, sensitivity{}, slope{};
    V scale = one, shift{};
    if (s.scale) scale = get<V>(s.scale + channel), shift = get<V>(s.shift + channel);
    const float* drive = s.drive + row * s.per_row + channel;
    const int64_t place = row * s.channels + channel;
    for (int64_t t = 0; t < s.steps; t++) {
        V current = get<V>(drive + t * s.per_step);
        if (s.scale) current = current * scale + shift;
        membrane = s.neuron.decay * membrane + current;
        const auto fires = membrane >= threshold;
        const V fired = chosen(fires, one);
        count += fired;
        if (s.history) put(s.history + t * s.rows * s.channels + place, membrane);
        if (s.spikes) put(s.spikes + t * s.rows * s.channels + place, fired);
        if (s.slope) {
            const V distance = (membrane - threshold) * PI;
            sensitivity = s.neuron.decay * sensitivity + one;
            slope += sensitivity / (distance * distance + one);
            if (!s.neuron.soft) sensitivity -= chosen(fires, sensitivity);
        }
        membrane -= s.neuron.soft ? chosen(fires, threshold) : chosen(fires, membrane);
        if (s.bits) {
            uint32_t* word = s.bits + t * s.bits_per_step + row * s.bits_per_row + channel / WORD;
            *word = (channel % WORD ? *word : 0) | bits_of(fires) << (channel % WORD);
        }
    }
    const float share = 1.0f / (float)s.steps;
    if (s.rate) put(s.rate + row * s.out_per_row + channel, count * share);
    if (s.slope) put(s.slope + row * s.out_per_row + channel, slope * share);
}

template <class V>
inline void walk_back(float* grad, const float* history, int64_t steps, int64_t size, Constants neuron, float* sum) {
    const V one = V{} + 1.0f, threshold = V{} + neuron.threshold;
    V carried{}, total{};
    for (int64_t t = steps - 1; t >= 0; t--) {
        const V membrane = get<V>(history + t * size);
        carried *= neuron.decay;
        if (!neuron.soft) carried -= chosen(membrane >= threshold, carried);
        const V distance = (membrane - threshold) * PI;
        carried += get<V>(grad + t * size) / (distance * distance + one);
        total += carried;
        if (!sum) put(grad + t * size, carried);
    }
    if (sum) put(sum, total);
}

}  // namespace

EXPORT void neuron_forward(const float* drive, int64_t per_step, int64_t per_row, const float* scale,
                           const float* shift, int64_t steps, int64_t rows, int64_t channels, float threshold,
                           float decay, int64_t soft, uint32_t* bits, int64_t bits_per_step, int64_t bits_per_row,
                           float* rate, float* slope, int64_t out_per_row, float* history,
                           float* spikes) {
    const Population pass{drive, per_step, per_row, scale, shift, steps, rows, channels, {threshold, decay, soft != 0},
                      bits, bits_per_step, bits_per_row, rate, slope, out_per_row, history, spikes};
    for (int64_t row = 0; row < rows; row++) {
        int64_t channel = 0;
        for (; channel + LANES <= channels; channel += LANES) run<Lanes>(pass, row, channel);
        for (; channel < channels; channel++) run<float>(pass, row, channel);
    }
}

// grad [steps, size]: dL/dS, turned in place into dL/d drive; with `sum` [size] the sum over time goes there instead.
EXPORT void neuron_backward(float* grad, const float* history, int64_t steps, int64_t size, float threshold, float decay,
                            int64_t soft, float* sum) {
    const Constants neuron{threshold, decay, soft != 0};
    int64_t i = 0;
    for (; i + LANES <= size; i += LANES)
        walk_back<Lanes>(grad + i, history + i, steps, size, neuron, sum ? sum + i : nullptr);
    for (; i < size; i++) walk_back<float>(grad + i, history + i, steps, size, neuron, sum ? sum + i : nullptr);
}
