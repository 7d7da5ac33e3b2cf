// poolscope compare: what a change did, from two runs of benchmarks, two recordings or two reports.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/input.h"
#include "agent/cli/output.h"
#include "agent/cli/recording_input.h"
#include "agent/cli/snapshot_input.h"
#include "agent/client/fetch.h"
#include "agent/client/recordings.h"
#include "agent/compare/comparison.h"
#include "agent/compare/criteria.h"
#include "agent/compare/go_bench.h"
#include "agent/compare/google_bench.h"
#include "agent/compare/report.h"
#include "agent/compare/snapshot_series.h"
#include "exporters/recording/reader.h"

namespace poolscope::cli {
namespace {

using compare::Measurements;
using MeasurementsOrError = Result<Measurements, std::string>;
using CriteriaOrErrors = Result<std::vector<compare::Criterion>, std::vector<config::ConfigError>>;

constexpr std::size_t kMaxInputBytes = std::size_t{64} << 20;
constexpr std::chrono::seconds kShortestSample(5);

MeasurementsOrError or_text(Result<Measurements, compare::ReadError> measurements) {
  if (measurements) return std::move(measurements).value();
  return Failure{compare::describe(measurements.error())};
}

// "night.poolscope.1,night.poolscope", or a folder: the files of one recording. Empty: `source` is no recording.
Result<std::vector<std::string>, std::string> recordings_of(const std::string& source) {
  if (source == "-") return std::vector<std::string>{};
  if (client::is_folder(source)) return client::recordings_in(source);
  if (recording::is_recording(source)) return std::vector{source};  // though its name may have commas
  std::vector<std::string> files;
  for (std::size_t at = 0; at <= source.size(); at += files.back().size() + 1)
    files.push_back(source.substr(at, source.find(',', at) - at));
  if (!std::ranges::all_of(files, recording::is_recording)) files.clear();
  return files;
}

MeasurementsOrError read_recordings(const std::vector<std::string>& paths, const std::string& source,
                                    std::chrono::nanoseconds sample) {
  const auto pieces = load_pieces(paths, sample, compare::kMaxSamples);
  if (!pieces) return Failure{pieces.error()};
  if (pieces->empty()) {
    return Failure{source + " is shorter than one sample (" + format_duration(sample) +
                   "); record for longer, or ask for shorter samples with --sample"};
  }
  return compare::series_of_pieces(*pieces, source);
}

MeasurementsOrError read_side(const std::string& source, std::chrono::nanoseconds sample) {
  if (client::is_url(source)) {
    const auto snapshot = load_snapshot(source);
    if (!snapshot) return Failure{snapshot.error()};
    return compare::series_of_report(*snapshot, source);
  }
  const auto recordings = recordings_of(source);
  if (!recordings) return Failure{recordings.error()};
  if (!recordings->empty()) return read_recordings(*recordings, source, sample);
  const auto text = read_input(source, kMaxInputBytes);
  if (!text) return Failure{text.error()};
  const std::string name = source == "-" ? "stdin" : source;
  const bool is_json = std::string_view(*text).substr(0, text->find_first_not_of(" \t\r\n") + 1).ends_with('{');
  if (!is_json) return or_text(compare::read_go_benchmark(*text, name));
  if (const auto error = compare::check_json(*text, name)) return Failure{compare::describe(*error)};
  if (compare::looks_like_google_benchmark(*text)) return or_text(compare::read_google_benchmark(*text, name));
  const auto snapshot = parse_snapshot(*text, name);
  if (!snapshot) return Failure{snapshot.error()};
  return compare::series_of_report(*snapshot, name);
}

CriteriaOrErrors read_criteria(const std::string& file) {
  if (file.empty()) return std::vector<compare::Criterion>{};
  const auto text = config::read_config_text(file);
  if (!text) return Failure{text.error()};
  return compare::parse_criteria(*text, file);
}

int refuse_criteria(const std::vector<config::ConfigError>& errors) {
  std::string list = "the criteria have errors:";
  for (const auto& error : errors) list += "\n  " + config::describe(error);
  fail("compare: " + list);
  return kExitUsage;
}

std::string render(const compare::Comparison& comparison, const std::vector<compare::Judgement>& judgements,
                   ReportFormat format, const text::Style& style) {
  switch (format) {
    case ReportFormat::kText:
      return compare::comparison_text(comparison, judgements, style);
    case ReportFormat::kMarkdown:
      return compare::comparison_markdown(comparison, judgements);
    case ReportFormat::kJson:
      return compare::comparison_json(comparison, judgements);
  }
  return {};
}

std::vector<compare::Pair> parse_pairs(const std::vector<std::string>& texts) {
  std::vector<compare::Pair> pairs;
  for (const std::string& text : texts) {
    // names of Go benchmarks hold "=" too: the one in the middle of "a/b=1=c/d=1" cannot be told, "==" can
    const bool doubled = text.find("==") != std::string::npos;
    const std::size_t at = doubled ? text.find("==") : text.find('=');
    const bool is_clear = at != std::string::npos && (doubled || text.find('=', at + 1) == std::string::npos);
    const std::size_t rest = at + (doubled ? 2 : 1);
    if (!is_clear || at == 0 || rest >= text.size()) {
      throw CLI::ValidationError("--pair " + text,
                                 "must be BASE_NAME=NEW_NAME, or BASE_NAME==NEW_NAME where names hold =");
    }
    pairs.emplace_back(text.substr(0, at), text.substr(rest));
  }
  return pairs;
}

}  // namespace

int cmd_compare(const CompareOptions& options) {
  const auto criteria = read_criteria(options.criteria_file);
  if (!criteria) return refuse_criteria(criteria.error());
  auto base = read_side(options.base, options.sample);
  if (!base) return fail("compare: " + base.error());
  auto fresh = read_side(options.fresh, options.sample);
  if (!fresh) return fail("compare: " + fresh.error());
  const auto comparison = compare::compare(std::move(base).value(), std::move(fresh).value(), options.pairs);
  if (!comparison) return fail("compare: " + comparison.error());
  const auto judgements = compare::judge(*comparison, *criteria);
  const int emitted = emit_rendered(
      [&](ReportFormat format, const text::Style& style) { return render(*comparison, judgements, format, style); },
      options.output);
  const bool missed =
      std::ranges::any_of(judgements, [](const auto& each) { return each.status == compare::Status::kMissed; });
  return emitted == kExitOk && missed ? kExitFailed : emitted;
}

void register_compare_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("compare", "tell what differs between two runs, and how sure that is");
  const auto options = std::make_shared<CompareOptions>();
  command->group(kGroupLook);
  for (auto& [name, source] :
       {std::pair<const char*, std::string*>{"BASE", &options->base}, {"NEW", &options->fresh}}) {
    command
        ->add_option(name, *source,
                     "text of `go test -bench`, JSON of Google Benchmark, a recording (its files with commas, or their "
                     "folder), or a "
                     "report (file or URL)")
        ->required()
        ->option_text(" ");
  }
  command
      ->add_option("--criteria", options->criteria_file,
                   "YAML: what NEW has to reach; exit code 1 when a criterion is missed")
      ->type_name("FILE");
  const auto read_pairs = [options](const std::vector<std::string>& texts) { options->pairs = parse_pairs(texts); };
  command
      ->add_option_function<std::vector<std::string>>("--pair", read_pairs,
                                                      "compare these only: rows with different names; may be repeated")
      ->type_name("BASE_NAME=NEW_NAME")
      ->take_all()
      ->allow_extra_args(false);
  add_duration_option(*command, "--sample", options->sample, kShortestSample,
                      "of recordings: how much time makes one sample; default 1m");
  add_report_output_options(*command, options->output);
  command->get_option("--json")->description("the comparison as JSON (docs/reference/compare.md)");
  command->footer(
      "Examples:\n"
      "  poolscope compare old.txt new.txt\n"
      "  poolscope compare old.json new.json --criteria goals.yaml --markdown\n"
      "  poolscope compare before.poolscope after.poolscope\n"
      "  poolscope compare before.poolscope.1,before.poolscope after-folder\n"
      "  poolscope compare run.txt run.txt --pair BaselineEncode-8=PoolEncode-8");
  command->callback([options, &invocation] {
    if (options->base == "-" && options->fresh == "-")
      throw CLI::ValidationError("BASE and NEW", "only one of both can be stdin");
    invocation.run = [options] { return cmd_compare(*options); };
  });
}

}  // namespace poolscope::cli
