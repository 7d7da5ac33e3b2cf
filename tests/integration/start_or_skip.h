#pragma once
// In SetUp() of tests that need BPF: starts what they test. Where it cannot be started they are skipped, or fail when
// POOLSCOPE_REQUIRE_BPF says that it can.

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "probes/attach/attach_error.h"

namespace poolscope {

template <typename Started, typename... Options>
void start_or_skip(std::unique_ptr<Started>& kept, const Options&... options) {
  auto started = Started::start(options...);
  if (started) {
    kept = std::move(*started);
    return;
  }
  const std::string why = attach::describe(started.error());
  const char* required = std::getenv("POOLSCOPE_REQUIRE_BPF");
  if (required != nullptr && std::string_view(required) == "1") FAIL() << why;
  GTEST_SKIP() << why;
}

}  // namespace poolscope
