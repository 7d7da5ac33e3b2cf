#pragma once
// Source: where snapshots come from, a live agent or a file; the viewer does not know which.
//   Threads   the caller's, and one of its own for everything that waits: no function here waits for a network or a disk.
//   Wake      is called from that thread when take() has something new; it must only wake the caller up.
//   Pace      what came is held until it is taken, and nothing more is asked for meanwhile.
//   End       the destructor ends what is under way, within a fraction of a second.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ui/model/delivery.h"

namespace poolscope::viewer {

class Source {
 public:
  using Wake = std::function<void()>;

  virtual ~Source() = default;
  // What has come since the last call; empty most of the time.
  [[nodiscard]] virtual Delivery take() = 0;
  // An estimate of that range, by a later take(). The newest question takes the place of one that nobody works on yet.
  virtual void ask_for(const TimeRange& range) = 0;
  // The limit of a hosted pool; what became of it comes by a later take().
  virtual void resize_pool(const std::string& pool, std::uint64_t buffers) = 0;
  [[nodiscard]] virtual bool is_live() const = 0;
};

struct SourceOptions {
  std::string address;  // URL of an agent, HOST:PORT, or a file: a recording, a folder of them, a JSON report
  std::string token;    // for changing pools; empty: that is not possible
};

// Starts at once; what is wrong with the address comes by take().
[[nodiscard]] std::unique_ptr<Source> open_source(const SourceOptions& options, Source::Wake wake);
// Whether an address is that of an agent: a URL, or no file of that name is there and it looks like HOST:PORT.
[[nodiscard]] bool is_agent_address(const std::string& address);

}  // namespace poolscope::viewer
