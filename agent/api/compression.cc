#include "agent/api/compression.h"

#include <new>
#include <stdexcept>

#include <zlib.h>

namespace poolscope::api {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window; 16 asks for the gzip header

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// "q=0", "q=0.", "q=0.000": the client refuses what stands before.
bool is_zero_weight(std::string_view parameter) {
  if (parameter.size() < 3 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=') return false;
  return parameter.substr(2).find_first_not_of("0.") == parameter.npos;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool by_wildcard = false;
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    const std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding = comma == accept_encoding.npos ? std::string_view() : accept_encoding.substr(comma + 1);
    const std::size_t semicolon = item.find(';');
    const std::string_view coding = trimmed(item.substr(0, semicolon));
    const bool wanted = semicolon == item.npos || !is_zero_weight(trimmed(item.substr(semicolon + 1)));
    if (equals_ignoring_case(coding, "gzip")) return wanted;
    if (coding == "*") by_wildcard = wanted;
  }
  return by_wildcard;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  // The fastest level: the agent's CPU time has a budget, and the reader is rarely further away than the next
  // rack.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib could not finish a gzip stream");
  return out;
}

}  // namespace poolscope::api
