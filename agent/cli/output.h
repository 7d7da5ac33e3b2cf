#pragma once
// Where the text of a command goes: stdout, stderr, or a file that is either complete or untouched.

#include <string>
#include <string_view>

#include <unistd.h>

#include "poolscope/result.h"

namespace poolscope::cli {

// Writes all of `text`; 0 or the errno of the write that failed.
[[nodiscard]] int write_all(int fd, std::string_view text);

// Writes `text` to stdout (or stderr); gives the exit code of a command that has nothing more to say. A reader that
// went away (`| head`) is no failure; anything else (no space, closed stdout) is told on stderr.
[[nodiscard]] int print(std::string_view text, int fd = STDOUT_FILENO);

// Tells `poolscope: MESSAGE` on stderr and gives kExitFailed, for `return fail(...)`.
int fail(std::string_view message);

// Replaces the file at `path` in one step: a temporary file beside it is filled, synced and renamed. A failure leaves
// what was there and no temporary file. Links are followed; a device or a pipe is written to directly.
[[nodiscard]] Result<Done, std::string> write_output(const std::string& path, std::string_view text);

}  // namespace poolscope::cli
