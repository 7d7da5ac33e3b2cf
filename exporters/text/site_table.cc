#include "exporters/text/site_table.h"

#include <algorithm>

#include "exporters/text/format.h"
#include "exporters/text/wording.h"

namespace poolscope::text {
namespace {

using model::CallSite;
using model::GrowthChain;
using model::TargetSnapshot;

constexpr unsigned kShare = 8, kCount = 12, kBytes = 12, kShortLived = 9, kGap = 2;
constexpr unsigned kSiteColumn = kShare + kCount + kBytes + kShortLived + kGap;
constexpr unsigned kMinSiteColumns = 24;
constexpr unsigned kGrowth = 31, kSteps = 7, kChains = 10, kCopied = 11, kMinChainSite = 18;
constexpr unsigned kChainColumn = kGrowth + kSteps + kChains + kCopied + kGap;

std::string value_or_dash(const model::MaybeEstimate& estimate, std::string (*format)(double)) {
  return estimate ? format(estimate->value) : "–";
}

std::string calls_text(const CallSite& site) {
  return site.counted_calls ? format_exact(*site.counted_calls) : value_or_dash(site.per_second, format_count);
}

std::string bytes_text(const CallSite& site) {
  if (site.counted_bytes) return format_bytes(static_cast<double>(*site.counted_bytes));
  return value_or_dash(site.bytes_per_second, format_bytes);
}

Line site_header(const TargetSnapshot& target) {
  Line line;
  line.add_right("share", kShare, Tone::kDim);
  line.add_right(target.exact ? "calls" : "allocs/s", kCount, Tone::kDim);
  line.add_right(target.exact ? "bytes" : "bytes/s", kBytes, Tone::kDim);
  line.add_right("<10 ms", kShortLived, Tone::kDim);
  line.pad_to(kSiteColumn).add("call site", Tone::kDim);
  return line;
}

Line site_numbers(const CallSite& site) {
  Line line;
  line.add_right(format_ratio(site.share_ratio), kShare, Tone::kStrong);
  line.add_right(calls_text(site), kCount).add_right(bytes_text(site), kBytes);
  line.add_right(site.short_lived_ratio ? format_ratio(*site.short_lived_ratio) : "–", kShortLived);
  return std::move(line.pad_to(kSiteColumn));
}

std::string place(const CallSite& site) {
  // a site without symbol has its location for a name
  std::string text = site.symbol.empty() ? "" : location(site.object, site.offset);
  if (!site.source.empty()) text += (text.empty() ? "" : "  ") + printable(site.source);
  return text;
}

// "← dictAdd ← setCommand …", with as many callers as fit.
std::string callers_text(const std::vector<model::Frame>& callers, unsigned columns) {
  constexpr unsigned kMaxName = 40, kMore = 2;
  std::string text;
  for (const auto& frame : callers) {
    const std::string name = cut_middle(frame_name(frame.symbol, frame.object, frame.offset), kMaxName);
    const std::string step = (text.empty() ? "← " : " ← ") + name;
    const unsigned width = display_width(text) + display_width(step) + (&frame == &callers.back() ? 0 : kMore);
    if (width > columns) return text.empty() ? cut_end(step, columns) : text + " …";
    text += step;
  }
  return text;
}

// Columns for names; 0 when the terminal is too narrow to put them beside the numbers.
unsigned site_columns(unsigned width) {
  return width >= kSiteColumn + kMinSiteColumns ? width - kSiteColumn : 0;
}

// Both on one line, shortened if they have to share it; the name alone when they do not fit and need not.
Line name_and_place(const std::string& name, const std::string& where, unsigned columns, bool one_line) {
  const bool fits = display_width(name) + kGap + display_width(where) <= columns;
  if (where.empty() || (!fits && !one_line)) return Line(cut_middle(name, columns));
  const unsigned where_columns = fits ? columns : std::min(display_width(where), columns / 2);
  Line line(fits ? name : cut_middle(name, columns - where_columns - kGap));
  return std::move(line.add(std::string(kGap, ' ')).add(cut_middle(where, where_columns), Tone::kDim));
}

Lines wide_site_lines(const CallSite& site, unsigned columns) {
  const std::string name = frame_name(site.symbol, site.object, site.offset);
  const std::string where = place(site);
  const bool one_line = display_width(name) + kGap + display_width(where) <= columns;
  Lines lines{site_numbers(site)};
  lines.front().append(name_and_place(name, where, columns, one_line));
  const auto below = [&](const std::string& text) {
    if (!text.empty()) lines.push_back(std::move(Line(std::string(kSiteColumn, ' ')).add(text, Tone::kDim)));
  };
  if (!one_line) below(cut_middle(where, columns));
  below(callers_text(site.callers, columns));
  return lines;
}

Lines site_lines(const CallSite& site, unsigned width) {
  if (const unsigned columns = site_columns(width); columns > 0) return wide_site_lines(site, columns);
  constexpr unsigned kIndent = 4;
  Lines lines{Line("  " + cut_middle(frame_name(site.symbol, site.object, site.offset), width - 2))};
  if (const std::string where = place(site); !where.empty()) {
    lines.push_back(std::move(Line(std::string(kIndent, ' ')).add(cut_middle(where, width - kIndent), Tone::kDim)));
  }
  lines.push_back(site_numbers(site));
  return lines;
}

// "and 14 more call sites with 12.3 % of the calls"
Line rest_line(const std::vector<const CallSite*>& sites, std::size_t shown) {
  double share = 0;
  for (std::size_t i = shown; i < sites.size(); ++i) share += sites[i]->share_ratio;
  return Line("  and " + format_exact(sites.size() - shown) + " more with " + format_ratio(share) + " of the calls",
              Tone::kDim);
}

Line chain_header(const TargetSnapshot& target) {
  Line line;
  line.add_right("first → final p50 (p95)", kGrowth, Tone::kDim).add_right("steps", kSteps, Tone::kDim);
  line.add_right(target.exact ? "chains" : "chains/s", kChains, Tone::kDim);
  line.add_right(target.exact ? "copied" : "copied/s", kCopied, Tone::kDim)
      .pad_to(kChainColumn)
      .add("call site", Tone::kDim);
  return line;
}

Lines chain_lines(const GrowthChain& chain, unsigned width) {
  const auto bytes = [](std::uint64_t value) { return format_bytes(static_cast<double>(value)); };
  Line line;
  line.add_right(
      bytes(chain.first_bytes) + " → " + bytes(chain.final_bytes_p50) + " (" + bytes(chain.final_bytes_p95) + ")",
      kGrowth);
  line.add_right(format_count(chain.steps), kSteps);
  line.add_right(
      chain.counted_chains ? format_exact(*chain.counted_chains) : value_or_dash(chain.per_second, format_count),
      kChains);
  line.add_right(chain.counted_copied_bytes ? bytes(*chain.counted_copied_bytes)
                                            : value_or_dash(chain.copied_bytes_per_second, format_bytes),
                 kCopied, Tone::kStrong);
  const std::string name = frame_name(chain.symbol, chain.object, chain.offset);
  const std::string where = chain.symbol.empty() ? "" : location(chain.object, chain.offset);
  if (width < kChainColumn + kMinChainSite) return {line, Line("    " + cut_middle(name, width - 4), Tone::kDim)};
  return {std::move(line.pad_to(kChainColumn).append(name_and_place(name, where, width - kChainColumn, false)))};
}

}  // namespace

Lines call_site_table(const TargetSnapshot& target, unsigned width, std::size_t max_sites) {
  const auto sites = sorted_call_sites(target);
  if (sites.empty()) return {};
  const std::size_t shown = std::min(sites.size(), max_sites);
  Lines lines{std::move(Line("  ")
                            .add("call sites", Tone::kStrong)
                            .add("   <10 ms: share of the objects that are freed within 10 ms", Tone::kDim)),
              site_header(target)};
  for (std::size_t i = 0; i < shown; ++i) {
    const Lines site = site_lines(*sites[i], width);
    lines.insert(lines.end(), site.begin(), site.end());
  }
  if (shown < sites.size()) lines.push_back(rest_line(sites, shown));
  return lines;
}

Lines short_call_site_table(const TargetSnapshot& target, unsigned width, std::size_t max_sites) {
  const auto sites = sorted_call_sites(target);
  if (sites.empty()) return {};
  const unsigned columns = std::max(site_columns(width), kMinSiteColumns);
  Lines lines{site_header(target)};
  for (std::size_t i = 0; i < std::min(sites.size(), max_sites); ++i) {
    const std::string name = frame_name(sites[i]->symbol, sites[i]->object, sites[i]->offset);
    lines.push_back(std::move(site_numbers(*sites[i]).append(name_and_place(name, place(*sites[i]), columns, true))));
  }
  return lines;
}

Lines growth_chain_table(const TargetSnapshot& target, unsigned width, std::size_t max_chains) {
  const auto chains = sorted_growth_chains(target);
  if (chains.empty()) return {};
  Lines lines{
      std::move(Line("  ").add("growth chains", Tone::kStrong).add(std::string("   ") + grown_by(target), Tone::kDim)),
      chain_header(target)};
  for (std::size_t i = 0; i < std::min(chains.size(), max_chains); ++i) {
    const Lines chain = chain_lines(*chains[i], width);
    lines.insert(lines.end(), chain.begin(), chain.end());
  }
  if (chains.size() > max_chains) {
    lines.emplace_back("  and " + format_exact(chains.size() - max_chains) + " more", Tone::kDim);
  }
  return lines;
}

}  // namespace poolscope::text
