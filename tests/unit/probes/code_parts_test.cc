#include "probes/collectors/code_parts.h"

#include <memory>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <link.h>

namespace poolscope::probes {
namespace {

struct NameCase {
  const char* test;
  const char* name;
  CodePart part;
};
void PrintTo(const NameCase& each, std::ostream* out) {
  *out << each.name;
}

class NativeName : public testing::TestWithParam<NameCase> {};
TEST_P(NativeName, HasItsPart) {
  EXPECT_EQ(part_of_function(GetParam().name), GetParam().part);
}
INSTANTIATE_TEST_SUITE_P(Table, NativeName,
                         testing::Values(NameCase{"Malloc", "malloc", CodePart::kAllocator},
                                         NameCase{"InnerMalloc", "_int_malloc", CodePart::kAllocator},
                                         NameCase{"LaterGlibc", "_int_free_merge_chunk", CodePart::kAllocator},
                                         NameCase{"SplitOff", "sysmalloc_mmap.isra.0", CodePart::kAllocator},
                                         NameCase{"JemallocInside", "je_arena_malloc_hard", CodePart::kAllocator},
                                         NameCase{"OperatorNew", "_Znwm", CodePart::kAllocator},
                                         NameCase{"SizedDelete", "_ZdlPvm", CodePart::kAllocator},
                                         NameCase{"Cpython", "_PyObject_Malloc", CodePart::kAllocator},
                                         NameCase{"Brk", "brk", CodePart::kMemoryCall},
                                         NameCase{"Memcpy", "memcpy", CodePart::kCopy},
                                         NameCase{"Variant", "__memmove_avx_unaligned_erms", CodePart::kCopy},
                                         NameCase{"Checked", "__memcpy_chk", CodePart::kCopy},
                                         NameCase{"CpythonGc", "deduce_unreachable", CodePart::kGc},
                                         NameCase{"Memcmp", "memcmp", CodePart::kOther},
                                         NameCase{"OwnPool", "malloc_pool_get", CodePart::kOther},
                                         NameCase{"TrafficControl", "tc_filter", CodePart::kOther},
                                         NameCase{"MyIsam", "mi_open", CodePart::kOther},
                                         NameCase{"Empty", "", CodePart::kOther}),
                         [](const auto& each) { return each.param.test; });

class GoName : public testing::TestWithParam<NameCase> {};
TEST_P(GoName, HasItsPart) {
  EXPECT_EQ(part_of_go_function(GetParam().name), GetParam().part);
}
INSTANTIATE_TEST_SUITE_P(
    Table, GoName,
    testing::Values(NameCase{"Malloc", "runtime.mallocgc", CodePart::kAllocator},
                    NameCase{"Cache", "runtime.(*mcache).nextFree", CodePart::kAllocator},
                    NameCase{"SpanIndex", "runtime.(*mspan).nextFreeIndex", CodePart::kAllocator},
                    NameCase{"MarkBitsOfASpan", "runtime.(*mspan).markBitsForIndex", CodePart::kGc},
                    NameCase{"TypeBits", "runtime.heapBitsSetType", CodePart::kAllocator},
                    NameCase{"OtherBits", "runtime.heapBits.next", CodePart::kGc},
                    NameCase{"Drain", "runtime.gcDrain", CodePart::kGc},
                    NameCase{"Scan", "runtime.scanobject", CodePart::kGc},
                    NameCase{"Barrier", "runtime.gcWriteBarrier", CodePart::kGc},
                    NameCase{"Scavenger", "runtime.(*pageAlloc).scavengeOne", CodePart::kGc},
                    NameCase{"PageAllocator", "runtime.(*pageAlloc).find", CodePart::kAllocator},
                    NameCase{"GreenTea", "internal/runtime/gc/scan.ScanSpanPacked", CodePart::kGc},
                    NameCase{"Move", "runtime.memmove", CodePart::kCopy},
                    NameCase{"Clear", "runtime.memclrNoHeapPointers", CodePart::kCopy},
                    NameCase{"Madvise", "runtime.madvise", CodePart::kMemoryCall},
                    NameCase{"Scheduler", "runtime.findRunnable", CodePart::kOther},
                    NameCase{"Park", "runtime.gopark", CodePart::kOther},
                    NameCase{"Own", "main.malloc", CodePart::kOther}, NameCase{"Empty", "", CodePart::kOther}),
    [](const auto& each) { return each.param.test; });

using Ranges = std::vector<PartRange>;

TEST(Disjoint, TheRangeThatStartsLaterHasWhatBothHave) {
  EXPECT_EQ(disjoint({{10, 30, CodePart::kAllocator}, {20, 40, CodePart::kCopy}}),
            (Ranges{{10, 20, CodePart::kAllocator}, {20, 40, CodePart::kCopy}}));
}

TEST(Disjoint, RangesOfOnePartThatTouchBecomeOne) {
  EXPECT_EQ(disjoint({{20, 30, CodePart::kCopy}, {10, 20, CodePart::kCopy}, {12, 15, CodePart::kCopy}}),
            (Ranges{{10, 30, CodePart::kCopy}}));
}

TEST(Disjoint, EmptyAndBackwardRangesAreNone) {
  EXPECT_EQ(disjoint({{20, 20, CodePart::kCopy}, {30, 10, CodePart::kGc}}), Ranges{});
}

TEST(ProcessParts, LooksAtTheFirstByteAndTheLastAndNotBeyond) {
  auto file = std::make_shared<FileParts>();
  file->ranges = {{0x10, 0x20, CodePart::kCopy}};
  const ProcessParts parts({{file, 0x1000}, {file, 0x5000}});
  EXPECT_EQ(parts.at(0x100f), CodePart::kOther);
  EXPECT_EQ(parts.at(0x1010), CodePart::kCopy);
  EXPECT_EQ(parts.at(0x101f), CodePart::kCopy);
  EXPECT_EQ(parts.at(0x1020), CodePart::kOther);
  EXPECT_EQ(parts.at(0x5010), CodePart::kCopy);
  EXPECT_EQ(parts.at(0), CodePart::kOther);
}

TEST(ProcessParts, OneFileThatHidesItsAllocatorMakesItUnknown) {
  auto libc = std::make_shared<FileParts>(), python = std::make_shared<FileParts>();
  libc->allocates = true;
  python->hides_allocator = true;
  EXPECT_TRUE(ProcessParts({{libc, 0}}).knows_allocator());
  EXPECT_FALSE(ProcessParts({{libc, 0}, {python, 0}}).knows_allocator());
  EXPECT_FALSE(ProcessParts(std::vector<ProcessParts::Placed>{}).knows_allocator());
}

// The C library of this process, as most systems have it: without a debug file.
class StrippedLibc : public testing::Test {
 protected:
  void SetUp() override {
    handle_ = ::dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    if (handle_ == nullptr) GTEST_SKIP() << "the tests are not linked with glibc";
    link_map* map = nullptr;
    ASSERT_EQ(::dlinfo(handle_, RTLD_DI_LINKMAP, &map), 0);
    auto file = elf::ElfFile::open(::open(map->l_name, O_RDONLY | O_CLOEXEC), map->l_name, "/nonexistent");
    ASSERT_TRUE(file) << elf::describe(file.error());
    if ((*file)->has_full_symbols()) GTEST_SKIP() << map->l_name << " is not stripped";
    parts_ = std::make_shared<const FileParts>(parts_of(**file));
    process_ = std::make_unique<ProcessParts>(std::vector<ProcessParts::Placed>{{parts_, map->l_addr}});
  }
  void TearDown() override {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  // dlsym() gives what an IFUNC chose.
  std::uint64_t address(const char* name) const { return reinterpret_cast<std::uint64_t>(::dlsym(handle_, name)); }

  void* handle_ = nullptr;
  std::shared_ptr<const FileParts> parts_;
  std::unique_ptr<ProcessParts> process_;
};

TEST_F(StrippedLibc, EverythingBetweenTheFunctionsOfMallocIsTheAllocator) {
  for (std::uint64_t at = address("malloc"); at < address("malloc_info"); at += 16) {
    EXPECT_EQ(process_->at(at), CodePart::kAllocator) << std::hex << at;
  }
  EXPECT_TRUE(process_->knows_allocator());
}

TEST_F(StrippedLibc, TheVariantsThatThisMachineUsesCopy) {
  for (const char* name : {"memcpy", "memmove", "memset"}) {
    EXPECT_EQ(process_->at(address(name)), CodePart::kCopy) << name;
    EXPECT_EQ(process_->at(address(name) + 32), CodePart::kCopy) << name;
  }
  EXPECT_TRUE(process_->knows_copy());
}

TEST_F(StrippedLibc, OtherFunctionsAreNeither) {
  for (const char* name : {"printf", "strlen", "memcmp", "qsort", "fopen", "getenv"}) {
    EXPECT_EQ(process_->at(address(name)), CodePart::kOther) << name;
  }
}

TEST_F(StrippedLibc, CallsOfTheKernelForMemoryAreKnown) {
  for (const char* name : {"mmap", "munmap", "madvise", "brk"}) {
    EXPECT_EQ(process_->at(address(name)), CodePart::kMemoryCall) << name;
  }
}

}  // namespace
}  // namespace poolscope::probes
