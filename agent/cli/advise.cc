// `poolscope advise`: what to change, and why; and what would be with other limits.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/advice/adviser.h"
#include "agent/advice/measure_prices.h"
#include "agent/advice/what_if.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/recording_input.h"
#include "agent/cli/report_output.h"
#include "agent/cli/snapshot_input.h"
#include "agent/cli/time_options.h"
#include "exporters/model/json.h"
#include "exporters/text/advice_wording.h"
#include "exporters/text/wording.h"

namespace poolscope::cli {
namespace {

using nlohmann::json;

struct AdviseOptions {
  std::vector<std::string> sources;  // a file, "-" or a URL; or several recordings
  model::TimeSpan span;
  std::string target, pool;  // empty: all
  std::string what_if;
  ReportOutput output;
};

bool is_chosen(const AdviseOptions& options, const model::TargetSnapshot& target) {
  return options.target.empty() || target.name == options.target;
}

// Advice that an agent gave holds; a recording or a range of time gets its own, with the prices that were measured where it was made.
void complete(model::Snapshot& snapshot) {
  const bool has_advice =
      std::ranges::any_of(snapshot.targets, [](const auto& target) { return !target.advice.empty(); });
  if (has_advice) return;
  advice::advise_once(snapshot, snapshot.agent.prices ? *snapshot.agent.prices : advice::measure_prices());
}

Result<Done, std::string> keep_chosen(model::Snapshot& snapshot, const AdviseOptions& options) {
  std::string known;
  for (const auto& target : snapshot.targets) known += (known.empty() ? "" : ", ") + target.name;
  std::erase_if(snapshot.targets, [&](const auto& target) { return !is_chosen(options, target); });
  if (snapshot.targets.empty())
    return Failure{options.target.empty() ? options.sources.front() + " has no target"
                                          : "there is no target `" + options.target + "`; there are: " + known};
  if (options.pool.empty()) return Done{};
  bool any = false;
  for (auto& target : snapshot.targets) {
    std::erase_if(target.pools, [&](const auto& pool) { return pool.name != options.pool; });
    std::erase_if(target.advice, [&](const auto& advice) { return advice.subject != options.pool; });
    any |= !target.pools.empty() || !target.advice.empty();
  }
  if (!any) return Failure{"no target has a pool `" + options.pool + "`; `poolscope report` lists the pools"};
  return Done{};
}

std::string advice_text(const model::Snapshot& snapshot, const text::Style& style) {
  text::Lines lines;
  for (const auto& target : snapshot.targets) {
    if (!lines.empty()) lines.emplace_back();
    lines.emplace_back(text::printable(target.name), text::Tone::kStrong);
    if (target.advice.empty()) lines.emplace_back(std::string("    ") + text::no_advice());
    for (const auto& advice : target.advice) {
      const text::Lines one = text::advice_lines(advice, style.width_columns);
      lines.insert(lines.end(), one.begin(), one.end());
    }
    for (const auto& outcome : target.advice_outcomes) {
      for (std::string& line : text::wrap("done: " + text::outcome_text(outcome), style.width_columns - 4))
        lines.emplace_back("    " + line);
    }
  }
  std::string text;
  for (const auto& line : lines) text += line.render(style) + "\n";
  return text;
}

json advice_json(const model::Snapshot& snapshot) {
  const json whole = json::parse(model::to_json(snapshot));
  json all = json::array();
  for (const json& target : whole["targets"])
    all.push_back({{"target", target["name"]},
                   {"advice", target.value("advice", json::array())},
                   {"outcomes", target.value("advice_outcomes", json::array())}});
  return all;
}

// ---- what if -----------------------------------------------------------------------------------------------------------

std::string limits_text(const advice::Limits& limits) {
  std::string text;
  if (limits.buffer_bytes) text += " buffer_bytes " + text::format_bytes(static_cast<double>(*limits.buffer_bytes));
  if (limits.max_borrowed_buffers) text += " max_borrowed_buffers " + std::to_string(*limits.max_borrowed_buffers);
  if (limits.max_idle_buffers) text += " max_idle_buffers " + std::to_string(*limits.max_idle_buffers);
  return text;
}

std::string what_if_text(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                         const advice::WhatIf& answer) {
  std::string text =
      text::printable(target.name) + "   " + text::printable(pool.name) + " with" + limits_text(answer.limits) + "\n";
  const auto line = [&text](const std::string& name, const std::string& value) {
    text += "    " + name + std::string(name.size() < 22 ? 22 - name.size() : 1, ' ') + value + "\n";
  };
  if (answer.hit_ratio_low)
    line("hit ratio", text::format_ratio(*answer.hit_ratio_low) + " – " + text::format_ratio(*answer.hit_ratio_high) +
                          (pool.hit_ratio ? "   now " + text::format_ratio(pool.hit_ratio->value) : ""));
  if (answer.growing_ratio) line("gets that must grow", text::format_ratio(*answer.growing_ratio));
  if (answer.idle_bytes)
    line("idle memory, at most",
         text::format_bytes(*answer.idle_bytes) +
             (pool.idle_bytes ? "   now " + text::format_bytes(static_cast<double>(*pool.idle_bytes)) : ""));
  if (answer.saved_cpu_ratio)
    line("saves", text::estimate_text(answer.saved_cpu_ratio, text::format_ratio) +
                      " of the CPU time, memory at its price included");
  if (!answer.missing.empty()) line("not known", answer.missing);
  return text;
}

template <typename T>
void put(json& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

json what_if_json(const model::TargetSnapshot& target, const model::PoolSummary& pool, const advice::WhatIf& answer) {
  json object{{"target", target.name}, {"pool", pool.name}};
  put(object, "buffer_bytes", answer.limits.buffer_bytes);
  put(object, "max_idle_buffers", answer.limits.max_idle_buffers);
  put(object, "max_borrowed_buffers", answer.limits.max_borrowed_buffers);
  put(object, "hit_ratio_low", answer.hit_ratio_low);
  put(object, "hit_ratio_high", answer.hit_ratio_high);
  put(object, "growing_ratio", answer.growing_ratio);
  put(object, "idle_bytes", answer.idle_bytes);
  if (answer.saved_cpu_ratio) {
    json& saved = object["saved_cpu_ratio"] = {{"value", answer.saved_cpu_ratio->value}};
    put(saved, "low", answer.saved_cpu_ratio->low);
    put(saved, "high", answer.saved_cpu_ratio->high);
  }
  if (!answer.missing.empty()) object["missing"] = answer.missing;
  return object;
}

int tell_what_if(const model::Snapshot& snapshot, const AdviseOptions& options) {
  const auto limits = advice::parse_limits(options.what_if);
  if (!limits) {
    fail("advise: --what-if: " + limits.error());
    return kExitUsage;
  }
  json all = json::array();
  std::string text;
  for (const auto& target : snapshot.targets) {
    for (const auto& pool : target.pools) {
      const auto answer = advice::what_if(target, pool, *snapshot.agent.prices, *limits);
      all.push_back(what_if_json(target, pool, answer));
      text += what_if_text(target, pool, answer);
    }
  }
  if (text.empty() && options.output.format != ReportFormat::kJson)
    return fail("advise: there is no pool to ask about; `poolscope report` tells what was measured");
  const auto render = [&](ReportFormat format, const text::Style&) {
    if (format == ReportFormat::kJson) return all.dump(2) + "\n";
    return format == ReportFormat::kMarkdown ? "```text\n" + text + "```\n" : text;
  };
  return emit_rendered(render, options.output);
}

std::string render_advice(const model::Snapshot& snapshot, ReportFormat format, const text::Style& style) {
  switch (format) {
    case ReportFormat::kJson:
      return advice_json(snapshot).dump(2) + "\n";
    case ReportFormat::kMarkdown:
      return text::advice_markdown(snapshot);
    case ReportFormat::kText:
      return advice_text(snapshot, style);
  }
  return {};
}

int advise(const AdviseOptions& options) {
  auto snapshot = options.sources.size() == 1 ? load_snapshot(options.sources.front(), options.span)
                                              : load_recordings(options.sources, options.span);
  if (!snapshot) return fail("advise: " + snapshot.error());
  complete(*snapshot);
  if (const auto chosen = keep_chosen(*snapshot, options); !chosen) return fail("advise: " + chosen.error());
  if (!options.what_if.empty()) return tell_what_if(*snapshot, options);
  const auto render = [&](ReportFormat format, const text::Style& style) {
    return render_advice(*snapshot, format, style);
  };
  return emit_rendered(render, options.output);
}

}  // namespace

void register_advise_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("advise", "what to change about pools and allocations, and why");
  const auto options = std::make_shared<AdviseOptions>();
  command->group(kGroupLook);
  command
      ->add_option("FILE|URL", options->sources,
                   "a JSON report, - for stdin, the URL of an agent, a recording, or several: as one, also as a folder")
      ->required()
      ->option_text(" ");
  command->add_option("--target", options->target, "only this target")->type_name("NAME");
  command->add_option("--pool", options->pool, "only this pool or call site")->type_name("NAME");
  command
      ->add_option("--what-if", options->what_if,
                   "what would be with these limits: buffer_bytes=64K,max_idle_buffers=48")
      ->type_name("LIMITS");
  add_time_options(*command, options->span);
  add_report_output_options(*command, options->output);
  command->get_option("--json")->description("as JSON");
  command->get_option("--output")->description("write it there: .json, .md or .txt");
  command->footer(
      "Examples:\n"
      "  poolscope advise http://127.0.0.1:9777\n"
      "  poolscope advise night.poolscope --from -1h --pool frames\n"
      "  poolscope advise night.poolscope.1 night.poolscope -o advice.md\n"
      "  poolscope advise today.json --pool frames --what-if buffer_bytes=64K,max_idle_buffers=48");
  command->callback([options, &invocation] { invocation.run = [options] { return advise(*options); }; });
}

}  // namespace poolscope::cli
