#pragma once
// PoolFields: where the sync.Pools of a Go program lie inside its variables, as its DWARF says: ".buffers" in main.server, "[3].pool" in
// main.shards.
//   Pointers  package variables that point to a struct that holds pools are listed: who reads the process can tell what is
//             "main.server->buffers".
//   Cost      one pass over the debug information, when this is made; what is kept are the types that hold pools.
//   Hostile   every count is capped (below), types that hold themselves are cut there. What lies beyond the caps has no name.
//   Lifetime  the file is needed only while this is made.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probes/elf/elf_file.h"

namespace poolscope::go {

inline constexpr std::size_t kMaxFieldEntries = 8'000'000;  // of the debug information
inline constexpr std::size_t kMaxFieldTypes = 200'000;      // looked at
inline constexpr std::size_t kMaxTypeMembers = 4'096;       // of one struct
inline constexpr std::size_t kMaxFieldMembers = 4'000'000;  // of all, looked at
inline constexpr std::size_t kMaxFieldsKept = 100'000;
inline constexpr std::size_t kMaxFieldNameBytes = 1'024;  // longer ones are left out
inline constexpr unsigned kMaxFieldDepth = 32;            // of structs and arrays in each other
inline constexpr std::size_t kMaxPoolVariables = 10'000;
inline constexpr std::size_t kMaxPoolPointers = 256;

class PoolFields {
 public:
  // `file` must have an image (ElfFile::image()). Its debug file is looked into when it has no debug information itself.
  explicit PoolFields(const elf::ElfFile& file);

  // From the variable at `address` to the pool `offset` bytes into it; "" when the variable is the pool. Nothing when DWARF does not say
  // that a pool begins there.
  [[nodiscard]] std::optional<std::string> path(std::uint64_t address, std::uint64_t offset) const;

  struct Pointer {
    std::string name;           // "main.server"
    std::uint64_t address = 0;  // of the variable, in the file
    std::uint32_t type = 0;     // of what it points to
  };
  [[nodiscard]] std::span<const Pointer> pointers() const { return pointers_; }
  // The whole name of the pool `offset` bytes into what the variable points to: "main.server->buffers", "main.shards[3].pool",
  // "main.pool".
  [[nodiscard]] std::optional<std::string> name_behind(const Pointer& pointer, std::uint64_t offset) const;

 private:
  friend class PoolFieldReader;
  struct Member {
    std::string name;
    std::uint64_t offset = 0;
    std::uint32_t type = 0;
  };
  struct Type {  // one that is or holds a pool
    bool is_pool = false;
    std::uint64_t size_bytes = 0;
    std::vector<Member> members;      // of a struct, those that hold pools
    std::uint32_t element = 0;        // of an array
    std::uint64_t element_bytes = 0;  // 0: no array
  };
  [[nodiscard]] std::optional<std::string> path_in(std::uint32_t type, std::uint64_t offset) const;

  std::vector<Type> types_;
  std::map<std::uint64_t, std::uint32_t> variables_;  // address -> type
  std::vector<Pointer> pointers_;
};

}  // namespace poolscope::go
