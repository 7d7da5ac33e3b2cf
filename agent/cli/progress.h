#pragma once
// One line on stderr for anything that takes more than two seconds: elapsed, left, what it waits for. Erased at the end;
// silent when stderr is no terminal.
//   Threads   one.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace poolscope::cli {

// "attach redis-server: 12 s of 30 s, 18 s left; waiting for 7 more bursts". Without `total` there is nothing left to say.
[[nodiscard]] std::string progress_text(std::string_view activity, std::chrono::nanoseconds elapsed,
                                        std::optional<std::chrono::nanoseconds> total, std::string_view waiting_for);

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Progress(std::string activity, std::optional<std::chrono::nanoseconds> total = std::nullopt);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Call as often as you like; draws at most five times a second.
  void update(std::string_view waiting_for);
  // Before anything else writes to the terminal.
  void erase();

 private:
  std::string activity_;
  std::optional<std::chrono::nanoseconds> total_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_at_{};
  bool is_terminal_;
  bool is_drawn_ = false;
};

}  // namespace poolscope::cli
