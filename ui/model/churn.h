#pragma once
// The view of churn: what one target allocates, which sizes, for how long, and from where. A pure function of the state.
//   Site map  probes count sizes and lifetimes apart, so which size lives how long is known of call sites only: each is a disc at its mean size and the
//             share of its objects that are freed within 10 ms.
//   Icicle    the outermost caller that is known on top, the caller of the allocator at the bottom; what they allocate as width.
//   Limits    a table has the kMostSites call sites with the most calls, and says how many there are.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ui/model/plots.h"
#include "ui/model/table.h"
#include "ui/model/target_facts.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

inline constexpr std::size_t kMostSites = 1000, kMostSitesInIcicle = 200;

// The call sites of one target, busiest first. It points into the snapshot that it holds.
struct SiteList {
  std::vector<const model::CallSite*> sites;
  std::vector<std::string> ids;  // Row::id of each
  SharedSnapshot snapshot;
};

struct SiteDisc {
  std::string site;                            // Row::id
  const model::CallSite* call_site = nullptr;  // as long as there is the SiteList
  std::string name;
  double mean_bytes = 0;
  double short_lived_ratio = 0;
  double share = 0;  // of the bytes of all discs: their area
};

struct SiteMap {
  std::vector<SiteDisc> discs;  // largest first
  std::string note;             // which sites are not on it, and why
  std::string absent;
};

struct IcicleBlock {
  std::string site;  // Row::id of the busiest site in it
  std::string name;
  unsigned depth = 0;       // 0: outermost
  double from = 0, to = 0;  // of all allocations
  std::string tooltip;
};

struct Icicle {
  std::vector<IcicleBlock> blocks;
  unsigned depth = 0;
  std::string absent;
};

struct Churn {
  std::string target;
  std::vector<Fact> facts;
  TimePlot rate;  // allocations over time
  TimePlot churn;
  ShareBars sizes, lifetimes;
  SiteMap map;
  Icicle icicle;
  std::shared_ptr<const SiteList> sites;  // nullptr without a target
  std::vector<Row> chains;
  std::string sites_note, chains_note;  // "the busiest 1 000 of 2 345", what grew; why there are none
};

[[nodiscard]] Churn make_churn(const ViewerState& state);
namespace site_columns {
enum : std::size_t { kSite, kShare, kCalls, kBytes, kMeanSize, kShortLived };
}
[[nodiscard]] RowMaker site_rows(std::shared_ptr<const SiteList> list);
// What there is to say of a disc.
[[nodiscard]] std::string disc_text(const SiteDisc& disc);
// The same for all targets.
[[nodiscard]] Table make_site_table();
[[nodiscard]] Table make_chain_table();

}  // namespace poolscope::viewer
