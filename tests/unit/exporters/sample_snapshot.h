#pragma once
// Snapshots for the tests of the exporters.

#include <cstdint>
#include <random>

#include "exporters/model/snapshot.h"

namespace poolscope::test {

// A hand-made agent that watches a busy redis-server, a Go service it may not probe, a Go service with pools, and a
// worker that just started. The golden files show it.
[[nodiscard]] model::Snapshot realistic_snapshot();

// Every part present, every field with a value of its own.
[[nodiscard]] model::Snapshot full_snapshot();

// Any Snapshot that can be: parts present or absent, doubles of any finite bit pattern, strings with every
// ASCII character.
[[nodiscard]] model::Snapshot random_snapshot(std::mt19937_64& random);

}  // namespace poolscope::test
