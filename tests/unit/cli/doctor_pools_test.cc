// `doctor --pid`: the test itself is the process that is looked at.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/cli/program.h"

// What the tests call a pool; C names, so that nothing has to be mangled.
extern "C" {
[[gnu::noinline]] void* doctor_test_get(void* pool, unsigned long bytes) {
  return static_cast<char*>(pool) + bytes;
}
[[gnu::noinline]] void doctor_test_put(void* object) {
  *static_cast<char*>(object) = 0;
}
}

namespace poolscope::cli_test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

class DoctorOfPools : public testing::Test {
 protected:
  Finished doctor(const std::string& functions) {
    directory_.write("a.yaml", "custom_pools:\n  - name: tested\n    match: {executable: cli_test}\n" + functions);
    return run_poolscope({"doctor", "--config.file", directory_.path("a.yaml"), "--pid", std::to_string(getpid())});
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(DoctorOfPools, ShowsWhereEachFunctionWouldBeProbed) {
  const Finished found = doctor("    get: [{function: doctor_test_get, size: 2}]\n    put: [doctor_test_put]\n");
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_THAT(found.out, AllOf(HasSubstr("(pid " + std::to_string(getpid())), HasSubstr("\ntested\n"),
                               ContainsRegex("get  doctor_test_get .*(one trap|single-stepped) +size in rsi\n"),
                               ContainsRegex("put  doctor_test_put .*(one trap|single-stepped)\n"),
                               HasSubstr("measured: gets, puts; not measured: misses (no function is given)")));
}

TEST_F(DoctorOfPools, SaysWhichFunctionIsMissingAndWhatIsNotMeasuredForIt) {
  const Finished found = doctor("    get: [doctor_test_get]\n    put: [doctor_test_puts]\n");
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_THAT(found.out, AllOf(HasSubstr("MISSING: no function `doctor_test_puts` in cli_test; near: doctor_test_put"),
                               HasSubstr("measured: gets; not measured: puts (see above)")));
}

TEST_F(DoctorOfPools, FailsWhenNothingCouldBeMeasured) {
  const Finished found = doctor("    get: [no_such_function_anywhere]\n    put: [doctor_test_put]\n");
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_THAT(found.out, HasSubstr("measured: nothing; not measured: gets (see above), puts (without gets)"));
}

TEST_F(DoctorOfPools, SaysThatAPresetIsOfAnotherProgram) {
  const Finished found = run_poolscope({"doctor", "--preset", "nginx", "--pid", std::to_string(getpid())});
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_THAT(found.out, AllOf(HasSubstr("MISSING: the process runs "), HasSubstr("/cli_test, not `nginx`")));
}

TEST_F(DoctorOfPools, NamesTheErrorsOfTheFile) {
  const Finished found = doctor("    put: [doctor_test_put]\n");
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_THAT(found.err, HasSubstr("a.yaml:2:5: custom_pools[0]: needs `get`"));
}

struct WrongCase {
  const char* name;
  std::vector<std::string> arguments;
  int exit_code;
  const char* message;  // a part of it
};

TEST(DoctorOfPoolsCommandLine, SaysWhatIsWrong) {
  const WrongCase cases[] = {
      {"a preset that is not there", {"--preset", "nginxx", "--pid", "1"}, 1, "did you mean `nginx`?"},
      {"no process", {"--preset", "nginx"}, 2, "--preset requires --pid"},
      {"two targets", {"--pid", "1", "--target", "2"}, 2, "--target excludes --pid"},
      {"both", {"--preset", "nginx", "--config.file", "a", "--pid", "1"}, 2, "--preset excludes --config.file"},
      {"pid 0", {"--preset", "nginx", "--pid", "0"}, 2, "not in range 1 to 4194304"},
      {"a pid that nobody has", {"--preset", "nginx", "--pid", "4194304"}, 1, "no such process"}};
  for (const auto& [name, arguments, exit_code, message] : cases) {
    std::vector<std::string> all{"doctor"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished finished = run_poolscope(all);
    EXPECT_EQ(finished.exit_code, exit_code) << name;
    EXPECT_THAT(finished.out, IsEmpty()) << name;
    EXPECT_THAT(finished.err, HasSubstr(message)) << name;
  }
}

}  // namespace
}  // namespace poolscope::cli_test
