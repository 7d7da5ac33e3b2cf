// The rule on what Debian ships: every allocator function we probe, checked against objdump.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "probes/elf/elf_file.h"
#include "probes/elf/probe_point.h"
#include "tests/unit/probe_point/disassembly.h"

namespace poolscope::elf {
namespace {

constexpr std::array kRegisterNames = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

struct Function {
  const char* name;
  unsigned argument_count;
};
constexpr std::array kAllocatorFunctions = {Function{"malloc", 1},        Function{"free", 1},
                                            Function{"calloc", 2},        Function{"realloc", 2},
                                            Function{"reallocarray", 3},  Function{"posix_memalign", 3},
                                            Function{"aligned_alloc", 2}, Function{"memalign", 2},
                                            Function{"_Znwm", 1},         Function{"_Znam", 1},
                                            Function{"_ZdlPv", 1},        Function{"_ZdaPv", 1},
                                            Function{"_ZdlPvm", 2},       Function{"malloc_usable_size", 1}};

struct Library {
  const char* name;
  const char* path;
};

class RealLibrary : public testing::TestWithParam<Library> {
 protected:
  void SetUp() override {
    const std::string path = GetParam().path;
    if (!std::filesystem::exists(path)) FAIL() << path << " is not installed, see packages.txt";
    auto opened = ElfFile::open(open(path.c_str(), O_RDONLY | O_CLOEXEC), path, "");
    ASSERT_TRUE(opened) << describe(opened.error());
    file_ = std::move(opened.value());
    disassembly_ = Disassembly::of(path);
    ASSERT_TRUE(disassembly_) << "objdump of binutils cannot read " << path;
  }

  std::unique_ptr<ElfFile> file_;
  std::optional<Disassembly> disassembly_;
};

void print_row(const Library& library, const Function& function, const ProbePoint& point) {
  std::string registers;
  for (const auto reg : point.arguments)
    registers += std::string(registers.empty() ? "" : ",") + kRegisterNames[static_cast<std::size_t>(reg)];
  std::printf("%-12s %-18s +%-3llu %-22s %-11s %-12s stack %u\n", library.name, function.name,
              static_cast<unsigned long long>(point.address - point.function_address), point.instruction.c_str(),
              point.cost == CostClass::kEmulated ? "emulated" : "single-step", registers.c_str(), point.stack_bytes);
}

void expect_sound(const Disassembly& disassembly, const ProbePoint& point, const ProbeRequest& request) {
  EXPECT_NE(disassembly.at(point.address), nullptr) << "not on an instruction boundary";
  EXPECT_FALSE(disassembly.has_jump_into(point.function_address, point.address));
  ASSERT_EQ(point.arguments.size(), request.argument_count);
  const auto eligible =
      disassembly.first_eligible(point.function_address, request.argument_count, request.needs_return);
  if (!eligible) {
    EXPECT_EQ(point.cost, CostClass::kSingleStep);
    EXPECT_EQ(point.address, point.function_address);
    return;
  }
  EXPECT_EQ(point.cost, CostClass::kEmulated);
  ASSERT_EQ(point.address, eligible->address);
  for (unsigned argument = 0; argument < request.argument_count; ++argument)
    EXPECT_TRUE(
        eligible->holders[argument].contains(kRegisterNames[static_cast<std::size_t>(point.arguments[argument])]));
}

TEST_P(RealLibrary, AllocatorFunctionsGetTheFirstEmulatedInstructionThatObjdumpConfirms) {
  unsigned checked = 0;
  for (const auto& function : kAllocatorFunctions) {
    for (const Symbol* symbol : file_->find_function(function.name)) {
      for (const bool needs_return : {false, true}) {
        SCOPED_TRACE(std::string(function.name) + (needs_return ? " with return" : ""));
        const ProbeRequest request{.argument_count = function.argument_count, .needs_return = needs_return};
        const auto point = choose_probe_point(*file_, symbol->address, request);
        ASSERT_TRUE(point) << describe(point.error());
        expect_sound(*disassembly_, *point, request);
        if (!needs_return) print_row(GetParam(), function, *point);
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 0u) << "the library has none of the functions";
}

INSTANTIATE_TEST_SUITE_P(Debian, RealLibrary,
                         testing::Values(Library{"glibc", "/lib/x86_64-linux-gnu/libc.so.6"},
                                         Library{"jemalloc", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"},
                                         Library{"tcmalloc", "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"},
                                         Library{"mimalloc", "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2"},
                                         Library{"musl", "/lib/ld-musl-x86_64.so.1"},
                                         Library{"libstdcxx", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"}),
                         [](const auto& library) { return library.param.name; });

}  // namespace
}  // namespace poolscope::elf
