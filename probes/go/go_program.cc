#include "probes/go/go_program.h"

#include <cstdlib>
#include <utility>

namespace poolscope::go {
namespace {

using Reason = GoProgramError::Reason;

constexpr GoVersion kOldest{1, 17};
constexpr GoVersion kVerified{1, 19};

bool has_function_symbols(const elf::ElfFile& file) {
  return file.has_full_symbols() && !file.find_function("runtime.text").empty();
}

std::string text_of(GoVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace

std::string describe(const GoProgramError& error) {
  switch (error.reason) {
    case Reason::kNotGo:
      return error.object + " is no Go program: " + error.detail;
    case Reason::kTooOld:
      return error.object + " was built with " + error.detail + ": Go pools can be measured from Go 1.17 on";
    case Reason::kVersionUnknown:
      return error.object + " does not say which Go built it (\"" + error.detail + "\"); use a released Go";
    case Reason::kNoFunctions:
    case Reason::kDamagedBuildInfo:
      return error.detail;
  }
  std::abort();
}

Result<std::unique_ptr<GoProgram>, GoProgramError> GoProgram::open(const elf::ElfFile& file) {
  if (file.image() == nullptr) std::abort();
  const auto failure = [&](Reason reason, std::string detail) {
    return Failure{GoProgramError{reason, file.display_name(), std::move(detail)}};
  };
  FileMemory memory(*file.image());
  auto info = read_build_info(*file.image(), memory);
  if (!info && info.error().reason == BuildInfoError::Reason::kDamaged)
    return failure(Reason::kDamagedBuildInfo, describe(info.error()));
  // A program without Go's build information may still be Go (built by Bazel, or obfuscated): its table tells. It is
  // looked for outside its section only in what says that it is Go: that takes a pass over the whole file.
  if (!info && !PcLineTable::has_section(*file.image())) return failure(Reason::kNotGo, info.error().detail);
  auto table = PcLineTable::open(file, memory);
  if (!info || !info->version) return failure(Reason::kVersionUnknown, info ? info->version_text : "");
  if (*info->version < kOldest) return failure(Reason::kTooOld, info->version_text);
  if (!table && !has_function_symbols(file)) return failure(Reason::kNoFunctions, describe(table.error()));
  std::optional<PcLineTable> functions;
  if (table) functions = std::move(*table);
  return std::unique_ptr<GoProgram>(new GoProgram(file, std::move(memory), std::move(*info), std::move(functions)));
}

GoProgram::GoProgram(const elf::ElfFile& file, FileMemory memory, BuildInfo info, std::optional<PcLineTable> table)
    : file_(file),
      memory_(std::move(memory)),
      build_info_(std::move(info)),
      table_(std::move(table)),
      variables_(file) {
  const std::string* race = build_info_.setting("-race");
  // settings are there since Go 1.18, and not when `go tool link` is run by hand; the function only with -race
  has_race_detector_ = race != nullptr ? *race == "true" : find_function("runtime.racefuncenter").has_value();
}

bool GoProgram::is_verified() const {
  return version() == kVerified;
}

std::string GoProgram::verification_text() const {
  if (is_verified()) return {};
  return "unverified: layouts of Go " + text_of(version()) + " are known from its sources only, proved is Go " +
         text_of(kVerified);
}

std::optional<GoFunction> GoProgram::find_function(std::string_view name) const {
  const auto symbols = file_.find_function(name);
  if (!symbols.empty()) return GoFunction{symbols.front()->name, symbols.front()->address, symbols.front()->size_bytes};
  return table_ ? table_->find(name) : std::nullopt;
}

std::optional<GoFunction> GoProgram::function_at(std::uint64_t address) const {
  const elf::Symbol* symbol = file_.function_at(address);
  if (symbol != nullptr) return GoFunction{symbol->name, symbol->address, symbol->size_bytes};
  return table_ ? table_->at(address) : std::nullopt;
}

void GoProgram::for_each_function(const std::function<void(const GoFunction&)>& visit) const {
  for (const auto& symbol : file_.functions()) visit({symbol.name, symbol.address, symbol.size_bytes});
  if (!table_) return;
  for (std::size_t i = 0; i < table_->function_count(); ++i) {
    if (const auto function = table_->function(i)) visit(*function);
  }
}

std::optional<GoProgram::TypeRange> GoProgram::types() const {
  if (!table_ || !table_->module_data()) return std::nullopt;
  return TypeRange{table_->module_data()->types_start, table_->module_data()->types_end};
}

}  // namespace poolscope::go
