#include "probes/collectors/go_pool_names.h"

#include <algorithm>

#include <fmt/format.h>

#include "probes/go/function_names.h"

namespace poolscope::probes {

GoPoolNames::GoPoolNames(const go::GoProgram& program, pid_t pid, std::uint64_t bias, std::uint32_t new_offset)
    : program_(program), fields_(program.file()), memory_(pid), bias_(bias), new_offset_(new_offset) {
  for (const auto& segment : program.file().image()->segments()) {
    if (segment.p_type == PT_LOAD) static_end_ = std::max(static_end_, segment.p_vaddr + segment.p_memsz);
  }
}

bool GoPoolNames::is_static(std::uint64_t address) const {
  return address >= bias_ && address - bias_ < static_end_;
}

model::PoolIdentity GoPoolNames::identity(std::uint64_t pool, std::uint64_t type) {
  auto found = pools_.find(pool);
  if (found == pools_.end()) found = pools_.emplace(pool, name_pool(pool)).first;
  model::PoolIdentity& identity = found->second;
  const Type* known = identity.element.empty() && type != 0 ? type_at(type) : nullptr;
  if (known == nullptr) return identity;
  identity.element = known->name;
  if (identity.name.empty() && identity.library.empty()) identity.library = library_of_type(known->name);
  return identity;
}

std::string GoPoolNames::new_function_of(std::uint64_t pool) const {
  const auto closure = memory_.value<std::uint64_t>(pool + new_offset_);
  if (!closure || *closure == 0) return "";
  const auto code = memory_.value<std::uint64_t>(*closure);
  if (!code || *code < bias_) return "";
  const auto function = program_.function_at(*code - bias_);
  return function ? function->name : "";
}

std::string GoPoolNames::variable_name(std::uint64_t pool) const {
  if (!is_static(pool)) return name_by_pointer(pool);
  const std::uint64_t address = pool - bias_;
  const auto variable = program_.variable_at(address);
  // what a composite literal behind a pointer is made from has a name that nobody wrote: "main..stmp_3"
  const bool is_written = variable && variable->name.find("..") == std::string::npos;
  if (!is_written) {
    std::string name = name_by_pointer(pool);
    if (!name.empty() || !variable) return name;
  }
  if (const auto path = fields_.path(variable->address, variable->offset)) return variable->name + *path;
  return variable->offset == 0 ? variable->name : fmt::format("{}+{:#x}", variable->name, variable->offset);
}

std::string GoPoolNames::name_by_pointer(std::uint64_t pool) const {
  for (const auto& pointer : fields_.pointers()) {
    const auto target = memory_.value<std::uint64_t>(pointer.address + bias_);
    if (!target || *target == 0 || *target > pool) continue;
    if (auto name = fields_.name_behind(pointer, pool - *target)) return std::move(*name);
  }
  return "";
}

model::PoolIdentity GoPoolNames::name_pool(std::uint64_t pool) {
  model::PoolIdentity identity;
  identity.kind = "go_sync_pool";
  identity.new_function = new_function_of(pool);
  identity.name = variable_name(pool);
  if (!identity.name.empty()) {
    identity.library = library_of(identity.name);
    return identity;
  }
  identity.library = library_of(identity.new_function);
  if (is_static(pool)) {
    identity.name = identity.new_function;
    identity.address = fmt::format("{:#x}", pool - bias_);
  } else {
    identity.name = (identity.new_function.empty() ? "pool without New" : identity.new_function) + " (heap)";
  }
  return identity;
}

std::string GoPoolNames::library_of(const std::string& symbol) const {
  const std::string package = go::package_of(symbol);
  if (package.empty() || package == "main") return "";
  const auto& info = program_.build_info();
  const std::string root = go::own_root(info.main_module, info.main_package);
  const bool is_own = !root.empty() && (package == root || package.starts_with(root + "/")) &&
                      package.find("/vendor/") == std::string::npos;
  return is_own ? "" : package;
}

// Type names have the package's name, not its path: "*json.encodeState".
std::string GoPoolNames::library_of_type(const std::string& type) {
  const std::size_t start = type.find_first_not_of("*[]");
  const std::size_t dot = type.find('.');
  if (start == std::string::npos || dot == std::string::npos || dot < start) return "";
  const std::string package = type.substr(start, dot - start);
  return package == "main" ? "" : package;
}

const GoPoolNames::Type* GoPoolNames::type_at(std::uint64_t address) {
  auto found = types_.find(address);
  if (found == types_.end()) found = types_.emplace(address, read_type(address)).first;
  return found->second ? &*found->second : nullptr;
}

std::optional<GoPoolNames::Type> GoPoolNames::read_type(std::uint64_t address) const {
  const auto range = program_.types();
  if (!range) return std::nullopt;
  const go::TypeReader reader(memory_, program_.version(), range->start + bias_, range->end + bias_);
  const auto type = reader.read(address);
  if (!type) return std::nullopt;
  Type result{type->name, {}, type->size_bytes};
  if (type->kind == go::Kind::kPointer) {
    const auto pointee = reader.read(type->element_address);
    result.object_bytes = pointee ? pointee->size_bytes : 0;
  }
  const auto layout = reader.buffer_layout(address);
  if (layout && layout->shape != go::BufferLayout::Shape::kNone) {
    result.element = {layout->length_offset, layout->capacity_offset, layout->element_bytes, 0};
  }
  return result;
}

std::optional<pool_element> GoPoolNames::element(std::uint64_t type) {
  const Type* known = type_at(type);
  return known != nullptr ? std::optional(known->element) : std::nullopt;
}

std::optional<std::uint64_t> GoPoolNames::capacity_bytes(std::uint64_t type, std::uint64_t object) {
  const auto layout = element(type);
  if (!layout || layout->element_bytes == 0) return std::nullopt;
  const auto capacity = memory_.value<std::uint64_t>(object + layout->capacity_offset);
  if (!capacity || *capacity > POOL_MAX_SIZE / layout->element_bytes) return std::nullopt;
  return *capacity * layout->element_bytes;
}

std::uint64_t GoPoolNames::object_bytes(std::uint64_t type) {
  const Type* known = type_at(type);
  return known != nullptr && known->element.element_bytes == 0 ? known->object_bytes : 0;
}

}  // namespace poolscope::probes
