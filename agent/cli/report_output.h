#pragma once
// How a report leaves a command: --json, --markdown, -o FILE. Shared by report, run and attach.

#include <functional>
#include <string>

#include <CLI/App.hpp>
#include <unistd.h>

#include "exporters/model/snapshot.h"
#include "exporters/text/report.h"

namespace poolscope::cli {

enum class ReportFormat { kText, kMarkdown, kJson };

struct ReportOutput {
  ReportFormat format = ReportFormat::kText;
  std::string path;  // empty: no file
};

// Adds the options. A file name whose ending names no format is a usage error unless --json, --markdown or --text says
// what it is; so it is found before anything is measured. `output` must outlive `app`.
void add_report_output_options(CLI::App& app, ReportOutput& output);

// To the file, or to `fd` when there is none. Gives the exit code; failures are told on stderr.
[[nodiscard]] int emit_report(const model::Snapshot& snapshot, const ReportOutput& output, int fd = STDOUT_FILENO);

// The same for whatever else can be rendered in these formats.
using Render = std::function<std::string(ReportFormat format, const text::Style& style)>;
[[nodiscard]] int emit_rendered(const Render& render, const ReportOutput& output, int fd = STDOUT_FILENO);

}  // namespace poolscope::cli
