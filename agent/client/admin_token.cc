#include "agent/client/admin_token.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"

namespace poolscope::client {
namespace {

constexpr std::size_t kMinTokenBytes = 16, kMaxTokenBytes = 1024;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

}  // namespace

Result<std::string, std::string> read_admin_token(const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Failure{file + ": cannot be opened: " + std::strerror(errno)};
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Failure{file + ": not a regular file"};
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Failure{file + ": others can read this secret; `chmod 600` it"};
  std::array<char, kMaxTokenBytes + 2> text{};
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return Failure{file + ": cannot be read: " + std::strerror(errno)};
  const std::string_view token = trimmed({text.data(), static_cast<std::size_t>(got)});
  if (token.size() < kMinTokenBytes || token.size() > kMaxTokenBytes || !std::ranges::all_of(token, is_printable))
    return Failure{file +
                   ": a token has 16 to 1024 printable characters without blanks; `openssl rand -hex 32` makes one"};
  return std::string(token);
}

}  // namespace poolscope::client
