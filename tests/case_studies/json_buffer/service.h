#pragma once
// The service that an agent watches: answers of a pool of 50 KiB buffers.
//
//   whole [ROWS]     (default, 100) answers of up to twelve rows fewer to so many, each in one buffer
//   fresh [BYTES]    the same without a pool: each in a new buffer that begins with so many bytes (1024)
//   chunks [BYTES]   batches of 1000 rows; what exceeds so many bytes (32768) is handed to a thread that sends it and gives the buffer back

#include <cstdint>
#include <string_view>
#include <vector>

namespace poolscope::case_study {

inline constexpr std::uint64_t kUsualRows = 100;
inline constexpr std::size_t kChunkBytes = 32 * 1024;
inline constexpr std::uint64_t kBatchRows = 1000;

// One answer or batch, then a pause of a millisecond. Throws std::invalid_argument when the words are others.
void serve_json(const std::vector<std::string_view>& words);

// When the first chunk of a batch is sent, and how many there are.
std::uint64_t rows_of_first_chunk();
std::uint64_t chunks_of_batch();

}  // namespace poolscope::case_study
