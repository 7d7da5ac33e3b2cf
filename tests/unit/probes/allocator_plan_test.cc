#include "probes/collectors/allocator_plan.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include <dlfcn.h>
#include <gmock/gmock.h>

#include "probes/collectors/alloc_bursts.h"
#include "tests/unit/probes/own_process.h"

namespace {

using namespace poolscope;
using namespace poolscope::probes;
using poolscope::probes::test::image_of_this_process;

AllocatorPlan plan_of(const ProcessImage& image) {
  auto plan = plan_allocators(image);
  if (!plan) throw std::runtime_error(plan.error().detail);
  return std::move(plan).value();
}

const PlannedObject* object_called(const AllocatorPlan& plan, const std::string& allocator) {
  const auto found = std::ranges::find(plan.objects, allocator, &PlannedObject::allocator);
  return found == plan.objects.end() ? nullptr : &*found;
}

const PlannedFunction* function_called(const PlannedObject& object, const std::string& name) {
  const auto found = std::ranges::find(object.functions, name, &PlannedFunction::name);
  return found == object.functions.end() ? nullptr : &*found;
}

bool is_internal(const AllocatorPlan& plan, std::uint64_t address) {
  return std::ranges::any_of(plan.internal_code,
                             [&](const auto& range) { return address >= range.start && address < range.end; });
}

// The address libc itself has, whatever a sanitizer puts in front of it.
std::uint64_t libc_address(const char* name) {
  const std::unique_ptr<void, int (*)(void*)> libc(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), dlclose);
  return reinterpret_cast<std::uint64_t>(dlsym(libc.get(), name));
}

// --- the plan of a process

class PlanOfThisProcess : public testing::Test {
 protected:
  ProcessImage image = image_of_this_process();
};

TEST_F(PlanOfThisProcess, FindsTheMallocFamilyOfLibc) {
  const AllocatorPlan plan = plan_of(image);
  const PlannedObject* libc = object_called(plan, "glibc");
  ASSERT_NE(libc, nullptr);
  EXPECT_EQ(libc->name, "libc.so.6");
  const std::pair<const char*, alloc_function> expected[] = {{"malloc", ALLOC_FN_SIZE},
                                                             {"calloc", ALLOC_FN_COUNT_SIZE},
                                                             {"realloc", ALLOC_FN_REALLOC},
                                                             {"reallocarray", ALLOC_FN_REALLOCARRAY},
                                                             {"posix_memalign", ALLOC_FN_OUT_ALIGN_SIZE},
                                                             {"aligned_alloc", ALLOC_FN_ALIGN_SIZE},
                                                             {"free", ALLOC_FN_FREE}};
  for (const auto& [name, function] : expected) {
    const PlannedFunction* planned = function_called(*libc, name);
    ASSERT_NE(planned, nullptr) << name;
    EXPECT_EQ(planned->function, function) << name;
    EXPECT_EQ(planned->entry.function_address + libc->bias, libc_address(name)) << name;
  }
}

TEST_F(PlanOfThisProcess, ReturnsAreAwaitedWhereTheReturnAddressIsOnTopOfTheStack) {
  const AllocatorPlan plan = plan_of(image);
  for (const auto& object : plan.objects) {
    for (const auto& function : object.functions) {
      EXPECT_TRUE(function.function == ALLOC_FN_FREE || function.lives.stack_bytes == 0) << function.name;
    }
  }
}

TEST_F(PlanOfThisProcess, CallsFromMallocAndFreeAreTheAllocatorsOwn) {
  const AllocatorPlan plan = plan_of(image);
  EXPECT_TRUE(is_internal(plan, libc_address("malloc")));
  EXPECT_TRUE(is_internal(plan, libc_address("free")));
  EXPECT_FALSE(is_internal(plan, libc_address("strdup")));
  EXPECT_FALSE(is_internal(plan, reinterpret_cast<std::uint64_t>(&is_internal)));
}

TEST_F(PlanOfThisProcess, CodeForTheProgramsIsTheInternalCode) {
  const AllocatorPlan plan = plan_of(image);
  const alloc_code code = code_of(plan);
  for (std::size_t i = 0; i < ALLOC_CODE_RANGES; ++i) {
    const CodeRange expected = i < plan.internal_code.size() ? plan.internal_code[i] : CodeRange{};
    EXPECT_EQ(code.start[i], expected.start);
    EXPECT_EQ(code.end[i], expected.end);
  }
}

TEST_F(PlanOfThisProcess, NumbersTellFunctionsApart) {
  const AllocatorPlan plan = plan_of(image);
  std::set<std::uint32_t> numbers;
  std::size_t functions = 0;
  for (const auto& object : plan.objects) {
    functions += object.functions.size();
    for (const auto& function : object.functions) numbers.insert(function.number);
  }
  EXPECT_EQ(numbers.size(), functions);
}

TEST(PlanWithAnAllocatorInALibrary, NamesItBeforeTheCLibrary) {
  const std::unique_ptr<void, int (*)(void*)> library(dlopen(FAKE_ALLOCATOR, RTLD_NOW | RTLD_LOCAL), dlclose);
  ASSERT_NE(library, nullptr) << dlerror();
  const ProcessImage image = image_of_this_process();
  const AllocatorPlan plan = plan_of(image);

  const PlannedObject* fake = object_called(plan, "mimalloc");
  ASSERT_NE(fake, nullptr);
  EXPECT_LT(fake, object_called(plan, "glibc"));
  const auto name_of = [](const auto& function) { return function.name; };
  std::vector<std::string> names;
  std::ranges::transform(fake->functions, std::back_inserter(names), name_of);
  EXPECT_THAT(names, testing::UnorderedElementsAre("mi_malloc", "mi_realloc", "mi_free", "_Znwm",
                                                   "_ZnwmSt11align_val_t", "_ZdlPv"));

  // A library that is nothing but an allocator is internal as a whole.
  EXPECT_TRUE(is_internal(plan, reinterpret_cast<std::uint64_t>(dlsym(library.get(), "mi_stats_print"))));

  // Deeper in the stack than a cookie can say: the entry is taken instead.
  EXPECT_EQ(function_called(*fake, "mi_malloc")->entry.stack_bytes, 0u);
  EXPECT_EQ(function_called(*fake, "mi_malloc")->entry.address,
            function_called(*fake, "mi_malloc")->entry.function_address);
}

TEST(PlanOfNothing, SaysThatThereIsNoAllocator) {
  const auto plan = plan_allocators(ProcessImage{});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().reason, PlanError::Reason::kNoAllocator);
  EXPECT_FALSE(plan.error().detail.empty());
}

// --- cookies

TEST(Cookie, IsTakenApartAsItWasPacked) {
  elf::ProbePoint point;
  point.arguments = {elf::Register::kR15, elf::Register::kRax, elf::Register::kRbp};
  point.stack_bytes = 0xff * 8;
  point.flags = {0x8001, 0x41};
  const std::uint64_t cookie = pack_cookie(ALLOC_FN_REALLOCARRAY, point, 1, 0xff);
  EXPECT_EQ(ALLOC_COOKIE_FUNCTION(cookie), __u32{ALLOC_FN_REALLOCARRAY});
  EXPECT_EQ(ALLOC_COOKIE_REGISTER(cookie, 0), 15u);
  EXPECT_EQ(ALLOC_COOKIE_REGISTER(cookie, 1), 0u);
  EXPECT_EQ(ALLOC_COOKIE_REGISTER(cookie, 2), 5u);
  EXPECT_EQ(ALLOC_COOKIE_STACK_BYTES(cookie), 0xffu * 8);
  EXPECT_EQ(ALLOC_COOKIE_SLOT(cookie), 1u);
  EXPECT_EQ(ALLOC_COOKIE_FLAGS_MASK(cookie), 0x8001u);
  EXPECT_EQ(ALLOC_COOKIE_FLAGS_VALUE(cookie), 0x41u);
}

TEST(Cookie, NumberChangesNothingButTheCookie) {
  elf::ProbePoint point;
  point.arguments = {elf::Register::kRdi};
  std::set<std::uint64_t> cookies;
  for (std::uint32_t number = 0; number < 256; ++number) {
    const std::uint64_t cookie = pack_cookie(ALLOC_FN_FREE, point, 0, number);
    cookies.insert(cookie);
    EXPECT_EQ(ALLOC_COOKIE_FUNCTION(cookie), __u32{ALLOC_FN_FREE});
    EXPECT_EQ(ALLOC_COOKIE_REGISTER(cookie, 0), 7u);
    EXPECT_EQ(ALLOC_COOKIE_STACK_BYTES(cookie), 0u);
    EXPECT_EQ(ALLOC_COOKIE_SLOT(cookie), 0u);
    EXPECT_EQ(ALLOC_COOKIE_FLAGS_MASK(cookie), 0u);
  }
  EXPECT_EQ(cookies.size(), 256u);
}

// --- prices

constexpr HitCosts kCosts{{10, 20, 30, 40}, 1000};

PlannedFunction planned(alloc_function function, elf::CostClass entry, elf::CostClass lives) {
  PlannedFunction planned;
  planned.function = function;
  planned.entry.cost = entry;
  planned.lives.cost = lives;
  return planned;
}

constexpr auto kEmulated = elf::CostClass::kEmulated, kStepped = elf::CostClass::kSingleStep;

struct PriceCase {
  const char* name;
  std::vector<PlannedFunction> functions;
  std::array<std::uint64_t, ALLOC_HIT_COUNT> prices;
};

TEST(Prices, AddASingleStepWhereTheProbePointNeedsOne) {
  const PriceCase cases[] = {
      {"emulated",
       {planned(ALLOC_FN_SIZE, kEmulated, kEmulated), planned(ALLOC_FN_FREE, kEmulated, kEmulated)},
       {10, 20, 30, 40}},
      {"stepped_malloc",
       {planned(ALLOC_FN_SIZE, kStepped, kStepped), planned(ALLOC_FN_FREE, kEmulated, kEmulated)},
       {1010, 20, 1030, 40}},
      {"stepped_where_returns_are_awaited", {planned(ALLOC_FN_SIZE, kEmulated, kStepped)}, {10, 20, 1030, 40}},
      {"stepped_free",
       {planned(ALLOC_FN_SIZE, kEmulated, kEmulated), planned(ALLOC_FN_FREE, kStepped, kStepped)},
       {10, 1020, 30, 40}},
      {"stepped_valloc",
       {planned(ALLOC_FN_SIZE, kEmulated, kEmulated), planned(ALLOC_FN_SIZE, kStepped, kStepped)},
       {10, 20, 30, 40}},
      {"two_stepped",
       {planned(ALLOC_FN_SIZE, kStepped, kStepped), planned(ALLOC_FN_SIZE, kStepped, kStepped)},
       {1010, 20, 1030, 40}},
      {"stepped_realloc",
       {planned(ALLOC_FN_SIZE, kEmulated, kEmulated), planned(ALLOC_FN_REALLOC, kStepped, kStepped)},
       {10, 20, 30, 40}}};
  for (const auto& each : cases) {
    AllocatorPlan plan;
    plan.objects.emplace_back().functions = each.functions;
    EXPECT_EQ(prices_for(plan, kCosts), each.prices) << each.name;
  }
}

}  // namespace
