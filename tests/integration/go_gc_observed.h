#pragma once
// Observed: a running Go program, its executable opened as the agent opens it.

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <sys/types.h>

#include "probes/collectors/go_runtime.h"
#include "probes/collectors/process_image.h"
#include "probes/go/go_program.h"
#include "probes/process/process.h"

namespace poolscope::test {

class Observed {
 public:
  // Throws what is wrong.
  explicit Observed(pid_t pid) {
    const auto status = process::check_observable(pid);
    if (!status) throw std::runtime_error(describe(status.error()));
    auto read = probes::ProcessImage::read(status->key, cache_);
    if (!read) throw std::runtime_error(describe(read.error()));
    image_.emplace(std::move(*read));
    auto opened = go::GoProgram::open(*object().file);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    program_ = std::move(*opened);
  }
  [[nodiscard]] const probes::LoadedObject& object() const { return image_->objects().front(); }
  [[nodiscard]] const go::GoProgram& program() const { return *program_; }
  [[nodiscard]] auto start(std::optional<probes::GcProbing> probing) const {
    return probes::GoRuntime::start(image_->key(), object(), program(), probing);
  }

 private:
  probes::ElfCache cache_;
  std::optional<probes::ProcessImage> image_;
  std::unique_ptr<go::GoProgram> program_;
};

}  // namespace poolscope::test
