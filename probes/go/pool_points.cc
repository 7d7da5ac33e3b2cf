#include "probes/go/pool_points.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "probes/go/function_code.h"
#include "probes/go/stack_check.h"

namespace poolscope::go {
namespace {

using elf::Register;

constexpr const char* kGetName = "sync.(*Pool).Get";
constexpr const char* kPutName = "sync.(*Pool).Put";
constexpr const char* kCleanupName = "sync.poolCleanup";

// Go's registers for the first arguments: Get(pool), Put(pool, x.type, x.data); and for the result x.
constexpr Register kPoolArgument = Register::kRax;
constexpr Register kTypeArgument = Register::kRbx;
constexpr Register kDataArgument = Register::kRcx;
constexpr Register kTypeResult = Register::kRax;
constexpr Register kDataResult = Register::kRbx;

constexpr std::size_t kMaxFollowed = 128;  // instructions, along one way
constexpr std::size_t kMaxBeforeCall = 8;  // between the test of New and its call
constexpr std::uint64_t kWordBytes = 8;

bool is_zero_jump(const elf::Instruction& instruction) {
  const auto mnemonic = instruction.info.mnemonic;
  return (mnemonic == ZYDIS_MNEMONIC_JZ || mnemonic == ZYDIS_MNEMONIC_JNZ) && elf::kernel_emulates(instruction);
}

struct Function {
  GoFunction symbol;
  FunctionCode code;
  ValueFlow flow;
};

struct Opened {
  std::optional<Function> function;
  PointState state = PointState::kUndecodable;
};

Opened open_function(const GoProgram& program, const GoFunction& symbol) {
  Opened result;
  auto code = FunctionCode::read(program.file(), symbol.address, symbol.size_bytes);
  if (!code) return result;
  result.state = PointState::kIndirectJump;
  if (code->has_indirect_jump()) return result;
  auto flow = ValueFlow::run(*code);
  result.state = PointState::kUndecodable;
  if (flow) result.function.emplace(Function{symbol, std::move(*code), std::move(*flow)});
  return result;
}

// Follows the one way that control takes from a zero jump when the value it tests is (not) nil, until it returns,
// reaches `stop`, or depends on something else.
class Way {
 public:
  Way(Function& function, std::size_t jump, bool is_zero, std::optional<std::size_t> stop)
      : function_(function), stop_(stop), is_zero_(is_zero), state_(*function.flow.before(jump)) {
    tested_ = *state_.compared_with_zero;
    std::optional<std::size_t> at = after_jump(jump);
    for (std::size_t steps = 0; at && steps < kMaxFollowed; ++steps) at = follow(*at);
  }
  [[nodiscard]] bool reaches_stop() const { return reaches_stop_; }
  [[nodiscard]] bool returns() const { return returns_; }
  [[nodiscard]] const ValueFlow::State& state() const { return state_; }

 private:
  std::optional<std::size_t> after_jump(std::size_t index) {
    const auto after = function_.code.successors(index);
    const bool jumps_on_zero = function_.code[index].info.mnemonic == ZYDIS_MNEMONIC_JZ;
    return jumps_on_zero == is_zero_ ? after.target : after.next;
  }
  std::optional<std::size_t> follow(std::size_t index) {
    reaches_stop_ = index == stop_;
    const elf::Instruction& instruction = function_.code[index];
    returns_ = instruction.info.meta.category == ZYDIS_CATEGORY_RET;
    if (reaches_stop_ || returns_) return std::nullopt;
    if (is_conditional_jump(instruction)) {
      const bool is_known = is_zero_jump(instruction) && state_.compared_with_zero == tested_;
      return is_known ? after_jump(index) : std::nullopt;
    }
    function_.flow.step(instruction, state_);
    const auto after = function_.code.successors(index);
    return after.target ? after.target : after.next;
  }

  Function& function_;
  std::optional<std::size_t> stop_;
  bool is_zero_;
  ValueId tested_ = 0;
  ValueFlow::State state_;
  bool reaches_stop_ = false;
  bool returns_ = false;
};

std::vector<std::size_t> zero_jumps(const Function& function) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < function.code.size(); ++i) {
    const auto& state = function.flow.before(i);
    if (is_zero_jump(function.code[i]) && state && state->compared_with_zero) found.push_back(i);
  }
  return found;
}

ValueId tested_at(const Function& function, std::size_t jump) {
  return *function.flow.before(jump)->compared_with_zero;
}

std::optional<PoolPoint> point_at(const GoProgram& program, const Function& function, std::size_t index) {
  const elf::Instruction& instruction = function.code[index];
  const auto offset = program.file().file_offset(instruction.address);
  if (!offset) return std::nullopt;
  PoolPoint point;
  point.function_address = function.symbol.address;
  point.address = instruction.address;
  point.file_offset = *offset;
  point.instruction = elf::text_of(instruction);
  return point;
}

// A point at a jump that tests the object or New, with the pool where it is there.
std::optional<PoolPoint> test_point(const GoProgram& program, Function& function, std::size_t jump, PointState& state) {
  const auto pool = function.flow.locate(function.flow.at_entry(kPoolArgument), *function.flow.before(jump));
  state = pool ? PointState::kExact : PointState::kValueLost;
  auto point = point_at(program, function, jump);
  if (!pool || !point) return std::nullopt;
  point->pool = *pool;
  point->tells_outcome = true;
  return point;
}

std::optional<PoolPoint> stack_check_point(const GoProgram& program, const GoFunction& symbol) {
  const auto check = find_stack_check(program, symbol);
  if (!check) return std::nullopt;
  PoolPoint point;
  point.function_address = symbol.address;
  point.address = check->jump.address;
  point.file_offset = check->file_offset;
  point.count_when = check->not_taken;
  point.pool = {ValueLocation::Kind::kRegister, kPoolArgument, 0};
  point.instruction = elf::text_of(check->jump);
  return point;
}

// ---- Put

std::optional<PoolPoint> exact_put(const GoProgram& program, const GoFunction& symbol, PointState& state) {
  auto opened = open_function(program, symbol);
  state = opened.state;
  if (!opened.function) return std::nullopt;
  Function& function = *opened.function;
  state = PointState::kTestNotFound;
  for (const std::size_t jump : zero_jumps(function)) {
    if (tested_at(function, jump) != function.flow.at_entry(kTypeArgument)) continue;
    state = PointState::kNotOncePerCall;
    if (!function.code.runs_once_per_call(jump)) continue;
    auto point = test_point(program, function, jump, state);
    if (!point) continue;
    const auto& values = *function.flow.before(jump);
    point->type = function.flow.locate(function.flow.at_entry(kTypeArgument), values);
    point->data = function.flow.locate(function.flow.at_entry(kDataArgument), values);
    return point;
  }
  return std::nullopt;
}

void find_put(const GoProgram& program, const GoFunction& symbol, PoolPoints& points) {
  points.put = exact_put(program, symbol, points.put_state);
  if (points.put) return;
  points.put = stack_check_point(program, symbol);
  if (!points.put) {
    points.put_state = PointState::kNoStackCheck;
    return;
  }
  points.put->type = ValueLocation{ValueLocation::Kind::kRegister, kTypeArgument, 0};
  points.put->data = ValueLocation{ValueLocation::Kind::kRegister, kDataArgument, 0};
}

// ---- Get

// The function value in the tested field is called when it is not nil: `mov rax, [field]; call rax`.
bool calls_tested_function(Function& function, std::size_t jump) {
  const ValueId tested = tested_at(function, jump);
  const auto after = function.code.successors(jump);
  const bool jumps_when_set = function.code[jump].info.mnemonic == ZYDIS_MNEMONIC_JNZ;
  auto index = jumps_when_set ? after.target : after.next;
  ValueFlow::State state = *function.flow.before(jump);
  for (std::size_t count = 0; index && count < kMaxBeforeCall; ++count) {
    const elf::Instruction& instruction = function.code[*index];
    if (instruction.info.meta.category == ZYDIS_CATEGORY_CALL) {
      const auto& callee = instruction.all_operands[0];
      if (callee.type == ZYDIS_OPERAND_TYPE_MEMORY) {
        const auto base = elf::gpr64_number(callee.mem.base);
        return base && state.registers[*base] == tested;
      }
      const auto number =
          callee.type == ZYDIS_OPERAND_TYPE_REGISTER ? elf::gpr64_number(callee.reg.value) : std::nullopt;
      if (!number) return false;
      const Value& code_pointer = function.flow.value(state.registers[*number]);
      return code_pointer.kind == Value::Kind::kLoaded && code_pointer.base == tested && code_pointer.offset == 0;
    }
    if (elf::ends_straight_line(instruction)) return false;
    function.flow.step(instruction, state);
    index = function.code.successors(*index).next;
  }
  return false;
}

std::optional<std::size_t> find_new_test(Function& function, PoolPoints& points) {
  points.miss_state = PointState::kTestNotFound;
  for (const std::size_t jump : zero_jumps(function)) {
    const Value tested = function.flow.value(tested_at(function, jump));
    const bool is_field = tested.kind == Value::Kind::kLoaded && tested.base == function.flow.at_entry(kPoolArgument) &&
                          tested.offset >= 0 && tested.offset < 4096;
    if (!is_field || !calls_tested_function(function, jump)) continue;
    points.miss_state = PointState::kNotOncePerCall;
    if (!function.code.runs_at_most_once_per_call(jump)) continue;
    points.new_offset = static_cast<std::uint32_t>(tested.offset);
    return jump;
  }
  return std::nullopt;
}

// The test of the object decides between the test of New and returning the object itself.
std::optional<PoolPoint> find_object_test(const GoProgram& program, Function& function, std::size_t new_test,
                                          PointState& state) {
  state = PointState::kTestNotFound;
  for (const std::size_t jump : zero_jumps(function)) {
    if (jump == new_test || !Way(function, jump, /*is_zero=*/true, new_test).reaches_stop()) continue;
    const Way hit(function, jump, /*is_zero=*/false, new_test);
    const ValueId object_type = tested_at(function, jump);
    if (!hit.returns() || hit.state().registers[ValueFlow::number(kTypeResult)] != object_type) continue;
    state = PointState::kNotOncePerCall;
    if (!function.code.runs_once_per_call(jump)) continue;
    auto point = test_point(program, function, jump, state);
    if (!point) continue;
    const auto& values = *function.flow.before(jump);
    point->type = function.flow.locate(object_type, values);
    point->data = function.flow.locate(hit.state().registers[ValueFlow::number(kDataResult)], values);
    return point;
  }
  return std::nullopt;
}

void find_get(const GoProgram& program, const GoFunction& symbol, PoolPoints& points) {
  auto opened = open_function(program, symbol);
  points.get_state = points.miss_state = opened.state;
  if (opened.function) {
    points.get_state = PointState::kTestNotFound;
    if (const auto new_test = find_new_test(*opened.function, points)) {
      points.miss = test_point(program, *opened.function, *new_test, points.miss_state);
      points.get = find_object_test(program, *opened.function, *new_test, points.get_state);
    }
  }
  if (points.get) return;
  points.get = stack_check_point(program, symbol);
  if (!points.get) points.get_state = PointState::kNoStackCheck;
}

// ---- poolCleanup

// poolCleanup ends with `oldPools, allPools = allPools, nil`: length and capacity of one variable are copied to the
// other.
void decode_pool_lists(const GoProgram& program, const GoFunction& cleanup, PoolPoints& points) {
  auto opened = open_function(program, cleanup);
  if (!opened.function) return;
  Function& function = *opened.function;
  std::set<std::pair<std::uint64_t, std::uint64_t>> copies;  // from, to
  for (std::size_t i = 0; i < function.code.size(); ++i) {
    const auto& state = function.flow.before(i);
    const auto store = state ? function.flow.store_to_variable(function.code[i], *state) : std::nullopt;
    if (!store) continue;
    const Value& value = function.flow.value(store->value);
    if (value.kind != Value::Kind::kLoaded) continue;
    const Value& source = function.flow.value(value.base);
    if (source.kind == Value::Kind::kAddress)
      copies.emplace(static_cast<std::uint64_t>(source.offset + value.offset), store->address);
  }
  for (const auto& [from, to] : copies) {
    // the data pointer may be copied by the write barrier, out of sight: length and capacity are enough
    if (!copies.contains({from + kWordBytes, to + kWordBytes})) continue;
    const bool starts_with_data = copies.contains({from + 2 * kWordBytes, to + 2 * kWordBytes});
    points.all_pools_address = starts_with_data ? from : from - kWordBytes;
    points.old_pools_address = starts_with_data ? to : to - kWordBytes;
    return;
  }
}

void find_cleanup(const GoProgram& program, PoolPoints& points) {
  const auto cleanup = program.find_function(kCleanupName);
  if (cleanup) points.pool_cleanup_address = cleanup->address;
  const auto all = program.find_variable("sync.allPools");
  const auto old = program.find_variable("sync.oldPools");
  if (all && old) {
    points.all_pools_address = all->address;
    points.old_pools_address = old->address;
  } else if (cleanup) {
    decode_pool_lists(program, *cleanup, points);
  }
}

}  // namespace

const char* text_of(PointState state) {
  switch (state) {
    case PointState::kExact:
      return "exact";
    case PointState::kUndecodable:
      return "the function cannot be decoded";
    case PointState::kIndirectJump:
      return "the function jumps through a table";
    case PointState::kTestNotFound:
      return "the function does not test what released versions of Go test";
    case PointState::kNotOncePerCall:
      return "the test does not run once per call";
    case PointState::kValueLost:
      return "the pool is in no register or stack slot at the test";
    case PointState::kNoStackCheck:
      return "the function has neither the test nor a stack check at its entry";
  }
  return "";
}

std::string describe(const PoolPointsError& error) {
  return error.object + " does not use sync.Pool: neither its Get nor its Put is linked in";
}

Result<PoolPoints, PoolPointsError> find_pool_points(const GoProgram& program) {
  const auto get = program.find_function(kGetName);
  const auto put = program.find_function(kPutName);
  if (!get && !put)
    return Failure{PoolPointsError{PoolPointsError::Reason::kPoolNotLinked, program.file().display_name()}};
  PoolPoints points;
  points.get_state = points.miss_state = points.put_state = PointState::kTestNotFound;
  if (get) find_get(program, *get, points);
  if (put) find_put(program, *put, points);
  find_cleanup(program, points);
  return points;
}

}  // namespace poolscope::go
