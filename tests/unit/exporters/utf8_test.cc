#include "exporters/model/utf8.h"

#include <gtest/gtest.h>

namespace {

using poolscope::model::append_utf8;
using poolscope::model::first_code_point;
using poolscope::model::replace_invalid_utf8;

struct Case {
  const char* name;
  std::string text;
  std::string replaced;
};
class ReplaceInvalidUtf8 : public testing::TestWithParam<Case> {};
TEST_P(ReplaceInvalidUtf8, KeepsCharactersAndReplacesEveryOtherByte) {
  EXPECT_EQ(replace_invalid_utf8(GetParam().text), GetParam().replaced);
}
INSTANTIATE_TEST_SUITE_P(Table, ReplaceInvalidUtf8,
                         testing::Values(Case{"Empty", "", ""}, Case{"Ascii", "main", "main"},
                                         Case{"TwoBytes", "gr\u00f6\u00dfe", "gr\u00f6\u00dfe"},
                                         Case{"FourBytes", "\U0001F980", "\U0001F980"},
                                         Case{"Latin1", "caf\xe9", "caf\uFFFD"},
                                         Case{"CutAtTheEnd", "\xe2\x82", "\uFFFD\uFFFD"},
                                         Case{"CutInTheMiddle", "\xe2\x82z", "\uFFFD\uFFFDz"},
                                         Case{"Overlong", "\xc0\xaf", "\uFFFD\uFFFD"},
                                         Case{"OverlongOfThree", "\xe0\x80\xaf", "\uFFFD\uFFFD\uFFFD"},
                                         Case{"Surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
                                         Case{"BeyondUnicode", "\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
                                         Case{"StrayContinuation", "a\x80z", "a\uFFFDz"}),
                         [](const auto& c) { return c.param.name; });

TEST(Utf8, EveryCodePointComesBackAsItWasWritten) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; code_point += code_point < 0x10000 ? 1 : 97) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    std::string text;
    append_utf8(text, code_point);
    const auto read = first_code_point(text);
    ASSERT_EQ(read.value, code_point);
    ASSERT_EQ(read.bytes, text.size());
  }
}

}  // namespace
