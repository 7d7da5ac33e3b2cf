#include "probes/go/type_reader.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

namespace poolscope::go {
namespace {

using Reason = TypeError::Reason;

constexpr std::uint8_t kKindMask = 0x1f;
constexpr std::uint8_t kHasExtraStar = 1 << 1;  // the name is stored once for T and *T, with the star
constexpr std::uint64_t kMaxTypeBytes = std::uint64_t{1} << 40;
constexpr std::uint32_t kWordBytes = 8;
constexpr GoVersion kPlainFieldOffsets{1, 19};

struct Descriptor {
  std::uint64_t size_bytes;
  std::uint64_t pointer_bytes;
  std::uint32_t hash;
  std::uint8_t flags;
  std::uint8_t alignment;
  std::uint8_t field_alignment;
  std::uint8_t kind;
  std::uint64_t equal;
  std::uint64_t gc_data;
  std::int32_t name_offset;
  std::int32_t pointer_to_this;
};
static_assert(sizeof(Descriptor) == 48);

struct StructTail {
  std::uint64_t package_path;
  std::uint64_t fields;  // slice of FieldDescriptor
  std::uint64_t field_count;
  std::uint64_t field_capacity;
};

struct FieldDescriptor {
  std::uint64_t name;
  std::uint64_t type;
  std::uint64_t offset;
};

Failure<TypeError> failure(Reason reason, std::uint64_t address) {
  return Failure{TypeError{reason, address}};
}

bool has_element(Kind kind) {
  return kind == Kind::kPointer || kind == Kind::kSlice || kind == Kind::kArray || kind == Kind::kChan;
}

bool fits_shape(const GoType& type) {
  switch (type.kind) {
    case Kind::kPointer:
    case Kind::kChan:
    case Kind::kMap:
    case Kind::kFunc:
    case Kind::kUnsafePointer:
      return type.size_bytes == kWordBytes;
    case Kind::kSlice:
      return type.size_bytes == 3 * kWordBytes;
    default:
      return type.kind != Kind::kInvalid && type.kind <= Kind::kUnsafePointer && type.size_bytes < kMaxTypeBytes;
  }
}

const GoField* field_named(const std::vector<GoField>& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &GoField::name);
  return found == fields.end() ? nullptr : &*found;
}

// Of a slice header at `offset` behind the data word; no buffer when its elements are beyond measure.
BufferLayout slice_layout(BufferLayout::Shape shape, std::uint64_t offset, std::uint64_t element_bytes) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (offset > kMaxTypeNameBytes || element_bytes > kMax) return {};
  const auto start = static_cast<std::uint32_t>(offset);
  return {shape, start + kWordBytes, start + 2 * kWordBytes, static_cast<std::uint32_t>(element_bytes), 0};
}

}  // namespace

std::string describe(const TypeError& error) {
  std::array<char, 24> hex{};
  std::snprintf(hex.data(), hex.size(), "0x%llx", static_cast<unsigned long long>(error.address));
  std::string what = std::string("cannot read the Go type at ") + hex.data() + ": ";
  switch (error.reason) {
    case Reason::kUnreadable:
      return what + "its memory cannot be read; has the process ended, or is this the type of another program?";
    case Reason::kDamaged:
      return what + "what is there is no type descriptor of this Go version";
    case Reason::kNameElsewhere:
      return what + "its name is not among the types of the program; it was made at run time or by a plugin";
  }
  return what;
}

Result<std::string, TypeError> TypeReader::name_at(std::uint64_t address, std::uint64_t type_address) const {
  constexpr std::uint64_t kFlagBytes = 1;
  std::uint64_t length = 0;
  std::uint64_t at = address + kFlagBytes;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = memory_.value<std::uint8_t>(at++);
    if (!byte) return failure(Reason::kUnreadable, type_address);
    length |= std::uint64_t{*byte & 0x7fu} << shift;
    if (length > kMaxTypeNameBytes || shift > 14) return failure(Reason::kDamaged, type_address);
    if ((*byte & 0x80) == 0) break;
  }
  std::string name(length, '\0');
  if (length != 0 && !memory_.read(at, std::as_writable_bytes(std::span(name))))
    return failure(Reason::kUnreadable, type_address);
  return name;
}

Result<GoType, TypeError> TypeReader::read(std::uint64_t address) const {
  const auto descriptor = memory_.value<Descriptor>(address);
  if (!descriptor) return failure(Reason::kUnreadable, address);
  GoType type{.address = address,
              .name = {},
              .kind = static_cast<Kind>(descriptor->kind & kKindMask),
              .size_bytes = descriptor->size_bytes};
  if (!fits_shape(type)) return failure(Reason::kDamaged, address);
  if (has_element(type.kind)) {
    const auto element = memory_.value<std::uint64_t>(address + sizeof(Descriptor));
    if (!element) return failure(Reason::kUnreadable, address);
    type.element_address = *element;
  }
  if (type.kind == Kind::kArray) {
    const auto length = memory_.value<std::uint64_t>(address + sizeof(Descriptor) + 2 * kWordBytes);
    if (!length) return failure(Reason::kUnreadable, address);
    type.array_length = *length;
  }
  const auto name_offset = static_cast<std::uint64_t>(std::int64_t{descriptor->name_offset});
  if (descriptor->name_offset <= 0 || name_offset >= types_end_ - types_start_ || address < types_start_ ||
      address >= types_end_)
    return failure(Reason::kNameElsewhere, address);
  auto name = name_at(types_start_ + name_offset, address);
  if (!name) return Failure{name.error()};
  const bool has_extra_star = (descriptor->flags & kHasExtraStar) != 0 && name->starts_with('*');
  type.name = has_extra_star ? name->substr(1) : *name;
  return type;
}

Result<std::vector<GoField>, TypeError> TypeReader::fields(const GoType& type) const {
  std::vector<GoField> fields;
  if (type.kind != Kind::kStruct) return fields;
  const auto tail = memory_.value<StructTail>(type.address + sizeof(Descriptor));
  if (!tail) return failure(Reason::kUnreadable, type.address);
  if (tail->field_count > kMaxStructFields) return failure(Reason::kDamaged, type.address);
  std::vector<FieldDescriptor> descriptors(tail->field_count);
  if (!descriptors.empty() && !memory_.read(tail->fields, std::as_writable_bytes(std::span(descriptors))))
    return failure(Reason::kUnreadable, type.address);
  for (const FieldDescriptor& each : descriptors) {
    auto name = name_at(each.name, type.address);
    if (!name) return Failure{name.error()};
    const std::uint64_t offset = version_ < kPlainFieldOffsets ? each.offset >> 1 : each.offset;
    if (offset > type.size_bytes) return failure(Reason::kDamaged, type.address);
    fields.push_back({std::move(*name), each.type, offset});
  }
  return fields;
}

Result<BufferLayout, TypeError> TypeReader::buffer_layout(std::uint64_t address) const {
  using Shape = BufferLayout::Shape;
  const auto outer = read(address);
  if (!outer) return Failure{outer.error()};
  if (outer->kind != Kind::kSlice && outer->kind != Kind::kPointer) return BufferLayout{};
  const auto inner = read(outer->element_address);
  if (!inner) return Failure{inner.error()};
  if (outer->kind == Kind::kSlice) return slice_layout(Shape::kSlice, 0, inner->size_bytes);
  if (inner->kind == Kind::kSlice) {
    const auto element = read(inner->element_address);
    if (!element) return Failure{element.error()};
    return slice_layout(Shape::kSlicePointer, 0, element->size_bytes);
  }
  return inner->kind == Kind::kStruct ? layout_of_struct(*inner) : Result<BufferLayout, TypeError>(BufferLayout{});
}

// A package of the program may be called bytes or strings too, so the fields must be those of the standard library.
Result<BufferLayout, TypeError> TypeReader::layout_of_struct(const GoType& type) const {
  using Shape = BufferLayout::Shape;
  const bool is_bytes_buffer = type.name == "bytes.Buffer";
  if (!is_bytes_buffer && type.name != "strings.Builder") return BufferLayout{};
  const auto all = fields(type);
  if (!all) return Failure{all.error()};
  const GoField* buffer = field_named(*all, "buf");
  const GoField* other = field_named(*all, is_bytes_buffer ? "off" : "addr");
  if (buffer == nullptr || other == nullptr) return BufferLayout{};
  const auto slice = read(buffer->type_address);
  if (!slice) return Failure{slice.error()};
  if (slice->name != "[]uint8") return BufferLayout{};
  const auto shape = is_bytes_buffer ? Shape::kBytesBuffer : Shape::kStringsBuilder;
  BufferLayout layout = slice_layout(shape, buffer->offset_bytes, 1);
  if (is_bytes_buffer) layout.read_offset = static_cast<std::uint32_t>(other->offset_bytes);
  return layout;
}

}  // namespace poolscope::go
