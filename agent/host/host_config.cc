#include "agent/host/host_config.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/config/reader.h"
#include "agent/config/yaml_tree.h"
#include "pools/hosted/wire.h"
#include "poolscope/detail/hosted_words.h"

namespace poolscope::host {
namespace {

using config::Complaint;
using config::Field;
using config::Node;
using config::Reader;
using config::Value;

constexpr std::int64_t kMaxUid = 4'294'967'294;  // above it is "no uid"
constexpr std::uint64_t kMaxPoolBytes = std::uint64_t{1} << 40;

Complaint check_pool_name(std::string_view name) {
  if (Complaint complaint = config::check_display_text(name)) return complaint;
  if (name.size() > hosted::kMaxNameBytes) return "a name of a pool has at most 95 bytes";
  return std::nullopt;
}

void read_uids(Reader& reader, const Value& list, PoolConfig& pool) {
  if (list.node.kind != Node::Kind::kSequence || list.node.items.empty())
    return reader.error(list, "must be a list of user ids, such as [1000, 1001]");
  for (std::size_t i = 0; i < list.node.items.size(); ++i) {
    uid_t uid = 0;
    reader.integer(config::item_of(list, i), 0, kMaxUid, uid);
    pool.open_to_uids.push_back(uid);
  }
}

void read_sizing(Reader& reader, const Value& value, PoolConfig& pool) {
  constexpr std::pair<std::string_view, Sizing> kPolicies[] = {
      {"fixed", Sizing::kFixed}, {"overflow_band", Sizing::kOverflowBand}, {"quantile", Sizing::kQuantile}};
  const auto* found = std::ranges::find(kPolicies, value.node.text, &std::pair<std::string_view, Sizing>::first);
  if (value.node.kind != Node::Kind::kScalar || found == std::end(kPolicies))
    return reader.error(value, "must be fixed, overflow_band or quantile");
  pool.sizing = found->second;
}

constexpr Field<PoolConfig> kPoolFields[] = {
    {"name", [](Reader& r, const Value& v, PoolConfig& p) { r.text(v, check_pool_name, p.name); }},
    {"buffer_bytes",
     [](Reader& r, const Value& v, PoolConfig& p) {
       r.integer(v, 1, static_cast<std::int64_t>(hosted::kMaxBufferBytes), p.buffer_bytes);
     }},
    {"buffers",
     [](Reader& r, const Value& v, PoolConfig& p) { r.integer(v, 1, detail::kMaxHostedBuffers, p.buffers); }},
    {"max_buffers",
     [](Reader& r, const Value& v, PoolConfig& p) { r.integer(v, 1, detail::kMaxHostedBuffers, p.max_buffers); }},
    {"open_to_uids", read_uids},
    {"sizing", read_sizing},
    {"min_buffers",
     [](Reader& r, const Value& v, PoolConfig& p) { r.integer(v, 1, detail::kMaxHostedBuffers, p.min_buffers); }},
};

void check_sizing(Reader& reader, const Value& value, PoolConfig& pool) {
  const bool has_min = config::find_member(value.node, "min_buffers") != nullptr;
  if (has_min && pool.sizing == Sizing::kFixed)
    reader.error(value, "min_buffers is for `sizing: overflow_band` and `sizing: quantile`");
  if (!has_min) pool.min_buffers = pool.buffers;
  if (pool.min_buffers > pool.max_buffers) reader.error(value, "min_buffers must be at most max_buffers");
}

PoolConfig read_pool(Reader& reader, const Value& value) {
  PoolConfig pool;
  if (value.node.kind != Node::Kind::kMap) {
    reader.error(value, "must be a map with the keys name, buffer_bytes, buffers");
    return pool;
  }
  config::read_map<PoolConfig>(reader, value, kPoolFields, pool);
  for (const char* key : {"name", "buffer_bytes", "buffers"}) {
    if (config::find_member(value.node, key) == nullptr)
      reader.error(value, std::string("needs the key `") + key + "`");
  }
  if (config::find_member(value.node, "max_buffers") == nullptr) pool.max_buffers = pool.buffers;
  if (pool.max_buffers < pool.buffers) reader.error(value, "max_buffers must be at least buffers");
  check_sizing(reader, value, pool);
  if (hosted::stride_for(pool.buffer_bytes) * pool.max_buffers > kMaxPoolBytes)
    reader.error(value, "max_buffers of buffer_bytes are more than 1 TiB");
  return pool;
}

void read_pools(Reader& reader, const Value& list, std::vector<PoolConfig>& pools) {
  if (list.node.kind != Node::Kind::kSequence || list.node.items.empty())
    return reader.error(list, "must be a list of pools; begin each with `- name:`");
  if (list.node.items.size() > kMaxPools) return reader.error(list, "at most 256 pools");
  std::map<std::string, int> lines;
  for (std::size_t i = 0; i < list.node.items.size(); ++i) {
    const Value item = config::item_of(list, i);
    pools.push_back(read_pool(reader, item));
    const auto [first, is_first] = lines.emplace(pools.back().name, item.node.position.line);
    if (!is_first)
      reader.error(item, "the pool in line " + std::to_string(first->second) + " has this name too; names must differ");
  }
}

constexpr Field<std::vector<PoolConfig>> kRootFields[] = {{"pools", read_pools}};

}  // namespace

PoolsOrErrors parse_pools(std::string_view yaml, std::string file_name) {
  const auto tree = config::parse_yaml(yaml);
  if (!tree) {
    const auto& [position, detail] = tree.error();
    return Failure{
        std::vector<config::ConfigError>{{std::move(file_name), position.line, position.column, "", detail}}};
  }
  Reader reader(std::move(file_name));
  std::vector<PoolConfig> pools;
  config::read_map<std::vector<PoolConfig>>(reader, Value{*tree, ""}, kRootFields, pools);
  if (config::find_member(*tree, "pools") == nullptr) reader.error({}, "pools", "there are no pools to serve");
  auto errors = reader.take_errors();
  if (!errors.empty()) return Failure{std::move(errors)};
  return pools;
}

PoolsOrErrors load_pools(const std::string& path) {
  const auto text = config::read_config_text(path);
  if (!text) return Failure{text.error()};
  return parse_pools(*text, path);
}

}  // namespace poolscope::host
