#include "agent/config/custom_pool_reader.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace poolscope::config {
namespace {

struct Role {
  const char* key;
  std::vector<PoolFunction> CustomPool::*functions;
  bool has_size = false;
  bool has_object = false;
};
constexpr std::array kRoles = {Role{"get", &CustomPool::get, true, true}, Role{"put", &CustomPool::put, false, true},
                               Role{"miss", &CustomPool::miss}, Role{"grow", &CustomPool::grow}};

void read_argument(Reader& reader, const Value& value, unsigned& out) {
  reader.integer(value, 1, kMaxArgument, out);
}

void read_object(Reader& reader, const Value& value, unsigned& out) {
  if (value.node.kind != Node::Kind::kScalar || value.node.text != "return") return read_argument(reader, value, out);
  reader.error(value,
               "what a function returns is not read, only its arguments 1 to 6; leave `object` out: gets and puts are "
               "counted without it, how long an object stays out is not");
}

constexpr Field<PoolFunction> kFunctionFields[] = {
    {"function", [](Reader& r, const Value& v, PoolFunction& f) { r.text(v, check_symbol, f.name); }},
    {"size", [](Reader& r, const Value& v, PoolFunction& f) { read_argument(r, v, f.size_argument); }},
    {"object", [](Reader& r, const Value& v, PoolFunction& f) { read_object(r, v, f.object_argument); }},
    {"pool", [](Reader& r, const Value& v, PoolFunction& f) { read_argument(r, v, f.pool_argument); }},
    {"optional", [](Reader& r, const Value& v, PoolFunction& f) { r.boolean(v, f.optional); }},
};

// What the map says that this kind of function cannot have.
void check_arguments(Reader& reader, const Value& map, const Role& role, const PoolFunction& function) {
  const auto refuse = [&](const char* key, const std::string& detail) {
    if (const Node* node = find_member(map.node, key)) reader.error(node->position, join(map.path, key), detail);
  };
  if (!role.has_size) refuse("size", "the size is read at a get only; leave it out here");
  if (!role.has_object) refuse("object", "the object is read at a get and a put only; leave it out here");
  const unsigned size = role.has_size ? function.size_argument : 0;
  const bool is_taken = size != 0 && (size == function.object_argument || size == function.pool_argument);
  if (is_taken) refuse("size", "argument " + std::to_string(size) + " cannot be an address and a size");
}

PoolFunction read_function(Reader& reader, const Value& value, const Role& role) {
  PoolFunction function;
  if (value.node.kind == Node::Kind::kScalar) {
    reader.text(value, check_symbol, function.name);
    return function;
  }
  if (value.node.kind != Node::Kind::kMap || find_member(value.node, "function") == nullptr) {
    reader.error(value, "must be the name of a function, or a map with the key `function`");
    return function;
  }
  read_map<PoolFunction>(reader, value, kFunctionFields, function);
  check_arguments(reader, value, role, function);
  return function;
}

void read_functions(Reader& reader, const Value& list, const Role& role, CustomPool& pool) {
  if (list.node.kind != Node::Kind::kSequence || list.node.items.empty()) {
    return reader.error(list, "must be a list of functions; begin each with `- `");
  }
  if (list.node.items.size() > kMaxPoolFunctions) {
    return reader.error(list, "at most " + std::to_string(kMaxPoolFunctions) + " functions, not " +
                                  std::to_string(list.node.items.size()));
  }
  for (std::size_t i = 0; i < list.node.items.size(); ++i) {
    (pool.*role.functions).push_back(read_function(reader, item_of(list, i), role));
  }
}

constexpr Field<CustomPool> kMatchFields[] = {
    {"executable",
     [](Reader& r, const Value& v, CustomPool& p) { r.text(v, check_executable_glob, p.executable_glob); }},
    {"object", [](Reader& r, const Value& v, CustomPool& p) { r.text(v, check_executable_glob, p.object_glob); }},
};

void read_match(Reader& reader, const Value& value, CustomPool& pool) {
  const bool has_conditions = value.node.kind == Node::Kind::kMap && !value.node.members.empty();
  if (has_conditions) return read_map<CustomPool>(reader, value, kMatchFields, pool);
  reader.error(value, "needs executable, object or both");
}

template <std::size_t kRole>
void read_role(Reader& reader, const Value& value, CustomPool& pool) {
  read_functions(reader, value, kRoles[kRole], pool);
}

void read_misplaced_preset(Reader& reader, const Value& value, CustomPool&) {
  reader.error(value, "a preset stands alone in its entry; describe other pools in entries of their own");
}

constexpr Field<CustomPool> kPoolFields[] = {
    {"preset", read_misplaced_preset},
    {"name", [](Reader& r, const Value& v, CustomPool& p) { r.text(v, check_display_text, p.name); }},
    {"match", read_match},
    {"get", read_role<0>},
    {"put", read_role<1>},
    {"miss", read_role<2>},
    {"grow", read_role<3>},
};

// Where the functions of a role are written; read_functions() kept their order.
Value place_of(const Value& pool, const Role& role, std::size_t index) {
  const Value list{*find_member(pool.node, role.key), join(pool.path, role.key)};
  return item_of(list, index);
}

// Counts of one function under two headings, or of some functions by address and of others not, would contradict.
void check_together(Reader& reader, const Value& map, const CustomPool& pool) {
  if (pool.get.empty()) return;
  std::set<std::string> seen;
  const bool has_address = pool.get.front().pool_argument != 0;
  for (const Role& role : kRoles) {
    const auto& functions = pool.*role.functions;
    for (std::size_t i = 0; i < functions.size(); ++i) {
      if (functions[i].name.empty()) continue;
      const Value place = place_of(map, role, i);
      if (!seen.insert(functions[i].name).second) {
        reader.error(place,
                     "`" + shown(functions[i].name) + "` is there twice in this pool; its calls can mean one thing");
      }
      if ((functions[i].pool_argument != 0) == has_address) continue;
      reader.error(place, std::string("`pool` is ") +
                              (has_address ? "missing here" : "given here, not at the first get") +
                              "; give it for all functions of a pool or for none");
    }
  }
}

void check_required(Reader& reader, const Value& map) {
  const auto has = [&](const char* key) { return find_member(map.node, key) != nullptr; };
  if (has("preset")) return;
  if (!has("name")) reader.error(map, "needs a `name`, or `preset` with the name of one");
  if (!has("match")) reader.error(map, "needs `match` with executable, object or both");
  if (!has("get")) reader.error(map, "needs `get`: without it neither rates nor hit ratios can be measured");
}

CustomPool read_pool(Reader& reader, const Value& value) {
  CustomPool pool;
  read_map<CustomPool>(reader, value, kPoolFields, pool);
  check_required(reader, value);
  check_together(reader, value, pool);
  return pool;
}

std::vector<CustomPool> read_preset(Reader& reader, const Value& value) {
  if (value.node.kind != Node::Kind::kScalar) {
    reader.error(value, "must be the name of a preset");
    return {};
  }
  auto pools = preset_pools(value.node.text);
  if (pools) return std::move(pools).value();
  reader.error(value, pools.error());
  return {};
}

std::vector<CustomPool> read_entry(Reader& reader, const Value& entry) {
  if (entry.node.kind != Node::Kind::kMap) {
    reader.error(entry, "must be a map with the keys `name`, `match` and `get`, or with `preset`");
    return {};
  }
  const Node* preset = find_member(entry.node, "preset");
  const bool stands_alone = preset != nullptr && entry.node.members.size() == 1;
  if (stands_alone) return read_preset(reader, Value{*preset, join(entry.path, "preset")});
  return {read_pool(reader, entry)};
}

// What an error about the names of an entry points at.
Value naming_part(const Value& entry) {
  for (const char* key : {"name", "preset"}) {
    if (const Node* node = find_member(entry.node, key)) return Value{*node, join(entry.path, key)};
  }
  return entry;
}

}  // namespace

void read_custom_pools(Reader& reader, const Value& list, std::vector<CustomPool>& out) {
  if (list.node.kind == Node::Kind::kNull) return;
  if (list.node.kind != Node::Kind::kSequence) {
    return reader.error(list, "must be a list; begin each pool with `- `");
  }
  std::map<std::string, int> names;  // and the line of each
  for (std::size_t i = 0; i < list.node.items.size(); ++i) {
    const Value entry = item_of(list, i);
    for (auto& pool : read_entry(reader, entry)) {
      if (out.size() == kMaxCustomPools) {
        return reader.error(entry, "at most " + std::to_string(kMaxCustomPools) + " pools, those of presets included");
      }
      const Value at = naming_part(entry);
      const auto [first, is_first] = names.emplace(pool.name, at.node.position.line);
      if (!is_first && !pool.name.empty()) {
        reader.error(at, "the pool in line " + std::to_string(first->second) + " is called `" + shown(pool.name) +
                             "` too; names must differ");
      }
      out.push_back(std::move(pool));
    }
  }
}

}  // namespace poolscope::config
