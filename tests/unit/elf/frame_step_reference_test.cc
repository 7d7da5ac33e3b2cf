// Frame steps against libdw, which knows all of DWARF, over the libraries that the collectors meet.
#include <cstdlib>
#include <memory>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <libelf.h>
#include <unistd.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

constexpr int kRbp = 6;
constexpr std::uint64_t kRsp = 7;
constexpr int kReturnAddress = 16;

// What libdw says, in the same terms.
class Reference {
 public:
  explicit Reference(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    elf_ = elf_begin(fd_, ELF_C_READ, nullptr);
    cfi_ = dwarf_getcfi_elf(elf_);
  }
  Reference(const Reference&) = delete;
  ~Reference() {
    dwarf_cfi_end(cfi_);
    elf_end(elf_);
    close(fd_);
  }

  std::optional<FrameStep> step(std::uint64_t address) const {
    Dwarf_Frame* raw = nullptr;
    if (dwarf_cfi_addrframe(cfi_, address, &raw) != 0) return std::nullopt;
    const std::unique_ptr<Dwarf_Frame, decltype(&std::free)> frame(raw, &std::free);
    bool is_signal_frame = false;
    dwarf_frame_info(raw, nullptr, nullptr, &is_signal_frame);
    Dwarf_Op* cfa = nullptr;
    std::size_t count = 0;
    if (is_signal_frame || dwarf_frame_cfa(raw, &cfa, &count) != 0 || count != 1 || cfa->atom != DW_OP_bregx) return {};
    if (cfa->number != kRsp && cfa->number != kRbp) return std::nullopt;
    const auto return_address = offset_of(raw, kReturnAddress);
    if (!return_address || *return_address != std::optional<std::int64_t>(-8)) return std::nullopt;
    const auto rbp = offset_of(raw, kRbp);
    if (!rbp) return std::nullopt;
    const auto base = cfa->number == kRsp ? FrameStep::Base::kStackPointer : FrameStep::Base::kFramePointer;
    return FrameStep{base, static_cast<std::int64_t>(cfa->number2), *rbp};
  }

 private:
  // Offset from the CFA; an inner nothing when the register is unchanged, an outer one for all else.
  static std::optional<std::optional<std::int64_t>> offset_of(Dwarf_Frame* frame, int number) {
    Dwarf_Op buffer[3];
    Dwarf_Op* ops = nullptr;
    std::size_t count = 0;
    if (dwarf_frame_register(frame, number, buffer, &ops, &count) != 0) return std::nullopt;
    if (count == 0 && ops == nullptr) return std::optional<std::int64_t>{};
    if (count != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_plus_uconst) return std::nullopt;
    return static_cast<std::int64_t>(ops[1].number);
  }

  int fd_;
  Elf* elf_ = nullptr;
  Dwarf_CFI* cfi_ = nullptr;
};

class FrameStepReference : public testing::TestWithParam<const char*> {};
TEST_P(FrameStepReference, AgreesAtEveryByteOfEveryFunction) {
  const Reference reference(GetParam());
  const auto file = opened(open_path(GetParam()));
  std::size_t compared = 0, constant = 0;
  for (const Symbol& symbol : file->functions()) {
    for (std::uint64_t at = symbol.address; at < symbol.address + symbol.size_bytes; ++at) {
      const auto expected = reference.step(at), got = file->frame_step(at);
      ASSERT_EQ(got.has_value(), expected.has_value()) << symbol.name << " +" << at - symbol.address;
      ++compared;
      if (!expected) continue;
      ++constant;
      ASSERT_EQ(got->cfa_base, expected->cfa_base) << symbol.name << " +" << at - symbol.address;
      ASSERT_EQ(got->cfa_offset, expected->cfa_offset) << symbol.name << " +" << at - symbol.address;
      ASSERT_EQ(got->saved_rbp_at_cfa, expected->saved_rbp_at_cfa) << symbol.name << " +" << at - symbol.address;
    }
  }
  EXPECT_GT(compared, 1'000u);
  EXPECT_GT(constant, compared * 8 / 10);
  RecordProperty("compared", static_cast<int>(compared));
}
INSTANTIATE_TEST_SUITE_P(Libraries, FrameStepReference,
                         testing::Values("/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"));

}  // namespace
}  // namespace poolscope::elf::test
