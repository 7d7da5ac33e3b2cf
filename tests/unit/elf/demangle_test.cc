#include <string>

#include <gtest/gtest.h>

#include "probes/elf/elf_file.h"

namespace poolscope::elf {
namespace {

struct Name {
  const char* label;
  std::string mangled, readable;
};

class Demangle : public testing::TestWithParam<Name> {};
TEST_P(Demangle, MakesReadable) {
  EXPECT_EQ(demangle(GetParam().mangled), GetParam().readable);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Demangle,
    testing::Values(
        Name{"Empty", "", ""}, Name{"C", "malloc", "malloc"}, Name{"CppNew", "_Znwm", "operator new(unsigned long)"},
        Name{"CppTemplate", "_ZNSt6vectorIiSaIiEE9push_backERKi",
             "std::vector<int, std::allocator<int> >::push_back(int const&)"},
        Name{"CppLambda", "_ZZ4mainENKUlvE_clEv", "main::'lambda'()::operator()() const"},
        Name{"CppCold", "_ZN3foo3barEv.cold", "foo::bar() (.cold)"}, Name{"CppBroken", "_ZN3fo", "_ZN3fo"},
        Name{"PrefixAlone", "_Z", "_Z"}, Name{"GoName", "runtime.mallocgc", "runtime.mallocgc"},
        Name{"RustV0", "_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"},
        Name{"RustV0Broken", "_RNv", "_RNv"},
        Name{"RustLegacy", "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
        Name{"RustLegacyTrait",
             "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
             "<Test + 'static as foo::Bar<Test>>::bar"},
        Name{"RustLegacyReferences", "_ZN3foo15$RF$$BP$$LP$$C$17h0123456789abcdefE", "foo::&*(,"},
        Name{"RustLegacyClosure", "_ZN5tokio7runtime28_$u7b$$u7b$closure$u7d$$u7d$17h00112233445566aaE",
             "tokio::runtime::{{closure}}"},
        Name{"RustLegacyLlvmSuffix", "_ZN5alloc3foo17h0123456789abcdefE.llvm.123", "alloc::foo"},
        Name{"RustUnknownEscapeStays", "_ZN5al$X$3foo17h0123456789abcdefE", "al$X$::foo"},
        Name{"CppNamedLikeAHash", "_ZN3foo5h1234E", "foo::h1234"}),
    [](const auto& info) { return info.param.label; });

// A function of pair<int, int>, pair of that pair twice, and so on: the text doubles at each of `levels`.
std::string doubling_name(unsigned levels) {
  std::string name = "_Z1fSt4pairIiiE";
  for (unsigned level = 0; level < levels; ++level) {
    const std::string previous = "S" + std::string(1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[level]) + "_";
    name.append("S_I").append(previous).append(previous).append("E");
  }
  return name;
}

TEST(DemangleLimits, ShowsANameThatExplodesAsItIs) {
  EXPECT_GT(demangle(doubling_name(10)).size(), 10'000u);
  EXPECT_EQ(demangle(doubling_name(30)), doubling_name(30));  // would be 70 GB
}

TEST(DemangleLimits, ShowsAVeryLongNameAsItIs) {
  const std::string name = "_Z5000" + std::string(5000, 'x') + "v";
  EXPECT_EQ(demangle(name), name);
}

TEST(DemangleLimits, TakesANameThatIsNotTerminated) {
  const std::string text = "_Znwm_and_more";
  EXPECT_EQ(demangle(std::string_view(text).substr(0, 5)), "operator new(unsigned long)");
}

}  // namespace
}  // namespace poolscope::elf
