// Peers that do not behave: what they send, what descriptors they hand over, and what they never read. Whoever behaves notices nothing.
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/hosted/running_host.h"
#include "tests/unit/hosted/shared_words.h"

namespace poolscope::host::test {
namespace {

using hosted::Answer;
using hosted::RequestKind;
using testing::HasSubstr;

constexpr std::uint32_t kBuffers = 16;
constexpr std::size_t kWordsBytes = detail::HostedWords<>::bytes_for(kBuffers);

class HostilePeers : public testing::Test {
 protected:
  void SetUp() override {
    host_.start_thread();
    auto pool = host_.open("other");
    ASSERT_TRUE(pool.has_value()) << pool.error().text;
    honest_ = std::move(*pool);
    held_ = honest_->acquire();
    std::strcpy(reinterpret_cast<char*>(held_.data()), "mine");
  }
  void TearDown() override {
    EXPECT_STREQ(reinterpret_cast<const char*>(held_.data()), "mine");
    expect_honest_is_served();
    held_.release();
    EXPECT_EQ(honest_->not_ours(), 0u);
  }
  void expect_honest_is_served() {
    EXPECT_TRUE(eventually([&] { return honest_->is_served(); }));
    EXPECT_TRUE(host_.open("other").has_value());
  }

  [[nodiscard]] UniqueFd connect() const {
    auto socket = hosted::connect_to_host(host_.socket());
    EXPECT_TRUE(socket.has_value());
    return socket ? std::move(*socket) : UniqueFd();
  }
  [[nodiscard]] hosted::Exchange open_raw(const std::string& name = "frames") const {
    auto done = hosted::ask(host_.socket(), hosted::request_for(RequestKind::kOpen, name), {});
    EXPECT_TRUE(done.has_value());
    return done ? std::move(*done) : hosted::Exchange{};
  }

  RunningHost host_{PoolConfig{"frames", 4096, kBuffers, kBuffers, {}}, {{"other", 4096, kBuffers, kBuffers, {}}}};
  std::unique_ptr<HostedPool> honest_;
  HostedBuffer held_;
};

TEST_F(HostilePeers, PacketsOfAnySizeAndContentEndNoConnectionButTheirOwn) {
  std::mt19937 random(5);
  std::vector<unsigned char> bytes(2000);
  for (int i = 0; i < 500; ++i) {
    const UniqueFd socket = connect();
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random() % (i % 2 == 0 ? 4 : 256));
    const std::size_t length = i % 3 == 0 ? sizeof(hosted::Request) : random() % bytes.size();
    for (int times = 0; times < 1 + i % 3; ++times) (void)hosted::send_packet(socket.get(), bytes.data(), length, {});
  }
  const UniqueFd socket = connect();
  const hosted::Request half;
  ASSERT_EQ(hosted::send_packet(socket.get(), &half, sizeof(half) / 2, {}), 0);
  hosted::Reply reply;
  std::vector<UniqueFd> none;
  EXPECT_EQ(hosted::receive_packet(socket.get(), &reply, sizeof(reply), none), hosted::Received::kEnd);
}

TEST_F(HostilePeers, ManyWhoSayNothingOrReadNothingHoldUpNobody) {
  constexpr int kPeers = 300;
  std::vector<UniqueFd> peers;
  for (int i = 0; i < kPeers; ++i) {
    peers.push_back(connect());
    const auto list = hosted::request_for(RequestKind::kList, "");
    (void)::fcntl(peers.back().get(), F_SETFL, O_NONBLOCK);
    for (int packets = 0; i % 3 == 0 && packets < 1000; ++packets) {
      if (hosted::send_packet(peers.back().get(), &list, sizeof(list), {}) != 0) break;
    }
  }
  expect_honest_is_served();
}

TEST_F(HostilePeers, AClientThatSaysMoreHasEndedAndItsBuffersAreFree) {
  const auto client = open_raw();
  auto words = hosted::Mapping::of(client.descriptors[1].get(), kWordsBytes, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(words.has_value());
  const auto id = static_cast<std::uint16_t>(client.reply.client);
  EXPECT_THAT(hosted::test::drain({words->base(), kBuffers}, id), testing::SizeIs(kBuffers));
  const auto again = hosted::request_for(RequestKind::kOpen, "frames");
  ASSERT_EQ(hosted::send_packet(client.socket.get(), &again, sizeof(again), {}), 0);
  EXPECT_TRUE(eventually([&] { return host_.pool().clients == 0 && host_.pool().idle == kBuffers; }));
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

using Descriptors = std::vector<UniqueFd>;

UniqueFd memfd(std::size_t bytes, int seals) {
  UniqueFd fd(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_TRUE(seals == 0 || ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}
UniqueFd reopened(const UniqueFd& fd, int flags) {
  return UniqueFd(::open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), flags | O_CLOEXEC));
}
UniqueFd copy_of(const UniqueFd& fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

struct Forgery {
  const char* name;
  Descriptors (*make)(const Descriptors& real);  // control, words, payload
};
constexpr int kOurSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::size_t kPayloadBytes = 4096 * kBuffers;

Descriptors none(const Descriptors&) {
  return {};
}
Descriptors words_alone(const Descriptors& real) {
  Descriptors all;
  all.push_back(copy_of(real[1]));
  return all;
}
Descriptors three(const Descriptors& real) {
  Descriptors all;
  for (const auto& fd : real) all.push_back(copy_of(fd));
  return all;
}
Descriptors no_files(const Descriptors&) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Descriptors all;
  for (const int end : ends) all.emplace_back(end);
  return all;
}
Descriptors devices(const Descriptors&) {
  Descriptors all;
  for (int i = 0; i < 2; ++i) all.emplace_back(::open("/dev/zero", O_RDWR | O_CLOEXEC));
  return all;
}
Descriptors memory_of(std::size_t words_bytes, std::size_t payload_bytes, int seals) {
  Descriptors all;
  all.push_back(memfd(words_bytes, seals));
  all.push_back(memfd(payload_bytes, seals));
  return all;
}
Descriptors without_seals(const Descriptors&) {
  return memory_of(kWordsBytes, kPayloadBytes, 0);
}
Descriptors too_small(const Descriptors&) {
  return memory_of(64, 64, kOurSeals);
}
Descriptors other_memory(const Descriptors&) {
  return memory_of(kWordsBytes, kPayloadBytes, kOurSeals);
}
Descriptors read_only(const Descriptors& real) {
  Descriptors all;
  for (int i = 1; i <= 2; ++i) all.push_back(reopened(real[static_cast<std::size_t>(i)], O_RDONLY));
  return all;
}
Descriptors exchanged(const Descriptors& real) {
  Descriptors all;
  all.push_back(copy_of(real[2]));
  all.push_back(copy_of(real[1]));
  return all;
}
Descriptors words_and_other_payload(const Descriptors& real) {
  Descriptors all;
  all.push_back(copy_of(real[1]));
  all.push_back(memfd(kPayloadBytes, kOurSeals));
  return all;
}

constexpr Forgery kForgeries[] = {{"None", none},
                                  {"WordsAlone", words_alone},
                                  {"Three", three},
                                  {"NoFiles", no_files},
                                  {"Devices", devices},
                                  {"WithoutSeals", without_seals},
                                  {"TooSmall", too_small},
                                  {"OtherMemory", other_memory},
                                  {"ReadOnly", read_only},
                                  {"Exchanged", exchanged},
                                  {"WordsAndOtherPayload", words_and_other_payload}};

class ForgedPool : public HostilePeers, public testing::WithParamInterface<Forgery> {
 protected:
  // The answer to a client that hands over `descriptors`; nothing: the connection was ended.
  std::optional<Answer> reopen(const Descriptors& descriptors, std::uint32_t client) {
    auto request = hosted::request_for(RequestKind::kReopen, "frames");
    request.client = client;
    std::vector<int> given;
    for (const auto& fd : descriptors) given.push_back(fd.get());
    const auto done = hosted::ask(host_.socket(), request, given);
    return done ? std::optional(done->reply.answer) : std::nullopt;
  }
};

TEST_P(ForgedPool, IsNotTakenForThePoolThatARestartedHostWaitsFor) {
  auto client = open_raw();
  const auto forged = GetParam().make(client.descriptors);
  host_.stop();
  host_.start_thread();
  EXPECT_NE(reopen(forged, client.reply.client), Answer::kOk);
  EXPECT_EQ(host_.pool().clients, 0u) << "it is still waited for";
  Descriptors real;
  for (std::size_t i = 1; i <= 2; ++i) real.push_back(copy_of(client.descriptors[i]));
  EXPECT_EQ(reopen(real, client.reply.client), Answer::kOk) << "with the pool itself";
}

TEST_P(ForgedPool, IsNotTakenForAPoolThatIsServed) {
  const auto client = open_raw();
  EXPECT_NE(reopen(GetParam().make(client.descriptors), client.reply.client), Answer::kOk);
  EXPECT_EQ(host_.pool().clients, 1u);
}

INSTANTIATE_TEST_SUITE_P(Table, ForgedPool, testing::ValuesIn(kForgeries),
                         [](const auto& forgery) { return std::string(forgery.param.name); });

// ---- a host that does not behave ------------------------------------------------------------------------------------

// Answers each question with what `answer` says, for as long as it lives.
class FalseHost {
 public:
  explicit FalseHost(std::function<void(int socket)> answer) : answer_(std::move(answer)) {
    char folder[] = "/tmp/hosted-test-XXXXXX";
    if (::mkdtemp(folder) == nullptr) std::abort();
    folder_ = folder;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket().c_str());
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_.get(), 8) != 0)
      std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  FalseHost(const FalseHost&) = delete;
  FalseHost& operator=(const FalseHost&) = delete;
  ~FalseHost() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string socket() const { return folder_ + "/s"; }

 private:
  void serve() {
    for (UniqueFd peer; (peer = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));) {
      hosted::Request request;
      std::vector<UniqueFd> none;
      if (hosted::receive_packet(peer.get(), &request, sizeof(request), none) == hosted::Received::kMessage)
        answer_(peer.get());
    }
  }

  std::function<void(int)> answer_;
  std::string folder_;
  UniqueFd listener_{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  std::thread thread_;
};

struct FalsePool {
  const char* name;
  void (*change)(hosted::Reply&);
  std::size_t words_bytes, payload_bytes;
  std::size_t descriptors;
};
constexpr FalsePool kFalsePools[] = {
    {"NoDescriptors", [](hosted::Reply&) {}, kWordsBytes, kPayloadBytes, 0},
    {"TwoDescriptors", [](hosted::Reply&) {}, kWordsBytes, kPayloadBytes, 2},
    {"WordsTooSmall", [](hosted::Reply&) {}, 64, kPayloadBytes, 3},
    {"PayloadTooSmall", [](hosted::Reply&) {}, kWordsBytes, 4096, 3},
    {"NoBuffers", [](hosted::Reply& r) { r.max_buffers = 0; }, kWordsBytes, kPayloadBytes, 3},
    {"TooManyBuffers", [](hosted::Reply& r) { r.max_buffers = ~0U; }, kWordsBytes, kPayloadBytes, 3},
    {"BuffersOfNothing", [](hosted::Reply& r) { r.buffer_bytes = 0; }, kWordsBytes, kPayloadBytes, 3},
    {"BuffersTooLarge", [](hosted::Reply& r) { r.buffer_bytes = ~0ULL; }, kWordsBytes, kPayloadBytes, 3},
    {"NoClient", [](hosted::Reply& r) { r.client = 0; }, kWordsBytes, kPayloadBytes, 3},
    {"ClientBeyondAll", [](hosted::Reply& r) { r.client = 70'000; }, kWordsBytes, kPayloadBytes, 3},
    {"ControlPageOfNothing", [](hosted::Reply&) {}, kWordsBytes, kPayloadBytes, 3},
    {"OtherVersion", [](hosted::Reply& r) { r.version = 9; }, kWordsBytes, kPayloadBytes, 3}};

class FalseHostTest : public testing::TestWithParam<FalsePool> {};
TEST_P(FalseHostTest, IsNotBelieved) {
  const FalsePool& told = GetParam();
  const FalseHost host([&](int socket) {
    hosted::Reply reply;
    reply.client = 1;
    reply.buffer_bytes = 4096;
    reply.max_buffers = kBuffers;
    told.change(reply);
    const UniqueFd control = memfd(hosted::kControlBytes, 0), words = memfd(told.words_bytes, 0),
                   payload = memfd(told.payload_bytes, 0);
    const std::array<int, 3> all = {control.get(), words.get(), payload.get()};
    (void)hosted::send_packet(socket, &reply, sizeof(reply), std::span(all).first(told.descriptors));
  });
  const auto pool = HostedPool::open({"frames", host.socket(), std::chrono::milliseconds(0)});
  ASSERT_FALSE(pool.has_value());
  EXPECT_EQ(pool.error().reason, HostedPoolError::Reason::kProtocol) << pool.error().text;
}
INSTANTIATE_TEST_SUITE_P(Table, FalseHostTest, testing::ValuesIn(kFalsePools),
                         [](const auto& pool) { return std::string(pool.param.name); });

TEST(FalseHostTest, ThatListsWithoutAnEndIsNotFollowed) {
  const FalseHost host([](int socket) {
    hosted::Reply reply;
    reply.more = 1;
    hosted::set_text(reply.pool, "again");
    const hosted::Holders circle{.count = ~0U, .more = 1};
    hosted::Request request;
    std::vector<UniqueFd> none;
    for (int packets = 0; packets < 2; ++packets) {
      (void)hosted::send_packet(socket, packets == 0 ? static_cast<const void*>(&reply) : &circle,
                                packets == 0 ? sizeof(reply) : sizeof(circle), {});
      (void)hosted::receive_packet(socket, &request, sizeof(request), none);
    }
  });
  const auto pools = list_pools(host.socket());
  ASSERT_FALSE(pools.has_value());
  EXPECT_THAT(pools.error().text, HasSubstr("circle"));
}

}  // namespace
}  // namespace poolscope::host::test
