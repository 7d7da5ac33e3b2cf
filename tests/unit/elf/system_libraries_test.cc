// The libraries of Debian that the collectors meet in practice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

constexpr const char* kLibc = "/lib/x86_64-linux-gnu/libc.so.6";
constexpr const char* kLibstdcpp = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6";
constexpr const char* kJemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
constexpr const char* kMusl = "/usr/lib/x86_64-linux-musl/libc.so";

struct Exported {
  const char* label;
  const char* path;
  const char* function;
  const char* version;
};

class SystemLibrary : public testing::TestWithParam<Exported> {};
TEST_P(SystemLibrary, ExportsTheAllocator) {
  const auto file = opened(open_path(GetParam().path));
  const Symbol& symbol = function(*file, GetParam().function);
  EXPECT_TRUE(symbol.is_exported);
  EXPECT_TRUE(symbol.is_default_version);
  EXPECT_EQ(symbol.version, GetParam().version);
  EXPECT_FALSE(symbol.is_ifunc);
  EXPECT_GT(symbol.size_bytes, 0u);
  const Symbol* at = file->function_at(symbol.address + symbol.size_bytes - 1);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(at->address, symbol.address);
}
INSTANTIATE_TEST_SUITE_P(Table, SystemLibrary,
                         testing::Values(Exported{"GlibcMalloc", kLibc, "malloc", "GLIBC_2.2.5"},
                                         Exported{"GlibcFree", kLibc, "free", "GLIBC_2.2.5"},
                                         Exported{"GlibcAlignedAlloc", kLibc, "aligned_alloc", "GLIBC_2.16"},
                                         Exported{"New", kLibstdcpp, "_Znwm", "GLIBCXX_3.4"},
                                         Exported{"JemallocMalloc", kJemalloc, "malloc", ""},
                                         Exported{"JemallocMallctl", kJemalloc, "mallctl", ""},
                                         Exported{"MuslMalloc", kMusl, "malloc", ""}),
                         [](const auto& info) { return info.param.label; });

TEST(SystemLibraries, HaveTheirSonames) {
  EXPECT_EQ(opened(open_path(kLibc))->soname(), "libc.so.6");
  EXPECT_EQ(opened(open_path(kJemalloc))->soname(), "libjemalloc.so.2");
}

TEST(SystemLibraries, GlibcPicksMemcpyAtItsStart) {
  const auto file = opened(open_path(kLibc));
  const auto found = file->find_function("memcpy");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0]->is_ifunc);
  EXPECT_EQ(found[0]->version, "GLIBC_2.14");
  EXPECT_FALSE(found[1]->is_default_version);
}

TEST(SystemLibraries, MallocIsKnownByThatName) {
  const auto file = opened(open_path(kLibc));
  EXPECT_EQ(file->function_at(function(*file, "malloc").address)->name, "malloc");
}

// The ABI fixes the frame at the entry of a function: only the return address is on the stack.
TEST(SystemLibraries, AtEveryEntryTheFrameIsTheReturnAddressAlone) {
  for (const char* path : {kLibc, kLibstdcpp, kJemalloc}) {
    const auto file = opened(open_path(path));
    unsigned with_row = 0;
    for (const Symbol& symbol : file->functions()) {
      const auto step = file->frame_step(symbol.address);
      if (!step) continue;
      ++with_row;
      EXPECT_EQ(step->cfa_base, FrameStep::Base::kStackPointer) << symbol.name;
      EXPECT_EQ(step->cfa_offset, 8) << symbol.name;
      EXPECT_FALSE(step->saved_rbp_at_cfa.has_value()) << symbol.name;
    }
    EXPECT_GT(with_row, file->functions().size() * 9 / 10) << path;
  }
}

TEST(SystemLibraries, InsideOperatorNewTheFrameHasAConstantSize) {
  const auto file = opened(open_path(kLibstdcpp));
  const Symbol& operator_new = function(*file, "_Znwm");
  unsigned deepest = 0;
  for (std::uint64_t i = 0; i < operator_new.size_bytes; ++i) {
    const auto step = file->frame_step(operator_new.address + i);
    ASSERT_TRUE(step.has_value()) << "at +" << i;
    EXPECT_EQ(step->cfa_base, FrameStep::Base::kStackPointer) << "at +" << i;
    EXPECT_EQ(step->cfa_offset % 8, 0) << "at +" << i;
    deepest = std::max(deepest, static_cast<unsigned>(step->cfa_offset));
  }
  EXPECT_GE(deepest, 16u);
}

TEST(SystemLibraries, MuslHasNoFrameRows) {
  const auto file = opened(open_path(kMusl));
  EXPECT_FALSE(file->frame_step(function(*file, "malloc").address).has_value());
}

}  // namespace
}  // namespace poolscope::elf::test
