#include "probes/process/maps.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/process/proc_file.h"
#include "probes/process/proc_text.h"

namespace poolscope::process {
namespace {

// A process has at most vm.max_map_count mappings (65530 unless raised); a line is rarely longer than 200
// bytes.
constexpr std::size_t kMaxMapsBytes = std::size_t{64} << 20;

// Takes numbers and punctuation off the front of one line; any mismatch fails for good.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}
  std::uint64_t number(int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
    if (error != std::errc()) return fail();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  std::string_view take(std::size_t count) {
    if (rest_.size() < count) fail();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  void expect(char wanted) {
    if (take(1) != std::string_view(&wanted, 1)) fail();
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

// "7f12e000-7f12f000 r-xp 00001000 fe:01 1234    /usr/lib/with blanks.so (deleted)"
std::optional<Mapping> parse_line(std::string_view line) {
  LineReader reader(line);
  Mapping mapping;
  mapping.start = reader.number(16);
  reader.expect('-');
  mapping.end = reader.number(16);
  reader.expect(' ');
  const std::string_view permissions = reader.take(4);
  reader.expect(' ');
  mapping.file_offset = reader.number(16);
  reader.expect(' ');
  const std::uint64_t major = reader.number(16);
  reader.expect(':');
  const std::uint64_t minor = reader.number(16);
  reader.expect(' ');
  mapping.inode = reader.number(10);
  if (!reader.ok() || mapping.end <= mapping.start) return std::nullopt;

  mapping.readable = permissions[0] == 'r';
  mapping.writable = permissions[1] == 'w';
  mapping.executable = permissions[2] == 'x';
  mapping.device = makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
  // The path is all that follows the padding: it may hold blanks itself, but none in front (paths start with
  // '/' or '[').
  std::string_view path = reader.rest();
  path.remove_prefix(std::min(path.find_first_not_of(' '), path.size()));
  mapping.path = path;
  if (mapping.inode != 0) mapping.deleted = strip_deleted(mapping.path);
  return mapping;
}

// The kernel writes a newline of a path as \012 and leaves a backslash as it is, so the way back is a guess;
// the caller proves it by device and inode.
std::string with_newlines(std::string path) {
  constexpr std::string_view kEscaped = "\\012";
  for (std::size_t at = path.find(kEscaped); at != std::string::npos; at = path.find(kEscaped, at + 1)) {
    path.replace(at, kEscaped.size(), "\n");
  }
  return path;
}

bool is_same_file(const std::string& path, const MappedObject& object) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0 && file.st_dev == object.device && file.st_ino == object.inode;
}

bool is_still_mapped(pid_t pid, const Mapping& wanted) {
  const auto mappings = read_maps(pid);
  if (!mappings) return false;
  return std::any_of(mappings->begin(), mappings->end(), [&](const Mapping& mapping) {
    return mapping.start == wanted.start && mapping.end == wanted.end && mapping.device == wanted.device &&
           mapping.inode == wanted.inode;
  });
}

std::optional<std::string> map_files_path(pid_t pid, const MappedObject& object) {
  for (const Mapping& mapping : object.code) {
    char range[2 * 16 + 2];
    char* end = std::to_chars(range, std::end(range), mapping.start, 16).ptr;
    *end++ = '-';
    end = std::to_chars(end, std::end(range), mapping.end, 16).ptr;
    std::string path = proc_path(pid, "map_files/") + std::string(range, end);
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) continue;
    if (file.st_dev == object.device && file.st_ino == object.inode) return path;
    // overlayfs and btrfs show other numbers in maps than in stat(): compare maps with maps instead.
    if (is_still_mapped(pid, mapping)) return path;
  }
  return std::nullopt;
}

}  // namespace

MapsText parse_maps(std::string_view text) {
  MapsText maps;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (auto mapping = parse_line(line)) {
      maps.mappings.push_back(*std::move(mapping));
    } else {
      ++maps.bad_lines;
    }
  }
  return maps;
}

Result<std::vector<Mapping>, ProcessError> read_maps(pid_t pid) {
  const std::string path = proc_path(pid, "maps");
  auto text = read_proc_file(path, kMaxMapsBytes);
  if (text) return parse_maps(*text).mappings;
  // read_status() knows the difference between gone and hidden; maps alone does not.
  if (text.error() == ENOENT) {
    if (auto status = read_status(pid); !status) return Failure{status.error()};
  }
  const bool denied = text.error() == EACCES || text.error() == EPERM;
  const auto reason = denied ? ProcessError::Reason::kNotPermitted : ProcessError::Reason::kSystem;
  return Failure{ProcessError{
      reason, pid,
      denied ? "reading " + path + " needs CAP_SYS_PTRACE, or run as the user of the process" : "cannot read " + path,
      text.error()}};
}

std::vector<MappedObject> executable_objects(const std::vector<Mapping>& mappings) {
  std::vector<MappedObject> objects;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> index;
  for (const Mapping& mapping : mappings) {
    if (!mapping.executable || mapping.inode == 0) continue;
    const auto [at, is_new] = index.try_emplace({mapping.device, mapping.inode}, objects.size());
    if (is_new) objects.push_back({mapping.path, mapping.deleted, mapping.device, mapping.inode, {}});
    objects[at->second].code.push_back(mapping);
  }
  for (MappedObject& object : objects) {
    std::sort(object.code.begin(), object.code.end(),
              [](const Mapping& a, const Mapping& b) { return a.start < b.start; });
  }
  return objects;
}

std::optional<std::string> open_path(pid_t pid, const MappedObject& object) {
  if (auto path = map_files_path(pid, object)) return path;
  for (const std::string& name : {object.path, with_newlines(object.path)}) {
    std::string path = proc_path(pid, "root") + name;
    if (name.starts_with('/') && is_same_file(path, object)) return path;
  }
  return std::nullopt;
}

}  // namespace poolscope::process
