#include "ui/model/churn.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "exporters/text/distribution.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {
namespace {

using model::CallSite;
using model::MaybeEstimate;
using model::TargetSnapshot;

constexpr const char* kUnknownYet = "not known: too few bursts saw it";

std::string name_of(const CallSite& site) {
  return text::frame_name(site.symbol, site.object, site.offset);
}

std::string place_of(const CallSite& site) {
  std::string place = text::location(site.object, site.offset);
  if (!site.source.empty()) place += (place.empty() ? "" : "  ") + text::printable(site.source);
  return place;
}

std::string frame_text(const model::Frame& frame) {
  return text::frame_name(frame.symbol, frame.object, frame.offset);
}

// Without what says only that a name belongs to one file: there is no room for it.
std::string short_name(std::string name) {
  constexpr std::string_view kNoise = "(anonymous namespace)::";
  for (auto at = name.find(kNoise); at != std::string::npos; at = name.find(kNoise, at)) name.erase(at, kNoise.size());
  return name;
}

// "Service::serve() → std::vector<char>::resize()": from the site to the caller of the allocator.
std::string way_text(const CallSite& site) {
  std::string way = short_name(name_of(site));
  for (std::size_t i = site.callers.size(); i > 1; --i) way += " → " + short_name(frame_text(site.callers[i - 2]));
  return way;
}

// One frame in a line, the caller of the allocator last.
std::string chain_text(const CallSite& site) {
  std::string chain;
  for (auto frame = site.callers.rbegin(); frame != site.callers.rend(); ++frame)
    chain += std::string(chain.empty() ? "" : "\n→ ") + frame_text(*frame);
  return chain.empty() ? "" : chain + "\n→ the allocator";
}

std::vector<const CallSite*> shown_sites(const TargetSnapshot& target) {
  auto sites = text::sorted_call_sites(target);
  if (sites.size() > kMostSites) sites.resize(kMostSites);
  return sites;
}

double share_of(const CallSite& site) {
  return std::isfinite(site.share_ratio) ? std::clamp(site.share_ratio, 0.0, 1.0) : 0;
}

// Of the objects that it makes: what is known of their size. Nothing while no rate is.
std::optional<double> mean_bytes(const CallSite& site) {
  double bytes = 0, calls = 0;
  if (site.counted_bytes && site.counted_calls) {
    bytes = static_cast<double>(*site.counted_bytes);
    calls = static_cast<double>(*site.counted_calls);
  } else if (site.bytes_per_second && site.per_second) {
    bytes = site.bytes_per_second->value;
    calls = site.per_second->value;
  }
  const double mean = calls > 0 ? bytes / calls : 0;
  return mean > 0 && std::isfinite(mean) ? std::optional(mean) : std::nullopt;
}

double bytes_weight(const CallSite& site) {
  const double bytes = site.counted_bytes      ? static_cast<double>(*site.counted_bytes)
                       : site.bytes_per_second ? site.bytes_per_second->value
                                               : 0;
  return std::isfinite(bytes) ? std::max(bytes, 0.0) : 0;
}

Cell counted_cell(std::uint64_t count, Unit unit) {
  return cell_of(static_cast<double>(count), unit, "", "");
}

Cell bytes_cell(const CallSite& site) {
  return site.counted_bytes ? counted_cell(*site.counted_bytes, Unit::kBytes)
                            : cell_of(site.bytes_per_second, Unit::kBytes, "/s", kUnknownYet);
}

Row site_row(const CallSite& site, std::string id) {
  Row row{std::move(id), {}};
  const std::string name = name_of(site), place = place_of(site), chain = chain_text(site);
  std::string tooltip = name;
  for (const std::string* part : {&place, &chain})
    if (!part->empty() && *part != name) tooltip += "\n" + *part;
  row.cells.push_back({way_text(site), std::move(tooltip), {}, Tone::kPlain});
  row.cells.push_back(cell_of(std::optional(site.share_ratio), Unit::kRatio, "", ""));
  row.cells.push_back(site.counted_calls ? counted_cell(*site.counted_calls, Unit::kCount)
                                         : cell_of(site.per_second, Unit::kCount, "/s", kUnknownYet));
  row.cells.push_back(bytes_cell(site));
  row.cells.push_back(cell_of(mean_bytes(site), Unit::kBytes, "", kUnknownYet));
  row.cells.push_back(
      cell_of(site.short_lived_ratio, Unit::kRatio, "", "not known: fewer than 20 of its objects were followed"));
  return row;
}

std::optional<double> calls_of(const CallSite& site) {
  return site.counted_calls ? std::optional(static_cast<double>(*site.counted_calls)) : value_of(site.per_second);
}

std::optional<double> bytes_of(const CallSite& site) {
  return site.counted_bytes ? std::optional(static_cast<double>(*site.counted_bytes)) : value_of(site.bytes_per_second);
}

// The number of that cell of site_row(), without its words.
std::optional<double> site_number(const CallSite& site, std::size_t column) {
  switch (column) {
    case site_columns::kShare:
      return site.share_ratio;
    case site_columns::kCalls:
      return calls_of(site);
    case site_columns::kBytes:
      return bytes_of(site);
    case site_columns::kMeanSize:
      return mean_bytes(site);
    case site_columns::kShortLived:
      return site.short_lived_ratio;
    default:
      return std::nullopt;
  }
}

Row chain_row(const model::GrowthChain& chain, std::string id) {
  const auto bytes = [](std::uint64_t value) { return text::format_bytes(static_cast<double>(value)); };
  Row row{std::move(id), {}};
  const std::string name = text::frame_name(chain.symbol, chain.object, chain.offset);
  row.cells.push_back({name, name + "\n" + text::location(chain.object, chain.offset), {}, Tone::kPlain});
  row.cells.push_back(counted_cell(chain.first_bytes, Unit::kBytes));
  row.cells.push_back(counted_cell(chain.final_bytes_p50, Unit::kBytes));
  row.cells.back().tooltip += "; 95 % end by " + bytes(chain.final_bytes_p95);
  row.cells.push_back(cell_of(std::optional(chain.steps), Unit::kCount, "", ""));
  row.cells.push_back(chain.counted_chains ? counted_cell(*chain.counted_chains, Unit::kCount)
                                           : cell_of(chain.per_second, Unit::kCount, "/s", kUnknownYet));
  row.cells.push_back(chain.counted_copied_bytes
                          ? counted_cell(*chain.counted_copied_bytes, Unit::kBytes)
                          : cell_of(chain.copied_bytes_per_second, Unit::kBytes, "/s", kUnknownYet));
  return row;
}

ShareBars size_bars(const TargetSnapshot& target) {
  ShareBars bars{"churn.sizes", "Sizes", "", {}, ""};
  const auto& sizes = target.allocations.size_bytes;
  model::BucketList buckets = sizes ? sizes->buckets : model::BucketList();
  if (sizes) {
    const auto bytes = [](std::uint64_t value) { return text::format_bytes(static_cast<double>(value)); };
    bars.summary = "p50 " + bytes(sizes->p50) + "  p95 " + bytes(sizes->p95) + "  p99 " + bytes(sizes->p99);
  } else if (target.gc) {
    buckets = text::gc_size_buckets(*target.gc);
    bars.summary = "objects by size class, since the start";
  }
  for (const auto& row : text::size_rows(buckets))
    bars.rows.push_back({text::size_label(row), row.share, exact_text(row.share, Unit::kRatio) + " of the objects"});
  if (bars.rows.empty()) {
    bars.summary.clear();
    bars.absent = why_not_measured(target, target.gc ? "go_runtime" : "alloc_bursts");
  }
  return bars;
}

std::string why_no_lifetimes(const TargetSnapshot& target) {
  if (target.gc) {
    return "not measured: the objects of a Go program die when a collection finds them. What survives a collection is "
           "the churn above.";
  }
  return why_not_measured(target, "alloc_cohorts");
}

ShareBars lifetime_bars(const TargetSnapshot& target) {
  ShareBars bars{"churn.lifetimes", "Lifetimes", "", {}, ""};
  const auto& lifetime = target.allocations.lifetime;
  if (lifetime) {
    for (const auto& row : text::lifetime_rows(*lifetime))
      bars.rows.push_back(
          {text::lifetime_label(row), row.share, exact_text(row.share, Unit::kRatio) + " of the objects"});
    const std::string over = "over " + text::format_seconds(lifetime->identified_below_seconds);
    const auto quantile = [&](const std::optional<double>& value) {
      return value ? text::format_seconds(*value) : over;
    };
    bars.summary = "p50 " + quantile(lifetime->p50_seconds) + "  p95 " + quantile(lifetime->p95_seconds);
  }
  if (bars.rows.empty()) {
    bars.summary.clear();
    bars.absent = why_no_lifetimes(target);
  }
  return bars;
}

SiteMap site_map(const TargetSnapshot& target, const SiteList& list) {
  const auto& sites = list.sites;
  SiteMap map;
  double all = 0;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const CallSite& site = *sites[i];
    const auto bytes = mean_bytes(site);
    if (!bytes || !site.short_lived_ratio || !std::isfinite(*site.short_lived_ratio)) continue;
    all += bytes_weight(site);
    map.discs.push_back({list.ids[i], &site, short_name(name_of(site)), *bytes,
                         std::clamp(*site.short_lived_ratio, 0.0, 1.0), bytes_weight(site)});
  }
  for (SiteDisc& disc : map.discs) disc.share = all > 0 ? disc.share / all : 0;
  std::ranges::stable_sort(map.discs, std::greater{}, &SiteDisc::share);
  const std::size_t left_out = sites.size() - map.discs.size();
  if (map.discs.empty()) {
    map.absent = sites.empty() ? "no call site is known: " + why_not_measured(target, "alloc_bursts")
                               : "fewer than 20 objects of each call site were followed; " + why_no_lifetimes(target);
  } else if (left_out > 0) {
    map.note = text::format_exact(left_out) + " not drawn: too few of their objects were followed";
  }
  return map;
}

// A frame and what is known below it.
struct Node {
  std::string name;
  double share = 0, largest = 0;
  std::string site;  // the busiest
  std::vector<Node> inner;
};

Node& child_of(Node& node, const std::string& name) {
  const auto found = std::ranges::find(node.inner, name, &Node::name);
  if (found != node.inner.end()) return *found;
  node.inner.push_back({name, 0, 0, "", {}});
  return node.inner.back();
}

void add_to(Node& node, double share, const std::string& site) {
  node.share += share;
  if (node.site.empty() || share > node.largest) {
    node.largest = share;
    node.site = site;
  }
}

void lay_out(Icicle& icicle, std::vector<Node>& nodes, unsigned depth, double from) {
  std::ranges::stable_sort(nodes, std::greater{}, &Node::share);
  for (Node& node : nodes) {
    const double to = std::min(from + node.share, 1.0);
    icicle.blocks.push_back({node.site, short_name(node.name), depth, from, to,
                             node.name + "\n" + exact_text(node.share, Unit::kRatio) + " of the allocations"});
    icicle.depth = std::max(icicle.depth, depth + 1);
    lay_out(icicle, node.inner, depth + 1, from);
    from = to;
  }
}

Icicle make_icicle(const TargetSnapshot& target, const SiteList& list) {
  const auto& sites = list.sites;
  Icicle icicle;
  Node root;
  for (std::size_t i = 0; i < std::min(sites.size(), kMostSitesInIcicle); ++i) {
    const CallSite& site = *sites[i];
    if (share_of(site) <= 0) continue;
    Node* node = &root;
    for (auto frame = site.callers.rbegin(); frame != site.callers.rend(); ++frame) {
      node = &child_of(*node, frame_text(*frame));
      add_to(*node, share_of(site), list.ids[i]);
    }
    if (site.callers.empty()) add_to(child_of(root, name_of(site)), share_of(site), list.ids[i]);
  }
  lay_out(icicle, root.inner, 0, 0);
  if (icicle.blocks.empty()) icicle.absent = "no call site is known: " + why_not_measured(target, "alloc_bursts");
  return icicle;
}

void add_sites(Churn& churn, const TargetSnapshot& target, const SharedSnapshot& snapshot) {
  const auto list = std::make_shared<SiteList>(SiteList{shown_sites(target), {}, snapshot});
  const auto& sites = list->sites;
  UniqueIds unique;
  for (const CallSite* site : sites) list->ids.push_back(unique(name_of(*site)));
  churn.sites = list;
  churn.map = site_map(target, *list);
  churn.icicle = make_icicle(target, *list);
  if (sites.empty()) {
    churn.sites_note = "none is known: " + why_not_measured(target, "alloc_bursts");
  } else if (sites.size() < target.call_sites.size()) {
    churn.sites_note =
        "the busiest " + text::format_exact(sites.size()) + " of " + text::format_exact(target.call_sites.size());
  } else {
    churn.sites_note = text::format_exact(sites.size()) + " in all";
  }
}

void add_chains(Churn& churn, const TargetSnapshot& target) {
  auto chains = text::sorted_growth_chains(target);
  const std::size_t all = chains.size();
  if (all > kMostSites) chains.resize(kMostSites);
  UniqueIds unique;
  for (const auto* chain : chains)
    churn.chains.push_back(chain_row(*chain, unique(text::frame_name(chain->symbol, chain->object, chain->offset))));
  churn.chains_note = text::grown_by(target);
  if (all > chains.size())
    churn.chains_note += "; " + text::format_exact(chains.size()) + " of " + text::format_exact(all);
  if (all == 0) churn.chains_note = std::string("no ") + text::grown_by(target) + " were seen";
}

MaybeEstimate bytes_rate(const TargetSnapshot& target) {
  if (target.allocations.bytes_per_second) return target.allocations.bytes_per_second;
  return target.gc ? as_estimate(target.gc->allocated_bytes_per_second) : std::nullopt;
}

MaybeEstimate churn_of(const TargetSnapshot& target) {
  if (target.allocations.churn_ratio) return target.allocations.churn_ratio;
  return target.gc ? as_estimate(target.gc->churn_ratio) : std::nullopt;
}

}  // namespace

Churn make_churn(const ViewerState& state) {
  Churn churn;
  const TargetSnapshot* target = chosen_target(state);
  if (target == nullptr) return churn;
  churn.target = text::printable(target->name);
  churn.facts = facts_of(text::quantities(*target));
  churn.rate = {"churn.rate", "Allocated", Unit::kBytes, "/s", {}, false, {}, ""};
  churn.rate.lines.push_back({"allocated", series_of(state.history(), target->name, OfTarget(bytes_rate)), 0});
  churn.rate.absent = why_not_measured(*target, target->gc ? "go_runtime" : "alloc_bursts");
  churn.churn = {"churn.churn", "Churn", Unit::kRatio, "", {}, false, 1.0, ""};
  churn.churn.lines.push_back({target->gc ? "does not survive a collection" : "freed within 10 ms",
                               series_of(state.history(), target->name, OfTarget(churn_of)), 1});
  churn.churn.absent = why_not_measured(*target, target->gc ? "go_runtime" : "alloc_cohorts");
  churn.sizes = size_bars(*target);
  churn.lifetimes = lifetime_bars(*target);
  add_sites(churn, *target, state.shared_shown());
  add_chains(churn, *target);
  return churn;
}

RowMaker site_rows(std::shared_ptr<const SiteList> list) {
  if (list == nullptr) return {};
  return {list->sites.size(), [list](std::size_t index) { return site_row(*list->sites[index], list->ids[index]); },
          [list](std::size_t index, std::size_t column) { return site_number(*list->sites[index], column); },
          [list](std::size_t index, std::size_t column) {
            return column == site_columns::kSite ? way_text(*list->sites[index]) : std::string();
          }};
}

std::string disc_text(const SiteDisc& disc) {
  const CallSite& site = *disc.call_site;
  return name_of(site) + "\nmean size " + exact_text(disc.mean_bytes, Unit::kBytes) + "\nfreed within 10 ms " +
         exact_text(disc.short_lived_ratio, Unit::kRatio) + "\n" + bytes_cell(site).text + " allocated";
}

Table make_site_table() {
  return Table({{"call site", "the first caller outside of allocation functions", false},
                {"share", "of all allocating calls", true, true},
                {"allocs", "per second; where every event was traced, how many", true, true},
                {"bytes", "allocated per second; where every event was traced, how many", true, true},
                {"mean size", "bytes per allocation", true, true},
                {"<10 ms", "share of its objects that are freed within 10 ms", true, true}});
}

Table make_chain_table() {
  return Table({{"grows", "where the buffer is made that grows", false},
                {"first", "size that it begins with", true, true},
                {"final", "half of them end with at most that", true, true},
                {"steps", "how often it grows, on average", true, true},
                {"chains", "per second; where every event was traced, how many", true, true},
                {"copied", "bytes per second; where every event was traced, how many", true, true}});
}

}  // namespace poolscope::viewer
