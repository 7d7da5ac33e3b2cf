#pragma once
// The process of the tests itself, as a process that is observed.

#include <cstdlib>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "probes/collectors/process_image.h"

namespace poolscope::probes::test {

// Files of this process are parsed once for all tests: with sanitizers that takes two seconds. Aborts when /proc does not tell.
inline ProcessImage image_of_this_process() {
  static ElfCache cache;
  const auto status = process::read_status(getpid());
  if (!status) std::abort();
  auto image = ProcessImage::read(status->key, cache);
  if (!image) std::abort();
  return std::move(image).value();
}

}  // namespace poolscope::probes::test
