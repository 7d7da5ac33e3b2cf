// Types of a program: against what reflect says inside it, by hand for other releases, and in hostile memory.
#include "probes/go/type_reader.h"

#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using Reason = TypeError::Reason;
using Shape = BufferLayout::Shape;

constexpr std::uint64_t kInterfaceBytes = 16;

TypeReader reader_of(const OpenedProgram& program) {
  return {program->memory(), program->version(), program->types()->start, program->types()->end};
}

// Addresses of the types in main.Examples, an array of interfaces.
std::vector<std::uint64_t> example_types(const OpenedProgram& program) {
  std::vector<std::uint64_t> types;
  const auto examples = program->find_variable("main.Examples");
  for (std::uint64_t at = 0; examples && at < examples->size_bytes; at += kInterfaceBytes)
    types.push_back(program->memory().value<std::uint64_t>(examples->address + at).value());
  return types;
}

// As programs/pools prints them.
std::string line_of(const TypeReader& reader, const GoType& type) {
  std::ostringstream line;
  line << type.name << '\t' << static_cast<int>(type.kind) << '\t' << type.size_bytes;
  const auto fields = reader.fields(type);
  if (!fields) return describe(fields.error());
  for (const GoField& field : *fields) line << '\t' << field.name << ':' << field.offset_bytes;
  return line.str();
}

class RealTypes : public testing::TestWithParam<Build> {};
INSTANTIATE_TEST_SUITE_P(Builds, RealTypes, testing::Values(Build::kPlain, Build::kPie, Build::kRace),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(RealTypes, AreWhatReflectSaysOfThem) {
  const auto program = open_program(GetParam());
  const TypeReader reader = reader_of(program);
  std::istringstream truth(output_of(built(GetParam())));
  int count = 0;
  for (const std::uint64_t address : example_types(program)) {
    const auto type = reader.read(address);
    ASSERT_TRUE(type) << describe(type.error());
    std::string expected;
    ASSERT_TRUE(std::getline(truth, expected));
    EXPECT_EQ(line_of(reader, *type), expected);
    ++count;
  }
  EXPECT_GT(count, 10);
}

TEST_P(RealTypes, LeadToTheirElements) {
  const auto program = open_program(GetParam());
  const TypeReader reader = reader_of(program);
  const auto pointer = reader.read(example_types(program).front());
  ASSERT_TRUE(pointer);
  EXPECT_EQ(pointer->name, "*[]uint8");
  const auto slice = reader.read(pointer->element_address);
  ASSERT_TRUE(slice);
  EXPECT_EQ(slice->name, "[]uint8");
  EXPECT_EQ(reader.read(slice->element_address)->kind, Kind::kUint8);
}

TEST_P(RealTypes, TellHowToReadABufferOfThem) {
  struct Expected {
    Shape shape;
    std::uint32_t length_offset, capacity_offset, element_bytes, read_offset;
  };
  const std::map<std::string, Expected> expected = {
      {"*[]uint8", {Shape::kSlicePointer, 8, 16, 1, 0}},
      {"*main.Chunk", {Shape::kSlicePointer, 8, 16, 4, 0}},
      {"*[]main.Request", {Shape::kSlicePointer, 8, 16, 56, 0}},
      {"*[][4]string", {Shape::kSlicePointer, 8, 16, 64, 0}},
      {"*[]struct {}", {Shape::kSlicePointer, 8, 16, 0, 0}},
      {"[]uint8", {Shape::kSlice, 8, 16, 1, 0}},
      {"main.Chunk", {Shape::kSlice, 8, 16, 4, 0}},
      {"[]string", {Shape::kSlice, 8, 16, 16, 0}},
      {"*strings.Builder", {Shape::kStringsBuilder, 16, 24, 1, 0}},
  };
  const auto program = open_program(GetParam());
  const TypeReader reader = reader_of(program);
  int buffers = 0, bytes_buffers = 0;
  for (const std::uint64_t address : example_types(program)) {
    const auto name = reader.read(address)->name;
    const auto layout = reader.buffer_layout(address);
    ASSERT_TRUE(layout) << name;
    const auto known = expected.find(name);
    if (name == "*bytes.Buffer" && layout->shape != Shape::kNone) {
      EXPECT_EQ(layout->shape, Shape::kBytesBuffer);
      EXPECT_EQ(layout->length_offset, 8u);
      EXPECT_EQ(layout->capacity_offset, 16u);
      EXPECT_EQ(layout->read_offset, 24u);
      ++bytes_buffers;
    } else if (known == expected.end()) {
      EXPECT_EQ(layout->shape, Shape::kNone) << name;
    } else {
      EXPECT_EQ(layout->shape, known->second.shape) << name;
      EXPECT_EQ(layout->length_offset, known->second.length_offset) << name;
      EXPECT_EQ(layout->capacity_offset, known->second.capacity_offset) << name;
      EXPECT_EQ(layout->element_bytes, known->second.element_bytes) << name;
      ++buffers;
    }
  }
  EXPECT_EQ(buffers, static_cast<int>(expected.size()));
  EXPECT_EQ(bytes_buffers, 1) << "the program has a bytes.Buffer of its own, which is no buffer";
}

TEST(StrippedTypes, AreReadWhereDataPointsToThem) {
  const auto program = open_program(Build::kStripped);
  const TypeReader reader = reader_of(program);
  std::set<std::string> names;
  for (const auto& span : program->memory().spans()) {
    if (!span.is_writable) continue;
    for (std::uint64_t at = 0; at + 8 <= span.size_bytes; at += 8) {
      const auto word = program->memory().value<std::uint64_t>(span.address + at);
      if (!word || *word < program->types()->start || *word >= program->types()->end) continue;
      if (const auto type = reader.read(*word)) names.insert(type->name);
    }
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"*[]uint8", "*main.Request", "*bytes.Buffer", "*strings.Builder"}));
}

// ---- by hand

constexpr std::uint64_t kTypes = 0x10000;
constexpr std::uint64_t kTypesEnd = 0x20000;
constexpr std::uint64_t kNames = kTypes + 0x8000;

// A descriptor of `kind` whose name is at kNames.
FakeMemory& put_type(FakeMemory& memory, std::uint64_t address, Kind kind, std::uint64_t size_bytes,
                     std::int32_t name_offset = kNames - kTypes, std::uint8_t flags = 0) {
  for (std::uint64_t at = 0; at < 80; at += 8) memory.put(address + at, std::uint64_t{0});
  return memory.put(address, size_bytes)
      .put(address + 20, flags)
      .put(address + 23, static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | 0xe0))  // with all its flag bits
      .put(address + 40, name_offset);
}

FakeMemory& put_name(FakeMemory& memory, std::uint64_t address, std::string_view name) {
  memory.put(address, std::uint8_t{0});
  if (name.size() < 128)
    return memory.put(address + 1, static_cast<std::uint8_t>(name.size())).put_text(address + 2, name);
  return memory.put(address + 1, static_cast<std::uint8_t>(name.size() % 128 + 128))
      .put(address + 2, static_cast<std::uint8_t>(name.size() / 128))
      .put_text(address + 3, name);
}

TypeReader reader_of(const FakeMemory& memory, GoVersion version = {1, 19}) {
  return {memory, version, kTypes, kTypesEnd};
}

Reason reason_of(const FakeMemory& memory, std::uint64_t address = kTypes + 8) {
  const auto type = reader_of(memory).read(address);
  if (type) throw std::runtime_error("was read");
  return type.error().reason;
}

TEST(TypeByHand, DropsTheStarThatIsOnlyStoredForItsPointer) {
  FakeMemory memory;
  put_name(put_type(memory, kTypes + 8, Kind::kInt, 8, kNames - kTypes, 1 << 1), kNames, "*main.T");
  const auto type = reader_of(memory).read(kTypes + 8);
  ASSERT_TRUE(type);
  EXPECT_EQ(type->name, "main.T");
  EXPECT_EQ(type->kind, Kind::kInt);
}

TEST(TypeByHand, HasNamesLongerThanOneLengthByteCanSay) {
  const std::string name(300, 'n');
  FakeMemory memory;
  put_name(put_type(memory, kTypes + 8, Kind::kInt, 8), kNames, name);
  EXPECT_EQ(reader_of(memory).read(kTypes + 8)->name, name);
}

TEST(TypeByHand, HasFieldOffsetsShiftedBefore119) {
  constexpr std::uint64_t kFields = kTypes + 0x100;
  FakeMemory memory;
  put_name(put_type(memory, kTypes + 8, Kind::kStruct, 64), kNames, "main.T");
  memory.put(kTypes + 8 + 56, kFields).put(kTypes + 8 + 64, std::uint64_t{1}).put(kTypes + 8 + 72, std::uint64_t{1});
  put_name(memory, kNames + 0x100, "field");
  memory.put(kFields, std::uint64_t{kNames + 0x100})
      .put(kFields + 8, std::uint64_t{kTypes + 8})
      .put(kFields + 16, std::uint64_t{48});
  for (const auto& [version, offset] : {std::pair(GoVersion{1, 18}, 24u), std::pair(GoVersion{1, 19}, 48u)}) {
    const TypeReader reader = reader_of(memory, version);
    const auto fields = reader.fields(*reader.read(kTypes + 8));
    ASSERT_TRUE(fields);
    EXPECT_EQ(fields->at(0).offset_bytes, offset);
    EXPECT_EQ(fields->at(0).name, "field");
  }
}

TEST(HostileType, IsUnreadableWhereThereIsNoMemory) {
  FakeMemory memory;
  EXPECT_EQ(reason_of(memory), Reason::kUnreadable);
  put_type(memory, kTypes + 8, Kind::kInt, 8);
  EXPECT_EQ(reason_of(memory), Reason::kUnreadable) << "its name cannot be read";
  EXPECT_THAT(describe(TypeError{Reason::kUnreadable, 0x1234}), testing::HasSubstr("0x1234"));
}

TEST(HostileType, IsDamagedWithAKindThatDoesNotExistOrASizeThatDoesNotFit) {
  for (const auto& [kind, size] :
       {std::pair(Kind::kInvalid, 8ull), std::pair(static_cast<Kind>(27), 8ull), std::pair(Kind::kPointer, 16ull),
        std::pair(Kind::kSlice, 8ull), std::pair(Kind::kStruct, ~0ull)}) {
    FakeMemory memory;
    put_name(put_type(memory, kTypes + 8, kind, size), kNames, "T");
    EXPECT_EQ(reason_of(memory), Reason::kDamaged) << static_cast<int>(kind);
  }
}

TEST(HostileType, HasNoNameOutsideTheModule) {
  for (const std::int32_t offset : {0, -1, static_cast<std::int32_t>(kTypesEnd - kTypes), 0x7fffffff}) {
    FakeMemory memory;
    put_name(put_type(memory, kTypes + 8, Kind::kInt, 8, offset), kNames, "T");
    EXPECT_EQ(reason_of(memory), Reason::kNameElsewhere) << offset;
  }
  FakeMemory memory;
  put_name(put_type(memory, kTypesEnd, Kind::kInt, 8), kNames, "T");
  EXPECT_EQ(reason_of(memory, kTypesEnd), Reason::kNameElsewhere) << "a type of a plugin";
}

TEST(HostileType, MayNotHaveANameWithoutEndOrBeyondTheLimit) {
  FakeMemory memory;
  put_type(memory, kTypes + 8, Kind::kInt, 8);
  for (int i = 0; i < 16; ++i) memory.put(kNames + static_cast<std::uint64_t>(i), std::uint8_t{0xff});
  EXPECT_EQ(reason_of(memory), Reason::kDamaged);
}

TEST(HostileType, MayNotHaveFieldsBeyondTheLimit) {
  FakeMemory memory;
  put_name(put_type(memory, kTypes + 8, Kind::kStruct, 64), kNames, "main.T");
  memory.put(kTypes + 8 + 64, kMaxStructFields + 1);
  const TypeReader reader = reader_of(memory);
  const auto fields = reader.fields(*reader.read(kTypes + 8));
  ASSERT_FALSE(fields);
  EXPECT_EQ(fields.error().reason, Reason::kDamaged);
}

TEST(HostileType, ThatIsItsOwnElementComesToAnEnd) {
  FakeMemory memory;
  put_name(put_type(memory, kTypes + 8, Kind::kPointer, 8), kNames, "T");
  memory.put(kTypes + 8 + 48, std::uint64_t{kTypes + 8});
  const auto layout = reader_of(memory).buffer_layout(kTypes + 8);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->shape, Shape::kNone);
}

}  // namespace
}  // namespace poolscope::go
