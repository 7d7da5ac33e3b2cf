#pragma once
// Golden files: text that is our promise to users, kept in tests/golden and read by people when it changes.
// POOLSCOPE_UPDATE_GOLDEN=1 in the environment of the test writes the file instead of comparing; look at the diff.

#include <string>

namespace poolscope::test {

// Fails the running test when `text` differs from tests/golden/`name`, and shows where.
void expect_golden(const std::string& name, const std::string& text);

}  // namespace poolscope::test
