#pragma once
// TypeReader: reads the type descriptors (abi.Type, once runtime._type) of a Go program from its memory.
//   Layout   one for Go 1.17 to 1.26: size 0, hash 16, tflag 20, kind 23, name offset 40; what a kind adds from 48 on.
//            Proved for 1.19. Names have a varint length since 1.17; field offsets were shifted left by one bit before
//            1.19.
//   Names    lie in the types of the module; a type that the program made at run time (reflect.StructOf) has its name
//            elsewhere and gives kNameElsewhere.
//   Hostile  lengths and counts are capped (kMaxTypeNameBytes, kMaxStructFields); nothing is followed deeper than asked
//            for.
//   Lifetime the memory must outlive this. Addresses are those of `memory`: of a process they include the load bias.

#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/go/build_info.h"
#include "probes/go/memory_reader.h"

namespace poolscope::go {

inline constexpr std::uint64_t kMaxTypeNameBytes = 4096;
inline constexpr std::uint64_t kMaxStructFields = 4096;

// reflect.Kind, by its numbers.
enum class Kind : std::uint8_t {
  kInvalid = 0,
  kBool,
  kInt,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kUintptr,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
  kArray,
  kChan,
  kFunc,
  kInterface,
  kMap,
  kPointer,
  kSlice,
  kString,
  kStruct,
  kUnsafePointer
};

struct GoType {
  std::uint64_t address = 0;
  std::string name;  // "*[]uint8", "*bytes.Buffer", "*main.Request": package names, not paths
  Kind kind = Kind::kInvalid;
  std::uint64_t size_bytes = 0;
  std::uint64_t element_address = 0;  // descriptor of what a pointer, slice, array or channel holds; 0 for other kinds
  std::uint64_t array_length = 0;
};

struct GoField {
  std::string name;
  std::uint64_t type_address = 0;
  std::uint64_t offset_bytes = 0;
};

struct TypeError {
  enum class Reason { kUnreadable, kDamaged, kNameElsewhere };
  Reason reason;
  std::uint64_t address = 0;  // of the descriptor
};
[[nodiscard]] std::string describe(const TypeError& error);

// How to find length and capacity of a buffer from the data word of the interface value that holds it. The data word is
// always a pointer here, and offsets count from where it points.
struct BufferLayout {
  enum class Shape {
    kNone,            // no buffer that we know how to read
    kSlicePointer,    // *[]T
    kSlice,           // []T: the interface points to a copy of the slice header
    kBytesBuffer,     // *bytes.Buffer
    kStringsBuilder,  // *strings.Builder
  };
  Shape shape = Shape::kNone;
  std::uint32_t length_offset = 0;    // of the length, in elements; 8 bytes
  std::uint32_t capacity_offset = 0;  // of the capacity, in elements; 8 bytes
  std::uint32_t element_bytes = 0;    // 0 for slices of struct{}
  std::uint32_t read_offset = 0;      // kBytesBuffer only: of the number of bytes that were read out of it already
};

class TypeReader {
 public:
  // [types_start, types_end): GoProgram::types(), plus the load bias of the process.
  TypeReader(const MemoryReader& memory, GoVersion version, std::uint64_t types_start, std::uint64_t types_end)
      : memory_(memory), version_(version), types_start_(types_start), types_end_(types_end) {}

  [[nodiscard]] Result<GoType, TypeError> read(std::uint64_t address) const;
  // Of a struct; empty for every other kind.
  [[nodiscard]] Result<std::vector<GoField>, TypeError> fields(const GoType& type) const;
  // What the first word of an interface (`any`) says about its second.
  [[nodiscard]] Result<BufferLayout, TypeError> buffer_layout(std::uint64_t address) const;

 private:
  [[nodiscard]] Result<std::string, TypeError> name_at(std::uint64_t address, std::uint64_t type_address) const;
  [[nodiscard]] Result<BufferLayout, TypeError> layout_of_struct(const GoType& type) const;

  const MemoryReader& memory_;
  GoVersion version_;
  std::uint64_t types_start_;
  std::uint64_t types_end_;
};

}  // namespace poolscope::go
