// The file with the token of the admin API.
#include "agent/client/admin_token.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/cli/program.h"

namespace poolscope::cli_test {
namespace {

using testing::HasSubstr;

class AdminToken : public testing::Test {
 protected:
  Result<std::string, std::string> read(const std::string& text, mode_t mode = 0600) {
    directory_.write("token", text);
    EXPECT_EQ(::chmod(directory_.path("token").c_str(), mode), 0);
    return client::read_admin_token(directory_.path("token"));
  }
  TemporaryDirectory directory_;
};

TEST_F(AdminToken, IsWhatTheFileHoldsWithoutTheWhiteSpaceAround) {
  const auto token = read(" 0123456789abcdef\n");
  ASSERT_TRUE(token.has_value()) << token.error();
  EXPECT_EQ(*token, "0123456789abcdef");
}

TEST_F(AdminToken, IsRefusedWhenOthersCanReadIt) {
  for (const mode_t mode : {0640, 0604, 0620}) {
    const auto token = read("0123456789abcdef", mode);
    ASSERT_FALSE(token.has_value());
    EXPECT_THAT(token.error(), HasSubstr("chmod 600"));
  }
}

TEST_F(AdminToken, IsRefusedWhenItIsNoSecret) {
  for (const std::string& text : {std::string(), std::string(" \n"), std::string("0123456789abcde"),
                                  std::string("0123456789 abcdef"), std::string(1025, 'a')}) {
    const auto token = read(text);
    ASSERT_FALSE(token.has_value());
    EXPECT_THAT(token.error(), HasSubstr("16 to 1024"));
  }
}

TEST_F(AdminToken, SaysThatThereIsNoSuchFile) {
  EXPECT_THAT(client::read_admin_token("/nonexistent/token").error(), HasSubstr("/nonexistent/token"));
  EXPECT_THAT(client::read_admin_token("/tmp").error(), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace poolscope::cli_test
