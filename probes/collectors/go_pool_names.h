#pragma once
// GoPoolNames: what the pools and element types of one Go process are called. Keeps what it has found.
//   Pool      the variable that holds it: "main.jsonBufferPool"; of a part of one its path, where DWARF tells the type
//             ("main.server.buffers", "main.shards[3].pool"), else its offset ("main.server+0x20").
//   Pointer   the variable that points to it or to the struct it is in, when the pool is first seen: "main.server->buffers". Only
//             with DWARF, and only package variables, not what those point to in turn.
//   Otherwise its New function ("main.init.func1"), with its address in the program file. Other pools on the heap are told apart by
//             their New function only: those that share one are one pool.
//   Element   the type of the objects, read from the process.
//   Library   the package that owns the pool; of a pool without variable and New, the last part of the package of its elements.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "exporters/model/pool_record.h"
#include "probes/bpf/pool_events.h"
#include "probes/collectors/process_memory.h"
#include "probes/go/go_program.h"
#include "probes/go/pool_fields.h"
#include "probes/go/type_reader.h"

namespace poolscope::probes {

class GoPoolNames {
 public:
  // `program` must outlive this. `bias`: process address = address in the file + bias.
  GoPoolNames(const go::GoProgram& program, pid_t pid, std::uint64_t bias, std::uint32_t new_offset);

  // `type`: of an object in it, 0 when none was seen yet.
  [[nodiscard]] model::PoolIdentity identity(std::uint64_t pool, std::uint64_t type);
  // Where length and capacity are; nothing when the type cannot be read.
  [[nodiscard]] std::optional<pool_element> element(std::uint64_t type);
  // Capacity of the buffer that an object holds now; nothing when it holds none, or cannot be read.
  [[nodiscard]] std::optional<std::uint64_t> capacity_bytes(std::uint64_t type, std::uint64_t object);
  // Bytes of one object behind a pointer, or of the type itself; 0 when not known.
  [[nodiscard]] std::uint64_t object_bytes(std::uint64_t type);

 private:
  struct Type {
    std::string name;
    pool_element element{};
    std::uint64_t object_bytes = 0;
  };
  [[nodiscard]] const Type* type_at(std::uint64_t address);
  [[nodiscard]] std::optional<Type> read_type(std::uint64_t address) const;
  [[nodiscard]] std::string new_function_of(std::uint64_t pool) const;
  [[nodiscard]] bool is_static(std::uint64_t address) const;
  [[nodiscard]] model::PoolIdentity name_pool(std::uint64_t pool);
  // Of the variable that holds or points to the pool; empty when none is known.
  [[nodiscard]] std::string variable_name(std::uint64_t pool) const;
  [[nodiscard]] std::string name_by_pointer(std::uint64_t pool) const;
  [[nodiscard]] std::string library_of(const std::string& symbol) const;
  [[nodiscard]] static std::string library_of_type(const std::string& type);

  const go::GoProgram& program_;
  go::PoolFields fields_;
  ProcessMemory memory_;
  std::uint64_t bias_;
  std::uint32_t new_offset_;
  std::uint64_t static_end_ = 0;  // address in the file
  std::map<std::uint64_t, model::PoolIdentity> pools_;
  std::map<std::uint64_t, std::optional<Type>> types_;
};

}  // namespace poolscope::probes
