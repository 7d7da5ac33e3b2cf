// Buffers that grow by a new block, a copy and a free, as C++ containers do it, one after the other:
//
//   --how vector     std::vector<char>, appended to in pieces of 256 bytes
//   --how string     std::string, the same
//   --how replaced   no growth: blocks, each twice as large as the one that is freed then, and with other contents
//   --first N        bytes that a buffer has at first (default 1024)
//   --final N        bytes that it holds in the end (default 50000)
//   --buffers N      how many; 0: until its input ends (default)
//
// At the end it prints its buffers, how often they grew, and the bytes that were copied then, as capacities.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "json_line.h"

namespace {

struct Options {
  std::string_view how = "vector";
  std::uint64_t first = 1024, final = 50000, buffers = 0;
};

struct Counts {
  std::uint64_t buffers = 0, growths = 0, copied_bytes = 0;
};

constexpr std::size_t kPieceBytes = 256;

// Other bytes each time, so that contents tell blocks apart.
void fill(char* bytes, std::size_t count) {
  static std::uint32_t state = 1;
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
}

template <typename Text>
void append_pieces(Text& text, const Options& options, Counts& counts) {
  char piece[kPieceBytes];
  while (text.size() < options.final) {
    fill(piece, sizeof piece);
    const std::size_t before = text.capacity();
    text.insert(text.end(), piece, piece + sizeof piece);
    if (text.capacity() == before) continue;
    ++counts.growths;
    counts.copied_bytes += before;
  }
}

[[gnu::noinline]] void grow_vector(const Options& options, Counts& counts) {
  std::vector<char> text;
  text.reserve(options.first);
  append_pieces(text, options, counts);
}

[[gnu::noinline]] void grow_string(const Options& options, Counts& counts) {
  std::string text;
  text.reserve(options.first);
  append_pieces(text, options, counts);
}

[[gnu::noinline]] void replace_blocks(const Options& options, Counts&) {
  char* block = static_cast<char*>(std::malloc(options.first));
  fill(block, options.first);
  for (std::uint64_t bytes = 2 * options.first; bytes <= options.final; bytes *= 2) {
    char* next = static_cast<char*>(std::malloc(bytes));
    fill(next, bytes);
    std::free(block);
    block = next;
  }
  std::free(block);
}

bool input_has_ended() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0;
}

[[noreturn]] void usage() {
  json_usage("usage: container_growth [--how vector|string|replaced] [--first N] [--final N] [--buffers N]\n");
  std::abort();
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name(argv[i]);
    if (i + 1 == argc) usage();
    std::uint64_t* const value = name == "--first"     ? &options.first
                                 : name == "--final"   ? &options.final
                                 : name == "--buffers" ? &options.buffers
                                                       : nullptr;
    if (name == "--how")
      options.how = argv[i + 1];
    else if (value != nullptr)
      *value = std::strtoull(argv[i + 1], nullptr, 10);
    else
      usage();
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const auto work = options.how == "vector"     ? grow_vector
                    : options.how == "string"   ? grow_string
                    : options.how == "replaced" ? replace_blocks
                                                : nullptr;
  if (work == nullptr) usage();
  Counts counts;
  while (options.buffers > 0 ? counts.buffers < options.buffers : !input_has_ended()) {
    work(options, counts);
    ++counts.buffers;
    const timespec pause{0, 200'000};
    ::nanosleep(&pause, nullptr);
  }
  json_open(nullptr);
  json_number("buffers", counts.buffers);
  json_number("growths", counts.growths);
  json_number("copied_bytes", counts.copied_bytes);
  json_close();
  json_flush();
}
