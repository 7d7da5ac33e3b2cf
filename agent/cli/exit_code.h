#pragma once
// What the poolscope command says to the shell. `run` adds the exit code of the program it started.

namespace poolscope::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;  // bad options, unknown command, bad configuration file

}  // namespace poolscope::cli
