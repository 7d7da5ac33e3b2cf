#include "tests/unit/exporters/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace poolscope::test {

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(POOLSCOPE_SOURCE_DIR) + "/tests/golden/" + name;
  const char* update = std::getenv("POOLSCOPE_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    std::ofstream file(path, std::ios::binary);
    file << text;
    ASSERT_TRUE(file.flush()) << "cannot write " << path;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << "cannot read " << path << "; run the test with POOLSCOPE_UPDATE_GOLDEN=1 to write it";
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden)
      << "not as in " << path
      << "; when the change is meant, run the test with POOLSCOPE_UPDATE_GOLDEN=1 and read the diff";
}

}  // namespace poolscope::test
