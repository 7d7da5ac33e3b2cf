// What the name of a function says about its package.
#include "probes/go/function_names.h"

#include <gtest/gtest.h>

namespace poolscope::go {
namespace {

struct NameCase {
  const char* name;
  const char* function;
  const char* package;
  bool is_standard;
};
class FunctionName : public testing::TestWithParam<NameCase> {};
TEST_P(FunctionName, TellsThePackage) {
  EXPECT_EQ(package_of(GetParam().function), GetParam().package);
}
TEST_P(FunctionName, TellsWhetherItIsOfTheStandardLibrary) {
  EXPECT_EQ(is_standard_library(package_of(GetParam().function)), GetParam().is_standard);
}
INSTANTIATE_TEST_SUITE_P(
    Table, FunctionName,
    testing::Values(
        NameCase{"Main", "main.main", "main", false}, NameCase{"MainClosure", "main.main.func1.2", "main", false},
        NameCase{"Runtime", "runtime.mallocgc", "runtime", true},
        NameCase{"InitClosure", "encoding/json.init.func1", "encoding/json", true},
        NameCase{"GlobalClosure", "net/http.glob..func5", "net/http", true},
        NameCase{"Method", "sync.(*Pool).Get", "sync", true},
        NameCase{"MethodValue", "bytes.(*Buffer).Write-fm", "bytes", true},
        NameCase{"Module", "github.com/prometheus/prometheus/tsdb.(*Head).Append",
                 "github.com/prometheus/prometheus/tsdb", false},
        NameCase{"DotInLastElement", "gopkg.in/yaml%2ev2.unmarshal", "gopkg.in/yaml.v2", false},
        NameCase{"MajorVersion", "github.com/cespare/xxhash/v2.Sum64", "github.com/cespare/xxhash/v2", false},
        NameCase{"VendoredInStandard", "vendor/golang.org/x/net/http2/hpack.NewEncoder",
                 "vendor/golang.org/x/net/http2/hpack", true},
        NameCase{"ModuleWithoutHost", "corp/service.Handle", "corp/service", true},
        NameCase{"GenericOfAnotherPackage", "slices.SortFunc[go.shape.*uint8,github.com/a/b.T]", "slices", true},
        NameCase{"GenericReceiver", "example.com/x.(*Cache[github.com/a/b.C]).Get", "example.com/x", false},
        NameCase{"TypeEquality", "type..eq.[2]github.com/a/b.T", "", false},
        NameCase{"TypeEqualitySince120", "type:.eq.sync.Pool", "", false},
        NameCase{"CFunction", "pthread_create", "", false}, NameCase{"Empty", "", "", false},
        NameCase{"BadEscape", "a%zz.b/c%2.f", "a%zz.b/c%2", false}),
    [](const auto& test) { return test.param.name; });

TEST(OwnRoot, IsTheMainModule) {
  EXPECT_EQ(own_root("github.com/prometheus/prometheus", "github.com/prometheus/prometheus/cmd/prometheus"),
            "github.com/prometheus/prometheus");
}

TEST(OwnRoot, OfAProgramBuiltWithoutModulesIsWhatHoldsItsCommands) {
  EXPECT_EQ(own_root("", "github.com/prometheus/prometheus/cmd/prometheus"), "github.com/prometheus/prometheus");
  EXPECT_EQ(own_root("", "github.com/prometheus/node_exporter"), "github.com/prometheus/node_exporter");
  EXPECT_EQ(own_root("", ""), "");
}

TEST(StandardLibrary, DoesNotHoldProgramsThatWereBuiltFromFiles) {
  EXPECT_FALSE(is_standard_library("command-line-arguments"));
}

}  // namespace
}  // namespace poolscope::go
