#include "probes/go/function_names.h"

#include <algorithm>
#include <charconv>

namespace poolscope::go {
namespace {

// The linker escapes dots and odd characters of the last path element: "%2e".
std::string without_escapes(std::string_view path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    unsigned character = 0;
    const char* digits = path.data() + i + 1;
    if (path[i] == '%' && i + 2 < path.size() && std::from_chars(digits, digits + 2, character, 16).ptr == digits + 2) {
      plain += static_cast<char>(character);
      i += 2;
    } else {
      plain += path[i];
    }
  }
  return plain;
}

}  // namespace

std::string package_of(std::string_view function_name) {
  for (const std::string_view made : {"type.", "type:", "go.", "go:"}) {
    if (function_name.starts_with(made)) return {};
  }
  // type arguments hold paths of other packages
  std::string_view name = function_name.substr(0, function_name.find('['));
  const std::size_t slash = name.rfind('/');
  const std::size_t dot = name.find('.', slash == std::string_view::npos ? 0 : slash);
  if (dot == std::string_view::npos) return {};
  return without_escapes(name.substr(0, dot));
}

std::string own_root(std::string_view main_module, std::string_view main_package) {
  if (!main_module.empty()) return std::string(main_module);
  return std::string(main_package.substr(0, main_package.find("/cmd/")));
}

bool is_standard_library(std::string_view package) {
  if (package.empty() || package == "main" || package == "command-line-arguments") return false;
  return package.substr(0, package.find('/')).find('.') == std::string_view::npos;
}

}  // namespace poolscope::go
