#include "exporters/model/record.h"

namespace poolscope::model {

Work& Work::operator+=(const Work& more) {
  const auto sum = [](std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
    return a && b ? std::optional(*a + *b) : std::nullopt;
  };
  io_calls = sum(io_calls, more.io_calls);
  waits = sum(waits, more.waits);
  allocated_bytes = sum(allocated_bytes, more.allocated_bytes);
  return *this;
}

}  // namespace poolscope::model
