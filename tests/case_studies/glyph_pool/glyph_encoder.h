#pragma once
// Turns text into glyphs: a known word becomes two bytes, a new one its letters. Each paragraph is written to a buffer of its own, and
// all buffers of a document are out until it is done.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace poolscope::case_study {

inline constexpr std::size_t kGlyphBufferBytes = 4096;
inline constexpr std::size_t kParagraphs = 10;

using Document = std::vector<std::string>;  // by paragraph

// Words of a language in which few are frequent; the same for the same seed.
inline Document make_document(unsigned seed, std::size_t words_in_a_paragraph = 400) {
  std::mt19937 random(seed);
  std::geometric_distribution<int> rank(0.004), letters(0.3);
  std::vector<std::string> words;
  for (int i = 0; i < 3000; ++i) {
    std::string word;
    for (int length = 2 + letters(random); length > 0; --length) word += static_cast<char>('a' + random() % 26);
    words.push_back(word);
  }
  Document document(kParagraphs);
  for (std::string& paragraph : document)
    for (std::size_t i = 0; i < words_in_a_paragraph; ++i)
      paragraph += words[static_cast<std::size_t>(rank(random)) % words.size()] + ' ';
  return document;
}

class GlyphEncoder {
 public:
  void begin() { known_.clear(); }
  // Writes the glyphs of a paragraph `into` a buffer; how many bytes they are. Throws std::length_error when they are more.
  std::size_t encode(std::string_view paragraph, std::span<std::byte> into) {
    std::size_t at = 0;
    while (!paragraph.empty()) {
      const std::string_view word = paragraph.substr(0, paragraph.find(' '));
      paragraph.remove_prefix(std::min(paragraph.size(), word.size() + 1));
      if (into.size() - at < word.size() + 2) throw std::length_error("a paragraph of more glyphs than a buffer holds");
      at += write(word, &into[at]);
    }
    return at;
  }

 private:
  std::size_t write(std::string_view word, std::byte* to) {
    const auto [found, is_new] = known_.try_emplace(word, static_cast<std::uint16_t>(known_.size()));
    if (is_new) {
      *to = static_cast<std::byte>(word.size());
      std::memcpy(to + 1, word.data(), word.size());
      return word.size() + 1;
    }
    to[0] = static_cast<std::byte>(found->second >> 8 | 0x80);
    to[1] = static_cast<std::byte>(found->second);
    return 2;
  }

  // Its nodes stay from document to document: words are not what is studied here.
  std::pmr::unsynchronized_pool_resource nodes_;
  std::pmr::unordered_map<std::string_view, std::uint16_t> known_{&nodes_};
};

}  // namespace poolscope::case_study
