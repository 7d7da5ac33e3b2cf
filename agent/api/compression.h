#pragma once
// gzip for responses, by zlib itself: Debian's civetweb is built without compression.

#include <string>
#include <string_view>

namespace poolscope::api {

// Whether an Accept-Encoding header allows gzip ("gzip", "*", "gzip;q=0.5"; not "gzip;q=0").
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

// `text` as a gzip stream. Throws std::bad_alloc when there is no memory for it.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace poolscope::api
