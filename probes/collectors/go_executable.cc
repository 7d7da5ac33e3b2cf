#include "probes/collectors/go_executable.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "probes/process/process.h"

namespace poolscope::probes {

std::string reason_label(GoExecutableError::Reason reason) {
  switch (reason) {
    case GoExecutableError::Reason::kNotGo:
      return "not_go";
    case GoExecutableError::Reason::kNoFile:
    case GoExecutableError::Reason::kUnusable:
      return "unreadable";
  }
  std::abort();
}

Result<std::shared_ptr<const GoExecutable>, GoExecutableError> GoExecutable::open(const ProcessImage& image) {
  using Reason = GoExecutableError::Reason;
  const auto status = process::read_status(image.key().pid);
  const auto& objects = image.objects();
  const auto object = std::ranges::find_if(
      objects, [&](const LoadedObject& each) { return status && each.mapped.path == status->executable; });
  if (object == objects.end() || object->file->image() == nullptr) {
    return Failure{GoExecutableError{Reason::kNoFile, "the program file of the process cannot be read"}};
  }
  auto program = go::GoProgram::open(*object->file);
  if (!program) {
    const bool not_go = program.error().reason == go::GoProgramError::Reason::kNotGo;
    return Failure{GoExecutableError{not_go ? Reason::kNotGo : Reason::kUnusable, go::describe(program.error())}};
  }
  return std::shared_ptr<const GoExecutable>(new GoExecutable{*object, std::move(*program)});
}

}  // namespace poolscope::probes
