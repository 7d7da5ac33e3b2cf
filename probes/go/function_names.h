#pragma once
// What the name of a Go function says about where it comes from.

#include <string>
#include <string_view>

namespace poolscope::go {

// Import path of the package: "encoding/json" of "encoding/json.(*Decoder).Decode", "gopkg.in/yaml.v2" of
// "gopkg.in/yaml%2ev2.unmarshal", "main" of "main.main.func1". Empty for what no package wrote: C functions, and
// functions that the compiler makes for types ("type..eq.[2]string").
[[nodiscard]] std::string package_of(std::string_view function_name);

// Import path under which the packages of the program itself lie: its main module; of a program built without modules what stands before
// "/cmd/" in the path of its package main, or all of that path. Empty when the program says neither.
[[nodiscard]] std::string own_root(std::string_view main_module, std::string_view main_package);

// By the rule of the go command: the first element of the path has no dot, and it is not the program's own package
// main.
[[nodiscard]] bool is_standard_library(std::string_view package);

}  // namespace poolscope::go
