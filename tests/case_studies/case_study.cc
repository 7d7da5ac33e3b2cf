#include "tests/case_studies/case_study.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <latch>
#include <thread>

#include <nlohmann/json.hpp>

#include "tests/case_studies/preloaded_counter.h"

namespace poolscope::case_study {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t must_stop = 0;

struct Side {
  const char* name;
  const Work* work;
};

std::vector<Side> sides_of(const Row& row) {
  std::vector<Side> sides;
  if (row.baseline) sides.push_back({"baseline", &row.baseline});
  if (row.pooled) sides.push_back({"pooled", &row.pooled});
  return sides;
}

double seconds_on_threads(const Work& work, unsigned threads, std::uint64_t operations) {
  std::latch ready(threads + 1);
  std::vector<std::jthread> running;
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&] {
      ready.arrive_and_wait();
      work(operations);
    });
  const auto start = Clock::now();  // before: where threads take turns, some would be done by the time this one goes on
  ready.arrive_and_wait();
  running.clear();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double own_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_of(const Work& work, unsigned threads, std::uint64_t operations) {
  if (threads > 1) return seconds_on_threads(work, threads, operations);
  const double start = own_cpu_seconds();
  work(operations);
  return own_cpu_seconds() - start;
}

// How many take at least `seconds`; doing them warms up whatever keeps something.
std::uint64_t operations_for(const Work& work, unsigned threads, double seconds) {
  std::uint64_t operations = 1;
  while (seconds_of(work, threads, operations) < seconds) operations *= 2;
  return operations;
}

Json measure(const Row& row, double seconds, unsigned rounds) {
  const auto sides = sides_of(row);
  std::vector<std::uint64_t> operations;
  for (const Side& side : sides) operations.push_back(operations_for(*side.work, row.threads, seconds));
  Json found;
  for (unsigned round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const double took = seconds_of(*sides[i].work, row.threads, operations[i]);
      found[sides[i].name]["ns"].push_back(took * 1e9 / static_cast<double>(operations[i] * row.threads));
    }
  return found;
}

Json count(const Row& row, const PreloadedCounter& counter) {
  Json found;
  for (const Side& side : sides_of(row)) {
    (*side.work)(row.counted_operations);
    const auto before = counter.read();
    (*side.work)(row.counted_operations);
    const auto after = counter.read();
    const auto operations = static_cast<double>(row.counted_operations);
    found[side.name] = {{"bytes", static_cast<double>(after.bytes - before.bytes) / operations},
                        {"allocations", static_cast<double>(after.allocations - before.allocations) / operations}};
  }
  return found;
}

Json figures_of(const Study& study) {
  Json found = Json::object();
  for (const Figure& figure : study.figures) {
    if (figure.baseline) found[figure.name]["baseline"] = figure.baseline();
    if (figure.pooled) found[figure.name]["pooled"] = figure.pooled();
  }
  return found;
}

void print_measured(const Study& study, double seconds, unsigned rounds) {
  Json found;
  for (const Row& row : study.rows) found["rows"][row.name] = measure(row, seconds, rounds);
  found["figures"] = figures_of(study);
  std::puts(found.dump().c_str());
}

void print_counted(const Study& study) {
  const PreloadedCounter counter;
  Json found;
  for (const Row& row : study.rows) found["rows"][row.name] = count(row, counter);
  std::puts(found.dump().c_str());
}

void serve(const Study& study, const std::vector<std::string_view>& words) {
  std::signal(SIGTERM, [](int) { must_stop = 1; });
  std::uint64_t operations = 0;
  for (; must_stop == 0; ++operations) study.serve(words);
  std::puts(Json{{"operations", operations}}.dump().c_str());
}

int usage() {
  std::fputs("usage: case_NAME --measure SECONDS ROUNDS | --count | --serve [WORDS]\n", stderr);
  return 2;
}

}  // namespace

int run(int argc, char** argv, const Study& study) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "--measure")
      print_measured(study, std::strtod(argv[2], nullptr), static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)));
    else if (words.size() == 1 && words[0] == "--count")
      print_counted(study);
    else if (!words.empty() && words[0] == "--serve" && study.serve)
      serve(study, {words.begin() + 1, words.end()});
    else
      return usage();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}

}  // namespace poolscope::case_study
