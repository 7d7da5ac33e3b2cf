#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <unwind.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

using Base = FrameStep::Base;

struct FrameCase {
  const char* name;
  const char* function;
  unsigned offset;  // of an instruction in it, see fixtures/sample.c
  Base base;
  std::int64_t cfa_offset;
  std::optional<std::int64_t> saved_rbp;
};

class FrameStepOf : public testing::TestWithParam<FrameCase> {};
TEST_P(FrameStepOf, KnownFrame) {
  for (const char* fixture : {"sample_pie", "sample_static", "libsample.so", "sample_stripped"}) {
    // The layout of sample_stripped is that of sample_pie.
    const auto names = open_fixture(std::string(fixture) == "sample_stripped" ? "sample_pie" : fixture);
    const auto step =
        open_fixture(fixture)->frame_step(function(*names, GetParam().function).address + GetParam().offset);
    ASSERT_TRUE(step.has_value()) << fixture;
    EXPECT_EQ(step->cfa_base, GetParam().base) << fixture;
    EXPECT_EQ(step->cfa_offset, GetParam().cfa_offset) << fixture;
    EXPECT_EQ(step->saved_rbp_at_cfa, GetParam().saved_rbp) << fixture;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, FrameStepOf,
                         testing::Values(FrameCase{"Entry", "frame_by_rsp", 0, Base::kStackPointer, 8, {}},
                                         FrameCase{"AfterPush", "frame_by_rsp", 1, Base::kStackPointer, 16, {}},
                                         FrameCase{"AfterSub", "frame_by_rsp", 5, Base::kStackPointer, 48, {}},
                                         FrameCase{"LastInstruction", "frame_by_rsp", 11, Base::kStackPointer, 8, {}},
                                         FrameCase{"EntryByRbp", "frame_by_rbp", 0, Base::kStackPointer, 8, {}},
                                         FrameCase{"AfterPushRbp", "frame_by_rbp", 1, Base::kStackPointer, 16, -16},
                                         FrameCase{"AfterMovRbp", "frame_by_rbp", 4, Base::kFramePointer, 16, -16}),
                         [](const auto& info) { return info.param.name; });

TEST(FrameStep, IsAbsentWhereTheRowIsNotConstant) {
  const auto file = open_fixture("sample_pie");
  EXPECT_TRUE(file->frame_step(function(*file, "frame_by_rbx").address).has_value());
  EXPECT_FALSE(file->frame_step(function(*file, "frame_by_rbx").address + 3).has_value());
  EXPECT_FALSE(file->frame_step(function(*file, "frame_with_rbp_in_rbx").address + 3).has_value());
  EXPECT_FALSE(file->frame_step(function(*file, "frame_without_caller").address).has_value());
}

TEST(FrameStep, IsAbsentWithoutARow) {
  const auto file = open_fixture("sample_pie");
  EXPECT_FALSE(file->frame_step(function(*file, "frame_without_rows").address).has_value());
  EXPECT_FALSE(file->frame_step(0).has_value());
  EXPECT_FALSE(file->frame_step(~0ull).has_value());
}

// --- against the unwinder of the compiler, on a real stack that goes through libc's qsort -------------------------

struct RealStack {
  std::uint64_t rsp = 0, rbp = 0;  // in a frame of compare(), at `address`
  std::uint64_t address = 0;
  std::vector<std::uint64_t> callers;  // return addresses as _Unwind_Backtrace sees them, innermost first
};
RealStack captured;

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* into) {
  static_cast<std::vector<std::uint64_t>*>(into)->push_back(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}

// The registers as they are in this very function, and the memory of the stack while it runs.
struct Walker {
  struct Object {
    std::unique_ptr<ElfFile> file;
    std::uint64_t bias = 0;
  };
  std::map<std::string, Object> objects;

  Object* object_of(std::uint64_t address) {
    Dl_info info{};
    link_map* map = nullptr;
    if (dladdr1(reinterpret_cast<void*>(address), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
      return nullptr;
    const std::string path = map->l_name[0] == '\0' ? "/proc/self/exe" : map->l_name;
    auto& object = objects[path];
    if (!object.file) object = {opened(open_path(path)), map->l_addr};
    return &object;
  }

  // Return addresses above the frame with these registers, as long as frame steps lead on.
  std::vector<std::uint64_t> walk(std::uint64_t address, std::uint64_t rsp, std::uint64_t rbp) {
    std::vector<std::uint64_t> callers;
    while (callers.size() < 64) {
      Object* object = object_of(address);
      const auto step = object == nullptr ? std::nullopt : object->file->frame_step(address - object->bias);
      if (!step) break;
      const std::uint64_t cfa =
          (step->cfa_base == Base::kStackPointer ? rsp : rbp) + static_cast<std::uint64_t>(step->cfa_offset);
      const auto value_at = [](std::uint64_t place) { return *reinterpret_cast<const std::uint64_t*>(place); };
      if (step->saved_rbp_at_cfa) rbp = value_at(cfa + static_cast<std::uint64_t>(*step->saved_rbp_at_cfa));
      const std::uint64_t return_address = value_at(cfa - 8);
      callers.push_back(return_address);
      rsp = cfa;
      address = return_address - 1;
    }
    return callers;
  }
};

std::vector<std::uint64_t> walked;

__attribute__((noinline)) int compare(const void* a, const void* b) {
  if (captured.callers.empty()) {
    _Unwind_Backtrace(add_frame, &captured.callers);
    asm volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
                 : "=r"(captured.address), "=r"(captured.rsp), "=r"(captured.rbp));
    walked = Walker{}.walk(captured.address, captured.rsp, captured.rbp);
  }
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

__attribute__((noinline)) void sort_some() {
  int values[] = {3, 1, 2, 9, 7};
  std::qsort(values, std::size(values), sizeof values[0], compare);
  EXPECT_EQ(values[0], 1);
}

TEST(FrameStep, LeadsUpARealStackJustAsTheUnwinderOfTheCompilerDoes) {
  captured = {};
  sort_some();
  ASSERT_GE(captured.callers.size(), 6u);
  captured.callers.erase(captured.callers.begin());  // compare() itself
  ASSERT_GE(walked.size(), 5u) << "the walk ended inside the program";
  ASSERT_LE(walked.size(), captured.callers.size());
  captured.callers.resize(walked.size());
  EXPECT_EQ(walked, captured.callers);
}

}  // namespace
}  // namespace poolscope::elf::test
