// simulate [--replays N] [--stratum-ms N] [--skip-seconds N] made:LOAD[:calls]... FILE...: how well estimates do on streams, one JSON object per stream and line.
// LOAD is one of saturated, steady, bursty, periodic, switching; `calls` gives the target read and write calls to be related to.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "tests/truth/made_streams.h"
#include "tests/truth/simulation.h"

namespace {

using namespace poolscope::truth;

struct Options {
  unsigned replays = 1000;
  Design design;
  double skip_seconds = 0;  // at the start of recorded streams
};

std::optional<MadeStream> made_stream(std::string_view text) {
  if (!text.starts_with("made:")) return std::nullopt;
  text.remove_prefix(5);
  MadeStream what;
  what.has_io_calls = text.ends_with(":calls");
  if (what.has_io_calls) text.remove_suffix(6);
  for (const Load load : {Load::kSaturated, Load::kSteady, Load::kBursty, Load::kPeriodic, Load::kSwitching}) {
    what.load = load;
    if (text == name_of(load)) return what;
  }
  return std::nullopt;
}

void print(const std::string& name, const EventStream& stream, const std::vector<Cell>& cells, unsigned replays) {
  std::printf("{\"stream\": \"%s\", \"events\": %zu, \"seconds\": %.2f, \"replays\": %u, \"cells\": [", name.c_str(),
              stream.events.size(), static_cast<double>(stream.end_ns - stream.begin_ns) * 1e-9, replays);
  const char* separator = "";
  for (const Cell& cell : cells) {
    std::printf(
        "%s{\"figure\": \"%s\", \"truth\": %.8g, \"bias\": %.6f, \"coverage\": %.4f, \"half_width\": %.6f, "
        "\"estimates\": %u, \"intervals\": %u}",
        separator, cell.figure.c_str(), cell.truth, cell.bias, cell.coverage, cell.half_width, cell.estimates,
        cell.intervals);
    separator = ", ";
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

bool run(const std::string& name, const Options& options) {
  Design design = options.design;
  EventStream stream;
  double skip_seconds = 0;
  if (const auto made = made_stream(name)) {
    stream = make_stream(*made);
    design.has_io_calls = made->has_io_calls;
  } else {
    auto recorded = read_events(name);
    if (!recorded) {
      std::fprintf(stderr, "simulate: %s\n", describe(recorded.error()).c_str());
      return false;
    }
    stream = without_recording_cost(*recorded);
    skip_seconds = options.skip_seconds;
  }
  print(name, stream, simulate(stream, design, options.replays, 2024, static_cast<std::uint64_t>(skip_seconds * 1e9)),
        options.replays);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool all_read = argc > 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--replays") == 0 && i + 1 < argc) {
      options.replays = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    } else if (std::strcmp(argv[i], "--stratum-ms") == 0 && i + 1 < argc) {
      options.design.stratum_ns = std::strtoull(argv[++i], nullptr, 10) * 1'000'000;
    } else if (std::strcmp(argv[i], "--skip-seconds") == 0 && i + 1 < argc) {
      options.skip_seconds = std::strtod(argv[++i], nullptr);
    } else {
      all_read &= run(argv[i], options);
    }
  }
  if (argc == 1)
    std::fputs("usage: simulate [--replays N] [--stratum-ms N] [--skip-seconds N] made:LOAD[:calls]... FILE...\n",
               stderr);
  return all_read ? 0 : 1;
}
