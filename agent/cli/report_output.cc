#include "agent/cli/report_output.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/terminal.h"
#include "exporters/model/json.h"
#include "exporters/text/report.h"

namespace poolscope::cli {
namespace {

constexpr unsigned kNarrowestColumns = 60;
constexpr unsigned kWidestColumns = 160;
constexpr int kJsonIndent = 2;

struct FormatFlags {
  bool json = false, markdown = false, text = false;
};

std::optional<ReportFormat> format_of_ending(const std::string& path) {
  const auto ending = std::filesystem::path(path).extension();
  if (ending == ".json") return ReportFormat::kJson;
  if (ending == ".md") return ReportFormat::kMarkdown;
  if (ending == ".txt") return ReportFormat::kText;
  return std::nullopt;
}

ReportFormat choose_format(const FormatFlags& flags, const std::string& path) {
  if (flags.json) return ReportFormat::kJson;
  if (flags.markdown) return ReportFormat::kMarkdown;
  if (flags.text || path.empty()) return ReportFormat::kText;
  if (const auto format = format_of_ending(path)) return *format;
  throw CLI::ValidationError("-o " + path,
                             "the ending names no format; use .json, .md or .txt, or add --json, "
                             "--markdown or --text");
}

text::Style style_for(int fd) {
  const unsigned columns = std::clamp(terminal_size(fd).columns, kNarrowestColumns, kWidestColumns);
  return {.colour = use_colour(fd), .width_columns = columns};
}

std::string render(const model::Snapshot& snapshot, ReportFormat format, const text::Style& style) {
  switch (format) {
    case ReportFormat::kJson:
      return model::to_json(snapshot, kJsonIndent) + "\n";
    case ReportFormat::kMarkdown:
      return text::report_markdown(snapshot);
    case ReportFormat::kText:
      return text::report_text(snapshot, style);
  }
  return {};
}

}  // namespace

void add_report_output_options(CLI::App& app, ReportOutput& output) {
  const auto flags = std::make_shared<FormatFlags>();
  auto* json = app.add_flag("--json", flags->json, "the report as JSON (docs/reference/snapshot.md)");
  auto* markdown = app.add_flag("--markdown", flags->markdown, "for a ticket or a pull request");
  auto* text = app.add_flag("--text", flags->text, "for people; the default");
  for (auto* flag : {json, markdown, text}) flag->option_text(" ");  // not the list of the others
  json->excludes(markdown)->excludes(text);
  markdown->excludes(text);
  app.add_option("-o,--output", output.path, "write the report there: .json, .md or .txt")->type_name("FILE");
  app.parse_complete_callback([flags, &output] { output.format = choose_format(*flags, output.path); });
}

int emit_rendered(const Render& render, const ReportOutput& output, int fd) {
  if (output.path.empty()) return print(render(output.format, style_for(fd)), fd);
  const auto written = write_output(output.path, render(output.format, {}));
  return written ? kExitOk : fail(written.error());
}

int emit_report(const model::Snapshot& snapshot, const ReportOutput& output, int fd) {
  const auto of_snapshot = [&snapshot](ReportFormat format, const text::Style& style) {
    return render(snapshot, format, style);
  };
  return emit_rendered(of_snapshot, output, fd);
}

}  // namespace poolscope::cli
