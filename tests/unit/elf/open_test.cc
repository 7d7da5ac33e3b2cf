#include <functional>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

using Reason = ElfError::Reason;
using testing::AllOf;
using testing::HasSubstr;

TEST(ElfOpen, TellsAProgramFromALibrary) {
  EXPECT_TRUE(open_fixture("sample_pie")->is_shared_object_or_pie());
  EXPECT_TRUE(open_fixture("sample_pie")->has_interpreter());
  EXPECT_FALSE(open_fixture("sample_static")->is_shared_object_or_pie());
  EXPECT_FALSE(open_fixture("sample_static")->has_interpreter());
  EXPECT_TRUE(open_fixture("libsample.so")->is_shared_object_or_pie());
  EXPECT_FALSE(open_fixture("libsample.so")->has_interpreter());
}

TEST(ElfOpen, ReadsSonameAndBuildId) {
  EXPECT_EQ(open_fixture("libsample.so")->soname(), "libsample.so.2");
  EXPECT_EQ(open_fixture("sample_pie")->soname(), "");
  EXPECT_THAT(open_fixture("sample_pie")->build_id(), testing::MatchesRegex("[0-9a-f]{40}"));
  EXPECT_EQ(open_fixture("sample_without_build_id")->build_id(), "");
}

TEST(ElfOpen, GivesTheEntryAddress) {
  Bytes bytes = bytes_of(fixture_path("sample_static"));
  EXPECT_EQ(open_fixture("sample_static")->entry_address(), header(bytes).e_entry);
}

TEST(ElfOpen, OwnsTheDescriptor) {
  const int fd = open(fixture_path("sample_pie").c_str(), O_RDONLY | O_CLOEXEC);
  (void)opened(ElfFile::open(fd, "sample", ""));
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

struct RefusedFile {
  const char* name;
  std::function<OpenResult()> open;
  Reason reason;
  const char* detail;
};

Bytes changed(const std::string& fixture, const std::function<void(Bytes&)>& change) {
  Bytes bytes = bytes_of(fixture_path(fixture));
  change(bytes);
  return bytes;
}

RefusedFile refused_change(const char* name, Reason reason, const char* detail,
                           const std::function<void(Bytes&)>& change) {
  return {name, [=] { return open_bytes(changed("sample_pie", change)); }, reason, detail};
}

class ElfOpenRefuses : public testing::TestWithParam<RefusedFile> {};
TEST_P(ElfOpenRefuses, WithAReason) {
  const OpenResult result = GetParam().open();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, GetParam().reason);
  EXPECT_THAT(result.error().detail, HasSubstr(GetParam().detail));
}
INSTANTIATE_TEST_SUITE_P(
    Table, ElfOpenRefuses,
    testing::Values(
        RefusedFile{"BadDescriptor", [] { return ElfFile::open(-1, "gone", ""); }, Reason::kCannotOpen, "examined"},
        RefusedFile{"Directory", [] { return open_path("/tmp"); }, Reason::kNotElf, "not a regular file"},
        RefusedFile{"Device", [] { return open_path("/dev/zero"); }, Reason::kNotElf, "not a regular file"},
        RefusedFile{"EmptyFile", [] { return open_bytes({}); }, Reason::kNotElf, "magic"},
        RefusedFile{"Script",
                    [] {
                      return open_bytes({'#', '!', '/', 'b', 'i', 'n'});
                    },
                    Reason::kNotElf, "magic"},
        RefusedFile{"MagicAlone",
                    [] {
                      return open_bytes({0x7f, 'E', 'L', 'F'});
                    },
                    Reason::kDamaged, "ELF header"},
        RefusedFile{"Program32Bit", [] { return open_path(fixture_path("sample_32_bit")); }, Reason::kWrongMachine,
                    "64-bit"},
        RefusedFile{"ObjectFile", [] { return open_path(fixture_path("sample_object.o")); }, Reason::kNotElf,
                    "no program or shared library"},
        refused_change("BigEndian", Reason::kWrongMachine, "little-endian",
                       [](Bytes& bytes) { bytes[EI_DATA] = ELFDATA2MSB; }),
        refused_change("Arm", Reason::kWrongMachine, "machine 183",
                       [](Bytes& bytes) { header(bytes).e_machine = EM_AARCH64; }),
        refused_change("HeaderCutOff", Reason::kDamaged, "ELF header", [](Bytes& bytes) { bytes.resize(40); }),
        refused_change("SectionTableCutOff", Reason::kDamaged, "sections",
                       [](Bytes& bytes) { bytes.resize(bytes.size() - 1); }),
        refused_change("SegmentsBeyondTheEnd", Reason::kDamaged, "segments",
                       [](Bytes& bytes) { header(bytes).e_phoff = bytes.size() - 8; }),
        refused_change("SegmentOffsetOverflows", Reason::kDamaged, "segments",
                       [](Bytes& bytes) { header(bytes).e_phoff = ~0ull - 8; }),
        refused_change("SectionOffsetOverflows", Reason::kDamaged, "sections",
                       [](Bytes& bytes) { header(bytes).e_shoff = ~0ull - 8; }),
        refused_change("TooManySegments", Reason::kTooLarge, "segments",
                       [](Bytes& bytes) { header(bytes).e_phnum = PN_XNUM; }),
        refused_change("SectionCountElsewhere", Reason::kTooLarge, "sections",
                       [](Bytes& bytes) {
                         header(bytes).e_shnum = 0;
                         at<Elf64_Shdr>(bytes, header(bytes).e_shoff)->sh_size = 1u << 30;
                       }),
        refused_change("OddSegmentHeaders", Reason::kDamaged, "segment headers",
                       [](Bytes& bytes) { header(bytes).e_phentsize = 1; }),
        refused_change("OddSectionHeaders", Reason::kDamaged, "section headers",
                       [](Bytes& bytes) { header(bytes).e_shentsize = 1; }),
        refused_change("CodeBeyondTheEnd", Reason::kDamaged, "code at file offsets",
                       [](Bytes& bytes) { code_segment(bytes)->p_filesz = bytes.size(); }),
        refused_change("CodeOffsetOverflows", Reason::kDamaged, "code at file offsets",
                       [](Bytes& bytes) { code_segment(bytes)->p_offset = ~0ull; }),
        refused_change("CodeWrapsAround", Reason::kDamaged, "wraps around",
                       [](Bytes& bytes) { code_segment(bytes)->p_vaddr = ~0ull; }),
        refused_change("SymbolsBeyondTheEnd", Reason::kDamaged, "cannot be read",
                       [](Bytes& bytes) { section(bytes, SHT_SYMTAB)->sh_offset = bytes.size(); }),
        refused_change("SymbolsWithoutNames", Reason::kDamaged, "string table",
                       [](Bytes& bytes) { section(bytes, SHT_DYNSYM)->sh_link = 5000; }),
        refused_change("AbsurdlyManySymbols", Reason::kTooLarge, "symbols",
                       [](Bytes& bytes) { section(bytes, SHT_SYMTAB)->sh_size = 1ull << 60; })),
    [](const auto& info) { return info.param.name; });

TEST(ElfOpen, ErrorTextNamesTheFileTheCauseAndTheWayOut) {
  const OpenResult result = open_path("/nonexistent/libgone.so");
  ASSERT_FALSE(result);
  EXPECT_THAT(describe(result.error()),
              AllOf(HasSubstr("/nonexistent/libgone.so"), HasSubstr("EBADF"), HasSubstr("poolscope doctor")));
}

TEST(ElfOpen, SurvivesACutAtEveryPartOfTheFile) {
  const Bytes whole = bytes_of(fixture_path("libsample.so"));
  for (std::size_t size = 0; size < whole.size(); size += 61) {
    const OpenResult result = open_bytes(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(result) << "opened with only " << size << " bytes";  // the section table is at the end
  }
}

TEST(ElfOpen, GoesOnWithWhatIsLeftWhenTheFileIsCutOffLater) {
  const Bytes whole = bytes_of(fixture_path("sample_pie"));
  const int fd = memfd_create("cut", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
  const int keep = dup(fd);
  const auto file = opened(ElfFile::open(fd, "cut", "/proc/self/fdinfo"));
  const std::uint64_t address = function(*file, "exported_function").address;
  ASSERT_EQ(ftruncate(keep, 64), 0);
  EXPECT_TRUE(file->read_code(address, 16).empty());
  EXPECT_TRUE(file->code_segment(address).bytes.empty());
  EXPECT_FALSE(file->frame_step(address).has_value());
  EXPECT_EQ(file->source_line(address), "");
  EXPECT_EQ(function(*file, "exported_function").address, address);
  close(keep);
}

TEST(ElfOpen, ReadsAFileWithoutSections) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  header(bytes).e_shoff = 0;
  header(bytes).e_shnum = 0;
  header(bytes).e_shstrndx = 0;
  const auto file = opened(open_bytes(bytes));
  EXPECT_TRUE(file->functions().empty());
  EXPECT_FALSE(file->has_full_symbols());
  EXPECT_EQ(file->read_code(file->entry_address(), 4).size(), 4u);
}

}  // namespace
}  // namespace poolscope::elf::test
