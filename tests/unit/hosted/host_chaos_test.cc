// Clients that are killed at random instants, a host that is, and clients that write what they like: every buffer is counted by
// a walk of its own, and every borrower looks whether its buffer is its own. The full numbers are those of integration/Chaos.*, which is
// optimised; the unit tests, under sanitizers, do one in POOLSCOPE_CHAOS_PART.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hosted/running_host.h"
#include "tests/unit/hosted/shared_words.h"

namespace poolscope::host::test {
namespace {

constexpr std::uint32_t kBuffers = 24;
constexpr int kClientKills = 1000 / POOLSCOPE_CHAOS_PART, kHostEnds = 100 / POOLSCOPE_CHAOS_PART,
              kResizes = 400 / POOLSCOPE_CHAOS_PART;

// What children tell, in memory that they share with the test.
struct Told {
  std::atomic<std::uint64_t> rounds;  // of all children
  std::atomic<std::uint64_t> owned_twice;
};

class Chaos : public testing::Test {
 protected:
  void SetUp() override {
    void* base = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(base, MAP_FAILED);
    told_ = new (base) Told{};
    host_.start();
  }
  void TearDown() override {
    end_all();
    ::munmap(told_, sizeof(Told));
  }

  // Gets, marks, looks at the mark, puts; up to four at a time, until it is killed.
  [[noreturn]] void be_client() {
    become_a_stranger();
    auto opened = host_.open();
    if (!opened) ::_exit(3);
    HostedPool& pool = **opened;
    const auto mark = static_cast<std::uint64_t>(::getpid());
    for (;;) {
      std::array<HostedBuffer, 4> held;
      for (auto& buffer : held) {
        buffer = pool.acquire();
        if (buffer) mark_of(buffer).store(mark, std::memory_order_relaxed);
      }
      for (auto& buffer : held) {
        if (buffer && mark_of(buffer).load(std::memory_order_relaxed) != mark) told_->owned_twice.fetch_add(1);
      }
      told_->rounds.fetch_add(1);
    }
  }
  static std::atomic<std::uint64_t>& mark_of(HostedBuffer& buffer) {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(buffer.data());
  }

  // Ends with the test. It has copies of the host's end of all connections: with them open nobody would see the host end.
  static void become_a_stranger() {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::close_range(3, ~0U, 0);
  }

  void add_child() {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) be_client();
    children_.push_back(child);
  }
  static void end(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  // Serves until the children have done so many rounds more.
  bool serve_rounds(std::uint64_t rounds) {
    const std::uint64_t until = told_->rounds.load() + rounds;
    return eventually([&] {
      host_.turn();
      return told_->rounds.load() >= until;
    });
  }
  bool serve_until_clients(std::uint32_t clients) {
    return eventually([&] {
      host_.turn();
      return host_.host().pool("frames")->record().clients.size() == clients;
    });
  }
  // Also one that was killed while it opened the pool.
  bool serve_until_gone(pid_t child) {
    return eventually([&] {
      host_.turn();
      const auto record = host_.host().pool("frames")->record();
      return std::ranges::none_of(record.clients, [&](const auto& client) { return client.process.pid == child; });
    });
  }
  // As an administrator does, while the host is served.
  bool resize(std::uint32_t buffers) {
    const pid_t administrator = ::fork();
    if (administrator == 0) {
      become_a_stranger();
      ::_exit(resize_pool(host_.socket(), "frames", buffers).has_value() ? 0 : 1);
    }
    int status = -1;
    return administrator > 0 && eventually([&] {
             host_.turn();
             return ::waitpid(administrator, &status, WNOHANG) == administrator;
           }) &&
           status == 0;
  }
  [[nodiscard]] std::map<std::uint32_t, std::uint32_t> count_holders() {
    const auto bytes = detail::HostedWords<>::bytes_for(kBuffers);
    return hosted::test::holders(host_.host().pool("frames")->memory()->words(), bytes, kBuffers);
  }
  // While others take and put: each buffer is free or with a client that lives.
  void expect_all_with_the_living() {
    std::map<std::uint32_t, std::uint32_t> count = count_holders();
    count.erase(0);
    for (const ClientRecord& client : host_.host().pool("frames")->record().clients) count.erase(client.id);
    EXPECT_THAT(count, testing::IsEmpty());
  }
  void end_all() {
    for (const pid_t child : children_) end(child);
    children_.clear();
  }
  void expect_all_free() {
    const auto* pool = host_.host().pool("frames");
    EXPECT_EQ(count_holders(), (std::map<std::uint32_t, std::uint32_t>{{0u, kBuffers}}));
    const auto taken = hosted::test::drain({pool->memory()->words(), kBuffers}, 1);
    EXPECT_EQ(taken.size(), kBuffers);
    for (const std::uint32_t index : taken) {
      detail::HostedWords<> words(pool->memory()->words(), kBuffers);
      (void)words.put({index, words.slot(index).load()}, kBuffers);
    }
  }

  RunningHost host_{PoolConfig{"frames", 4096, kBuffers, kBuffers, {}}};
  Told* told_ = nullptr;
  std::vector<pid_t> children_;
  std::mt19937 random_{7};
};

TEST_F(Chaos, ClientsKilledAtAnyMomentLoseNoBufferAndShareNone) {
  constexpr int kKillsInARow = 50;
  for (int i = 0; i < kClientKills && !HasFailure(); ++i) {
    while (children_.size() < 3) add_child();
    ASSERT_TRUE(serve_rounds(1 + random_() % 50));
    const std::size_t victim = random_() % children_.size();
    const pid_t killed = children_[victim];
    end(killed);
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(victim));
    ASSERT_TRUE(serve_until_gone(killed)) << i;
    expect_all_with_the_living();
    if (i % kKillsInARow != kKillsInARow - 1) continue;
    end_all();
    ASSERT_TRUE(serve_until_clients(0));
    expect_all_free();
  }
  EXPECT_EQ(told_->owned_twice.load(), 0u);
}

TEST_F(Chaos, LimitsThatChangeWhileClientsWorkAndAreKilledLoseNoBufferAndShareNone) {
  for (int i = 0; i < kResizes && !HasFailure(); ++i) {
    while (children_.size() < 3) add_child();
    ASSERT_TRUE(resize(random_() % (kBuffers + 1))) << i;
    ASSERT_TRUE(serve_rounds(1 + random_() % 50));
    const pid_t killed = children_.back();
    children_.pop_back();
    end(killed);
    ASSERT_TRUE(serve_until_gone(killed)) << i;
    expect_all_with_the_living();
  }
  end_all();
  const std::uint32_t limit = kBuffers / 2;
  ASSERT_TRUE(resize(limit));
  ASSERT_TRUE(serve_until_clients(0));
  EXPECT_EQ(hosted::test::drain({host_.host().pool("frames")->memory()->words(), kBuffers}, kBuffers).size(), limit);
  ASSERT_TRUE(resize(kBuffers));  // and takes back what nobody holds
  expect_all_free();
  EXPECT_EQ(told_->owned_twice.load(), 0u);
}

TEST_F(Chaos, AHostThatEndsAgainAndAgainLosesNoBufferAndSharesNone) {
  for (int i = 0; i < 3; ++i) add_child();
  ASSERT_TRUE(serve_until_clients(3));
  for (int i = 0; i < kHostEnds && !HasFailure(); ++i) {
    host_.stop();
    end(children_.back());  // while nobody looks
    children_.pop_back();
    const std::uint64_t before = told_->rounds.load();
    ASSERT_TRUE(eventually([&] { return told_->rounds.load() > before; })) << "the others go on";
    host_.start();
    ASSERT_TRUE(eventually([&] {
      host_.turn();
      return host_.host().pool("frames")->memory() != nullptr;
    }));
    ASSERT_TRUE(serve_until_clients(2)) << i;
    expect_all_with_the_living();
    add_child();
    ASSERT_TRUE(serve_until_clients(3)) << i;
  }
  end_all();
  ASSERT_TRUE(serve_until_clients(0));
  expect_all_free();
  EXPECT_EQ(told_->owned_twice.load(), 0u);
}

// The host as a process of its own, which is killed in whatever it does.
TEST_F(Chaos, AHostKilledAtAnyMomentLosesNoBufferAndSharesNone) {
  host_.stop();
  const auto start_host = [&] {
    const pid_t child = ::fork();
    if (child != 0) return child;
    become_a_stranger();
    auto host = PoolHost::start({host_.config()}, host_.socket());
    if (!host) ::_exit(3);
    for (;;) (*host)->serve_once(-1, std::chrono::milliseconds(10));
  };
  const auto has_clients = [&](std::uint32_t clients) {
    return eventually([&] { return host_.pool().clients == clients; });
  };
  pid_t host = start_host();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(eventually([&] { return host_.pool().max_buffers == kBuffers; }));
    add_child();
  }
  ASSERT_TRUE(has_clients(3));
  for (int i = 0; i < kHostEnds && !HasFailure(); ++i) {
    end(children_.back());  // so that the host has something to do
    children_.pop_back();
    const std::uint64_t until = told_->rounds.load() + random_() % 200;
    EXPECT_TRUE(eventually([&] { return told_->rounds.load() >= until; })) << "the others go on";
    end(host);
    host = start_host();
    ASSERT_TRUE(has_clients(2)) << i;
    add_child();
    ASSERT_TRUE(has_clients(3)) << i;
  }
  // Held open, so that the memory that is counted is that of before.
  const auto walker = hosted::ask(host_.socket(), hosted::request_for(hosted::RequestKind::kOpen, "frames"), {});
  end_all();
  EXPECT_TRUE(has_clients(1));
  ASSERT_TRUE(walker.has_value());
  const auto bytes = detail::HostedWords<>::bytes_for(kBuffers);
  const auto words = hosted::Mapping::of(walker->descriptors[1].get(), bytes, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(words.has_value());
  EXPECT_EQ(hosted::test::holders(words->base(), bytes, kBuffers),
            (std::map<std::uint32_t, std::uint32_t>{{0u, kBuffers}}));
  EXPECT_EQ(hosted::test::drain({words->base(), kBuffers}, 1).size(), kBuffers);
  EXPECT_EQ(told_->owned_twice.load(), 0u);
  end(host);
}

TEST_F(Chaos, AClientThatWritesWhatItLikesHoldsUpNobodyAndIsMended) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    become_a_stranger();
    auto done = hosted::ask(host_.socket(), hosted::request_for(hosted::RequestKind::kOpen, "frames"), {});
    if (!done || done->descriptors.size() != 3) ::_exit(3);
    const std::size_t bytes = detail::HostedWords<>::bytes_for(kBuffers);
    auto words = hosted::Mapping::of(done->descriptors[1].get(), bytes, PROT_READ | PROT_WRITE);
    if (!words) ::_exit(3);
    auto* all = static_cast<std::atomic<std::uint64_t>*>(words->base());
    for (std::mt19937_64 random(1);; told_->rounds.fetch_add(1)) {
      for (std::size_t i = 0; i < bytes / 8; ++i) all[random() % (bytes / 8)].store(random() >> random() % 64);
    }
  }
  children_.push_back(child);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(serve_rounds(100));
  end_all();
  ASSERT_TRUE(serve_until_clients(0));
  expect_all_free();
}

}  // namespace
}  // namespace poolscope::host::test
