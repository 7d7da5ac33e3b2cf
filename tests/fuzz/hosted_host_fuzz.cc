// A host and peers that send what they like: packets of any size and content, descriptors of any kind, floods, and words written at random
// in the pool that they may open. The host answers or ends the connection; the other pool and its client notice nothing.
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/host/pool_host.h"
#include "pools/hosted/mapping.h"
#include "tests/fuzz/fuzz_check.h"

namespace {

using namespace poolscope;
using detail::HostedPut;
using hosted::Mapping;
using hosted::RequestKind;
using Words = detail::HostedWords<>;

constexpr std::uint32_t kBuffers = 70;
constexpr std::size_t kMaxPeers = 24;
constexpr int kMaxRestarts = 8;  // of one input: they take longest
constexpr std::size_t kWordsBytes = Words::bytes_for(kBuffers);

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool is_over() const { return left_ == 0; }
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::uint32_t number() { return byte() | std::uint32_t{byte()} << 8 | std::uint32_t{byte()} << 16; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

// A peer's end of a connection and what came along with the answers.
struct Peer {
  UniqueFd socket;
  std::vector<UniqueFd> received;
  Mapping words;
};

class World {
 public:
  World() {
    char folder[] = "/dev/shm/hosted-fuzz-XXXXXX";
    FUZZ_CHECK(::mkdtemp(folder) != nullptr);
    folder_ = folder;
    start();
    honest_ = connect();
    auto request = hosted::request_for(RequestKind::kOpen, "other");
    FUZZ_CHECK(exchange(request, {}));
  }
  ~World() { std::filesystem::remove_all(folder_); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // False: clients of before a restart are waited for, as this process lives. The next input would find little to do.
  [[nodiscard]] bool is_fresh() const { return is_fresh_; }

  void play(Input input) {
    restarts_left_ = kMaxRestarts;
    for (int steps = 0; !input.is_over() && steps < 400; ++steps) step(input);
    peers_.clear();
    for (int i = 0; i < 4; ++i) turn();
    check();
  }

 private:
  void start() {
    host_.reset();
    auto host = host::PoolHost::start({{"frames", 128, kBuffers, kBuffers, {}}, {"other", 64, kBuffers, kBuffers, {}}},
                                      socket());
    FUZZ_CHECK(host);
    host_ = std::move(*host);
  }
  [[nodiscard]] std::string socket() const { return folder_ + "/s"; }
  void turn() { host_->serve_once(-1, std::chrono::milliseconds(0)); }

  Peer connect() {
    auto socket = hosted::connect_to_host(this->socket());
    FUZZ_CHECK(socket);
    Peer peer{std::move(*socket), {}, {}};
    (void)::fcntl(peer.socket.get(), F_SETFL, O_NONBLOCK);
    turn();
    return peer;
  }

  // Of the honest client, which then has its pool mapped.
  bool exchange(const hosted::Request& request, std::span<const int> descriptors) {
    hosted::Reply reply;
    if (hosted::send_packet(honest_.socket.get(), &request, sizeof(request), descriptors) != 0) return false;
    for (int i = 0; i < 4; ++i) turn();
    std::vector<UniqueFd> received;
    if (hosted::receive_packet(honest_.socket.get(), &reply, sizeof(reply), received) != hosted::Received::kMessage ||
        reply.answer != hosted::Answer::kOk)
      return false;
    honest_id_ = static_cast<std::uint16_t>(reply.client);
    if (received.size() == 3) {
      auto words = Mapping::of(received[1].get(), kWordsBytes, PROT_READ | PROT_WRITE);
      FUZZ_CHECK(words);
      honest_.words = std::move(*words);
      honest_.received = std::move(received);
    }
    return true;
  }

  void step(Input& input) {
    const std::uint8_t action = input.byte();
    if (peers_.empty() || action % 8 == 0) return add_peer();
    Peer& peer = peers_[input.byte() % peers_.size()];
    switch (action % 8) {
      case 1:
      case 2:
        return send_request(peer, input);
      case 3:
        return send_anything(peer, input);
      case 4:
        return receive(peer);
      case 5:
        return scribble(peer, input);
      case 6:
        return turn();
      default:
        if (input.byte() % 64 == 0) return restart(input.byte() % 4 == 0);
        peer.socket.reset();
        std::erase_if(peers_, [](const Peer& one) { return !one.socket; });
    }
  }

  void add_peer() {
    if (peers_.size() < kMaxPeers) peers_.push_back(connect());
  }

  void send_request(Peer& peer, Input& input) {
    static constexpr const char* kNames[] = {"frames", "frames", "frames", "other", "", "unknown"};
    auto request = hosted::request_for(static_cast<RequestKind>(input.byte() % 8), kNames[input.byte() % 6]);
    request.client = input.byte();
    request.buffers = input.byte();
    request.from = input.byte() % 4 == 0 ? input.number() : 0;
    if (input.byte() % 16 == 0) request.version = input.byte();
    if (input.byte() % 16 == 0) request.pool.fill('x');  // without an end
    send(peer, &request, sizeof(request), input.byte());
  }

  void send_anything(Peer& peer, Input& input) {
    std::array<std::uint8_t, 512> bytes{};
    const std::size_t length = input.number() % bytes.size();
    for (std::size_t i = 0; i < length; ++i) bytes[i] = input.byte();
    const std::uint8_t descriptors = input.byte();
    for (int times = 1 + input.byte() % 32; times > 0; --times) send(peer, bytes.data(), length, descriptors);
  }

  void send(Peer& peer, const void* bytes, std::size_t length, std::uint8_t kind) {
    std::array<UniqueFd, 2> made;
    std::vector<int> given;
    const auto give = [&](const UniqueFd& fd) { given.push_back(fd.get()); };
    switch (kind % 8) {
      case 1:
        for (auto& fd : made) fd = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
        break;
      case 2: {
        int ends[2];
        FUZZ_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
        made = {UniqueFd(ends[0]), UniqueFd(ends[1])};
        break;
      }
      case 3:
      case 4:
        for (auto& fd : made) fd = UniqueFd(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        for (auto& fd : made) (void)::ftruncate(fd.get(), static_cast<off_t>(kWordsBytes));
        if (kind % 8 == 4) {
          for (auto& fd : made) (void)::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        }
        break;
      case 5:
        for (std::size_t i = 1; i < peer.received.size(); ++i) give(peer.received[i]);
        break;
      case 6:
        for (const auto& fd : peer.received) give(fd);
        break;
      default:
        break;
    }
    for (const auto& fd : made) {
      if (fd) give(fd);
    }
    (void)hosted::send_packet(peer.socket.get(), bytes, length, given);
  }

  static void receive(Peer& peer) {
    hosted::Reply reply;
    std::vector<UniqueFd> received;
    if (hosted::receive_packet(peer.socket.get(), &reply, sizeof(reply), received) != hosted::Received::kMessage)
      return;
    FUZZ_CHECK(reply.version == hosted::kWireVersion);
    if (received.size() != 3 || hosted::text_of(reply.pool) != "frames") return;
    auto words = Mapping::of(received[1].get(), kWordsBytes, PROT_READ | PROT_WRITE);
    FUZZ_CHECK(words);
    peer.words = std::move(*words);
    peer.received = std::move(received);
  }

  static void scribble(Peer& peer, Input& input) {
    if (peer.words.base() == nullptr) return;
    auto* words = static_cast<std::uint64_t*>(peer.words.base());
    const std::uint64_t word = input.number() | std::uint64_t{input.number()} << 40;
    words[input.byte() % (kWordsBytes / sizeof(*words))] = word;
  }

  // As if it was killed. The honest client hands its pool back, whatever the others try.
  void restart(bool with_clients) {
    if (restarts_left_-- <= 0) return;
    if (!with_clients) peers_.clear();  // else `frames` waits for them
    for (int i = 0; i < 4; ++i) turn();
    start();
    for (Peer& peer : peers_) peer.socket = connect().socket;
    honest_.socket = connect().socket;
    auto request = hosted::request_for(RequestKind::kReopen, "other");
    request.client = honest_id_;
    const std::array<int, 2> both = {honest_.received[1].get(), honest_.received[2].get()};
    FUZZ_CHECK(exchange(request, both));
  }

  void check() {
    const auto* other = host_->pool("other");
    FUZZ_CHECK(other->memory() != nullptr);
    hosted::Reply reply;
    other->describe(reply);
    Words words(honest_.words.base(), kBuffers);
    std::vector<detail::HostedSlot> taken;
    while (const auto slot = words.take(honest_id_, 0)) taken.push_back(*slot);
    FUZZ_CHECK(taken.size() == reply.limit_buffers);
    for (const auto& slot : taken) FUZZ_CHECK(words.put(slot, kBuffers) == HostedPut::kFreed);
    const auto* frames = host_->pool("frames");
    frames->describe(reply);
    if (frames->memory() != nullptr) FUZZ_CHECK(reply.borrowed + reply.idle + reply.retired == kBuffers);
    const hosted::Holders holders = frames->holders(0);
    for (std::uint32_t i = 0; i < holders.count; ++i) FUZZ_CHECK(holders.holders[i].is_connected == 0);
    is_fresh_ = frames->memory() != nullptr && holders.count == 0;
  }

  std::string folder_;
  std::unique_ptr<host::PoolHost> host_;
  Peer honest_;
  std::uint16_t honest_id_ = 0;
  std::vector<Peer> peers_;
  bool is_fresh_ = true;
  int restarts_left_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<World> world;
  if (!world || !world->is_fresh()) world = std::make_unique<World>();
  world->play(Input(data, size));
  return 0;
}
