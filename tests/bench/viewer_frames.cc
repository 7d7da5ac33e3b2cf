// viewer_frames: the CPU time of frames of the viewer, without a window: 100 targets of 200 pools each, one of them with 10 000 call sites, and an
// hour of history. Prints one JSON object; viewer.py makes the table.
//   new data   the first frame after an agent's snapshot came: view models are made anew
//   as it was  a frame because the mouse moved: nothing has changed
//   scrubbing  each frame shows another range of time
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <time.h>

#include "tests/unit/ui/make_state.h"
#include "tests/unit/ui/null_screen.h"
#include "ui/draw/views.h"

namespace poolscope::bench {
namespace {

using namespace viewer_test;
using nlohmann::json;

constexpr std::size_t kTargets = 100, kPools = 200, kSites = 10'000, kSteps = 1800, kVariants = 10;
constexpr std::uint64_t kStepNs = 2 * kSecond;
constexpr unsigned kFrames = 40, kFramesBetween = 3;

model::PoolSummary pool_number(const model::PoolSummary& like, std::size_t number) {
  model::PoolSummary pool = like;
  pool.name = "package.pool" + std::to_string(number);
  return pool;
}

model::Snapshot large_snapshot(double rate, std::uint64_t time_ns) {
  model::Snapshot snapshot = test::realistic_snapshot();
  const model::TargetSnapshot like = snapshot.targets.at(0);
  const model::PoolSummary pool_like = small_snapshot(rate).targets[0].pools[0];
  snapshot.time_unix_ns = time_ns;
  snapshot.targets.clear();
  for (std::size_t i = 0; i < kTargets; ++i) {
    model::TargetSnapshot& target = snapshot.targets.emplace_back(like);
    target.name = "service-" + std::to_string(i);
    target.allocations.per_second = model::Estimate{rate, rate * 0.9, rate * 1.1};
    target.pools.clear();
    for (std::size_t pool = 0; pool < kPools; ++pool) target.pools.push_back(pool_number(pool_like, pool));
  }
  auto& sites = snapshot.targets[0].call_sites;
  const model::CallSite site_like = like.call_sites.at(0);
  for (std::size_t i = sites.size(); i < kSites; ++i) {
    sites.push_back(site_like);
    sites.back().symbol += std::to_string(i);
    sites.back().offset += i;
  }
  return snapshot;
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

class Bench {
 public:
  Bench() {
    for (std::size_t i = 0; i < kVariants; ++i)
      snapshots_.push_back(share(large_snapshot(1e5 * static_cast<double>(1 + i), kStart)));
    screen_.state.begin("127.0.0.1:9777", true);
    for (std::size_t i = 0; i < kSteps; ++i) take_news();
    screen_.state.selected = {"service-0", "package.pool0"};
  }

  json view(std::size_t index) {
    screen_.state.view = index;
    ImGui::GetIO().AddInputCharacter('b');  // Compare keeps what is shown as BASE
    screen_.draw_frame();
    json row{{"view", viewer::all_views()[index].id}};
    row["new data"] = times([this] { take_news(); });
    row["as it was"] = times([this] {
      screen_.state.take({});
      ImGui::GetIO().MousePos = {400, 300};
    });
    row["scrubbing"] = times([this] { screen_.state.move_time([](viewer::TimeAxis& time) { time.pan(-0.05); }); });
    screen_.state.move_time([](viewer::TimeAxis& time) { time.follow(); });
    return row;
  }

 private:
  // Milliseconds of the first frame after each `change`.
  template <typename Change>
  json times(Change change) {
    std::vector<double> taken;
    for (unsigned i = 0; i < kFrames; ++i) {
      change();
      const double before = cpu_ms();
      screen_.draw_frame();
      taken.push_back(cpu_ms() - before);
      for (unsigned frame = 1; frame < kFramesBetween; ++frame) screen_.draw_frame();
    }
    return taken;
  }

  void take_news() {
    now_ns_ += kStepNs;
    viewer::Delivery delivery;
    delivery.connection = viewer::Connection{viewer::ConnectionState::kLive, "", ""};
    delivery.latest = snapshots_[now_ns_ / kStepNs % kVariants];
    delivery.steps.push_back({{now_ns_ - kStepNs, now_ns_}, delivery.latest, 100'000});
    screen_.state.take(std::move(delivery));
  }

  NullScreen screen_;
  std::vector<viewer::SharedSnapshot> snapshots_;
  std::uint64_t now_ns_ = kStart;
};

}  // namespace
}  // namespace poolscope::bench

int main() {
  poolscope::bench::Bench bench;
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < poolscope::viewer::all_views().size(); ++i) rows.push_back(bench.view(i));
  std::puts(rows.dump().c_str());
}
