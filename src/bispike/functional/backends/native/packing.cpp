// Spikes as bits: 32 channels in a word. Rows are (time step, image, position); bits beyond the last channel are 0.
#include <cstring>

#include "vector.h"

// values [rows, channels], 0 or 1
EXPORT void pack(const float* values, int64_t rows, int64_t channels, uint32_t* bits) {
    const int64_t words = (channels + WORD - 1) / WORD;
    for (int64_t row = 0; row < rows; row++) {
        const float* from = values + row * channels;
        uint32_t* to = bits + row * words;
        std::memset(to, 0, words * sizeof(uint32_t));
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) to[c / WORD] |= as_bits(load(from + c) != Lanes{}) << (c % WORD);
        for (; c < channels; c++) to[c / WORD] |= (uint32_t)(from[c] != 0.0f) << (c % WORD);
    }
}

namespace {

// Lanes first .. first + 15 of a word as zeros and ones.
inline Lanes ones_of(uint32_t word, int64_t first) {
    const Flags place = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    return where(((int32_t)(word >> first) & place) != 0, Lanes{} + 1.0f);
}

}  // namespace

EXPORT void unpack(const uint32_t* bits, int64_t rows, int64_t channels, float* values) {
    const int64_t words = (channels + WORD - 1) / WORD;
    for (int64_t row = 0; row < rows; row++) {
        const uint32_t* from = bits + row * words;
        float* to = values + row * channels;
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) store(to + c, ones_of(from[c / WORD], c % WORD));
        for (; c < channels; c++) to[c] = (float)(from[c / WORD] >> (c % WORD) & 1);
    }
}

// rate [rows, channels]: share of the time steps in which each fired
EXPORT void rate(const uint32_t* bits, int64_t steps, int64_t rows, int64_t channels, float* rate) {
    const int64_t words = (channels + WORD - 1) / WORD;
    const float share = 1.0f / (float)steps;
    for (int64_t row = 0; row < rows; row++) {
        const uint32_t* from = bits + row * words;
        const int64_t per_step = rows * words;
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) {
            Lanes total{};
            for (int64_t t = 0; t < steps; t++) total += ones_of(from[t * per_step + c / WORD], c % WORD);
            store(rate + row * channels + c, total * share);
        }
        for (; c < channels; c++) {
            uint32_t total = 0;
            for (int64_t t = 0; t < steps; t++) total += from[t * per_step + c / WORD] >> (c % WORD) & 1;
            rate[row * channels + c] = (float)total * share;
        }
    }
}

EXPORT int64_t count(const uint32_t* bits, int64_t words) {
    int64_t total = 0;
    for (int64_t i = 0; i < words; i++) total += __builtin_popcount(bits[i]);
    return total;
}

// starts [rows + 1], fired [count]: the channels that fired in each row
EXPORT void list_events(const uint32_t* bits, int64_t rows, int64_t words, int32_t* starts, int32_t* fired) {
    int32_t total = 0;
    for (int64_t row = 0; row < rows; row++) {
        starts[row] = total;
        for (int64_t word = 0; word < words; word++)
            for (uint32_t left = bits[row * words + word]; left; left &= left - 1)
                fired[total++] = (int32_t)(word * WORD + __builtin_ctz(left));
    }
    starts[rows] = total;
}

// to [images, height / side, width / side, words]: a maximum of spikes is their OR
EXPORT void pool(const uint32_t* from, int64_t images, int64_t height, int64_t width, int64_t words, int64_t side,
                 uint32_t* to) {
    const int64_t tall = height / side, wide = width / side;
    for (int64_t image = 0; image < images; image++)
        for (int64_t y = 0; y < tall * side; y++)
            for (int64_t x = 0; x < wide * side; x++) {
                const uint32_t* source = from + ((image * height + y) * width + x) * words;
                uint32_t* target = to + ((image * tall + y / side) * wide + x / side) * words;
                const bool first = y % side == 0 && x % side == 0;
                for (int64_t word = 0; word < words; word++) target[word] = first ? source[word] : target[word] | source[word];
            }
}
