#pragma once
// The separate debug file of a program or library, as distributions install them below /usr/lib/debug.

#include <optional>
#include <string>

#include "probes/elf/image.h"

namespace poolscope::elf {

// Looks below `root` ("" for "/") for usr/lib/debug/.build-id/xx/yyyy.debug and, by the name in .gnu_debuglink, for
// usr/lib/debug/<directory of the image>/<name>.
//   Trust  links inside `root` are followed inside `root` only (openat2), so that a container cannot point us at files of
//          the host. The file must carry the image's build id or, when the image has none, the CRC of its debug link.
[[nodiscard]] std::optional<Image> open_debug_file(const Image& image, const std::string& root);

}  // namespace poolscope::elf
