// advice_sweep [--controls N] [NAME=FILE...]: every setting on every trace. Files are of event_recorder (tests/truth). Prints one JSON object;
// advice.py makes the table. Settings are chosen on the first half of a trace and paid for on the second.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/advice/measure_prices.h"
#include "tests/bench/advice/replay.h"
#include "tests/bench/advice/traces.h"

namespace poolscope::bench {
namespace {

using nlohmann::json;

// What somebody writes who has not measured.
constexpr std::uint64_t kDefaultCapacity = 4096, kDefaultCap = 64;
constexpr unsigned kPoolsOfAProgram = 3;
constexpr std::size_t kFewestUses = 2000;

json setting(std::uint64_t value, double cost_ns) {
  return {{"value", value}, {"cost_ns", cost_ns}};
}

json capacity_row(const SizeTrace& trace, const sizing::Prices& prices) {
  const Part seen = first_half(trace.needed_bytes), paid = second_half(trace.needed_bytes);
  const auto row = [&](std::uint64_t capacity) {
    return setting(capacity, cost_of_capacity(trace, paid, capacity, prices));
  };
  json settings{{"default", row(kDefaultCapacity)},
                {"oracle", row(oracle_capacity(trace, paid, prices))},
                {"poolscope", row(advised_capacity(trace, seen, prices, kDefaultCapacity))}};
  for (const auto& [name, value] : capacity_rules(trace, seen)) settings[name] = row(value);
  return {{"question", "capacity"}, {"trace", trace.name}, {"uses", trace.needed_bytes.size()}, {"settings", settings}};
}

// Where allocators give memory back, misses cost the pages of their blocks, too.
json cap_row(const PoolTrace& trace, const sizing::Prices& warm, Pages pages) {
  const sizing::Prices prices = pages == Pages::kFresh ? warm.with_fresh_pages(1, warm.page_ns) : warm;
  const Part seen = first_half(trace.events), paid = second_half(trace.events);
  const auto row = [&](std::uint64_t cap) { return setting(cap, cost_of_cap(trace, paid, cap, prices)); };
  json settings{{"default", row(kDefaultCap)},
                {"oracle", row(oracle_cap(trace, paid, prices))},
                {"poolscope", row(advised_cap(trace, seen, warm, pages, kDefaultCap))}};
  for (const auto& [name, value] : cap_rules(trace, seen)) settings[name] = row(value);
  return {{"question", pages == Pages::kFresh ? "idle buffers, fresh pages" : "idle buffers"},
          {"trace", trace.name},
          {"uses", trace.events.size()},
          {"settings", settings}};
}

// Traces for which no pool pays, how often it says that one does, and how often that would have been right.
json controls(unsigned count, const sizing::Prices& prices) {
  unsigned said = 0, wrong = 0;
  for (const PoolTrace& trace : hopeless_traces(count)) {
    const Part seen = first_half(trace.events), paid = second_half(trace.events);
    const bool says = says_worth_it(trace, seen, prices);
    const bool is = cost_of_cap(trace, paid, kDefaultCap, prices) < cost_without_pool(trace, paid, prices);
    said += says ? 1 : 0;
    wrong += says && !is ? 1 : 0;
  }
  return {{"traces", count}, {"said_worth_it", said}, {"wrongly", wrong}};
}

int run(const std::vector<std::string>& files, unsigned control_count) {
  const sizing::Prices prices = advice::measure_prices();
  std::vector<SizeTrace> sizes = made_size_traces();
  std::vector<PoolTrace> pools = made_pool_traces();
  for (const std::string& argument : files) {
    const auto equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const auto stream = truth::read_events(argument.substr(equals + 1));
    if (!stream) {
      std::fprintf(stderr, "advice_sweep: %s\n", truth::describe(stream.error()).c_str());
      return EXIT_FAILURE;
    }
    if (SizeTrace trace = size_trace(name, *stream); trace.needed_bytes.size() >= kFewestUses)
      sizes.push_back(std::move(trace));
    for (PoolTrace& trace : pool_traces(name, *stream, kPoolsOfAProgram)) pools.push_back(std::move(trace));
  }
  json rows = json::array();
  for (const SizeTrace& trace : sizes) rows.push_back(capacity_row(trace, prices));
  for (const Pages pages : {Pages::kWarm, Pages::kFresh})
    for (const PoolTrace& trace : pools) rows.push_back(cap_row(trace, prices, pages));
  const json result{{"rows", rows},
                    {"controls", controls(control_count, prices)},
                    {"prices",
                     {{"allocation_ns", prices.allocation_ns},
                      {"copy_ns_per_byte", prices.copy_ns_per_byte},
                      {"pool_pair_ns", prices.pool_pair_ns},
                      {"bytes_per_core", prices.bytes_per_core}}}};
  std::puts(result.dump(1).c_str());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) {
  std::vector<std::string> files;
  unsigned controls = 200;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--controls" && i + 1 < argc)
      controls = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else
      files.emplace_back(argv[i]);
  }
  return poolscope::bench::run(files, controls);
}
