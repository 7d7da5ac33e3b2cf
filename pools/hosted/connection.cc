#include "pools/hosted/connection.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <system_error>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poolscope/detail/hosted_words.h"

namespace poolscope::hosted {
namespace {

using Reason = HostedPoolError::Reason;
using std::chrono::milliseconds;

constexpr milliseconds kRetryEvery{50}, kFirstPause{20}, kLongestPause{1000};

std::string errno_text(int problem) {
  const char* name = ::strerrorname_np(problem);
  return name == nullptr ? std::to_string(problem) : name;
}

bool is_at_least(int fd, std::uint64_t bytes) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_size >= 0 && static_cast<std::uint64_t>(status.st_size) >= bytes;
}

// Whether what the host says of the pool fits together and into what it sent along.
bool is_possible(const Reply& reply, const std::vector<UniqueFd>& descriptors) {
  if (descriptors.size() != kMaxDescriptors) return false;
  if (reply.client == 0 || reply.client > detail::kMaxHostedClients) return false;
  if (reply.max_buffers == 0 || reply.max_buffers > detail::kMaxHostedBuffers || reply.buffer_bytes == 0) return false;
  if (reply.buffer_bytes > kMaxBufferBytes) return false;
  return is_at_least(descriptors[0].get(), kControlBytes) &&
         is_at_least(descriptors[1].get(), detail::HostedWords<>::bytes_for(reply.max_buffers)) &&
         is_at_least(descriptors[2].get(), stride_for(reply.buffer_bytes) * reply.max_buffers);
}

}  // namespace

HostedPoolError Connection::error(Reason reason, const std::string& text) const {
  return {reason, "cannot open hosted pool " + name_ + ": " + text};
}

Result<std::unique_ptr<Connection>, HostedPoolError> Connection::open(const HostedPoolOptions& options) {
  const std::string path = options.socket.empty() ? default_socket_path() : options.socket;
  std::unique_ptr<Connection> connection(new Connection(options.name, path));
  if (options.name.empty() || options.name.size() > kMaxNameBytes)
    return Failure{connection->error(Reason::kRefused, "a name has 1 to 95 bytes")};
  connection->stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!connection->stop_) return Failure{connection->error(Reason::kSystem, errno_text(errno))};
  const auto give_up = std::chrono::steady_clock::now() + options.wait_at_most;
  for (;;) {
    const auto answer = connection->try_open();
    if (!answer) return Failure{answer.error()};
    if (*answer == Answer::kOk) return connection;
    if (std::chrono::steady_clock::now() >= give_up)
      return Failure{connection->error(Reason::kRefused,
                                       "the host still waits for those who had it before it was "
                                       "restarted; try again")};
    (void)connection->wait_for_stop(kRetryEvery);
  }
}

Result<Answer, HostedPoolError> Connection::try_open() {
  auto done = ask(path_, request_for(RequestKind::kOpen, name_), {});
  if (!done && done.error() == EPROTO)
    return Failure{error(Reason::kProtocol, "what answers at " + path_ + " is no host of this version")};
  if (!done)
    return Failure{error(Reason::kNoHost, "no host at " + path_ + " (" + errno_text(done.error()) +
                                              "); start one with `poolscope pools serve FILE`")};
  if (done->reply.answer == Answer::kRetry) return Answer::kRetry;
  if (done->reply.answer != Answer::kOk)
    return Failure{error(Reason::kRefused, std::string(text_of(done->reply.text)))};
  const auto taken = take_over(done->reply, std::move(done->descriptors));
  if (!taken) return Failure{taken.error()};
  socket_ = std::move(done->socket);
  return Answer::kOk;
}

Result<Done, HostedPoolError> Connection::take_over(const Reply& reply, std::vector<UniqueFd> descriptors) {
  if (!is_possible(reply, descriptors))
    return Failure{error(Reason::kProtocol, "the host at " + path_ + " sent a pool that does not fit together")};
  auto control = Mapping::of(descriptors[0].get(), kControlBytes, PROT_READ);
  auto words =
      Mapping::of(descriptors[1].get(), detail::HostedWords<>::bytes_for(reply.max_buffers), PROT_READ | PROT_WRITE);
  auto payload =
      Mapping::of(descriptors[2].get(), stride_for(reply.buffer_bytes) * reply.max_buffers, PROT_READ | PROT_WRITE);
  for (const auto* mapping : {&control, &words, &payload}) {
    if (!*mapping) return Failure{error(Reason::kSystem, "mmap: " + errno_text(mapping->error()))};
  }
  control_ = std::move(*control);
  words_ = std::move(*words);
  payload_ = std::move(*payload);
  words_fd_ = std::move(descriptors[1]);
  payload_fd_ = std::move(descriptors[2]);
  client_ = static_cast<std::uint16_t>(reply.client);
  const ControlPage& page = this->control();
  if (page.magic == kControlMagic && page.max_buffers == reply.max_buffers && page.buffer_bytes == reply.buffer_bytes)
    return Done{};
  return Failure{error(Reason::kProtocol, "the control page of the host at " + path_ + " is of another pool")};
}

// ---- when the host ends ---------------------------------------------------------------------------------------------

bool Connection::start_keeping() {
  sigset_t all, before;
  sigfillset(&all);
  // The service's handlers run on the service's threads.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    keeper_ = std::thread([this] { keep_served(); });
  } catch (const std::system_error&) {
    // no more threads: the pool works without
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return keeper_.joinable();
}

Connection::~Connection() {
  if (::getpid() != process_) {  // the child of a fork() has neither the mappings nor the thread
    for (auto* mapping : {&control_, &words_, &payload_}) mapping->forget();
    if (keeper_.joinable()) keeper_.detach();
  }
  const std::uint64_t one = 1;
  if (keeper_.joinable() && ::write(stop_.get(), &one, sizeof(one)) == sizeof(one)) keeper_.join();
}

bool Connection::wait_for_stop(milliseconds at_most) const {
  pollfd stop{stop_.get(), POLLIN, 0};
  return ::poll(&stop, 1, static_cast<int>(at_most.count())) > 0;
}

// False: the connection is being destroyed. A host says nothing unasked: whatever comes is its end.
bool Connection::wait_for_end_of_host() const {
  std::array<pollfd, 2> both = {{{stop_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
  while (::poll(both.data(), both.size(), -1) <= 0) continue;
  return both[0].revents == 0;
}

void Connection::keep_served() {
  while (wait_for_end_of_host()) {
    is_served_.store(false, std::memory_order_relaxed);
    milliseconds pause = kFirstPause;
    for (Reopened reopened; (reopened = try_reopen()) != Reopened::kYes; pause = std::min(2 * pause, kLongestPause)) {
      if (reopened == Reopened::kNever || wait_for_stop(pause)) return;
    }
    is_served_.store(true, std::memory_order_relaxed);
  }
}

Connection::Reopened Connection::try_reopen() {
  Request request = request_for(RequestKind::kReopen, name_);
  request.client = client_;
  const std::array<int, 2> ours = {words_fd_.get(), payload_fd_.get()};
  auto done = ask(path_, request, ours);
  if (!done || done->reply.answer == Answer::kRetry) return Reopened::kLater;
  if (done->reply.answer != Answer::kOk) return Reopened::kNever;
  if (done->descriptors.size() != 1 || !is_at_least(done->descriptors[0].get(), kControlBytes)) return Reopened::kLater;
  if (control_.replace(done->descriptors[0].get(), PROT_READ) != 0) return Reopened::kLater;
  socket_ = std::move(done->socket);
  return Reopened::kYes;
}

}  // namespace poolscope::hosted
