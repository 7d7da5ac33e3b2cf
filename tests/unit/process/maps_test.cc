#include "probes/process/maps.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/process/child.h"

namespace poolscope::process {
namespace {

TEST(ParseMaps, ReadsEveryColumn) {
  const auto maps = parse_maps("7f12e000-7f12f000 r-xp 00001000 fe:01 1234                       /usr/lib/libc.so.6\n");
  ASSERT_EQ(maps.mappings.size(), 1u);
  EXPECT_EQ(maps.bad_lines, 0u);
  const Mapping& mapping = maps.mappings[0];
  EXPECT_EQ(mapping.start, 0x7f12e000u);
  EXPECT_EQ(mapping.end, 0x7f12f000u);
  EXPECT_EQ(mapping.file_offset, 0x1000u);
  EXPECT_EQ(mapping.device, makedev(0xfe, 1));
  EXPECT_EQ(mapping.inode, 1234u);
  EXPECT_TRUE(mapping.readable);
  EXPECT_FALSE(mapping.writable);
  EXPECT_TRUE(mapping.executable);
  EXPECT_EQ(mapping.path, "/usr/lib/libc.so.6");
}

struct PathCase {
  const char* name;
  std::string written, path;
  bool deleted;
};
class ParseMapsPath : public testing::TestWithParam<PathCase> {};
TEST_P(ParseMapsPath, IsTheWholeRestOfTheLine) {
  const auto maps = parse_maps("1000-2000 r-xp 00000000 fe:01 5 " + GetParam().written + "\n");
  ASSERT_EQ(maps.mappings.size(), 1u);
  EXPECT_EQ(maps.mappings[0].path, GetParam().path);
  EXPECT_EQ(maps.mappings[0].deleted, GetParam().deleted);
}
INSTANTIATE_TEST_SUITE_P(
    Table, ParseMapsPath,
    testing::Values(PathCase{"Blanks", "/a b/c  d", "/a b/c  d", false}, PathCase{"TrailingBlank", "/a ", "/a ", false},
                    PathCase{"Newline", "/a\\012b", "/a\\012b", false}, PathCase{"Deleted", "/a (deleted)", "/a", true},
                    PathCase{"DeletedTwice", "/a (deleted) (deleted)", "/a (deleted)", true},
                    PathCase{"Memfd", "/memfd:jit (deleted)", "/memfd:jit", true},
                    PathCase{"LooksLikeAMapping", "/1000-2000 r-xp 00000000 fe:01 9 /lib/libc.so.6",
                             "/1000-2000 r-xp 00000000 fe:01 9 /lib/libc.so.6", false},
                    PathCase{"None", "", "", false}),
    [](const auto& info) { return info.param.name; });

TEST(ParseMaps, SkipsAndCountsBadLines) {
  const auto maps = parse_maps(
      "1000-2000 r--p 00000000 00:00 0\n"
      "rubbish\n"
      "2000-1000 r--p 00000000 00:00 0\n"
      "3000-3000 r--p 00000000 00:00 0\n"
      "1000-2000 r-\n"
      "-1000-2000 r--p 00000000 00:00 0\n"
      "10000000000000000-20000000000000000 r--p 00000000 00:00 0\n"
      "\n"
      "5000-6000 rw-p 00000000 00:00 0          [heap]");
  EXPECT_EQ(maps.bad_lines, 7u);
  ASSERT_EQ(maps.mappings.size(), 2u);
  EXPECT_EQ(maps.mappings[1].path, "[heap]");
}

TEST(ParseMaps, OfNothingIsEmpty) {
  EXPECT_TRUE(parse_maps("").mappings.empty());
}

TEST(ExecutableObjects, AreOnePerFileWithTheirCodeInOrder) {
  const auto maps = parse_maps(
      "9000-a000 r-xp 00003000 fe:01 5 /lib/a.so\n"
      "1000-2000 r-xp 00001000 fe:01 5 /lib/a.so\n"
      "2000-3000 r--p 00002000 fe:01 5 /lib/a.so\n"
      "4000-5000 r-xp 00001000 fe:02 5 /lib/a.so\n"
      "6000-7000 r--p 00000000 fe:01 6 /lib/data\n"
      "7000-8000 r-xp 00000000 00:00 0 [vdso]\n");
  const auto objects = executable_objects(maps.mappings);
  ASSERT_EQ(objects.size(), 2u);
  ASSERT_EQ(objects[0].code.size(), 2u);
  EXPECT_EQ(objects[0].code[0].start, 0x1000u);
  EXPECT_EQ(objects[0].code[1].start, 0x9000u);
  EXPECT_NE(objects[0].device, objects[1].device);
}

std::optional<MappedObject> object_named(pid_t pid, const std::string& path) {
  const auto mappings = read_maps(pid);
  if (!mappings) return std::nullopt;
  for (MappedObject& object : executable_objects(*mappings)) {
    if (object.path == path) return std::move(object);
  }
  return std::nullopt;
}

TEST(ReadMaps, OfAProcessThatIsGoneSaysSo) {
  test::Child child([] {});
  const pid_t pid = child.pid();
  child.kill_and_reap();
  const auto mappings = read_maps(pid);
  ASSERT_FALSE(mappings);
  EXPECT_EQ(mappings.error().reason, ProcessError::Reason::kNoSuchProcess);
}

TEST(OpenPath, OfOurOwnProgramOpensTheSameInode) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto object = object_named(::getpid(), self);
  ASSERT_TRUE(object);
  const auto path = open_path(::getpid(), *object);
  ASSERT_TRUE(path);
  struct stat opened {
  }, wanted{};
  ASSERT_EQ(::stat(path->c_str(), &opened), 0);
  ASSERT_EQ(::stat("/proc/self/exe", &wanted), 0);
  EXPECT_EQ(opened.st_ino, wanted.st_ino);
}

// A file mapped executable into this process for as long as the object lives.
class MappedFile {
 public:
  explicit MappedFile(const std::string& name) {
    std::string directory = testing::TempDir() + "maps_test_XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) ::abort();
    directory_ = directory;
    path_ = directory_ + "/" + name;
    std::ofstream(path_) << std::string(4096, '\xc3');
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    address_ = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (address_ == MAP_FAILED) ::abort();
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    ::munmap(address_, 4096);
    std::filesystem::remove_all(directory_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::optional<MappedObject> object() const {
    const auto mappings = read_maps(::getpid());
    for (MappedObject& object : executable_objects(*mappings)) {
      if (object.code[0].start == reinterpret_cast<std::uintptr_t>(address_)) return std::move(object);
    }
    return std::nullopt;
  }

 private:
  std::string directory_, path_;
  void* address_ = nullptr;
};

bool can_follow_map_files(const MappedObject& object) {
  MappedObject nameless = object;
  nameless.path.clear();
  return open_path(::getpid(), nameless).has_value();
}

TEST(OpenPath, WorksForADeletedFile) {
  const MappedFile file("gone.so");
  std::filesystem::remove(file.path());
  const auto object = file.object();
  ASSERT_TRUE(object);
  EXPECT_TRUE(object->deleted);
  EXPECT_EQ(object->path, file.path());
  if (!can_follow_map_files(*object)) GTEST_SKIP() << "map_files needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN";
  const auto path = open_path(::getpid(), *object);
  ASSERT_TRUE(path);
  struct stat opened {};
  ASSERT_EQ(::stat(path->c_str(), &opened), 0);
  EXPECT_EQ(opened.st_ino, object->inode);
}

// A mapping that does not exist any more leaves only the name to open.
MappedObject with_stale_addresses(MappedObject object) {
  for (Mapping& mapping : object.code) mapping.start = mapping.end - 1;
  return object;
}

TEST(OpenPath, FallsBackToTheNameBelowTheRootOfTheTarget) {
  const MappedFile file("by name.so");
  EXPECT_EQ(open_path(::getpid(), with_stale_addresses(*file.object())),
            "/proc/" + std::to_string(::getpid()) + "/root" + file.path());
}

TEST(OpenPath, FindsANameWithANewline) {
  const MappedFile file("two\nlines.so");
  const auto object = file.object();
  ASSERT_TRUE(object);
  EXPECT_NE(object->path.find("two\\012lines.so"), std::string::npos);
  const auto path = open_path(::getpid(), with_stale_addresses(*object));
  ASSERT_TRUE(path);
  EXPECT_NE(path->find("two\nlines.so"), std::string::npos);
}

TEST(OpenPath, RefusesAnotherFileUnderTheSameName) {
  const MappedFile file("replaced.so");
  const auto object = file.object();
  ASSERT_TRUE(object);
  std::ofstream(file.path() + ".new") << "another file";
  std::filesystem::rename(file.path() + ".new", file.path());
  EXPECT_EQ(open_path(::getpid(), with_stale_addresses(*object)), std::nullopt);
}

}  // namespace
}  // namespace poolscope::process
