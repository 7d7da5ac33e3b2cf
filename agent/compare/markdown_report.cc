#include <algorithm>

#include "agent/compare/report.h"
#include "agent/compare/wording.h"
#include "exporters/text/markdown.h"

namespace poolscope::compare {
namespace {

using text::markdown::code;
using text::markdown::plain;
using text::markdown::row;

std::string row_of(const Row& each) {
  const std::string finding = finding_words(each);
  const std::string change = plain(change_words(each));
  const std::string interval = interval_words(each);
  return row({code(each.name), value_words(each.base, each.metric.unit), value_words(each.fresh, each.metric.unit),
              finding.empty() ? change : "**" + change + "** " + finding, interval, plain(p_words(each)),
              sample_words(each)});
}

std::string tables(const Comparison& comparison) {
  std::string all;
  const auto& rows = comparison.rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Metric& metric = rows[i].metric;
    if (i == 0 || rows[i - 1].metric.name != metric.name) {
      all += "\n" + row({plain(metric_words(metric)), "BASE", "NEW", "NEW/BASE", "95 % interval", "p", "n"}) +
             "|---|---:|---:|---:|---|---:|---:|\n";
    }
    all += row_of(rows[i]);
    if (i + 1 < rows.size() && rows[i + 1].metric.name == metric.name) continue;
    const auto mean = std::ranges::find(comparison.means, metric.name, &GeometricMean::metric);
    if (mean != comparison.means.end()) all += row({"geomean", "", "", format_change(mean->ratio), "", "", ""});
  }
  return all;
}

// As reports of benchmarks sum up: what was wanted, what came, and whether that is enough.
std::string criteria_table(const Comparison& comparison, std::span<const Judgement> judgements) {
  if (judgements.empty()) return "";
  std::string all = "\n## Criteria: " + summary_words(judgements) + "\n\n" +
                    row({"criterion", "target", "row", "actual", "status"}) + "|---|---|---|---|---|\n";
  for (const Judgement& judgement : judgements) {
    const auto& criterion = judgement.criterion;
    const std::string name = plain(criterion_words(criterion));
    if (judgement.rows.empty()) {
      all += row({name, plain(target_words(criterion, nullptr)), "", "no row matches " + code(criterion.benchmark),
                  status_name(judgement.status)});
    }
    for (const JudgedRow& judged : judgement.rows) {
      const Row& each = comparison.rows[judged.row];
      all += row({name, plain(target_words(criterion, &each)), code(each.name),
                  plain(actual_words(criterion, judged, each)), status_name(judged.status)});
    }
  }
  return all;
}

}  // namespace

std::string comparison_markdown(const Comparison& comparison, std::span<const Judgement> judgements) {
  std::string all = "# BASE " + code(comparison.base) + ", NEW " + code(comparison.fresh) + "\n\n" +
                    plain(kind_words(comparison)) + "\n" + tables(comparison) + "\n";
  for (const std::string& note : notes(comparison)) all += "- " + plain(note) + "\n";
  return all + criteria_table(comparison, judgements);
}

}  // namespace poolscope::compare
