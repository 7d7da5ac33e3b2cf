#pragma once
// What an allocator really hands out for a request: the sizes at which more bytes cost nothing, and those at which a block
// changes its nature.
//
//   Sources   glibc 2.36 malloc/malloc.c (chunks of 16 bytes, header of 8; pages from the mmap threshold on), jemalloc 5.3 (four classes per
//             power of two), gperftools 2.10 and Go 1.19 (their tables), mimalloc 2.0, musl 1.2.3 src/malloc/mallocng (its table).
//   Checked   by size_classes_test against Debian's libraries and the table in Go's source, for every request up to kCheckedBytes; musl only
//             against its table. Above that the rule of the largest sizes goes on.
//   Threads   pure functions.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace poolscope::sizing {

enum class Allocator { kGlibc, kJemalloc, kTcmalloc, kMimalloc, kMusl, kGo };

inline constexpr std::uint64_t kCheckedBytes = 3 << 20;
// No answer is larger: a request above it is its own size.
inline constexpr std::uint64_t kLargestClassBytes = std::uint64_t{1} << 40;

// As a snapshot names it ("jemalloc"; "go" for the heap of Go). nullopt: another one.
[[nodiscard]] std::optional<Allocator> allocator_named(std::string_view name);
[[nodiscard]] std::string_view name_of(Allocator allocator);

// The largest request that gets the same block as one for `requested_bytes`: what may be asked for at no other cost. 0 counts as 1.
[[nodiscard]] std::uint64_t usable_bytes(Allocator allocator, std::uint64_t requested_bytes);

// All sizes of blocks from the one that holds `least_bytes` to the one that holds `most_bytes`, ascending; at most `limit`, evenly
// left out when there are more.
[[nodiscard]] std::vector<std::uint64_t> usable_sizes(Allocator allocator, std::uint64_t least_bytes,
                                                      std::uint64_t most_bytes, std::size_t limit = 256);

// The smallest request that is served in another and dearer way than those below it (mmap and its page faults, the large heap
// of Go, no thread cache), among those up to `bytes`. nullopt: none.
struct Cliff {
  std::uint64_t from_bytes;
  std::string_view what;  // "from here on glibc maps and unmaps each block, until its threshold has risen"
};
[[nodiscard]] std::optional<Cliff> highest_cliff(Allocator allocator, std::uint64_t bytes);

}  // namespace poolscope::sizing
