#include "tests/truth/made_streams.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>

namespace poolscope::truth {
namespace {

constexpr double kTailSeconds = 0.1;
constexpr double kMeanCalls = 40;  // of the allocator, per request
constexpr double kGapNs = 1500;    // between them
constexpr std::uint64_t kWaitNs = 10 * static_cast<std::uint64_t>(kGapNs);
constexpr std::uint64_t kBeginNs = 1'000'000;

using Random = std::mt19937_64;

// What differs between regimes.
struct Regime {
  double rate_factor = 1;
  double middle_bytes = 80;
  double long_share = 0.06;
};

class Maker {
 public:
  explicit Maker(const MadeStream& what) : what_(what), random_(what.seed) {
    stream_.begin_ns = kBeginNs;
    stream_.wait_ns = kWaitNs;
    stream_.end_ns = kBeginNs + static_cast<std::uint64_t>((what.seconds + kTailSeconds) * 1e9);
  }

  EventStream make() {
    double now_ns = static_cast<double>(kBeginNs);
    while (true) {
      const double next_ns = next_request_ns(now_ns);
      if (next_ns >= static_cast<double>(stream_.end_ns)) return std::move(stream_);
      now_ns = serve(next_ns);
    }
  }

 private:
  struct Death {
    double time_ns;
    std::uint32_t object;
    bool operator<(const Death& other) const { return time_ns > other.time_ns; }
  };

  double exponential(double mean) { return std::exponential_distribution<double>(1 / mean)(random_); }
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

  // When the first request after `now_ns` begins: arrivals queue, so a request may have waited.
  double next_request_ns(double now_ns) {
    if (what_.load == Load::kSaturated) return now_ns + exponential(5 * kGapNs);
    arrival_ns_ += exponential(1e9 / (what_.requests_per_second * regime_at(arrival_ns_).rate_factor));
    return std::max(arrival_ns_, now_ns);
  }

  // Moves arrival_ns_ on to where requests come at all.
  Regime regime_at(double at_ns) {
    switch (what_.load) {
      case Load::kPeriodic: {
        const double period_ns = what_.period_seconds * 1e9;
        const double into_ns = std::fmod(at_ns - static_cast<double>(kBeginNs) + period_ns, period_ns);
        if (into_ns > period_ns / 4) arrival_ns_ = at_ns + period_ns - into_ns;
        return {4};
      }
      case Load::kBursty:
        if (at_ns >= crowd_end_ns_) {
          arrival_ns_ = std::max(at_ns, crowd_end_ns_ + uniform(0.09e9, 0.27e9));
          crowd_end_ns_ = arrival_ns_ + uniform(0.01e9, 0.03e9);
        }
        return {10};
      case Load::kSwitching:
        if (at_ns >= regime_end_ns_) {
          is_busy_ = !is_busy_;
          regime_end_ns_ = at_ns + uniform(0.5e9, 2.5e9);
        }
        return is_busy_ ? Regime{5.0 / 3, 200, 0.03} : Regime{1.0 / 3, 60, 0.2};
      case Load::kSaturated:
      case Load::kSteady:
        return {};
    }
    return {};
  }

  // Returns when the request has ended.
  double serve(double now_ns) {
    const Regime regime = what_.load == Load::kSwitching ? regime_at(arrival_ns_) : Regime{};
    if (what_.has_io_calls) stream_.add_io_call(time(now_ns), 0);
    const auto calls = 1 + std::poisson_distribution<unsigned>(kMeanCalls - 1)(random_);
    for (unsigned i = 0; i < calls; ++i) {
      now_ns += exponential(kGapNs);
      bury(now_ns);
      allocate(now_ns, regime, static_cast<double>(calls - i) * kGapNs);
    }
    if (what_.has_io_calls) stream_.add_io_call(time(now_ns), 0);
    return now_ns;
  }

  void allocate(double now_ns, const Regime& regime, double rest_of_request_ns) {
    const double kind = uniform(0, 1);
    double life_ns = exponential(0.4 * rest_of_request_ns);
    if (kind < regime.long_share) {
      life_ns = exponential(2e9);
    } else if (kind < regime.long_share + 0.15) {
      life_ns = exponential(4e6);
    }
    const double bytes = regime.middle_bytes * std::exp(std::normal_distribution<double>(0, 1.1)(random_));
    deaths_.push({now_ns + life_ns, static_cast<std::uint32_t>(stream_.lives.size())});
    stream_.add_allocation(time(now_ns), 0, 1 + static_cast<std::uint64_t>(bytes));
  }

  // Frees what has died by now. While the service waits nothing is freed: the program does that, not the clock.
  void bury(double& now_ns) {
    while (!deaths_.empty() && deaths_.top().time_ns <= now_ns) {
      now_ns += exponential(kGapNs / 4);
      stream_.add_free(time(now_ns), 0, deaths_.top().object);
      deaths_.pop();
    }
  }

  static std::uint64_t time(double ns) { return static_cast<std::uint64_t>(ns); }

  MadeStream what_;
  Random random_;
  EventStream stream_;
  std::priority_queue<Death> deaths_;
  double arrival_ns_ = static_cast<double>(kBeginNs);
  double crowd_end_ns_ = 0, regime_end_ns_ = 0;
  bool is_busy_ = false;
};

}  // namespace

const char* name_of(Load load) {
  switch (load) {
    case Load::kSaturated:
      return "saturated";
    case Load::kSteady:
      return "steady";
    case Load::kBursty:
      return "bursty";
    case Load::kPeriodic:
      return "periodic";
    case Load::kSwitching:
      return "switching";
  }
  return "";
}

EventStream make_stream(const MadeStream& what) {
  return Maker(what).make();
}

}  // namespace poolscope::truth
