// poolscope-viewer: the command line.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <CLI/CLI.hpp>

#include "agent/client/admin_token.h"
#include "ui/app/app.h"
#include "ui/app/settings.h"
#include "ui/app/window.h"

namespace poolscope::viewer {
namespace {

struct CommandLine {
  AppOptions app;
  std::string script_file, token_file, theme, size;
  float scale = 0;
};

int fail(const std::string& problem) {
  std::fprintf(stderr, "poolscope-viewer: %s\n", problem.c_str());
  return 1;
}

void describe(CLI::App& app, CommandLine& line) {
  app.add_option("URL|FILE", line.app.address,
                 "an agent (http://127.0.0.1:9777), a recording, a folder of them, or a JSON report")
      ->option_text(" ");
  app.add_option("--view", line.app.view, "the view to begin with")
      ->check(CLI::IsMember({"overview", "pools", "churn", "gc", "compare", "advice", "health"}));
  app.add_option("--theme", line.theme, "dark or light")->check(CLI::IsMember({"dark", "light"}));
  app.add_option("--scale", line.scale, "everything so many times as large; on top of what the screen asks for")
      ->check(CLI::Range(0.5, 4.0));
  app.add_option("--size", line.size, "of the window, as 1280x800")->type_name("WxH");
  app.add_option("--token-file", line.token_file, "the agent's token, for changing pools")->type_name("FILE");
  app.add_option("--screenshot", line.app.screenshot_file, "save a picture when the data is there, and end")
      ->type_name("FILE");
  app.add_option("--frames", line.app.screenshot_frames, "frames to draw with the data before the picture; default 3")
      ->check(CLI::Range(1, 100000));
  app.add_option("--script", line.script_file, "commands for mouse and keys, see docs/reference/viewer.md")
      ->type_name("FILE");
  app.set_version_flag("--version", "poolscope-viewer " POOLSCOPE_VERSION);
  app.footer(
      "Examples:\n"
      "  poolscope-viewer http://127.0.0.1:9777\n"
      "  poolscope-viewer night.poolscope\n"
      "  xvfb-run poolscope-viewer night.poolscope --view pools --screenshot pools.png\n"
      "Press ? for the keys.");
}

Result<Done, std::string> read_files(CommandLine& line) {
  if (!line.token_file.empty()) {
    auto token = client::read_admin_token(line.token_file);
    if (!token) return Failure{token.error()};
    line.app.token = std::move(*token);
  }
  if (line.script_file.empty()) return Done{};
  std::ifstream file(line.script_file, std::ios::binary);
  if (!file) return Failure{line.script_file + ": cannot be opened"};
  auto script = Script::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!script) return Failure{line.script_file + ": " + script.error()};
  line.app.script = std::move(*script);
  return Done{};
}

// "1280x800"
bool read_size(const std::string& text, Settings& settings) {
  char rest = 0;
  int width = 0, height = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &rest) != 2) return false;
  if (width < 320 || height < 240 || width > 16384 || height > 16384) return false;
  settings.width = width;
  settings.height = height;
  return true;
}

int run(CommandLine& line) {
  if (const auto read = read_files(line); !read) return fail(read.error());
  line.app.settings_file = settings_file();
  Settings settings = load_settings(line.app.settings_file);
  if (!line.theme.empty()) settings.theme = line.theme;
  if (line.scale > 0) settings.scale = line.scale;
  if (!line.size.empty() && !read_size(line.size, settings))
    return fail("--size " + line.size + ": it must be as 1280x800");
  // Pictures and scripts have to come out the same for everybody.
  line.app.keeps_settings = !line.app.script && line.app.screenshot_file.empty();
  auto window = Window::open(settings.width, settings.height);
  if (!window) return fail(window.error());
  App app(std::move(line.app), std::move(settings), **window);
  return app.run();
}

}  // namespace
}  // namespace poolscope::viewer

int main(int argc, char** argv) {
  CLI::App app("shows live what poolscope measures, or a recording of it");
  app.name("poolscope-viewer");
  poolscope::viewer::CommandLine line;
  poolscope::viewer::describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return poolscope::viewer::run(line);
}
