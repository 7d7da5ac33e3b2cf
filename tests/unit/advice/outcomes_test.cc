#include "agent/advice/outcomes.h"

#include <gtest/gtest.h>

#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

constexpr std::uint64_t kStartNs = 1'700'000'000'000'000'000;

// A service with one pool that counts itself, and what an agent says of it and sees, in steps of Outcomes::kStepNs.
class Watched {
 public:
  explicit Watched(model::AdviceHistory history = {}) : outcomes_(std::move(history)) {}

  std::uint64_t max_idle = 4;
  double cpu_seconds_per_get = 2e-6;
  double hit_ratio = 0.2;
  std::optional<std::uint64_t> advised = 48;

  // True when there was something new to keep.
  bool step(unsigned times = 1) {
    bool is_news = false;
    for (unsigned i = 0; i < times; ++i) {
      model::Snapshot now = snapshot();
      is_news |= outcomes_.note(now);
      told_ = now.targets[0].advice_outcomes;
      outcomes_.add_step(now, now_ns_ - Outcomes::kStepNs);
      now_ns_ += Outcomes::kStepNs;
    }
    return is_news;
  }
  const std::vector<model::AdviceOutcome>& told() const { return told_; }
  const model::AdviceHistory& history() const { return outcomes_.history(); }

 private:
  model::Snapshot snapshot() {
    model::TargetSnapshot target = testing::service();
    model::PoolSummary pool = testing::good();
    const double gets = 10'000;
    // Some noise: no two steps of a real service are the same.
    target.cpu_seconds_per_second = gets * cpu_seconds_per_get * (1 + 0.01 * static_cast<double>(noise_++ % 3));
    pool.gets_per_second = model::Estimate{gets, {}, {}};
    pool.hit_ratio = model::Estimate{hit_ratio, {}, {}};
    pool.published.emplace();
    pool.published->max_idle_buffers = max_idle;
    model::Advice advice;
    advice.subject = pool.name;
    advice.kind = advised ? "max_idle_buffers" : "keep";
    advice.verdict = advised ? model::Verdict::kChange : model::Verdict::kKeep;
    advice.unit = "buffers";
    advice.current = max_idle;
    advice.recommended = advised;
    advice.saved_cpu_ratio = model::Estimate{0.4, 0.2, 0.6};
    advice.predicted_hit_ratio = 0.99;
    target.pools = {pool};
    target.advice = {advice};
    model::Snapshot snapshot;
    snapshot.time_unix_ns = now_ns_;
    snapshot.targets = {target};
    return snapshot;
  }

  Outcomes outcomes_;
  std::vector<model::AdviceOutcome> told_;
  std::uint64_t now_ns_ = kStartNs;
  unsigned noise_ = 0;
};

void follow(Watched& service, std::uint64_t max_idle) {
  service.max_idle = max_idle;
  service.cpu_seconds_per_get = 1e-6;
  service.hit_ratio = 0.98;
  service.advised.reset();
}

// Ten steps before the limit becomes `max_idle`, and ten after.
void watch_the_change(Watched& service, std::uint64_t max_idle) {
  service.step(10);
  follow(service, max_idle);
  service.step(10);
}

TEST(Outcomes, HaveNothingToTellBeforeAnythingWasFollowed) {
  Watched service;
  service.step(10);
  EXPECT_TRUE(service.told().empty());
}

TEST(Outcomes, CompareWhatTheTargetDoesSinceWithWhatItDidBefore) {
  Watched service;
  watch_the_change(service, 48);
  ASSERT_EQ(service.told().size(), 1u);
  const model::AdviceOutcome& outcome = service.told()[0];
  EXPECT_EQ(outcome.from, 4u);
  EXPECT_EQ(outcome.to, 48u);
  EXPECT_EQ(outcome.predicted_saved_cpu_ratio, (model::Estimate{0.4, 0.2, 0.6}));
  EXPECT_NEAR(outcome.realised_saved_cpu_ratio->value, 0.5, 0.02);
  EXPECT_LT(*outcome.realised_saved_cpu_ratio->low, 0.5);
  EXPECT_GT(*outcome.realised_saved_cpu_ratio->high, 0.5);
  EXPECT_NEAR(*outcome.realised_hit_ratio, 0.98, 1e-9);
}

TEST(Outcomes, SayNothingOfTheEffectUntilEnoughWasSeenSince) {
  Watched service;
  service.step(10);
  follow(service, 48);
  service.step(2);
  ASSERT_EQ(service.told().size(), 1u);
  EXPECT_FALSE(service.told()[0].realised_saved_cpu_ratio);
}

TEST(Outcomes, AreOfAboutWhatWasAdvisedOnly) {
  Watched service;
  watch_the_change(service, 16);
  EXPECT_TRUE(service.told().empty());
}

TEST(Outcomes, StayWhenTheLimitIsChangedOnceMore) {
  Watched service;
  watch_the_change(service, 48);
  service.max_idle = 200;
  service.cpu_seconds_per_get = 5e-6;
  service.step(10);
  ASSERT_EQ(service.told().size(), 1u);
  EXPECT_NEAR(service.told()[0].realised_saved_cpu_ratio->value, 0.5, 0.02);
}

TEST(Outcomes, ComeToRest) {
  Watched service;
  service.step(10);
  follow(service, 48);
  service.step(Outcomes::kMostSteps + 2);
  const auto before = service.told();
  service.cpu_seconds_per_get = 5e-6;
  service.step(30);
  EXPECT_EQ(service.told(), before);
}

TEST(Outcomes, NoticeWhatWasChangedWhileNoAgentRan) {
  Watched before;
  before.step(10);
  Watched after(before.history());
  follow(after, 48);
  after.step(10);
  ASSERT_EQ(after.told().size(), 1u);
  EXPECT_NEAR(after.told()[0].realised_saved_cpu_ratio->value, 0.5, 0.02);
}

TEST(Outcomes, SurviveTheFile) {
  Watched service;
  watch_the_change(service, 48);
  const auto read = model::advice_history_from_json(model::to_json(service.history()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, service.history());
}

TEST(Outcomes, AreNewsWhenSomethingIsToldOrFollowed) {
  Watched service;
  EXPECT_TRUE(service.step());
  EXPECT_FALSE(service.step(5));
  follow(service, 48);
  EXPECT_TRUE(service.step());
}

TEST(AdviceHistory, SaysWhatIsWrongWithAFile) {
  const auto error = [](std::string_view text) { return model::advice_history_from_json(text).error().path; };
  EXPECT_EQ(error("{}"), "/advice_history_version");
  EXPECT_EQ(error(R"({"advice_history_version": 2, "pools": []})"), "/advice_history_version");
  EXPECT_EQ(error(R"({"advice_history_version": 1})"), "/pools");
  EXPECT_EQ(error(R"({"advice_history_version": 1, "pools": [{"target": "a", "pool": "b"}]})"),
            "/pools/0/seen_unix_ns");
}

}  // namespace
}  // namespace poolscope::advice
