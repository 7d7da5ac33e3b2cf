#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using nlohmann::json;

// Members whose names are data: what a label, an outcome, a reason or an age is called.
bool has_free_names(const std::string& member) {
  return member == "labels" || member == "below" || member == "bursts" || member == "dropped" ||
         member == "misses_by_reason" || member == "discards_by_reason";
}

void collect_names(const json& value, bool free_names, std::set<std::string>& names) {
  if (value.is_array()) {
    for (const json& element : value) collect_names(element, false, names);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      if (!free_names) names.insert(name);
      collect_names(member, has_free_names(name), names);
    }
  }
}

TEST(SnapshotReference, ExplainsEveryMember) {
  std::ifstream file(POOLSCOPE_SOURCE_DIR "/docs/reference/snapshot.md");
  ASSERT_TRUE(file) << "docs/reference/snapshot.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> names;
  collect_names(json::parse(poolscope::model::to_json(poolscope::test::full_snapshot())), false, names);
  ASSERT_GT(names.size(), 50u);
  for (const std::string& name : names) {
    EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name << " is not explained";
  }
}

}  // namespace
