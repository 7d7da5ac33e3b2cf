// Any bytes as the type descriptors of a program, and as a sync.Pool. The first byte chooses the release, the rest is the memory.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "probes/go/pool_state.h"
#include "probes/go/type_reader.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::go;

namespace {

constexpr std::uint64_t kTypes = 0x10000;

class FuzzMemory final : public MemoryReader {
 public:
  explicit FuzzMemory(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool read(std::uint64_t address, std::span<std::byte> into) const override {
    const std::uint64_t offset = address - kTypes;
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) return false;
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return true;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

void ask_about(const TypeReader& reader, std::uint64_t address) {
  const auto layout = reader.buffer_layout(address);
  if (layout && layout->shape != BufferLayout::Shape::kNone)
    FUZZ_CHECK(layout->capacity_offset == layout->length_offset + 8);
  const auto type = reader.read(address);
  if (!type) {
    FUZZ_CHECK(!describe(type.error()).empty());
    return;
  }
  FUZZ_CHECK(type->name.size() <= kMaxTypeNameBytes);
  const auto fields = reader.fields(*type);
  if (!fields) return;
  FUZZ_CHECK(fields->size() <= kMaxStructFields);
  for (const GoField& field : *fields) FUZZ_CHECK(field.offset_bytes <= type->size_bytes);
}

void ask_about_pool(const MemoryReader& memory, std::uint64_t address) {
  const auto state = read_pool_state(memory, address);
  if (!state) return;
  FUZZ_CHECK(state->victims <= state->idle);
  FUZZ_CHECK(state->sample.size() <= std::min<std::uint64_t>(state->idle, PoolState::kMaxSample));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> bytes(data + 1, size - 1);
  const FuzzMemory memory(bytes);
  const TypeReader reader(memory, {1, 17u + data[0] % 10}, kTypes, kTypes + bytes.size());
  for (std::uint64_t at = 0; at <= bytes.size() && at < 512; at += 8) ask_about(reader, kTypes + at);
  for (std::uint64_t at = 0; at <= bytes.size() && at < 64; at += 8) ask_about_pool(memory, kTypes + at);
  return 0;
}
