#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/elf/probe_point.h"
#include "tests/unit/probe_point/fake_elf_file.h"

namespace poolscope::elf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kEntry = 0x401200;
constexpr std::uint64_t kElsewhere = 0x402000;

TEST(IfuncCandidates, AreTheFunctionsWhoseAddressesAreLoaded) {
  FakeElfFile file;
  // lea rax,[rip+0x100]; lea rdx,[rip+0x200]; test edi,edi; cmove rax,rdx; ret
  file.code(kEntry, "48 8d 05 00 01 00 00 48 8d 15 00 02 00 00 85 ff 48 0f 44 c2 c3");
  file.symbol("resolver", kEntry, 21).symbol("plain", kEntry + 0x107, 16).symbol("fast", kEntry + 0x20e, 16);
  EXPECT_THAT(ifunc_candidates(file, kEntry), ElementsAre(kEntry + 0x107, kEntry + 0x20e));
}

TEST(IfuncCandidates, AreAlsoAddressesOfCodeAtAFixedPlace) {
  FakeElfFile file;
  file.code(kEntry, "b8 00 20 40 00 c3")
      .symbol("resolver", kEntry, 6)
      .symbol("plain", kElsewhere, 16);  // mov eax,0x402000
  EXPECT_THAT(ifunc_candidates(file, kEntry), ElementsAre(kElsewhere));
}

TEST(IfuncCandidates, LeaveOutDataNumbersAndTheMiddleOfFunctions) {
  FakeElfFile file;
  // lea rax,[rip+0x100000] (no code); mov eax,1; lea rax,[rip+0x100] (middle of f)
  file.code(kEntry, "48 8d 05 00 00 10 00 b8 01 00 00 00 48 8d 05 00 01 00 00 c3");
  file.symbol("resolver", kEntry, 20).symbol("f", kEntry + 0x100, 0x40);
  EXPECT_THAT(ifunc_candidates(file, kEntry), IsEmpty());
}

TEST(IfuncCandidates, NeedNoSymbolWhereTheFileHasOnlyExportedOnes) {
  FakeElfFile file;
  file.code(kEntry, "48 8d 05 00 01 00 00 c3").symbol("resolver", kEntry, 8);
  EXPECT_THAT(ifunc_candidates(file, kEntry), IsEmpty());
  file.full_symbols(false);
  EXPECT_THAT(ifunc_candidates(file, kEntry), ElementsAre(kEntry + 0x107));
}

TEST(IfuncCandidates, AreNamedOnce) {
  FakeElfFile file;
  file.code(kEntry, "48 8d 05 00 01 00 00 48 8d 05 f9 00 00 00 c3");
  file.symbol("resolver", kEntry, 15).symbol("plain", kEntry + 0x107, 16);
  EXPECT_THAT(ifunc_candidates(file, kEntry), ElementsAre(kEntry + 0x107));
}

TEST(IfuncCandidates, EndWithTheResolver) {
  FakeElfFile file;
  file.code(kEntry, "31 c0 c3 48 8d 05 00 01 00 00 c3");
  file.symbol("resolver", kEntry, 3).symbol("other", kEntry + 3, 8).symbol("plain", kEntry + 0x10a, 16);
  EXPECT_THAT(ifunc_candidates(file, kEntry), IsEmpty());
}

TEST(IfuncCandidates, OfNoCodeAreNone) {
  FakeElfFile file;
  EXPECT_THAT(ifunc_candidates(file, 0x10), IsEmpty());
}

}  // namespace
}  // namespace poolscope::elf
