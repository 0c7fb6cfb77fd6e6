// Products of weights with packed spikes.
//
// A spike is 0 or 1, so W s is a sum of columns of W. Two ways to add fewer numbers than a dense product:
//
// tables  Four inputs have 16 possible patterns. The 16 sums of their four columns are made once and serve every row of
//         spikes: one addition in place of four multiply-adds, whatever the density (the "method of four Russians":
//         Arlazarov, Dinic, Kronrod, Faradzev 1970).
// events  Only the columns of the inputs that fired are added. Pays below about one spike in eight.
//
// Rows of output are (image, position). A tap is one offset of a kernel (a dense synapse has one): `gather[tap][position]`
// says which input position it reads, -1 for none. Convolutions, upsampling and unpooling are all such wirings.
#include <cstring>

#include "vector.h"

namespace {

struct Weights {
    const float* values;
    int64_t per_output, per_input, per_tap;  // strides in elements
};

struct Wiring {
    const int32_t* gather;
    int64_t positions_in, positions_out;

};

// Walks over the rows of the output and says which row of the input each reads through one tap; -1 for none.
class Sources {
   public:
    Sources(const Wiring& wiring, int64_t tap, int64_t first)
        : wiring_(wiring), found_(wiring.gather ? wiring.gather + tap * wiring.positions_out : nullptr), row_(first) {
        position_ = first % wiring.positions_out;
        image_ = first / wiring.positions_out * wiring.positions_in;
    }
    int64_t next() {
        if (!found_) return row_++;
        const int32_t found = found_[position_];
        const int64_t source = found < 0 ? -1 : image_ + found;
        if (++position_ == wiring_.positions_out) position_ = 0, image_ += wiring_.positions_in;
        return source;
    }

   private:
    const Wiring& wiring_;
    const int32_t* found_;
    int64_t row_, position_, image_;
};

// columns[c][o] = W[o, first + c] of one tap, zero beyond what there is.
template <int OUT>
void take_columns(Weights w, int64_t tap, int64_t first, int64_t inputs, int64_t outputs, float* columns) {
    std::memset(columns, 0, inputs * OUT * sizeof(float));
    const float* from = w.values + tap * w.per_tap + first * w.per_input;
    for (int64_t c0 = 0; c0 < inputs; c0 += 8)
        for (int64_t o = 0; o < outputs; o++)
            for (int64_t c = c0; c < c0 + 8 && c < inputs; c++)
                columns[c * OUT + o] = from[o * w.per_output + c * w.per_input];
}

// tables[g][pattern][o]: sums of the columns 4g .. 4g+3 that the pattern selects.
template <int OUT>
void make_tables(const float* columns, float* tables) {
    for (int group = 0; group < WORD / 4; group++)
        for (int o = 0; o < OUT; o += LANES) {
            const float* column = columns + group * 4 * OUT + o;
            float* table = tables + group * 16 * OUT + o;
            Lanes sums[16];
            sums[0] = Lanes{};
            for (int bit = 0; bit < 4; bit++)
                for (int i = 0; i < 1 << bit; i++) sums[(1 << bit) + i] = sums[i] + load(column + bit * OUT);
            for (int pattern = 0; pattern < 16; pattern++) store(table + pattern * OUT, sums[pattern]);
        }
}

template <int OUT>
void start_rows(const float* bias, int64_t outputs, int64_t rows, float* sums) {
    float first[OUT] = {0};
    if (bias) std::memcpy(first, bias, outputs * sizeof(float));
    for (int64_t row = 0; row < rows; row++) std::memcpy(sums + row * OUT, first, sizeof(first));
}

template <int OUT>
inline void add_word(uint32_t word, const float* tables, float* sums) {
    constexpr int PARTS = OUT / LANES;
    Lanes total[PARTS];
    for (int i = 0; i < PARTS; i++) total[i] = load(sums + i * LANES);
#pragma GCC unroll 8
    for (int group = 0; group < WORD / 4; group++) {
        const float* table = tables + (group * 16 + ((word >> (4 * group)) & 15)) * OUT;
        for (int i = 0; i < PARTS; i++) total[i] += load(table + i * LANES);
    }
    for (int i = 0; i < PARTS; i++) store(sums + i * LANES, total[i]);
}

constexpr int64_t TILE = 2048;  // rows whose sums (TILE x 64 floats) stay in the second-level cache

template <int OUT>
void by_tables(Weights w, const float* bias, int64_t outputs, int64_t inputs, int64_t taps, const uint32_t* bits,
               Wiring wiring, int64_t rows, float* drive, int64_t stride, float* scratch) {
    const int64_t words = (inputs + WORD - 1) / WORD;
    float *tables = scratch, *columns = tables + WORD / 4 * 16 * OUT, *sums = columns + WORD * OUT;
    for (int64_t first = 0; first < rows; first += TILE) {
        const int64_t count = rows - first < TILE ? rows - first : TILE;
        start_rows<OUT>(bias, outputs, count, sums);
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t word = 0; word < words; word++) {
                const int64_t present = inputs - word * WORD < WORD ? inputs - word * WORD : WORD;
                std::memset(columns + present * OUT, 0, (WORD - present) * OUT * sizeof(float));
                take_columns<OUT>(w, tap, word * WORD, present, outputs, columns);
                make_tables<OUT>(columns, tables);
                Sources sources(wiring, tap, first);
                for (int64_t row = 0; row < count; row++) {
                    const int64_t source = sources.next();
                    if (source < 0) continue;
                    const uint32_t fired = bits[source * words + word];
                    if (fired) add_word<OUT>(fired, tables, sums + row * OUT);
                }
            }
        for (int64_t row = 0; row < count; row++)
            std::memcpy(drive + (first + row) * stride, sums + row * OUT, outputs * sizeof(float));
    }
}

template <int OUT>
void by_events(Weights w, const float* bias, int64_t outputs, int64_t inputs, int64_t taps, const int32_t* starts,
               const int32_t* fired, Wiring wiring, int64_t rows, float* drive, int64_t stride, float* scratch) {
    constexpr int PARTS = OUT / LANES;
    float *columns = scratch, first[OUT];
    for (int64_t tap = 0; tap < taps; tap++)
        take_columns<OUT>(w, tap, 0, inputs, outputs, columns + tap * inputs * OUT);
    start_rows<OUT>(bias, outputs, 1, first);
    for (int64_t row = 0; row < rows; row++) {
        Lanes total[PARTS];
        for (int i = 0; i < PARTS; i++) total[i] = load(first + i * LANES);
        const int64_t image = row / wiring.positions_out, position = row % wiring.positions_out;
        for (int64_t tap = 0; tap < taps; tap++) {
            const int64_t found = wiring.gather ? wiring.gather[tap * wiring.positions_out + position] : position;
            if (found < 0) continue;
            const int64_t source = image * wiring.positions_in + found;
            const float* table = columns + tap * inputs * OUT;
            for (int32_t k = starts[source]; k < starts[source + 1]; k++)
                for (int i = 0; i < PARTS; i++) total[i] += load(table + (int64_t)fired[k] * OUT + i * LANES);
        }
        float sums[OUT];
        for (int i = 0; i < PARTS; i++) store(sums + i * LANES, total[i]);
        std::memcpy(drive + row * stride, sums, outputs * sizeof(float));
    }
}

}  // namespace

// Floats of scratch: product_tables needs (128 + 32 + min(rows, TILE)) x 64; product_events taps x inputs x 64.
EXPORT void product_tables(const float* weight, int64_t per_output, int64_t per_input, int64_t per_tap,
                           const float* bias, int64_t outputs, int64_t inputs, int64_t taps, const uint32_t* bits,
                           const int32_t* gather, int64_t images, int64_t positions_in, int64_t positions_out,
                           float* drive, int64_t stride, float* scratch) {
    for (int64_t o = 0; o < outputs;) {
        const int64_t left = outputs - o;
        Weights w{weight + o * per_output, per_output, per_input, per_tap};
        auto run = left > 32 ? by_tables<64> : left > 16 ? by_tables<32> : by_tables<16>;
        const int64_t width = left > 32 ? 64 : left > 16 ? 32 : 16;
        run(w, bias ? bias + o : nullptr, left < width ? left : width, inputs, taps, bits,
            Wiring{gather, positions_in, positions_out}, images * positions_out, drive + o, stride, scratch);
        o += width;
    }
}

EXPORT void product_events(const float* weight, int64_t per_output, int64_t per_input, int64_t per_tap,
                           const float* bias, int64_t outputs, int64_t inputs, int64_t taps, const int32_t* starts,
                           const int32_t* fired, const int32_t* gather, int64_t images, int64_t positions_in,
                           int64_t positions_out, float* drive, int64_t stride, float* scratch) {
    for (int64_t o = 0; o < outputs;) {
        const int64_t left = outputs - o;
        Weights w{weight + o * per_output, per_output, per_input, per_tap};
        auto run = left > 32 ? by_events<64> : left > 16 ? by_events<32> : by_events<16>;
        const int64_t width = left > 32 ? 64 : left > 16 ? 32 : 16;
        run(w, bias ? bias + o : nullptr, left < width ? left : width, inputs, taps, starts, fired,
            Wiring{gather, positions_in, positions_out}, images * positions_out, drive + o, stride, scratch);
        o += width;
    }
}
