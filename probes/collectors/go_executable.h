#pragma once
// GoExecutable: the Go program that a process runs, in which its pools and its garbage collector are looked for.
//   Lifetime  keeps its file; those who look into it share it.
//   Threads   one.

#include <memory>
#include <string>

#include "poolscope/result.h"
#include "probes/collectors/process_image.h"
#include "probes/go/go_program.h"

namespace poolscope::probes {

struct GoExecutableError {
  enum class Reason {
    kNotGo,
    kNoFile,    // the file cannot be read, so nobody knows whether it is Go
    kUnusable,  // it is Go, but too old, or not to be understood
  };
  Reason reason;
  std::string detail;  // for a person
};
// snake_case, `reason` of the collectors that need it.
[[nodiscard]] std::string reason_label(GoExecutableError::Reason reason);

struct GoExecutable {
  LoadedObject object;
  std::unique_ptr<const go::GoProgram> program;

  [[nodiscard]] static Result<std::shared_ptr<const GoExecutable>, GoExecutableError> open(const ProcessImage& image);
};

}  // namespace poolscope::probes
